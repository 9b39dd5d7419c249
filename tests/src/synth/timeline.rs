//! Where beats and bars lie in time.

use super::rng::Rng;

/// Beat times, and the bars made of them.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    /// Beat times in seconds, with one more than the song has beats: the last is its end.
    pub(crate) beats: Vec<f64>,
    /// For each bar, and for the end, the index of its first beat.
    pub(crate) bars: Vec<usize>,
}

impl Timeline {
    /// Bars of the given numbers of beats from `start` seconds on. `drift` is how far the tempo wanders, as a fraction
    /// of itself: the sum of two slow sines of random phase, never more than `drift` away from `bpm`.
    pub(crate) fn new(beats_in_bars: &[u32], bpm: f64, start: f64, drift: f64, rng: &mut Rng) -> Self {
        let mut bars = vec![0];
        let mut count = 0;
        for &n in beats_in_bars {
            count += n as usize;
            bars.push(count);
        }
        let phases = [rng.uniform(), rng.uniform()];
        let cycles = [rng.range(1.0, 2.0), rng.range(2.5, 4.5)];
        let mut beats = Vec::with_capacity(count + 1);
        if drift == 0.0 {
            beats.extend((0..=count).map(|i| start + i as f64 * 60.0 / bpm));
        } else {
            let mut t = start;
            for i in 0..=count {
                beats.push(t);
                let x = i as f64 / count.max(1) as f64;
                let wave = |k: usize| (std::f64::consts::TAU * (cycles[k] * x + phases[k])).sin();
                t += 60.0 / (bpm * (1.0 + drift * (0.65 * wave(0) + 0.35 * wave(1))));
            }
        }
        Self { beats, bars }
    }

    /// Time of a position in `bar`, in beats from its first beat; it may lie beyond the bar.
    pub(crate) fn at(&self, bar: usize, beat: f64) -> f64 {
        let position = (self.bars[bar] as f64 + beat).max(0.0);
        let last = self.beats.len() - 1;
        let i = (position as usize).min(last.saturating_sub(1));
        let (a, b) = (self.beats[i], self.beats[(i + 1).min(last)]);
        a + (b - a) * (position - i as f64)
    }

    /// Time of the line before `bar`.
    pub(crate) fn bar(&self, bar: usize) -> f64 {
        self.beats[self.bars[bar]]
    }

    /// Number of beats in `bar`.
    pub(crate) fn beats_in(&self, bar: usize) -> usize {
        self.bars[bar + 1] - self.bars[bar]
    }
}
