//! What the worker's thread costs while it captures and does not analyse: its share of a processor core, over blocks of 64
//! frames at 48 kHz that come in real time.
//!
//! ```text
//! cargo run -p loopwright-plugin --example worker_cost -- [seconds] [minutes before] [constant|ramps|toggled|asleep]
//! ```
//!
//! `minutes before` of sound are in the history already, and belong to the same take: what is asked of a take many times a
//! second must not cost more the longer it is. Linux only: nothing else tells the time of one thread so simply.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use loopwright_plugin::capture::mark::HostTime;
use loopwright_plugin::capture::tap::{self, Tap};
use loopwright_plugin::preview;
use loopwright_plugin::shared::Shared;
use loopwright_plugin::state::Kept;
use loopwright_plugin::worker::{Stream, Worker};

const RATE: u64 = 48_000;
const FRAMES: usize = 64;

/// Processor time of the worker's thread so far, in seconds.
fn spent() -> Option<f64> {
    let tasks = std::fs::read_dir("/proc/self/task").ok()?;
    let of = |task: std::path::PathBuf| {
        let name = std::fs::read_to_string(task.join("comm")).ok()?;
        let text = std::fs::read_to_string(task.join("schedstat")).ok()?;
        let nanos: f64 = text.split_whitespace().next()?.parse().ok()?;
        (name.trim() == "loopwright").then_some(nanos * 1e-9)
    };
    tasks.flatten().find_map(|task| of(task.path()))
}

/// The host.
struct Host {
    tap: Tap,
    kind: String,
    at: u64,
    beats: f64,
}

impl Host {
    fn block(&mut self) {
        let seconds = self.at as f64 / RATE as f64;
        let tempo = match self.kind.as_str() {
            "ramps" => 120.0 + 20.0 * (seconds * 0.5).sin(),
            _ => 120.0,
        };
        let host = HostTime {
            playing: self.kind != "toggled" || seconds % 2.0 < 1.5,
            samples: Some(self.at as i64),
            beats: Some(self.beats),
            tempo: Some(tempo),
            meter: Some((4, 4)),
            bar_start: Some((self.beats / 4.0).floor() * 4.0),
            cycle: None,
        };
        let plane: [f32; FRAMES] = std::array::from_fn(|i| ((self.at + i as u64) % 97) as f32 / 97.0 - 0.5);
        self.tap.block(&plane, &plane, host);
        self.at += FRAMES as u64;
        self.beats += FRAMES as f64 / RATE as f64 * tempo / 60.0;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().map_or(Ok(60.0), |t| t.parse())?;
    let before: f64 = arguments.next().map_or(Ok(0.0), |t| t.parse())?;
    let kind = arguments.next().unwrap_or_else(|| "constant".into());

    let kept = Arc::new(Kept::default());
    {
        let mut state = kept.lock();
        state.settings.automatic = false;
        (state.settings.history_seconds, state.settings.history_mib) = (1800, 4096);
    }
    let shared = Arc::new(Shared::new(kept));
    let (mut tap, feed) = tap::channel(RATE as f64);
    let (_player, booth) = preview::channel(RATE as f64, shared.clone());
    let worker = Worker::start(shared.clone())?;
    let rate = RATE as f64;
    worker.open(Stream { rate, feed, booth });
    tap.set_offline(true);
    let (at, beats) = (0, 0.0);
    let mut host = Host { tap, kind, at, beats };
    while (host.at as f64) < before * 60.0 * rate {
        host.block();
    }
    host.tap.set_offline(false);
    while before > 0.0 && shared.snapshot.load().status.history_seconds < (before * 60.0).min(1800.0) - 5.0 {
        std::thread::sleep(Duration::from_millis(100));
        if host.kind == "toggled" {
            std::thread::sleep(Duration::from_secs(2));
            break;
        }
    }
    // The thread names itself.
    std::thread::sleep(Duration::from_millis(200));
    let (from, begun) = (host.at, Instant::now());
    let (Some(cpu), pictures) = (spent(), shared.snapshot.load().number) else {
        return Err("this system does not tell the time of a thread".into());
    };
    while begun.elapsed().as_secs_f64() < seconds {
        let due = from + (begun.elapsed().as_secs_f64() * rate) as u64;
        while host.at < due && host.kind != "asleep" {
            host.block();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let used = spent().unwrap_or(cpu) - cpu;
    let picture = shared.snapshot.load();
    println!(
        "{}: {:.3} % of a core; {:.1} pictures a second; {} takes, {:.0} s, {:.1} MiB; {} frames lost",
        host.kind,
        100.0 * used / begun.elapsed().as_secs_f64(),
        (picture.number - pictures) as f64 / begun.elapsed().as_secs_f64(),
        picture.takes.len(),
        picture.status.history_seconds,
        picture.status.history_bytes as f64 / (1 << 20) as f64,
        picture.status.lost_frames,
    );
    Ok(())
}
