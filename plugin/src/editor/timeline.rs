//! The history as a line: takes side by side, and the part of it that is looked at.

use crate::snapshot::{TakeId, TakeView};

/// A take on the line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Span {
    /// Index among the snapshot's takes.
    pub(crate) index: usize,
    /// The take.
    pub(crate) take: TakeId,
    /// Where it begins on the line, in seconds.
    pub(crate) at: f64,
    /// Length in seconds, more than 0.
    pub(crate) seconds: f64,
    /// Its oldest kept frame.
    pub(crate) first: u64,
    /// Frames a second.
    pub(crate) rate: f64,
}

/// The line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Timeline {
    /// Takes in order.
    pub(crate) spans: Vec<Span>,
    /// Seconds from the first take's beginning to the last one's end.
    pub(crate) total: f64,
}

/// Lays takes out side by side. Takes without sound have no place.
pub(crate) fn timeline(takes: &[TakeView]) -> Timeline {
    let length = |take: &TakeView| take.end.saturating_sub(take.first) as f64 / f64::from(take.rate.max(1));
    let sound: f64 = takes.iter().filter(|t| t.rate > 0).map(length).sum();
    let gap = (sound * 0.008).max(0.25);
    let mut line = Timeline::default();
    for (index, take) in takes.iter().enumerate() {
        let seconds = length(take);
        if take.rate == 0 || seconds <= 0.0 {
            continue;
        }
        if !line.spans.is_empty() {
            line.total += gap;
        }
        line.spans.push(Span {
            index,
            take: take.id,
            at: line.total,
            seconds,
            first: take.first,
            rate: f64::from(take.rate),
        });
        line.total += seconds;
    }
    line
}

impl Timeline {
    /// The place of a take.
    pub(crate) fn span(&self, take: TakeId) -> Option<&Span> {
        self.spans.iter().find(|span| span.take == take)
    }
    /// The take at a time on the line.
    pub(crate) fn at(&self, seconds: f64) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| seconds >= span.at && seconds < span.at + span.seconds)
    }
    /// What is shown when all is shown: the whole, and some room to grow into, so that the picture moves rarely while sound
    /// comes in.
    pub(crate) fn whole(&self, growing: bool) -> f64 {
        if !growing {
            return self.total.max(1.0);
        }
        let step = match self.total {
            t if t < 60.0 => 16.0,
            t if t < 240.0 => 32.0,
            _ => 64.0,
        };
        ((self.total / step).floor() + 1.0) * step
    }
}

impl Span {
    /// Where a frame of this take lies on the line, in seconds.
    pub(crate) fn seconds_of(&self, frame: f64) -> f64 {
        self.at + (frame - self.first as f64) / self.rate
    }
    /// The frame at a time on the line.
    pub(crate) fn frame_at(&self, seconds: f64) -> f64 {
        self.first as f64 + (seconds - self.at) * self.rate
    }
}

/// The part of the line that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) enum View {
    /// All of it.
    #[default]
    Whole,
    /// A stretch.
    Part {
        /// First second.
        from: f64,
        /// Seconds, more than 0.
        seconds: f64,
    },
}

/// The shortest stretch that can be looked at, in seconds.
pub(crate) const CLOSEST: f64 = 0.25;

impl View {
    /// First second and seconds shown of a line that is `whole` seconds long.
    pub(crate) fn range(self, whole: f64) -> (f64, f64) {
        match self {
            Self::Whole => (0.0, whole),
            Self::Part { from, seconds } => {
                let seconds = seconds.clamp(CLOSEST.min(whole), whole);
                (from.clamp(0.0, whole - seconds), seconds)
            }
        }
    }
    /// Closer by `factor` (over 1) or further away, around `pivot` (0 is the left edge, 1 the right).
    pub(crate) fn zoomed(self, whole: f64, factor: f64, pivot: f64) -> Self {
        let (from, seconds) = self.range(whole);
        if !factor.is_finite() || factor <= 0.0 {
            return self;
        }
        let new = (seconds / factor).max(CLOSEST);
        if new >= whole {
            return Self::Whole;
        }
        let at = from + seconds * pivot;
        Self::Part {
            from: (at - new * pivot).clamp(0.0, whole - new),
            seconds: new,
        }
    }
    /// Moved by a part of what is seen; 1 is a whole page to the right.
    pub(crate) fn panned(self, whole: f64, pages: f64) -> Self {
        match self {
            Self::Whole => self,
            Self::Part { .. } => {
                let (from, seconds) = self.range(whole);
                Self::Part {
                    from: (from + pages * seconds).clamp(0.0, whole - seconds),
                    seconds,
                }
            }
        }
    }
    /// Moved so that a stretch is seen, if it is not.
    pub(crate) fn showing(self, whole: f64, from: f64, to: f64) -> Self {
        let (left, seconds) = self.range(whole);
        if self == Self::Whole || (from >= left && to <= left + seconds) {
            return self;
        }
        let seconds = seconds.max((to - from) * 1.2).min(whole);
        let from = ((from + to - seconds) * 0.5).clamp(0.0, whole - seconds);
        Self::Part { from, seconds }
    }
}

/// Seconds on the line to points across the picture, and back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// Left edge in points.
    pub(crate) left: f32,
    /// Width in points.
    pub(crate) width: f32,
    /// First second shown.
    pub(crate) from: f64,
    /// Seconds shown.
    pub(crate) seconds: f64,
}

impl Scale {
    /// Point of a second.
    pub(crate) fn x(&self, seconds: f64) -> f32 {
        self.left + ((seconds - self.from) / self.seconds * f64::from(self.width)) as f32
    }
    /// Second of a point.
    pub(crate) fn seconds(&self, x: f32) -> f64 {
        if self.width <= 0.0 {
            return self.from;
        }
        self.from + f64::from(x - self.left) / f64::from(self.width) * self.seconds
    }
    /// Points a second.
    pub(crate) fn density(&self) -> f64 {
        f64::from(self.width) / self.seconds
    }
}

/// How many bars apart lines and numbers stand, so that lines are at least `lines` and numbers at least `numbers` points
/// apart; powers of 2.
pub(crate) fn bar_steps(points_a_bar: f64, lines: f64, numbers: f64) -> (usize, usize) {
    let step = |least: f64| {
        let mut step = 1usize;
        while points_a_bar * (step as f64) < least && step < 1 << 16 {
            step *= 2;
        }
        step
    };
    (step(lines), step(numbers))
}

/// Spreads stretches over lanes so that none overlap in a lane: the first come first. `None` for what finds no room.
pub(crate) fn lanes(stretches: impl Iterator<Item = (f32, f32)>, count: usize, gap: f32) -> Vec<Option<usize>> {
    let mut taken: Vec<Vec<(f32, f32)>> = vec![Vec::new(); count];
    stretches
        .map(|(from, to)| {
            let lane = taken
                .iter()
                .position(|lane| lane.iter().all(|&(a, b)| to + gap <= a || from >= b + gap))?;
            taken.get_mut(lane)?.push((from, to));
            Some(lane)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::snapshot::{Correction, GridOrigin};

    fn take(id: TakeId, first: u64, end: u64, rate: u32) -> TakeView {
        TakeView {
            id,
            rate,
            first,
            end,
            peaks: Arc::default(),
            bars: Arc::from([]),
            first_bar: None,
            grid: GridOrigin::None,
            bpm: 0.0,
            meter: (4, 4),
            open: false,
            analysed_to: 0,
            correction: Correction::default(),
            note: None,
        }
    }

    #[test]
    fn takes_stand_side_by_side_and_empty_ones_nowhere() {
        let line = timeline(&[
            take(1, 0, 48_000, 48_000),
            take(2, 7, 7, 48_000),
            take(3, 0, 100, 0),
            take(4, 96_000, 96_000 + 88_200, 44_100),
            take(5, 10, 3, 48_000),
        ]);
        assert_eq!(line.spans.iter().map(|s| s.take).collect::<Vec<_>>(), [1, 4]);
        assert!(line.spans[1].at > 1.0);
        assert!((line.total - line.spans[1].at - 2.0).abs() < 1e-9);
        assert!(line.at(1.1).is_none(), "between takes there is nothing");
        let span = line.spans[1];
        assert!((span.frame_at(span.seconds_of(100_000.0)) - 100_000.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_is_a_line_too() {
        let line = timeline(&[]);
        assert_eq!(line.total, 0.0);
        assert!(line.whole(false) > 0.0 && line.whole(true) > 0.0);
        assert!(View::Whole.range(line.whole(false)).1 > 0.0);
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let view = View::Whole.zoomed(100.0, 4.0, 0.25);
        assert_eq!(
            view,
            View::Part {
                from: 18.75,
                seconds: 25.0
            }
        );
        let closer = view.zoomed(100.0, 2.0, 0.5);
        let (from, seconds) = closer.range(100.0);
        assert!((from + seconds * 0.5 - 31.25).abs() < 1e-9);
        assert_eq!(closer.zoomed(100.0, 0.001, 0.5), View::Whole);
        let closest = view.zoomed(100.0, 1e9, 0.5);
        assert_eq!(closest.range(100.0).1, CLOSEST);
        assert_eq!(view.zoomed(100.0, f64::NAN, 0.5), view);
    }

    #[test]
    fn panning_stays_inside_also_when_the_line_shrinks() {
        let view = View::Part {
            from: 80.0,
            seconds: 20.0,
        };
        assert_eq!(view.panned(100.0, 5.0).range(100.0), (80.0, 20.0));
        assert_eq!(view.panned(100.0, -50.0).range(100.0), (0.0, 20.0));
        assert_eq!(view.range(10.0), (0.0, 10.0));
        assert_eq!(view.range(0.1), (0.0, 0.1));
        assert_eq!(View::Whole.showing(100.0, 1.0, 2.0), View::Whole);
        let (from, seconds) = view.showing(100.0, 10.0, 14.0).range(100.0);
        assert!(from <= 10.0 && from + seconds >= 14.0);
    }

    #[test]
    fn points_and_seconds_agree() {
        let scale = Scale {
            left: 10.0,
            width: 500.0,
            from: 20.0,
            seconds: 40.0,
        };
        for x in [10.0, 77.0, 510.0] {
            assert!((scale.x(scale.seconds(x)) - x).abs() < 1e-3);
        }
        let none = Scale { width: 0.0, ..scale };
        assert!(none.seconds(3.0).is_finite());
    }

    #[test]
    fn bar_numbers_thin_out() {
        assert_eq!(bar_steps(50.0, 6.0, 44.0), (1, 1));
        assert_eq!(bar_steps(3.0, 6.0, 44.0), (2, 16));
        assert!(bar_steps(0.0, 6.0, 44.0).1 >= 1, "ends");
    }

    #[test]
    fn lanes_do_not_overlap() {
        let stretches = [(0.0, 10.0), (5.0, 15.0), (6.0, 7.0), (12.0, 20.0)];
        assert_eq!(lanes(stretches.into_iter(), 2, 1.0), [Some(0), Some(1), None, Some(0)]);
        assert_eq!(lanes(stretches.into_iter(), 0, 1.0), [None; 4]);
    }
}
