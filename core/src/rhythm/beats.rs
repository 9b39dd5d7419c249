//! The pulse: one tempo throughout, or a path of single pulses found by dynamic programming (Ellis, *Beat tracking by
//! dynamic programming*, 2007) and smoothed by local lines.

use super::constants::*;
use super::onset::{gauss, mean, running_mean};
use super::refine::{Point, local_lines};
use super::tempo::TempoMap;
use crate::progress::{Cancelled, Progress};

/// Times of pulses: a map between pulse number and frame, increasing in both directions.
pub(crate) enum Pulse {
    /// Pulse 0 at frame 0, then one every `period` frames.
    Steady {
        /// Frames a pulse.
        period: f64,
    },
    /// Frame of each pulse; at least two.
    Free(Vec<f64>),
}

impl Pulse {
    /// Frame of pulse number `x`, which may lie between pulses and beyond the ends.
    pub(crate) fn frame(&self, x: f64) -> f64 {
        match self {
            Pulse::Steady { period } => x * period,
            Pulse::Free(at) => {
                let i = (x.floor().max(0.0) as usize).min(at.len() - 2);
                at[i] + (x - i as f64) * (at[i + 1] - at[i])
            }
        }
    }

    /// Pulse number of every frame from 0 to `frames`.
    pub(crate) fn numbers(&self, frames: usize) -> Vec<f64> {
        match self {
            Pulse::Steady { period } => (0..frames).map(|n| n as f64 / period).collect(),
            Pulse::Free(at) => {
                let mut i = 0;
                (0..frames)
                    .map(|n| {
                        let t = n as f64;
                        while i + 2 < at.len() && at[i + 1] <= t {
                            i += 1;
                        }
                        i as f64 + (t - at[i]) / (at[i + 1] - at[i])
                    })
                    .collect()
            }
        }
    }
}

/// Follows a drifting tempo through the linear flux `attack`. `None` where no two pulses are found.
pub(crate) fn follow(attack: &[f32], map: &TempoMap, progress: &dyn Progress) -> Result<Option<Pulse>, Cancelled> {
    let strength = local_strength(attack);
    let frames = attack.len();
    let path: Vec<f64> = (0..frames).map(|n| map.period_at(n as f64)).collect();
    let rough = dynamic(&strength, &path, 300.0, progress)?;
    if rough.len() < 4 {
        return Ok(None);
    }
    let points: Vec<Point> = rough.iter().map(|&t| Point { at: t, weight: 1.0 }).collect();
    let periods = period_curve(&points, &path);
    progress.check()?;
    let found = dynamic(&strength, &periods, 1000.0, progress)?;
    if found.len() < 4 {
        return Ok(None);
    }
    let points: Vec<Point> = found.iter().map(|&t| Point { at: t, weight: 1.0 }).collect();
    let smooth: Vec<f64> = local_lines(&points, 4).into_iter().map(|l| l.0).collect();
    let ordered = smooth.windows(2).all(|w| w[1] - w[0] > 1.0);
    Ok(Some(Pulse::Free(if ordered { smooth } else { found })))
}

/// Linear flux against its surroundings, compressed, smoothed, standardised.
fn local_strength(attack: &[f32]) -> Vec<f32> {
    let local = running_mean(attack, (4.0 * FPS) as usize);
    let global = mean(attack);
    let raw: Vec<f32> = attack
        .iter()
        .zip(&local)
        .map(|(&x, &m)| (x / (m + 0.3 * global).max(1e-9)).sqrt())
        .collect();
    let mut smooth = gauss(&raw, 1.5);
    let m = mean(&smooth);
    let sd = (smooth.iter().map(|&x| f64::from((x - m) * (x - m))).sum::<f64>() / smooth.len().max(1) as f64).sqrt();
    let scale = if sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 };
    smooth.iter_mut().for_each(|x| *x = (*x - m) * scale);
    smooth
}

/// Ellis' recursion: strength at the pulses less `tightness` times the squared log-ratio of each gap to the local period.
fn dynamic(strength: &[f32], periods: &[f64], tightness: f32, progress: &dyn Progress) -> Result<Vec<f64>, Cancelled> {
    let n = strength.len();
    let longest = periods.iter().fold(1.0f64, |a, &b| a.max(b));
    let logs: Vec<f32> = (0..(2.0 * longest) as usize + 2)
        .map(|d| (d.max(1) as f32).ln())
        .collect();
    let mut score = vec![0.0f32; n];
    let mut from = vec![u32::MAX; n];
    for t in 0..n {
        if t % 65_536 == 0 {
            progress.check()?;
        }
        let period = periods[t];
        let own = (period as f32).ln();
        let (near, far) = (
            (0.6 * period).round().max(1.0) as usize,
            (1.7 * period).round() as usize,
        );
        // A chain may begin anywhere: its start costs nothing and earns nothing.
        let (mut best, mut best_from) = (0.0f32, u32::MAX);
        for d in near..=far.min(t) {
            let r = logs[d] - own;
            let s = score[t - d] - tightness * r * r;
            if s > best {
                (best, best_from) = (s, (t - d) as u32);
            }
        }
        score[t] = strength[t] + best;
        from[t] = best_from;
    }
    let tail = n.saturating_sub((2.0 * periods.last().copied().unwrap_or(1.0)) as usize);
    let end = (tail..n).max_by(|&a, &b| score[a].total_cmp(&score[b]));
    let mut chain = Vec::new();
    let mut at = end.map_or(u32::MAX, |e| e as u32);
    while at != u32::MAX {
        chain.push(f64::from(at));
        at = from[at as usize];
    }
    chain.reverse();
    Ok(chain)
}

/// Period by frame from the slopes of local lines over eight pulses on either side, within 3 % of `path`, smoothed.
fn period_curve(points: &[Point], path: &[f64]) -> Vec<f64> {
    let lines = local_lines(points, 8);
    let frames = path.len();
    let mut i = 0;
    let raw: Vec<f32> = (0..frames)
        .map(|n| {
            let t = n as f64;
            while i + 1 < points.len() && (points[i + 1].at - t).abs() <= (points[i].at - t).abs() {
                i += 1;
            }
            lines[i].1.clamp(path[n] * 0.97, path[n] * 1.03) as f32
        })
        .collect();
    // The mean over two seconds, twice, stands for a Gaussian.
    let reach = FPS as usize;
    running_mean(&running_mean(&raw, reach), reach)
        .into_iter()
        .map(f64::from)
        .collect()
}
