//! Which columns are learnt from.

use crate::learn::dataset::Dataset;

/// Why columns cannot be chosen so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// A pattern names nothing.
    #[error("no column is called {pattern:?}; there are {}", some(columns))]
    NoneCalled {
        /// The pattern.
        pattern: String,
        /// The columns that there are.
        columns: Vec<String>,
    },
    /// Nothing is left.
    #[error("--include and --exclude leave no column to learn from")]
    NoneLeft,
}

/// The first few of many names.
fn some(names: &[String]) -> String {
    const MOST: usize = 12;
    let first = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Keeps the columns that a pattern of `include` names (all, if there is none) and none of `exclude` does.
pub(super) fn choose(data: Dataset, include: &[String], exclude: &[String]) -> Result<Dataset, ColumnError> {
    for pattern in include.iter().chain(exclude) {
        if !data.columns.iter().any(|c| matches(pattern, c)) {
            return Err(ColumnError::NoneCalled {
                pattern: pattern.clone(),
                columns: data.columns,
            });
        }
    }
    let any = |patterns: &[String], column: &str| patterns.iter().any(|p| matches(p, column));
    let kept: Vec<usize> = (0..data.columns.len())
        .filter(|&c| include.is_empty() || any(include, &data.columns[c]))
        .filter(|&c| !any(exclude, &data.columns[c]))
        .collect();
    if kept.is_empty() {
        return Err(ColumnError::NoneLeft);
    }
    if kept.len() == data.columns.len() {
        return Ok(data);
    }
    let width = data.columns.len();
    Ok(Dataset {
        columns: kept.iter().map(|&c| data.columns[c].clone()).collect(),
        values: data
            .values
            .chunks_exact(width)
            .flat_map(|row| kept.iter().map(|&c| row[c]))
            .collect(),
        ..data
    })
}

/// True where `text` is what `pattern` says: `*` stands for any characters, `?` for any one, others for themselves.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when what followed the last `*` does not fit: let it stand for one character more.
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut back {
                Some((after, from)) => {
                    *from += 1;
                    (p, t) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("pt_mel_*", "pt_mel_17", true),
            ("pt_mel_?", "pt_mel_17", false),
            ("*rms*", "perc_to_total_rms", true),
            ("*a*b", "xaabab", true),
            ("*a*b", "xaaba", false),
            ("bars", "bars", true),
            ("bars", "bars2", false),
            ("", "", true),
            ("**", "anything", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn columns_are_chosen_and_typing_errors_told() {
        let data = Dataset {
            columns: ["a", "b_0", "b_1"].map(String::from).to_vec(),
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            weights: vec![0.0, 1.0],
            ..Dataset::default()
        };
        let choose = |include: &[&str], exclude: &[&str]| {
            let owned = |p: &[&str]| p.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
            choose(data.clone(), &owned(include), &owned(exclude))
        };
        assert_eq!(choose(&[], &[]).unwrap(), data);
        let some = choose(&["a", "b_*"], &["b_1"]).unwrap();
        assert_eq!(
            (some.columns.join(","), some.values),
            ("a,b_0".into(), vec![1.0, 2.0, 4.0, 5.0])
        );
        assert_eq!(choose(&["a"], &["*"]), Err(ColumnError::NoneLeft));
        let wrong = choose(&[], &["pt_*"]).unwrap_err().to_string();
        assert!(wrong.contains("\"pt_*\"") && wrong.contains("b_0"), "{wrong}");
    }
}
