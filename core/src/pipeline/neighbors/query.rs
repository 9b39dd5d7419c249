//! Which file of a collection is meant: its path, its name, or a part of its name that no other has.

use std::path::{Path, PathBuf};

/// Matches listed by an error.
const LISTED: usize = 10;

/// A file: its path as it was given, and what it is called in outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Its name.
    pub name: &'a str,
}

/// What a query names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A file of the collection, by its index.
    Member(usize),
    /// A file that is not in it.
    File(PathBuf),
}

/// Why a query names no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Several have it in their names.
    #[error("{query:?} may be any of {}; say more of its path", listed(matches))]
    Ambiguous {
        /// What was asked for.
        query: String,
        /// Who has it.
        matches: Vec<String>,
    },
    /// No file is called so.
    #[error("{query:?} is no audio file, nor the name or a part of the name of one of the {files} files searched")]
    Unknown {
        /// What was asked for.
        query: String,
        /// How many there are.
        files: usize,
    },
}

fn listed(matches: &[String]) -> String {
    let shown: Vec<String> = matches.iter().take(LISTED).map(|m| format!("{m:?}")).collect();
    match matches.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Finds `query` among `entries`: by its exact path, its file name where no other has it, then a part of the path where no
/// other has it (in upper or lower case where none has it as written). A file on the disk that is none of them is taken
/// for itself before parts of names are looked at.
///
/// # Errors
///
/// [`ResolveError`] where several could be meant, or none.
pub fn resolve(query: &str, entries: &[Named<'_>]) -> Result<Resolved, ResolveError> {
    let path = Path::new(query);
    let is_file = path.is_file();
    let real = path.canonicalize().ok().filter(|_| is_file);
    let same = |e: &Named<'_>| {
        e.path == path || e.name == query || real.is_some() && e.path.canonicalize().ok().as_deref() == real.as_deref()
    };
    // An exact path may be a short name of another folder's file too: all that are it are counted.
    let by_path: Vec<usize> = having(entries, |e| e.path == path);
    if let [only] = by_path[..] {
        return Ok(Resolved::Member(only));
    }
    if let [first, rest @ ..] = &having(entries, same)[..] {
        return match rest {
            [] => Ok(Resolved::Member(*first)),
            // Links to one file: they are the same.
            _ if real.is_some() => Ok(Resolved::Member(*first)),
            _ => Err(ambiguous(query, entries, &having(entries, same))),
        };
    }
    if is_file {
        return Ok(Resolved::File(path.into()));
    }
    let lower = query.to_lowercase();
    let ways: [&dyn Fn(&Named<'_>) -> bool; 4] = [
        &|e| e.path.file_name().is_some_and(|n| n.to_string_lossy() == query),
        &|e| e.path.file_stem().is_some_and(|n| n.to_string_lossy() == query),
        &|e| e.path.to_string_lossy().contains(query),
        &|e| e.path.to_string_lossy().to_lowercase().contains(&lower),
    ];
    for way in ways {
        match &having(entries, way)[..] {
            [] => {}
            [only] => return Ok(Resolved::Member(*only)),
            many => return Err(ambiguous(query, entries, many)),
        }
    }
    Err(ResolveError::Unknown {
        query: query.to_owned(),
        files: entries.len(),
    })
}

fn having(entries: &[Named<'_>], what: impl Fn(&Named<'_>) -> bool) -> Vec<usize> {
    (0..entries.len()).filter(|i| what(&entries[*i])).collect()
}

fn ambiguous(query: &str, entries: &[Named<'_>], many: &[usize]) -> ResolveError {
    ResolveError::Ambiguous {
        query: query.to_owned(),
        matches: many
            .iter()
            .map(|i| entries[*i].path.to_string_lossy().into_owned())
            .collect(),
    }
}
