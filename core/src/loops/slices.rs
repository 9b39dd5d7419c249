//! Where a loop is divided: edges in whole frames that tile it.
//!
//! Edges begin at 0, end at the loop's length and strictly increase, so the slices between them, put end to end, are the
//! loop, bit for bit. For the same reason a slice has no fades: [`declick`] is for those who want its end faded for one-shot
//! use and do not put slices together again.

use super::candidate::Candidate;
use crate::rhythm::grid::BeatGrid;

/// `count + 1` edges that divide `frames` into equal parts, each rounded once from its exact place. They strictly increase
/// and the last is `frames`, for any `1 <= count <= frames`; other counts are brought into that range.
pub fn equal_edges(frames: usize, count: usize) -> Vec<usize> {
    let count = count.clamp(1, frames.max(1)) as u128;
    let edge = |k: u128| (2 * k * frames as u128 + count).div_euclid(2 * count) as usize;
    (0..=count).map(edge).collect()
}

/// The edges of a loop's beats, in frames from its start: where the grid has them if it drifts, equal parts if not.
pub fn beat_edges(grid: &BeatGrid, candidate: &Candidate, frames: usize) -> Vec<usize> {
    let even = || equal_edges(frames, candidate.beats as usize);
    let span = candidate.span;
    if grid.constant || span.len() <= 0.0 {
        return even();
    }
    // Half a frame of room, since the span's edges are themselves lines of the grid.
    let first = grid.beats.partition_point(|b| *b < span.start - 0.5);
    let after = grid.beats.partition_point(|b| *b < span.end - 0.5);
    let inside = &grid.beats[first..after];
    if inside.len() != candidate.beats as usize {
        return even();
    }
    let scale = frames as f64 / span.len();
    let mut edges: Vec<usize> = inside
        .iter()
        .map(|b| ((b - span.start) * scale).round().max(0.0) as usize)
        .collect();
    edges.push(frames);
    let tiles = edges.first() == Some(&0) && edges.windows(2).all(|w| w[0] < w[1]);
    if tiles { edges } else { even() }
}

/// How long before an attack a slice begins at the latest, in seconds. Feet of attacks are found a millisecond late where
/// other notes still sound.
pub const LEAD: f64 = 0.0015;
/// How much farther an edge goes for a zero crossing, in seconds.
pub const CROSSING: f64 = 0.001;

/// A loop divided on its notes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Division {
    /// One more than there are slices: the first is 0, the last the loop's length, in frames.
    pub edges: Vec<usize>,
    /// For each edge, whether it lies on an onset. The first and the last do not.
    pub on_note: Vec<bool>,
}

impl Division {
    /// How many edges lie on onsets.
    pub fn onsets_used(&self) -> usize {
        self.on_note.iter().filter(|x| **x).count()
    }
}

/// The edges of [`divide`].
pub fn note_edges(frames: usize, count: usize, onsets: &[f64], reach_frames: f64, least_frames: usize) -> Vec<usize> {
    divide(frames, count, onsets, reach_frames, least_frames).edges
}

/// Divides a loop of `frames` into `count` parts: equal ones ([`equal_edges`]), and each inner edge moved to the nearest of
/// `onsets` (frames from the loop's start) within `reach_frames`.
///
/// All edges are chosen together: of all ways that keep every part at least `least_frames` long, the one with the least
/// sum of costs, where an edge costs the part of the reach by which it moves, and 1 where it stays on its equal place for
/// want of an onset. So no two edges share an onset and the nearer one has it; an edge takes its second choice where that
/// serves its neighbour more than it costs itself. Ties go to the earlier place. Where equal parts are shorter than
/// `least_frames`, their own length is the least.
///
/// Onsets may come in any order; those that are not finite, double, or outside the loop do not count.
pub fn divide(frames: usize, count: usize, onsets: &[f64], reach_frames: f64, least_frames: usize) -> Division {
    /// A place for an edge, and the cheapest way there.
    struct Place {
        at: usize,
        note: bool,
        cost: f64,
        /// Which place of the edge before.
        from: usize,
    }
    let even = equal_edges(frames, count);
    let count = even.len() - 1;
    let least = least_frames.clamp(1, (frames / count).max(1));
    let reach = if reach_frames.is_finite() {
        reach_frames.max(0.0)
    } else {
        0.0
    };
    let mut notes: Vec<usize> = onsets
        .iter()
        .filter(|t| t.is_finite() && **t >= 0.0 && **t < frames as f64)
        .map(|t| t.round() as usize)
        .collect();
    notes.sort_unstable();
    notes.dedup();

    // Forwards: for each edge its places in order of time, each with the cheapest place of the edge before that leaves
    // room. An edge on its equal place can always follow the same.
    let mut table: Vec<Vec<Place>> = vec![vec![Place {
        at: 0,
        note: false,
        cost: 0.0,
        from: 0,
    }]];
    for (k, &home) in even.iter().enumerate().take(count).skip(1) {
        let from = notes.partition_point(|n| (*n as f64) < home as f64 - reach);
        let to = notes.partition_point(|n| *n as f64 <= home as f64 + reach);
        let mut wanted: Vec<(usize, bool)> = notes[from..to.max(from)].iter().map(|n| (*n, true)).collect();
        let at_home = wanted.partition_point(|w| w.0 < home);
        if wanted.get(at_home).is_none_or(|w| w.0 != home) {
            wanted.insert(at_home, (home, false));
        }
        let before = &table[k - 1];
        let mut best: Option<usize> = None;
        let mut seen = 0;
        let mut places = Vec::with_capacity(wanted.len());
        for (at, note) in wanted {
            while seen < before.len() && before[seen].at + least <= at {
                if best.is_none_or(|b| before[seen].cost < before[b].cost) {
                    best = Some(seen);
                }
                seen += 1;
            }
            if let Some(from) = best {
                let own = if note && reach > 0.0 {
                    at.abs_diff(home) as f64 / reach
                } else if note {
                    0.0
                } else {
                    1.0
                };
                places.push(Place {
                    at,
                    note,
                    cost: before[from].cost + own.min(1.0),
                    from,
                });
            }
        }
        table.push(places);
    }

    // Backwards from the loop's end.
    let mut division = Division {
        edges: vec![0; count + 1],
        on_note: vec![false; count + 1],
    };
    division.edges[count] = frames;
    let mut chosen = table[count - 1]
        .iter()
        .enumerate()
        .filter(|(_, p)| p.at + least <= frames)
        .reduce(|a, b| if b.1.cost < a.1.cost { b } else { a })
        .map(|(i, _)| i);
    for k in (1..count).rev() {
        let Some(place) = chosen.and_then(|i| table[k].get(i)) else {
            break;
        };
        division.edges[k] = place.at;
        division.on_note[k] = place.note;
        chosen = Some(place.from);
    }
    division
}

/// Moves the inner edges of `division` to where a cut is heard least: from an onset back to a zero crossing 1.5 to 2.5 ms
/// before the attack, from an equal place to one within 1 ms. `planes` are the loop's channels. Edges stay `least_frames`
/// apart where they were.
pub fn settle(division: &mut Division, planes: &[&[f32]], rate: u32, least_frames: usize) {
    let rate = f64::from(rate);
    let (lead, reach) = ((LEAD * rate).round() as usize, (CROSSING * rate).round() as usize);
    let last = division.edges.len().saturating_sub(1);
    for k in 1..last {
        let (before, at, after) = (division.edges[k - 1], division.edges[k], division.edges[k + 1]);
        let least = least_frames.clamp(1, (at - before).min(after - at).max(1));
        let (wanted, low, high) = if division.on_note[k] {
            let wanted = at.saturating_sub(lead);
            (wanted, wanted.saturating_sub(reach), wanted)
        } else {
            (at, at.saturating_sub(reach), at + reach)
        };
        let (low, high) = (low.max(before + least), high.min(after - least));
        // No room before the attack: on it.
        division.edges[k] = calmest(planes, wanted, low, high).unwrap_or(at);
    }
}

/// The frame from `low` to `high` before which a cut steps least: the least sum over the channels of the magnitudes on
/// both sides; of equals the nearest to `wanted`, then the earlier. `None` where there is no such frame.
pub fn calmest(planes: &[&[f32]], wanted: usize, low: usize, high: usize) -> Option<usize> {
    let step = |i: usize| -> f64 {
        let at = |i: Option<usize>| {
            let sum: f64 = planes
                .iter()
                .map(|p| i.and_then(|i| p.get(i)).map_or(0.0, |x| f64::from(x.abs())))
                .sum();
            if sum.is_nan() { f64::INFINITY } else { sum }
        };
        at(i.checked_sub(1)) + at(Some(i))
    };
    (low..=high)
        .map(|i| (step(i), i.abs_diff(wanted), i))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)))
        .map(|x| x.2)
}

/// Fades out the last `frames` of each channel of a slice, linearly to exactly 0. Slices so treated no longer make up the
/// loop.
pub fn declick(planes: &mut [Vec<f32>], frames: usize) {
    for plane in planes {
        let fade = frames.min(plane.len());
        let from = plane.len() - fade;
        for (i, x) in plane[from..].iter_mut().enumerate() {
            *x *= (fade - 1 - i) as f32 / fade as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::grid::GridSource;
    use crate::units::{Bpm, Span};

    proptest::proptest! {
        #[test]
        fn equal_parts_tile(frames in 1usize..5_000_000, count in 1usize..300) {
            let edges = equal_edges(frames, count);
            proptest::prop_assert_eq!(edges[0], 0);
            proptest::prop_assert_eq!(*edges.last().unwrap(), frames);
            proptest::prop_assert!(edges.windows(2).all(|w| w[0] < w[1]));
            let exact = frames as f64 / (edges.len() - 1) as f64;
            for (k, e) in edges.iter().enumerate() {
                proptest::prop_assert!((*e as f64 - k as f64 * exact).abs() <= 0.5 + 1e-6);
            }
        }
    }

    /// The least cost by trying every way, as [`divide`] defines it; `least` must not exceed equal parts.
    fn least_cost(even: &[usize], notes: &[usize], reach: f64, least: usize) -> f64 {
        fn go(even: &[usize], notes: &[usize], reach: f64, least: usize, k: usize, last: usize) -> f64 {
            if k + 1 == even.len() {
                return if last + least <= even[k] { 0.0 } else { f64::INFINITY };
            }
            let home = even[k];
            let to = |at: usize, cost: f64| {
                if last + least <= at {
                    cost + go(even, notes, reach, least, k + 1, at)
                } else {
                    f64::INFINITY
                }
            };
            let moved = notes
                .iter()
                .filter(|n| n.abs_diff(home) as f64 <= reach)
                .map(|n| to(*n, n.abs_diff(home) as f64 / reach));
            moved.fold(to(home, 1.0), f64::min)
        }
        go(even, notes, reach, least, 1, 0)
    }

    fn cost(division: &Division, even: &[usize], reach: f64) -> f64 {
        (1..even.len() - 1)
            .map(|k| {
                if division.on_note[k] {
                    division.edges[k].abs_diff(even[k]) as f64 / reach
                } else {
                    1.0
                }
            })
            .sum()
    }

    proptest::proptest! {
        #[test]
        fn slices_tile_whatever_the_onsets(
            frames in 1usize..3_000_000,
            count in 1usize..70,
            onsets in proptest::collection::vec(
                proptest::prop_oneof![
                    6 => -1e5f64..4e6,
                    1 => proptest::num::f64::ANY,
                    2 => proptest::prelude::Just(44_100.0),
                ],
                0..80,
            ),
            reach in proptest::prop_oneof![4 => 0.0f64..20_000.0, 1 => proptest::num::f64::ANY],
            least in 0usize..5000,
        ) {
            let division = divide(frames, count, &onsets, reach, least);
            let edges = &division.edges;
            let even = equal_edges(frames, count);
            proptest::prop_assert_eq!(edges.len(), even.len());
            proptest::prop_assert_eq!(division.on_note.len(), even.len());
            proptest::prop_assert_eq!(edges[0], 0);
            proptest::prop_assert_eq!(*edges.last().unwrap(), frames);
            let least = least.clamp(1, (frames / (even.len() - 1)).max(1));
            proptest::prop_assert!(edges.windows(2).all(|w| w[1] - w[0] >= least));
            for ((edge, home), on_note) in edges.iter().zip(&even).zip(&division.on_note) {
                if *on_note {
                    proptest::prop_assert!(edge.abs_diff(*home) as f64 <= reach);
                    proptest::prop_assert!(onsets.iter().any(|t| t.round() == *edge as f64));
                } else {
                    proptest::prop_assert_eq!(edge, home);
                }
            }
            let mut again = onsets.clone();
            again.reverse();
            again.extend_from_slice(&onsets);
            proptest::prop_assert_eq!(note_edges(frames, count, &again, reach, least), edges.clone());
        }

        #[test]
        fn no_other_way_costs_less(
            count in 2usize..6,
            notes in proptest::collection::btree_set(1usize..600, 0..9),
            reach in 1.0f64..150.0,
            least in 1usize..90,
        ) {
            let frames = 600;
            let onsets: Vec<f64> = notes.iter().map(|n| *n as f64).collect();
            let notes: Vec<usize> = notes.into_iter().collect();
            let even = equal_edges(frames, count);
            let least = least.min(frames / count);
            let made = cost(&divide(frames, count, &onsets, reach, least), &even, reach);
            let best = least_cost(&even, &notes, reach, least);
            proptest::prop_assert!((made - best).abs() < 1e-9, "{} for {}", made, best);
        }

        #[test]
        fn settled_slices_tile(
            frames in 2usize..60_000,
            count in 2usize..40,
            onsets in proptest::collection::vec(0.0f64..60_000.0, 0..60),
            least in 0usize..400,
            seed in 0u32..1000,
        ) {
            let plane: Vec<f32> = (0..frames).map(|i| ((i as f32 + seed as f32) * 0.05).sin()).collect();
            let mut division = divide(frames, count, &onsets, 2000.0, least);
            let before = division.clone();
            settle(&mut division, &[&plane, &plane[..frames / 2]], 44_100, least);
            let room = |d: &Division| d.edges.windows(2).map(|w| w[1] - w[0]).min().unwrap_or(0);
            proptest::prop_assert!(room(&division) >= room(&before).min(least.max(1)));
            proptest::prop_assert_eq!((division.edges[0], *division.edges.last().unwrap()), (0, frames));
            for ((a, b), on_note) in division.edges.iter().zip(&before.edges).zip(&before.on_note) {
                proptest::prop_assert!(a.abs_diff(*b) <= 110);
                proptest::prop_assert!(!on_note || a <= b);
            }
        }
    }

    #[test]
    fn the_nearer_edge_has_the_onset() {
        // Equal edges at 100, 200, 300.
        // A tie goes to the earlier place: the second edge's.
        assert_eq!(note_edges(400, 4, &[150.0], 60.0, 10), [0, 100, 150, 300, 400]);
        assert_eq!(note_edges(400, 4, &[140.0], 60.0, 10), [0, 140, 200, 300, 400]);
        assert_eq!(note_edges(400, 4, &[210.0, 190.0], 60.0, 10), [0, 100, 190, 300, 400]);
        // Each its own.
        assert_eq!(
            note_edges(400, 4, &[f64::NAN, 310.0, 95.0, 205.0, 95.0, 1e9, -4.0], 60.0, 10),
            [0, 95, 205, 310, 400]
        );
        // Too near to the neighbour or to the ends.
        assert_eq!(note_edges(400, 4, &[60.0], 60.0, 70), [0, 100, 200, 300, 400]);
        assert_eq!(note_edges(400, 4, &[350.0], 60.0, 60), [0, 100, 200, 300, 400]);
        assert_eq!(note_edges(0, 4, &[0.0], 60.0, 60), [0, 0]);
        assert_eq!(note_edges(3, 8, &[1.0], 60.0, 60), [0, 1, 2, 3]);
    }

    #[test]
    fn slices_begin_on_a_crossing_before_the_attack() {
        // A 500 Hz sine crosses zero every 44.1 frames.
        let plane: Vec<f32> = (0..2000)
            .map(|i| (std::f32::consts::TAU * i as f32 / 88.2).sin())
            .collect();
        let mut division = divide(2000, 2, &[1010.0], 100.0, 100);
        assert_eq!(division.onsets_used(), 1);
        settle(&mut division, &[&plane], 44_100, 100);
        let edge = division.edges[1];
        // 1.5 to 2.5 ms before the onset.
        assert!((1010 - 110..=1010 - 66).contains(&edge), "{edge}");
        assert!(plane[edge - 1].signum() != plane[edge].signum() && plane[edge].abs() < 0.08);
        assert_eq!(calmest(&[&plane], 5, 10, 3), None);
        assert_eq!(calmest(&[], 5, 3, 10), Some(5));
    }

    #[test]
    fn declicked_slices_end_in_silence() {
        let mut planes = vec![vec![1.0f32; 10], vec![-1.0; 10]];
        declick(&mut planes, 4);
        assert_eq!(planes[0], [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(planes[1][9], 0.0);
        declick(&mut planes, 100);
        assert_eq!((planes[0].len(), planes[0][9]), (10, 0.0));
    }

    #[test]
    fn drifting_beats_are_followed() {
        let mut grid = BeatGrid::empty(GridSource::Given);
        grid.beats = vec![0.0, 100.0, 210.0, 330.0, 460.0];
        grid.tempo = Bpm(120.0);
        let candidate = Candidate {
            span: Span {
                start: 100.0,
                end: 460.0,
            },
            bars: 1,
            beats: 3,
            first_bar: 0,
            beat_offset: 0,
        };
        assert_eq!(beat_edges(&grid, &candidate, 360), [0, 110, 230, 360]);
        grid.constant = true;
        assert_eq!(beat_edges(&grid, &candidate, 360), [0, 120, 240, 360]);
    }
}
