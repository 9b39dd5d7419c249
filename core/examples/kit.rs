//! Writes a small kit of made sounds in every format, a groove for it as MIDI, and what the two should sound like:
//!
//!     cargo run -p loopwright-core --example kit -- OUT_DIR [NAME]
//!
//! To be opened in samplers, checked against schemas, and played by other programs whose sound is then compared with
//! `render.wav` (32-bit float, the loop and a second for the tails).

use std::error::Error;
use std::f32::consts::TAU;
use std::path::Path;

use loopwright_core::drums::class::{Class, Drum};
use loopwright_core::drums::kit::{Groove, Kit, Note, Piece};
use loopwright_core::drums::render;
use loopwright_core::export::destination::Destination;
use loopwright_core::export::kit::{KIT_FORMATS, sample_meta, sample_name};
use loopwright_core::export::wav::Wav;
use loopwright_core::export::{AudioFormat, AudioView, FormatError, midi};

const RATE: u32 = 44_100;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: kit OUT_DIR [NAME]")?;
    let kit = kit(args.next().unwrap_or_else(|| "Made kit".into()));
    let groove = groove();

    let out = Destination::open(Path::new(&folder))?;
    let mut samples = Vec::new();
    for piece in &kit.pieces {
        let path = format!("samples/{}", sample_name(piece));
        let audio = AudioView {
            planes: &piece.planes,
            sample_rate: kit.sample_rate,
        };
        out.write(&path, |file| {
            Wav::Int24.write(file, audio, &sample_meta(piece))?;
            Ok::<_, FormatError>(())
        })?;
        samples.push(path);
    }
    for format in KIT_FORMATS {
        out.write(&format!("kit.{}", format.extension()), |file| {
            format.write(file, &kit, &samples)?;
            Ok::<_, FormatError>(())
        })?;
    }
    out.write("kit.mid", |mut file| {
        midi::write(&mut file, &groove, midi::Channel::Drums)
    })?;
    let frames = render::loop_frames(&groove, RATE) + RATE as usize;
    let planes = render::render(&kit, &groove, frames);
    out.write("render.wav", |file| {
        let audio = AudioView {
            planes: &planes,
            sample_rate: RATE,
        };
        Wav::Float32.write_plain(file, audio)?;
        Ok::<_, FormatError>(())
    })?;
    out.write_bytes("notes.json", notes(&groove).as_bytes())?;
    Ok(())
}

/// The times that the MIDI file should have.
fn notes(groove: &Groove) -> String {
    let list: Vec<_> = groove
        .notes
        .iter()
        .map(|n| serde_json::json!({"time": n.time, "duration": n.duration, "note": n.note, "velocity": n.velocity}))
        .collect();
    serde_json::json!({"bpm": groove.bpm, "beats": groove.beats, "notes": list}).to_string()
}

fn kit(name: String) -> Kit {
    let mut seed = 1u32;
    let mut noise = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    let mut sound = |seconds: f32, level: f32, wave: &mut dyn FnMut(f32, f32) -> f32| -> Vec<f32> {
        let frames = (seconds * RATE as f32) as usize;
        (0..frames)
            .map(|i| {
                let t = i as f32 / RATE as f32;
                level * wave(t, noise()) * (-5.0 * t / seconds).exp() * (1.0 - i as f32 / frames as f32)
            })
            .collect()
    };
    let kick = sound(0.5, 0.6, &mut |t, _| (TAU * (50.0 * t - 3.0 * (-30.0 * t).exp())).sin());
    let snare = sound(0.3, 0.4, &mut |t, n| 0.5 * (TAU * 190.0 * t).sin() + 0.5 * n);
    let mut last = 0.0;
    let mut hiss = |_: f32, n: f32| {
        let y = 0.5 * (n - last);
        last = n;
        y
    };
    let closed = sound(0.06, 0.3, &mut hiss);
    let open = sound(0.9, 0.3, &mut hiss);
    let wide = |x: &[f32]| vec![x.to_vec(), x.iter().map(|v| 0.7 * v).collect()];
    let piece = |drum: Drum, planes, choke| Piece {
        class: Class::Drum(drum),
        name: format!("{}_01", drum.name()),
        planes,
        note: drum.note(),
        choke,
    };
    Kit {
        name,
        sample_rate: RATE,
        pieces: vec![
            piece(Drum::Kick, wide(&kick), None),
            piece(Drum::Snare, wide(&snare), None),
            piece(Drum::HatClosed, wide(&closed), Some(0)),
            piece(Drum::HatOpen, wide(&open), Some(0)),
        ],
    }
}

fn groove() -> Groove {
    let bpm = 123.45;
    let beat = 60.0 / bpm;
    // Beats, hits, velocities; humanly late or early by some milliseconds.
    let hits = [
        (0.0, 36, 120),
        (0.0, 42, 80),
        (0.52, 46, 90),
        (1.01, 38, 110),
        (1.02, 42, 60),
        (1.48, 42, 40),
        (1.76, 36, 70),
        (2.0, 46, 100),
        (2.503, 36, 127),
        (2.51, 42, 64),
        (3.0, 38, 127),
        (3.26, 38, 30),
        (3.51, 46, 100),
    ];
    let notes = (0..2)
        .flat_map(|bar| hits.map(|(at, note, velocity)| (at + 4.0 * f64::from(bar), note, velocity)))
        .enumerate()
        .map(|(i, (at, note, velocity))| Note {
            time: at * beat + (i * 7 % 5) as f64 * 1.3e-4,
            duration: 0.2,
            note,
            velocity,
        })
        .collect();
    Groove {
        name: "Made groove".into(),
        bpm,
        beats: 8,
        beats_per_bar: 4,
        notes,
    }
}
