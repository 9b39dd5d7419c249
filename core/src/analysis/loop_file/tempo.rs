//! How many beats a loop holds.

use super::LoopTempo;
use super::sound::{GROUPS, Sound};
use super::weights::TEMPO;

/// Beats a minute that are considered.
const RANGE: (f64, f64) = (52.0, 224.0);
/// Beats that a file may hold, by meter.
const BEATS: [(u32, &[u32]); 2] = [(4, &[2, 4, 8, 12, 16, 24, 32, 64]), (3, &[3, 6, 12, 24, 48])];
/// Steps of a bar, in four and in three.
const STEPS: usize = 16;
/// Bands of a bar's profile: kick, body and snare, hats.
const PROFILES: usize = 3;
/// Lags in beats at which the ring is compared with itself.
const LAGS: [f64; 8] = [0.25, 1.0 / 3.0, 0.5, 1.0, 2.0, 3.0, 4.0, 8.0];
/// The same, band by band.
const BAND_LAGS: [f64; 5] = [0.5, 1.0, 2.0, 3.0, 4.0];
/// Numbers that describe a candidate.
pub const TRAITS: usize = 14 + PROFILES * (STEPS + 3) + LAGS.len() + PROFILES * BAND_LAGS.len() + 5 + 2 * GROUPS;
/// Traits beyond this many deviations count no more.
const MOST: f32 = 5.0;

/// One reading of a file's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Beats in the file.
    pub beats: u32,
    /// Beats in a bar.
    pub meter: u32,
}

/// The readings of a file of `seconds` that have a usual tempo.
pub fn candidates(seconds: f64) -> Vec<Candidate> {
    let usual = |beats: u32| {
        let bpm = f64::from(beats) * 60.0 / seconds;
        bpm >= RANGE.0 && bpm <= RANGE.1
    };
    BEATS
        .iter()
        .flat_map(|&(meter, counts)| counts.iter().map(move |&beats| Candidate { beats, meter }))
        .filter(|c| usual(c.beats))
        .collect()
}

/// The tempi of a loop, best first, each number of beats once.
pub(super) fn tempi(sound: &Sound, seconds: f64) -> Vec<LoopTempo> {
    let all = candidates(seconds);
    let scores: Vec<f32> = all.iter().map(|&c| score(&traits(sound, c, seconds))).collect();
    let top = scores.iter().fold(f32::MIN, |a, b| a.max(*b));
    let odds: Vec<f32> = scores.iter().map(|s| (s - top).exp()).collect();
    let sum: f32 = odds.iter().sum();
    let mut out: Vec<LoopTempo> = Vec::with_capacity(all.len());
    for (c, odds) in all.iter().zip(&odds) {
        let told = LoopTempo {
            bpm: f64::from(c.beats) * 60.0 / seconds,
            beats: c.beats,
            meter: c.meter,
            confidence: odds / sum,
        };
        match out.iter_mut().find(|t| t.beats == c.beats) {
            // The meter that is likelier; the tempo is as likely as both.
            Some(same) => {
                let both = same.confidence + told.confidence;
                if told.confidence > same.confidence {
                    *same = told;
                }
                same.confidence = both;
            }
            None => out.push(told),
        }
    }
    out.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.beats.cmp(&b.beats)));
    if let Some(best) = out.first() {
        let agreement = agreement(sound, best.beats);
        out.iter_mut().for_each(|t| t.confidence *= agreement);
    }
    out
}

/// How far the attacks agree with the length: 1 where they stand on the grid of so many beats in the file, less where they
/// stand clearly better on one that is up to an eighth shorter or longer. Silence or a tail after the loop does that.
fn agreement(sound: &Sound, beats: u32) -> f32 {
    const REACH: f64 = 0.125;
    /// A cycle of the finest grid is passed in so many steps.
    const FINE: f64 = 10.0;
    /// Fewer attacks fit any grid.
    const LEAST: usize = 6;
    /// Gains up to the first are chance, from the second on they are certain.
    const GAIN: (f32, f32) = (0.15, 0.4);
    let attacks = sound.places();
    if attacks.len() < LEAST || beats > 64 {
        return 1.0;
    }
    let sum: f64 = attacks.iter().map(|(_, w)| w).sum();
    let coherence = |stretch: f64| {
        // Eighths, triplets, sixteenths: whichever the groove is in.
        [2.0, 3.0, 4.0].iter().fold(0.0f64, |best, division| {
            let cycles = division * f64::from(beats) * std::f64::consts::TAU / stretch;
            let (re, im) = attacks.iter().fold((0.0, 0.0), |(re, im), (at, w)| {
                let (s, c) = (cycles * at).sin_cos();
                (re + w * c, im + w * s)
            });
            best.max(re.hypot(im) / sum)
        })
    };
    let here = coherence(1.0);
    let step = 1.0 / (4.0 * f64::from(beats) * FINE);
    let steps = (REACH / step) as i32;
    let best = (-steps..=steps).fold(here, |best, k| best.max(coherence(1.0 + f64::from(k) * step)));
    let gain = (best - here) as f32;
    1.0 - ((gain - GAIN.0) / (GAIN.1 - GAIN.0)).clamp(0.0, 0.9)
}

/// What a candidate would be.
pub(super) fn traits(sound: &Sound, candidate: Candidate, seconds: f64) -> [f32; TRAITS] {
    let mut out = [0.0f32; TRAITS];
    let mut at = 0;
    let mut push = |x: f32| {
        if let Some(o) = out.get_mut(at) {
            *o = if x.is_finite() { x } else { 0.0 };
        }
        at += 1;
    };
    let Candidate { beats, meter } = candidate;
    let b = f64::from(beats);
    let bars = b / f64::from(meter);
    let octaves = ((b * 60.0 / seconds) / 120.0).log2() as f32;
    let flag = |x: bool| if x { 1.0 } else { 0.0 };
    push(octaves);
    push(octaves * octaves);
    push((-octaves - 0.5).max(0.0));
    push((octaves - 0.25).max(0.0));
    push(bars.log2() as f32);
    push(flag(bars == 0.5));
    push(flag(bars == 1.0));
    push(flag(bars == 2.0));
    push(flag(bars == 4.0));
    push(flag(bars == 8.0));
    push(flag(bars > 8.0));
    push(flag(bars == 3.0 || bars == 6.0));
    push(flag(meter == 3));
    push((seconds.ln() - 1.5) as f32);
    let body: Vec<f32> = (0..sound.frames)
        .map(|t| (sound.flux[1][t] + sound.flux[2][t] + sound.flux[3][t]) / 3.0)
        .collect();
    let bands: [&[f32]; PROFILES] = [&sound.flux[0], &body, &sound.flux[4]];
    for band in bands {
        // Twelfths of a beat hold sixteenths as well as triplets.
        let fine = sound.slots(band, beats as usize * 12);
        let sum = fine.iter().sum::<f32>().max(1e-6);
        let phase = |p: &[usize]| {
            let near = |p: usize| [(p + 11) % 12, p % 12, (p + 1) % 12];
            let at = |k: usize| fine.iter().skip(k).step_by(12).sum::<f32>();
            p.iter().flat_map(|&p| near(p)).map(at).sum::<f32>() / sum
        };
        let profile = profile(sound, band, candidate);
        profile.iter().for_each(|x| push(*x));
        push(phase(&[3, 9]));
        push(phase(&[4, 8]));
        push(phase(&[6]));
    }
    let ring = Ring::new(sound.flux.iter().map(|f| &f[..]));
    for lag in LAGS {
        push(ring.likeness(lag / b));
    }
    for band in bands {
        let ring = Ring::new(std::iter::once(band));
        for lag in BAND_LAGS {
            push(ring.likeness(lag / b));
        }
    }
    let count = |curve: &[f32]| Sound::attacks(curve).len() as f32;
    let all = count(&sound.all);
    push((all / beats as f32 + 0.1).ln());
    push(((f64::from(all) / seconds) as f32 + 0.1).ln());
    for band in bands {
        push((count(band) / beats as f32 + 0.1).ln());
    }
    for g in 0..GROUPS {
        push((sound.share[g] + 1e-3).ln());
        push((sound.rising[g] + 1e-3).ln());
    }
    out
}

/// Onset strength on the steps of the mean bar, 1 on average; three beats fill twelve steps, and the rest are 0.
fn profile(sound: &Sound, curve: &[f32], c: Candidate) -> [f32; STEPS] {
    let per_bar = c.meter as usize * 4;
    let slots = sound.slots(curve, c.beats as usize * 4);
    let mut out = [0.0f32; STEPS];
    // Half a bar is played twice to make one.
    let turns = slots.len().max(per_bar);
    for k in 0..turns {
        out[(k % per_bar) % STEPS] += slots[k % slots.len()];
    }
    let mean = out.iter().sum::<f32>() / per_bar as f32;
    if mean > 1e-9 {
        out.iter_mut().for_each(|x| *x /= mean);
    }
    // A bar of a single kick would drown everything else.
    out.map(|x| x.min(8.0).sqrt())
}

/// Curves on a ring, made ready to be compared with themselves.
struct Ring {
    curves: Vec<Vec<f32>>,
    power: f32,
}

impl Ring {
    fn new<'a>(curves: impl Iterator<Item = &'a [f32]>) -> Self {
        let curves: Vec<Vec<f32>> = curves
            .map(|c| {
                let n = c.len();
                // Three frames wide: players are late by as much. Roots, so that no single attack is everything.
                let wide: Vec<f32> = (0..n)
                    .map(|t| (c[(t + n - 1) % n] + 2.0 * c[t] + c[(t + 1) % n]).max(0.0).sqrt())
                    .collect();
                let mean = wide.iter().sum::<f32>() / n.max(1) as f32;
                wide.iter().map(|x| x - mean).collect()
            })
            .collect();
        let power = curves.iter().flatten().map(|x| x * x).sum();
        Self { curves, power }
    }

    /// Correlation with itself after `part` of the ring, −1 to 1.
    fn likeness(&self, part: f64) -> f32 {
        if self.power <= 1e-9 {
            return 0.0;
        }
        let sum: f32 = self
            .curves
            .iter()
            .map(|c| {
                let lag = (part * c.len() as f64).round() as usize % c.len().max(1);
                let (head, tail) = c.split_at(lag);
                c.iter().zip(tail.iter().chain(head)).map(|(a, b)| a * b).sum::<f32>()
            })
            .sum();
        sum / self.power
    }
}

/// The network: traits, standardised; one layer of rectified units; a score.
fn score(traits: &[f32; TRAITS]) -> f32 {
    let mut hidden = TEMPO.bias;
    for (i, x) in traits.iter().enumerate() {
        let x = ((x - TEMPO.mean[i]) * TEMPO.gain[i]).clamp(-MOST, MOST);
        for (h, w) in hidden.iter_mut().zip(&TEMPO.first[i]) {
            *h += w * x;
        }
    }
    hidden.iter().zip(&TEMPO.second).map(|(h, w)| w * h.max(0.0)).sum()
}
