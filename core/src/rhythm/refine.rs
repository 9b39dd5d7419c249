//! From rough beat places to the attacks under them: flux maxima by parabola, then robust lines.

use super::constants::*;

/// An attack near a beat.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Frame.
    pub(crate) at: f64,
    /// How much it counts; 0 where nothing was found.
    pub(crate) weight: f64,
}

/// How far from a beat its attack is sought, in frames (35 ms).
const REACH: f64 = 0.035 * FPS;

/// The strongest attack within 35 ms of each beat, interpolated by a parabola.
pub(crate) fn attacks(attack: &[f32], beats: &[f64]) -> Vec<Point> {
    let n = attack.len();
    beats
        .iter()
        .map(|&t| {
            let lo = (t - REACH).ceil().max(1.0) as usize;
            let hi = ((t + REACH).floor().max(0.0) as usize).min(n.saturating_sub(2));
            let none = Point { at: t, weight: 0.0 };
            let Some(i) = (lo..=hi).max_by(|&a, &b| attack[a].total_cmp(&attack[b])) else {
                return none;
            };
            let (a, b, c) = (f64::from(attack[i - 1]), f64::from(attack[i]), f64::from(attack[i + 1]));
            // A maximum at the edge of the search belongs to something else.
            if b <= 0.0 || b < a || b < c {
                return none;
            }
            let bend = a - 2.0 * b + c;
            let shift = if bend < 0.0 { 0.5 * (a - c) / bend } else { 0.0 };
            Point {
                at: i as f64 + shift.clamp(-0.5, 0.5),
                weight: b.sqrt(),
            }
        })
        .collect()
}

/// Weighted least-squares line `at = a + b * index` through points with indices `x`.
fn line(points: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<(f64, f64)> {
    let (mut sw, mut sx, mut sy) = (0.0, 0.0, 0.0);
    for (x, y, w) in points.clone() {
        sw += w;
        sx += w * x;
        sy += w * y;
    }
    if sw <= 0.0 {
        return None;
    }
    let (mx, my) = (sx / sw, sy / sw);
    let (mut sxx, mut sxy) = (0.0, 0.0);
    for (x, y, w) in points {
        sxx += w * (x - mx) * (x - mx);
        sxy += w * (x - mx) * (y - my);
    }
    (sxx > 1e-9).then(|| {
        let b = sxy / sxx;
        (my - b * mx, b)
    })
}

/// Cauchy-weighted line through the points, started from `start` (intercept, slope): attacks off the line hardly count.
pub(crate) fn robust_line(points: &[Point], start: (f64, f64)) -> Option<(f64, f64)> {
    let mut fit = start;
    let mut residuals: Vec<f64> = Vec::with_capacity(points.len());
    for _ in 0..12 {
        residuals.clear();
        residuals.extend(
            points
                .iter()
                .enumerate()
                .filter(|x| x.1.weight > 0.0)
                .map(|(i, p)| (p.at - fit.0 - fit.1 * i as f64).abs()),
        );
        let scale = (2.0 * super::tempo::median(&residuals)).max(0.1);
        let now = fit;
        let weighted = points.iter().enumerate().filter(|x| x.1.weight > 0.0).map(|(i, p)| {
            let r = (p.at - now.0 - now.1 * i as f64) / scale;
            (i as f64, p.at, p.weight / (1.0 + r * r))
        });
        fit = line(weighted)?;
        if (fit.0 - now.0).abs() < 1e-9 && (fit.1 - now.1).abs() < 1e-12 {
            break;
        }
    }
    Some(fit)
}

/// Value and slope at each point of a Cauchy-weighted line through its neighbours, `half` on either side.
pub(crate) fn local_lines(points: &[Point], half: usize) -> Vec<(f64, f64)> {
    let n = points.len();
    (0..n)
        .map(|i| {
            let (lo, hi) = (i.saturating_sub(half), (i + half + 1).min(n));
            let around = &points[lo..hi];
            let slope = if hi - lo > 1 {
                (around[around.len() - 1].at - around[0].at) / (hi - lo - 1) as f64
            } else {
                0.0
            };
            let here = (i - lo) as f64;
            // The median intercept keeps one far point from deciding where the fit begins.
            let intercepts: Vec<f64> = around
                .iter()
                .enumerate()
                .map(|(k, p)| p.at - slope * k as f64)
                .collect();
            let start = (super::tempo::median(&intercepts), slope);
            match robust_line(around, start) {
                Some((a, b)) if b > 0.0 => (a + b * here, b),
                _ => (points[i].at, slope),
            }
        })
        .collect()
}

/// Fits one period and phase to the `points` near a steady grid. Returns (first beat, period) in frames; the input where
/// they do not settle it.
pub(crate) fn steady(points: &[Point], first: f64, period: f64) -> (f64, f64) {
    let count = points.len();
    match robust_line(points, (first, period)) {
        Some((a, b)) if count >= 4 && (b / period - 1.0).abs() < 0.004 && line_within(a, b, first, period, count) => {
            (a, b)
        }
        _ => (first, period),
    }
}

/// True where the line stays within the reach of the search at both ends.
fn line_within(a: f64, b: f64, first: f64, period: f64, count: usize) -> bool {
    let last = (count - 1) as f64;
    (a - first).abs() <= REACH && (a + b * last - first - period * last).abs() <= 2.0 * REACH
}

/// Moves each beat of a drifting grid to the local line through the `points` around it.
pub(crate) fn drifting(points: &[Point], beats: &[f64]) -> Vec<f64> {
    let smooth: Vec<f64> = local_lines(points, 4).into_iter().map(|l| l.0).collect();
    let mut out: Vec<f64> = Vec::with_capacity(beats.len());
    for (i, (&s, &b)) in smooth.iter().zip(beats).enumerate() {
        let good = (s - b).abs() <= 2.0 * REACH;
        let t = if good { s } else { b };
        match out.last() {
            Some(&before) if t - before < 0.5 * (b - beats[i - 1]) => out.push(before + (b - beats[i - 1])),
            _ => out.push(t),
        }
    }
    out
}

/// Slow deviation of the attacks from a steady grid in seconds: over sixteen beats in a row their median, where they agree
/// among themselves; the largest that two such rows after each other share. One row alone may be a figure that is played
/// off the beat.
pub(crate) fn slow_residual(attack: &[f32], first: f64, period: f64, count: usize) -> f64 {
    let beats: Vec<f64> = (0..count).map(|k| first + k as f64 * period).collect();
    let points = attacks(attack, &beats);
    let (mut worst, mut before) = (0.0f64, 0.0f64);
    for (p, b) in points.chunks(16).zip(beats.chunks(16)) {
        let residuals: Vec<f64> = p
            .iter()
            .zip(b)
            .filter(|x| x.0.weight > 0.0)
            .map(|(p, b)| p.at - b)
            .collect();
        let centre = super::tempo::median(&residuals);
        let spread: Vec<f64> = residuals.iter().map(|r| (r - centre).abs()).collect();
        let settled = residuals.len() >= 8 && super::tempo::median(&spread) < 0.5;
        let here = if settled { centre } else { 0.0 };
        if here * before > 0.0 {
            worst = worst.max(here.abs().min(before.abs()));
        }
        before = here;
    }
    worst / FPS
}
