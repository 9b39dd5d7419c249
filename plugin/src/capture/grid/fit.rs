//! Position as a function of the frame, fitted over anchors.

/// What the host said at one frame, as far as the fit needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Anchor {
    /// Frame of the take.
    pub(crate) frame: f64,
    /// Position in quarter notes.
    pub(crate) beats: f64,
    /// Quarter notes a minute.
    pub(crate) tempo: f64,
}

/// A run of one tempo at least this long, in seconds, gets a line of its own.
const RUN: f64 = 0.15;
/// Residuals of a ramp are averaged over this much to either side, in seconds.
const SMOOTH: f64 = 0.25;
/// Longest straight piece of a ramp, in seconds.
const PIECE: f64 = 0.02;
/// How far position and tempo may disagree over a take, relatively.
const DISAGREE: f64 = 0.02;
/// And 95 % of the anchors from the fit: in seconds, and in quarter notes for quantisation.
const RESIDUAL: (f64, f64) = (0.002, 1.0 / 960.0);

/// Position in quarter notes at each frame: straight between knots that increase, and beyond them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fit {
    /// Frame and position.
    knots: Vec<(f64, f64)>,
    /// The tempo in quarter notes a minute, where there is but one.
    pub(crate) constant: Option<f64>,
}

/// A part of the fit.
enum Part {
    /// Anchors `from..to` on a line: frame, position, quarter notes a frame.
    Line {
        from: usize,
        to: usize,
        at: (f64, f64),
        slope: f64,
    },
    /// Anchors `from..to` on a curve.
    Curve { from: usize, to: usize },
}

impl Fit {
    /// `None` where there are fewer than two anchors, or they contradict each other.
    pub(crate) fn of(anchors: &[Anchor], rate: f64) -> Option<Self> {
        let (first, last) = (anchors.first()?, anchors.last()?);
        let told: f64 = anchors
            .windows(2)
            .map(|w| (w[1].frame - w[0].frame) * 0.5 * (w[0].tempo + w[1].tempo) / (60.0 * rate))
            .sum();
        let gone = last.beats - first.beats;
        let slack = anchors.windows(2).map(|w| w[1].frame - w[0].frame).fold(0.0, f64::max) * 0.5 / rate;
        let steps = (anchors.iter().map(|a| a.tempo).fold(0.0, f64::max)
            - anchors.iter().map(|a| a.tempo).fold(f64::MAX, f64::min))
            / 60.0
            * slack;
        if anchors.len() < 2 || (gone - told).abs() > DISAGREE * told + 0.002 + steps {
            return None;
        }
        let parts = parts(anchors, rate);
        let knots = knots(anchors, rate, &parts);
        let constant = match &parts[..] {
            [Part::Line { slope, .. }] => Some(slope * 60.0 * rate),
            _ => None,
        };
        let fit = Self { knots, constant };
        if fit.knots.len() < 2 {
            return None;
        }
        let stride = anchors.len().div_ceil(2048);
        let mut off: Vec<f64> = anchors
            .iter()
            .step_by(stride)
            .map(|a| {
                let allowed = RESIDUAL.0 * a.tempo / 60.0 + RESIDUAL.1 + coarseness(a.beats);
                (fit.beats(a.frame) - a.beats).abs() / allowed
            })
            .collect();
        let at = off.len() * 95 / 100;
        let (_, off, _) = off.select_nth_unstable_by(at, f64::total_cmp);
        (*off <= 1.0).then_some(fit)
    }

    /// Position at a frame.
    pub(crate) fn beats(&self, frame: f64) -> f64 {
        let i = self.knots.partition_point(|k| k.0 <= frame);
        along(self.piece(i), frame, |k| k)
    }

    /// Frame of a position.
    pub(crate) fn frame(&self, beats: f64) -> f64 {
        let i = self.knots.partition_point(|k| k.1 <= beats);
        along(self.piece(i), beats, |k| (k.1, k.0))
    }

    /// The piece that ends with knot `i`, or the first or last one.
    fn piece(&self, i: usize) -> [(f64, f64); 2] {
        let i = i.clamp(1, self.knots.len() - 1);
        [self.knots[i - 1], self.knots[i]]
    }
}

/// The line through both knots at `x`.
fn along(knots: [(f64, f64); 2], x: f64, as_xy: impl Fn((f64, f64)) -> (f64, f64)) -> f64 {
    let [(x0, y0), (x1, y1)] = knots.map(as_xy);
    y0 + (x - x0) * ((y1 - y0) / (x1 - x0))
}

/// The step of an `f32` of this size: some hosts' positions are no finer.
fn coarseness(beats: f64) -> f64 {
    f64::from(f32::EPSILON) * beats.abs()
}

/// Runs of one tempo, and what lies between them.
fn parts(anchors: &[Anchor], rate: f64) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut curve = 0;
    let mut from = 0;
    while let Some(head) = anchors.get(from) {
        let same = |a: &&Anchor| (a.tempo / head.tempo - 1.0).abs() <= super::SAME_TEMPO;
        let to = from + anchors[from..].iter().take_while(same).count();
        let seconds = (anchors[to - 1].frame - head.frame) / rate;
        if (to - from >= 3 && seconds >= RUN) || (from == 0 && to == anchors.len()) {
            if curve < from {
                parts.push(Part::Curve { from: curve, to: from });
            }
            let (at, slope) = line(&anchors[from..to], rate);
            parts.push(Part::Line { from, to, at, slope });
            curve = to;
        }
        from = to;
    }
    if curve < anchors.len() {
        parts.push(Part::Curve {
            from: curve,
            to: anchors.len(),
        });
    }
    parts
}

/// The line through anchors of one tempo: a point on it, and its slope in quarter notes a frame.
///
/// The slope is the tempo's, corrected where the positions significantly say otherwise (hosts round tempi); the offset is
/// the mean over all anchors but outliers, in which quantisation cancels.
fn line(anchors: &[Anchor], rate: f64) -> ((f64, f64), f64) {
    let slope = anchors.iter().map(|a| a.tempo).sum::<f64>() / anchors.len() as f64 / (60.0 * rate);
    let (f0, b0) = (anchors[0].frame, anchors[0].beats);
    let residual = |a: &Anchor| a.beats - b0 - slope * (a.frame - f0);
    let stride = anchors.len().div_ceil(2048);
    let median = |values: &mut Vec<f64>| {
        let at = values.len() / 2;
        *values.select_nth_unstable_by(at, f64::total_cmp).1
    };
    // A robust line through the residuals first: its slope by the medians of both halves.
    let mut all: Vec<f64> = anchors.iter().step_by(stride).map(residual).collect();
    let halves = all.len() / 2;
    let lean = if halves >= 8 {
        let (mut early, mut late) = (all[..halves].to_vec(), all[all.len() - halves..].to_vec());
        (median(&mut late) - median(&mut early)) / (all.len() - halves) as f64
    } else {
        0.0
    };
    for (i, r) in all.iter_mut().enumerate() {
        *r -= lean * i as f64;
    }
    let centre = median(&mut all);
    let mut spread: Vec<f64> = all.iter().map(|r| (r - centre).abs()).collect();
    let allowed = (6.0 * median(&mut spread)).max(1e-7);
    let lean = lean / stride as f64;
    let fits = |i: usize, a: &Anchor| (residual(a) - lean * i as f64 - centre).abs() <= allowed;
    let (mut n, mut sf, mut sr) = (0.0, 0.0, 0.0);
    for (_, a) in anchors.iter().enumerate().filter(|(i, a)| fits(*i, a)) {
        n += 1.0;
        sf += a.frame - f0;
        sr += residual(a);
    }
    if n < 1.0 {
        return ((f0, b0 + centre), slope);
    }
    let (mf, mr) = (sf / n, sr / n);
    let (mut ff, mut fr, mut rr) = (0.0, 0.0, 0.0);
    for (_, a) in anchors.iter().enumerate().filter(|(i, a)| fits(*i, a)) {
        let (f, r) = (a.frame - f0 - mf, residual(a) - mr);
        ff += f * f;
        fr += f * r;
        rr += r * r;
    }
    let mut correction = 0.0;
    if n >= 3.0 && ff > 0.0 {
        let trend = fr / ff;
        let noise = ((rr - trend * fr).max(0.0) / (n - 2.0) / ff).sqrt();
        if trend.abs() > 6.0 * noise {
            correction = trend;
        }
    }
    ((f0 + mf, b0 + slope * mf + mr), slope + correction)
}

fn knots(anchors: &[Anchor], rate: f64, parts: &[Part]) -> Vec<(f64, f64)> {
    let mut knots: Vec<(f64, f64)> = Vec::new();
    // Where the part before is a line: its equation and its last anchor's frame.
    let mut before: Option<((f64, f64), f64, f64)> = None;
    for part in parts {
        match *part {
            Part::Line { from, to, at, slope } => {
                let on = |f: f64| (f, at.1 + slope * (f - at.0));
                let (head, tail) = (anchors[from].frame, anchors[to - 1].frame);
                let step = before.and_then(|(p, s, end)| {
                    // A step of the tempo lies where both lines meet, somewhere in the block between.
                    let meet = (at.1 - p.1 + s * p.0 - slope * at.0) / (s - slope);
                    (meet.is_finite() && meet >= end && meet <= head).then_some(meet)
                });
                knots.push(on(step.unwrap_or(head)));
                knots.push(on(tail.max(head + 1.0)));
                before = Some((at, slope, tail));
            }
            Part::Curve { from, to } => {
                curve(&anchors[from..to], rate, &mut knots);
                before = None;
            }
        }
    }
    let mut rising: Vec<(f64, f64)> = Vec::with_capacity(knots.len());
    for knot in knots {
        if rising.last().is_none_or(|k| knot.0 > k.0 && knot.1 > k.1) {
            rising.push(knot);
        }
    }
    rising
}

/// Knots of a ramp: the tempo's integral, drawn to the positions by the mean of what they differ nearby.
fn curve(anchors: &[Anchor], rate: f64, knots: &mut Vec<(f64, f64)>) {
    let mut integral = Vec::with_capacity(anchors.len());
    let mut sum = anchors.first().map_or(0.0, |a| a.beats);
    let mut last: Option<&Anchor> = None;
    for a in anchors {
        if let Some(l) = last {
            sum += (a.frame - l.frame) * 0.5 * (a.tempo + l.tempo) / (60.0 * rate);
        }
        integral.push(sum);
        last = Some(a);
    }
    let residual: Vec<f64> = anchors.iter().zip(&integral).map(|(a, i)| a.beats - i).collect();
    let reach = SMOOTH * rate;
    let (mut low, mut high, mut total) = (0, 0, 0.0);
    let mut smooth = Vec::with_capacity(anchors.len());
    for (i, a) in anchors.iter().enumerate() {
        // As far to one side as to the other: a mean over a slope is in the middle of it.
        let near = (a.frame - anchors[0].frame)
            .min(anchors[anchors.len() - 1].frame - a.frame)
            .min(reach);
        while high < anchors.len() && (high <= i || anchors[high].frame <= a.frame + near) {
            total += residual[high];
            high += 1;
        }
        while high > i + 1 && anchors[high - 1].frame > a.frame + near {
            high -= 1;
            total -= residual[high];
        }
        while low < i && anchors[low].frame < a.frame - near {
            total -= residual[low];
            low += 1;
        }
        smooth.push(integral[i] + total / (high - low) as f64);
    }
    for (i, a) in anchors.iter().enumerate() {
        knots.push((a.frame, smooth[i]));
        let Some(b) = anchors.get(i + 1) else { break };
        let pieces = ((b.frame - a.frame) / (PIECE * rate)).ceil().clamp(1.0, 64.0) as usize;
        let (k0, k1) = (a.tempo / (60.0 * rate), b.tempo / (60.0 * rate));
        for p in 1..pieces {
            let t = p as f64 / pieces as f64;
            let x = t * (b.frame - a.frame);
            // A linear ramp is a parabola; what is left to the next knot is spread evenly.
            let ramp = |x: f64| k0 * x + 0.5 * (k1 - k0) * x * x / (b.frame - a.frame);
            let rest = smooth[i + 1] - smooth[i] - ramp(b.frame - a.frame);
            knots.push((a.frame + x, smooth[i] + ramp(x) + t * rest));
        }
    }
}
