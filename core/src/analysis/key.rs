//! Key: tonic and mode of a recording, or none where there is no tonality to speak of.
//!
//! The stages:
//!
//! 1. [`Pitches::of`] takes long spectra (16 384 samples at 44.1 kHz, 2.7 Hz a bin) and picks the peaks that stand well
//!    above their surroundings: partials do, drums and noise mostly do not.
//! 2. The peaks' distances from the semitones of A = 440 Hz agree on a *tuning* (a circular mean): notes do, ringing drum
//!    heads do not. The peaks' share of the energy, times how well they agree, is the *tonalness*.
//! 3. Their amplitudes, compressed, make a histogram over the twelve pitch classes; a partial also speaks, more softly,
//!    for the notes that it may be the third or fifth harmonic of (E. Gómez, "Tonal description of polyphonic audio for
//!    music content processing", 2006).
//! 4. [`estimate`] correlates the histogram with the profiles of the 24 keys: those of I. Sha'ath, "Estimation of key in
//!    digital music recordings", 2011, which are C. Krumhansl and E. Kessler's probe-tone ratings (1982) adapted to popular
//!    and electronic music (a minor key's flat seventh counts for more).
//!
//! The commonest error is the relative key: it has the same notes, and mixes as well.

use std::f64::consts::TAU;

use crate::audio::AudioBuffer;
use crate::dsp::chroma::CLASSES;
use crate::dsp::stft::{Stft, power};
use crate::progress::{Cancelled, Progress, Silent};

/// Length of a spectrum in seconds, before rounding to a power of two of samples.
const WINDOW: f64 = 0.37;
/// Most spectra taken from one track, evenly spread.
const SPECTRA: usize = 200;
/// Partials are looked for from here, above the fundamentals of kick drums, in Hz,
const LOW_HZ: f64 = 80.0;
/// … to here: above lie mostly harmonics whose pitch class is not their note's.
const HIGH_HZ: f64 = 2000.0;
/// A partial stands this much above the mean level (in dB) of its surroundings. A bin of noise does so once in 10⁵.
const PEAK_DB: f32 = 13.0;
/// Half the width of those surroundings in Hz.
const AROUND_HZ: f64 = 100.0;
/// Weight of a partial as harmonic h of a lower note, relative to harmonic h − 1.
const HARMONIC_DECAY: f64 = 0.6;
/// Below this tonalness there is no key.
const MIN_TONALNESS: f64 = 0.3;
/// A key takes more than one note: where a single class holds more than this, it is a tuned drum or a drone.
const MAX_SHARE: f64 = 0.5;
/// Below this correlation with the best profile there is no key.
const MIN_CORRELATION: f64 = 0.5;

/// Sha'ath's profiles, major and minor, from the tonic.
const PROFILES: [[f64; CLASSES]; 2] = [
    [6.6, 2.0, 3.5, 2.3, 4.6, 4.0, 2.5, 5.2, 2.4, 3.7, 2.3, 3.4],
    [6.5, 2.7, 3.5, 5.4, 2.6, 3.5, 2.5, 5.2, 4.0, 2.7, 4.3, 3.2],
];

/// Major or minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Major.
    Major,
    /// Minor.
    Minor,
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Key {
    /// Pitch class of the tonic: 0 is C, 11 is B.
    pub tonic: u8,
    /// Major or minor.
    pub mode: Mode,
    /// From 0 to 1: how well the key explains the pitches, and how much better than the next one.
    pub confidence: f32,
}

impl Key {
    /// Name as DJs write it: `Am`, `F#m`, `C`, `Eb`. Each tonic is spelt with the fewer accidentals.
    pub fn name(&self) -> &'static str {
        const MAJOR: [&str; CLASSES] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
        const MINOR: [&str; CLASSES] = [
            "Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm",
        ];
        let names = match self.mode {
            Mode::Major => MAJOR,
            Mode::Minor => MINOR,
        };
        names[usize::from(self.tonic) % CLASSES]
    }

    /// Place on the Camelot wheel: `8A` for A minor, `8B` for C major; neighbours mix well.
    pub fn camelot(&self) -> String {
        // Each step round the wheel is a fifth up; a minor key has its relative major's number.
        let (letter, major) = match self.mode {
            Mode::Major => ('B', self.tonic),
            Mode::Minor => ('A', self.tonic + 3),
        };
        let fifths = u32::from(major) * 7 % 12;
        format!("{}{letter}", (fifths + 7) % 12 + 1)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The pitches of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pitches {
    /// Share of each pitch class, C first; they add up to 1, or are all 0 where there is no partial.
    pub chroma: [f64; CLASSES],
    /// Distance of its A from 440 Hz in semitones, −0.5 to 0.5.
    pub tuning: f64,
    /// Share of the energy between 80 Hz and 2 kHz that lies in steady partials, times their agreement on a tuning: 0 to 1.
    /// Mixes with pitched instruments have 0.3 to 0.8, drums alone mostly below 0.25.
    pub tonalness: f64,
}

impl Pitches {
    /// The pitches of `mono`, sampled at `rate` Hz. At most 200 spectra are taken, however long it is.
    pub fn of(mono: &[f32], rate: f64) -> Self {
        // `Silent` never gives up.
        Self::of_with(mono, rate, &Silent).unwrap_or_else(|Cancelled| Self::in_spectra(&[], (0.0, 0.0)))
    }

    /// The same, asking after each spectrum whether to go on.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] once `progress` says so.
    pub fn of_with(mono: &[f32], rate: f64, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let n_fft = ((WINDOW * rate) as usize).next_power_of_two().clamp(512, 1 << 18);
        let count = mono.len().div_ceil(n_fft).max(1);
        let step = count.div_ceil(SPECTRA);
        let mut stft = Stft::new(n_fft, n_fft);
        let mut spectrum = vec![0.0; stft.bins()];
        let mut partials = Vec::new();
        let (mut tonal, mut all) = (0.0, 0.0);
        let mut finder = Finder::new(rate, n_fft);
        // Frame 0 is centred on the start: half of it is silence.
        for t in (1..=count).step_by(step.max(1)) {
            progress.check()?;
            power(stft.frame(mono, t), &mut spectrum);
            let (in_partials, in_all) = finder.find(&spectrum, &mut partials);
            tonal += in_partials;
            all += in_all;
        }
        Ok(Self::in_spectra(&partials, (tonal, all)))
    }

    /// From all partials, and the energy in them and in all.
    fn in_spectra(partials: &[Partial], (tonal, all): (f64, f64)) -> Self {
        let (tuning, agreement) = tuning_of(partials);
        Self {
            chroma: histogram(partials, tuning),
            tuning,
            tonalness: if all > 0.0 { agreement * tonal / all } else { 0.0 },
        }
    }
}

/// The key of `audio`; none for drums, noise and silence.
pub fn of(audio: &AudioBuffer) -> Option<Key> {
    let pitches = Pitches::of(&audio.mono(), f64::from(audio.sample_rate()));
    estimate(&pitches.chroma, pitches.tonalness)
}

/// The key whose profile is most like `chroma` (C first, tuned, any scale).
///
/// `tonalness` from 0 to 1 says how much of the sound has pitch at all. None where that is too little, or where no profile
/// is much like it. The confidence is the correlation with the best profile, halved for a tie with the next best and whole
/// from a lead of 0.2 on.
pub fn estimate(chroma: &[f64; CLASSES], tonalness: f64) -> Option<Key> {
    let share = chroma.iter().fold(0.0f64, |a, b| a.max(*b)) / chroma.iter().sum::<f64>();
    // Written so that what is not a number fails.
    if !(tonalness >= MIN_TONALNESS && share <= MAX_SHARE) {
        return None;
    }
    let chroma = standardised(chroma)?;
    let mut best: [(f64, u8, Mode); 2] = [(f64::MIN, 0, Mode::Major); 2];
    for (m, mode) in [Mode::Major, Mode::Minor].into_iter().enumerate() {
        let profile = standardised(&PROFILES[m])?;
        for tonic in 0..CLASSES {
            let r = (0..CLASSES)
                .map(|i| profile[i] * chroma[(i + tonic) % CLASSES])
                .sum::<f64>()
                / CLASSES as f64;
            if r > best[0].0 {
                best = [(r, tonic as u8, mode), best[0]];
            } else if r > best[1].0 {
                best[1] = (r, tonic as u8, mode);
            }
        }
    }
    let [(r, tonic, mode), (second, ..)] = best;
    let lead = ((r - second) / 0.2).clamp(0.0, 1.0);
    (r >= MIN_CORRELATION).then_some(Key {
        tonic,
        mode,
        confidence: (r.clamp(0.0, 1.0) * (0.5 + 0.5 * lead)) as f32,
    })
}

/// `x` shifted and scaled to mean 0 and variance 1; none where all its values are the same or one is no number.
fn standardised(x: &[f64; CLASSES]) -> Option<[f64; CLASSES]> {
    let mean = x.iter().sum::<f64>() / CLASSES as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / CLASSES as f64;
    let usable = variance.is_finite() && variance > 1e-12 * mean * mean && variance > 0.0;
    usable.then(|| x.map(|x| (x - mean) / variance.sqrt()))
}

/// A peak of a spectrum.
#[derive(Debug, Clone, Copy)]
struct Partial {
    /// Semitones above C0 (16.35 Hz) at A = 440 Hz.
    pitch: f64,
    amplitude: f64,
}

/// Picks peaks; holds the buffers for it.
struct Finder {
    hz_per_bin: f64,
    around: usize,
    range: std::ops::Range<usize>,
    /// Level of each bin in dB.
    level: Vec<f32>,
    /// `sums[k]` is the sum of the first `k` levels.
    sums: Vec<f64>,
}

impl Finder {
    fn new(rate: f64, n_fft: usize) -> Self {
        let hz_per_bin = rate / n_fft as f64;
        let top = ((HIGH_HZ / hz_per_bin) as usize).min((n_fft / 2).saturating_sub(2));
        Self {
            hz_per_bin,
            around: (AROUND_HZ / hz_per_bin).ceil() as usize,
            range: ((LOW_HZ / hz_per_bin) as usize).max(3).min(top)..top,
            level: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// Appends the partials of one power spectrum. Returns the power in partials and in all bins of the range.
    fn find(&mut self, power: &[f32], partials: &mut Vec<Partial>) -> (f64, f64) {
        let all: f64 = power[self.range.clone()].iter().map(|p| f64::from(*p)).sum();
        if all <= 1e-9 * power.len() as f64 {
            return (0.0, 0.0);
        }
        let end = (self.range.end + self.around).min(power.len());
        self.level.clear();
        self.level.extend(power[..end].iter().map(|p| p + 1e-12));
        crate::dsp::log::log10(&mut self.level);
        self.sums.clear();
        self.sums.push(0.0);
        let mut sum = 0.0;
        for x in &mut self.level {
            *x *= 10.0;
            sum += f64::from(*x);
            self.sums.push(sum);
        }
        let mut tonal = 0.0;
        for k in self.range.clone() {
            let x = self.level[k];
            if x <= self.level[k - 1] || x < self.level[k + 1] {
                continue;
            }
            let (lo, hi) = (k.saturating_sub(self.around), (k + self.around).min(end));
            let mean = (self.sums[hi] - self.sums[lo]) / (hi - lo) as f64;
            if f64::from(x) < mean + f64::from(PEAK_DB) {
                continue;
            }
            // The top of the parabola through three levels: within a hundredth of a bin for a Hann window's main lobe.
            let (a, b) = (f64::from(self.level[k - 1]), f64::from(self.level[k + 1]));
            let curvature = a - 2.0 * f64::from(x) + b;
            let shift = if curvature < 0.0 {
                0.5 * (a - b) / curvature
            } else {
                0.0
            };
            let hz = (k as f64 + shift) * self.hz_per_bin;
            tonal += power[k - 2..=k + 2].iter().map(|p| f64::from(*p)).sum::<f64>();
            partials.push(Partial {
                pitch: 12.0 * (hz / 440.0).log2() + 57.0,
                amplitude: f64::from(power[k]).sqrt(),
            });
        }
        (tonal.min(all), all)
    }
}

/// Circular mean of the distances to the nearest semitone, in semitones, and its length: 1 where all agree, 0 where they
/// lie anywhere.
fn tuning_of(partials: &[Partial]) -> (f64, f64) {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for p in partials {
        re += p.amplitude * (TAU * p.pitch).cos();
        im += p.amplitude * (TAU * p.pitch).sin();
        all += p.amplitude;
    }
    if all > 0.0 {
        (im.atan2(re) / TAU, re.hypot(im) / all)
    } else {
        (0.0, 0.0)
    }
}

/// Pitch classes of the partials, and of the notes that they may be harmonics of.
fn histogram(partials: &[Partial], tuning: f64) -> [f64; CLASSES] {
    let mut out = [0.0; CLASSES];
    for p in partials {
        for h in 1..=5u8 {
            let pitch = p.pitch - tuning - 12.0 * f64::from(h).log2();
            // Shared between the two nearest classes, by distance.
            let below = pitch.floor();
            let weight = p.amplitude.sqrt() * HARMONIC_DECAY.powi(i32::from(h) - 1);
            // Squared, so that a partial in tune speaks almost for one class alone.
            let (near, far) = (1.0 - (pitch - below), pitch - below);
            let norm = near * near + far * far;
            let class = below.rem_euclid(CLASSES as f64) as usize % CLASSES;
            out[class] += weight * near * near / norm;
            out[(class + 1) % CLASSES] += weight * far * far / norm;
        }
    }
    let sum: f64 = out.iter().sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|x| *x /= sum);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 44_100.0;

    fn key(tonic: u8, mode: Mode) -> Key {
        Key {
            tonic,
            mode,
            confidence: 1.0,
        }
    }

    /// Chords of four harmonics each, a second long, given as MIDI notes.
    fn chords(chords: &[&[u8]], cents: f64) -> Vec<f32> {
        let per = RATE as usize;
        let mut out = vec![0.0; chords.len() * per];
        for (part, notes) in out.chunks_exact_mut(per).zip(chords) {
            for note in notes.iter() {
                let hz = 440.0 * ((f64::from(*note) - 69.0 + cents / 100.0) / 12.0).exp2();
                for h in 1..=4 {
                    let step = TAU * hz * f64::from(h) / RATE;
                    for (i, x) in part.iter_mut().enumerate() {
                        *x += (0.1 / f64::from(h) * (step * i as f64).sin()) as f32;
                    }
                }
            }
        }
        out
    }

    fn found(signal: &[f32]) -> Option<Key> {
        let p = Pitches::of(signal, RATE);
        estimate(&p.chroma, p.tonalness)
    }

    #[test]
    fn cadences_give_their_key_in_every_transposition_and_tuning() {
        for up in 0..12u8 {
            let chord = |notes: [u8; 3]| notes.map(|n| n + up);
            let cents = f64::from(up) * 7.0 - 40.0;
            // I IV V I and i iv V i.
            let major = [
                chord([48, 52, 55]),
                chord([53, 57, 60]),
                chord([55, 59, 62]),
                chord([48, 52, 55]),
            ];
            let minor = [
                chord([48, 51, 55]),
                chord([53, 56, 60]),
                chord([55, 59, 62]),
                chord([48, 51, 55]),
            ];
            for (mode, cadence) in [(Mode::Major, major), (Mode::Minor, minor)] {
                let parts: Vec<&[u8]> = cadence.iter().map(|c| c.as_slice()).collect();
                let signal = chords(&parts, cents);
                let got = found(&signal).map(|k| (k.tonic, k.mode));
                assert_eq!(got, Some((up, mode)), "{cents} cents");
                let tuning = Pitches::of(&signal, RATE).tuning;
                assert!((tuning - cents / 100.0).abs() < 0.02, "{tuning} for {cents} cents");
            }
        }
    }

    #[test]
    fn noise_clicks_and_silence_have_no_key() {
        let mut state = 5u64;
        let noise: Vec<f32> = (0..200_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
            })
            .collect();
        let clicks: Vec<f32> = (0..200_000).map(|i| if i % 11_025 == 0 { 1.0 } else { 0.0 }).collect();
        let silence = vec![0.0; 100_000];
        for (name, signal) in [
            ("noise", noise),
            ("clicks", clicks),
            ("silence", silence),
            ("nothing", vec![]),
        ] {
            let p = Pitches::of(&signal, RATE);
            assert_eq!(estimate(&p.chroma, p.tonalness), None, "{name}: {p:?}");
        }
    }

    #[test]
    fn names_and_the_wheel() {
        let table = [
            (0, Mode::Major, "C", "8B"),
            (9, Mode::Minor, "Am", "8A"),
            (6, Mode::Minor, "F#m", "11A"),
            (11, Mode::Major, "B", "1B"),
            (8, Mode::Minor, "G#m", "1A"),
            (3, Mode::Major, "Eb", "5B"),
            (1, Mode::Minor, "C#m", "12A"),
            (5, Mode::Major, "F", "7B"),
            (11, Mode::Minor, "Bm", "10A"),
        ];
        for (tonic, mode, name, camelot) in table {
            let key = key(tonic, mode);
            assert_eq!((key.name(), key.camelot().as_str()), (name, camelot));
        }
    }

    #[test]
    fn a_profile_is_its_own_key() {
        for tonic in 0..12 {
            for (m, mode) in [Mode::Major, Mode::Minor].into_iter().enumerate() {
                let chroma = std::array::from_fn(|c| PROFILES[m][(c + 12 - tonic) % 12]);
                let got = estimate(&chroma, 1.0).map(|k| (k.tonic, k.mode));
                assert_eq!(got, Some((tonic as u8, mode)));
                assert_eq!(estimate(&chroma, 0.0), None);
            }
        }
        assert_eq!(estimate(&[1.0; 12], 1.0), None);
        assert_eq!(estimate(&[f64::NAN; 12], 1.0), None);
    }
}
