//! Networks with random weights (`core/tests/data/networks`) against what onnxruntime made of them.

use serde_json::Value;

use super::*;
use crate::progress::{Cancelled, Silent, Stage};
use crate::rhythm::input::Input;

const OPEN: &[u8] = include_bytes!("../../../tests/data/networks/tracker_open.onnx");
const FIXED: &[u8] = include_bytes!("../../../tests/data/networks/tracker_fixed.onnx");
const BEAT_THIS: &[u8] = include_bytes!("../../../tests/data/networks/beat_this_open.onnx");

fn reference() -> Value {
    serde_json::from_str(include_str!("../../../tests/data/networks/reference.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    let list = value.as_array().unwrap();
    assert!(!list.is_empty());
    list.iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// The script's test values.
fn pattern(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 % 1009) as f64 / 252.25) as f32).collect()
}

/// The script's test signal.
fn signal() -> Vec<f32> {
    let rate = 22_050.0;
    let n = 42 * 22_050;
    let time = |i: usize| i as f64 / rate;
    let mut y: Vec<f64> = (0..n)
        .map(|i| 0.1 * (2.0 * std::f64::consts::PI * 110.0 * time(i)).sin())
        .collect();
    let mut state: u64 = 12_345;
    let noise: Vec<f64> = (0..n)
        .map(|_| {
            state = (1_103_515_245 * state + 12_345) & 0x7fff_ffff;
            state as f64 / f64::from(1 << 30) - 1.0
        })
        .collect();
    for k in 0..85 {
        let i = (k as f64 * 0.48 * rate) as usize;
        for j in i..(i + 22_050 / 5).min(n) {
            let gain = if k % 4 == 0 { 0.5 } else { 0.3 };
            y[j] += gain * noise[j] * (-40.0 * (time(j) - time(i))).exp();
        }
    }
    y.into_iter().map(|v| v as f32).collect()
}

fn close(got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= tolerance, "value {i}: {g}, not {w}");
    }
}

#[test]
fn the_engine_agrees_with_onnxruntime() {
    let reference = &reference()["tracker"];
    let frames = reference["frames"].as_u64().unwrap() as usize;
    let (mel, pitch) = (pattern(64 * frames), pattern(48 * frames / 2));
    for bytes in [OPEN, FIXED] {
        let model = Model::of("toy", bytes).unwrap();
        let names: Vec<&str> = model.inputs().iter().map(|p| p.name.as_str()).collect();
        assert_eq!(
            (names, model.outputs()),
            (vec!["mel", "pitch"], &["logits".to_owned()][..])
        );
        let network = model.network(&[&[1, 64, frames], &[1, 48, frames / 2]]).unwrap();
        assert_eq!(network.outputs(), [("logits".to_owned(), vec![1, 2, frames])]);
        let out = network.run(&[&mel, &pitch]).unwrap();
        close(&out[0], &numbers(&reference["logits"]), 1e-4);
        assert_eq!(
            network.run(&[&mel, &pitch]).unwrap(),
            out,
            "a second run gives the same"
        );
    }
}

#[test]
fn beat_this_agrees_with_its_authors() {
    let reference = &reference()["beat_this"];
    let y = signal();
    let mel = beat_this::log_mel(&y, &Silent).unwrap();
    let frames = reference["length"].as_u64().unwrap() as usize;
    assert_eq!(mel.len(), frames * beat_this::BANDS);
    let picked: Vec<f32> = numbers(&reference["mel_frames"])
        .iter()
        .flat_map(|&t| mel[t as usize * 128..][..128].to_vec())
        .collect();
    // Where a band holds nothing but the noise of two FFTs, they need not agree better than this.
    close(&picked, &numbers(&reference["mel"]), 2e-4);

    let network = BeatNetwork::of("toy", BEAT_THIS).unwrap();
    assert!(!network.wants_input() && network.id().starts_with("beat-this "));
    let heard = network.activations(Sound { mono: &y, input: None }, &Silent).unwrap();
    assert_eq!(
        (heard.beat.len(), heard.downbeat.len(), heard.rate),
        (frames, frames, 50.0)
    );
    let every = reference["every"].as_u64().unwrap() as usize;
    for (got, name) in [(&heard.beat, "beat"), (&heard.downbeat, "downbeat")] {
        let want: Vec<f32> = numbers(&reference[name])
            .iter()
            .map(|x| 1.0 / (1.0 + (-x).exp()))
            .collect();
        let got: Vec<f32> = got.iter().copied().step_by(every).collect();
        // What the difference of the spectrograms becomes on its way through the network.
        close(&got, &want, 1e-3);
        let (low, high) = want.iter().fold((1.0f32, 0.0f32), |(a, b), &x| (a.min(x), b.max(x)));
        assert!(high - low > 0.05, "the toy says the same throughout: {low} to {high}");
    }
}

#[test]
fn stitched_windows_are_one_long_window() {
    // 64 + 2 frames on either side is as far as the toy looks; the fixed window's context is 64, the open one's 512.
    let x: Vec<f32> = signal()[..20 * 22_050].to_vec();
    let input = Input::of(&x).unwrap();
    let frames = input.frames();
    let model = Model::of("toy", OPEN).unwrap();
    let even = frames.next_multiple_of(2);
    let (mut mel, mut pitch) = (vec![0.0; 64 * even], vec![0.0; 48 * even / 2]);
    columns(&input.mel, 64, 0, &mut mel);
    columns(&input.pitch, 48, 0, &mut pitch);
    let whole = model.network(&[&[1, 64, even], &[1, 48, even / 2]]).unwrap();
    let logits = whole.run(&[&mel, &pitch]).unwrap().remove(0);
    let (beat, downbeat) = logits.split_at(even);
    for bytes in [OPEN, FIXED] {
        let network = BeatNetwork::of("toy", bytes).unwrap();
        assert!(network.wants_input());
        let sound = Sound {
            mono: &x,
            input: Some(&input),
        };
        let heard = network.activations(sound, &Silent).unwrap();
        assert_eq!(heard.beat.len(), frames);
        // The last frames of the long window see its end; those of a padded one see silence.
        let safe = frames - 128;
        for (got, want) in [(&heard.beat, beat), (&heard.downbeat, downbeat)] {
            let want: Vec<f32> = want[..safe].iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
            close(&got[..safe], &want, 2e-4);
        }
    }
}

#[test]
fn silence_and_no_sound_are_heard_as_nothing() {
    let own = BeatNetwork::of("toy", FIXED).unwrap();
    let sound = Sound {
        mono: &[0.0; 50_000],
        input: None,
    };
    assert!(own.activations(sound, &Silent).unwrap().beat.is_empty());
    let other = BeatNetwork::of("toy", BEAT_THIS).unwrap();
    let nothing = Sound { mono: &[], input: None };
    assert!(other.activations(nothing, &Silent).unwrap().beat.is_empty());
    let short = Sound {
        mono: &[0.1, f32::NAN, -0.2],
        input: None,
    };
    assert_eq!(other.activations(short, &Silent).unwrap().beat.len(), 1);
}

#[test]
fn interfaces_are_told_apart() {
    let port = |name: &str, shape: &[usize]| Port {
        name: name.into(),
        shape: Some(shape.iter().map(|&d| (d > 0).then_some(d)).collect()),
    };
    let names = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let (mel, pitch) = (port("mel", &[1, 64, 0]), port("pitch", &[1, 48, 0]));
    let own = |mel| Ok((Interface::Own { mel }, None));
    assert_eq!(recognise(&[mel.clone(), pitch.clone()], &names(&["logits"])), own(0));
    assert_eq!(recognise(&[pitch.clone(), mel.clone()], &names(&["logits"])), own(1));
    // By their bands, whatever they are called.
    let (a, b) = (port("x.1", &[1, 48, 600]), port("x.2", &[1, 64, 1200]));
    assert_eq!(
        recognise(&[a, b], &names(&["y"])),
        Ok((Interface::Own { mel: 1 }, Some(1200)))
    );
    let spectrogram = port("spectrogram", &[1, 0, 128]);
    for (outputs, downbeats) in [
        (["beat", "downbeat"], 1),
        (["Downbeat_logits", "beat_logits"], 0),
        (["a", "b"], 1),
    ] {
        let found = recognise(std::slice::from_ref(&spectrogram), &names(&outputs));
        assert_eq!(found, Ok((Interface::BeatThis { downbeats }, None)));
    }
    for (inputs, outputs) in [
        (vec![], names(&["y"])),
        (vec![port("x", &[1, 0, 81])], names(&["beat", "downbeat"])),
        (vec![spectrogram.clone()], names(&["beat"])),
        (vec![mel.clone(), mel.clone()], names(&["logits"])),
        (vec![mel.clone(), pitch.clone()], names(&["a", "b"])),
        (vec![mel.clone(), pitch.clone(), spectrogram], names(&["a"])),
    ] {
        assert!(recognise(&inputs, &outputs).is_err());
    }
}

#[test]
fn broken_files_are_refused_without_a_panic() {
    for bytes in [&b""[..], b"RIFF....WAVE", &FIXED[..FIXED.len() / 2], &[0u8; 64]] {
        assert!(BeatNetwork::of("broken", bytes).is_err());
    }
    let mut state = 1u64;
    for _ in 0..60 {
        let mut bytes = FIXED.to_vec();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (state >> 33) as usize % bytes.len();
            bytes[at] = (state >> 20) as u8;
        }
        // A changed weight is as good as another; what counts is that it comes back at all.
        let _ = BeatNetwork::of("mutated", &bytes);
    }
    let missing = BeatNetwork::read("no/such/file.onnx".as_ref()).unwrap_err().to_string();
    assert!(
        missing.contains("no/such/file.onnx") && missing.contains("cannot read"),
        "{missing}"
    );
}

#[test]
fn wrong_lengths_are_errors() {
    let model = Model::of("toy", FIXED).unwrap();
    let wrong = model.network(&[&[1, 64, 512], &[1, 48, 256]]).unwrap_err().to_string();
    assert!(wrong.contains("`mel`") && wrong.contains("[1, 64, 512]"), "{wrong}");
    assert!(model.network(&[&[1, 64, 256]]).is_err());
    let network = model.network(&[&[1, 64, 256], &[1, 48, 128]]).unwrap();
    let short = network.run(&[&[0.0; 3], &[0.0; 6144]]).unwrap_err().to_string();
    assert!(short.contains("takes 16384 values, not 3"), "{short}");
}

#[test]
fn cancelling_stops_between_windows() {
    struct Stop;
    impl Progress for Stop {
        fn report(&self, _: Stage, _: f32) {}
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let network = BeatNetwork::of("toy", BEAT_THIS).unwrap();
    let sound = Sound {
        mono: &[0.1; 30_000],
        input: None,
    };
    assert_eq!(
        network.activations(sound, &Stop),
        Err(RhythmError::Cancelled(Cancelled))
    );
}
