//! How long the plugin keeps the audio thread: percentiles of the time that `process` takes over blocks of 64 frames at
//! 48 kHz, of the whole plugin with its worker: capturing; capturing and analysing; and with an audition besides.
//!
//! ```text
//! cargo run -p loopwright-plugin --example block_times -- [seconds]
//! ```
//!
//! Blocks come in real time, as a device asks for them, so that caches are as cold as they would be. On Linux blocks in
//! which the system took the processor away are counted apart: on a machine that does other things as well, they tell of
//! the machine. A real audio thread has priority over them. What interrupts and a hypervisor take cannot be counted: the
//! `control` does nothing but add numbers, for about as long as a block takes, and shows what is the machine's.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use loopwright_plugin::Loopwright;
use loopwright_plugin::command::{Audition, Command};
use nice_plug::context::process::SendEventError;
use nice_plug::prelude::*;

const RATE: f32 = 48_000.0;
const FRAMES: usize = 64;
const BPM: f64 = 126.0;

/// The host.
struct Host(Transport);

impl ActivateContext<Loopwright> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute(&self, (): ()) {}
    fn set_latency_samples(&self, _samples: u32) {}
    fn set_current_voice_capacity(&self, _capacity: u32) {}
}

impl ProcessContext<Loopwright> for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    fn execute_background(&self, (): ()) {}
    fn execute_gui(&self, (): ()) {}
    fn transport(&self) -> &Transport {
        &self.0
    }
    fn next_event(&mut self) -> Option<PluginNoteEvent<Loopwright>> {
        None
    }
    fn try_send_event(
        &mut self,
        _event: PluginNoteEvent<Loopwright>,
    ) -> Result<(), (PluginNoteEvent<Loopwright>, SendEventError)> {
        panic!("no notes leave an effect");
    }
    fn set_latency_samples(&self, _samples: u32) {}
    fn request_restart(&self) {}
    fn set_current_voice_capacity(&self, _capacity: u32) {}
}

/// Time of a fixed amount of arithmetic.
fn control() -> Duration {
    let begin = Instant::now();
    let mut x = 1.0f32;
    for _ in 0..600 {
        x = std::hint::black_box(x * 0.999 + 0.001);
    }
    begin.elapsed()
}

/// Plays a song to the plugin, round and round.
struct Session {
    plugin: Loopwright,
    song: Vec<Vec<f32>>,
    host: Host,
    frame: usize,
}

impl Session {
    /// One block; returns how long it took.
    fn block(&mut self) -> Duration {
        let at = self.frame % (self.song[0].len() - FRAMES);
        let mut planes = [0, 1].map(|c| {
            let mut block = [0.0f32; FRAMES];
            block.copy_from_slice(&self.song[c.min(self.song.len() - 1)][at..at + FRAMES]);
            block
        });
        let transport = &mut self.host.0;
        let beats = self.frame as f64 / f64::from(RATE) * BPM / 60.0;
        transport.playing = true;
        transport.tempo = Some(BPM);
        (transport.time_sig_numerator, transport.time_sig_denominator) = (Some(4), Some(4));
        transport.pos_samples = Some(self.frame as i64);
        transport.pos_beats = Some(beats);
        transport.bar_start_pos_beats = Some((beats / 4.0).floor() * 4.0);
        self.frame += FRAMES;
        let mut buffer = Buffer::default();
        let [left, right] = &mut planes;
        // SAFETY: both slices hold `FRAMES` samples and outlive the buffer.
        unsafe { buffer.set_slices(FRAMES, |slices| *slices = vec![&mut left[..], &mut right[..]]) };
        let mut aux = AuxiliaryBuffers {
            inputs: &mut [],
            outputs: &mut [],
        };
        let begin = Instant::now();
        self.plugin.process(&mut buffer, &mut aux, &mut self.host);
        begin.elapsed()
    }

    /// Plays in real time, and says what it took.
    fn measure(&mut self, name: &str, seconds: f64) {
        let blocks = (seconds * f64::from(RATE) / FRAMES as f64) as u32;
        let length = Duration::from_secs_f64(FRAMES as f64 / f64::from(RATE));
        let (mut calm, mut disturbed, mut controls) = (Vec::new(), Vec::new(), Vec::new());
        let (mut analysing, mut auditioning) = (0, 0);
        let begin = Instant::now();
        for n in 0..blocks {
            std::thread::sleep((begin + length * n).saturating_duration_since(Instant::now()));
            let before = preemptions();
            let time = self.block();
            let times = if preemptions() == before {
                &mut calm
            } else {
                &mut disturbed
            };
            times.push(time.as_nanos() as u64);
            controls.push(control().as_nanos() as u64);
            let shared = self.plugin.shared();
            analysing += u32::from(shared.snapshot.load().status.analysing.is_some());
            auditioning += u32::from(shared.heard.get().is_some());
        }
        let share = |n: u32| 100.0 * f64::from(n) / f64::from(blocks);
        println!(
            "{name}: {blocks} blocks, analysing in {:.0} %, auditioning in {:.0} %, disturbed in {:.2} %",
            share(analysing),
            share(auditioning),
            share(disturbed.len() as u32)
        );
        let mut all = calm.clone();
        all.append(&mut disturbed);
        report("undisturbed", calm);
        report("all", all);
        report("control", controls);
    }
}

fn report(name: &str, mut times: Vec<u64>) {
    times.sort_unstable();
    print!("  {name:>11}");
    let budget = FRAMES as f64 / f64::from(RATE) * 1e9;
    for (label, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        let nanos = times.get(at).copied().unwrap_or(0) as f64;
        print!("   {label} {:.2} µs ({:.3} %)", nanos / 1e3, 100.0 * nanos / budget);
    }
    println!();
}

/// How often the system has taken the processor away from this thread.
fn preemptions() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("nonvoluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(10.0), |a| a.parse())?;
    let folder = tempfile::tempdir()?;
    let mut plugin = Loopwright::default();
    {
        let mut state = plugin.shared().state.lock();
        state.settings.folder = folder.path().to_string_lossy().into_owned();
        state.settings.automatic = false;
    }
    let stereo = AudioIOLayout {
        main_input_channels: NonZeroU32::new(2),
        main_output_channels: NonZeroU32::new(2),
        ..AudioIOLayout::const_default()
    };
    let config = BufferConfig {
        sample_rate: RATE,
        min_buffer_size: None,
        max_buffer_size: FRAMES as u32,
        process_mode: ProcessMode::Realtime,
    };
    let mut host = Host(Transport::new(RATE));
    if !plugin.activate(&stereo, &config, &mut host) {
        return Err("the plugin does not activate".into());
    }
    let song = loopwright_tests::demo::song().bpm(BPM).sample_rate(RATE as u32).build();
    let mut session = Session {
        plugin,
        song: song.audio.planes().to_vec(),
        host,
        frame: 0,
    };
    session.measure("capturing", seconds);
    for _ in 0..20 * RATE as usize / FRAMES {
        session.block();
    }
    let mut settings = session.plugin.shared().state.lock().settings.clone();
    settings.automatic = true;
    session.plugin.shared().send(Command::Settings(settings));
    session.measure("capturing and analysing", seconds);
    let begin = Instant::now();
    let item = loop {
        if let Some(item) = session.plugin.shared().snapshot.load().items.first() {
            break item.id;
        }
        if begin.elapsed() > Duration::from_secs(120) {
            return Err("nothing was suggested within two minutes".into());
        }
        session.block();
        std::thread::sleep(Duration::from_millis(1));
    };
    let how = Audition {
        sync: true,
        looped: true,
        solo: true,
    };
    session.plugin.shared().send(Command::Audition(item, how));
    session.measure("capturing, analysing and auditioning", seconds);
    session.plugin.deactivate();
    Ok(())
}
