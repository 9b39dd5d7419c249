//! The worker on music of which everything is known: pushed in through the ring with a host's time, as the audio thread
//! does it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use loopwright_core::audio::AudioBuffer;
use loopwright_core::audio::decode::decode_file;
use loopwright_core::config::{self, Config};
use loopwright_core::drums;
use loopwright_core::export::breaks::{BreakItem, Breaks};
use loopwright_core::export::manifest::SourceKey;
use loopwright_core::export::tree::{BREAKS, Cuts, LOOPS, QUIET, QuietCuts, TrackRequest, Tree};
use loopwright_core::learn::{adapt, ratings};
use loopwright_core::model::{self, Scorer as _, heuristic};
use loopwright_core::pipeline::{self, Models, find, quiet};
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::grid::{BeatGrid, GridSource};
use loopwright_core::track::{Origin, Track, TrackId};
use loopwright_core::units::Bpm;
use loopwright_plugin::capture::mark::HostTime;
use loopwright_plugin::capture::tap::{self, Tap};
use loopwright_plugin::command::{Audition, Command};
use loopwright_plugin::preview::{self, Player};
use loopwright_plugin::shared::Shared;
use loopwright_plugin::snapshot::{FileState, GridOrigin, Item, ItemKind, Severity, Snapshot, TransportState};
use loopwright_plugin::state::{Kept, Settings, State};
use loopwright_plugin::worker::{self, Stream, Worker};
use loopwright_tests::synth::{SectionPlan, Song, Style};
use nice_plug::params::persist::PersistentField;

const RATE: u32 = 44_100;
const BPM: f64 = 120.0;
/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// 20 bars, 40 s: a groove, a break, no drums.
fn song() -> AudioBuffer {
    let s = SectionPlan::new;
    let song = Song::new(Style::House, 4).bpm(BPM).sample_rate(RATE).plan(vec![
        s("groove", 8, "DBC"),
        s("break", 4, "D"),
        s("pad", 8, "PA"),
    ]);
    let audio = song.build().audio;
    // Whole bars: a take ends where its last bar does.
    let frames = 40 * RATE as usize;
    let planes = audio.planes().iter().map(|p| p[..frames].to_vec()).collect();
    AudioBuffer::new(planes, RATE).unwrap()
}

/// The exact grid of that song.
fn grid(frames: usize) -> BeatGrid {
    let beat = 60.0 / BPM * f64::from(RATE);
    let beats: Vec<f64> = (0..)
        .map(|k| f64::from(k) * beat)
        .take_while(|b| *b <= frames as f64)
        .collect();
    BeatGrid {
        downbeats: (0..beats.len()).step_by(4).collect(),
        beats,
        beats_per_bar: 4,
        tempo: Bpm(BPM),
        constant: true,
        confidence: 1.0,
        source: GridSource::Host,
    }
}

/// A plugin without its framework.
struct Bench {
    shared: Arc<Shared>,
    worker: Option<Worker>,
    tap: Tap,
    player: Player,
    at: u64,
    home: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self::at_rate(RATE)
    }

    fn at_rate(rate: u32) -> Self {
        let home = tempfile::tempdir().unwrap();
        let kept = Arc::new(Kept::default());
        kept.lock().settings.folder = home.path().to_string_lossy().into_owned();
        Self::with(kept, home, rate)
    }

    fn with(kept: Arc<Kept>, home: tempfile::TempDir, rate: u32) -> Self {
        let shared = Arc::new(Shared::new(kept));
        let (mut tap, feed) = tap::channel(f64::from(rate));
        // As in a bounce: what is quicker than the worker waits for it.
        tap.set_offline(true);
        let (player, booth) = preview::channel(f64::from(rate), shared.clone());
        let worker = Worker::start(shared.clone()).unwrap();
        worker.open(Stream {
            rate: f64::from(rate),
            feed,
            booth,
        });
        Self {
            shared,
            worker: Some(worker),
            tap,
            player,
            at: 0,
            home,
        }
    }

    /// Plays `audio` with an exact transport, from the host's bar 1 on if nothing was played before.
    fn play(&mut self, audio: &AudioBuffer) {
        self.feed(audio, true);
    }

    fn feed(&mut self, audio: &AudioBuffer, hosted: bool) {
        let rate = f64::from(audio.sample_rate());
        let [left, right] = [&audio.planes()[0], &audio.planes()[1]];
        for (l, r) in left.chunks(500).zip(right.chunks(500)) {
            let beats = self.at as f64 / rate * BPM / 60.0;
            let host = if hosted {
                HostTime {
                    playing: true,
                    samples: Some(self.at as i64),
                    beats: Some(beats),
                    tempo: Some(BPM),
                    meter: Some((4, 4)),
                    bar_start: Some((beats / 4.0).floor() * 4.0),
                    cycle: None,
                }
            } else {
                HostTime::default()
            };
            self.tap.block(l, r, host);
            self.at += l.len() as u64;
        }
    }

    /// The host stops: the take ends.
    fn stop(&mut self) {
        let still = HostTime {
            playing: false,
            samples: Some(self.at as i64),
            beats: Some(self.at as f64 / f64::from(RATE) * BPM / 60.0),
            tempo: Some(BPM),
            meter: Some((4, 4)),
            bar_start: None,
            cycle: None,
        };
        let silence = vec![0.0; 512];
        for _ in 0..4 {
            self.tap.block(&silence, &silence, still);
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Waits until the picture is as wanted.
    fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let begun = Instant::now();
        loop {
            let picture = self.snapshot();
            if wanted(&picture) {
                return picture;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "waiting for {what}: {:?} {:?} {:?}",
                picture.status,
                picture
                    .takes
                    .iter()
                    .map(|t| (t.id, t.first, t.end, t.open, t.analysed_to, &t.note))
                    .collect::<Vec<_>>(),
                picture.messages
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until every take is closed and analysed to its end.
    fn settled(&self) -> Arc<Snapshot> {
        self.until("the analysis", |s| {
            !s.takes.is_empty()
                && s.takes.iter().all(|t| !t.open && t.analysed_to == t.end)
                && s.status.analysing.is_none()
                && !s.items.is_empty()
        })
    }

    fn send(&self, command: Command) {
        self.shared.send(command);
    }

    fn ready(&self, item: &Item) -> PathBuf {
        self.send(Command::Prepare(vec![item.id]));
        let of = |s: &Snapshot| s.items.iter().find(|i| i.id == item.id).map(|i| i.file.clone());
        let done = self.until("the file", |s| {
            matches!(of(s), Some(FileState::Ready(_) | FileState::Failed(_)))
        });
        match of(&done) {
            Some(FileState::Ready(path)) => path,
            other => panic!("{other:?}"),
        }
    }
}

fn of_kind(s: &Snapshot, kind: ItemKind) -> Vec<&Item> {
    s.items.iter().filter(|i| i.kind == kind).collect()
}

/// What core finds on the same audio with the same grid.
struct Reference {
    track: Track,
    config: Config,
}

impl Reference {
    fn of(audio: &AudioBuffer, first: u64, end: u64) -> Self {
        let part = first as usize..end as usize;
        let planes = audio.planes().iter().map(|p| p[part.clone()].to_vec()).collect();
        let audio = Arc::new(AudioBuffer::new(planes, RATE).unwrap());
        Self {
            track: Track {
                id: TrackId::of(&audio),
                grid: Some(grid(audio.frames())),
                audio,
                origin: Origin::Stream { uri: "test".into() },
                name: "My: Song".into(),
                tags: Default::default(),
            },
            config: worker::config(),
        }
    }

    fn source(&self) -> SourceKey {
        SourceKey {
            folder: "My_ Song".into(),
            name: "My: Song".into(),
            content: String::new(),
            fingerprint: None,
        }
    }
}

/// One song heard once, and everything that is asked of it: an analysis costs a second or two in the tests' profile.
#[test]
fn what_is_found_is_what_the_command_line_finds_and_writes() {
    let audio = song();
    let mut bench = Bench::new();
    bench.send(Command::TrackName("My: Song".into()));
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();

    let [take] = &seen.takes[..] else {
        panic!("{} takes", seen.takes.len())
    };
    assert_eq!((take.first, take.end), (0, audio.frames() as u64));
    assert_eq!(
        (take.grid, take.first_bar, take.meter),
        (GridOrigin::Host, Some(1), (4, 4))
    );
    assert!((take.bpm - BPM).abs() < 1e-6);
    let lines: Vec<f64> = take.bars.iter().map(|b| b / f64::from(RATE)).collect();
    assert_eq!(lines.len(), 21, "{lines:?}");
    assert!(lines.iter().enumerate().all(|(i, l)| (l - 2.0 * i as f64).abs() < 1e-3));
    assert_eq!(seen.status.transport, TransportState::Stopped);
    assert_eq!(seen.status.lost_frames, 0);
    assert!(seen.status.analysis_seconds > 0.0);

    let reference = Reference::of(&audio, take.first, take.end);
    let Reference { track, config } = &reference;
    let beats = loopwright_core::rhythm::load::load(&config.rhythm).unwrap();
    let hit_model = drums::model::shipped().unwrap();
    let models = Models {
        scorer: &model::heuristic(&config.tuning),
        beats: beats.as_deref(),
        embedding: None,
    };
    let source = reference.source();
    let out = tempfile::tempdir().unwrap();

    // Loops: the same, in the same order, in files of the same names and bytes.
    let found = pipeline::suggest(track, models, config, &Silent).unwrap();
    let loops = of_kind(&seen, ItemKind::Loop);
    assert!(!loops.is_empty());
    let key = found.analysis.key.map(|k| k.name().to_owned());
    let near = |item: &Item, start: f64, frames: f64| {
        (item.start as f64 - start).abs() < 0.015 * f64::from(RATE) && (item.frames as f64 - frames).abs() < 2.0
    };
    assert_eq!(loops.len(), found.suggestions.len());
    for (item, s) in loops.iter().zip(&found.suggestions) {
        assert!(
            near(item, s.candidate.span.start, s.candidate.span.len()),
            "{item:?} {s:?}"
        );
        assert_eq!(
            (item.score, item.bars, &item.reasons),
            (s.score, f64::from(s.candidate.bars), &s.reasons)
        );
        assert_eq!(item.key, key);
        assert!((item.bpm - BPM).abs() < 0.01);
        let first = (s.candidate.span.start / (2.0 * f64::from(RATE))).round() as u32 + 1;
        let want = match s.candidate.bars {
            1 => format!("Bar {first}"),
            n => format!("Bars {first}–{}", first + n - 1),
        };
        assert_eq!(item.title, want);
    }
    let items = find::items(&found.suggestions, &found.schema);
    let request = TrackRequest {
        source: &source,
        track,
        grid: &found.analysis.rhythm.grid,
        key: key.as_deref(),
        loops: &items,
        config: &config.export,
    };
    let tree = Tree::open(out.path(), &LOOPS, "", false).unwrap();
    let record = tree.write(&source, &Cuts::of(&request).unwrap(), &Silent).unwrap();
    drop(tree);
    for (item, cut) in loops.iter().zip(&record.loops).take(4) {
        let file = bench.ready(item);
        same_file(&file, bench.home.path(), &out.path().join(&cut.file), out.path());
    }

    // Quiet loops.
    let found = quiet::suggest(track, models, config, &Silent).unwrap();
    let quiets = of_kind(&seen, ItemKind::Quiet);
    assert!(!quiets.is_empty() && quiets.len() == found.loops.len());
    let items = quiet::write::items(&found.loops);
    let tree = Tree::open(out.path(), &QUIET, "", false).unwrap();
    let plan = QuietCuts::of(&request, &items, config.quiet.declick_ms).unwrap();
    let record = tree.write(&source, &plan, &Silent).unwrap();
    drop(tree);
    for (item, cut) in quiets.iter().zip(&record.loops).take(2) {
        let file = bench.ready(item);
        same_file(&file, bench.home.path(), &out.path().join(&cut.file), out.path());
    }

    // Breaks with all that belongs to them, and the one-shots among their hits.
    let found = pipeline::breaks::suggest(track, models, hit_model.as_deref(), config, &Silent).unwrap();
    let breaks = of_kind(&seen, ItemKind::Break);
    assert!(!breaks.is_empty() && breaks.len() == found.breaks.len());
    let items: Vec<BreakItem<'_>> = (1u32..)
        .zip(&found.breaks)
        .map(|(number, (found, hits))| BreakItem { number, found, hits })
        .collect();
    let plan = Breaks::of(&source, track, &found.analysis.rhythm.grid, &items, config).unwrap();
    let tree = Tree::open(out.path(), &BREAKS, "", false).unwrap();
    let record = tree.write(&source, &plan, &Silent).unwrap();
    drop(tree);
    let file = bench.ready(breaks[0]);
    same_file(
        &file,
        bench.home.path(),
        &out.path().join(&record.loops[0].file),
        out.path(),
    );
    let shots = of_kind(&seen, ItemKind::OneShot);
    assert!(
        shots
            .iter()
            .any(|s| s.class.as_deref() == Some("kick") && s.title == "Kick 1"),
        "{shots:?}"
    );
    assert!(shots.windows(2).all(|w| w[0].score >= w[1].score));
    for item in shots.iter().take(3) {
        let file = bench.ready(item);
        let relative = file.strip_prefix(bench.home.path()).unwrap();
        same_file(&file, bench.home.path(), &out.path().join(relative), out.path());
    }
    bench.send(Command::PrepareKit(vec![breaks[0].id]));
    let whole = bench.until("the kit", |s| {
        s.items.iter().any(|i| i.id == breaks[0].id && !i.kit.is_empty())
    });
    let kit = &whole.items.iter().find(|i| i.id == breaks[0].id).unwrap().kit;
    let names: Vec<String> = kit
        .iter()
        .map(|p| {
            p.strip_prefix(bench.home.path())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/")
        })
        .collect();
    let want: Vec<&str> = record
        .artefacts
        .iter()
        .map(|a| a.path.as_str())
        .filter(|p| p.contains("/break_01/") && !p.ends_with("drum_break.wav"))
        .collect();
    assert_eq!(sorted(&names), sorted(&want));
    assert!(names.iter().any(|n| n.ends_with(".sfz")) && names.iter().any(|n| n.ends_with("groove.mid")));
    for file in kit {
        let relative = file.strip_prefix(bench.home.path()).unwrap();
        same_file(file, bench.home.path(), &out.path().join(relative), out.path());
    }
    // The kit's break is the file that was there.
    assert!(
        whole
            .items
            .iter()
            .any(|i| i.file == FileState::Ready(bench.home.path().join(&record.loops[0].file)))
    );

    // Exports go where they are told to, under the same names.
    let to = tempfile::tempdir().unwrap();
    bench.send(Command::Export {
        items: vec![loops[0].id],
        folder: Some(to.path().to_path_buf()),
    });
    bench.until("the export", |s| {
        s.messages.iter().any(|m| m.severity == Severity::Info)
    });
    let file = bench.ready(loops[0]);
    let copy = to.path().join(file.strip_prefix(bench.home.path()).unwrap());
    assert_eq!(fs::read(copy).unwrap(), fs::read(&file).unwrap());
    // Every file that is there is whole: nothing temporary is left.
    for file in files(bench.home.path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with('.'), "{name}");
    }

    // An audition has the file's samples, at one level.
    bench.send(Command::Audition(
        loops[0].id,
        Audition {
            sync: false,
            looped: true,
            solo: true,
        },
    ));
    let heard = listen(&mut bench, loops[0].frames as usize + 4096);
    let decoded = decode_file(&file, &config::Decode::default()).unwrap().audio;
    let gain = peak(&heard) / peak(&decoded.planes()[0]);
    let peak = peak(&heard);
    assert!(peak <= 0.892, "-1 dBFS, not {peak}");
    let begin = heard.iter().position(|x| *x != 0.0).unwrap();
    let worst = (2000..20_000)
        .map(|i| {
            let around = (0..3).map(|d| (heard[begin + i] - gain * decoded.planes()[0][i + d - 1]).abs());
            around.fold(f32::INFINITY, f32::min)
        })
        .fold(0.0, f32::max);
    assert!(worst < 0.01, "{worst}");
    bench.send(Command::StopAudition);
}

fn sorted<S: AsRef<str>>(names: &[S]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    names
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// What comes out of the left speaker while nothing passes, from when something does.
fn listen(bench: &mut Bench, frames: usize) -> Vec<f32> {
    let begun = Instant::now();
    let mut out = Vec::new();
    while out.len() < frames {
        let (mut left, mut right) = (vec![0.0; 512], vec![0.0; 512]);
        bench.player.block(&mut left, &mut right, &HostTime::default());
        if out.is_empty() && left.iter().all(|x| *x == 0.0) {
            assert!(begun.elapsed() < PATIENCE, "nothing is heard");
            std::thread::sleep(Duration::from_millis(2));
        } else {
            out.extend(left);
        }
    }
    out
}

/// Same name from the root, same bytes.
fn same_file(ours: &Path, root: &Path, theirs: &Path, their_root: &Path) {
    assert_eq!(
        ours.strip_prefix(root).unwrap(),
        theirs.strip_prefix(their_root).unwrap()
    );
    let (a, b) = (fs::read(ours).unwrap(), fs::read(theirs).unwrap());
    assert!(a == b, "{}: {} and {} bytes", theirs.display(), a.len(), b.len());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            out.extend(files(&entry.path()));
        } else {
            out.push(entry.path());
        }
    }
    out
}

/// 8 bars, 16 s: quick to analyse.
fn short() -> AudioBuffer {
    let song = Song::new(Style::House, 9).bpm(BPM).sample_rate(RATE).plan(vec![
        SectionPlan::new("groove", 4, "DBC"),
        SectionPlan::new("break", 4, "D"),
    ]);
    let audio = song.build().audio;
    let frames = 16 * RATE as usize;
    let planes = audio.planes().iter().map(|p| p[..frames].to_vec()).collect();
    AudioBuffer::new(planes, RATE).unwrap()
}

#[test]
fn favourites_and_rejections_outlast_everything_else() {
    let audio = short();
    let mut bench = Bench::new();
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();
    let take = seen.takes[0].id;
    let loops = of_kind(&seen, ItemKind::Loop);
    let (kept, dropped) = (loops[0].clone(), loops[1].clone());
    bench.send(Command::Favourite(kept.id, true));
    bench.send(Command::Reject(dropped.id, true));
    let has = |s: &Snapshot, item: &Item| s.items.iter().any(|i| i.id == item.id);
    let seen = bench.until("both", |s| s.items.iter().any(|i| i.favourite) && !has(s, &dropped));
    let marked = seen.items.iter().find(|i| i.id == kept.id).unwrap();
    let FileState::Ready(file) = &marked.file else {
        panic!("{:?}", marked.file)
    };
    let state = bench.shared.state.lock().clone();
    assert_eq!(state.favourites.len(), 1);
    let favourite = &state.favourites[0];
    assert_eq!((favourite.id, Path::new(&favourite.path)), (kept.id.0, file.as_path()));
    assert_eq!(bench.home.path().join(&favourite.relative), *file);
    assert_eq!(favourite.hash, blake3::hash(&fs::read(file).unwrap()).to_hex().as_str());

    // The same analysis again: the same names, and what was rejected stays away.
    let ids = |s: &Snapshot| s.items.iter().map(|i| i.id).collect::<Vec<_>>();
    let before = ids(&seen);
    bench.send(Command::Analyse);
    bench.until("an analysis", |s| s.status.analysing.is_some());
    let again = bench.settled();
    assert_eq!(ids(&again), before);
    bench.send(Command::Reject(dropped.id, false));
    bench.until("its return", |s| has(s, &dropped));

    // What was said stands in the capture folder, with all that a taste is learnt from.
    let said = ratings::read(&bench.home.path().join("ratings.jsonl")).unwrap();
    assert_eq!(
        said.iter().map(|r| r.value).collect::<Vec<_>>(),
        [Some(5.0), Some(1.0), None]
    );
    let wanted = adapt::columns(heuristic(&Default::default()).info());
    for rating in &said {
        assert_eq!(rating.lacks(&wanted), Vec::<&str>::new());
        assert_eq!(rating.track, said[0].track);
    }
    let frames = |seconds: f64| (seconds * f64::from(RATE)).round() as u64;
    assert_eq!(frames(said[0].start), kept.start);
    assert_eq!(said[0].file.as_deref(), Some(favourite.relative.as_str()));
    assert_eq!(ratings::settle(said).len(), 1, "what was taken back is gone");

    // A correction: other bars, other loops; the favourite stays among them.
    bench.send(Command::Correct {
        take,
        octave: -1,
        shift: 1,
    });
    let halved = bench.until("the correction", |s| {
        s.takes[0].correction.octave == -1
            && s.status.analysing.is_none()
            && s.items.iter().any(|i| i.bpm > 1.0 && (i.bpm - 60.0).abs() < 0.1)
    });
    let view = &halved.takes[0];
    assert!((view.bpm - 60.0).abs() < 1e-6);
    assert_eq!(view.first_bar, None);
    // Bars of four slow beats, moved by one of them.
    let lines: Vec<f64> = view.bars.iter().map(|b| b / f64::from(RATE)).collect();
    assert!(
        (lines[0] - 1.0).abs() < 1e-3 && (lines[1] - 5.0).abs() < 1e-3,
        "{lines:?}"
    );
    for item in halved
        .items
        .iter()
        .filter(|i| i.kind != ItemKind::OneShot && !i.favourite)
    {
        let start = item.start as f64 / f64::from(RATE);
        assert!((item.bpm - 60.0).abs() < 0.1, "{item:?}");
        assert!(
            ((start - 1.0) / 4.0 - ((start - 1.0) / 4.0).round()).abs() < 0.005,
            "{item:?}"
        );
    }
    let still = halved
        .items
        .iter()
        .find(|i| i.id == kept.id)
        .expect("the favourite is still there");
    assert!(still.favourite && (still.bpm - 120.0).abs() < 0.1);
    bench.send(Command::Uncorrect(take));
    bench.until("its undoing", |s| {
        s.takes[0].correction.octave == 0
            && s.status.analysing.is_none()
            && ids(s) == before_with(&before, dropped.id, s)
    });

    // Without its take it is kept as a file, and can be heard.
    bench.send(Command::Clear);
    let cleared = bench.until("the clearing", |s| s.takes.is_empty());
    assert!(cleared.items.is_empty());
    let [only] = &cleared.kept[..] else {
        panic!("{:?}", cleared.kept)
    };
    assert_eq!(
        (only.item.id, &only.item.file),
        (kept.id, &FileState::Ready(file.clone()))
    );
    let how = Audition {
        sync: false,
        looped: false,
        solo: false,
    };
    bench.send(Command::Audition(kept.id, how));
    assert!(peak(&listen(&mut bench, 20_000)) > 0.01);

    // No longer a favourite: it goes from the list, and its file stays.
    bench.send(Command::Favourite(kept.id, false));
    bench.until("the end of it", |s| s.kept.is_empty());
    assert!(file.is_file());
    assert!(bench.shared.state.lock().favourites.is_empty());
}

/// The names of before with one that came back in its place.
fn before_with(
    before: &[loopwright_plugin::snapshot::ItemId],
    back: loopwright_plugin::snapshot::ItemId,
    now: &Snapshot,
) -> Vec<loopwright_plugin::snapshot::ItemId> {
    let mut want = before.to_vec();
    if let Some(at) = now.items.iter().position(|i| i.id == back) {
        want.insert(at.min(want.len()), back);
    }
    want
}

#[test]
fn favourites_are_found_again_in_another_session() {
    let audio = short();
    let mut bench = Bench::new();
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();
    let chosen = of_kind(&seen, ItemKind::Loop)[0].clone();
    bench.send(Command::Favourite(chosen.id, true));
    bench.until("the favourite", |s| s.items.iter().any(|i| i.favourite));
    bench.worker = None;
    let json = serde_json::to_string(&*bench.shared.state.lock()).unwrap();
    assert_eq!(json, serde_json::to_string(&*bench.shared.state.lock()).unwrap());
    let Bench { home, .. } = bench;

    // The folder moved as a whole.
    let moved = tempfile::tempdir().unwrap();
    let (old, new) = (home.path().to_path_buf(), moved.path().join("elsewhere"));
    fs::rename(&old, &new).unwrap();
    let mut state: State = serde_json::from_str(&json).unwrap();
    state.settings.folder = new.to_string_lossy().into_owned();
    let bench = Bench::with(Arc::default(), tempfile::tempdir().unwrap(), RATE);
    PersistentField::set(&bench.shared.state, state.clone());
    let relative = &state.favourites[0].relative;
    let at = |s: &Snapshot| s.kept.first().map(|k| k.item.file.clone());
    bench.until("the file", |s| at(s) == Some(FileState::Ready(new.join(relative))));

    // Another name within the folder: found by its content, when asked.
    let renamed = new.join("Best of").join("mine.wav");
    fs::create_dir_all(renamed.parent().unwrap()).unwrap();
    fs::rename(new.join(relative), &renamed).unwrap();
    bench.send(Command::CheckFiles);
    bench.until("the renamed file", |s| at(s) == Some(FileState::Ready(renamed.clone())));
    assert_eq!(bench.shared.state.lock().favourites[0].relative, "Best of/mine.wav");

    // Gone: it says so, until it is told where.
    let outside = moved.path().join("taken away.wav");
    fs::rename(&renamed, &outside).unwrap();
    bench.send(Command::CheckFiles);
    bench.until("its loss", |s| at(s) == Some(FileState::Missing(renamed.clone())));
    bench.send(Command::Relink(chosen.id, outside.clone()));
    bench.until("its place", |s| at(s) == Some(FileState::Ready(outside.clone())));
    assert_eq!(Path::new(&bench.shared.state.lock().favourites[0].path), outside);
    bench.send(Command::Relink(chosen.id, moved.path().join("nothing.wav")));
    bench.until("a refusal", |s| {
        s.messages.iter().any(|m| m.severity == Severity::Error)
    });
    assert_eq!(at(&bench.snapshot()), Some(FileState::Ready(outside)));
}

#[test]
fn a_folder_that_cannot_be_written_is_said_and_nothing_else_happens() {
    let audio = short();
    let home = tempfile::tempdir().unwrap();
    let in_the_way = home.path().join("a file");
    fs::write(&in_the_way, "x").unwrap();
    let kept = Arc::new(Kept::default());
    kept.lock().settings.folder = in_the_way.join("Captures").to_string_lossy().into_owned();
    let mut bench = Bench::with(kept, home, RATE);
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();
    let item = of_kind(&seen, ItemKind::Loop)[0].clone();
    let state = |s: &Snapshot| s.items.iter().find(|i| i.id == item.id).unwrap().file.clone();
    bench.send(Command::Favourite(item.id, true));
    let failed = bench.until("the failure", |s| matches!(state(s), FileState::Failed(_)));
    let message = failed.messages.last().unwrap();
    assert_eq!(message.severity, Severity::Error);
    assert!(
        message.text.contains("choose another capture folder"),
        "{}",
        message.text
    );
    assert!(!failed.items.iter().any(|i| i.favourite) && bench.shared.state.lock().favourites.is_empty());
    // With a folder that can be written it works.
    let good = tempfile::tempdir().unwrap();
    let mut settings = bench.shared.state.lock().settings.clone();
    settings.folder = good.path().to_string_lossy().into_owned();
    bench.send(Command::Settings(settings));
    let file = bench.ready_again(&item);
    assert!(file.starts_with(good.path()) && file.is_file());
    assert_eq!(bench.snapshot().folder, good.path());
}

impl Bench {
    fn ready_again(&self, item: &Item) -> PathBuf {
        self.send(Command::Prepare(vec![item.id]));
        let of = |s: &Snapshot| s.items.iter().find(|i| i.id == item.id).map(|i| i.file.clone());
        match of(&self.until("the file", |s| matches!(of(s), Some(FileState::Ready(_))))) {
            Some(FileState::Ready(path)) => path,
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_said_and_left_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let audio = short();
    let mut bench = Bench::new();
    let locked = bench.home.path().to_path_buf();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(locked.join("probe"), "x").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();
    let item = of_kind(&seen, ItemKind::Loop)[0].clone();
    bench.send(Command::Prepare(vec![item.id]));
    let failed = |s: &Snapshot| {
        s.items
            .iter()
            .any(|i| i.id == item.id && matches!(i.file, FileState::Failed(_)))
    };
    let seen = bench.until("the failure", failed);
    assert!(seen.messages.last().unwrap().text.contains("choose another"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(files(&locked).is_empty());
    assert!(bench.ready_again(&item).is_file());
}

#[test]
fn names_last_while_a_take_grows() {
    let audio = song();
    let part = |from: usize, to: usize| {
        let rate = RATE as usize;
        let planes = audio
            .planes()
            .iter()
            .map(|p| p[from * rate..to * rate].to_vec())
            .collect();
        AudioBuffer::new(planes, RATE).unwrap()
    };
    let mut bench = Bench::new();
    bench.play(&part(0, 20));
    // Before the analysis, which may take longer than a host that sends nothing is taken for one that does.
    bench.until("the capture", |s| {
        s.status.capturing && s.status.transport == TransportState::Playing
    });
    let early = bench.until("an analysis while it grows", |s| {
        s.takes.iter().any(|t| t.open && t.analysed_to >= 16 * u64::from(RATE))
            && s.status.analysing.is_none()
            && !s.items.is_empty()
    });
    bench.play(&part(20, 40));
    bench.stop();
    let late = bench.settled();
    let mut both = 0;
    for old in early.items.iter() {
        for new in late.items.iter().filter(|new| new.kind == old.kind) {
            let same = new.start.abs_diff(old.start) < 200 && new.frames.abs_diff(old.frames) < 200;
            assert_eq!(same, new.id == old.id, "{old:?}\n{new:?}");
            both += usize::from(same);
        }
    }
    assert!(both >= 3, "{both} of {}", early.items.len());
    let ids: std::collections::BTreeSet<_> = late.items.iter().map(|i| i.id).collect();
    assert_eq!(ids.len(), late.items.len());
}

/// A noise floor repeats better than any music, and the host often plays on after the song.
#[test]
fn what_follows_the_last_note_is_not_offered() {
    let music = short();
    let end = music.frames();
    // As 16-bit dither: white, within one step.
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(seed >> 8) / f64::from(1 << 24) - 0.5) as f32 / 32_768.0
    };
    let planes = music
        .planes()
        .iter()
        .map(|plane| plane.iter().copied().chain((0..end).map(|_| noise())).collect())
        .collect();
    let mut bench = Bench::new();
    bench.play(&AudioBuffer::new(planes, RATE).unwrap());
    bench.stop();
    let seen = bench.settled();
    let loops = of_kind(&seen, ItemKind::Loop);
    assert!(!loops.is_empty());
    // The last bar rings on into the next.
    let last = end as u64 + 2 * u64::from(RATE);
    for item in seen.items.iter() {
        assert!(item.start < last, "{} of silence: {item:?}", item.score);
    }
}

#[test]
fn a_take_is_heard_in_tune_at_another_rate() {
    let audio = short();
    let mut bench = Bench::new();
    bench.play(&audio);
    bench.stop();
    let seen = bench.settled();
    let item = of_kind(&seen, ItemKind::Loop)[0].clone();
    // The host goes on at another rate; the takes stay.
    let (_tap, feed) = tap::channel(48_000.0);
    let (player, booth) = preview::channel(48_000.0, bench.shared.clone());
    bench.player = player;
    if let Some(worker) = &bench.worker {
        worker.close();
        worker.open(Stream {
            rate: 48_000.0,
            feed,
            booth,
        });
    }
    bench.until("the rate", |s| s.status.rate == 48_000);
    let how = Audition {
        sync: false,
        looped: true,
        solo: true,
    };
    bench.send(Command::Audition(item.id, how));
    // Two rounds: the second is the first, so many frames later as the loop has at this rate.
    let frames = (item.frames as f64 * 48_000.0 / f64::from(RATE)).ceil() as usize;
    let heard = listen(&mut bench, 2 * frames + 8192);
    let begin = heard.iter().position(|x| *x != 0.0).unwrap() + 1000;
    let worst = (begin..begin + frames / 2).map(|i| (heard[i] - heard[i + frames]).abs());
    assert!(worst.fold(0.0, f32::max) < 1e-6);
    assert!(peak(&heard) > 0.05);
}

#[test]
fn without_a_hosts_time_bars_are_heard() {
    let audio = song();
    let mut bench = Bench::new();
    bench.feed(&audio, false);
    let silence = AudioBuffer::new(vec![vec![0.0; 4 * RATE as usize]; 2], RATE).unwrap();
    bench.feed(&silence, false);
    let seen = bench.settled();
    let take = &seen.takes[0];
    assert_eq!((take.grid, take.first_bar), (GridOrigin::Tracked, None));
    assert!((take.bpm - BPM).abs() < 0.2, "{}", take.bpm);
    assert!(!of_kind(&seen, ItemKind::Loop).is_empty());
    for line in take.bars.iter() {
        let bars = line / (2.0 * f64::from(RATE));
        assert!((bars - bars.round()).abs() < 0.01, "{bars}");
    }
    let item = of_kind(&seen, ItemKind::Loop)[0].clone();
    assert!(bench.ready(&item).is_file());
}

/// The host tells a tempo that is not the music's.
#[test]
fn bars_are_heard_where_the_user_says_so() {
    let audio = short();
    let mut bench = Bench::new();
    bench.send(Command::Settings(Settings {
        by_ear: true,
        ..bench.shared.state.lock().settings.clone()
    }));
    // Once it is stored it is in force.
    bench.until("the setting", |_| bench.shared.state.lock().settings.by_ear);
    bench.play(&audio);
    bench.stop();
    let silence = AudioBuffer::new(vec![vec![0.0; 4 * RATE as usize]; 2], RATE).unwrap();
    bench.feed(&silence, false);
    let seen = bench.settled();
    assert_eq!(seen.takes[0].grid, GridOrigin::Tracked);
    assert!(seen.takes[0].end > 10 * u64::from(RATE));
}

#[test]
fn the_best_are_written_unattended_where_that_is_wanted() {
    let audio = short();
    let mut bench = Bench::new();
    let mut settings = bench.shared.state.lock().settings.clone();
    settings.export_automatically = 2;
    bench.send(Command::Settings(settings));
    bench.play(&audio);
    bench.stop();
    bench.settled();
    let seen = bench.until("files", |s| {
        let ready = |k| {
            of_kind(s, k)
                .iter()
                .filter(|i| matches!(i.file, FileState::Ready(_)))
                .count()
        };
        let writing = s.items.iter().any(|i| i.file == FileState::Writing);
        ready(ItemKind::Loop) == 2 && ready(ItemKind::Break) >= 1 && !writing
    });
    for kind in ItemKind::ALL {
        for (place, item) in of_kind(&seen, kind).iter().enumerate() {
            assert_eq!(matches!(item.file, FileState::Ready(_)), place < 2, "{item:?}");
        }
    }
}

#[test]
fn a_worker_that_is_dropped_gives_its_analysis_up() {
    let audio = song();
    let mut bench = Bench::new();
    bench.play(&audio);
    bench.stop();
    bench.until("the analysis", |s| s.status.analysing.is_some());
    bench.worker = None;
    // It was joined, and what it had begun was not finished.
    let left = bench.snapshot();
    assert!(left.items.is_empty());
    assert!(
        Arc::strong_count(&bench.shared) <= 2,
        "the thread is gone; the player is left"
    );
    // One that has nothing to do ends as well, and so does one that was never opened.
    drop(Worker::start(bench.shared.clone()).unwrap());
}

/// What an analysis of a long take costs: `cargo test -p loopwright-plugin --test worker -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a test"]
fn cost_of_a_long_take() {
    let one = song();
    let planes = one
        .planes()
        .iter()
        .map(|p| p.iter().copied().cycle().take(180 * RATE as usize).collect())
        .collect();
    let audio = AudioBuffer::new(planes, RATE).unwrap();
    for (hosted, automatic) in [(true, false), (false, false), (true, true)] {
        let mut bench = Bench::new();
        let mut settings = bench.shared.state.lock().settings.clone();
        settings.automatic = automatic;
        bench.send(Command::Settings(settings));
        bench.feed(&audio, hosted);
        bench.stop();
        bench.feed(
            &AudioBuffer::new(vec![vec![0.0; 4 * RATE as usize]; 2], RATE).unwrap(),
            false,
        );
        if !automatic {
            bench.until("the end", |s| s.takes.first().is_some_and(|t| !t.open));
            bench.send(Command::Analyse);
        }
        for round in 0..2 {
            let seen = bench.until("the analysis", |s| {
                s.takes.first().is_some_and(|t| t.analysed_to == t.end && !t.open)
                    && s.status.analysing.is_none()
                    && s.status.analysis_seconds > 0.0
            });
            println!(
                "hosted {hosted}, automatic {automatic}, round {round}: {:.2} s of CPU for {:.0} s, {} items",
                seen.status.analysis_seconds,
                (seen.takes[0].end - seen.takes[0].first) as f64 / f64::from(RATE),
                seen.items.len()
            );
            bench.send(Command::Analyse);
            bench.until("the next", |s| s.status.analysing.is_some());
        }
    }
}
