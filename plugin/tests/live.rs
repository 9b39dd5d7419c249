//! From the host's blocks to suggestions and files: what is captured is what was played, and what is suggested is what the
//! command line suggests.

#[path = "common/direct_host.rs"]
mod direct_host;
#[allow(dead_code)]
#[path = "common/script.rs"]
mod script;
#[path = "common/strict.rs"]
mod strict;

use std::path::Path;
use std::sync::Arc;

use loopwright_core::audio::AudioBuffer;
use loopwright_core::loops::snap;
use loopwright_core::pipeline::{Models, find, suggest};
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::Bpm;
use loopwright_core::{model, rhythm};
use loopwright_plugin::command::Command;
use loopwright_plugin::snapshot::{GridOrigin, ItemKind, Snapshot, TransportState};
use loopwright_plugin::state::Settings;
use loopwright_plugin::worker;
use loopwright_tests::synth::{Song, Style};

use direct_host::Direct;
use script::{Clock, Random, Step};

const RATE: u32 = 48_000;
const BPM: f64 = 120.0;
/// Songs are played far faster than real time here, so the host says that it renders, and is waited for.
const BOUNCE: bool = true;
/// Frames of a beat and of a bar.
const BEAT: usize = 24_000;
const BAR: usize = 4 * BEAT;

fn song(seed: u64) -> AudioBuffer {
    Song::new(Style::House, seed)
        .short()
        .bpm(BPM)
        .sample_rate(RATE)
        .build()
        .audio
}

fn planes(audio: &AudioBuffer) -> [&[f32]; 2] {
    [&audio.planes()[0], &audio.planes()[1]]
}

fn settings(folder: &Path) -> Settings {
    Settings {
        folder: folder.to_string_lossy().into_owned(),
        ..Settings::default()
    }
}

/// Blocks as hosts send them: mostly of one length, some split.
fn blocks(mut clock: Clock, seed: u64) -> impl Iterator<Item = Step> {
    let mut random = Random::new(seed);
    std::iter::from_fn(move || {
        let frames = match random.below(5) {
            0 => 1 + random.below(700),
            _ => 512,
        };
        Some(clock.block(frames))
    })
}

/// A WAV's planes.
fn read(path: &Path) -> Vec<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).expect("a complete WAV");
    let spec = reader.spec();
    let flat: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map(|x| x.expect("a sample")).collect(),
        hound::SampleFormat::Int => {
            let full = f64::from(1u32 << (spec.bits_per_sample - 1));
            let sample = |x: Result<i32, _>| (f64::from(x.expect("a sample")) / full) as f32;
            reader.samples::<i32>().map(sample).collect()
        }
    };
    let channels = usize::from(spec.channels);
    (0..channels)
        .map(|c| flat.iter().skip(c).step_by(channels).copied().collect())
        .collect()
}

/// Holds the files of items against the sound they were cut from: `source` gives the sound that lies at a frame of a take.
fn files_are_cut_from(host: &Direct, snapshot: &Snapshot, source: impl Fn(u64, usize, usize) -> f32) -> usize {
    let ids = |kind| {
        snapshot
            .items
            .iter()
            .filter(move |i| i.kind == kind)
            .take(6)
            .map(|i| i.id)
    };
    let wanted = ids(ItemKind::Loop).chain(ids(ItemKind::Quiet)).collect();
    let files = host.files(wanted);
    for (item, path) in &files {
        let planes = read(path);
        assert_eq!(planes.len(), 2);
        assert_eq!(planes[0].len() as u64, item.frames, "{}", path.display());
        // A seam is treated over a few milliseconds at most; all else is what was played, to the last bit of 24.
        let seam = RATE as usize / 20;
        for (channel, plane) in planes.iter().enumerate() {
            for (i, x) in plane.iter().enumerate().take(plane.len() - seam).skip(seam) {
                let played = source(item.take, channel, item.start as usize + i);
                assert!(
                    (x - played).abs() <= 2f32.powi(-23),
                    "{}: frame {i} of channel {channel} is {x}, {played} was played",
                    path.display()
                );
            }
        }
    }
    files.len()
}

#[test]
fn what_is_captured_is_what_was_played_and_the_suggestions_are_those_of_find() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = song(1);
    let mut host = Direct::new(settings(folder.path()));
    host.activate(f64::from(RATE), BOUNCE);
    host.play(blocks(Clock::new(f64::from(RATE), BPM), 1), planes(&audio));
    host.deactivate();
    let snapshot = host.wait_for_analysis();
    assert_eq!(snapshot.status.lost_frames, 0);

    let [take] = &snapshot.takes[..] else {
        panic!("one take, not {}", snapshot.takes.len());
    };
    assert_eq!((take.grid, take.meter, take.first), (GridOrigin::Host, (4, 4), 0));
    let captured = take.end as usize;
    assert!(
        captured > audio.frames() - 2048,
        "{captured} of {} frames",
        audio.frames()
    );
    for (number, line) in take.bars.iter().enumerate() {
        assert!((line - (number * BAR) as f64).abs() < 0.5, "bar {number} at {line}");
    }

    // The same on the sound itself, with the same bars.
    let audio = AudioBuffer::new(audio.planes().iter().map(|p| p[..captured].to_vec()).collect(), RATE).expect("sound");
    let audio = Arc::new(audio);
    let beats = captured / BEAT + 1;
    let grid = BeatGrid {
        beats: (0..beats).map(|i| (i * BEAT) as f64).collect(),
        downbeats: (0..beats).step_by(4).collect(),
        beats_per_bar: 4,
        tempo: Bpm(BPM),
        constant: true,
        confidence: 1.0,
        source: GridSource::Host,
    };
    let track = Track {
        id: TrackId::of(&audio),
        audio: audio.clone(),
        origin: Origin::Live { take: take.id },
        name: String::new(),
        tags: Default::default(),
        grid: Some(grid.clone()),
    };
    let config = worker::config();
    let beats = rhythm::load::load(&config.rhythm).expect("the beat network");
    let scorer = model::heuristic(&config.tuning);
    let models = Models {
        scorer: &scorer,
        beats: beats.as_deref(),
        embedding: None,
    };
    let found = suggest(&track, models, &config, &Silent).expect("suggestions");
    let expected: Vec<(u64, u64, f64)> = find::items(&found.suggestions, &found.schema)
        .iter()
        .map(|item| {
            let place = snap::place(&audio, &grid, &item.candidate);
            (place.start as u64, place.frames as u64, f64::from(item.candidate.bars))
        })
        .collect();
    let suggested: Vec<(u64, u64, f64)> = snapshot
        .items
        .iter()
        .filter(|i| i.kind == ItemKind::Loop)
        .map(|i| (i.start, i.frames, i.bars))
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(suggested, expected);

    let files = files_are_cut_from(&host, &snapshot, |_, channel, frame| audio.planes()[channel][frame]);
    assert!(files >= 3, "{files} files");
}

#[test]
fn a_seek_cuts_the_take_and_each_part_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = song(2);
    let mut host = Direct::new(settings(folder.path()));
    host.activate(f64::from(RATE), BOUNCE);
    // Eight bars, then the host goes to bar 101 inside a block.
    let mut clock = Clock::new(f64::from(RATE), BPM);
    let mut steps = Vec::new();
    let (mut at, cut) = (0, 6 * BAR + 1234);
    while at < audio.frames() {
        let mut step = clock.block(777);
        if (at..at + 777).contains(&cut) {
            let into = cut - at;
            clock.seek(400.0 + (1234.0 / BEAT as f64));
            let time = clock.time();
            step.inside.push((into as u32, time));
            clock.pass(777 - into);
        }
        at += step.frames;
        steps.push(step);
    }
    host.play(steps, planes(&audio));
    host.deactivate();
    let snapshot = host.wait_for_analysis();
    let [one, two] = &snapshot.takes[..] else {
        panic!("two takes, not {}", snapshot.takes.len());
    };
    assert_eq!(one.end - one.first, cut as u64);
    assert_eq!(
        (one.first_bar, two.first_bar.map(|bar| bar > 100)),
        (Some(1), Some(true))
    );
    let second = two.id;
    let (start_one, start_two) = (one.first as usize, two.first as usize);
    let files = files_are_cut_from(&host, &snapshot, |take, channel, frame| {
        let at = if take == second {
            cut + frame - start_two
        } else {
            frame - start_one
        };
        audio.planes()[channel][at]
    });
    assert!(files >= 2, "{files} files");
}

#[test]
fn a_cycle_does_not_fill_the_history_with_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = song(3);
    let mut host = Direct::new(Settings {
        automatic: false,
        ..settings(folder.path())
    });
    host.activate(f64::from(RATE), BOUNCE);
    // Bars 5 and 6 of the song, twenty times.
    let cycle: Vec<Vec<f32>> = planes(&audio)
        .iter()
        .map(|plane| plane[4 * BAR..6 * BAR].repeat(20))
        .collect();
    let mut clock = Clock {
        cycle: Some((16.0, 24.0)),
        ..Clock::new(f64::from(RATE), BPM)
    };
    clock.seek(16.0);
    host.play(blocks(clock, 3), [&cycle[0], &cycle[1]]);
    host.deactivate();
    let snapshot = host.wait("all is drained", |s| {
        !s.takes.is_empty() && s.takes.iter().all(|t| !t.open)
    });
    let kept = snapshot.status.history_seconds;
    assert!(
        kept < 0.3 * 20.0 * 4.0,
        "{kept} s are kept of one cycle of 4 s played 20 times"
    );
}

#[test]
fn without_a_transport_bars_are_tracked() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = song(1);
    let mut host = Direct::new(settings(folder.path()));
    host.activate(f64::from(RATE), BOUNCE);
    let silent = blocks(Clock::new(f64::from(RATE), BPM), 4).map(|step| Step { time: None, ..step });
    host.play(silent, planes(&audio));
    host.wait("the transport", |s| s.status.transport == TransportState::None);
    host.deactivate();
    let snapshot = host.wait_for_analysis();
    assert_eq!(
        snapshot.status.transport,
        TransportState::Unknown,
        "nothing is known at rest"
    );
    let take = snapshot.takes.last().expect("a take");
    assert_eq!(take.grid, GridOrigin::Tracked);
    assert!((take.bpm - BPM).abs() < 1.0, "{} BPM", take.bpm);
    assert!(snapshot.items.iter().any(|i| i.kind == ItemKind::Loop));
    let files = files_are_cut_from(&host, &snapshot, |_, channel, frame| audio.planes()[channel][frame]);
    assert!(files >= 2, "{files} files");
}

#[test]
fn instances_hear_their_own_sound_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let songs = [song(4), song(5)];
    let mut hosts = [0, 1].map(|_| Direct::new(settings(folder.path())));
    for host in &mut hosts {
        host.activate(f64::from(RATE), BOUNCE);
    }
    let short = songs[0].frames().min(songs[1].frames());
    let steps: Vec<Step> = blocks(Clock::new(f64::from(RATE), BPM), 5).take(short / 512).collect();
    let mut at = 0;
    for step in &steps {
        let end = at + step.frames;
        if end > short {
            break;
        }
        for (host, song) in hosts.iter_mut().zip(&songs) {
            host.process(step, planes(song).map(|plane| &plane[at..end]));
        }
        at = end;
    }
    for (host, song) in hosts.iter_mut().zip(&songs) {
        host.deactivate();
        let snapshot = host.wait_for_analysis();
        let files = files_are_cut_from(host, &snapshot, |_, channel, frame| song.planes()[channel][frame]);
        assert!(files >= 2, "{files} files");
    }
}

#[test]
fn what_is_lost_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let noise: Vec<f32> = {
        let mut random = Random::new(6);
        (0..4096).map(|_| random.sample()).collect()
    };
    for offline in [false, true] {
        let mut host = Direct::new(Settings {
            automatic: false,
            history_seconds: 600,
            history_mib: 1024,
            ..settings(folder.path())
        });
        host.activate(f64::from(RATE), offline);
        // Far faster than real time.
        let mut clock = Clock::new(f64::from(RATE), BPM);
        let blocks = 5 * 60 * RATE as usize / noise.len();
        for _ in 0..blocks {
            let step = clock.block(noise.len());
            host.process(&step, [&noise, &noise]);
        }
        host.deactivate();
        let snapshot = host.wait("all is drained", |s| {
            !s.takes.is_empty() && s.takes.iter().all(|t| !t.open)
        });
        let kept: u64 = snapshot.takes.iter().map(|t| t.end - t.first).sum();
        let lost = snapshot.status.lost_frames;
        let sent = (blocks * noise.len()) as u64;
        // Between two losses less than half a bar may have come through, which is no take.
        assert!(kept + lost <= sent, "{kept} kept and {lost} lost of {sent}");
        if offline {
            assert_eq!(lost, 0, "a bounce waits, so that nothing is lost");
        }
        if lost == 0 {
            assert_eq!(kept, sent, "what is missing is said");
        }
    }
}

#[test]
fn an_instance_can_go_at_any_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let audio = song(1);
    for blocks_before in [0, 1, 900, 2400] {
        let mut host = Direct::new(settings(folder.path()));
        host.activate(f64::from(RATE), BOUNCE);
        let steps = blocks(Clock::new(f64::from(RATE), BPM), 7).take(blocks_before);
        host.play(steps, planes(&audio));
        if blocks_before == 2400 {
            host.send(Command::Analyse);
            host.wait("an analysis runs", |s| {
                s.status.analysing.is_some() || !s.items.is_empty()
            });
        }
        // Without deactivation, while it may be analysing.
        drop(host);
    }
}
