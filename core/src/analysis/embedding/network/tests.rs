//! Small random networks, against onnxruntime and librosa (`tests/data/embeddings/make.py`) and against their definitions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::load;
use super::*;
use crate::audio::AudioBuffer;
use crate::progress::Silent;
use crate::track::{Origin, TrackId};
use crate::units::Span;

const RATE: u32 = 16_000;

#[derive(serde::Deserialize)]
struct Expected {
    windows: usize,
    kernel: Vec<Vec<f32>>,
    bias: Vec<f32>,
    samples: Vec<Vec<f32>>,
    logmel: Vec<Vec<f32>>,
}

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

fn network(file: &str) -> Result<EmbeddingNetwork, EmbeddingError> {
    EmbeddingNetwork::read(&data(file))
}

fn expected() -> Expected {
    serde_json::from_slice(&std::fs::read(data("embeddings/expected.json")).unwrap()).unwrap()
}

/// The script's signal: noise, louder in the second second.
fn signal() -> Vec<f32> {
    let mut state = 12_345u32;
    (0..36_000)
        .map(|i| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let loud = if (16_000..32_000).contains(&i) { 0.75 } else { 0.25 };
            ((f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0) * loud) as f32
        })
        .collect()
}

fn track(planes: Vec<Vec<f32>>, rate: u32) -> Track {
    let audio = AudioBuffer::new(planes, rate).unwrap();
    Track {
        id: TrackId::of(&audio),
        audio: Arc::new(audio),
        origin: Origin::Live { take: 1 },
        name: "signal".into(),
        tags: Default::default(),
        grid: None,
    }
}

fn embed(network: &EmbeddingNetwork, track: &Track) -> TrackEmbedding {
    network.embed(track, &Silent).unwrap()
}

/// The values of window `w` of windows of a second every half second.
fn window(e: &TrackEmbedding, w: usize, rate: u32) -> Vec<f32> {
    let dims: Vec<usize> = (0..e.info().dims).collect();
    let mut out = vec![0.0; dims.len()];
    let centre = (0.5 + 0.5 * w as f64) * f64::from(rate);
    let span = Span {
        start: centre - 1.0,
        end: centre + 1.0,
    };
    e.mean(span, &dims, &mut out);
    out
}

fn assert_close(a: &[f32], b: &[f32], within: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= within, "{what}, {i}: {a} {b}");
    }
}

#[test]
fn samples_go_in_as_they_are() {
    let (network, expected) = (network("embeddings/samples.onnx").unwrap(), expected());
    let info = network.info().clone();
    assert_eq!(
        (info.model.as_str(), info.prefix.as_str(), info.dims),
        ("samples.onnx", "emb_", 4)
    );
    assert_eq!(info.digest.len(), 16);
    let signal = signal();
    let e = embed(&network, &track(vec![signal.clone()], RATE));
    assert_eq!(e.windows(), expected.windows);
    for (w, there) in expected.samples.iter().enumerate() {
        let own = window(&e, w, RATE);
        assert_close(&own, there, 1e-6, "onnxruntime");
        // The definition: the rectified convolution's mean, over a window that ends in silence.
        let at = |i: usize| f64::from(signal.get(8000 * w + i).copied().unwrap_or(0.0));
        let direct: Vec<f32> = expected
            .kernel
            .iter()
            .zip(&expected.bias)
            .map(|(kernel, bias)| {
                let starts = (0..=16_000 - 64).step_by(32);
                let count = starts.clone().count() as f64;
                let one = |s: usize| {
                    kernel
                        .iter()
                        .enumerate()
                        .map(|(k, x)| f64::from(*x) * at(s + k))
                        .sum::<f64>()
                };
                (starts.map(|s| (one(s) + f64::from(*bias)).max(0.0)).sum::<f64>() / count) as f32
            })
            .collect();
        assert_close(&own, &direct, 1e-6, "definition");
    }
    // The mean over the whole is that of all windows, whichever channel it came by, and the same each time.
    let mut all = vec![0.0; 4];
    let whole = Span {
        start: 0.0,
        end: 36_000.0,
    };
    e.mean(whole, &[0, 1, 2, 3], &mut all);
    let mean: Vec<f32> = (0..4)
        .map(|d| expected.samples.iter().map(|w| w[d]).sum::<f32>() / 4.0)
        .collect();
    assert_close(&all, &mean, 1e-6, "whole");
    let stereo = embed(&network, &track(vec![signal.clone(), signal], RATE));
    assert_eq!(stereo.sums, e.sums);
}

#[test]
fn log_mel_spectra_are_librosa_s() {
    let (network, expected) = (network("embeddings/logmel.onnx").unwrap(), expected());
    let e = embed(&network, &track(vec![signal()], RATE));
    assert_eq!((e.windows(), e.info().dims), (expected.windows, 6));
    for (w, there) in expected.logmel.iter().enumerate() {
        // Slopes of the network are below 0.01 a dB: this is a hundredth of a dB.
        assert_close(&window(&e, w, RATE), there, 1e-4, "librosa and onnxruntime");
    }
    let details = format!("{:?}", network.details());
    for said in [
        "40 bands from 50 to 7600 Hz",
        "n_fft 512, hop 256",
        "Decibel",
        "mean of 63 steps",
    ] {
        assert!(details.contains(said), "{details}");
    }
}

#[test]
fn openl3_is_known_by_its_name_and_hears_48_khz() {
    let network = network("embeddings/openl3_tiny.onnx").unwrap();
    assert_eq!(
        (network.info().column(2).as_str(), network.info().dims),
        ("openl3_2", 3)
    );
    assert!(network.details()[0].1.contains("48000 Hz"), "{:?}", network.details());
    // A tone is the same to it at whatever rate it comes; centres lie where the track's own frames have them.
    let tone = |rate: u32| {
        let wave = |i: u32| (std::f64::consts::TAU * 440.0 * f64::from(i) / f64::from(rate)).sin() as f32 * 0.5;
        track(vec![(0..4 * rate).map(wave).collect()], rate)
    };
    let (high, low) = (embed(&network, &tone(48_000)), embed(&network, &tone(44_100)));
    assert_eq!((high.windows(), low.windows()), (7, 7));
    assert_eq!((low.first, low.step), (22_050.0, 22_050.0));
    assert_close(&window(&high, 3, 48_000), &window(&low, 3, 44_100), 1e-3, "rates");
}

#[test]
fn a_recording_shorter_than_a_window_has_one() {
    let network = network("embeddings/samples.onnx").unwrap();
    for frames in [1, 15_999, 16_000] {
        assert_eq!(
            embed(&network, &track(vec![signal()[..frames].to_vec()], RATE)).windows(),
            1
        );
    }
    assert_eq!(
        embed(&network, &track(vec![signal()[..16_001].to_vec()], RATE)).windows(),
        2
    );
}

#[test]
fn what_is_wrong_is_said() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let samples = network("embeddings/samples.onnx").unwrap();
    let track = track(vec![vec![f32::MAX; 20_000]], RATE);
    assert!(matches!(
        samples.embed(&track, &Stop),
        Err(EmbeddingError::Cancelled(_))
    ));
    let wrong = samples.embed(&track, &Silent).unwrap_err().to_string();
    assert!(
        wrong.contains("samples.onnx: gave ") && wrong.contains("at 0.00 s"),
        "{wrong}"
    );

    let bytes = std::fs::read(data("embeddings/samples.onnx")).unwrap();
    let of = |key: &str, value: &str| {
        let mut bytes = bytes.clone();
        // An entry of `metadata_props` (field 14), which may stand anywhere.
        let field = |tag: u8, text: &[u8]| [&[tag, text.len() as u8], text].concat();
        let entry = [field(0x0a, key.as_bytes()), field(0x12, value.as_bytes())].concat();
        bytes.extend(field(0x72, &entry));
        EmbeddingNetwork::of("mine.onnx", &bytes)
    };
    assert_eq!(of("loopwright.prefix", "openl3").unwrap().info().prefix, "openl3_");
    assert_eq!(of("loopwright.window_seconds", "0.5").unwrap().input.window, 8000);
    for (key, value, said) in [
        ("loopwright.prefix", "mine", "openl3, emb"),
        ("loopwright.sample_rate", "0", "from 1000 to 384000"),
        ("loopwright.embedding_output", "other", "its outputs are embedding"),
        ("loopwright.input", "logmel", "loopwright.n_mels"),
        ("loopwright.window_hop_seconds", "0", "loopwright.window_hop_seconds"),
    ] {
        let problem = of(key, value).unwrap_err().to_string();
        assert!(problem.contains(said) && problem.contains("mine.onnx"), "{problem}");
    }
    // A ranker takes rows of features, not of sound.
    let problem = network("rankers/column.onnx").unwrap_err().to_string();
    assert!(
        problem.contains("column.onnx") && problem.contains("loopwright."),
        "{problem}"
    );
    let problem = load(&data("embeddings/expected.json")).err().unwrap().to_string();
    assert!(problem.contains("not an ONNX model"), "{problem}");
    assert!(
        load(&data("embeddings/none.onnx"))
            .err()
            .unwrap()
            .to_string()
            .contains("none.onnx")
    );
}

#[test]
fn outputs_are_rows_of_dimensions() {
    for (shape, steps, dims) in [
        (&[7][..], 1, 7),
        (&[1, 7], 1, 7),
        (&[1, 7, 1, 1], 1, 7),
        (&[1, 1, 1, 7], 1, 7),
        (&[1, 7, 1], 1, 7),
        (&[1, 1, 7], 1, 7),
        (&[1, 5, 7], 5, 7),
        (&[1, 1], 1, 1),
    ] {
        assert_eq!(Layout::of(shape), Some(Layout { steps, dims }), "{shape:?}");
    }
    for none in [&[][..], &[2, 7], &[1, 3, 4, 5]] {
        assert_eq!(Layout::of(none), None, "{none:?}");
    }
}
