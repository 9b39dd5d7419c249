//! What is known about a song.

use serde::{Deserialize, Serialize};

/// A section, as played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Name, for people.
    pub name: String,
    /// Its first bar.
    pub bar0: usize,
    /// Length in bars.
    pub bars: u32,
    /// Stems that play.
    pub stems: String,
    /// Start and end in seconds.
    pub start: f64,
    /// One bar line after its last bar.
    pub end: f64,
    /// The smallest number of bars after which it repeats.
    pub loop_unit_bars: u32,
    /// The last bar ends in a fill.
    pub fill_last_bar: bool,
    /// A crash on the first beat.
    pub crash_first: bool,
    /// A lead that never repeats.
    pub through_composed_lead: bool,
    /// Noise that climbs through the second half.
    pub riser: bool,
    /// Where that begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub riser_start: Option<f64>,
    /// Name of what is played; equal names play the same.
    pub content_id: String,
    /// RMS of the mean of both channels in dB of full scale.
    pub rms_db: f64,
}

/// A span that repeats seamlessly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrueLoop {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Length in bars.
    pub bars: u32,
    /// Name of the section that it lies in.
    pub section: String,
    /// Content and length: loops of one family sound alike.
    pub family: String,
    /// Starts a whole number of repeat units after its section.
    pub phrase_aligned: bool,
}

/// A stretch of whole sections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Start in seconds.
    pub start: f64,
    /// End in seconds.
    pub end: f64,
    /// Length in bars.
    pub bars: u32,
}

/// A drum stroke: time in seconds, class, velocity from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit(pub f64, pub String, pub f32);

/// All that is known about a song. Its JSON form is that of the labelled songs, so the same scorer reads both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Name of the style.
    pub style: String,
    /// Nominal tempo.
    pub bpm: f64,
    /// Beats a bar.
    pub meter: u32,
    /// Lateness of every second sixteenth as a fraction of one.
    pub swing: f64,
    /// Played by hand: timing, strokes and phases vary.
    pub human: bool,
    /// The tempo wanders.
    pub tempo_drift: bool,
    /// One bar has two beats.
    pub odd_2_4_bar: bool,
    /// Silence before the first beat in seconds.
    pub head_silence: f64,
    /// Pitch class of the tonic, C = 0.
    pub key: i32,
    /// `min` or `maj`.
    pub mode: String,
    /// Length of the audio in seconds.
    pub dur: f64,
    /// Beat times in seconds.
    pub beats: Vec<f64>,
    /// Times of the first beats of bars in seconds.
    pub downbeats: Vec<f64>,
    /// The sections, which tile the song from the first beat on.
    pub sections: Vec<Section>,
    /// Every span of 2, 4, 8 or 16 bars that is a whole number of repeat units inside one section, without its fill or
    /// riser.
    pub true_loops: Vec<TrueLoop>,
    /// The same where a lead that does not repeat lies on top: neither right nor wrong.
    pub soft_loops: Vec<TrueLoop>,
    /// Drums alone.
    pub breaks: Vec<Region>,
    /// No drums, hats included.
    pub drumless: Vec<Region>,
    /// RMS at least 6 dB under the loudest section.
    pub quiet: Vec<Region>,
    /// Pairs of sections with the same content.
    pub repeats: Vec<[usize; 2]>,
    /// Drum strokes in order of time.
    pub drum_hits: Vec<Hit>,
}

/// The loops of `section`; `bar_lines` are the times of all bar lines, the song's end included.
pub(crate) fn loops_of(section: &Section, bar_lines: &[f64]) -> Vec<TrueLoop> {
    let mut usable = section.bars - u32::from(section.fill_last_bar);
    if section.riser {
        usable = usable.min(section.bars / 2);
    }
    let family = if section.through_composed_lead { "lead/" } else { "" };
    let mut loops = Vec::new();
    for bars in [2, 4, 8, 16u32] {
        if bars % section.loop_unit_bars != 0 {
            continue;
        }
        for offset in 0..(usable + 1).saturating_sub(bars) {
            let first = section.bar0 + offset as usize;
            loops.push(TrueLoop {
                start: bar_lines[first],
                end: bar_lines[first + bars as usize],
                bars,
                section: section.name.clone(),
                family: format!("{family}{}:{bars}", section.content_id),
                phrase_aligned: offset % section.loop_unit_bars == 0,
            });
        }
    }
    loops
}

/// The sections that `wanted` takes, each as a region. A lone bar is none.
pub(crate) fn regions(sections: &[Section], wanted: impl Fn(&Section) -> bool) -> Vec<Region> {
    sections
        .iter()
        .filter(|s| s.bars > 1 && wanted(s))
        .map(|s| Region {
            start: s.start,
            end: s.end,
            bars: s.bars,
        })
        .collect()
}
