//! The description of a recording that tags are told from: 13 scalars, and mean and deviation of 20 MFCCs.
//!
//! All are of the first [`LENGTH`] seconds, mono at 22.05 kHz, brought to an RMS of −20 dBFS, so that the level of a file
//! says nothing. Spectra are librosa's (2048 samples, Hann, every 512, centred); the mel bank has 128 bands in Slaney's
//! scale; MFCCs are the orthonormal DCT-II of its power in dB, no more than 80 dB below the loudest.

use super::pulse::{self, Pulse};
use super::{HOP, N_FFT, RATE};
use crate::dsp::hpss::{Block, Separator};
use crate::dsp::mel::MelBank;
use crate::dsp::stft::{self, frame_count};
use crate::dsp::{log, onset};
use crate::progress::{Cancelled, Progress};

/// Seconds of a file that are described.
pub const LENGTH: f64 = 12.0;
/// MFCCs, from the 0th.
pub const MFCCS: usize = 20;
/// How many numbers describe a recording.
pub const COUNT: usize = 13 + 2 * MFCCS;
/// Version of the description: a change of what a number means raises it.
pub const VERSION: u32 = 1;

const BANDS: usize = 128;
/// RMS to which recordings are brought: −20 dBFS.
const LEVEL: f32 = 0.1;
/// Share of the power below the roll-off.
const ROLLOFF: f32 = 0.85;

/// The scalars: name, unit, meaning.
pub const SCALARS: [(&str, &str, &str); 13] = [
    ("rms_variation", "", "deviation of the frames' RMS over its mean"),
    ("zcr_mean", "", "share of samples at which the sign changes"),
    (
        "spectral_centroid_mean",
        "Hz",
        "centroid of the magnitude spectrum, mean over frames",
    ),
    (
        "spectral_bandwidth_mean",
        "Hz",
        "spread of the magnitude about the centroid, mean over frames",
    ),
    (
        "spectral_rolloff_mean",
        "Hz",
        "frequency below which 85 % of the magnitude lies, mean over frames",
    ),
    (
        "onset_strength_mean",
        "dB",
        "mean rise of the mel bands from frame to frame",
    ),
    ("onset_strength_std", "dB", "deviation of that rise"),
    ("onset_density", "1/s", "onsets a second"),
    (
        "percussive_ratio",
        "",
        "energy of the percussive part over that of both parts (HPSS)",
    ),
    ("tempo_bpm", "bpm", "tempo"),
    (
        "beat_interval_cv",
        "",
        "deviation of the intervals between beats over their mean",
    ),
    ("offbeat_ratio", "", "onset strength between beats over that on beats"),
    (
        "onset_autocorrelation",
        "",
        "greatest autocorrelation of the onset strength past its main lobe, to 6.9 s",
    ),
];

/// The names, in order: the scalars, `mfcc_0_mean` to `mfcc_19_mean`, `mfcc_0_std` to `mfcc_19_std`.
pub fn names() -> Vec<String> {
    let mfcc = |what: &'static str| (0..MFCCS).map(move |i| format!("mfcc_{i}_{what}"));
    let scalars = SCALARS.iter().map(|s| s.0.to_owned());
    scalars.chain(mfcc("mean")).chain(mfcc("std")).collect()
}

/// The unit of a feature; empty where it has none.
pub fn unit(name: &str) -> &'static str {
    if name.starts_with("mfcc_") {
        return "dB";
    }
    SCALARS.iter().find(|s| s.0 == name).map_or("", |s| s.1)
}

/// What one pass over the spectra of a recording gives.
pub(super) struct Heard {
    /// Onset strength in dB a frame.
    pub(super) strength: Vec<f32>,
    /// Energy of the percussive part over that of both, 0 to 1.
    pub(super) percussive: f32,
    log_mel: Vec<f32>,
    centroid: f32,
    bandwidth: f32,
    rolloff: f32,
}

/// `mono`, of −20 dBFS; `None` where there is nothing to hear.
pub(super) fn levelled(mono: &[f32]) -> Option<Vec<f32>> {
    let power = mono.iter().map(|x| f64::from(x * x)).sum::<f64>() / mono.len().max(1) as f64;
    let rms = power.sqrt() as f32;
    if !rms.is_finite() || rms < 1e-6 {
        return None;
    }
    Some(mono.iter().map(|x| x * (LEVEL / rms)).collect())
}

/// Goes through the spectra of `mono`, which [`levelled`] made.
pub(super) fn hear(mono: &[f32], progress: &dyn Progress) -> Result<Heard, Cancelled> {
    let bank = MelBank::new(f64::from(RATE), N_FFT, BANDS, 0.0, f64::from(RATE) / 2.0);
    let bins = N_FFT / 2 + 1;
    let mut transform = stft::Stft::new(N_FFT, HOP);
    let mut separator = Separator::new(bins);
    let (mut power, mut magnitude) = (vec![0.0; bins], vec![0.0; bins]);
    let frames = frame_count(mono.len(), HOP);
    let mut log_mel = vec![0.0; frames * BANDS];
    let (mut percussive, mut harmonic) = (0.0f64, 0.0f64);
    let mut sums = [0.0f64; 3];
    let mut split = |block: Block<'_>| {
        for (power, mask) in block.power.iter().zip(block.harmonic) {
            let (mut h, mut p) = (0.0f32, 0.0f32);
            for (x, m) in power.iter().zip(mask).take(block.frames) {
                h += x * m * m;
                p += x * (1.0 - m) * (1.0 - m);
            }
            harmonic += f64::from(h);
            percussive += f64::from(p);
        }
    };
    for (t, row) in log_mel.chunks_exact_mut(BANDS).enumerate() {
        if t % 256 == 0 {
            progress.check()?;
        }
        stft::power(transform.frame(mono, t), &mut power);
        stft::magnitude(&power, &mut magnitude);
        bank.apply(&power, row);
        row.iter_mut().for_each(|x| *x += 1e-10);
        let shape = shape(&magnitude);
        sums.iter_mut().zip(shape).for_each(|(s, x)| *s += f64::from(x));
        separator.push(&power, &mut split);
    }
    separator.finish(&mut split);
    log::log10(&mut log_mel);
    let [centroid, bandwidth, rolloff] = sums.map(|s| (s / frames.max(1) as f64) as f32);
    let both = percussive + harmonic;
    Ok(Heard {
        strength: pulse::strength(&log_mel, BANDS),
        percussive: if both > 0.0 {
            (percussive / both) as f32
        } else {
            f32::NAN
        },
        log_mel,
        centroid,
        bandwidth,
        rolloff,
    })
}

/// Centroid, bandwidth and roll-off of a magnitude spectrum, in Hz; 0 of silence.
fn shape(magnitude: &[f32]) -> [f32; 3] {
    let hz = f64::from(RATE) / N_FFT as f64;
    let (mut sum, mut first, mut second) = (0.0f64, 0.0f64, 0.0f64);
    for (k, m) in magnitude.iter().enumerate() {
        let (f, m) = (k as f64 * hz, f64::from(*m));
        sum += m;
        first += f * m;
        second += f * f * m;
    }
    if sum <= 1e-9 {
        return [0.0; 3];
    }
    let centroid = first / sum;
    let bandwidth = (second / sum - centroid * centroid).max(0.0).sqrt();
    let mut below = 0.0;
    let rolloff = magnitude.iter().position(|m| {
        below += f64::from(*m);
        below >= f64::from(ROLLOFF) * sum
    });
    [
        centroid as f32,
        bandwidth as f32,
        (rolloff.unwrap_or(0) as f64 * hz) as f32,
    ]
}

/// Describes `mono` (22.05 kHz, [`LENGTH`] seconds or less): [`COUNT`] numbers, NaN where one cannot be told. `known` is
/// the tempo that the length of the file tells. `None` where there is nothing to hear.
pub(super) fn of(mono: &[f32], known: Option<f64>, progress: &dyn Progress) -> Result<Option<Vec<f32>>, Cancelled> {
    let Some(mono) = levelled(mono) else {
        return Ok(None);
    };
    let heard = hear(&mono, progress)?;
    let pulse = Pulse::of(&mono, &heard.strength, super::FPS, known, progress)?;
    let (strength_mean, strength_std) = moments(heard.strength.iter().copied());
    let levels = mono
        .chunks(HOP)
        .map(|c| (c.iter().map(|x| x * x).sum::<f32>() / c.len() as f32).sqrt());
    let (level, spread) = moments(levels);
    let changes = mono.windows(2).filter(|w| (w[0] < 0.0) != (w[1] < 0.0)).count();
    let mut out = vec![
        if level > 0.0 { spread / level } else { f32::NAN },
        changes as f32 / mono.len().max(1) as f32,
        heard.centroid,
        heard.bandwidth,
        heard.rolloff,
        strength_mean,
        strength_std,
        pulse.density,
        heard.percussive,
        pulse.tempo,
        pulse.interval_cv,
        pulse.offbeat_ratio,
        pulse.autocorrelation,
    ];
    out.extend(mfccs(&heard.log_mel));
    // What is not a number is missing, and the model fills it.
    out.iter_mut().filter(|x| !x.is_finite()).for_each(|x| *x = f32::NAN);
    Ok(Some(out))
}

fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let (n, sum) = values
        .clone()
        .fold((0usize, 0.0f64), |(n, s), x| (n + 1, s + f64::from(x)));
    let mean = sum / n.max(1) as f64;
    let squares: f64 = values.map(|x| (f64::from(x) - mean).powi(2)).sum();
    (mean as f32, (squares / n.max(1) as f64).sqrt() as f32)
}

/// Means, then deviations, of the MFCCs of a log-mel spectrum (`log10` of power).
fn mfccs(log_mel: &[f32]) -> Vec<f32> {
    let floor = log_mel.iter().copied().fold(f32::MIN, f32::max) - onset::TOP_DB / 10.0;
    let scale = |k: usize| (if k == 0 { 1.0 } else { 2.0f64 } / BANDS as f64).sqrt();
    let basis: Vec<f32> = (0..MFCCS)
        .flat_map(|k| {
            (0..BANDS).map(move |b| {
                let angle = std::f64::consts::PI * k as f64 * (b as f64 + 0.5) / BANDS as f64;
                (10.0 * scale(k) * angle.cos()) as f32
            })
        })
        .collect();
    let (mut sum, mut squares) = ([0.0f64; MFCCS], [0.0f64; MFCCS]);
    let mut row = vec![0.0f32; BANDS];
    let mut frames = 0usize;
    for frame in log_mel.chunks_exact(BANDS) {
        row.iter_mut().zip(frame).for_each(|(r, x)| *r = x.max(floor));
        for (k, basis) in basis.chunks_exact(BANDS).enumerate() {
            let c = f64::from(basis.iter().zip(&row).map(|(b, x)| b * x).sum::<f32>());
            sum[k] += c;
            squares[k] += c * c;
        }
        frames += 1;
    }
    let n = frames.max(1) as f64;
    let means = sum.iter().map(|s| (s / n) as f32);
    let deviations = sum
        .iter()
        .zip(squares)
        .map(|(s, q)| (q / n - (s / n) * (s / n)).max(0.0).sqrt() as f32);
    means.chain(deviations).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    fn tone(hz: f64, seconds: f64) -> Vec<f32> {
        (0..(seconds * f64::from(RATE)) as usize)
            .map(|i| (std::f64::consts::TAU * hz * i as f64 / f64::from(RATE)).sin() as f32 * 0.3)
            .collect()
    }

    #[test]
    fn names_are_as_many_as_numbers_and_each_once() {
        let mut all = names();
        assert_eq!(all.len(), COUNT);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), COUNT);
        assert_eq!(unit("tempo_bpm"), "bpm");
    }

    #[test]
    fn a_tone_has_its_centroid_and_is_not_percussive() {
        let x = of(&tone(1000.0, 4.0), None, &Silent).unwrap().unwrap();
        assert_eq!(x.len(), COUNT);
        let at = |name: &str| x[names().iter().position(|n| n == name).unwrap()];
        assert!(
            (at("spectral_centroid_mean") - 1000.0).abs() < 60.0,
            "{}",
            at("spectral_centroid_mean")
        );
        assert!((at("zcr_mean") - 2000.0 / RATE as f32).abs() < 1e-3);
        assert!(at("percussive_ratio") < 0.1, "{}", at("percussive_ratio"));
    }

    #[test]
    fn the_level_does_not_matter_and_silence_has_no_description() {
        let mut state = 3u64;
        let noise: Vec<f32> = (0..RATE as usize * 3)
            .map(|i| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                let burst = (-((i % 11_025) as f32) / 900.0).exp();
                ((state >> 40) as f32 / (1u32 << 23) as f32 - 1.0) * burst * 0.5
            })
            .collect();
        let quiet: Vec<f32> = noise.iter().map(|x| x * 0.01).collect();
        let (a, b) = (
            of(&noise, None, &Silent).unwrap().unwrap(),
            of(&quiet, None, &Silent).unwrap().unwrap(),
        );
        for ((a, b), name) in a.iter().zip(&b).zip(names()) {
            assert!(
                (a.is_nan() && b.is_nan()) || (a - b).abs() <= 2e-3 * (1.0 + a.abs()),
                "{name}: {a} {b}"
            );
        }
        for silent in [vec![0.0; 9999], Vec::new(), vec![f32::NAN; 100]] {
            assert_eq!(of(&silent, None, &Silent).unwrap(), None);
        }
        for short in [1usize, 10, 600, 3000] {
            assert_eq!(
                of(&noise[..short], None, &Silent).unwrap().map(|x| x.len()),
                Some(COUNT)
            );
        }
    }
}
