//! How a track is broken into rows.

use crate::rhythm::grid::{BeatGrid, median_gap};

/// Length that a row is to have, in seconds.
const ROW: f64 = 30.0;
/// Most rows; longer tracks get longer rows.
const MOST: f64 = 24.0;

/// A row. All have one scale. Where a pick-up precedes the first bar line, the other rows are empty under it, so that bar
/// lines stand under each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    /// The time at its left edge, in seconds.
    pub(super) start: f64,
    /// Its length.
    pub(super) seconds: f64,
    /// What is drawn, from and to.
    pub(super) from: f64,
    /// See `from`.
    pub(super) to: f64,
}

/// The rows of a picture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) rows: Vec<Row>,
}

impl Rows {
    /// Rows from `from` to `to` seconds; a short stretch fills one.
    pub(super) fn of(grid: &BeatGrid, rate: f64, from: f64, to: f64) -> Self {
        let length = (to - from).max(1e-3);
        // The first line that a row begins on, how long rows are, and how much of the pick-up stands before the first.
        let (line, seconds, lead) = match bar(grid, rate) {
            _ if length <= 1.2 * ROW => (from, length, 0.0),
            Some((first, bar)) => {
                let least = (length / (MOST - 1.0)).max(ROW / 1.42);
                let bars = (0..20).map(|k| f64::from(1u32 << k)).find(|n| n * bar >= least);
                let seconds = bars.unwrap_or(1.0) * bar;
                // Bar 1 begins a row where little precedes it; else the first bar line that there would be.
                let early = (0.0..=0.25 * seconds).contains(&(first - from));
                let line = if early {
                    first
                } else {
                    first - ((first - from) / bar + 1e-6).floor() * bar
                };
                (line, seconds, (line - from).max(0.0))
            }
            None => (from, (length / MOST / ROW).ceil().max(1.0) * ROW, 0.0),
        };
        let count = (((to - line) / seconds - 1e-6).ceil().max(1.0)) as usize;
        let row = |i: usize| {
            let left = line + i as f64 * seconds;
            Row {
                start: left - lead,
                seconds: seconds + lead,
                from: if i == 0 { from } else { left },
                to: (left + seconds).min(to),
            }
        };
        Self {
            rows: (0..count).map(row).collect(),
        }
    }
}

/// The first bar line, and the length of a bar, in seconds.
fn bar(grid: &BeatGrid, rate: f64) -> Option<(f64, f64)> {
    let lines: Vec<f64> = grid.downbeats.iter().map(|d| grid.beats[*d] / rate).collect();
    let mean = match grid.constant {
        // To the last row it must be exact.
        true => grid.tempo.period() * f64::from(grid.beats_per_bar.max(1)),
        false => median_gap(&lines),
    };
    let first = lines.first()?;
    (mean > 0.05).then_some((*first, mean))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rhythm::grid::GridSource;
    use crate::units::Bpm;

    fn grid(first: f64, bpm: f64, seconds: f64) -> BeatGrid {
        let beats: Vec<f64> = (0..)
            .map(|k| first + f64::from(k) * 60.0 / bpm)
            .take_while(|t| *t < seconds)
            .collect();
        BeatGrid {
            downbeats: (0..beats.len()).step_by(4).collect(),
            beats,
            tempo: Bpm(bpm),
            constant: true,
            ..BeatGrid::empty(GridSource::Given)
        }
    }

    /// The rows follow each other without gap or overlap from beginning to end.
    fn assert_whole(rows: &[Row], from: f64, to: f64) {
        assert!((rows[0].from - from).abs() < 1e-9 && (rows[rows.len() - 1].to - to).abs() < 1e-9);
        assert!(rows.windows(2).all(|w| (w[0].to - w[1].from).abs() < 1e-9));
        assert!(
            rows.iter()
                .all(|r| r.to > r.from && r.from >= r.start - 1e-9 && r.to <= r.start + r.seconds + 1e-9)
        );
    }

    #[test]
    fn rows_begin_on_bar_lines_and_hold_powers_of_two() {
        for (first, bpm, length) in [
            (0.3, 120.0, 180.0),
            (0.0, 174.0, 301.0),
            (5.2, 90.0, 95.0),
            (2.0, 63.0, 3600.0),
        ] {
            let rows = Rows::of(&grid(first, bpm, length), 1.0, 0.0, length).rows;
            assert_whole(&rows, 0.0, length);
            assert!(rows.len() <= 25, "{}", rows.len());
            let bar = 240.0 / bpm;
            let bars = (rows[1].start - rows[0].start) / bar;
            assert!((bars.log2() - bars.log2().round()).abs() < 1e-9, "{bars}");
            // Bar 1 and what stands under it.
            for row in &rows[1..] {
                let line = (row.from - first) / bar;
                assert!((line - line.round()).abs() < 1e-6, "{} is no bar line", row.from);
                assert!((row.from - row.start - first + rows[0].start).abs() < 1e-6);
            }
        }
        let four = Rows::of(&grid(0.0, 120.0, 128.0), 1.0, 0.0, 128.0).rows;
        assert_eq!((four.len(), four[0].seconds), (4, 32.0));
    }

    #[test]
    fn short_stretches_fill_one_row_and_music_without_bars_takes_half_minutes() {
        let zoom = Rows::of(&grid(0.3, 120.0, 100.0), 1.0, 10.0, 14.5).rows;
        assert_eq!(zoom.len(), 1);
        assert_eq!((zoom[0].start, zoom[0].seconds), (10.0, 4.5));
        let none = BeatGrid::empty(GridSource::Tracked);
        let rows = Rows::of(&none, 1.0, 0.0, 100.0).rows;
        assert_whole(&rows, 0.0, 100.0);
        assert_eq!((rows.len(), rows[0].seconds), (4, 30.0));
        assert!(Rows::of(&none, 1.0, 0.0, 10_800.0).rows.len() <= 24);
        assert_eq!(Rows::of(&none, 1.0, 0.0, 0.0).rows.len(), 1);
    }
}
