//! The editor's window by itself, over a made-up session: for looking at it, and for timing its frames.
//!
//! `cargo run -p loopwright-plugin --example editor_demo -- SCENE [WIDTHxHEIGHT] [ZOOM]`, where SCENE is `busy`, `empty`,
//! `stopped`, `listening`, `analysing`, `nothing`, `missing` or `time` (prints the time of a frame, without a window).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use loopwright_plugin::capture::history::{History, Limits};
use loopwright_plugin::capture::mark::{HostTime, Mark};
use loopwright_plugin::command::Command;
use loopwright_plugin::editor::{self, App, LooseKnob};
use loopwright_plugin::params::LoopwrightParams;
use loopwright_plugin::shared::Shared;
use loopwright_plugin::snapshot::{
    Correction, FileState, GridOrigin, Item, ItemId, ItemKind, Kept, Message, Severity, Snapshot, Status, TakeView,
    TransportState,
};
use nice_plug::editor::dpi::LogicalSize;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{EguiWindow, EguiWindowSettings, Frame, NiceEguiApp};

const RATE: u32 = 48_000;

struct Demo(App);

impl nice_plug_egui::App for Demo {
    fn build(&mut self, ctx: egui::Context, _frame: &mut Frame) -> Result<(), HandlerError> {
        self.0.begin(ctx, Box::new(LooseKnob::default()));
        Ok(())
    }
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        NiceEguiApp::ui(&mut self.0, ui, frame);
    }
    fn resized(&mut self, size: WindowSize) {
        NiceEguiApp::resized(&mut self.0, size);
    }
    fn zoom_factor_changed(&mut self, zoom: f32) {
        NiceEguiApp::zoom_factor_changed(&mut self.0, zoom);
    }
}

/// Numbers between 0 and 1 that are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as f32) / (1u64 << 31) as f32
    }
}

/// A kick on each beat, hats between, a bass line, and a form: without drums, with, and a break.
fn music(seconds: f64, bpm: f64) -> Vec<f32> {
    let beat = 60.0 / bpm;
    let mut dice = Dice(7);
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let t = n as f64 / f64::from(RATE);
            let bar = (t / beat / 4.0) as u64;
            let (drums, bass) = (bar % 16 >= 4, bar % 16 < 12);
            let kick = t % beat;
            let hat = (t + beat * 0.5) % beat;
            let snare = (t + beat) % (beat * 2.0);
            let noise = dice.next() * 2.0 - 1.0;
            let mut x = 0.0_f64;
            if drums {
                x += (-kick * 14.0).exp() * (kick * 340.0).sin() * 0.8;
                x += (-hat * 60.0).exp() * f64::from(noise) * 0.25;
                x += (-snare * 18.0).exp() * f64::from(noise) * 0.45;
            }
            if bass {
                let note = [55.0, 55.0, 65.4, 49.0][(bar % 4) as usize];
                x += (t * note * std::f64::consts::TAU).sin() * 0.22 * (1.0 - (kick / beat) * 0.6);
            }
            x as f32 * (0.8 + 0.2 * (t * 0.11).sin() as f32)
        })
        .collect()
}

/// Keeps the sound, as the plugin does.
fn keep(history: &mut History, sound: &[f32], from: &mut u64, bpm: f64) {
    for block in sound.chunks(4096) {
        let beats = *from as f64 / f64::from(RATE) * bpm / 60.0;
        let host = HostTime {
            playing: true,
            samples: Some(*from as i64),
            beats: Some(beats),
            tempo: Some(bpm),
            meter: Some((4, 4)),
            bar_start: Some((beats / 4.0).floor() * 4.0),
            cycle: None,
        };
        history.push(
            &Mark {
                at: *from,
                frames: block.len() as u32,
                lost: 0,
                host,
            },
            block,
            block,
        );
        *from += block.len() as u64;
    }
}

fn views(history: &History, bpm: f64, analysed: f64) -> Vec<TakeView> {
    let bar = 240.0 / bpm * f64::from(RATE);
    history
        .takes()
        .iter()
        .map(|take| TakeView {
            id: take.id(),
            rate: take.rate(),
            first: take.first(),
            end: take.end(),
            peaks: take.peaks(),
            bars: (0..)
                .map(|n| f64::from(n) * bar)
                .take_while(|&at| at <= take.end() as f64)
                .collect(),
            first_bar: Some(1),
            grid: GridOrigin::Host,
            bpm,
            meter: (4, 4),
            open: take.is_open(),
            analysed_to: (analysed * f64::from(RATE)) as u64,
            correction: Correction::default(),
            note: None,
        })
        .collect()
}

fn items(take: u64, seconds: f64, bpm: f64, most: usize) -> Vec<Item> {
    let mut dice = Dice(3);
    let bar = 240.0 / bpm * f64::from(RATE);
    let bars = (seconds * f64::from(RATE) / bar) as u64;
    let mut list = Vec::new();
    let why = [
        "Seam is inaudible",
        "Repeats 6 times",
        "Full texture",
        "Steady drums",
        "Starts on a phrase",
        "No vocals",
        "Clean end",
    ];
    for (kind, count) in [
        (ItemKind::Loop, most),
        (ItemKind::Break, 7),
        (ItemKind::OneShot, 36),
        (ItemKind::Quiet, 9),
    ] {
        for index in 0..count {
            let score = (0.97 - 0.85 * (index as f32 / count as f32) - 0.02 * dice.next()).max(0.02);
            let length = if kind == ItemKind::OneShot {
                0
            } else {
                [4, 2, 8, 1, 4, 16][(dice.next() * 5.99) as usize]
            };
            let at = (dice.next() * (bars.saturating_sub(length).max(1)) as f32) as u64;
            let at = if length >= 4 { at / 4 * 4 } else { at };
            let hit = ["Kick", "Snare", "Closed hat", "Open hat", "Clap", "Tom"][index % 6];
            let first = (dice.next() * 6.99) as usize;
            list.push(Item {
                id: ItemId(list.len() as u64 + 1),
                kind,
                take,
                start: (at as f64 * bar) as u64
                    + if length == 0 {
                        (f64::from(dice.next()) * bar) as u64
                    } else {
                        0
                    },
                frames: if length == 0 {
                    14_000
                } else {
                    (length as f64 * bar) as u64
                },
                title: match length {
                    0 => format!("{hit} {}", index / 6 + 1),
                    1 => format!("Bar {}", at + 1),
                    _ => format!("Bars {}–{}", at + 1, at + length),
                },
                bars: length as f64,
                bpm: if length == 0 { 0.0 } else { bpm },
                key: (kind != ItemKind::Break && length > 0).then(|| ["Am", "C", "Em", "F♯m"][index % 4].to_owned()),
                score,
                reasons: (0..3).map(|n| why[(first + n * 2) % why.len()].to_owned()).collect(),
                class: (length == 0).then(|| hit.to_owned()),
                favourite: index == 2 || index == 5,
                file: if index == 2 {
                    FileState::Ready(PathBuf::from("/tmp/loop.wav"))
                } else {
                    FileState::None
                },
                kit: Vec::new(),
            });
        }
    }
    list
}

fn status(seconds: f64) -> Status {
    Status {
        transport: TransportState::Playing,
        capturing: true,
        analysing: None,
        bpm: 124.0,
        meter: (4, 4),
        lost_frames: 0,
        history_seconds: seconds,
        history_bytes: (seconds * f64::from(RATE) * 8.0) as u64,
        rate: RATE,
        analysis_seconds: 1.3,
    }
}

/// The picture of a scene, and the history behind it.
fn scene(name: &str) -> (Snapshot, History, u64) {
    let bpm = 124.0;
    let limits = Limits {
        seconds: 1800.0,
        bytes: 1 << 30,
        stopped: true,
    };
    let mut history = History::new(limits);
    history.open(f64::from(RATE));
    let mut at = 0;
    let seconds = match name {
        "empty" | "stopped" => 0.0,
        "listening" => 9.0,
        "analysing" | "nothing" => 40.0,
        _ => 240.0,
    };
    keep(&mut history, &music(seconds, bpm), &mut at, bpm);
    let mut snapshot = Snapshot {
        number: 1,
        status: status(seconds),
        takes: views(&history, bpm, (seconds - 12.0).max(0.0)),
        folder: PathBuf::from("/home/you/Music/Loopwright/Captures"),
        ..Snapshot::default()
    };
    let take = snapshot.takes.first().map_or(0, |take| take.id);
    match name {
        "empty" => {
            snapshot.status = Status {
                transport: TransportState::Unknown,
                ..Status::default()
            }
        }
        "stopped" => {
            snapshot.status.transport = TransportState::Stopped;
            snapshot.status.capturing = false;
        }
        "analysing" => snapshot.status.analysing = Some(0.4),
        "listening" => {}
        "nothing" => {
            for take in &mut snapshot.takes {
                take.analysed_to = take.end;
                take.open = false;
                take.note = Some("It was silent for most of the time.".into());
            }
            snapshot.status.capturing = false;
        }
        _ => snapshot.items = items(take, seconds, bpm, 300).into(),
    }
    if name == "missing" {
        let kept = snapshot.items.iter().take(2).cloned().map(|mut item| {
            item.id = ItemId(item.id.0 + 10_000);
            item.take = 0;
            item.favourite = true;
            item.reasons.clear();
            item.file = FileState::Missing("/home/you/Music/old/loop.wav".into());
            Kept { item }
        });
        snapshot.kept = kept.collect();
        snapshot.messages = vec![Message {
            number: 1,
            severity: Severity::Warning,
            text: "2 favourites are missing their files: select one to relink it.".into(),
        }];
    }
    (snapshot, history, at)
}

/// Does what a worker would, roughly.
fn work(shared: Arc<Shared>, mut snapshot: Snapshot, mut history: History, mut at: u64, grows: bool) {
    let more = music(16.0, 124.0);
    let mut heard: Option<(ItemId, f64)> = None;
    let mut turn = 0_usize;
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let mut items = snapshot.items.to_vec();
        let mut changed = grows;
        while let Ok(command) = shared.received.try_recv() {
            match &command {
                Command::Favourite(id, on) => items.iter_mut().filter(|i| i.id == *id).for_each(|i| i.favourite = *on),
                Command::Reject(id, true) => items.retain(|item| item.id != *id),
                Command::Prepare(ids) => items.iter_mut().filter(|i| ids.contains(&i.id)).for_each(|i| {
                    let path = std::env::temp_dir().join(format!("loopwright-demo-{}.wav", i.id.0));
                    let _ = std::fs::write(&path, b"RIFF");
                    i.file = FileState::Ready(path);
                }),
                Command::Audition(id, _) => heard = Some((*id, 0.0)),
                Command::StopAudition => heard = None,
                _ => {}
            }
            println!("{command:?}");
            changed = true;
        }
        if let Some((_, part)) = &mut heard {
            *part = (*part + 0.01) % 1.0;
            changed = true;
        }
        shared
            .heard
            .set(heard.map(|(id, _)| id), heard.map_or(0.0, |(_, part)| part));
        snapshot.items = items.into();
        if grows {
            let block = more
                .iter()
                .cycle()
                .skip(turn * 2400 % more.len())
                .take(2400)
                .copied()
                .collect::<Vec<f32>>();
            keep(&mut history, &block, &mut at, 124.0);
            let analysed = snapshot.takes.first().map_or(0, |take| take.analysed_to);
            snapshot.takes = views(&history, 124.0, analysed as f64 / f64::from(RATE));
            snapshot.status.history_seconds = history.seconds();
            snapshot.status.history_bytes = history.bytes();
        }
        turn += 1;
        if !changed {
            continue;
        }
        snapshot.number += 1;
        shared.snapshot.store(Arc::new(snapshot.clone()));
        shared.repaint.request_repaint();
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let name = args.first().map_or("busy", String::as_str);
    let (width, height) = args
        .get(1)
        .and_then(|size| size.split_once('x'))
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))
        .unwrap_or((960.0_f32, 600.0_f32));
    let zoom = args.get(2).and_then(|zoom| zoom.parse().ok()).unwrap_or(1.0_f32);
    let (snapshot, history, at) = scene(name);
    if name == "time" {
        editor::time_frames(&snapshot, width, height);
        return;
    }
    let params = Arc::new(LoopwrightParams::default());
    let shared = Arc::new(Shared::new(params.state.clone()));
    {
        let mut state = shared.state.lock();
        (state.editor.width, state.editor.height, state.editor.zoom) = (width, height, zoom);
    }
    shared.snapshot.store(Arc::new(snapshot.clone()));
    let Some(window) = editor::create(shared.clone(), params) else {
        return;
    };
    let grows = name == "busy" || name == "listening";
    let worker = shared.clone();
    std::thread::spawn(move || work(worker, snapshot, history, at, grows));
    let settings = EguiWindowSettings::new()
        .with_title("Loopwright")
        .with_size(LogicalSize::new(width, height))
        .with_zoom_factor(zoom)
        .with_repaint_notifier(shared.repaint.clone());
    match EguiWindow::create(settings, Demo(window.app())) {
        Ok(window) => {
            if let Err(error) = window.run_until_closed() {
                eprintln!("{error}");
            }
        }
        Err(error) => eprintln!("{error}"),
    }
}
