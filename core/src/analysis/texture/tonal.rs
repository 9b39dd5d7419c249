//! Two chromas and the tonal level.

use std::f64::consts::TAU;

use crate::dsp::network::MedianNetwork;
use crate::dsp::stft;
use crate::progress::{Cancelled, Progress};
use crate::vectorized;

/// Columns of the chroma rows: 12 pitch classes below 250 Hz, then 12 above.
pub(crate) const CHROMA: usize = 24;

/// Length of the spectra in seconds (2048 samples at 11 025 Hz): tells semitones apart from about 100 Hz upwards.
const WINDOW: f64 = 0.185_76;
/// Seconds from frame to frame (512 samples at 11 025 Hz).
const HOP: f64 = 0.046_44;
/// The edges of the two registers, in Hz.
const REGISTERS: [f64; 3] = [40.0, 250.0, 2500.0];
/// Chroma is gathered in thirds of semitones until the tuning is known.
const FINE: usize = 36;
/// The range of the tonal level, in Hz.
const TON: [f64; 2] = [150.0, 4000.0];
/// The lowest of the bass, in Hz; it reaches to the range of the tonal level.
const BASS: f64 = 30.0;
/// Frames over which a tone has to hold (0.42 s): the median passes nothing that lasts less than half as long.
const HOLD: usize = 9;
/// Bins over which the spectral ground is the median (220 Hz); of these every second is taken, at every fourth bin.
const GROUND: usize = 41;
const SKIP: usize = 2;
const STRIDE: usize = 4;
/// How many times the ground a tone must stand above it to count.
const STAND: f32 = 2.0;

/// Pitch content of a track, a row a frame.
#[derive(Debug, Clone)]
pub struct Tonal {
    /// Seconds from frame to frame; frame `t` is centred on `t * hop`.
    pub hop: f64,
    /// Number of frames.
    pub frames: usize,
    /// Magnitudes of the pitch classes from C to B, 40–250 Hz, then 250–2500 Hz.
    pub chroma: Vec<f32>,
    /// Energy of steady narrow peaks from 150 Hz to 4 kHz.
    pub level: Vec<f32>,
    /// Energy of what holds for 0.2 s from 30 to 150 Hz: a bass, not a kick.
    pub low: Vec<f32>,
    /// How far the track is tuned from A = 440 Hz, in semitones, from −0.5 to 0.5.
    pub tuning: f64,
}

/// The pitch content of mono audio at `rate` Hz; 11 025 is enough and cheapest.
pub fn tonal(mono: &[f32], rate: f64, progress: &dyn Progress) -> Result<Tonal, Cancelled> {
    /// Frames between two looks at whether to go on.
    const CHECK: usize = 256;
    // The power of two nearest to the window.
    let n_fft = (1usize << (WINDOW * rate).log2().round().clamp(8.0, 20.0) as u32).max(256);
    let hop = ((HOP * rate).round() as usize).max(1);
    let bin_hz = rate / n_fft as f64;
    let frames = stft::frame_count(mono.len(), hop);
    let mut pitch = Pitch::new(bin_hz, n_fft / 2 + 1, frames);
    let mut level = Level::new(bin_hz, n_fft / 2 + 1, frames);
    let mut magnitude = vec![0.0; n_fft / 2 + 1];
    let mut stft = stft::Stft::new(n_fft, hop);
    let mut power = magnitude.clone();
    for t in 0..frames {
        if t % CHECK == 0 {
            progress.check()?;
        }
        stft::power(stft.frame(mono, t), &mut power);
        stft::magnitude(&power, &mut magnitude);
        pitch.push(&magnitude);
        level.push(&magnitude);
    }
    let tuning = pitch.tuning();
    let (level, low) = level.finish();
    Ok(Tonal {
        hop: hop as f64 / rate,
        frames,
        chroma: pitch.chroma(tuning),
        level,
        low,
        tuning,
    })
}

/// Gathers chroma in thirds of semitones, and evidence of the tuning.
struct Pitch {
    /// For each bin in range: its cell, the next one, and the share that belongs to that.
    cells: Vec<(usize, usize, f32)>,
    first: usize,
    bin_hz: f64,
    fine: Vec<f32>,
    frames: usize,
    vote: (f64, f64),
}

impl Pitch {
    fn new(bin_hz: f64, bins: usize, frames: usize) -> Self {
        let first = ((REGISTERS[0] / bin_hz).ceil() as usize).max(1);
        let last = ((REGISTERS[2] / bin_hz).floor() as usize).min(bins.saturating_sub(1));
        let cells = (first..=last)
            .map(|k| {
                let hz = k as f64 * bin_hz;
                let register = usize::from(hz >= REGISTERS[1]);
                let at = (semitones(hz) * 3.0).rem_euclid(FINE as f64);
                let low = at as usize % FINE;
                let base = register * FINE;
                (base + low, base + (low + 1) % FINE, at.fract() as f32)
            })
            .collect();
        Self {
            cells,
            first,
            bin_hz,
            fine: Vec::with_capacity(frames * 2 * FINE),
            frames: 0,
            vote: (0.0, 0.0),
        }
    }

    fn push(&mut self, magnitude: &[f32]) {
        let mut row = [0f32; 2 * FINE];
        for (&(low, high, share), m) in self.cells.iter().zip(magnitude.get(self.first..).unwrap_or_default()) {
            row[low] += m * (1.0 - share);
            row[high] += m * share;
        }
        self.fine.extend_from_slice(&row);
        // The tuning needs no more than a few frames a second.
        if self.frames.is_multiple_of(4) {
            self.vote(magnitude);
        }
        self.frames += 1;
    }

    /// Each clear spectral peak votes for its distance from the nearest semitone, by its magnitude.
    fn vote(&mut self, x: &[f32]) {
        let from = ((REGISTERS[1] / self.bin_hz) as usize).max(2);
        let to = (self.first + self.cells.len()).min(x.len().saturating_sub(2));
        let loudest = x.get(from..to).unwrap_or_default().iter().fold(0f32, |a, b| a.max(*b));
        for k in from..to {
            let (a, b, c) = (x[k - 1], x[k], x[k + 1]);
            if b > a && b >= c && b > 0.1 * loudest && b > 2.0 * x[k - 2].min(x[k + 2]) {
                let bend = a - 2.0 * b + c;
                let shift = if bend < 0.0 { 0.5 * (a - c) / bend } else { 0.0 };
                let angle = TAU * semitones((k as f64 + f64::from(shift)) * self.bin_hz);
                self.vote.0 += f64::from(b) * angle.cos();
                self.vote.1 += f64::from(b) * angle.sin();
            }
        }
    }

    fn tuning(&self) -> f64 {
        if self.vote == (0.0, 0.0) {
            0.0
        } else {
            self.vote.1.atan2(self.vote.0) / TAU
        }
    }

    /// Sums the thirds round each semitone of the tuned scale, those further off weighing less.
    fn chroma(&self, tuning: f64) -> Vec<f32> {
        let weights: Vec<(usize, usize, f32)> = (0..12)
            .flat_map(|class| (0..FINE).map(move |cell| (class, cell)))
            .filter_map(|(class, cell)| {
                let d = (cell as f64 / 3.0 - class as f64 - tuning + 6.0).rem_euclid(12.0) - 6.0;
                let w = 1.0 - d.abs() * 1.5;
                (w > 0.0).then_some((class, cell, w as f32))
            })
            .collect();
        let mut out = vec![0f32; self.frames * CHROMA];
        for (row, fine) in out.chunks_exact_mut(CHROMA).zip(self.fine.chunks_exact(2 * FINE)) {
            for &(class, cell, w) in &weights {
                row[class] += w * fine[cell];
                row[12 + class] += w * fine[FINE + cell];
            }
        }
        out
    }
}

/// Semitones above the C below A = 440 Hz, of any octave.
fn semitones(hz: f64) -> f64 {
    12.0 * (hz / 440.0).log2() + 9.0
}

/// The last [`HOLD`] frames of some bins, and their medians over time.
struct Held {
    first: usize,
    /// A ring of frames.
    ring: Vec<Vec<f32>>,
    seen: usize,
    over_time: MedianNetwork,
    medians: Vec<f32>,
}

impl Held {
    fn new(first: usize, kept: usize) -> Self {
        Self {
            first,
            ring: vec![vec![0.0; kept]; HOLD],
            seen: 0,
            over_time: MedianNetwork::new(HOLD),
            medians: vec![0.0; kept],
        }
    }

    fn push(&mut self, magnitude: &[f32]) {
        let slot = &mut self.ring[self.seen % HOLD];
        slot.fill(0.0);
        let bins = magnitude.get(self.first..).unwrap_or_default();
        let n = bins.len().min(slot.len());
        slot[..n].copy_from_slice(&bins[..n]);
        self.seen += 1;
    }

    /// Frame `t` and the medians round it, once the frames that these need have come (or the track has ended).
    fn take(&mut self, t: usize) -> (&[f32], &[f32]) {
        let last = self.seen - 1;
        let ring = &self.ring;
        let row = |i: usize| {
            let at = (t + i).saturating_sub(HOLD / 2).min(last);
            ring[at % HOLD].as_slice()
        };
        self.over_time.medians(row, &mut self.medians);
        (row(HOLD / 2), &self.medians)
    }
}

/// Energy of what stands above the spectral ground in the median of a few frames, and of what holds in the bass.
struct Level {
    held: Held,
    bass: Held,
    over_frequency: MedianNetwork,
    ground: Vec<f32>,
    phases: Vec<Vec<f32>>,
    out: Vec<f32>,
    low: Vec<f32>,
}

impl Level {
    fn new(bin_hz: f64, bins: usize, frames: usize) -> Self {
        let reach = GROUND / 2;
        let low = ((TON[0] / bin_hz).ceil() as usize).max(reach);
        let high = ((TON[1] / bin_hz) as usize)
            .min(bins.saturating_sub(reach + 1))
            .max(low);
        let bass = (BASS / bin_hz).ceil() as usize;
        Self {
            held: Held::new(low - reach, high - low + 2 * reach),
            bass: Held::new(bass, ((TON[0] / bin_hz).ceil() as usize).saturating_sub(bass).max(1)),
            over_frequency: MedianNetwork::new(GROUND.div_ceil(SKIP)),
            ground: vec![0.0; (high - low).div_ceil(STRIDE)],
            phases: vec![Vec::new(); STRIDE],
            out: Vec::with_capacity(frames),
            low: Vec::with_capacity(frames),
        }
    }

    fn push(&mut self, magnitude: &[f32]) {
        self.held.push(magnitude);
        self.bass.push(magnitude);
        if self.held.seen > HOLD / 2 {
            self.take(self.held.seen - 1 - HOLD / 2);
        }
    }

    fn take(&mut self, t: usize) {
        let (now, held) = self.held.take(t);
        // Every fourth bin apart, so that neighbouring grounds are neighbouring lanes.
        for (r, phase) in self.phases.iter_mut().enumerate() {
            phase.clear();
            phase.extend(now.iter().skip(r).step_by(STRIDE));
        }
        let phases = &self.phases;
        self.over_frequency.medians(
            |i| {
                let offset = i * SKIP;
                phases[offset % STRIDE].get(offset / STRIDE..).unwrap_or_default()
            },
            &mut self.ground,
        );
        let reach = GROUND / 2;
        let (now, held) = (&now[reach..now.len() - reach], &held[reach..held.len() - reach]);
        let ground = &self.ground;
        let mut energy = 0f32;
        vectorized!({
            for ((now, held), ground) in now.chunks(STRIDE).zip(held.chunks(STRIDE)).zip(ground) {
                for (x, h) in now.iter().zip(held) {
                    let over = (x.min(*h) - STAND * ground).max(0.0);
                    energy += over * over;
                }
            }
        });
        self.out.push(energy);
        let (now, held) = self.bass.take(t);
        self.low
            .push(now.iter().zip(held).map(|(x, h)| x.min(*h) * x.min(*h)).sum());
    }

    /// The tonal level and the level of what holds in the bass.
    fn finish(mut self) -> (Vec<f32>, Vec<f32>) {
        for t in self.out.len()..self.held.seen {
            self.take(t);
        }
        (self.out, self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 11_025.0;

    fn of(mono: &[f32]) -> Tonal {
        tonal(mono, RATE, &crate::progress::Silent).unwrap()
    }

    fn tone(hz: f64, seconds: f64) -> Vec<f32> {
        (0..(seconds * RATE) as usize)
            .map(|i| (TAU * hz * i as f64 / RATE).sin() as f32 * 0.3)
            .collect()
    }

    #[test]
    fn a_tone_lights_its_pitch_class_at_any_tuning() {
        for cents in [-40.0, -20.0, 0.0, 15.0, 45.0] {
            let t = of(&tone(440.0 * 2f64.powf(cents / 1200.0), 3.0));
            assert!((t.tuning - cents / 100.0).abs() < 0.06, "{cents} cents: {}", t.tuning);
            let row = &t.chroma[30 * CHROMA + 12..31 * CHROMA];
            let best = (0..12).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            assert_eq!(best, Some(9), "{cents} cents: {row:?}");
        }
    }

    #[test]
    fn the_tonal_level_hears_tones_and_not_clicks() {
        let t = of(&tone(440.0, 3.0));
        let mut clicks = vec![0f32; t.frames * 512];
        clicks.iter_mut().step_by(2756).for_each(|x| *x = 0.9);
        let c = of(&clicks);
        assert!(t.level[30] > 1e4 * c.level[30], "{} {}", t.level[30], c.level[30]);
    }

    #[test]
    fn the_low_level_hears_a_sub_bass_and_not_a_kick() {
        let bass = of(&tone(50.0, 3.0));
        // A kick every half second: 50 Hz that is gone after 0.15 s.
        let kick: Vec<f32> = tone(50.0, 3.0)
            .iter()
            .enumerate()
            .map(|(i, x)| x * (-((i % 5512) as f32) / 400.0).exp())
            .collect();
        let kick = of(&kick);
        assert!(
            bass.level[30] < 1e-3 * bass.low[30],
            "{} {}",
            bass.level[30],
            bass.low[30]
        );
        assert!(kick.low[30] < 0.01 * bass.low[30], "{} {}", kick.low[30], bass.low[30]);
    }

    #[test]
    fn short_and_silent_tracks_are_finite() {
        for n in [0, 1, 100, 5000] {
            let t = of(&vec![0.0; n]);
            assert_eq!((t.level.len(), t.low.len()), (t.frames, t.frames));
            assert_eq!(t.chroma.len(), t.frames * CHROMA);
            assert!(t.level.iter().chain(&t.chroma).all(|x| *x == 0.0));
            assert_eq!(t.tuning, 0.0);
        }
    }
}
