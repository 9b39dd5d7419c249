//! Every setting, with its default. One section per part of the work; unknown keys are errors.

pub mod fraction;
pub mod quiet;
pub mod stores;
pub mod tuning;

use serde::{Deserialize, Serialize};

use fraction::Fraction;
pub use quiet::Quiet;
pub use stores::Stores;

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
    /// Quiet loops and their slices.
    pub quiet: Quiet,
    /// The constants of structure, scores and order.
    pub tuning: tuning::Tuning,
    /// What is written, and how.
    pub export: Export,
    /// Which breaks, and what is made of them.
    pub breaks: Breaks,
    /// Where files that are not on this machine are reached.
    pub stores: Stores,
}

impl Config {
    /// The settings that what is found depends on: those that only say how files are reached are at their defaults. For
    /// hashes of settings.
    pub fn of_outcome(&self) -> Self {
        Self {
            stores: Stores::default(),
            ..self.clone()
        }
    }
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

/// What the user knows better than the beat tracker, or says in place of given beats.
///
/// Applied in this order: tempo (`bpm`; or `double`, `half`, `tempo_ratio`), `shift_beat`, `beats_per_bar`, bar lines
/// (`shift_bar` or `first_downbeat`), `grid_offset_ms`. See `rhythm::overrides`.
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
    /// Beats for each tracked beat: 3/2 reads two tracked beats as three. Numerator and denominator from 1 to 4.
    pub tempo_ratio: Option<Fraction>,
    /// Move the beats later by this part of a beat (negative: earlier), then draw them to the attacks there.
    pub shift_beat: Option<Fraction>,
    /// Begin bars this many beats later (negative: earlier).
    pub shift_bar: i32,
    /// Seconds: the beat nearest to it begins a bar, and whole bars are counted from there both ways.
    pub first_downbeat: Option<f64>,
    /// Milliseconds by which the finished grid is moved later (negative: earlier).
    pub grid_offset_ms: f64,
    /// The network that chooses among the readings: an ONNX file, or `none` for signal processing alone; the shipped one
    /// where not set.
    pub beat_model: Option<String>,
}

impl Rhythm {
    /// Beats for each tracked beat, whichever of the three settings says so.
    pub fn ratio(&self) -> Option<Fraction> {
        match (self.double, self.half) {
            (true, _) => Fraction::new(2, 1),
            (_, true) => Fraction::new(1, 2),
            _ => self.tempo_ratio,
        }
        .filter(|r| *r != Fraction::ONE)
    }

    /// True where the beats are not those of the tracker (or of the given grid), but told to be elsewhere.
    pub fn moves_beats(&self) -> bool {
        self.ratio().is_some() || self.shift_beat.is_some()
    }

    /// True where the bar lines are told to be elsewhere.
    pub fn moves_bars(&self) -> bool {
        self.shift_bar != 0 || self.first_downbeat.is_some()
    }
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
    /// Drop what has a lower probability of being a good loop, see [`crate::rank::probability::probabilities`].
    pub min_score_prob: Option<f64>,
    /// Drop what scores less than the best plus this (so it is negative). The best always stays, whatever the scores:
    /// the only one of the three cut-offs that is on by default. Where a model's scores are relative, it is a difference
    /// of probabilities (`score_prob`): one number then suits models of any scale.
    pub min_rel_score: Option<f64>,
    /// Weight of `boundary_quiet_score` subtracted from the score.
    pub alpha: f64,
    /// What scores the loops: `heuristic`, `shipped` (the trained model of the build), or a model file (XGBoost's `.json`
    /// or `.ubj`, ONNX); the heuristic where not set.
    pub model: Option<String>,
    /// A network whose output on the recording becomes columns (`openl3_*`, `emb_*`) for the model and in tables: an ONNX
    /// file that takes samples or a log-mel spectrum; none where not set.
    pub embedding_model: Option<String>,
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
            model: None,
            embedding_model: None,
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

/// A format of kits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kit {
    /// SFZ.
    Sfz,
    /// DecentSampler preset.
    Decent,
    /// Bitwig multisample.
    Bitwig,
    /// Hydrogen drum kit.
    Hydrogen,
}

/// Which breaks, and what is made of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breaks {
    /// How many are kept; 0 keeps all.
    pub top_k: usize,
    /// Longest break in bars; a longer passage is cut into windows.
    pub max_bars: u32,
    /// Also passages in which other instruments play, but drums stand out.
    pub heavy: bool,
    /// Write the percussive part of breaks and hits too.
    pub stems: bool,
    /// Formats of kits to write; none for none.
    pub kits: Vec<Kit>,
    /// Draw each break, its hits coloured by class.
    pub plot: bool,
}

impl Default for Breaks {
    fn default() -> Self {
        Self {
            top_k: 3,
            max_bars: 8,
            heavy: true,
            stems: true,
            kits: vec![Kit::Sfz, Kit::Decent, Kit::Bitwig, Kit::Hydrogen],
            plot: false,
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
        self.validate_overrides()?;
        self.quiet.validate()?;
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
            self.rank.model.as_deref() != Some(""),
            "rank",
            "model",
            "is empty: name a file, `heuristic` or `shipped`".into(),
        )?;
        check(
            self.rank.embedding_model.as_deref() != Some(""),
            "rank",
            "embedding_model",
            "is empty: name an ONNX file".into(),
        )?;
        check(
            !self.export.formats.is_empty(),
            "export",
            "formats",
            "is empty: name at least one".into(),
        )?;
        range(self.export.crossfade_ms, 0.0, 1000.0, "export", "crossfade_ms")?;
        range(self.export.fade_ms, 0.0, 1000.0, "export", "fade_ms")?;
        range(f64::from(self.breaks.max_bars), 1.0, 64.0, "breaks", "max_bars")
    }
}

impl Config {
    /// Overrides of the grid: ranges, and what contradicts itself.
    fn validate_overrides(&self) -> Result<(), ConfigError> {
        let check = |ok: bool, key, problem: &str| {
            let problem = problem.to_owned();
            let section = "rhythm";
            if ok {
                Ok(())
            } else {
                Err(ConfigError { section, key, problem })
            }
        };
        let r = &self.rhythm;
        check(
            !(r.double && r.half),
            "half",
            "cannot be on together with rhythm.double",
        )?;
        check(
            r.tempo_ratio.is_none() || !(r.double || r.half),
            "tempo_ratio",
            "cannot be set together with rhythm.double or rhythm.half: each of them says the ratio",
        )?;
        check(
            r.bpm.is_none() || r.ratio().is_none(),
            "bpm",
            "cannot be set together with rhythm.double, rhythm.half or rhythm.tempo_ratio, which are counted from the \
             tracked tempo: say the tempo that you want",
        )?;
        check(
            r.tempo_ratio
                .is_none_or(|f| (1..=4).contains(&f.numerator()) && f.denominator() <= 4),
            "tempo_ratio",
            "must be a fraction of whole numbers from 1 to 4, such as 2, 1/2, 3/2, 2/3, 4/3 or 3/4",
        )?;
        check(
            r.shift_beat
                .is_none_or(|f| f.numerator() != 0 && f.value().abs() < 1.0 && f.denominator() <= 16),
            "shift_beat",
            "must be a part of a beat between -1 and 1, such as 1/2, 1/3 or -1/4, in sixteenths at the finest",
        )?;
        check(
            r.shift_bar.abs() < 16,
            "shift_bar",
            "must be a number of beats from -15 to 15",
        )?;
        check(
            r.first_downbeat.is_none_or(|t| (0.0..=86_400.0).contains(&t)),
            "first_downbeat",
            "must be a time in seconds, from 0 to 86400",
        )?;
        check(
            r.shift_bar == 0 || r.first_downbeat.is_none(),
            "shift_bar",
            "cannot be set together with rhythm.first_downbeat: both say where bars begin",
        )?;
        check(
            r.grid_offset_ms.abs() <= 1000.0,
            "grid_offset_ms",
            "must be from -1000 to 1000 ms",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_that_contradict_each_other_are_errors_that_name_both() {
        let of = |text: &str| {
            toml::from_str::<Config>(&format!("[rhythm]\n{text}"))
                .unwrap()
                .validate()
        };
        for (text, key, named) in [
            ("double = true\nhalf = true", "half", "rhythm.double"),
            ("double = true\ntempo_ratio = 2", "tempo_ratio", "rhythm.double"),
            ("bpm = 120\ntempo_ratio = \"1/2\"", "bpm", "tempo_ratio"),
            ("bpm = 120\nhalf = true", "bpm", "rhythm.half"),
            (
                "shift_bar = 1\nfirst_downbeat = 0.5",
                "shift_bar",
                "rhythm.first_downbeat",
            ),
            ("tempo_ratio = \"5/4\"", "tempo_ratio", "1 to 4"),
            ("tempo_ratio = \"-1/2\"", "tempo_ratio", "1 to 4"),
            ("tempo_ratio = 0", "tempo_ratio", "1 to 4"),
            ("shift_beat = 1", "shift_beat", "between -1 and 1"),
            ("shift_beat = 0", "shift_beat", "between -1 and 1"),
            ("shift_bar = 16", "shift_bar", "15"),
            ("first_downbeat = -1.0", "first_downbeat", "seconds"),
            ("first_downbeat = nan", "first_downbeat", "seconds"),
            ("grid_offset_ms = nan", "grid_offset_ms", "1000"),
        ] {
            let error = of(text).unwrap_err();
            assert_eq!((error.section, error.key), ("rhythm", key), "{text}");
            assert!(error.problem.contains(named), "{text}: {error}");
        }
        for text in [
            "tempo_ratio = \"3/2\"\nshift_beat = \"-1/3\"\nshift_bar = -2\ngrid_offset_ms = -12.5",
            "bpm = 120\nshift_beat = \"1/2\"\nfirst_downbeat = 1.5\nbeats_per_bar = 3",
            "tempo_ratio = 1\nbpm = 90",
        ] {
            assert_eq!(of(text), Ok(()), "{text}");
        }
    }
}
