//! What the tests of the command line share: short music of known tempo, runs of the tool, and trees of files.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The tool, without the settings and the terminal of whoever runs the tests.
pub(crate) fn tool(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loopwright"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("APPDATA", "/nonexistent")
        .env("HOME", "/nonexistent")
        .env("NO_COLOR", "1");
    command
}

/// Runs the tool in `folder`.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    tool(arguments).current_dir(folder).output().unwrap()
}

/// What a run printed to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a run printed to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The exit code, with both streams in the message if it is another.
#[track_caller]
pub(crate) fn expect_code(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "\nstdout:\n{}\nstderr:\n{}",
        String::from_utf8_lossy(&output.stdout),
        stderr(output)
    );
}

/// A short piece: drums throughout, a bass line that changes after every eight bars.
pub(crate) struct Song {
    pub(crate) bpm: f64,
    pub(crate) bars: usize,
    pub(crate) beats_per_bar: usize,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    pub(crate) seed: u32,
    /// Without it, it is drums alone.
    pub(crate) bass: bool,
}

impl Default for Song {
    fn default() -> Self {
        Self {
            bpm: 120.0,
            bars: 16,
            beats_per_bar: 4,
            rate: 22_050,
            channels: 1,
            seed: 1,
            bass: true,
        }
    }
}

impl Song {
    /// Its samples, one plane for all channels.
    pub(crate) fn samples(&self) -> Vec<f32> {
        let rate = f64::from(self.rate);
        let beat = 60.0 / self.bpm;
        let beats = self.bars * self.beats_per_bar;
        let mut out = vec![0.0f32; (beats as f64 * beat * rate) as usize];
        let mut noise = self.seed.wrapping_mul(2_654_435_761).max(1);
        let mut white = move || {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            noise as f32 / u32::MAX as f32 * 2.0 - 1.0
        };
        let tau = std::f64::consts::TAU;
        let mut hit = |at: f64, seconds: f64, sound: &mut dyn FnMut(f64) -> f32| {
            let start = (at * rate).round() as usize;
            let n = (seconds * rate) as usize;
            for (i, x) in out.iter_mut().skip(start).take(n).enumerate() {
                *x += sound(i as f64 / rate);
            }
        };
        const LINES: [[f64; 4]; 3] = [
            [55.0, 55.0, 82.4, 65.4],
            [49.0, 73.4, 49.0, 58.3],
            [61.7, 61.7, 92.5, 41.2],
        ];
        for b in 0..beats {
            let at = b as f64 * beat;
            let (bar, place) = (b / self.beats_per_bar, b % self.beats_per_bar);
            if place == 0 || place == 2 {
                hit(at, 0.25, &mut |t| {
                    ((-t * 18.0).exp() * (tau * (48.0 * t + 6.0 * (1.0 - (-t * 40.0).exp()))).sin() * 0.8) as f32
                });
            }
            if place % 2 == 1 {
                hit(at, 0.18, &mut |t| (-t * 26.0).exp() as f32 * 0.5 * white());
            }
            for half in 0..2 {
                hit(at + half as f64 * beat / 2.0, 0.05, &mut |t| {
                    (-t * 90.0).exp() as f32 * 0.2 * white()
                });
            }
            if !self.bass {
                continue;
            }
            let line = LINES[(bar / 8 + self.seed as usize) % LINES.len()];
            let pitch = line[(bar + place) % 4] * if place == 0 { 1.0 } else { 2.0 };
            hit(at, beat * 0.9, &mut |t| {
                let gate = (t * 200.0).min(1.0) * ((beat * 0.9 - t) * 100.0).clamp(0.0, 1.0);
                (0.2 * gate * ((tau * pitch * t).sin() + 0.4 * (tau * 2.0 * pitch * t).sin())) as f32
            });
        }
        out.iter_mut().for_each(|x| *x = x.clamp(-0.99, 0.99));
        out
    }

    /// Writes it as 16-bit WAV.
    pub(crate) fn write(&self, path: &Path) -> PathBuf {
        write_wav(path, &self.samples(), self.rate, self.channels);
        path.to_path_buf()
    }
}

/// Writes samples as 16-bit WAV, the same in all channels.
pub(crate) fn write_wav(path: &Path, samples: &[f32], rate: u32, channels: u16) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for x in samples {
        for _ in 0..channels {
            writer.write_sample((x * 32_767.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
}

/// Every file under a folder with its bytes, by relative path.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                into.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    if root.is_dir() {
        walk(root, root, &mut files);
    }
    files
}

/// The two trees hold the same files with the same bytes.
#[track_caller]
pub(crate) fn assert_same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in a {
        assert!(bytes == &b[name], "{name} differs");
    }
}

/// The sound files of a tree.
pub(crate) fn loops(tree: &BTreeMap<String, Vec<u8>>) -> Vec<&String> {
    let sounds = [".wav", ".flac", ".mp3"];
    tree.keys()
        .filter(|name| sounds.iter().any(|s| name.ends_with(s)))
        .collect()
}
