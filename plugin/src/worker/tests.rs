//! The desk without its thread.

use loopwright_core::progress::Progress;
use nice_plug::params::persist::PersistentField;

use super::*;
use crate::capture::grid::FITTED;
use crate::capture::mark::HostTime;
use crate::capture::tap;
use crate::command::Audition;
use crate::preview;
use crate::snapshot::{Correction, FileState, ItemId, ItemKind};
use crate::state::{Favourite, Kept, Settings, State};

fn desk() -> (Arc<Shared>, Mutex<Desk>, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let kept = Arc::new(Kept::default());
    kept.lock().settings.folder = home.path().to_string_lossy().into_owned();
    let shared = Arc::new(Shared::new(kept));
    let desk = Mutex::new(Desk::new(shared.clone(), unbounded().1));
    (shared, desk, home)
}

#[test]
fn a_panic_is_told_and_work_goes_on() {
    let (shared, desk, _home) = desk();
    lock(&desk).running = Some((3, 0.4));
    // With the desk locked, so that the lock is poisoned as well.
    guarded(&desk, || {
        let _held = lock(&desk);
        panic!("a defect");
    });
    let picture = shared.snapshot.load_full();
    assert_eq!(picture.status.analysing, None);
    assert!(picture.messages.iter().any(|m| m.severity == Severity::Error));
    shared.send(Command::TrackName("on".into()));
    lock(&desk).pulse();
    assert_eq!(lock(&desk).track_name, "on");
}

#[test]
fn a_running_analysis_is_given_up_at_the_next_poll() {
    let (_shared, desk, _home) = desk();
    lock(&desk).takes.insert(1, desk::Known::default());
    let stop = AtomicBool::new(false);
    let ear = Ear::new(&desk, &stop, Some((1, 0)));
    assert!((0..1000).all(|_| !ear.is_cancelled()));
    stop.store(true, Ordering::Release);
    assert!(ear.is_cancelled());
    stop.store(false, Ordering::Release);
    // So it is where the take's corrections are no longer those that it began with.
    let known = desk::Known {
        correction: Correction { octave: 1, shift: 0 },
        generation: 1,
        ..Default::default()
    };
    lock(&desk).takes.insert(1, known);
    assert!(ear.is_cancelled());
    assert!(Ear::new(&desk, &stop, Some((2, 0))).is_cancelled(), "its take is gone");
}

fn favourite(id: u64, path: &std::path::Path) -> Favourite {
    Favourite {
        id,
        kind: ItemKind::Loop,
        title: "Bars 1–2".into(),
        path: path.to_string_lossy().into_owned(),
        relative: String::new(),
        hash: String::new(),
        bars: 2.0,
        bpm: 120.0,
        key: None,
        score: 0.5,
        class: None,
    }
}

/// What is asked 40 times a second must not look at all of a take each time.
#[test]
fn what_a_take_costs_grows_with_its_length_and_no_faster() {
    const RATE: f64 = 48_000.0;
    let (shared, desk, _home) = desk();
    let (mut tap, feed) = tap::channel(RATE);
    let (_player, booth) = preview::channel(RATE, shared);
    let mut desk = lock(&desk);
    desk.settings.automatic = false;
    desk.control(Control::Open(Stream {
        rate: RATE,
        feed,
        booth,
    }));
    let sound = [0.5; 64];
    let (mut at, mut marks) = (0u64, 0usize);
    FITTED.set(0);
    for turn in 0..4800 {
        for _ in 0..19 {
            let beats = at as f64 / RATE * 2.0;
            let host = HostTime {
                playing: true,
                samples: Some(at as i64),
                beats: Some(beats),
                tempo: Some(120.0),
                meter: Some((4, 4)),
                bar_start: Some((beats / 4.0).floor() * 4.0),
                cycle: None,
            };
            tap.block(&sound, &sound, host);
            at += 64;
            marks += 1;
        }
        desk.pulse();
        assert!(desk.next_job().is_none());
        if turn % 2 == 0 {
            desk.picture(turn);
        }
    }
    let picture = desk.picture(4800);
    assert_eq!(picture.takes.len(), 1);
    assert!(
        picture.takes[0].bars.len() >= 60,
        "{} bars",
        picture.takes[0].bars.len()
    );
    // One in 8 marks is an anchor; each is looked at about 500 times while the take lasts.
    let looks = FITTED.get() as f64 / (marks as f64 / 8.0);
    assert!(looks < 600.0, "{looks}");
}

#[test]
fn nothing_is_remembered_of_items_that_cannot_come_back() {
    let (_shared, desk, home) = desk();
    let mut desk = lock(&desk);
    desk.favourites.push(favourite(8, &home.path().join("8.wav")));
    for id in [7, 8] {
        desk.set_file(ItemId(id), FileState::Ready(home.path().join(format!("{id}.wav"))));
    }
    desk.rejected.insert(ItemId(7));
    // Its take has left the history.
    desk.takes.insert(1, desk::Known::default());
    desk.pulse();
    assert_eq!(desk.files.keys().copied().collect::<Vec<_>>(), [ItemId(8)]);
    assert!(desk.rejected.is_empty());
}

#[test]
fn what_was_asked_for_before_there_was_a_worker_is_done_unless_the_state_is_newer() {
    let asked = Settings {
        history_seconds: 60,
        ..Settings::default()
    };
    for brought in [None, Some(120)] {
        let kept = Arc::new(Kept::default());
        let shared = Arc::new(Shared::new(kept.clone()));
        kept.lock().settings = asked.clone();
        shared.send(Command::Settings(asked.clone()));
        shared.send(Command::TrackName("Bass".into()));
        if let Some(history_seconds) = brought {
            let mut state = State::default();
            state.settings.history_seconds = history_seconds;
            kept.set(state);
        }
        let mut desk = Desk::new(shared, unbounded().1);
        desk.catch_up();
        let want = brought.unwrap_or(60);
        assert_eq!(desk.settings.history_seconds, want);
        assert_eq!(kept.lock().settings.history_seconds, want);
        assert_eq!(desk.track_name, "Bass");
    }
}

#[test]
fn nothing_is_said_to_be_written_for_ever() {
    let (_shared, desk, _home) = desk();
    lock(&desk).set_file(ItemId(5), FileState::Writing);
    lock(&desk).to_write.push_back(ItemId(5));
    assert_eq!(lock(&desk).patience(), std::time::Duration::ZERO);
    lock(&desk).pulse();
    assert_eq!(lock(&desk).files[&ItemId(5)].state, FileState::None);
    lock(&desk).set_file(ItemId(6), FileState::Writing);
    guarded(&desk, || panic!("a defect"));
    assert_eq!(lock(&desk).files[&ItemId(6)].state, FileState::None);
}

#[test]
fn a_host_that_sleeps_is_said_and_the_newest_wish_is_carried_out_when_it_wakes() {
    const RATE: u32 = 48_000;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&file, spec).unwrap();
    (0..2 * RATE).for_each(|i| wav.write_sample((i % 100) as i16 * 100).unwrap());
    wav.finalize().unwrap();
    let kept = Arc::new(Kept::default());
    kept.lock().settings.folder = home.path().to_string_lossy().into_owned();
    kept.lock().favourites.push(favourite(3, &file));
    let shared = Arc::new(Shared::new(kept));
    let mut desk = Desk::new(shared.clone(), unbounded().1);
    let how = Audition {
        sync: false,
        looped: true,
        solo: false,
    };
    let hear = Command::Audition(ItemId(3), how);
    desk.command(hear.clone());
    assert!(desk.messages().last().unwrap().text.contains("not started"));

    let (mut tap, feed) = tap::channel(RATE.into());
    let (mut player, booth) = preview::channel(RATE.into(), shared.clone());
    let rate = f64::from(RATE);
    desk.control(Control::Open(Stream { rate, feed, booth }));
    for _ in 0..20 {
        desk.command(hear.clone());
    }
    assert!(desk.messages().last().unwrap().text.contains("asleep"));
    desk.command(Command::StopAudition);
    let mut block = |desk: &mut Desk, tap: &mut tap::Tap| {
        let (mut left, mut right) = ([0.0; 480], [0.0; 480]);
        tap.block(&left, &right, HostTime::default());
        player.block(&mut left, &mut right, &HostTime::default());
        desk.pulse();
        left.iter().any(|x| *x != 0.0)
    };
    (0..4).for_each(|_| {
        block(&mut desk, &mut tap);
    });
    assert!(!block(&mut desk, &mut tap), "it was stopped");
    assert_eq!(shared.heard.get(), None);
    // Awake it is heard, and nothing is said.
    let said = desk.messages().len();
    desk.command(hear);
    assert!(block(&mut desk, &mut tap));
    assert_eq!(desk.messages().len(), said);
}

#[test]
fn without_a_thread_the_window_says_so() {
    let shared = Shared::new(Arc::default());
    shared.despair(&"no more of them");
    let message = shared.snapshot.load().messages[0].clone();
    assert_eq!(message.severity, Severity::Error);
    assert!(message.text.contains("no more of them"));
}

#[test]
fn a_folder_is_not_searched_through_each_time_the_window_opens() {
    let (_shared, desk, home) = desk();
    let stop = AtomicBool::new(false);
    let ear = Ear::new(&desk, &stop, None);
    let moved = home.path().join("Song").join("moved.wav");
    std::fs::create_dir_all(moved.parent().unwrap()).unwrap();
    let mut lost = favourite(4, &home.path().join("was.wav"));
    lost.hash = blake3::hash(b"sound").to_hex().to_string();
    lock(&desk).favourites.push(lost);
    let open = || {
        leisure::carry_out(&ear, Command::Opened);
        lock(&desk).ready(ItemId(4))
    };
    assert_eq!(open(), None);
    std::fs::write(&moved, "sound").unwrap();
    assert_eq!(open(), None, "searched for before");
    leisure::carry_out(&ear, Command::CheckFiles);
    assert_eq!(lock(&desk).ready(ItemId(4)), Some(moved.clone()));
    // Elsewhere it has not been searched for.
    std::fs::rename(&moved, home.path().join("again.wav")).unwrap();
    lock(&desk).sought.clear();
    assert_eq!(open(), Some(home.path().join("again.wav")));
}

#[test]
fn a_plugin_that_is_put_to_rest_tells_of_its_past_and_of_no_present() {
    let (shared, desk, _home) = desk();
    let mut desk = lock(&desk);
    assert_eq!(desk.picture(0).status.history_seconds.to_bits(), 0, "no -0 s");
    let (mut tap, feed) = tap::channel(48_000.0);
    let (_player, booth) = preview::channel(48_000.0, shared);
    let rate = 48_000.0;
    desk.control(Control::Open(Stream { rate, feed, booth }));
    let host = HostTime {
        playing: false,
        samples: Some(0),
        tempo: Some(99.0),
        ..HostTime::default()
    };
    tap.block(&[0.1; 64], &[0.1; 64], host);
    desk.pulse();
    let status = desk.picture(1).status;
    assert_eq!(
        (status.transport, status.bpm),
        (crate::snapshot::TransportState::Stopped, 99.0)
    );
    desk.history.lose_at_end(480);
    drop(tap);
    desk.control(Control::Close);
    let status = desk.picture(2).status;
    assert_eq!(
        (status.transport, status.bpm),
        (crate::snapshot::TransportState::Unknown, 0.0)
    );
    // In what lost frames are counted.
    assert_eq!((status.lost_frames, status.rate), (480, 48_000));
}

/// As hosts do that stop sending blocks when they stop.
#[test]
fn a_host_that_falls_silent_no_longer_plays() {
    use std::time::{Duration, Instant};

    use crate::snapshot::TransportState;

    let (shared, desk, _home) = desk();
    let mut desk = lock(&desk);
    let (mut tap, feed) = tap::channel(48_000.0);
    let (_player, booth) = preview::channel(48_000.0, shared.clone());
    let rate = 48_000.0;
    desk.control(Control::Open(Stream { rate, feed, booth }));
    // Without sound, so that nothing else changes.
    for block in 0..50 {
        let host = HostTime {
            playing: true,
            samples: Some(480 * block),
            beats: Some(0.02 * block as f64),
            tempo: Some(120.0),
            meter: Some((4, 4)),
            ..HostTime::default()
        };
        tap.block(&[0.0; 480], &[0.0; 480], host);
    }
    desk.pulse();
    desk.heard = Some(Instant::now());
    desk.publish_now();
    assert_eq!(shared.snapshot.load().status.transport, TransportState::Playing);
    desk.heard = Instant::now().checked_sub(Duration::from_secs(1));
    // A pulse asks for a new picture, which comes at the window's pace.
    std::thread::sleep(Duration::from_millis(100));
    desk.pulse();
    desk.publish();
    assert_eq!(shared.snapshot.load().status.transport, TransportState::Stopped);
}

/// Two activations without a deactivation between them, and blocks after the last of all.
#[test]
fn an_activation_that_follows_another_takes_its_place() {
    let (shared, desk, _home) = desk();
    let mut desk = lock(&desk);
    let mut taps = Vec::new();
    for rate in [44_100.0, 48_000.0] {
        let (tap, feed) = tap::channel(rate);
        let (player, booth) = preview::channel(rate, shared.clone());
        desk.control(Control::Open(Stream { rate, feed, booth }));
        taps.push((tap, player));
    }
    let mut old = taps.remove(0);
    for _ in 0..10 {
        old.0.block(&[0.5; 512], &[0.5; 512], HostTime::default());
        old.1.block(&mut [0.0; 512], &mut [0.0; 512], &HostTime::default());
    }
    desk.pulse();
    assert_eq!(
        (desk.rate, desk.history.bytes()),
        (48_000, 0),
        "nobody listens to the old one"
    );
    taps[0].0.block(&[0.5; 512], &[0.5; 512], HostTime::default());
    desk.pulse();
    assert!(desk.history.bytes() > 0);
    desk.control(Control::Close);
    taps[0].0.block(&[0.5; 512], &[0.5; 512], HostTime::default());
    taps[0].1.block(&mut [0.0; 512], &mut [0.0; 512], &HostTime::default());
    desk.pulse();
}

/// `cargo test -p loopwright-plugin --lib -- --ignored --nocapture what_a_picture_costs`
#[test]
#[ignore = "a measurement"]
fn what_a_picture_costs() {
    const RATE: f64 = 48_000.0;
    let (shared, desk, _home) = desk();
    let mut desk = lock(&desk);
    desk.settings.automatic = false;
    let (mut tap, feed) = tap::channel(RATE);
    let (_player, booth) = preview::channel(RATE, shared.clone());
    desk.control(Control::Open(Stream {
        rate: RATE,
        feed,
        booth,
    }));
    let mut at = 0u64;
    for take in 0..20u64 {
        for block in 0..1000u64 {
            let place = 1000 * take * 48_000 + block * 512;
            let host = HostTime {
                playing: true,
                samples: Some(place as i64),
                beats: Some(place as f64 / RATE * 2.0),
                tempo: Some(120.0),
                meter: Some((4, 4)),
                bar_start: None,
                cycle: None,
            };
            let plane: Vec<f32> = (0..512u64).map(|i| ((place + i) % 89) as f32 / 89.0).collect();
            tap.block(&plane, &plane, host);
            at += 512;
        }
        desk.pulse();
    }
    desk.picture(0);
    let item = crate::snapshot::Item {
        id: ItemId(1),
        kind: ItemKind::Loop,
        take: 1,
        start: 0,
        frames: 96_000,
        title: "Bars 5–8".into(),
        bars: 4.0,
        bpm: 120.0,
        key: Some("Am".into()),
        score: 0.8,
        reasons: vec!["runs round without a seam".into(); 4],
        class: None,
        favourite: false,
        file: FileState::None,
        kit: Vec::new(),
    };
    desk.items = vec![item; 300].into();
    let begun = std::time::Instant::now();
    for number in 0..1000 {
        let picture = desk.picture(number);
        shared.snapshot.store(Arc::new(picture));
    }
    let each = begun.elapsed() / 1000;
    let picture = shared.snapshot.load();
    println!(
        "{} takes of {at} frames, {} items: {each:?} a picture",
        picture.takes.len(),
        picture.items.len()
    );
}

#[test]
fn of_auditions_that_wait_only_the_newest_is_heard() {
    let (shared, desk, _home) = desk();
    let how = Audition {
        sync: true,
        looped: true,
        solo: false,
    };
    // Each says once that it cannot be heard.
    for id in 1..=5 {
        shared.send(Command::Audition(ItemId(id), how));
        shared.send(Command::TrackName(format!("{id}")));
    }
    lock(&desk).pulse();
    assert_eq!(lock(&desk).messages().len(), 1);
    assert_eq!(lock(&desk).track_name, "5", "nothing else is left out");
    shared.send(Command::Audition(ItemId(1), how));
    shared.send(Command::StopAudition);
    lock(&desk).pulse();
    assert_eq!(lock(&desk).messages().len(), 1);
}

/// A full history loses a page every 85 ms at this rate.
#[test]
fn bars_that_leave_the_history_are_forgotten_without_a_look_at_the_rest() {
    const RATE: f64 = 768_000.0;
    let (shared, desk, _home) = desk();
    let mut desk = lock(&desk);
    desk.settings.automatic = false;
    desk.history.set_limits(crate::capture::history::Limits {
        seconds: 5.0,
        bytes: 1 << 30,
        stopped: true,
    });
    let (mut tap, feed) = tap::channel(RATE);
    let (_player, booth) = preview::channel(RATE, shared);
    desk.control(Control::Open(Stream {
        rate: RATE,
        feed,
        booth,
    }));
    let sound = vec![0.5; 16_384];
    let mut at = 0u64;
    FITTED.set(0);
    while (at as f64) < 15.0 * RATE {
        // Bars of 0.8 s.
        let beats = at as f64 / RATE * 5.0;
        let host = HostTime {
            playing: true,
            samples: Some(at as i64),
            beats: Some(beats),
            tempo: Some(300.0),
            meter: Some((4, 4)),
            bar_start: None,
            cycle: None,
        };
        tap.block(&sound, &sound, host);
        at += sound.len() as u64;
        desk.pulse();
        desk.next_job();
        let picture = desk.picture(at);
        let Some(take) = picture.takes.first().filter(|t| !t.bars.is_empty()) else {
            continue;
        };
        assert!(take.bars[0] >= take.first as f64);
        let place = take.bars[0] / (0.8 * RATE);
        assert!((place - place.round()).abs() < 1e-3, "{place}");
        assert_eq!(take.first_bar, Some(place.round() as i64 + 1));
    }
    // A fit of 5 s, that is 235 marks, every 0.25 s.
    assert!(FITTED.get() < 70 * 240, "{}", FITTED.get());
}
