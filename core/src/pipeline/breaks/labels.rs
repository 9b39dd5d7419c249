//! What a person says of clusters of hits: tables as `breaks` writes them, with `class_label` changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::drums::class::Class;
use crate::export::table::undisarmed;

/// What a person says of clusters: classes by track (its folder), break (1 the first) and cluster.
pub type Labels = BTreeMap<(String, u32, usize), Class>;

/// A table of clusters that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct LabelsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and in which line.
    pub problem: String,
}

/// Columns that are read; others are for people.
const COLUMNS: [&str; 4] = ["track_id", "break_index", "cluster", "class_label"];

/// Reads tables of clusters. Of two that speak of one cluster the later holds.
pub fn read(files: &[PathBuf]) -> Result<Labels, LabelsError> {
    let mut labels = Labels::new();
    for path in files {
        one(path, &mut labels).map_err(|problem| LabelsError {
            path: path.clone(),
            problem,
        })?;
    }
    Ok(labels)
}

fn one(file: &Path, labels: &mut Labels) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read: {e}"))?;
    let mut table = csv::Reader::from_reader(text.trim_start_matches('\u{FEFF}').as_bytes());
    let header = table.headers().map_err(|e| e.to_string())?.clone();
    let mut at = [0; COLUMNS.len()];
    for (at, column) in at.iter_mut().zip(COLUMNS) {
        *at = header
            .iter()
            .position(|h| h.trim() == column)
            .ok_or_else(|| format!("has no column {column}; take a clusters.csv that `breaks` wrote"))?;
    }
    for row in table.records() {
        let row = row.map_err(|e| e.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        let field = |i: usize| row.get(at[i]).unwrap_or_default().trim();
        let wrong = |i: usize, expected: &str| {
            format!(
                "line {line}: {} is {:?}, must be {expected}",
                COLUMNS[i],
                field(i).chars().take(40).collect::<String>()
            )
        };
        let number = field(1).parse().map_err(|_| wrong(1, "a number"))?;
        let cluster = field(2).parse().map_err(|_| wrong(2, "a number"))?;
        let classes = "one of kick, snare, hat_closed, hat_open, tom, clap, crash, ride, perc, bass, lead, stab, fx";
        let class = Class::parse(field(3))
            .filter(|c| *c != Class::Silence)
            .ok_or_else(|| wrong(3, classes))?;
        labels.insert((undisarmed(field(0)).to_owned(), number, cluster), class);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::drums::class::Drum;

    use super::*;

    fn labels(text: &str) -> Result<Labels, LabelsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clusters.csv");
        std::fs::write(&file, text).unwrap();
        read(&[file])
    }

    #[test]
    fn tables_are_read_by_column_and_faults_named() {
        let good = labels(
            "cluster,note,class_label,track_id,break_index\n3,x,clap,'=a/b,1\n0,,other,\"c, d\",2\n3,,ride,'=a/b,1\n",
        )
        .unwrap();
        assert_eq!(good.len(), 2);
        assert_eq!(good[&("=a/b".to_owned(), 1, 3)], Class::Drum(Drum::Ride));
        assert_eq!(good[&("c, d".to_owned(), 2, 0)], Class::Drum(Drum::Perc));
        for (text, named) in [
            ("track_id,cluster,class_label\n", "break_index"),
            (
                "track_id,break_index,cluster,class_label\na,1,0,kik\n",
                "line 2: class_label is \"kik\"",
            ),
            (
                "track_id,break_index,cluster,class_label\na,1,0,kick\na,x,0,kick\n",
                "line 3: break_index",
            ),
            (
                "track_id,break_index,cluster,class_label\na,1,0,silence\n",
                "kick, snare",
            ),
        ] {
            let error = labels(text).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains(named) && error.contains("clusters.csv"),
                "{text}: {error}"
            );
        }
    }
}
