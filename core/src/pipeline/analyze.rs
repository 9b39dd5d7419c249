//! `analyze`: what there is to know of one track, in seconds, for people and programs.

use std::path::Path;

use serde::Serialize;

use super::find::TrackError;
use super::given::GivenBeats;
use super::load::load;
use super::predict::{Region, seconds};
use crate::analysis::Analysis;
use crate::config::Config;
use crate::loops;
use crate::progress::Progress;
use crate::rhythm::Rhythm;
use crate::rhythm::activation::BeatModel;
use crate::rhythm::grid::GridSource;

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
}

/// A tempo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tempo {
    /// Beats a minute.
    pub bpm: f64,
    /// True where one tempo holds throughout.
    pub constant: bool,
    /// How far it can be trusted, 0 to 1.
    pub confidence: f32,
    /// Who says so: the tracker, or beats that were given.
    pub source: GridSource,
    /// Other readings, the likeliest first.
    pub alternatives: Vec<Alternative>,
}

/// Another reading of the beat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// Beats a minute.
    pub bpm: f64,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// How far it can be trusted beside the others, 0 to 1.
    pub confidence: f32,
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

/// Analyses the file at `path`, with `model` to choose the beats where there is one. Audio that cannot be used (silence, too short) gives an analysis that says so.
pub fn analyze(
    path: &Path,
    beats: Option<&GivenBeats>,
    model: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<TrackAnalysis, TrackError> {
    let mut loaded = load(path, config, progress)?;
    let rate = loaded.track.audio.sample_rate();
    loaded.track.grid = beats.map(|given| given.grid(rate));
    let track = &loaded.track;
    let mut told = TrackAnalysis {
        audio_id: track.id.to_string(),
        name: track.name.clone(),
        artist: track.tags.artist.clone(),
        title: track.tags.title.clone(),
        seconds: track.audio.seconds(),
        sample_rate: rate,
        channels: track.audio.channels(),
        status: loaded.status.name(),
        warnings: loaded.warnings,
        tempo: None,
        meter: Meter { beats_per_bar: 4 },
        key: None,
        beats: Vec::new(),
        downbeats: Vec::new(),
        sections: Vec::new(),
        regions: Regions {
            breaks: Vec::new(),
            drumless: Vec::new(),
            quiet: Vec::new(),
        },
    };
    if !loaded.status.is_usable() {
        return Ok(told);
    }
    let analysis = Analysis::of(track, model, config, progress).map_err(super::Error::from)?;
    let structure = loops::Structure::of(&analysis, &config.tuning, progress)?;
    let grid = &analysis.rhythm.grid;
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
            alternatives: alternatives(&analysis.rhythm),
        });
    }
    told.sections = structure.sections.iter().map(|s| section(s, rate)).collect();
    let regions = |list: &[loops::regions::Region]| list.iter().map(|r| Region::of(&r.span, rate)).collect();
    told.regions = Regions {
        breaks: regions(&structure.regions.breaks),
        drumless: regions(&structure.regions.drumless),
        quiet: regions(&structure.regions.quiet),
    };
    Ok(told)
}

/// Other readings of the beat that differ in tempo or meter, the likeliest first, each with its share of the trust: a
/// softmax over the scores of all readings that were kept.
fn alternatives(rhythm: &Rhythm) -> Vec<Alternative> {
    const MOST: usize = 4;
    /// Tempi closer than this are one tempo.
    const SAME: f64 = 0.02;
    let scores = rhythm.hypotheses.iter().map(|h| f64::from(h.score));
    let best = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = scores.map(|s| (s - best).exp()).sum();
    let mut known = vec![(rhythm.grid.tempo.0, rhythm.grid.beats_per_bar)];
    let mut others = Vec::new();
    for h in &rhythm.hypotheses {
        let beats_per_bar = h.bars.first().map_or(4, |b| b.beats_per_bar);
        let same = |(bpm, beats): &(f64, u32)| *beats == beats_per_bar && (h.tempo.0 / bpm - 1.0).abs() < SAME;
        if !known.iter().any(same) {
            known.push((h.tempo.0, beats_per_bar));
            others.push(Alternative {
                bpm: h.tempo.0,
                beats_per_bar,
                confidence: ((f64::from(h.score) - best).exp() / total) as f32,
            });
        }
    }
    others.truncate(MOST);
    others
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

/// `A` to `Z`, then `A1`, `B1` and so on.
fn letter(content: usize) -> String {
    let letter = char::from(b'A' + (content % 26) as u8);
    match content / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_do_not_run_out() {
        assert_eq!([0, 25, 26, 53].map(letter), ["A", "Z", "A1", "B2"]);
    }
}
