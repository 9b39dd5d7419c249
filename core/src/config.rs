//! Every setting, with its default. One section per part of the work; unknown keys are errors.

pub mod tuning;

use serde::{Deserialize, Serialize};

/// All settings. Defaults work on a normal song.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Limits on what is decoded.
    pub decode: Decode,
    /// Tempo, beats and bars.
    pub rhythm: Rhythm,
    /// Which spans are candidates.
    pub loops: Loops,
    /// Scores, cut-offs, order.
    pub rank: Rank,
    /// The constants of structure, scores and order.
    pub tuning: tuning::Tuning,
    /// What is written, and how.
    pub export: Export,
}

/// Limits on what is decoded, so that a damaged or hostile file cannot take the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Decode {
    /// Longest accepted track, in seconds.
    pub max_seconds: f64,
    /// Most accepted channels.
    pub max_channels: u32,
    /// Most memory for decoded samples, in MiB. Three hours of 44.1 kHz stereo need 3634.
    pub max_memory_mb: u64,
}

impl Default for Decode {
    fn default() -> Self {
        Self {
            max_seconds: 3.0 * 3600.0,
            max_channels: 64,
            max_memory_mb: 4096,
        }
    }
}

/// Overrides of the beat tracker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rhythm {
    /// The tempo, where the user knows it: only hypotheses within 4 % are considered, then refined.
    pub bpm: Option<f64>,
    /// Beats a bar, where the user knows it.
    pub beats_per_bar: Option<u32>,
    /// Read every tracked beat as two.
    pub double: bool,
    /// Read every two tracked beats as one.
    pub half: bool,
    /// The network that chooses among the readings: an ONNX file, or `none` for signal processing alone; the shipped one
    /// where not set.
    pub beat_model: Option<String>,
}

/// Which spans are candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Loops {
    /// Lengths in bars.
    pub bars: Vec<u32>,
    /// Start on any beat, not only on bar lines.
    pub any_beat: bool,
}

impl Default for Loops {
    fn default() -> Self {
        Self {
            bars: vec![1, 2, 4, 8, 16],
            any_beat: false,
        }
    }
}

/// In which order suggestions are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Spread over contents and lengths.
    #[default]
    Variety,
    /// By score alone.
    Best,
}

/// Scores, cut-offs, order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rank {
    /// How many are kept; 0 keeps all.
    pub top_k: usize,
    /// The order.
    pub order: Order,
    /// Drop what scores less.
    pub min_score: Option<f64>,
    /// Drop what has a lower probability among the track's candidates.
    pub min_score_prob: Option<f64>,
    /// Drop what scores less than the best plus this (so it is negative). The best always stays, whatever the scores:
    /// the only one of the three cut-offs that is on by default.
    pub min_rel_score: Option<f64>,
    /// Weight of `boundary_quiet_score` subtracted from the score.
    pub alpha: f64,
}

impl Default for Rank {
    fn default() -> Self {
        Self {
            top_k: 5,
            order: Order::default(),
            min_score: None,
            min_score_prob: None,
            min_rel_score: Some(-0.5),
            alpha: 0.0,
        }
    }
}

/// The container and coding of exported loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// WAV, 24-bit integer.
    #[default]
    Wav24,
    /// WAV, 16-bit integer with seeded TPDF dither.
    Wav16,
    /// WAV, 32-bit float.
    Wav32f,
    /// FLAC, 24-bit.
    Flac,
    /// MP3 preview (feature `mp3`).
    Mp3,
}

/// How exported loops are levelled. One gain for the whole loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As in the source, bit for bit.
    #[default]
    None,
    /// Sample peak at −1 dBFS.
    Peak,
    /// True peak (BS.1770, of the tiled loop) at −1 dBTP.
    TruePeak,
    /// −14 LUFS integrated, true peak not above −1 dBTP.
    Lufs,
    /// −14 dBFS RMS, true peak not above −1 dBTP.
    Rms,
}

/// What is written, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Export {
    /// Formats to write, each loop in each.
    pub formats: Vec<Format>,
    /// Names of the loops, without the extension: see `export::name` for the fields.
    pub name: String,
    /// Levelling.
    pub level: Level,
    /// Length of the wrap cross-fade where the seam would click, in milliseconds.
    pub crossfade_ms: f64,
    /// Plain fades at both ends in milliseconds, for those who want them; 0 for none.
    pub fade_ms: f64,
    /// Write a `bext` chunk.
    pub bext: bool,
}

impl Default for Export {
    fn default() -> Self {
        Self {
            formats: vec![Format::Wav24],
            name: "{artist} - {title} - {bpm}bpm{exact} - {key} - {bars}bar - {nn}".into(),
            level: Level::None,
            crossfade_ms: 10.0,
            fade_ms: 0.0,
            bext: false,
        }
    }
}

/// A setting outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {section}.{key} {problem}")]
pub struct ConfigError {
    /// The section.
    pub section: &'static str,
    /// The key.
    pub key: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

impl Config {
    /// Checks what types alone cannot: ranges, and settings that exclude each other.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |ok: bool, section, key, problem: String| {
            if ok {
                Ok(())
            } else {
                Err(ConfigError { section, key, problem })
            }
        };
        let range = |x: f64, lo: f64, hi: f64, section, key| {
            check(
                (lo..=hi).contains(&x),
                section,
                key,
                format!("is {x}, must be from {lo} to {hi}"),
            )
        };
        let finite = |x: Option<f64>, key| {
            check(
                x.is_none_or(f64::is_finite),
                "rank",
                key,
                "is not a finite number".into(),
            )
        };
        range(self.decode.max_seconds, 1.0, 86_400.0, "decode", "max_seconds")?;
        range(
            f64::from(self.decode.max_channels),
            1.0,
            1024.0,
            "decode",
            "max_channels",
        )?;
        if let Some(bpm) = self.rhythm.bpm {
            range(bpm, 20.0, 400.0, "rhythm", "bpm")?;
        }
        if let Some(beats) = self.rhythm.beats_per_bar {
            range(f64::from(beats), 2.0, 16.0, "rhythm", "beats_per_bar")?;
        }
        check(
            self.rhythm.beat_model.as_deref() != Some(""),
            "rhythm",
            "beat_model",
            "is empty: name a file, or `none`".into(),
        )?;
        let both = self.rhythm.double && self.rhythm.half;
        check(
            !both,
            "rhythm",
            "half",
            "cannot be on together with rhythm.double".into(),
        )?;
        let bars = &self.loops.bars;
        check(
            !bars.is_empty(),
            "loops",
            "bars",
            "is empty: name at least one length".into(),
        )?;
        check(
            bars.iter().all(|b| (1..=256).contains(b)),
            "loops",
            "bars",
            "must hold lengths from 1 to 256".into(),
        )?;
        finite(self.rank.min_score, "min_score")?;
        finite(self.rank.min_score_prob, "min_score_prob")?;
        finite(self.rank.min_rel_score, "min_rel_score")?;
        finite(Some(self.rank.alpha), "alpha")?;
        check(
            !self.export.formats.is_empty(),
            "export",
            "formats",
            "is empty: name at least one".into(),
        )?;
        range(self.export.crossfade_ms, 0.0, 1000.0, "export", "crossfade_ms")?;
        range(self.export.fade_ms, 0.0, 1000.0, "export", "fade_ms")
    }
}
