//! Flags that stand for settings. Each is optional, so that what was not said leaves the setting as it is.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use loopwright_core::config::fraction::Fraction;
use loopwright_core::config::{self, Format, Level, Order, Quiet};
use serde_json::{Value, json};

/// All flags that stand for settings.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingFlags {
    /// Of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
    /// Of the candidates.
    #[command(flatten)]
    pub loops: LoopFlags,
    /// Of the ranking.
    #[command(flatten)]
    pub rank: RankFlags,
    /// Of the files written.
    #[command(flatten)]
    pub export: ExportFlags,
}

/// Flags of the beat tracker.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Tempo and beats")]
pub struct RhythmFlags {
    /// The tempo, where you know it; it is refined within 4 %
    #[arg(long, value_name = "BPM", value_parser = positive, conflicts_with_all = ["double", "half", "tempo_ratio", "beats"])]
    pub bpm: Option<f64>,
    /// Beats from a file instead of tracked ones: one time in seconds a line; a second number, where there is one, is
    /// the beat's place in its bar (1 is the downbeat). For one input
    #[arg(long, value_name = "FILE")]
    pub beats: Option<PathBuf>,
    /// Read every tracked beat as two: the tempo came out half as fast as it is
    #[arg(long, conflicts_with_all = ["half", "tempo_ratio"])]
    pub double: bool,
    /// Read every two tracked beats as one: the tempo came out twice as fast as it is
    #[arg(long, conflicts_with = "tempo_ratio")]
    pub half: bool,
    /// Beats for each tracked beat, whole numbers from 1 to 4: 3/2 reads two beats as three; 2 is --double, 1/2 --half
    #[arg(long, value_name = "N/M")]
    pub tempo_ratio: Option<Fraction>,
    /// Move the beats later by this part of a beat, earlier if negative: 1/2 where the off-beat was taken for the beat.
    /// They are drawn to the attacks there
    #[arg(long, value_name = "N/M", allow_hyphen_values = true)]
    pub shift_beat: Option<Fraction>,
    /// Beats in a bar, where you know it
    #[arg(long, value_name = "BEATS", value_parser = clap::value_parser!(u32).range(2..=16))]
    pub meter: Option<u32>,
    /// Begin bars this many beats later, earlier if negative: 2 where bars came out from the third beat
    #[arg(long, value_name = "BEATS", allow_negative_numbers = true, conflicts_with = "first_downbeat",
          value_parser = clap::value_parser!(i32).range(-15..=15))]
    pub shift_bar: Option<i32>,
    /// The beat nearest to this time in seconds begins a bar; bars are counted from there, both ways
    #[arg(long, value_name = "SECONDS", value_parser = not_negative)]
    pub first_downbeat: Option<f64>,
    /// Move the finished grid later by this many milliseconds, earlier if negative, and leave it there [default: 0]
    #[arg(long, value_name = "MS", allow_negative_numbers = true, value_parser = offset)]
    pub grid_offset: Option<f64>,
    /// What hears them.
    #[command(flatten)]
    pub model: BeatModelFlag,
}

/// The flag of the beat model.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Tempo and beats")]
pub struct BeatModelFlag {
    /// Network that chooses the beats: an ONNX file of Loopwright's interface or of Beat This!'s, or `none` for signal
    /// processing alone
    #[arg(long, value_name = "FILE")]
    pub beat_model: Option<String>,
}

impl BeatModelFlag {
    /// What was said.
    pub fn said(&self) -> Option<Said> {
        let file = self.beat_model.as_ref()?;
        Some(("rhythm", "beat_model", json!(file), "--beat-model"))
    }
}

/// The flag of what scores loops.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Ranking")]
pub struct ModelFlag {
    /// What scores the loops: a model file (XGBoost .json or .ubj, ONNX), `shipped` or `heuristic` [default: heuristic].
    /// Its columns are named in it or in features.json beside it; `loopwright doctor --model FILE` checks it
    #[arg(long, value_name = "FILE")]
    pub model: Option<String>,
    /// What embeds recordings.
    #[command(flatten)]
    pub embedding: EmbeddingFlag,
}

impl ModelFlag {
    /// What was said.
    pub fn said(&self) -> Vec<Said> {
        let model = self
            .model
            .as_ref()
            .map(|file| ("rank", "model", json!(file), "--model"));
        model.into_iter().chain(self.embedding.said()).collect()
    }
}

/// The flag of the network that embeds recordings.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Ranking")]
pub struct EmbeddingFlag {
    /// Network of your own (OpenL3, or any on samples or a log-mel spectrum, as ONNX) whose output becomes columns openl3_*
    /// or emb_*, for models that read them and in tables; `loopwright doctor --embedding-model FILE` checks it
    #[arg(long, value_name = "FILE")]
    pub embedding_model: Option<String>,
}

impl EmbeddingFlag {
    /// What was said.
    pub fn said(&self) -> Option<Said> {
        let file = self.embedding_model.as_ref()?;
        Some(("rank", "embedding_model", json!(file), "--embedding-model"))
    }
}

/// Flags of the candidates.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which loops")]
pub struct LoopFlags {
    /// Lengths of loops in bars, by commas [default: 1,2,4,8,16]
    #[arg(long, value_name = "BARS", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=256))]
    pub bars: Vec<u32>,
    /// Let loops begin on any beat, not only on bar lines
    #[arg(long)]
    pub any_beat: bool,
}

/// Flags of the ranking.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Ranking")]
pub struct RankFlags {
    /// What scores.
    #[command(flatten)]
    pub model: ModelFlag,
    /// How many loops to keep of a track; 0 keeps all [default: 5]
    #[arg(long, value_name = "N")]
    pub top: Option<u32>,
    /// The order: by score alone, or spread over contents and lengths [default: variety]
    #[arg(long, value_name = "ORDER")]
    pub order: Option<OrderName>,
    /// Drop loops that score less than this
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true, value_parser = finite)]
    pub min_score: Option<f64>,
    /// Drop loops that are good with a lower probability: as the model is calibrated, whatever the number of candidates
    #[arg(long, value_name = "P", value_parser = probability)]
    pub min_score_prob: Option<f64>,
    /// Drop loops that score less than the best one plus this, a negative number; -inf drops none. Of a model whose scores
    /// are relative, this is a difference of probabilities [default: -0.5]
    #[arg(long, value_name = "DIFFERENCE", allow_negative_numbers = true, allow_hyphen_values = true, value_parser = difference)]
    pub min_rel_score: Option<f64>,
    /// Prefer loops that begin and end quietly: weight of boundary_quiet_score taken from the score
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true, value_parser = finite)]
    pub alpha: Option<f64>,
}

/// Flags of the files written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Files")]
pub struct ExportFlags {
    /// Format to write; give it again for more than one; parquet is one of tables, the others are of loops [default: wav]
    #[arg(long, value_name = "FORMAT")]
    pub format: Vec<FormatName>,
    /// Level of each loop [default: none]
    #[arg(long, value_name = "LEVEL")]
    pub level: Option<LevelName>,
    /// Plain fades at both ends, in milliseconds; they make a gap when looped [default: 0]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub fade: Option<f64>,
    /// Cross-fade at the wrap, in milliseconds, made only where the seam would click; 0 for never [default: 10]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub crossfade: Option<f64>,
    /// Write a Broadcast Wave `bext` chunk
    #[arg(long)]
    pub bext: bool,
}

/// Flags of the breaks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which breaks, and what of them")]
pub struct BreakFlags {
    /// How many breaks to keep of a track; 0 keeps all [default: 3]
    #[arg(long, value_name = "N")]
    pub top: Option<u32>,
    /// Longest break in bars; longer passages are cut [default: 8]
    #[arg(long, value_name = "BARS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub max_bars: Option<u32>,
    /// Only breaks where nothing but drums plays, not passages in which drums stand out
    #[arg(long)]
    pub drums_only: bool,
    /// Write no percussive parts of breaks and hits
    #[arg(long)]
    pub no_stems: bool,
    /// Format of kit to write; give it again for more than one [default: all]
    #[arg(long, value_name = "FORMAT")]
    pub kit: Vec<KitName>,
    /// Write no kits
    #[arg(long, conflicts_with = "kit")]
    pub no_kit: bool,
    /// Draw a picture of each break: its waveform, its hits coloured by class
    #[arg(long)]
    pub plot: bool,
    /// Classes that you know better: a clusters.csv of an earlier run with its class_label changed. Give it again for more
    /// than one
    #[arg(long, value_name = "FILE")]
    pub relabel: Vec<PathBuf>,
}

/// Names of formats of kits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KitName {
    /// SFZ, with samples beside it
    Sfz,
    /// DecentSampler preset, with samples beside it
    Decent,
    /// Bitwig multisample
    Bitwig,
    /// Hydrogen drum kit
    Hydrogen,
}

impl From<KitName> for config::Kit {
    fn from(name: KitName) -> Self {
        match name {
            KitName::Sfz => Self::Sfz,
            KitName::Decent => Self::Decent,
            KitName::Bitwig => Self::Bitwig,
            KitName::Hydrogen => Self::Hydrogen,
        }
    }
}

impl BreakFlags {
    /// What was said, setting by setting. `--relabel` is an input, not a setting.
    pub fn said(&self) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        let mut say = |key, value: Option<Value>, flag| {
            if let Some(value) = value {
                said.push(("breaks", key, value, flag));
            }
        };
        say("top_k", self.top.map(|n| json!(n)), "--top");
        say("max_bars", self.max_bars.map(|n| json!(n)), "--max-bars");
        say("heavy", self.drums_only.then_some(json!(false)), "--drums-only");
        say("stems", self.no_stems.then_some(json!(false)), "--no-stems");
        let mut kits: Vec<config::Kit> = Vec::new();
        for kit in self.kit.iter().map(|k| config::Kit::from(*k)) {
            if !kits.contains(&kit) {
                kits.push(kit);
            }
        }
        say("kits", some(&kits).map(|k| json!(k)), "--kit");
        say("kits", self.no_kit.then_some(json!([])), "--no-kit");
        say("plot", self.plot.then_some(json!(true)), "--plot");
        said
    }
}

/// Flags of the command `quiet` that stand for settings.
#[derive(Debug, Clone, Default, Args)]
pub struct QuietSettingFlags {
    /// Of the beat tracker.
    #[command(flatten)]
    pub rhythm: RhythmFlags,
    /// Of what is quiet, and how it is sliced.
    #[command(flatten)]
    pub quiet: QuietFlags,
    /// Of the ranking.
    #[command(flatten)]
    pub rank: RankFlags,
    /// Of the files written.
    #[command(flatten)]
    pub export: ExportFlags,
}

/// Flags of what is quiet, and how it is sliced.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which loops, and their slices")]
pub struct QuietFlags {
    /// Lengths of loops in bars, by commas [default: 2,4,8,16]
    #[arg(long, value_name = "BARS", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=256))]
    pub bars: Vec<u32>,
    /// Let loops begin on any beat, not only on bar lines
    #[arg(long)]
    pub any_beat: bool,
    /// Most that the percussive part may have of a loop's level, from 0 to 1 (perc_to_total_rms) [default: 0.3]
    #[arg(long, value_name = "SHARE", value_parser = up_to_two)]
    pub max_perc: Option<f64>,
    /// Most that may start at a loop's ends (boundary_quiet_score) [default: 1.8]
    #[arg(long, value_name = "SCORE", value_parser = not_negative)]
    pub max_boundary: Option<f64>,
    /// Into how many slices each loop is cut, by commas; numbers above 16 only where they are at most twice its bars
    /// [default: 8,16,32]
    #[arg(long, value_name = "COUNTS", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..=64))]
    pub slices: Vec<u32>,
    /// Farthest that the edge of a slice moves to the start of a note, in milliseconds [default: 120]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub slice_reach: Option<f64>,
    /// Shortest slice, in milliseconds [default: 30]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub min_slice: Option<f64>,
    /// Fade at the end of each slice, in milliseconds, 2 at most; slices with a fade do not make up the loop [default: 0]
    #[arg(long, value_name = "MS", value_parser = up_to_two)]
    pub declick: Option<f64>,
}

impl QuietSettingFlags {
    /// What was said, setting by setting.
    pub fn said(&self) -> Vec<Said> {
        let shared = SettingFlags {
            rhythm: self.rhythm.clone(),
            loops: LoopFlags::default(),
            rank: self.rank.clone(),
            export: self.export.clone(),
        };
        let mut said = shared.said();
        let q = &self.quiet;
        if q.any_beat {
            said.push(("loops", "any_beat", json!(true), "--any-beat"));
        }
        let mut say = |key, value: Option<Value>, flag| {
            if let Some(value) = value {
                said.push(("quiet", key, value, flag));
            }
        };
        say("bars", some(&q.bars).map(|b| json!(b)), "--bars");
        say("max_perc_to_total_rms", q.max_perc.map(|x| json!(x)), "--max-perc");
        // What is drumless may always have a little more, and never less.
        let drumless = Quiet::default().max_perc_drumless;
        say(
            "max_perc_drumless",
            q.max_perc.filter(|x| *x > drumless).map(|x| json!(x)),
            "--max-perc",
        );
        say(
            "max_boundary_quiet_score",
            q.max_boundary.map(|x| json!(x)),
            "--max-boundary",
        );
        say("slices", some(&q.slices).map(|n| json!(n)), "--slices");
        say("slice_reach_ms", q.slice_reach.map(|x| json!(x)), "--slice-reach");
        say("min_slice_ms", q.min_slice.map(|x| json!(x)), "--min-slice");
        say("declick_ms", q.declick.map(|x| json!(x)), "--declick");
        said
    }
}

/// Names of formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// WAV, 24-bit
    Wav,
    /// WAV, 16-bit with dither
    Wav16,
    /// WAV, 32-bit float
    Wav32f,
    /// FLAC, 24-bit
    Flac,
    /// MP3 preview
    #[cfg(feature = "mp3")]
    Mp3,
    /// Every table as Parquet too, beside the CSV of the same name
    #[cfg(feature = "parquet")]
    Parquet,
}

impl FormatName {
    /// The format of loops; `None` for those of tables.
    fn of_loops(self) -> Option<Format> {
        Some(match self {
            Self::Wav => Format::Wav24,
            Self::Wav16 => Format::Wav16,
            Self::Wav32f => Format::Wav32f,
            Self::Flac => Format::Flac,
            #[cfg(feature = "mp3")]
            Self::Mp3 => Format::Mp3,
            #[cfg(feature = "parquet")]
            Self::Parquet => return None,
        })
    }
}

/// Names of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// As in the source
    None,
    /// Sample peak at -1 dBFS
    Peak,
    /// True peak at -1 dBTP
    TruePeak,
    /// -14 LUFS, true peak at most -1 dBTP
    Lufs,
    /// -14 dBFS RMS, true peak at most -1 dBTP
    Rms,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::None => Level::None,
            LevelName::Peak => Level::Peak,
            LevelName::TruePeak => Level::TruePeak,
            LevelName::Lufs => Level::Lufs,
            LevelName::Rms => Level::Rms,
        }
    }
}

/// Names of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderName {
    /// By score alone
    Best,
    /// Spread over contents and lengths
    Variety,
}

impl From<OrderName> for Order {
    fn from(name: OrderName) -> Self {
        match name {
            OrderName::Best => Order::Best,
            OrderName::Variety => Order::Variety,
        }
    }
}

/// One setting said by a flag: its section, its key, its value, and the flag.
pub type Said = (&'static str, &'static str, Value, &'static str);

impl SettingFlags {
    /// What was said, setting by setting.
    pub fn said(&self) -> Vec<Said> {
        let mut said = self.rhythm.said();
        said.extend(self.loops.said());
        let Self { rank, export, .. } = self;
        let mut say = |section, key, value: Option<Value>, flag| {
            if let Some(value) = value {
                said.push((section, key, value, flag));
            }
        };
        say("rank", "top_k", rank.top.map(|n| json!(n)), "--top");
        say("rank", "order", rank.order.map(|o| json!(Order::from(o))), "--order");
        say("rank", "min_score", rank.min_score.map(|x| json!(x)), "--min-score");
        say(
            "rank",
            "min_score_prob",
            rank.min_score_prob.map(|x| json!(x)),
            "--min-score-prob",
        );
        say(
            "rank",
            "min_rel_score",
            rank.min_rel_score.map(|x| json!(x)),
            "--min-rel-score",
        );
        say("rank", "alpha", rank.alpha.map(|x| json!(x)), "--alpha");
        said.extend(rank.model.said());
        said.extend(export.said());
        said
    }
}

impl LoopFlags {
    /// What was said, setting by setting.
    pub fn said(&self) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        if let Some(bars) = some(&self.bars) {
            said.push(("loops", "bars", json!(bars), "--bars"));
        }
        if self.any_beat {
            said.push(("loops", "any_beat", json!(true), "--any-beat"));
        }
        said
    }
}

impl ExportFlags {
    /// True where tables are to be Parquet too.
    pub fn parquet(&self) -> bool {
        self.format.iter().any(|name| name.of_loops().is_none())
    }

    /// What was said, setting by setting.
    pub fn said(&self) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        let mut say = |key, value: Option<Value>, flag| {
            if let Some(value) = value {
                said.push(("export", key, value, flag));
            }
        };
        let mut formats: Vec<Format> = Vec::new();
        for format in self.format.iter().filter_map(|name| name.of_loops()) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        say("formats", some(&formats).map(|f| json!(f)), "--format");
        say("level", self.level.map(|l| json!(Level::from(l))), "--level");
        say("fade_ms", self.fade.map(|x| json!(x)), "--fade");
        say("crossfade_ms", self.crossfade.map(|x| json!(x)), "--crossfade");
        say("bext", self.bext.then_some(json!(true)), "--bext");
        said
    }
}

impl RhythmFlags {
    /// What was said, setting by setting. `--beats` is an input, not a setting.
    ///
    /// Flags that answer one question (how fast? where do bars begin?) answer it alone: one of them unsays what a settings
    /// file says by another.
    pub fn said(&self) -> Vec<Said> {
        let mut said: Vec<Said> = Vec::new();
        let tempo = [
            (self.bpm.is_some(), "--bpm"),
            (self.double, "--double"),
            (self.half, "--half"),
            (self.tempo_ratio.is_some(), "--tempo-ratio"),
        ];
        if let Some((_, flag)) = tempo.into_iter().find(|(given, _)| *given) {
            said.push(("rhythm", "bpm", json!(self.bpm), flag));
            said.push(("rhythm", "double", json!(self.double), flag));
            said.push(("rhythm", "half", json!(self.half), flag));
            said.push(("rhythm", "tempo_ratio", json!(self.tempo_ratio), flag));
        }
        if let Some(part) = self.shift_beat {
            // No shift: what a settings file says is taken back.
            let part = Some(part).filter(|p| p.numerator() != 0);
            said.push(("rhythm", "shift_beat", json!(part), "--shift-beat"));
        }
        if let Some(beats) = self.meter {
            said.push(("rhythm", "beats_per_bar", json!(beats), "--meter"));
        }
        if self.shift_bar.is_some() || self.first_downbeat.is_some() {
            let flag = if self.shift_bar.is_some() {
                "--shift-bar"
            } else {
                "--first-downbeat"
            };
            said.push(("rhythm", "shift_bar", json!(self.shift_bar.unwrap_or(0)), flag));
            said.push(("rhythm", "first_downbeat", json!(self.first_downbeat), flag));
        }
        if let Some(ms) = self.grid_offset {
            said.push(("rhythm", "grid_offset_ms", json!(ms), "--grid-offset"));
        }
        said.extend(self.model.said());
        said
    }
}

fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().map_err(|_| "not a number".to_owned())
}

fn finite(text: &str) -> Result<f64, String> {
    number(text).and_then(|x| {
        if x.is_finite() {
            Ok(x)
        } else {
            Err("not a finite number".to_owned())
        }
    })
}

/// A finite number, or `-inf` for a difference that no score reaches; settings files hold no infinity.
fn difference(text: &str) -> Result<f64, String> {
    if text.eq_ignore_ascii_case("-inf") {
        Ok(-1e9)
    } else {
        finite(text)
    }
}

fn positive(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if x > 0.0 {
            Ok(x)
        } else {
            Err("must be above 0".to_owned())
        }
    })
}

fn not_negative(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if x >= 0.0 {
            Ok(x)
        } else {
            Err("must not be negative".to_owned())
        }
    })
}

fn offset(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if x.abs() <= 1000.0 {
            Ok(x)
        } else {
            Err("must be from -1000 to 1000 ms".to_owned())
        }
    })
}

fn probability(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if (0.0..=1.0).contains(&x) {
            Ok(x)
        } else {
            Err("must be from 0 to 1".to_owned())
        }
    })
}

fn up_to_two(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if (0.0..=2.0).contains(&x) {
            Ok(x)
        } else {
            Err("must be from 0 to 2".to_owned())
        }
    })
}

fn milliseconds(text: &str) -> Result<f64, String> {
    finite(text).and_then(|x| {
        if (0.0..=1000.0).contains(&x) {
            Ok(x)
        } else {
            Err("must be from 0 to 1000 ms".to_owned())
        }
    })
}
