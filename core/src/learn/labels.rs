//! Which loops are good: what people said of a track, and the weight that it gives a candidate.
//!
//! Labels come in files, told by content ([`Labels::read`]):
//!
//! * JSON, `{"track": [seconds, …]}`: moments in good loops ([`Mark::Moment`]);
//! * JSON, `{"track": [[start, end], …]}`: the loops themselves ([`Mark::Loop`]);
//! * CSV with `track_id`, `start_time`, `end_time` and perhaps `weight`: the same;
//! * rekordbox's XML: a DJ's stored loops, and cues, which say where something begins ([`rekordbox`]).
//!
//! [`weigh::weight`] makes a number of them; [`matching`] finds the track that a label's key means. [`near`] gives wrong
//! loops that are hard to tell from right ones, [`repeats`] pairs of both that need no labels at all.

pub mod matching;
pub mod near;
pub mod rekordbox;
pub mod repeats;
mod tables;
#[cfg(test)]
mod tests;
pub mod weigh;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A row counts as a good loop from this weight on.
pub const POSITIVE: f64 = 0.5;

/// One thing that somebody said of a track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// A time in seconds that good loops are about.
    Moment(f64),
    /// A time in seconds at which something begins that may be a loop.
    Start(f64),
    /// A good loop, in seconds, and how good, usually 1.
    Loop {
        /// Where it begins.
        start: f64,
        /// Where it ends.
        end: f64,
        /// How good it is: 0 for a loop that is none.
        weight: f64,
    },
}

/// What was said of one track.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// What the file calls the track: its name, its file's name, its path.
    pub key: String,
    /// What was said.
    pub marks: Vec<Mark>,
}

/// What a file says of tracks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Labels {
    /// The tracks, in the order of the file; in a JSON, in that of their keys.
    pub tracks: Vec<Labelled>,
    /// What was left out, and why, in words.
    pub notes: Vec<String>,
}

/// Why labels cannot be used. Each names the file, and the place in it.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is not what it begins as.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A label of a track does not do.
    #[error("{}, track `{key}`: {problem}", path.display())]
    Mark {
        /// The file.
        path: PathBuf,
        /// The track.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Nothing is labelled.
    #[error("{}: no labels", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Labels {
    /// Reads a file of labels, whichever kind it is.
    ///
    /// # Errors
    ///
    /// [`LabelError`]. A file without any label is one too: it was named for something.
    pub fn read(path: &Path) -> Result<Self, LabelError> {
        let io = |source| LabelError::Io {
            path: path.into(),
            source,
        };
        let mut head = Vec::new();
        let file = File::open(path).map_err(io)?;
        file.take(1024).read_to_end(&mut head).map_err(io)?;
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
        let labels = match head.iter().find(|b| !b.is_ascii_whitespace()) {
            None => return Err(LabelError::Empty { path: path.into() }),
            Some(b'{' | b'[') => tables::json(path)?,
            Some(b'<') => rekordbox::read(path)?,
            Some(_) => tables::csv(path)?,
        };
        if labels.tracks.iter().all(|t| t.marks.is_empty()) {
            return Err(LabelError::Empty { path: path.into() });
        }
        Ok(labels)
    }
}

/// The mark that is a loop from `start` to `end`, or what is wrong with it.
fn loop_of(start: f64, end: f64, weight: f64) -> Result<Mark, String> {
    moment(start)?;
    if !(end.is_finite() && end > start) {
        return Err(format!("a loop cannot go from {start} s to {end} s"));
    }
    if !(weight.is_finite() && weight >= 0.0) {
        return Err(format!("{weight} is no weight: weights are from 0 up"));
    }
    Ok(Mark::Loop { start, end, weight })
}

fn moment(time: f64) -> Result<f64, String> {
    if time.is_finite() && time >= 0.0 {
        Ok(time)
    } else {
        Err(format!("{time} is no time in seconds"))
    }
}
