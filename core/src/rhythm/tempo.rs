//! Tempo over time: periodicity of the onset curves in windows, and a smooth path through it.
//!
//! Each window's autocorrelation is summed over the groups of bands, each normalised by its own power, so that a quiet
//! hi-hat votes as a loud kick does; a comb over one to four pulses turns it into a salience of tempi (Scheirer 1998;
//! Klapuri et al. 2006), and a Viterbi search takes the path.

use realfft::RealFftPlanner;

use super::constants::*;
use super::onset::GROUPS;

/// Salience of tempi by window and the path through it.
pub(crate) struct TempoMap {
    /// Periods in frames, falling.
    periods: Vec<f64>,
    /// Salience by window and period.
    comb: Vec<f32>,
    /// Path: period in frames by window, folded to one octave.
    pub(crate) path: Vec<f64>,
    /// Mean power of the pulse curve by window, mean 1.
    energy: Vec<f32>,
    /// Energy-weighted salience along the path.
    pub(crate) clarity: f32,
}

/// Frames between windows.
pub(crate) const WINDOW_HOP: f64 = TEMPO_HOP * FPS;

/// Finds the tempo path of the pulse curves `groups`; `range` in BPM.
pub(crate) fn map(groups: &[Vec<f32>; GROUPS], range: (f64, f64)) -> TempoMap {
    let frames = groups[0].len();
    let size = ((TEMPO_WINDOW * FPS) as usize).min(frames).max(2);
    let longest = 60.0 / range.0 * FPS;
    let max_lag = (4.0 * longest + 2.0).min(0.9 * size as f64) as usize;
    let count = 1 + ((frames - size) as f64 / WINDOW_HOP) as usize;
    let steps = ((range.1 / range.0).ln() / TEMPO_STEP.ln()).ceil() as usize + 1;
    let periods: Vec<f64> = (0..steps).map(|i| longest * TEMPO_STEP.powi(-(i as i32))).collect();

    let padded = (size + max_lag + 1).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(padded), planner.plan_fft_inverse(padded));
    let (mut input, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let mut scratch = forward.make_scratch_vec();
    let mut scratch_back = inverse.make_scratch_vec();
    let mut power = inverse.make_input_vec();
    let mut lags = inverse.make_output_vec();
    let mut comb = vec![0.0f32; count * steps];
    let mut energy = vec![0.0f32; count];
    for w in 0..count {
        let at = (w as f64 * WINDOW_HOP) as usize;
        power.fill(Default::default());
        let mut voices = 0.0f32;
        for (g, weight) in groups.iter().zip(GROUP_WEIGHTS) {
            let x = &g[at..at + size];
            let mean = super::onset::mean(x);
            input[size..].fill(0.0);
            let mut own = 0.0f32;
            for (i, &x) in input.iter_mut().zip(x) {
                *i = x - mean;
                own += *i * *i;
            }
            energy[w] += weight * x.iter().map(|x| x * x).sum::<f32>();
            if own < 1e-6 * size as f32 {
                continue;
            }
            voices += 1.0;
            // Buffers come from the plans: their lengths fit, and the imaginary parts at the ends are zero.
            let _ = forward.process_with_scratch(&mut input, &mut spectrum, &mut scratch);
            for (p, z) in power.iter_mut().zip(&spectrum) {
                p.re += z.norm_sqr() / own;
            }
        }
        if voices == 0.0 {
            continue;
        }
        let _ = inverse.process_with_scratch(&mut power, &mut lags, &mut scratch_back);
        let scale = size as f32 / (padded as f32 * GROUPS as f32);
        for (lag, x) in lags.iter_mut().enumerate().take(max_lag + 1) {
            *x *= scale / (size - lag) as f32;
        }
        for (s, &period) in comb[w * steps..(w + 1) * steps].iter_mut().zip(&periods) {
            let (mut total, mut n) = (0.0f32, 0.0f32);
            for k in 1..=4 {
                let lag = f64::from(k) * period;
                if lag + 1.0 > max_lag as f64 {
                    break;
                }
                let (i, f) = (lag as usize, lag.fract() as f32);
                total += lags[i] * (1.0 - f) + lags[i + 1] * f;
                n += 1.0;
            }
            *s = if n > 0.0 { total / n } else { 0.0 };
        }
    }
    let mean_energy = super::onset::mean(&energy).max(1e-12);
    energy.iter_mut().for_each(|e| *e /= mean_energy);
    let best = viterbi(&comb, &energy, &periods);
    let total: f32 = energy.iter().sum::<f32>().max(1e-9);
    let clarity = best
        .iter()
        .enumerate()
        .map(|(w, &i)| comb[w * steps + i] * energy[w])
        .sum::<f32>()
        / total;
    let mut map = TempoMap {
        path: best.into_iter().map(|i| periods[i]).collect(),
        periods,
        comb,
        energy,
        clarity,
    };
    map.fold();
    map
}

/// Most likely path: salient, near the preferred tempo, changing slowly, with rare jumps to anywhere.
fn viterbi(comb: &[f32], energy: &[f32], periods: &[f64]) -> Vec<usize> {
    const REACH: usize = 6;
    const STEP_COST: f32 = 0.15;
    const JUMP_COST: f32 = 4.0;
    let steps = periods.len();
    let prior: Vec<f32> = periods
        .iter()
        .map(|p| {
            let octaves = (60.0 * FPS / p / PREFERRED_BPM).log2() / 0.9;
            (-0.5 * octaves * octaves) as f32
        })
        .collect();
    let count = energy.len();
    let mut score = vec![0.0f32; steps];
    let mut next = vec![0.0f32; steps];
    let mut from = vec![0u16; count * steps];
    for w in 0..count {
        let gain = 8.0 * energy[w].sqrt();
        let (top, top_score) = score
            .iter()
            .enumerate()
            .fold((0, f32::MIN), |a, (i, &s)| if s > a.1 { (i, s) } else { a });
        for i in 0..steps {
            let (mut best, mut best_score) = (top, top_score - JUMP_COST);
            let reach = i.saturating_sub(REACH)..(i + REACH + 1).min(steps);
            for (j, before) in reach.clone().zip(&score[reach]) {
                let s = before - STEP_COST * i.abs_diff(j) as f32;
                if s > best_score {
                    (best, best_score) = (j, s);
                }
            }
            from[w * steps + i] = best as u16;
            next[i] = best_score + gain * comb[w * steps + i] + prior[i];
        }
        std::mem::swap(&mut score, &mut next);
    }
    let mut at = score
        .iter()
        .enumerate()
        .fold((0, f32::MIN), |a, (i, &s)| if s > a.1 { (i, s) } else { a })
        .0;
    let mut path = vec![0; count];
    for w in (0..count).rev() {
        path[w] = at;
        at = usize::from(from[w * steps + at]);
    }
    path
}

/// Median of `x`, the upper one of two; 0 of nothing.
pub(crate) fn median(x: &[f64]) -> f64 {
    let mut copy = x.to_vec();
    if copy.is_empty() {
        return 0.0;
    }
    let k = copy.len() / 2;
    *copy.select_nth_unstable_by(k, f64::total_cmp).1
}

impl TempoMap {
    /// Brings each window's period near to the median by a simple ratio, where one does: a path that jumps by an octave is
    /// one tempo read in two ways. So is mostly one that jumps by a fifth or a fourth, if the folded tempo is heard there
    /// too; other jumps are changes of tempo.
    fn fold(&mut self) {
        let median = median(&self.path);
        for w in 0..self.path.len() {
            let own = self.path[w];
            let distance = |x: f64| (x / median).ln().abs();
            let mut best = own;
            for ratio in [2.0, 0.5] {
                if distance(own * ratio) < distance(best) {
                    best = own * ratio;
                }
            }
            for ratio in [1.5, 2.0 / 3.0, 4.0 / 3.0, 0.75] {
                let heard = || self.salience(w, own * ratio) > 0.5 * self.salience(w, own);
                if distance(own * ratio) < 0.04 && distance(best) > 0.04 && heard() {
                    best = own * ratio;
                }
            }
            self.path[w] = best;
        }
    }

    /// Salience of `period` (frames) in window `w`, interpolated; 0 outside the range.
    fn salience(&self, w: usize, period: f64) -> f32 {
        let steps = self.periods.len();
        let x = (self.periods[0] / period).ln() / TEMPO_STEP.ln();
        if x < 0.0 || x >= (steps - 1) as f64 {
            return 0.0;
        }
        let (i, f) = (x as usize, x.fract() as f32);
        let row = &self.comb[w * steps..(w + 1) * steps];
        row[i] * (1.0 - f) + row[i + 1] * f
    }

    /// Mean salience, weighted by energy, of beats at `ratio` beats a pulse of the path.
    pub(crate) fn support(&self, ratio: f64) -> f32 {
        let total: f32 = self.energy.iter().sum::<f32>().max(1e-9);
        let sum: f32 = self
            .path
            .iter()
            .zip(&self.energy)
            .enumerate()
            .map(|(w, (p, e))| e * self.salience(w, p / ratio))
            .sum();
        sum / total
    }

    /// Highest mean salience of any one tempo relative to the path.
    pub(crate) fn best_support(&self) -> f32 {
        let steps = self.periods.len() as i32;
        (-steps..=steps)
            .step_by(2)
            .map(|k| self.support(TEMPO_STEP.powi(k)))
            .fold(1e-9, f32::max)
    }

    /// Median period in frames, and the spread of the logarithm of the path where there is sound.
    pub(crate) fn summary(&self) -> (f64, f64) {
        let heard: Vec<f64> = self
            .path
            .iter()
            .zip(&self.energy)
            .filter(|x| *x.1 > 0.1)
            .map(|x| *x.0)
            .collect();
        let heard = if heard.is_empty() { &self.path } else { &heard };
        let mean = heard.iter().map(|p| p.ln()).sum::<f64>() / heard.len().max(1) as f64;
        let variance = heard.iter().map(|p| (p.ln() - mean).powi(2)).sum::<f64>() / heard.len().max(1) as f64;
        (median(heard), variance.sqrt())
    }

    /// Period in frames at `frame`, interpolated between the centres of the windows.
    pub(crate) fn period_at(&self, frame: f64) -> f64 {
        let x = (frame - 0.5 * TEMPO_WINDOW * FPS) / WINDOW_HOP;
        let last = self.path.len() - 1;
        let i = (x.max(0.0) as usize).min(last);
        let f = (x - i as f64).clamp(0.0, 1.0);
        self.path[i] * (1.0 - f) + self.path[(i + 1).min(last)] * f
    }
}
