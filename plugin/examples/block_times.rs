//! How long the plugin keeps the audio thread: percentiles of the time of `process` over blocks of 64 frames at 48 kHz,
//! capturing, with a worker that drains, and with an audition, looped and in sync.
//!
//! ```text
//! cargo run -p loopwright-plugin --example block_times -- [blocks] [paced]
//! ```
//!
//! `paced` waits for each block's time, as a device would, so that caches are as cold as they would be; else blocks follow
//! each other at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loopwright_plugin::capture::history::{History, Limits};
use loopwright_plugin::capture::mark::HostTime;
use loopwright_plugin::capture::tap;
use loopwright_plugin::command::Audition;
use loopwright_plugin::preview::{self, Clip, Cue};
use loopwright_plugin::shared::Shared;
use loopwright_plugin::snapshot::ItemId;
use loopwright_plugin::state::Kept;

const RATE: f64 = 48_000.0;
const FRAMES: usize = 64;

/// Times of `blocks` blocks in nanoseconds.
fn measure(blocks: usize, paced: bool, audition: bool) -> Vec<u64> {
    let (mut tap, mut feed) = tap::channel(RATE);
    let shared = Arc::new(Shared::new(Arc::new(Kept::default())));
    let (mut player, mut booth) = preview::channel(RATE, shared);
    let done = Arc::new(AtomicBool::new(false));
    let ended = done.clone();
    let worker = std::thread::spawn(move || {
        let mut history = History::new(Limits {
            seconds: 240.0,
            bytes: 512 << 20,
            stopped: true,
        });
        history.open(RATE);
        while !ended.load(Ordering::Acquire) {
            feed.drain(|mark, left, right| history.push(mark, left, right));
            booth.sweep();
            std::thread::sleep(Duration::from_millis(10));
        }
        feed.drain(|mark, left, right| history.push(mark, left, right));
        (history.lost(), history.seconds(), booth)
    });
    if audition {
        // The booth went to the worker: a second pair is as good.
        let shared = Arc::new(Shared::new(Arc::new(Kept::default())));
        let (auditioning, mut cues) = preview::channel(RATE, shared);
        player = auditioning;
        let clip = Clip {
            item: ItemId(1),
            planes: [vec![0.1; 192_000], vec![0.1; 192_000]],
            quarters: Some(8.0),
            how: Audition {
                sync: true,
                looped: true,
                solo: true,
            },
        };
        assert!(cues.send(Cue::Play(Box::new(clip))));
    }
    let block = Duration::from_secs_f64(FRAMES as f64 / RATE);
    let (mut left, mut right) = ([0.0f32; FRAMES], [0.0f32; FRAMES]);
    let mut times = Vec::with_capacity(blocks);
    let mut seed = 1u32;
    let begin = Instant::now();
    for n in 0..blocks {
        for x in left.iter_mut().chain(&mut right) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *x = (seed >> 9) as f32 / (1 << 23) as f32 - 0.5;
        }
        let beats = (n * FRAMES) as f64 / RATE * 2.0;
        let host = HostTime {
            playing: true,
            samples: Some((n * FRAMES) as i64),
            beats: Some(beats),
            tempo: Some(120.0),
            meter: Some((4, 4)),
            bar_start: Some((beats / 4.0).floor() * 4.0),
            cycle: None,
        };
        if paced {
            std::thread::sleep((begin + block * n as u32).saturating_duration_since(Instant::now()));
        } else if n % 64 == 0 {
            // The ring holds 30 s: the worker must not be outrun.
            std::thread::sleep(Duration::from_micros(200));
        }
        let start = Instant::now();
        tap.block(&left, &right, host);
        player.block(&mut left, &mut right, &host);
        times.push(start.elapsed().as_nanos() as u64);
    }
    done.store(true, Ordering::Release);
    if let Ok((lost, seconds, _booth)) = worker.join() {
        println!("  {lost} frames lost, {seconds:.1} s in the history");
    }
    times
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let blocks = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(200_000);
    let paced = arguments.iter().any(|a| a == "paced");
    let budget = FRAMES as f64 / RATE * 1e9;
    for (name, audition) in [("capturing", false), ("capturing and auditioning", true)] {
        println!("{name}:");
        let mut times = measure(blocks, paced, audition);
        times.sort_unstable();
        for (label, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
            let at = ((times.len() as f64 * share) as usize).min(times.len() - 1);
            let nanos = times[at] as f64;
            println!(
                "  {label:>5} {:8.2} µs  {:6.3} % of the block",
                nanos / 1e3,
                100.0 * nanos / budget
            );
        }
    }
}
