//! Songs as files: a folder that the scorer and `loopwright predict` read.

use std::fs;
use std::path::{Path, PathBuf};

use loopwright_core::audio::AudioBuffer;
use serde_json::json;

use super::{Song, Style};

/// Why a set was not written.
#[derive(Debug)]
pub enum SetError {
    /// A folder or a text file.
    Io(PathBuf, std::io::Error),
    /// A WAV file.
    Wav(PathBuf, hound::Error),
    /// Truth that does not go into JSON.
    Json(serde_json::Error),
}

impl std::fmt::Display for SetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SetError::Io(path, _) | SetError::Wav(path, _) => write!(f, "cannot write {}", path.display()),
            SetError::Json(_) => write!(f, "cannot write the truth as JSON"),
        }
    }
}

impl std::error::Error for SetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetError::Io(_, e) => Some(e),
            SetError::Wav(_, e) => Some(e),
            SetError::Json(e) => Some(e),
        }
    }
}

/// Which kind of songs a set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// [`Song::new`]: steady and exact.
    Clean,
    /// [`Song::wild`]: swing, hands, drift, noise.
    Wild,
    /// [`Song::short`] of the clean kind.
    Short,
}

/// Writes 16-bit WAV; samples beyond full scale are clipped.
pub fn write_wav(path: &Path, audio: &AudioBuffer) -> Result<(), SetError> {
    let wav = |e| SetError::Wav(path.to_owned(), e);
    let spec = hound::WavSpec {
        channels: audio.channels() as u16,
        sample_rate: audio.sample_rate(),
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).map_err(wav)?;
    let count = (audio.frames() * audio.channels()) as u32;
    let mut samples = writer.get_i16_writer(count);
    for i in 0..audio.frames() {
        for plane in audio.planes() {
            samples.write_sample((plane[i] * 32_767.0).round() as i16);
        }
    }
    samples.flush().map_err(wav)?;
    writer.finalize().map_err(wav)
}

/// Writes `count` songs, the styles in turn, to `folder`: `audio/ID.wav`, `truth/ID.json`, `truth/ID.beats.txt`,
/// `truth/ID.downbeats.txt` and `manifest.json`, which serves the tasks `beats` and `loops` alike. `report` is called
/// with the name of each song that is done.
pub fn write_set(
    folder: &Path,
    count: usize,
    seed: u64,
    preset: Preset,
    mut report: impl FnMut(&str),
) -> Result<(), SetError> {
    for part in ["audio", "truth"] {
        let path = folder.join(part);
        fs::create_dir_all(&path).map_err(|e| SetError::Io(path.clone(), e))?;
    }
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| SetError::Io(path.clone(), e))
    };
    let lines = |times: &[f64]| times.iter().map(|t| format!("{t:.6}\n")).collect::<String>();
    let mut manifest = Vec::new();
    for i in 0..count {
        let style = Style::ALL[i % Style::ALL.len()];
        let seed = seed + i as u64;
        let song = match preset {
            Preset::Clean => Song::new(style, seed),
            Preset::Wild => Song::wild(style, seed),
            Preset::Short => Song::new(style, seed).short(),
        }
        .build();
        let truth = &song.truth;
        let id = format!("{:03}_{}", i, style.name());
        write_wav(&folder.join(format!("audio/{id}.wav")), &song.audio)?;
        write(
            &format!("truth/{id}.json"),
            serde_json::to_string(truth).map_err(SetError::Json)?,
        )?;
        write(&format!("truth/{id}.beats.txt"), lines(&truth.beats))?;
        write(&format!("truth/{id}.downbeats.txt"), lines(&truth.downbeats))?;
        let tags = [
            (truth.swing > 0.1, "swing"),
            (truth.meter == 3, "waltz"),
            (truth.tempo_drift, "drift"),
        ];
        let tags: Vec<&str> = tags.iter().filter(|(on, _)| *on).map(|(_, tag)| *tag).collect();
        manifest.push(json!({
            "id": id,
            "audio": format!("audio/{id}.wav"),
            "style": style.name(),
            "bpm": truth.bpm,
            "dur": truth.dur,
            "meter": truth.meter,
            "truth": format!("truth/{id}.json"),
            "beats": format!("truth/{id}.beats.txt"),
            "downbeats": format!("truth/{id}.downbeats.txt"),
            "tempo_stable": !truth.tempo_drift,
            "kind": "synth",
            "tags": tags,
            "seed": seed,
        }));
        report(&id);
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(SetError::Json)?;
    write("manifest.json", text)
}
