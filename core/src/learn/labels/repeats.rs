//! Examples that need no labels: what a track repeats, against the same length cut where it should not be.
//!
//! A *repeat* lies inside one section, begins on one of its repeat units, is as long as some of them, holds no fill, and is
//! heard again: right after or right before itself, or in itself a unit later. Form bounds the choice, but it is the
//! repetition that makes it. Against each stand, of the same length:
//!
//! * a *beat off* and *half a bar off*: begun inside a bar, as a wrong downbeat would have it;
//! * *cut late or early* by 20 to 60 ms: as a grid would have it that is off by so much;
//! * *across* a change of section, where one is near enough.
//!
//! Where the music is the same after a shift (four kicks to the bar and nothing else), it is no error, and none is made of it.
//!
//! The features of a shifted span are those of that span. One that begins inside a bar is what `--any-beat` gives. One that
//! is off by milliseconds comes of the whole grid moved by as much, its bars compared anew: the features must not know of the
//! grid that was right.

use std::collections::BTreeSet;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::near::{self, Place, place, shifted};
use crate::config;
use crate::loops::{Candidate, Structure};

/// Bars this unlike are the same music (see [`Structure::unlike`]).
const SAME: f32 = 0.25;
/// Music whose beats differ by less than this many times what repeats of the track do is the same after a shift.
const SAME_BEATS: f32 = 1.5;
/// Least and most by which a cut is off, in milliseconds.
pub const CUT_MS: (f64, f64) = (20.0, 60.0);

/// What an example is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It is heard again.
    Repeat,
    /// It begins a beat early or late.
    BeatOff,
    /// It begins half a bar early or late.
    HalfBarOff,
    /// It is cut 20 to 60 ms early or late.
    CutOff,
    /// A section ends inside it.
    Across,
}

impl Kind {
    /// The weight of such an example. Of a repeat this is the most: it has that times how alike its repeat is.
    ///
    /// The order is that of what a listener would put up with: a cut that is off by milliseconds still is the right loop,
    /// one off the bar still repeats, one across a change does neither.
    pub fn weight(self) -> f64 {
        match self {
            Self::Repeat => 1.0,
            Self::CutOff => 0.25,
            Self::HalfBarOff | Self::BeatOff => 0.1,
            Self::Across => 0.0,
        }
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeat => "repeat",
            Self::BeatOff => "beat_off",
            Self::HalfBarOff => "half_bar_off",
            Self::CutOff => "cut_off",
            Self::Across => "across",
        }
    }
}

/// One example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// Where it lies on the grid; for a cut that is off, before it is moved.
    pub candidate: Candidate,
    /// What it is.
    pub kind: Kind,
    /// How good it is.
    pub weight: f64,
    /// By how many milliseconds the grid is moved for it, earlier if negative.
    pub moved_ms: f64,
}

/// A repeat, and what stands against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// The repeat.
    pub repeat: Example,
    /// The same length elsewhere.
    pub against: Vec<Example>,
}

/// The contrasts of a track, in order of length, then of time. `seed` chooses directions, and by how much cuts are off: one
/// amount early and one late for the whole track, so that it needs comparing anew only twice.
pub fn contrasts(structure: &Structure, loops: &config::Loops, seed: u64) -> Vec<Contrast> {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let late = random.random_range(CUT_MS.0..=CUT_MS.1);
    let early = -random.random_range(CUT_MS.0..=CUT_MS.1);
    let on_bars = config::Loops {
        any_beat: false,
        ..loops.clone()
    };
    let candidates = structure.candidates(&on_bars);
    let across: Vec<&Candidate> = candidates.iter().filter(|c| is_across(structure, c)).collect();
    let per = i64::from(structure.bars.beats_per_bar);
    let mut taken: BTreeSet<Place> = BTreeSet::new();
    let mut out = Vec::new();
    for candidate in &candidates {
        let Some(unlike) = repeated(structure, candidate) else {
            continue;
        };
        let example = |candidate: Candidate, kind: Kind| Example {
            candidate,
            kind,
            weight: kind.weight(),
            moved_ms: 0.0,
        };
        let mut repeat = example(*candidate, Kind::Repeat);
        repeat.weight *= f64::from(1.0 - unlike);
        let mut against = Vec::new();
        for (kind, beats) in [(Kind::BeatOff, 1), (Kind::HalfBarOff, per / 2)] {
            let sign = if random.random::<bool>() { 1 } else { -1 };
            if kind == Kind::HalfBarOff && near::misses(structure.bars.beats_per_bar).len() < 4 {
                continue;
            }
            // The other direction where the track ends in this one.
            let off = [sign * beats, -sign * beats].into_iter().find_map(|by| {
                let moved = shifted(&structure.bars, candidate, by)?;
                (!sounds_the_same(structure, candidate, by)).then_some(moved)
            });
            if let Some(off) = off.filter(|c| taken.insert(place(c))) {
                against.push(example(off, kind));
            }
        }
        let mut cut = example(*candidate, Kind::CutOff);
        cut.moved_ms = if random.random::<bool>() { late } else { early };
        against.push(cut);
        let nearest = across
            .iter()
            .filter(|c| c.bars == candidate.bars && !taken.contains(&place(c)))
            .min_by_key(|c| c.first_bar.abs_diff(candidate.first_bar));
        if let Some(c) = nearest {
            taken.insert(place(c));
            against.push(example(**c, Kind::Across));
        }
        out.push(Contrast { repeat, against });
    }
    out
}

/// How unlike the nearest repeat of a candidate is, where it is one of the repeats described above.
fn repeated(structure: &Structure, c: &Candidate) -> Option<f32> {
    let section = &structure.sections[structure.section_at(c.first_bar)?];
    let (n, unit) = (c.bars as usize, section.unit.max(1) as usize);
    let bars = c.touched();
    let aligned = (bars.start - section.bars.start).is_multiple_of(unit) && n.is_multiple_of(unit);
    if !aligned || bars.end > section.bars.end || section.fills.iter().any(|f| bars.contains(f)) {
        return None;
    }
    let after = (bars.end + n <= section.bars.end).then(|| structure.unlike(bars.start, bars.end, n));
    let before = bars.start.checked_sub(n).filter(|b| *b >= section.bars.start);
    let before = before.map(|b| structure.unlike(b, bars.start, n));
    let inside = (n >= 2 * unit).then(|| structure.unlike(bars.start, bars.start + unit, n - unit));
    let unlike = [after, before, inside]
        .into_iter()
        .flatten()
        .flatten()
        .min_by(f32::total_cmp)?;
    (unlike < SAME).then_some(unlike)
}

/// True where one section ends inside a candidate and another of other content begins, and it is not heard again next door.
fn is_across(structure: &Structure, c: &Candidate) -> bool {
    let bars = c.touched();
    let (Some(a), Some(b)) = (structure.section_at(bars.start), structure.section_at(bars.end - 1)) else {
        return false;
    };
    if a == b || structure.sections[a].content == structure.sections[b].content {
        return false;
    }
    // Neither part is a mere edge.
    let change = structure.sections[a].bars.end;
    let n = bars.len();
    let part = n.div_ceil(4);
    if change < bars.start + part || bars.end < change + part {
        return false;
    }
    let unlike = |other: Option<usize>| other.and_then(|o| structure.unlike(o, bars.start, n)).unwrap_or(1.0);
    unlike(Some(bars.end)).min(unlike(bars.start.checked_sub(n))) > 2.0 * SAME
}

/// True where each beat of a candidate is like the one `by` beats from it: a shift is not heard.
fn sounds_the_same(structure: &Structure, c: &Candidate, by: i64) -> bool {
    let per = i64::from(structure.bars.beats_per_bar);
    let repetition = &structure.repetition;
    let beat = |at: i64| {
        let bar = usize::try_from(at.div_euclid(per)).ok()?;
        structure.bars.bars.get(bar).filter(|b| b.regular)?;
        Some((bar, at.rem_euclid(per) as usize))
    };
    let first = c.first_bar as i64 * per + i64::from(c.beat_offset);
    let (mut mel, mut chroma, mut n) = (0.0f32, 0.0f32, 0.0f32);
    for k in first..first + i64::from(c.beats) {
        if let (Some(a), Some(b)) = (beat(k), beat(k + by)) {
            let d = repetition.contents.between_beats(a, b);
            mel += d.mel;
            chroma += d.chroma;
            n += 1.0;
        }
    }
    let floor = &repetition.floor;
    mel <= SAME_BEATS * floor.mel * n && chroma <= SAME_BEATS * floor.chroma * n
}
