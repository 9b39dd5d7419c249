//! Beats that are given in seconds, by a person or another program, in place of tracked ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::rhythm::grid::{BeatGrid, GridSource};
use crate::units::Bpm;

/// Beats and downbeats in seconds.
///
/// Invariants: both strictly increase, are finite and not negative; each downbeat is a beat.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GivenBeats {
    beats: Vec<f64>,
    downbeats: Vec<f64>,
}

/// Why beats cannot be used. Each names the file, and the line where there is one.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A line is not understood.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// What the lines amount to is no grid.
    #[error("{}: {problem}", path.display())]
    Grid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl GivenBeats {
    /// Beats and downbeats in seconds. A downbeat is taken to be the beat nearest to it, if that is within 50 ms.
    pub fn new(beats: Vec<f64>, downbeats: &[f64]) -> Result<Self, String> {
        if beats.len() < 2 {
            return Err(format!("{} beats are too few for a grid", beats.len()));
        }
        if let Some(bad) = beats.iter().find(|b| !b.is_finite() || **b < 0.0) {
            return Err(format!("{bad} is no time"));
        }
        if let Some(w) = beats.windows(2).find(|w| w[1] <= w[0]) {
            return Err(format!("beats must increase, but {} s follows {} s", w[1], w[0]));
        }
        let mut snapped: Vec<f64> = Vec::with_capacity(downbeats.len());
        for &d in downbeats {
            let at = beats.partition_point(|&b| b < d);
            let near = [at.checked_sub(1), Some(at)]
                .into_iter()
                .flatten()
                .filter_map(|i| beats.get(i).copied())
                .min_by(|a, b| (a - d).abs().total_cmp(&(b - d).abs()));
            match near {
                Some(beat) if (beat - d).abs() <= 0.05 => snapped.push(beat),
                _ => return Err(format!("downbeat {d} s lies on no beat")),
            }
        }
        if let Some(w) = snapped.windows(2).find(|w| w[1] <= w[0]) {
            return Err(format!("downbeats must increase, but {} s follows {} s", w[1], w[0]));
        }
        Ok(Self {
            beats,
            downbeats: snapped,
        })
    }

    /// Reads a text file of one time in seconds a line. A second number on a line is the beat's place in its bar, where
    /// 1 is the downbeat. Empty lines, and what follows a `#`, do not count.
    pub fn read(path: &Path) -> Result<Self, GivenError> {
        let text = read(path)?;
        let (mut beats, mut downbeats) = (Vec::new(), Vec::new());
        for (n, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default();
            let mut fields = content.split([' ', '\t', ',', ';']).filter(|f| !f.is_empty());
            let Some(first) = fields.next() else { continue };
            let wrong = |problem: String| GivenError::Line {
                path: path.into(),
                line: n + 1,
                problem,
            };
            let time: f64 = first
                .parse()
                .map_err(|_| wrong(format!("`{}` is no time in seconds", brief(first))))?;
            if let Some(place) = fields.next() {
                let place: f64 = place
                    .parse()
                    .map_err(|_| wrong(format!("`{}` is no place in a bar", brief(place))))?;
                if place == 1.0 {
                    downbeats.push(time);
                }
            }
            beats.push(time);
        }
        Self::new(beats, &downbeats).map_err(|problem| GivenError::Grid {
            path: path.into(),
            problem,
        })
    }

    /// Reads JSON lines of `{"id", "beats", "downbeats"}` in seconds.
    pub fn read_grids(path: &Path) -> Result<BTreeMap<String, Self>, GivenError> {
        #[derive(Deserialize)]
        struct Line {
            id: String,
            beats: Vec<f64>,
            #[serde(default)]
            downbeats: Vec<f64>,
        }
        let mut grids = BTreeMap::new();
        for (n, text) in read(path)?
            .lines()
            .enumerate()
            .filter(|(_, text)| !text.trim().is_empty())
        {
            let wrong = |problem: String| GivenError::Line {
                path: path.into(),
                line: n + 1,
                problem,
            };
            let line: Line = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
            let grid = Self::new(line.beats, &line.downbeats).map_err(|e| wrong(format!("{}: {e}", line.id)))?;
            grids.insert(line.id, grid);
        }
        Ok(grids)
    }

    /// The grid of a track of `rate` frames a second; without bars where nobody said which beats are downbeats.
    pub fn grid(&self, rate: u32) -> BeatGrid {
        let frames = |seconds: f64| seconds * f64::from(rate);
        let index = |d: &f64| self.beats.partition_point(|b| b < d);
        let seconds = self.beats.last().unwrap_or(&0.0) - self.beats.first().unwrap_or(&0.0);
        let mean = seconds / self.beats.len().saturating_sub(1).max(1) as f64;
        BeatGrid {
            beats: self.beats.iter().map(|&b| frames(b)).collect(),
            downbeats: self.downbeats.iter().map(index).collect(),
            tempo: Bpm::from_period(mean).unwrap_or(Bpm(120.0)),
            confidence: 1.0,
            ..BeatGrid::empty(GridSource::Given)
        }
    }

    /// Beat times in seconds.
    pub fn beats(&self) -> &[f64] {
        &self.beats
    }

    /// Downbeat times in seconds, each one of the beats; empty where nobody said.
    pub fn downbeats(&self) -> &[f64] {
        &self.downbeats
    }
}

fn read(path: &Path) -> Result<String, GivenError> {
    fs::read_to_string(path).map_err(|source| GivenError::Io {
        path: path.into(),
        source,
    })
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<GivenBeats, GivenError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("beats.txt");
        fs::write(&path, text).unwrap();
        GivenBeats::read(&path)
    }

    #[test]
    fn one_time_a_line_with_or_without_places() {
        let plain = file("# mine\n0.5\n1.0\r\n\n1.5 # third\n").unwrap();
        assert_eq!((plain.beats(), plain.downbeats()), (&[0.5, 1.0, 1.5][..], &[][..]));
        let placed = file("0.5\t4\n1.0,1\n1.5 2\n").unwrap();
        assert_eq!(placed.downbeats(), [1.0]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("0.5\nhalf past\n", "line 2: `half` is no time"),
            ("0.5 one\n", "line 1: `one` is no place"),
            ("0.5\n", "too few"),
            ("", "too few"),
            ("1\n0.5\n", "must increase"),
            ("1\nnan\n", "no time"),
            ("-1\n2\n", "no time"),
        ] {
            let error = file(text).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("beats.txt"), "{text:?}: {error}");
        }
        assert!(matches!(
            GivenBeats::read(Path::new("/nonexistent")),
            Err(GivenError::Io { .. })
        ));
    }

    #[test]
    fn downbeats_are_beats() {
        let g = GivenBeats::new(vec![0.0, 0.5, 1.0], &[0.01, 0.98]).unwrap();
        assert_eq!(g.downbeats(), [0.0, 1.0]);
        assert!(GivenBeats::new(vec![0.0, 0.5, 1.0], &[0.25]).is_err());
        assert!(GivenBeats::new(vec![0.0, 0.5, 1.0], &[0.0, 0.02]).is_err());
    }

    #[test]
    fn grids_are_read_by_id() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.jsonl");
        fs::write(
            &path,
            "{\"id\":\"a\",\"beats\":[0,1],\"downbeats\":[0]}\n\n{\"id\":\"b\",\"beats\":[0,2],\"bpm\":30}\n",
        )
        .unwrap();
        let grids = GivenBeats::read_grids(&path).unwrap();
        assert_eq!(grids["a"].downbeats(), [0.0]);
        assert_eq!(grids["b"].beats(), [0.0, 2.0]);
        fs::write(&path, "{\"id\":\"a\",\"beats\":[1,0]}\n").unwrap();
        assert!(
            GivenBeats::read_grids(&path)
                .unwrap_err()
                .to_string()
                .contains("line 1: a: beats must increase")
        );
    }
}
