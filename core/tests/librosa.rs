//! The spectral pass against librosa, on the fixtures of `tests/reference` (see the script there for what they are).

use std::collections::BTreeMap;
use std::path::PathBuf;

use loopwright_core::analysis::spectrum::{BINS, HOP, MELS, N_FFT, RATE, Spectrum, analyse};
use loopwright_core::dsp::chroma::{ChromaBank, normalise};
use loopwright_core::dsp::hpss::{Block, Separator, separate};
use loopwright_core::dsp::mel::MelBank;
use loopwright_core::dsp::onset::delayed;
use loopwright_core::dsp::stft::{power, stream};
use loopwright_core::progress::Silent;

#[derive(serde::Deserialize)]
struct Array {
    shape: Vec<usize>,
    data: Vec<f32>,
}

#[derive(serde::Deserialize)]
struct Fixtures {
    versions: BTreeMap<String, String>,
    arrays: BTreeMap<String, Array>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/reference")
        .join(name)
}

impl Fixtures {
    fn load() -> Self {
        let text = std::fs::read_to_string(path("librosa.json")).expect("tests/reference/librosa.json");
        serde_json::from_str(&text).expect("fixtures as the script writes them")
    }

    fn get(&self, name: &str) -> &Array {
        let array = &self.arrays[name];
        assert_eq!(array.shape.iter().product::<usize>(), array.data.len(), "{name}");
        assert!(!array.data.is_empty(), "{name}");
        array
    }

    fn frames(&self) -> Vec<usize> {
        self.get("frames").data.iter().map(|t| *t as usize).collect()
    }
}

fn signal() -> Vec<f32> {
    let mut wav = hound::WavReader::open(path("signal.wav")).expect("tests/reference/signal.wav");
    assert_eq!(wav.spec().sample_rate, RATE);
    wav.samples::<i16>()
        .map(|x| f32::from(x.expect("sample")) / 32768.0)
        .collect()
}

fn spectrum(signal: &[f32]) -> Spectrum {
    analyse(signal, RATE, &mut |_, _| (), &Silent).expect("not cancelled")
}

/// Largest distance between `got` and `expected`; both must be of one length.
fn distance(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn fixtures_are_complete() {
    let fixtures = Fixtures::load();
    for module in ["librosa", "numpy", "scipy"] {
        assert!(fixtures.versions.contains_key(module));
    }
    let names: Vec<&str> = fixtures.arrays.keys().map(String::as_str).collect();
    let expected = [
        "chroma",
        "chroma_bank",
        "chroma_bank_tuned",
        "chroma_bins",
        "frames",
        "logmel",
        "magnitude",
        "mask_harmonic",
        "mask_percussive",
        "mel_bank_centroids",
        "mel_bank_sums",
        "onset",
        "onset_harmonic",
        "onset_percussive",
        "percussive_rms",
        "percussive_wave",
        "rms",
    ];
    assert_eq!(names, expected);
}

#[test]
fn magnitudes() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let frames = fixtures.frames();
    let mut got = Vec::new();
    analyse(
        &signal,
        RATE,
        &mut |t, magnitude| {
            if frames.contains(&t) {
                got.extend_from_slice(magnitude);
            }
        },
        &Silent,
    )
    .expect("not cancelled");
    let expected = fixtures.get("magnitude");
    let peak = expected.data.iter().fold(0.0f32, |a, b| a.max(*b));
    // Both are single precision: 1e-6 of the largest.
    let worst = distance(&got, &expected.data) / peak;
    assert!(worst < 1e-6, "{worst:e}");
}

#[test]
fn mel_filters_and_log_mel() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let bank = MelBank::new(f64::from(RATE), N_FFT, MELS, 0.0, f64::from(RATE) / 2.0);
    for b in 0..MELS {
        let (first, weights) = bank.band(b);
        let sum: f32 = weights.iter().sum();
        let moment: f32 = weights.iter().enumerate().map(|(i, w)| (first + i) as f32 * w).sum();
        assert!(
            (sum / fixtures.get("mel_bank_sums").data[b] - 1.0).abs() < 1e-5,
            "band {b}"
        );
        assert!(
            (moment / sum / fixtures.get("mel_bank_centroids").data[b] - 1.0).abs() < 1e-5,
            "band {b}"
        );
    }
    let spectrum = spectrum(&signal);
    let got: Vec<f32> = fixtures
        .frames()
        .iter()
        .flat_map(|t| spectrum.logmel.row(*t).to_vec())
        .collect();
    // Single precision leaves 1e-6 of the loudest bin in the quietest, hence a looser bound below −80 dB of the peak.
    let expected = &fixtures.get("logmel").data;
    let peak = expected.iter().fold(f32::MIN, |a, b| a.max(*b));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let tolerance = if *expected > peak - 8.0 { 2e-4 } else { 0.1 };
        assert!((got - expected).abs() < tolerance, "cell {i}: {got} for {expected}");
    }
}

#[test]
fn separation_masks() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let frames = fixtures.frames();
    let mut separator = Separator::new(BINS);
    let (mut harmonic, mut percussive) = (Vec::new(), Vec::new());
    let mut row = vec![0.0; BINS];
    let mut sink = |block: Block<'_>| {
        for lane in 0..block.frames {
            if frames.contains(&(block.first + lane)) {
                harmonic.extend(block.harmonic.iter().map(|m| m[lane]));
                percussive.extend(block.harmonic.iter().map(|m| 1.0 - m[lane]));
            }
        }
    };
    stream(&signal, N_FFT, HOP, |_, spectrum| {
        power(spectrum, &mut row);
        separator.push(&row, &mut sink);
    });
    separator.finish(&mut sink);
    // Where a bin is so quiet that rounding decides its magnitude (1e-6 of the peak), it decides its mask as well: the
    // share of such bins is bounded, the others are held to a thousandth.
    for (name, got) in [("mask_harmonic", harmonic), ("mask_percussive", percussive)] {
        let expected = &fixtures.get(name).data;
        assert_eq!(got.len(), expected.len());
        let off = got.iter().zip(expected).filter(|(a, b)| (*a - *b).abs() > 1e-3).count();
        assert!(
            off as f64 <= 0.002 * got.len() as f64,
            "{name}: {off} of {} bins are off",
            got.len()
        );
    }
}

#[test]
fn onset_strength() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let spectrum = spectrum(&signal);
    let lag = N_FFT / (2 * HOP);
    // In dB. The parts go through 16-bit fixed point of 1/128 dB, and their quiet cells through the masks' rounding.
    for (name, curve, tolerance) in [
        ("onset", &spectrum.onset, 2e-3),
        ("onset_percussive", &spectrum.onset_perc, 2e-2),
        ("onset_harmonic", &spectrum.onset_harm, 2e-2),
    ] {
        let worst = distance(&delayed(curve.values(), lag), &fixtures.get(name).data);
        assert!(worst < tolerance, "{name}: {worst}");
    }
}

#[test]
fn levels() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let spectrum = spectrum(&signal);
    let worst = distance(spectrum.rms.values(), &fixtures.get("rms").data);
    assert!(worst < 1e-6, "{worst:e}");
    // Parseval on masked spectra against the waveform that librosa makes of them: windows reach half a frame over the
    // edges of spans this short (15 frames), and masked spectra of neighbouring frames partly cancel. 1e-3 is −60 dBFS.
    for (k, expected) in fixtures.get("percussive_rms").data.iter().enumerate() {
        let (got, expected) = (spectrum.perc_rms(k * 15..(k + 1) * 15), f64::from(*expected));
        println!("span {k}: {got:.5} for {expected:.5}");
        assert!(
            (got - expected).abs() < 0.1 * expected + 1e-3,
            "span {k}: {got} for {expected}"
        );
    }
    let whole = fixtures
        .get("percussive_rms")
        .data
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        / 8.0;
    let ratio = spectrum.perc_rms(0..120) / whole.sqrt();
    println!("whole: {ratio:.4}");
    assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
}

#[test]
fn separated_waveforms() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    let (_, percussive) = separate(&signal, N_FFT, HOP);
    let got: Vec<f32> = percussive.iter().step_by(97).copied().collect();
    let worst = distance(&got, &fixtures.get("percussive_wave").data);
    assert!(worst < 1e-5, "{worst:e}");
}

#[test]
fn chroma() {
    let (fixtures, signal) = (Fixtures::load(), signal());
    for (name, tuning) in [("chroma_bank", 0.0), ("chroma_bank_tuned", 0.3)] {
        let bank = ChromaBank::new(f64::from(RATE), 4096, tuning);
        let bins = &fixtures.get("chroma_bins").data;
        let got: Vec<f32> = bins.iter().flat_map(|k| bank.weights(*k as usize)).collect();
        let worst = distance(&got, &fixtures.get(name).data);
        assert!(worst < 1e-6, "{name}: {worst:e}");
    }
    let bank = ChromaBank::new(f64::from(RATE), 4096, 0.0);
    let mut got = Vec::new();
    let mut row = vec![0.0; 2049];
    stream(&signal, 4096, 2048, |_, spectrum| {
        power(spectrum, &mut row);
        let mut chroma = bank.apply(&row);
        normalise(&mut chroma);
        got.extend(chroma);
    });
    let expected = &fixtures.get("chroma").data;
    let worst = distance(&got[..expected.len()], expected);
    assert!(worst < 1e-4, "{worst:e}");
}
