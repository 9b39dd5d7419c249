//! `doctor`: does what the tool does, in small, to see whether it works here.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::audio::decode::decode_file;
use crate::config::{Decode, Format};
use crate::export::meta::LoopMeta;
use crate::export::{AudioFormat, AudioView, FORMATS};

const RATE: u32 = 44_100;
const FRAMES: usize = 66_150;

/// Writes a tone in every format that this build can write, reads it back, and compares. `scratch` is a folder for
/// temporary files.
pub fn formats(scratch: &Path) -> Vec<(Format, Result<(), String>)> {
    let check = |&(format, writer): &(Format, &'static dyn AudioFormat)| (format, there_and_back(scratch, writer));
    FORMATS.iter().map(check).collect()
}

/// A file that goes when this value does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may not have been made.
        let _ = fs::remove_file(&self.0);
    }
}

fn there_and_back(folder: &Path, format: &dyn AudioFormat) -> Result<(), String> {
    let name = format!(
        "loopwright-{}-{}.{}",
        std::process::id(),
        format.tag(),
        format.extension()
    );
    let file = Scratch(folder.join(name));
    let tone = |hz: f64| -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(RATE);
        (0..FRAMES).map(|i| (0.5 * (step * i as f64).sin()) as f32).collect()
    };
    let planes = vec![tone(440.0), tone(660.0)];
    let meta = LoopMeta {
        beats: 3,
        beats_per_bar: 4,
        beat_unit: 4,
        bpm: 120.0,
        ..LoopMeta::default()
    };
    let view = AudioView {
        planes: &planes,
        sample_rate: RATE,
    };
    let mut out = File::create_new(&file.0).map_err(|e| format!("{}: {e}", file.0.display()))?;
    format
        .write(&mut out, view, &meta)
        .map_err(|e| format!("cannot write: {e}"))?;
    drop(out);
    let read = decode_file(&file.0, &Decode::default()).map_err(|e| format!("cannot read back: {e}"))?;
    let audio = &read.audio;
    if (audio.channels(), audio.sample_rate()) != (planes.len(), RATE) {
        return Err(format!(
            "came back with {} channels at {} Hz",
            audio.channels(),
            audio.sample_rate()
        ));
    }
    if audio.frames() != FRAMES {
        return Err(format!("came back with {} frames instead of {FRAMES}", audio.frames()));
    }
    for (channel, (was, is)) in planes.iter().zip(audio.planes()).enumerate() {
        let error: f64 = was.iter().zip(is).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let power: f64 = was.iter().map(|a| f64::from(*a).powi(2)).sum();
        // Lossless formats stay below 1e-7; an encoder for previews is allowed 20 dB.
        if error > 0.01 * power {
            return Err(format!("channel {} came back changed", channel + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_goes_there_and_back_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let results = formats(folder.path());
        assert_eq!(results.len(), FORMATS.len());
        for (format, result) in results {
            assert_eq!(result, Ok(()), "{format:?}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let results = formats(Path::new("/nonexistent/folder"));
        assert!(
            results
                .iter()
                .all(|(_, r)| r.as_ref().is_err_and(|e| e.contains("nonexistent")))
        );
    }
}
