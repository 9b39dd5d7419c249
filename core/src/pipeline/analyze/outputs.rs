//! What `analyze` can write: a click track and a picture.

use std::fs;
use std::path::{Path, PathBuf};

use super::Studied;
use crate::export::click::{Bed, Clicks};
use crate::export::destination::write_file;
use crate::export::picture::{PICTURE_FORMATS, picture_format};
use crate::export::plot::{self, Plot};
use crate::export::wav::Wav;
use crate::export::{ExportError, FormatError};

/// Files that are asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    /// The track with clicks on its beats, as WAV.
    pub click: Option<PathBuf>,
    /// Clicks alone, without the track.
    pub click_only: bool,
    /// A picture; its extension says the format.
    pub plot: Option<PathBuf>,
    /// Seconds from and to that the picture shows; the whole track where there is none.
    pub range: Option<(f64, f64)>,
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The extension names no format of this build.
    #[error("{}: {what} is written as {}; end the name so", path.display(), formats.join(" or "))]
    Extension {
        /// The file.
        path: PathBuf,
        /// What was to be written.
        what: &'static str,
        /// The extensions that there are.
        formats: Vec<&'static str>,
    },
    /// The file is the recording itself, or both outputs are one file.
    #[error("{}: is {what}; choose another name", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
        /// What it is already.
        what: &'static str,
    },
    /// The range holds nothing of the track.
    #[error("the range {from} to {to} s lies outside the track, which lasts {seconds:.1} s")]
    Range {
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
        /// The track's length.
        seconds: f64,
    },
    /// The range is none.
    #[error("the range {from} to {to} s does not end after it begins")]
    Backwards {
        /// Where it begins.
        from: f64,
        /// Where it ends.
        to: f64,
    },
    /// There is no folder to write to.
    #[error("{}: there is no such folder; make it first", path.display())]
    NoFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refused, or the format.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl OutputError {
    /// True where what was asked for is wrong, rather than the disk.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::NoFolder { .. } | Self::Export(_))
    }
}

/// A file that was written, or why it was not.
#[derive(Debug, Clone, PartialEq)]
pub struct Wrote {
    /// What it is: `click track`, `picture`.
    pub what: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Why there is none, where there is none.
    pub missing: Option<&'static str>,
}

impl Outputs {
    /// Finds what is wrong before the work begins; `input` is the recording.
    pub fn check(&self, input: &Path) -> Result<(), OutputError> {
        let files = [
            ("a click track", &self.click, vec![".wav"]),
            ("a picture", &self.plot, extensions()),
        ];
        for (what, path, formats) in files {
            let Some(path) = path else { continue };
            if !formats.contains(&extension(path).as_str()) {
                return Err(OutputError::Extension {
                    path: path.clone(),
                    what,
                    formats,
                });
            }
            let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
            if let Some(folder) = folder
                && !folder.is_dir()
            {
                return Err(OutputError::NoFolder { path: folder.into() });
            }
            let taken = |what| OutputError::Taken {
                path: path.clone(),
                what,
            };
            if same_file(path, input) {
                return Err(taken("the recording itself"));
            }
            if path.is_dir() {
                return Err(taken("a folder"));
            }
        }
        match self.range {
            Some((from, to)) if !(from >= 0.0 && to > from) => Err(OutputError::Backwards { from, to }),
            _ => Ok(()),
        }
    }
}

fn extensions() -> Vec<&'static str> {
    let dotted = |extension: &str| match extension {
        "png" => ".png",
        _ => ".svg",
    };
    PICTURE_FORMATS.iter().map(|f| dotted(f.extension())).collect()
}

fn extension(path: &Path) -> String {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    format!(".{}", extension.unwrap_or_default())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

impl Studied {
    /// Writes what is asked for, each file whole or not at all, and says what there is.
    pub fn write(&self, outputs: &Outputs) -> Result<Vec<Wrote>, OutputError> {
        let mut wrote = Vec::new();
        if let Some(path) = &outputs.click {
            wrote.push(self.write_click(path, outputs.click_only)?);
        }
        if let Some(path) = &outputs.plot {
            wrote.push(self.write_plot(path, outputs.range)?);
        }
        Ok(wrote)
    }

    fn write_click(&self, path: &Path, only: bool) -> Result<Wrote, OutputError> {
        let mut wrote = Wrote {
            what: "click track",
            path: path.to_path_buf(),
            missing: Some("there are no beats to click on"),
        };
        let Some((analysis, _)) = self.found.as_ref().filter(|f| !f.0.rhythm.grid.beats.is_empty()) else {
            return Ok(wrote);
        };
        let bed = if only { Bed::Silence } else { Bed::Track };
        let clicks = Clicks::of(&analysis.track.audio, &analysis.rhythm.grid, bed);
        write_file(path, |out| Wav::Int24.write_plain(out, clicks.view()).map(drop))?;
        wrote.missing = None;
        Ok(wrote)
    }

    fn write_plot(&self, path: &Path, range: Option<(f64, f64)>) -> Result<Wrote, OutputError> {
        let seconds = self.told.seconds;
        if let Some((from, to)) = range.filter(|r| r.0 >= seconds) {
            return Err(OutputError::Range { from, to, seconds });
        }
        let mut wrote = Wrote {
            what: "picture",
            path: path.to_path_buf(),
            missing: Some("there is no sound to draw"),
        };
        let Some((analysis, structure)) = &self.found else {
            return Ok(wrote);
        };
        let picture = plot::draw(&Plot {
            analysis,
            structure,
            loops: &[],
            range,
        });
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let format = picture_format(&extension).ok_or_else(|| OutputError::Extension {
            path: path.to_path_buf(),
            what: "a picture",
            formats: extensions(),
        })?;
        write_file(path, |out| {
            // Streams of files that can be patched are streams too.
            let mut bytes = Vec::new();
            format.write(&mut bytes, &picture)?;
            out.write_all(&bytes).map_err(FormatError::from)
        })?;
        wrote.missing = None;
        Ok(wrote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_found_before_the_work() {
        let work = tempfile::tempdir().unwrap();
        let song = work.path().join("song.wav");
        fs::write(&song, "sound").unwrap();
        fs::create_dir(work.path().join("folder.png")).unwrap();
        let click = |name: &str| Outputs {
            click: Some(work.path().join(name)),
            ..Outputs::default()
        };
        let plot = |name: &str, range| Outputs {
            plot: Some(work.path().join(name)),
            range,
            ..Outputs::default()
        };
        let says = |outputs: Outputs, usage: bool, part: &str| {
            let error = outputs.check(&song).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(error.is_usage(), usage, "{error}");
        };
        says(click("click.mp3"), true, ".wav");
        says(click("click"), true, ".wav");
        says(click("song.wav"), true, "the recording itself");
        says(click("gone/click.wav"), false, "no such folder");
        says(plot("plot.jpg", None), true, ".svg");
        says(plot("plot.svg", Some((5.0, 5.0))), true, "does not end after");
        says(plot("plot.svg", Some((f64::NAN, 5.0))), true, "does not end after");
        assert!(click("click.WAV").check(&song).is_ok());
        assert!(plot("plot.SVG", Some((0.0, 5.0))).check(&song).is_ok());
        if cfg!(feature = "png") {
            says(plot("folder.png", None), true, "a folder");
        }
    }
}
