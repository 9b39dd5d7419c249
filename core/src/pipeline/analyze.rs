//! `analyze`: what there is to know of one track, in seconds, for people and programs; and, in [`outputs`], a click track
//! and a picture to judge it by ear and eye.

pub mod outputs;

use serde::Serialize;
use serde_json::{Map, Value};

use super::given::GivenBeats;
use super::load::{Loaded, load_place};
use super::predict::{Region, seconds};
use super::run::TrackError;
use crate::analysis::Analysis;
use crate::analysis::loop_file::{self, Content, Kind, LoopFile, LoopTempo};
use crate::config::{self, Config};
use crate::export::plot::letter;
use crate::loops::{self, Structure};
use crate::progress::Progress;
use crate::rhythm::activation::BeatModel;
use crate::rhythm::grid::GridSource;
use crate::rhythm::{Rhythm, alternatives};
use crate::store::Place;
use crate::track::Track;

/// What there is to know of a track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackAnalysis {
    /// The track's name by content: BLAKE3 of its samples.
    pub audio_id: String,
    /// Its name.
    pub name: String,
    /// Artist, where the file says.
    pub artist: Option<String>,
    /// Title, where the file says.
    pub title: Option<String>,
    /// Length in seconds.
    pub seconds: f64,
    /// Frames a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: usize,
    /// Whether it can be used, in a word: `normal`, `clipped`, `silent`, ...
    pub status: &'static str,
    /// What was odd about the file, in words.
    pub warnings: Vec<String>,
    /// The tempo; none without beats.
    pub tempo: Option<Tempo>,
    /// The meter.
    pub meter: Meter,
    /// How sure beats and bars are; none without beats.
    pub confidence: Option<Confidence>,
    /// What else the track could be taken for, the likeliest first, and how to say so.
    pub alternatives: Vec<Alternative>,
    /// The key; none where none stands out.
    pub key: Option<Key>,
    /// Beats in seconds.
    pub beats: Vec<f64>,
    /// First beats of bars in seconds.
    pub downbeats: Vec<f64>,
    /// Sections, in order.
    pub sections: Vec<Section>,
    /// Regions of a kind.
    pub regions: Regions,
    /// What it is as a file to be looped; none for what is too long to be one.
    pub loop_file: Option<LoopTold>,
}

/// A short file as a loop or a single sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoopTold {
    /// `loop`, `one-shot` or `silence`.
    pub kind: &'static str,
    /// The tempo at which its beats fill it; none where it is no loop.
    pub bpm: Option<f64>,
    /// Its length in bars, half bars as .5; none where it is no loop.
    pub bars: Option<f64>,
    /// Its length in beats; none where it is no loop.
    pub beats: Option<u32>,
    /// Beats in a bar; none where it is no loop.
    pub beats_per_bar: Option<u32>,
    /// How sure tempo and length are, 0 to 1; none where it is no loop.
    pub confidence: Option<f32>,
    /// How much of it is drums, 0 to 1.
    pub drums: f32,
    /// What it is made of, in the words of [`Content::tags`](crate::analysis::loop_file::Content::tags).
    pub tags: &'static [&'static str],
}

impl LoopTold {
    /// None for what is too long.
    fn of(heard: &LoopFile) -> Option<Self> {
        let tempo = heard.tempo();
        (heard.kind != Kind::Recording).then(|| Self {
            kind: heard.kind.name(),
            bpm: tempo.map(|t| t.bpm),
            bars: tempo.map(LoopTempo::bars),
            beats: tempo.map(|t| t.beats),
            beats_per_bar: tempo.map(|t| t.meter),
            confidence: tempo.map(|t| t.confidence),
            drums: heard.drums,
            tags: heard.contents.best().map_or(&[], Content::tags),
        })
    }
}

/// A tempo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tempo {
    /// Beats a minute.
    pub bpm: f64,
    /// True where one tempo holds throughout.
    pub constant: bool,
    /// How far the grid can be trusted, beats and bars together, 0 to 1.
    pub confidence: f32,
    /// Who says so: the tracker, or beats that were given.
    pub source: GridSource,
}

/// How far a grid can be trusted, 0 to 1. What the user said counts as certain.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Confidence {
    /// That the beats are right.
    pub beats: f32,
    /// That the bar lines are right, where the beats are.
    pub bars: f32,
}

/// Another reading of the track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// What it is called: see [`alternatives::Alternative::name`].
    pub name: String,
    /// Beats a minute.
    pub bpm: f64,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// First beat in seconds.
    pub first_beat: f64,
    /// First downbeat in seconds; none where no bar begins.
    pub first_downbeat: Option<f64>,
    /// How likely it is by the tracker's own evidence, 0 to 1.
    pub probability: f32,
    /// The tracker's score; comparable within one track.
    pub score: f32,
    /// The settings of the section `rhythm` that choose it, those that are not at their defaults.
    pub settings: Map<String, Value>,
    /// The same as flags of the command line, as one would type them; empty for none.
    pub flags: String,
    /// The same, for programs that link the library.
    #[serde(skip)]
    pub overrides: config::Rhythm,
}

/// A meter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Meter {
    /// Beats a bar.
    pub beats_per_bar: u32,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Key {
    /// Its short name, such as `Am`.
    pub name: String,
    /// Its place on the Camelot wheel, such as `8A`.
    pub camelot: String,
    /// How far it can be trusted, 0 to 1.
    pub confidence: f32,
}

/// A section of the form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// Its length in bars.
    pub bars: usize,
    /// Sections of one letter hold the same content.
    pub content: String,
    /// After how many bars it repeats.
    pub unit_bars: u32,
    /// How well it repeats, 0 to 1; none where it is too short to tell.
    pub repeats: Option<f32>,
    /// Level in dB below the loudest section.
    pub below_loudest_db: f32,
    /// True for drums alone.
    pub drums_only: bool,
    /// True without drums.
    pub drumless: bool,
}

/// Regions of a kind, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regions {
    /// Drums alone.
    pub breaks: Vec<Region>,
    /// No drums.
    pub drumless: Vec<Region>,
    /// Quiet.
    pub quiet: Vec<Region>,
}

/// A track with all that was found in it.
#[derive(Debug)]
pub struct Studied {
    /// What there is to know, in seconds.
    pub told: TrackAnalysis,
    /// Its analysis and form; none for audio that cannot be used.
    pub found: Option<(Analysis, Structure)>,
}

/// Analyses what is at `place`, with `model` to choose the beats where there is one. Audio that cannot be used (silence,
/// too short) gives an analysis that says so.
pub fn analyze(
    place: &Place,
    beats: Option<&GivenBeats>,
    model: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<TrackAnalysis, TrackError> {
    study(place, beats, model, config, progress).map(|studied| studied.told)
}

/// As [`analyze`], and keeps what pictures and click tracks are made from.
pub fn study(
    place: &Place,
    beats: Option<&GivenBeats>,
    model: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Studied, TrackError> {
    of_loaded(load_place(place, config, progress)?, beats, model, config, progress)
}

/// The same of a track that is at hand.
///
/// # Errors
///
/// Those of the analysis.
pub fn of_loaded(
    mut loaded: Loaded,
    beats: Option<&GivenBeats>,
    model: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Studied, TrackError> {
    let rate = loaded.track.audio.sample_rate();
    loaded.track.grid = beats.map(|given| given.grid(rate));
    let mut told = plain(&loaded.track, loaded.status.name(), loaded.warnings);
    if loaded.track.audio.seconds() <= loop_file::LONGEST {
        told.loop_file = LoopTold::of(&LoopFile::of(&loaded.track.audio, progress)?);
    }
    if !loaded.status.is_usable() {
        return Ok(Studied { told, found: None });
    }
    let analysis = Analysis::of(&loaded.track, model, config, progress).map_err(super::Error::from)?;
    let structure = Structure::of(&analysis, &config.tuning, progress)?;
    let rhythm = &analysis.rhythm;
    let grid = &rhythm.grid;
    told.key = analysis.key.map(|key| Key {
        name: key.name().to_owned(),
        camelot: key.camelot(),
        confidence: key.confidence,
    });
    told.beats = grid.beats.iter().map(|&b| seconds(b, rate)).collect();
    told.downbeats = grid
        .downbeats
        .iter()
        .filter_map(|&d| told.beats.get(d).copied())
        .collect();
    told.meter.beats_per_bar = grid.beats_per_bar;
    if !grid.beats.is_empty() {
        told.tempo = Some(Tempo {
            bpm: grid.tempo.0,
            constant: grid.constant,
            confidence: grid.confidence,
            source: grid.source,
        });
        told.confidence = Some(Confidence {
            beats: rhythm.beat_confidence,
            bars: rhythm.bar_confidence,
        });
    }
    told.alternatives = others(rhythm, rate);
    told.sections = structure.sections.iter().map(|s| section(s, rate)).collect();
    let regions = |list: &[loops::regions::Region]| list.iter().map(|r| Region::of(&r.span, rate)).collect();
    told.regions = Regions {
        breaks: regions(&structure.regions.breaks),
        drumless: regions(&structure.regions.drumless),
        quiet: regions(&structure.regions.quiet),
    };
    Ok(Studied {
        told,
        found: Some((analysis, structure)),
    })
}

/// What is known before the analysis.
fn plain(track: &Track, status: &'static str, warnings: Vec<String>) -> TrackAnalysis {
    TrackAnalysis {
        audio_id: track.id.to_string(),
        name: track.name.clone(),
        artist: track.tags.artist.clone(),
        title: track.tags.title.clone(),
        seconds: track.audio.seconds(),
        sample_rate: track.audio.sample_rate(),
        channels: track.audio.channels(),
        status,
        warnings,
        tempo: None,
        meter: Meter { beats_per_bar: 4 },
        confidence: None,
        alternatives: Vec::new(),
        key: None,
        beats: Vec::new(),
        downbeats: Vec::new(),
        sections: Vec::new(),
        regions: Regions {
            breaks: Vec::new(),
            drumless: Vec::new(),
            quiet: Vec::new(),
        },
        loop_file: None,
    }
}

fn others(rhythm: &Rhythm, rate: u32) -> Vec<Alternative> {
    let other = |a: &alternatives::Alternative| Alternative {
        name: a.name.clone(),
        bpm: a.tempo.0,
        beats_per_bar: a.beats_per_bar,
        first_beat: seconds(a.first_beat, rate),
        first_downbeat: a.first_downbeat.map(|d| seconds(d, rate)),
        probability: a.probability,
        score: a.score,
        settings: said(&a.settings),
        flags: flags(&a.settings).join(" "),
        overrides: a.settings.clone(),
    };
    rhythm.alternatives.iter().map(other).collect()
}

/// The settings that are not at their defaults.
fn said(settings: &config::Rhythm) -> Map<String, Value> {
    let plain = serde_json::to_value(config::Rhythm::default()).unwrap_or_default();
    match serde_json::to_value(settings) {
        Ok(Value::Object(all)) => all
            .into_iter()
            .filter(|(key, value)| plain.get(key) != Some(value))
            .collect(),
        _ => Map::new(),
    }
}

/// The flags that say what `settings` do, as one would type them; nothing for the defaults.
pub fn flags(settings: &config::Rhythm) -> Vec<String> {
    let mut flags = Vec::new();
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            flags.push(name.to_owned());
            flags.push(value);
        }
    };
    flag("--bpm", settings.bpm.map(|b| b.to_string()));
    flag("--tempo-ratio", settings.ratio().map(|r| r.to_string()));
    flag("--shift-beat", settings.shift_beat.map(|s| s.to_string()));
    flag("--meter", settings.beats_per_bar.map(|m| m.to_string()));
    flag(
        "--shift-bar",
        Some(settings.shift_bar).filter(|n| *n != 0).map(|n| n.to_string()),
    );
    flag("--first-downbeat", settings.first_downbeat.map(|t| format!("{t:.3}")));
    flag(
        "--grid-offset",
        Some(settings.grid_offset_ms)
            .filter(|ms| *ms != 0.0)
            .map(|ms| ms.to_string()),
    );
    flags
}

fn section(s: &loops::Section, rate: u32) -> Section {
    Section {
        start: seconds(s.span.start, rate),
        end: seconds(s.span.end, rate),
        bars: s.bars.len(),
        content: letter(s.content),
        unit_bars: s.unit,
        repeats: s.repeats,
        below_loudest_db: s.below_loudest,
        drums_only: s.drums_only,
        drumless: s.drumless,
    }
}
