//! What an analysis gave, as items with names that last.

use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::drums::breaks::{Break, Kind};
use loopwright_core::drums::class::{Class, Drum};
use loopwright_core::drums::hits::Hits;
use loopwright_core::export::meta::implied_bpm;
use loopwright_core::export::tree::{LoopItem, QuietItem};
use loopwright_core::loops::snap::{self, Placement};
use loopwright_core::model::Output;
use loopwright_core::pipeline::harvest::Harvest;
use loopwright_core::pipeline::{find, quiet};
use loopwright_core::rhythm::grid::BeatGrid;
use loopwright_core::track::TrackId;

use crate::snapshot::{FileState, Item, ItemId, ItemKind, TakeId};

/// What items of one analysis were found in: the take as it was then.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The take.
    pub(crate) take: TakeId,
    /// Frame of the take at which the analysed sound began, and its length in frames.
    pub(crate) base: u64,
    pub(crate) frames: usize,
    pub(crate) rate: u32,
    /// Beats in frames from `base`.
    pub(crate) grid: BeatGrid,
    /// Quarter notes to a beat of the grid.
    pub(crate) quarters: f64,
    pub(crate) key: Option<String>,
    /// Name by content.
    pub(crate) id: TrackId,
    /// Integrated loudness of its last minute in LUFS; not finite for silence.
    pub(crate) loudness: f64,
}

/// A suggestion with all that is needed to cut it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) ground: Arc<Ground>,
    pub(crate) what: What,
    /// Where it is cut, in frames from the ground's base.
    pub(crate) place: Placement,
    /// As it is shown, but for what changes: favourite, file, kit.
    pub(crate) item: Item,
}

/// What is written of it.
#[derive(Debug)]
pub(crate) enum What {
    Loop(LoopItem),
    Quiet(QuietItem),
    Break(Arc<NumberedBreak>),
    /// A hit of a break.
    OneShot(Arc<NumberedBreak>, usize),
}

/// A break and its place in the order, from 1.
#[derive(Debug)]
pub(crate) struct NumberedBreak {
    pub(crate) number: u32,
    pub(crate) found: Break,
    pub(crate) hits: Hits,
}

/// Names given to stretches of one take.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: Vec<Name>,
}

#[derive(Debug, Clone, Copy)]
struct Name {
    id: ItemId,
    kind: ItemKind,
    start: u64,
    frames: u64,
}

/// Two stretches are the same where both ends are nearer than this, in seconds: re-analyses move beats by less.
const SAME: f64 = 0.010;
/// Most names that are remembered of a take; the oldest go.
const MOST_NAMES: usize = 4096;
/// Frames in the middle of a stretch that its name depends on, so that another session's take of the same number does not
/// share names with it.
const FINGERPRINT: usize = 2048;

impl Names {
    /// All that were given and are remembered.
    pub(super) fn ids(&self) -> impl Iterator<Item = ItemId> {
        self.given.iter().map(|n| n.id)
    }

    /// The name of a stretch: the one that it, or nearly the same stretch, had before; else a new one. `taken` are those that
    /// others have now.
    fn of(
        &mut self,
        (take, kind): (TakeId, ItemKind),
        (start, frames): (u64, u64),
        audio: &AudioBuffer,
        at: usize,
        taken: &[ItemId],
    ) -> ItemId {
        let reach = (SAME * f64::from(audio.sample_rate())) as u64;
        let off = |n: &Name| {
            n.start
                .abs_diff(start)
                .max((n.start + n.frames).abs_diff(start + frames))
        };
        let known = self
            .given
            .iter()
            .filter(|n| n.kind == kind && off(n) <= reach && !taken.contains(&n.id))
            .min_by_key(|n| off(n));
        if let Some(name) = known {
            return name.id;
        }
        let id = fresh((take, kind), (start, frames), audio, at);
        if self.given.len() >= MOST_NAMES {
            self.given.remove(0);
        }
        self.given.push(Name {
            id,
            kind,
            start,
            frames,
        });
        id
    }
}

fn fresh((take, kind): (TakeId, ItemKind), (start, frames): (u64, u64), audio: &AudioBuffer, at: usize) -> ItemId {
    let mut hash = blake3::Hasher::new();
    hash.update(&take.to_le_bytes());
    hash.update(&[kind as u8]);
    hash.update(&start.to_le_bytes());
    hash.update(&frames.to_le_bytes());
    let middle = at + (frames as usize / 2).saturating_sub(FINGERPRINT / 2);
    for plane in audio.planes() {
        for x in plane.iter().skip(middle).take(FINGERPRINT.min(frames as usize)) {
            hash.update(&x.to_le_bytes());
        }
    }
    let mut first = [0u8; 8];
    hash.finalize_xof().fill(&mut first);
    // 0 stands for none elsewhere.
    ItemId(u64::from_le_bytes(first).max(1))
}

/// The entries of `harvest`: loops, breaks, quiet loops and one-shots, each kind in its order. `first_bar` is the number of
/// the grid's first downbeat.
pub(super) fn entries(
    harvest: Harvest,
    ground: &Arc<Ground>,
    first_bar: i64,
    output: Output,
    names: &mut Names,
) -> Vec<Arc<Entry>> {
    let audio = harvest.analysis.track.audio.clone();
    let mut maker = Maker {
        ground,
        audio: &audio,
        names,
        taken: Vec::new(),
    };
    let numbers = Bars {
        grid: &ground.grid,
        first: first_bar,
    };
    let mut out = Vec::new();
    for item in find::items(&harvest.loops.suggestions, &harvest.loops.schema) {
        let place = snap::place(&audio, &ground.grid, &item.candidate);
        let words = Words {
            title: numbers.words(item.candidate.span.start, item.candidate.bars),
            bars: item.candidate.bars,
            beats: item.candidate.beats,
            key: ground.key.clone(),
            score: zero_to_one(item.score as f32, output),
            reasons: item.reasons.clone(),
            class: None,
        };
        // Features go along with what the user says of the loop. The spectrum is most of their bulk and said nowhere.
        let mut lean = item;
        lean.columns.retain(|(name, _)| !name.starts_with("pt_mel_"));
        lean.columns.shrink_to_fit();
        out.push(maker.entry(ItemKind::Loop, place, What::Loop(lean), words));
    }
    let breaks: Vec<Arc<NumberedBreak>> = (1u32..)
        .zip(harvest.breaks)
        .map(|(number, (found, hits))| Arc::new(NumberedBreak { number, found, hits }))
        .collect();
    for numbered in &breaks {
        let candidate = &numbered.found.candidate;
        let place = snap::place(&audio, &ground.grid, candidate);
        let words = Words {
            title: format!("Break, {}", lower(&numbers.words(candidate.span.start, candidate.bars))),
            bars: candidate.bars,
            beats: candidate.beats,
            key: None,
            score: numbered.found.score.clamp(0.0, 1.0) as f32,
            reasons: break_reasons(numbered),
            class: None,
        };
        out.push(maker.entry(ItemKind::Break, place, What::Break(numbered.clone()), words));
    }
    for (item, found) in quiet::write::items(&harvest.quiet.loops)
        .into_iter()
        .zip(&harvest.quiet.loops)
    {
        let candidate = item.item.candidate;
        let words = Words {
            title: format!("Quiet, {}", lower(&numbers.words(candidate.span.start, candidate.bars))),
            bars: candidate.bars,
            beats: candidate.beats,
            key: ground.key.clone(),
            score: zero_to_one(found.score, output),
            reasons: found.reasons.clone(),
            class: None,
        };
        let place = item.place;
        out.push(maker.entry(ItemKind::Quiet, place, What::Quiet(item), words));
    }
    let mut counts: Vec<(Class, u32)> = Vec::new();
    for one in &harvest.one_shots {
        let Some(numbered) = breaks.get(one.of) else { continue };
        let Some(hit) = numbered.hits.hits.get(one.hit) else {
            continue;
        };
        let place = Placement {
            start: hit.span.start.max(0.0) as usize,
            frames: hit.span.len().max(1.0) as usize,
        };
        let number = match counts.iter_mut().find(|(c, _)| *c == one.class) {
            Some((_, n)) => {
                *n += 1;
                *n
            }
            None => {
                counts.push((one.class, 1));
                1
            }
        };
        let words = Words {
            title: format!("{} {number}", class_words(one.class)),
            bars: 0,
            beats: 0,
            key: None,
            score: one.purity,
            reasons: vec![
                format!("{:.0} % sure that it is this and nothing else", 100.0 * one.purity),
                format!("from break {}", numbered.number),
            ],
            class: Some(one.class.label().to_owned()),
        };
        out.push(maker.entry(
            ItemKind::OneShot,
            place,
            What::OneShot(numbered.clone(), one.hit),
            words,
        ));
    }
    out
}

/// What is said of an item.
struct Words {
    title: String,
    bars: u32,
    beats: u32,
    key: Option<String>,
    score: f32,
    reasons: Vec<String>,
    class: Option<String>,
}

struct Maker<'a> {
    ground: &'a Arc<Ground>,
    audio: &'a AudioBuffer,
    names: &'a mut Names,
    taken: Vec<ItemId>,
}

impl Maker<'_> {
    fn entry(&mut self, kind: ItemKind, place: Placement, what: What, words: Words) -> Arc<Entry> {
        let ground = self.ground;
        let (start, frames) = (ground.base + place.start as u64, place.frames as u64);
        let id = self.names.of(
            (ground.take, kind),
            (start, frames),
            self.audio,
            place.start,
            &self.taken,
        );
        self.taken.push(id);
        let bpm = if words.beats == 0 {
            0.0
        } else {
            implied_bpm(words.beats, place.frames, ground.rate)
        };
        Arc::new(Entry {
            ground: ground.clone(),
            what,
            place,
            item: Item {
                id,
                kind,
                take: ground.take,
                start,
                frames,
                title: words.title,
                bars: f64::from(words.bars),
                bpm,
                key: words.key,
                score: words.score,
                reasons: words.reasons,
                class: words.class,
                favourite: false,
                file: FileState::None,
                kit: Vec::new(),
            },
        })
    }
}

impl Entry {
    /// Length in quarter notes; `None` for one-shots.
    pub(crate) fn quarters(&self) -> Option<f64> {
        let beats = match &self.what {
            What::Loop(item) => item.candidate.beats,
            What::Quiet(quiet) => quiet.item.candidate.beats,
            What::Break(numbered) => numbered.found.candidate.beats,
            What::OneShot(..) => return None,
        };
        Some(f64::from(beats) * self.ground.quarters)
    }

    /// All frames of the ground that its files are made of.
    pub(crate) fn extent(&self) -> std::ops::Range<usize> {
        let own = self.place.start..self.place.start + self.place.frames;
        match &self.what {
            What::Break(numbered) => numbered.hits.hits.iter().fold(own, |all, hit| {
                all.start.min(hit.span.start.max(0.0) as usize)..all.end.max(hit.span.end.max(0.0) as usize)
            }),
            _ => own,
        }
    }
}

/// A score as it is shown: what the model gives where that is a probability; else the odds that it stands for.
fn zero_to_one(score: f32, output: Output) -> f32 {
    match output {
        Output::Probability => score.clamp(0.0, 1.0),
        Output::Relative => 1.0 / (1.0 + (-score).exp()),
    }
}

/// Numbers of bars.
struct Bars<'a> {
    grid: &'a BeatGrid,
    first: i64,
}

impl Bars<'_> {
    /// `Bars 5–8` for `bars` bars from `frame` on.
    fn words(&self, frame: f64, bars: u32) -> String {
        let before = self
            .grid
            .downbeats
            .iter()
            .filter_map(|d| self.grid.beats.get(*d))
            .take_while(|b| **b <= frame + 0.5)
            .count();
        let from = self.first + before as i64 - 1;
        match bars {
            0 | 1 => format!("Bar {from}"),
            n => format!("Bars {from}–{}", from + i64::from(n) - 1),
        }
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|c| c.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

fn class_words(class: Class) -> &'static str {
    match class {
        Class::Drum(Drum::Kick) => "Kick",
        Class::Drum(Drum::Snare) => "Snare",
        Class::Drum(Drum::HatClosed) => "Closed hat",
        Class::Drum(Drum::HatOpen) => "Open hat",
        Class::Drum(Drum::Tom) => "Tom",
        Class::Drum(Drum::Clap) => "Clap",
        Class::Drum(Drum::Crash) => "Crash",
        Class::Drum(Drum::Ride) => "Ride",
        Class::Drum(Drum::Perc) => "Percussion",
        Class::Synth(_) => "Synth",
        Class::Silence => "Silence",
    }
}

fn break_reasons(numbered: &NumberedBreak) -> Vec<String> {
    let mut reasons = vec![match numbered.found.kind {
        Kind::Alone => "drums alone".to_owned(),
        Kind::Heavy => "drums stand out from what else sounds".to_owned(),
    }];
    let mut counts: Vec<(Class, usize)> = Vec::new();
    for cluster in &numbered.hits.clusters {
        match counts.iter_mut().find(|(c, _)| *c == cluster.class) {
            Some((_, n)) => *n += cluster.hits.len(),
            None => counts.push((cluster.class, cluster.hits.len())),
        }
    }
    let heard: Vec<String> = counts
        .iter()
        .map(|(class, n)| format!("{n} × {}", class_words(*class).to_lowercase()))
        .collect();
    if !heard.is_empty() {
        reasons.push(heard.join(", "));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(frames: usize) -> AudioBuffer {
        let mut state = 7u32;
        let plane: Vec<f32> = (0..frames)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1u32 << 24) as f32
            })
            .collect();
        AudioBuffer::new(vec![plane.clone(), plane], 48_000).unwrap()
    }

    #[test]
    fn names_last_through_small_moves_and_differ_otherwise() {
        let audio = noise(100_000);
        let mut names = Names::default();
        let mut name =
            |kind, start: u64, frames: u64| names.of((3, kind), (start, frames), &audio, start as usize, &[]);
        let first = name(ItemKind::Loop, 10_000, 40_000);
        assert_ne!(first.0, 0);
        assert_eq!(name(ItemKind::Loop, 10_400, 40_010), first, "8 ms later");
        assert_ne!(name(ItemKind::Loop, 10_600, 40_000), first, "12 ms later");
        assert_ne!(name(ItemKind::Quiet, 10_000, 40_000), first, "another kind");
        assert_ne!(name(ItemKind::Loop, 10_000, 41_000), first, "longer");
        // The same again in another instance, and another name for other sound.
        let again = fresh((3, ItemKind::Loop), (10_000, 40_000), &audio, 10_000);
        assert_eq!(again, first);
        let silence = AudioBuffer::new(vec![vec![0.0; 100_000]; 2], 48_000).unwrap();
        assert_ne!(fresh((3, ItemKind::Loop), (10_000, 40_000), &silence, 10_000), first);
    }

    #[test]
    fn two_items_of_one_analysis_never_share_a_name() {
        let audio = noise(100_000);
        let mut names = Names::default();
        let a = names.of((1, ItemKind::Loop), (1000, 5000), &audio, 1000, &[]);
        let b = names.of((1, ItemKind::Loop), (1100, 5000), &audio, 1100, &[a]);
        assert_ne!(a, b);
    }

    #[test]
    fn bars_have_the_hosts_numbers() {
        let mut grid = BeatGrid::empty(loopwright_core::rhythm::grid::GridSource::Host);
        grid.beats = (0..40).map(|i| 100.0 * f64::from(i) + 50.0).collect();
        grid.downbeats = (2..40).step_by(4).collect();
        let bars = Bars { grid: &grid, first: 17 };
        assert_eq!(bars.words(250.0, 4), "Bars 17–20");
        assert_eq!(bars.words(1050.2, 1), "Bar 19");
    }
}
