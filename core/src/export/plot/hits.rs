//! A picture of a break: its waveform, bars and beats, and every hit in the colour of its class.

use super::wave::Envelope;
use super::{BAR, BEAT, BED, FAINT, INK, PAPER};
use crate::audio::AudioBuffer;
use crate::drums::class::{Class, Drum, Synth};
use crate::drums::hits::Hits;
use crate::export::picture::{Anchor, Paint, Picture};

const WIDTH: f64 = 1600.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 1576.0;
const HEAD: f64 = 92.0;
const WAVE: f64 = 220.0;
const LANE: f64 = 22.0;
const FOOT: f64 = 34.0;

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct HitsPlot<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// The break's samples, a plane a channel.
    pub planes: &'a [Vec<f32>],
    /// Their rate in Hz.
    pub sample_rate: u32,
    /// The frame of the track at which the break begins.
    pub start: usize,
    /// Its beats.
    pub beats: u32,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// Its tempo.
    pub bpm: f64,
    /// Its hits.
    pub hits: &'a Hits,
}

/// The colour of a class.
pub fn colour(class: Class) -> Paint {
    Paint::solid(match class {
        Class::Drum(Drum::Kick) => 0xff_6b_5e,
        Class::Drum(Drum::Snare) => 0xff_d1_66,
        Class::Drum(Drum::HatClosed) => 0x5f_c9_d8,
        Class::Drum(Drum::HatOpen) => 0x6f_9b_ea,
        Class::Drum(Drum::Tom) => 0xe0_8a_4a,
        Class::Drum(Drum::Clap) => 0xf2_a8_d8,
        Class::Drum(Drum::Crash) => 0xb4_93_e6,
        Class::Drum(Drum::Ride) => 0x8b_c0_6a,
        Class::Drum(Drum::Perc) => 0xc9_b4_a0,
        Class::Synth(Synth::Bass) => 0x7a_8b_ff,
        Class::Synth(Synth::Lead) => 0x9b_e8_8a,
        Class::Synth(Synth::Stab) => 0x4f_c4_a0,
        Class::Synth(Synth::Fx) => 0xd0_d0_d0,
        Class::Silence => 0x8d_94_9e,
    })
}

/// Draws a break.
pub fn draw(plot: &HitsPlot<'_>) -> Picture {
    let frames = plot.planes.first().map_or(0, Vec::len);
    let mut lanes: Vec<Class> = plot.hits.hits.iter().flat_map(|h| h.labels.iter().copied()).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let lanes_at = HEAD + WAVE + 10.0;
    let foot = lanes_at + lanes.len() as f64 * LANE;
    let mut picture = Picture {
        width: WIDTH,
        height: foot + FOOT,
        title: format!("{}: waveform and hits by class", plot.title),
        paper: PAPER,
        shapes: Vec::new(),
    };
    let x = |frame: f64| LEFT + (RIGHT - LEFT) * (frame / frames.max(1) as f64).clamp(0.0, 1.0);
    picture.bold((24.0, 36.0), Anchor::Start, 20.0, INK, plot.title);
    let bars = plot.beats / plot.beats_per_bar.max(1);
    let facts = format!(
        "{:.2} BPM   {bars} bar{}   {} hits   {} kinds",
        plot.bpm,
        if bars == 1 { "" } else { "s" },
        plot.hits.hits.len(),
        plot.hits.clusters.len()
    );
    picture.text((24.0, 62.0), Anchor::Start, 14.0, FAINT, facts);
    picture.rect((LEFT, HEAD), (RIGHT - LEFT, WAVE), 3.0, BED);

    let every = |count: u32| (0..=count).map(move |i| f64::from(i) / f64::from(count.max(1)) * frames as f64);
    for (i, beat) in every(plot.beats).enumerate() {
        let bar = (i as u32).is_multiple_of(plot.beats_per_bar.max(1));
        let (paint, width) = if bar { (BAR.at(0.55), 1.5) } else { (BEAT.at(0.14), 1.0) };
        let run = vec![(x(beat), HEAD - 8.0), (x(beat), foot)];
        picture.lines(vec![run], width, paint);
        if bar && (i as u32) < plot.beats {
            let number = i as u32 / plot.beats_per_bar.max(1) + 1;
            picture.text(
                (x(beat) + 4.0, HEAD - 2.0),
                Anchor::Start,
                11.0,
                FAINT,
                number.to_string(),
            );
        }
    }

    let middle = HEAD + WAVE / 2.0;
    if let Ok(audio) = AudioBuffer::new(plot.planes.to_vec(), plot.sample_rate) {
        let columns = (RIGHT - LEFT) as usize;
        let envelope = Envelope::of(&audio, (0.0, frames as f64), columns);
        let loudest = super::wave::peak(&audio).max(1e-6);
        // A column is painted in the colour of the hit that sounds in it.
        let sounding = |column: usize| {
            let frame = plot.start as f64 + (column as f64 + 0.5) / columns as f64 * frames as f64;
            let after = plot.hits.hits.partition_point(|h| h.span.start <= frame);
            let hit = after.checked_sub(1).and_then(|i| plot.hits.hits.get(i));
            hit.filter(|h| frame < h.span.end)
                .and_then(|h| h.labels.first().copied())
        };
        let scale = 0.48 * WAVE / f64::from(loudest);
        let mut from = 0;
        while from < columns {
            let class = sounding(from);
            let to = (from + 1..columns).find(|c| sounding(*c) != class).unwrap_or(columns);
            let at = |c: usize| LEFT + c as f64 + 0.5;
            let top = (from..to).map(|c| (at(c), middle - f64::from(envelope.high[c]) * scale));
            let bottom = (from..to)
                .rev()
                .map(|c| (at(c), middle - f64::from(envelope.low[c]) * scale + 1.0));
            let paint = class.map_or(FAINT.at(0.6), colour);
            let outline: Vec<(f64, f64)> = top.chain(bottom).collect();
            if outline.len() > 2 {
                picture.area(outline, paint.at(0.85));
            }
            from = to;
        }
    }

    for (lane, class) in lanes.iter().enumerate() {
        let y = lanes_at + lane as f64 * LANE;
        picture.text(
            (LEFT - 10.0, y + LANE - 7.0),
            Anchor::End,
            13.0,
            colour(*class),
            class.label(),
        );
        for hit in plot.hits.hits.iter().filter(|h| h.labels.contains(class)) {
            let at = x(hit.onset - plot.start as f64);
            let length = (x(hit.span.end - plot.start as f64) - at).max(3.0);
            // Loud hits are full, soft ones faint: 30 dB from one to the other.
            let strength = (1.0 + hit.level / 30.0).clamp(0.25, 1.0);
            let size = (length.min(26.0), LANE - 6.0);
            picture.rect((at, y + 3.0), size, 2.0, colour(*class).at(strength));
        }
    }
    picture.text(
        (LEFT, foot + 22.0),
        Anchor::Start,
        11.0,
        FAINT,
        "colour: class of the hit that sounds; strength of a mark: its level",
    );
    picture
}
