//! A picture of a track to judge its grid by eye: waveform, beats, bars, sections and regions, row under row.
//!
//! Rows begin on bar lines and hold a power of two of bars (about half a minute), so that what repeats stands under what it
//! repeats. Times of the grid are those of the analysis, to a fraction of a pixel; the waveform is the highest and lowest
//! sample, and the RMS, of what a column covers, over all channels.

pub mod heat;
pub mod hits;
mod rows;
pub(super) mod wave;

use super::picture::{Anchor, Paint, Picture, Point, text_width};
use crate::analysis::Analysis;
use crate::loops::regions::Region;
use crate::loops::{Candidate, Structure};
use crate::units::Span;
use rows::{Row, Rows};
use wave::Envelope;

const WIDTH: f64 = 1600.0;
/// Where time begins and ends in a row.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 1576.0;
/// Where the first row begins.
const HEAD: f64 = 84.0;
const NUMBERS: f64 = 13.0;
const BAND: f64 = 17.0;
/// Height of the waveform, in one of many rows and in the only one.
const WAVE: (f64, f64) = (96.0, 220.0);
const STRIP: f64 = 7.0;
const TEMPO: f64 = 34.0;
const LANE: f64 = 20.0;
const AXIS: f64 = 17.0;
const GAP: f64 = 14.0;
/// Width of a column of the waveform.
const COLUMN: f64 = 1.0;

const PAPER: Paint = Paint::solid(0x14_17_1c);
const BED: Paint = Paint::solid(0x1b_1f_26);
const INK: Paint = Paint::solid(0xe8_e6_e1);
const FAINT: Paint = Paint::solid(0x8d_94_9e);
const BAR: Paint = Paint::solid(0xff_f4_d6);
const BEAT: Paint = Paint::solid(0xff_ff_ff);
const TEMPO_LINE: Paint = Paint::solid(0x9b_e8_8a);
const LOOP: Paint = Paint::solid(0xff_d1_66);
/// A colour for each content.
const CONTENTS: [Paint; 8] = [
    Paint::solid(0x5f_b3_c9),
    Paint::solid(0x8b_c0_6a),
    Paint::solid(0xe0_7a_8b),
    Paint::solid(0xb4_93_e6),
    Paint::solid(0xe0_a4_58),
    Paint::solid(0x6f_9b_ea),
    Paint::solid(0x4f_c4_a0),
    Paint::solid(0xc9_b4_58),
];

/// What is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Plot<'a> {
    /// The track with its grid.
    pub analysis: &'a Analysis,
    /// Its form.
    pub structure: &'a Structure,
    /// Loops to mark, the first first; none for none.
    pub loops: &'a [Candidate],
    /// Seconds from and to; the whole track where there is none.
    pub range: Option<(f64, f64)>,
}

/// Stretches of a kind.
struct Strip {
    label: &'static str,
    paint: Paint,
    spans: Vec<Span>,
}

/// Draws a track.
pub fn draw(plot: &Plot<'_>) -> Picture {
    let rate = f64::from(plot.analysis.track.audio.sample_rate());
    let grid = &plot.analysis.rhythm.grid;
    let total = plot.analysis.track.audio.seconds();
    let (from, to) = plot.range.unwrap_or((0.0, total));
    let (from, to) = (from.clamp(0.0, total), to.clamp(0.0, total));
    let rows = Rows::of(grid, rate, from, to);
    let strips = strips(plot);
    let lanes = lanes(plot.loops);
    let depth = lanes.iter().max().map_or(0, |l| l + 1);
    let drifts = !grid.constant && grid.beats.len() > 8;

    let mut at = NUMBERS + BAND + 3.0;
    let wave = (at, if rows.rows.len() > 1 { WAVE.0 } else { WAVE.1 });
    at += wave.1 + 4.0;
    let strips_at = at;
    at += strips.len() as f64 * STRIP;
    let tempo_at = at + 3.0;
    at += if drifts { TEMPO + 3.0 } else { 0.0 };
    let lanes_at = at + 3.0;
    at += if depth > 0 { depth as f64 * LANE + 3.0 } else { 0.0 };
    let axis = at;
    let height = at + AXIS + GAP;
    let track = &plot.analysis.track;
    let mut picture = Picture {
        width: WIDTH,
        height: HEAD + rows.rows.len() as f64 * height,
        title: format!("{}: waveform, beats, bars and sections", track.name),
        paper: PAPER,
        shapes: Vec::new(),
    };
    header(&mut picture, plot, &strips, (from, to, total));
    let loudest = wave::peak(&track.audio).max(1e-6);
    let tempo_curve = drifts.then(|| tempo_curve(&grid.beats, rate));
    for (i, row) in rows.rows.iter().enumerate() {
        let mut page = Page {
            picture: &mut picture,
            row,
            plot,
            rate,
            top: HEAD + i as f64 * height,
        };
        page.row_name(wave);
        page.sections();
        page.waveform(wave, loudest);
        for (n, strip) in strips.iter().enumerate() {
            let y = page.top + strips_at + n as f64 * STRIP;
            for span in &strip.spans {
                page.stretch(span, y, STRIP - 2.0, 1.5, strip.paint);
            }
        }
        if let Some(curve) = &tempo_curve {
            page.tempo(curve, tempo_at);
        }
        page.loops(&lanes, lanes_at);
        page.grid(wave, axis);
        page.seconds(axis);
    }
    picture
}

fn strips(plot: &Plot<'_>) -> Vec<Strip> {
    let regions = &plot.structure.regions;
    let spans = |list: &[Region]| list.iter().map(|r| r.span).collect::<Vec<Span>>();
    let bars = &plot.structure.bars.bars;
    let fills = plot.structure.sections.iter().flat_map(|s| &s.fills);
    let fills = fills.filter_map(|b| bars.get(*b)).map(|b| b.span).collect();
    let mut strips = vec![
        Strip {
            label: "drums only",
            paint: Paint::solid(0xff_7a_59),
            spans: spans(&regions.breaks),
        },
        Strip {
            label: "no drums",
            paint: Paint::solid(0x7b_d0_ff),
            spans: spans(&regions.drumless),
        },
        Strip {
            label: "quiet",
            paint: Paint::solid(0xa7_a3_ff),
            spans: spans(&regions.quiet),
        },
        Strip {
            label: "fill",
            paint: Paint::solid(0xf2_a8_d8),
            spans: fills,
        },
    ];
    strips.retain(|s| !s.spans.is_empty());
    strips
}

fn header(picture: &mut Picture, plot: &Plot<'_>, strips: &[Strip], (from, to, total): (f64, f64, f64)) {
    let track = &plot.analysis.track;
    let rhythm = &plot.analysis.rhythm;
    let grid = &rhythm.grid;
    let title = match (&track.tags.artist, &track.tags.title) {
        (Some(artist), Some(title)) => format!("{artist} – {title}"),
        (None, Some(title)) => title.clone(),
        _ => track.name.clone(),
    };
    let mut title: String = title.chars().take(80).collect();
    if from > 0.0 || to < total {
        title += &format!(", {} to {}", clock(from, 1), clock(to, 1));
    }
    picture.bold((24.0, 36.0), Anchor::Start, 20.0, INK, title);
    let mut facts: Vec<String> = Vec::new();
    if grid.beats.is_empty() {
        facts.push("no steady beat".into());
    } else {
        let steady = if grid.constant { "constant" } else { "drifting" };
        facts.push(format!("{:.2} BPM, {steady}", grid.tempo.0));
        facts.push(format!("{}/4", grid.beats_per_bar));
    }
    facts.extend(plot.analysis.key.map(|k| k.name().to_owned()));
    facts.push(clock(total, 0));
    if !grid.beats.is_empty() {
        let sure = |x: f32| format!("{:.0} %", x * 100.0);
        facts.push(format!(
            "confidence: beats {}, bars {}",
            sure(rhythm.beat_confidence),
            sure(rhythm.bar_confidence)
        ));
    }
    picture.text((24.0, 60.0), Anchor::Start, 13.0, FAINT, facts.join("   ·   "));
    // The legend, from the right.
    let mut right = RIGHT;
    let mut entry = |picture: &mut Picture, label: &str, paint: Paint, line: Option<f64>| {
        picture.text((right, 60.0), Anchor::End, 12.0, FAINT, label);
        right -= text_width(label, 12.0) + 8.0;
        match line {
            Some(width) => picture.lines(vec![vec![(right - 4.0, 48.0), (right - 4.0, 63.0)]], width, paint),
            None => picture.rect((right - 14.0, 51.0), (14.0, 9.0), 2.0, paint),
        }
        right -= 34.0;
    };
    if !plot.loops.is_empty() {
        entry(picture, "loop", LOOP, None);
    }
    for strip in strips.iter().rev() {
        entry(picture, strip.label, strip.paint, None);
    }
    if !grid.beats.is_empty() {
        entry(picture, "beat", BEAT.at(0.45), Some(1.0));
        entry(picture, "bar", BAR, Some(2.0));
    }
}

/// Tempo by place (frames, beats a minute): over eight beats around each beat.
fn tempo_curve(beats: &[f64], rate: f64) -> Vec<(f64, f64)> {
    (0..beats.len())
        .filter_map(|i| {
            let (lo, hi) = (i.saturating_sub(4), (i + 4).min(beats.len() - 1));
            let period = (beats[hi] - beats[lo]) / (hi - lo) as f64 / rate;
            (period > 0.0).then(|| (beats[i], 60.0 / period))
        })
        .collect()
}

/// The lane of each loop: the first in which it touches no other.
fn lanes(loops: &[Candidate]) -> Vec<usize> {
    let mut taken: Vec<Vec<Span>> = Vec::new();
    let mut lanes = Vec::new();
    for candidate in loops {
        let span = candidate.span;
        let free = taken
            .iter()
            .position(|lane| lane.iter().all(|other| other.overlap(&span) <= 0.0));
        let lane = free.unwrap_or_else(|| {
            taken.push(Vec::new());
            taken.len() - 1
        });
        if let Some(lane) = taken.get_mut(lane) {
            lane.push(span);
        }
        lanes.push(lane);
    }
    lanes
}

/// Minutes and seconds.
fn clock(seconds: f64, decimals: usize) -> String {
    let unit = 10f64.powi(decimals as i32);
    let whole = (seconds.max(0.0) * unit).round() / unit;
    let minutes = (whole / 60.0).floor();
    let width = if decimals > 0 { 3 + decimals } else { 2 };
    format!("{minutes}:{:0width$.decimals$}", whole - minutes * 60.0)
}

/// One row while it is drawn.
struct Page<'a> {
    picture: &'a mut Picture,
    row: &'a Row,
    plot: &'a Plot<'a>,
    rate: f64,
    top: f64,
}

impl Page<'_> {
    /// Where a time in seconds lies.
    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (seconds - self.row.start) / self.row.seconds
    }

    /// The part of a span of frames that lies in this row, from and to.
    fn visible(&self, span: &Span) -> Option<(f64, f64)> {
        let from = (span.start / self.rate).max(self.row.from);
        let to = (span.end / self.rate).min(self.row.to);
        (to > from).then(|| (self.x(from), self.x(to)))
    }

    fn stretch(&mut self, span: &Span, y: f64, height: f64, radius: f64, paint: Paint) -> Option<(f64, f64)> {
        let (from, to) = self.visible(span)?;
        let width = (to - from - 1.0).max(1.0);
        self.picture.rect((from, y), (width, height), radius, paint);
        Some((from, to))
    }

    fn row_name(&mut self, wave: (f64, f64)) {
        let middle = self.top + wave.0 + wave.1 / 2.0;
        let at = |y: f64| -> Point { (LEFT - 12.0, y) };
        let from = clock(self.row.from, usize::from(self.row.seconds < 10.0));
        self.picture.bold(at(middle - 1.0), Anchor::End, 13.0, INK, from);
        let grid = &self.plot.analysis.rhythm.grid;
        let edge = self.row.from - 1e-3;
        let bar = grid.downbeats.iter().position(|d| grid.beats[*d] / self.rate >= edge);
        if let Some(bar) = bar {
            let words = format!("bar {}", bar + 1);
            self.picture.text(at(middle + 15.0), Anchor::End, 11.0, FAINT, words);
        }
    }

    fn sections(&mut self) {
        let y = self.top + NUMBERS;
        for s in &self.plot.structure.sections {
            let paint = CONTENTS[s.content % CONTENTS.len()];
            let Some((from, to)) = self.stretch(&s.span, y, BAND, 3.0, paint) else {
                continue;
            };
            let letter = letter(s.content);
            let plural = if s.bars.len() == 1 { "" } else { "s" };
            let words = format!("{} bar{plural}, repeats every {}", s.bars.len(), s.unit);
            let inside = from + 7.0;
            let room = to - inside - 6.0;
            if room > text_width(&letter, 12.0) {
                self.picture
                    .bold((inside, y + 13.0), Anchor::Start, 12.0, PAPER, letter.clone());
            }
            let next = inside + text_width(&letter, 12.0) + 6.0;
            let short = format!("{}", s.bars.len());
            let words = [words, short]
                .into_iter()
                .find(|w| next + text_width(w, 11.0) < to - 6.0);
            if let Some(words) = words {
                self.picture
                    .text((next, y + 12.8), Anchor::Start, 11.0, PAPER.at(0.8), words);
            }
        }
    }

    /// Peaks and RMS, in the colour of the section that each column lies in.
    fn waveform(&mut self, wave: (f64, f64), loudest: f32) {
        let (left, right) = (self.x(self.row.from), self.x(self.row.to));
        let (top, height) = (self.top + wave.0, wave.1);
        let middle = top + height / 2.0;
        self.picture.rect((left, top), (right - left, height), 2.0, BED);
        let columns = ((right - left) / COLUMN).ceil().max(1.0) as usize;
        let audio = &self.plot.analysis.track.audio;
        let frames = (self.row.from * self.rate, self.row.to * self.rate);
        let envelope = Envelope::of(audio, frames, columns);
        let scale = height / 2.0 / f64::from(loudest) * 0.97;
        let colour_at = |column: usize| {
            let at = frames.0 + (frames.1 - frames.0) * (column as f64 + 0.5) / columns as f64;
            let of = |s: &&crate::loops::Section| (s.span.start..s.span.end).contains(&at);
            let section = self.plot.structure.sections.iter().find(of);
            section.map_or(FAINT, |s| CONTENTS[s.content % CONTENTS.len()])
        };
        let mut from = 0;
        while from < columns {
            let paint = colour_at(from);
            let to = (from + 1..columns).find(|c| colour_at(*c) != paint).unwrap_or(columns);
            let x = |column: usize| left + (column as f64 + 0.5) * COLUMN;
            let outline = |high: &dyn Fn(usize) -> f64, low: &dyn Fn(usize) -> f64| {
                let upper = (from..to).map(|c| (x(c), middle - high(c).max(0.4)));
                let lower = (from..to).rev().map(|c| (x(c), middle - low(c).min(-0.4)));
                upper.chain(lower).collect::<Vec<Point>>()
            };
            let of = |list: &[f32], c: usize| f64::from(list[c]) * scale;
            let peaks = outline(&|c| of(&envelope.high, c), &|c| of(&envelope.low, c));
            let rms = outline(&|c| of(&envelope.rms, c), &|c| -of(&envelope.rms, c));
            self.picture.area(peaks, paint.at(0.55));
            self.picture.area(rms, paint);
            from = to;
        }
    }

    /// Beats thin, bars bold and numbered.
    fn grid(&mut self, wave: (f64, f64), bottom: f64) {
        let grid = &self.plot.analysis.rhythm.grid;
        let (from, to) = (self.row.from - 1e-6, self.row.to - 1e-6);
        let here = |frame: f64| (from..to).contains(&(frame / self.rate));
        let pixels = |beats: f64| beats * grid.tempo.period() / self.row.seconds * (RIGHT - LEFT);
        let (wave_top, wave_bottom) = (self.top + wave.0, self.top + wave.0 + wave.1);
        if pixels(1.0) >= 5.0 {
            let is_bar = |i: &usize| grid.downbeats.binary_search(i).is_ok();
            let beats = (0..grid.beats.len()).filter(|i| !is_bar(i) && here(grid.beats[*i]));
            let runs = beats
                .map(|i| self.x(grid.beats[i] / self.rate))
                .map(|x| vec![(x, wave_top), (x, wave_bottom)])
                .collect();
            self.picture.lines(runs, 0.9, BEAT.at(0.45));
        }
        let bar = pixels(f64::from(grid.beats_per_bar.max(1)));
        let every = [1, 2, 4, 8, 16, 32, 64]
            .into_iter()
            .find(|n| bar * f64::from(*n) >= 26.0);
        let every = every.unwrap_or(128) as usize;
        let (mut bold, mut plain) = (Vec::new(), Vec::new());
        for (n, &d) in grid.downbeats.iter().enumerate() {
            let frame = grid.beats[d];
            if !here(frame) {
                continue;
            }
            let x = self.x(frame / self.rate);
            let numbered = n % every == 0;
            if numbered {
                // Not through the names of the sections.
                bold.push(vec![(x, self.top + 1.0), (x, self.top + NUMBERS - 1.0)]);
                bold.push(vec![(x, wave_top), (x, self.top + bottom)]);
                let words = (n + 1).to_string();
                let at = (x + 3.5, self.top + 10.0);
                self.picture.text(at, Anchor::Start, 10.0, INK, words);
            } else if bar >= 3.0 {
                plain.push(vec![(x, wave_top), (x, wave_bottom)]);
            }
        }
        self.picture.lines(plain, 1.2, BAR.at(0.6));
        self.picture.lines(bold, 1.8, BAR.at(0.95));
    }

    fn tempo(&mut self, curve: &[(f64, f64)], at: f64) {
        let (low, high) = curve
            .iter()
            .fold((f64::MAX, f64::MIN), |(l, h), c| (l.min(c.1), h.max(c.1)));
        // A steady stretch is not blown up to a mountain range.
        let middle = 0.5 * (low + high);
        let reach = (0.5 * (high - low)).max(0.01 * middle);
        let y = |bpm: f64| self.top + at + (TEMPO - 6.0) * (0.5 - 0.5 * (bpm - middle) / reach) + 3.0;
        let here = |c: &&(f64, f64)| (self.row.from..=self.row.to).contains(&(c.0 / self.rate));
        let run: Vec<Point> = curve
            .iter()
            .filter(here)
            .map(|c| (self.x(c.0 / self.rate), y(c.1)))
            .collect();
        let edges: Vec<(f64, f64)> = [middle + reach, middle - reach].map(|bpm| (bpm, y(bpm))).to_vec();
        let (left, right) = (self.x(self.row.from), self.x(self.row.to));
        let box_at = (left, self.top + at);
        self.picture.rect(box_at, (right - left, TEMPO), 2.0, BED);
        if run.len() > 1 {
            self.picture.lines(vec![run], 1.6, TEMPO_LINE);
        }
        for (bpm, y) in edges {
            let place = (LEFT - 12.0, y + 3.5);
            self.picture
                .text(place, Anchor::End, 9.5, TEMPO_LINE, format!("{bpm:.1}"));
        }
    }

    fn loops(&mut self, lanes: &[usize], at: f64) {
        for (i, (candidate, lane)) in self.plot.loops.iter().zip(lanes).enumerate() {
            let y = self.top + at + *lane as f64 * LANE;
            let Some((from, to)) = self.stretch(&candidate.span, y, LANE - 3.0, 4.0, LOOP) else {
                continue;
            };
            let number = (i + 1).to_string();
            let plural = if candidate.bars == 1 { "" } else { "s" };
            let length = format!("{} bar{plural}", candidate.bars);
            let next = from + 11.0 + text_width(&number, 11.0);
            self.picture
                .bold((from + 6.0, y + 12.5), Anchor::Start, 11.0, PAPER, number);
            if next + text_width(&length, 11.0) < to - 4.0 {
                self.picture.text((next, y + 12.5), Anchor::Start, 11.0, PAPER, length);
            }
        }
    }

    /// Ticks and times.
    fn seconds(&mut self, axis: f64) {
        let a_second = (RIGHT - LEFT) / self.row.seconds;
        let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0];
        let step = steps.into_iter().find(|s| s * a_second >= 60.0).unwrap_or(600.0);
        let decimals = usize::from(step < 1.0);
        let y = self.top + axis;
        let mut ticks = Vec::new();
        let mut k = (self.row.from / step - 1e-9).ceil();
        while k * step < self.row.to - 1e-9 {
            let x = self.x(k * step);
            ticks.push(vec![(x, y), (x, y + 4.0)]);
            if x < RIGHT - 14.0 {
                let words = clock(k * step, decimals);
                self.picture.text((x, y + 15.0), Anchor::Middle, 10.0, FAINT, words);
            }
            k += 1.0;
        }
        self.picture.lines(ticks, 1.0, FAINT);
    }
}

/// The name of a content: `A` to `Z`, then `A1`, `B1` and so on.
pub fn letter(content: usize) -> String {
    let letter = char::from(b'A' + (content % 26) as u8);
    match content / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_do_not_run_out() {
        assert_eq!([0, 25, 26, 53].map(letter), ["A", "Z", "A1", "B2"]);
    }

    #[test]
    fn times_read_well() {
        let read = |s, d| clock(s, d);
        assert_eq!(read(59.96, 1), "1:00.0");
        assert_eq!(read(62.449, 1), "1:02.4");
        assert_eq!(read(5.0, 0), "0:05");
        assert_eq!(read(3599.7, 0), "60:00");
    }

    #[test]
    fn loops_that_overlap_lie_in_lanes() {
        let at = |start: f64, end: f64| Candidate {
            span: Span { start, end },
            bars: 1,
            beats: 4,
            first_bar: 0,
            beat_offset: 0,
        };
        assert_eq!(
            lanes(&[at(0.0, 4.0), at(2.0, 6.0), at(4.0, 8.0), at(1.0, 3.0)]),
            [0, 1, 0, 2]
        );
    }
}
