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
