use std::f64::consts::TAU;

use super::*;
use crate::progress::{Progress, Silent, Stage};

const RATE: u32 = 44_100;

/// A loop that runs round, written by adding sounds at places in it.
struct Ring(Vec<f32>);

impl Ring {
    fn new(beats: f64, bpm: f64) -> Self {
        Self(vec![0.0; (beats * 60.0 / bpm * f64::from(RATE)).round() as usize])
    }

    /// Adds `sound(seconds)` of `length` seconds from `beat` of `beats` on; what passes the end goes on at the start.
    fn add(&mut self, beat: f64, beats: f64, length: f64, sound: impl Fn(f64) -> f64) {
        let n = self.0.len();
        let start = (beat / beats * n as f64).round() as usize;
        for i in 0..(length * f64::from(RATE)) as usize {
            self.0[(start + i) % n] += sound(i as f64 / f64::from(RATE)) as f32;
        }
    }

    fn audio(self) -> AudioBuffer {
        AudioBuffer::new(vec![self.0], RATE).unwrap()
    }
}

/// Noise without a generator: as good as any for the sound of a snare.
fn noise(t: f64) -> f64 {
    let x = (t * 44_100.0).round() as u64;
    let mut h = x.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (x >> 7);
    h = (h ^ (h >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (h >> 40) as f64 / f64::from(1u32 << 23) - 1.0
}

fn kick(t: f64) -> f64 {
    0.9 * (TAU * (50.0 * t + 4.0 * (1.0 - (-t / 0.03).exp()))).sin() * (-t / 0.09).exp()
}

fn snare(t: f64) -> f64 {
    (0.35 * noise(t) + 0.3 * (TAU * 190.0 * t).sin()) * (-t / 0.05).exp()
}

/// Treble: differences of noise.
fn hat(t: f64) -> f64 {
    0.12 * (noise(t) - noise(t + 1.0 / 44_100.0)) * (-t / 0.015).exp()
}

/// Kick on 1 and 3 (with a push), snare on 2 and 4, hats in eighths.
fn backbeat(bars: u32, bpm: f64) -> Ring {
    let beats = f64::from(bars * 4);
    let mut ring = Ring::new(beats, bpm);
    for bar in 0..bars {
        let at = f64::from(bar * 4);
        for k in [0.0, 2.0, 2.5] {
            ring.add(at + k, beats, 0.4, kick);
        }
        for s in [1.0, 3.0] {
            ring.add(at + s, beats, 0.3, snare);
        }
        for h in 0..8 {
            ring.add(at + f64::from(h) * 0.5, beats, 0.1, hat);
        }
    }
    ring
}

/// Kick on every beat, clap on 2 and 4, open hats between.
fn house(bars: u32, bpm: f64) -> Ring {
    let beats = f64::from(bars * 4);
    let mut ring = Ring::new(beats, bpm);
    for beat in 0..bars * 4 {
        let at = f64::from(beat);
        ring.add(at, beats, 0.4, kick);
        ring.add(at + 0.5, beats, 0.2, hat);
        if beat % 2 == 1 {
            ring.add(at, beats, 0.3, snare);
        }
    }
    ring
}

/// Broken triads in A minor, an eighth a note.
fn arpeggio(bars: u32, bpm: f64) -> Ring {
    let beats = f64::from(bars * 4);
    let mut ring = Ring::new(beats, bpm);
    let chords: [[i32; 4]; 4] = [[57, 60, 64, 69], [53, 57, 60, 65], [50, 57, 62, 65], [52, 59, 64, 68]];
    for k in 0..bars * 8 {
        let note = chords[(k / 4 % 4) as usize][(k % 4) as usize];
        let hz = 440.0 * 2f64.powf(f64::from(note - 69) / 12.0);
        ring.add(f64::from(k) * 0.5, beats, 0.5, move |t| {
            (1..5)
                .map(|h| 0.15 / f64::from(h) * (TAU * hz * f64::from(h) * t).sin())
                .sum::<f64>()
                * (-t / 0.25).exp()
        });
    }
    ring
}

fn heard(audio: &AudioBuffer) -> LoopFile {
    let told = LoopFile::of(audio, &Silent).unwrap();
    let numbers = told.tempi.iter().flat_map(|t| [t.bpm, f64::from(t.confidence)]);
    assert!(numbers.chain([f64::from(told.drums)]).all(f64::is_finite));
    assert!(told.contents.probability.iter().all(|p| p.is_finite()));
    told
}

fn tempo(audio: &AudioBuffer) -> (f64, f64) {
    let told = heard(audio);
    let best = told.tempo().unwrap_or_else(|| panic!("no tempo in {told:?}"));
    (best.bpm, best.bars())
}

#[test]
fn a_groove_is_counted_as_people_count_it() {
    for (bars, bpm, ring) in [
        (2, 125.0, house(2, 125.0)),
        (4, 122.0, house(4, 122.0)),
        (1, 128.0, house(1, 128.0)),
        (1, 95.0, backbeat(1, 95.0)),
        (2, 104.0, backbeat(2, 104.0)),
        (4, 112.0, backbeat(4, 112.0)),
    ] {
        let (found, length) = tempo(&ring.audio());
        assert!((found / bpm - 1.0).abs() < 5e-4, "{bars} bars at {bpm}: {found}");
        assert_eq!(length, f64::from(bars), "{bars} bars at {bpm}");
    }
}

#[test]
fn the_length_is_the_tempo() {
    // Not a whole number of samples a beat, and still exact.
    let audio = house(2, 123.4567).audio();
    let expected = 8.0 * 60.0 * f64::from(RATE) / audio.frames() as f64;
    assert!((tempo(&audio).0 - expected).abs() < 1e-9);
}

#[test]
fn the_sample_rate_and_the_channels_do_not_matter() {
    let ring = backbeat(2, 100.0).0;
    let slow: Vec<f32> = ring.iter().step_by(2).copied().collect();
    let told = heard(&AudioBuffer::new(vec![ring.clone(); 2], RATE).unwrap());
    let half = heard(&AudioBuffer::new(vec![slow], RATE / 2).unwrap());
    let mono = heard(&AudioBuffer::new(vec![ring], RATE).unwrap());
    assert_eq!(told.tempi, mono.tempi);
    assert_eq!(told.tempo().map(|t| t.beats), half.tempo().map(|t| t.beats));
}

#[test]
fn every_count_of_beats_is_there_once_and_the_best_is_first() {
    for audio in [
        house(2, 125.0).audio(),
        backbeat(4, 90.0).audio(),
        arpeggio(2, 110.0).audio(),
    ] {
        let told = heard(&audio);
        let mut beats: Vec<u32> = told.tempi.iter().map(|t| t.beats).collect();
        assert!(told.tempi.is_sorted_by(|a, b| a.confidence >= b.confidence));
        let sum: f32 = told.tempi.iter().map(|t| t.confidence).sum();
        assert!((0.0..=1.0 + 1e-5).contains(&sum), "{sum}");
        beats.sort_unstable();
        beats.dedup();
        assert_eq!(beats.len(), told.tempi.len());
    }
}

#[test]
fn hearing_twice_is_hearing_the_same() {
    let audio = backbeat(2, 97.0).audio();
    assert_eq!(heard(&audio), heard(&audio));
}

#[test]
fn drums_have_no_key_and_lines_of_one_or_two_bars_do() {
    for ring in [house(2, 125.0), backbeat(1, 95.0)] {
        let told = heard(&ring.audio());
        assert_eq!(told.key, None);
        assert!(told.drums > 0.6, "{told:?}");
    }
    for bars in [1, 2] {
        let told = heard(&arpeggio(bars, 110.0).audio());
        assert!(told.key.is_some(), "{told:?}");
        assert!(told.drums < 0.4, "{told:?}");
    }
}

#[test]
fn a_single_hit_is_no_loop() {
    let single = |seconds: f64, sound: fn(f64) -> f64| {
        let n = (seconds * f64::from(RATE)) as usize;
        let wave = (0..n).map(|i| sound(i as f64 / f64::from(RATE)) as f32).collect();
        heard(&AudioBuffer::new(vec![wave], RATE).unwrap())
    };
    for told in [
        single(0.4, kick),
        single(0.3, snare),
        single(1.5, kick),
        single(0.2, hat),
    ] {
        assert_eq!(told.kind, Kind::OneShot, "{told:?}");
        assert!(told.tempi.is_empty());
    }
}

#[test]
fn a_tail_of_silence_makes_it_doubtful() {
    let plain = backbeat(2, 104.0);
    let mut longer = backbeat(2, 104.0);
    longer.0.extend(vec![0.0; plain.0.len() / 16]);
    let sure = |ring: Ring| heard(&ring.audio()).tempo().map_or(0.0, |t| t.confidence);
    let (plain, longer) = (sure(plain), sure(longer));
    assert!(longer < 0.5 * plain, "{longer} against {plain}");
}

#[test]
fn what_holds_nothing_is_silence() {
    for n in [0usize, 1, 63, 441, 44_100] {
        let told = heard(&AudioBuffer::new(vec![vec![0.0; n]], RATE).unwrap());
        assert_eq!((told.kind, told.tempo(), told.key), (Kind::Silence, None, None), "{n}");
    }
    // Ten milliseconds of sound are no loop, and samples that are no numbers count as nothing.
    let click: Vec<f32> = (0..441)
        .map(|i| (noise(f64::from(i) / 44_100.0) * 0.5) as f32)
        .collect();
    assert_eq!(heard(&AudioBuffer::new(vec![click], RATE).unwrap()).kind, Kind::OneShot);
    let mut odd = house(1, 125.0).0;
    odd[1000] = f32::NAN;
    odd[2000] = f32::INFINITY;
    heard(&AudioBuffer::new(vec![odd], RATE).unwrap());
}

#[test]
fn an_hour_is_no_loop_file_and_is_not_listened_to() {
    /// Counts how often the work asks whether to go on: as many times as spectra are taken.
    struct Asked(std::sync::atomic::AtomicUsize);
    impl Progress for Asked {
        fn report(&self, _: Stage, _: f32) {}
        fn is_cancelled(&self) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        }
    }
    let count = |seconds: u32| {
        let wave = (0..seconds * 1000)
            .map(|i| (noise(f64::from(i)) * 0.3) as f32)
            .collect();
        let asked = Asked(Default::default());
        let told = LoopFile::of(&AudioBuffer::new(vec![wave], 1000).unwrap(), &asked).unwrap();
        assert_eq!(told.kind, Kind::Recording);
        assert!(told.tempi.is_empty());
        assert_eq!(told.seconds, f64::from(seconds));
        asked.0.into_inner()
    };
    assert_eq!(count(3600), count(80));
}

#[test]
fn it_can_be_given_up() {
    struct Given;
    impl Progress for Given {
        fn report(&self, _: Stage, _: f32) {}
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    assert!(LoopFile::of(&house(1, 120.0).audio(), &Given).is_err());
}
