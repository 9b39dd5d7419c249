//! Where a loop is divided: edges in whole frames that tile it.

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
