use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::*;
use crate::audio::AudioBuffer;
use crate::audio::decode::Tags;
use crate::config::{self, Format};
use crate::export::layout::folders;
use crate::export::manifest::settings_hash;
use crate::loops::candidate::Candidate;
use crate::progress::Silent;
use crate::rhythm::grid::{BeatGrid, GridSource};
use crate::track::{Origin, Track, TrackId};
use crate::units::{Bpm, Span};

const RATE: u32 = 8000;
const SOURCES: [&str; 4] = ["set/=cmd.wav", "set/b.wav", "c.wav", "silent.wav"];

fn config() -> config::Export {
    config::Export {
        formats: vec![Format::Wav24, Format::Wav16, Format::Flac],
        ..config::Export::default()
    }
}

fn track(n: usize) -> Track {
    let x: Vec<f32> = (0..RATE as usize * 8)
        .map(|i| (0.3 * (i as f64 * (0.05 + 0.013 * n as f64)).sin()) as f32)
        .collect();
    let audio = AudioBuffer::new(vec![x.clone(), x], RATE).unwrap();
    Track {
        id: TrackId::of(&audio),
        audio: Arc::new(audio),
        origin: Origin::Live { take: 0 },
        name: SOURCES[n].rsplit('/').next().unwrap().trim_end_matches(".wav").into(),
        tags: Tags {
            artist: (n == 1).then(|| "../An: artist".into()),
            title: None,
            album: None,
        },
        grid: None,
    }
}

fn grid() -> BeatGrid {
    let mut grid = BeatGrid::empty(GridSource::Given);
    grid.beats = (0..16).map(|i| f64::from(i) * 4000.0).collect();
    grid.downbeats = vec![0, 4, 8, 12];
    grid.tempo = Bpm(120.0);
    grid.constant = true;
    grid
}

fn items(count: u32) -> Vec<LoopItem> {
    (0..count)
        .map(|i| LoopItem {
            candidate: Candidate {
                span: Span {
                    start: f64::from(i) * 16_000.0,
                    end: f64::from(i + 1) * 16_000.0,
                },
                bars: 1,
                beats: 4,
                first_bar: i as usize,
                beat_offset: 0,
            },
            score: 1.0 - 0.1 * f64::from(i),
            score_prob: 0.5,
            score_share: 0.25,
            number: i + 1,
            score_rank: i + 1,
            reasons: vec!["=sounds good".into(), "repeats".into()],
            columns: vec![
                ("rms_mean".into(), Cell::from(0.1f32)),
                ("bars".into(), Cell::from(9u32)),
            ],
        })
        .collect()
}

fn keys() -> Vec<SourceKey> {
    let folders = folders(&SOURCES);
    (0..SOURCES.len())
        .map(|n| SourceKey {
            folder: folders[n].clone(),
            name: SOURCES[n].into(),
            content: format!("{n}"),
            fingerprint: None,
        })
        .collect()
}

fn write_one(tree: &Tree, n: usize, key: &SourceKey, loops: u32) -> Result<TrackRecord, ExportError> {
    let request = TrackRequest {
        source: key,
        track: &track(n),
        grid: &grid(),
        key: Some("Am"),
        loops: &items(if n == 3 { 0 } else { loops }),
        config: &config(),
    };
    tree.write(key, &Cuts::of(&request)?, &Silent)
}

fn run(root: impl Into<Target>, loops: u32, parallel: bool) -> RunSummary {
    let tree = Tree::open(root, &LOOPS, &settings_hash(&loops), false).unwrap();
    let one = |(n, key): (usize, &SourceKey)| {
        if tree.finished(key).is_none() {
            write_one(&tree, n, key, loops).unwrap();
        }
    };
    let keys = keys();
    if parallel {
        keys.par_iter().enumerate().for_each(one);
    } else {
        keys.iter().enumerate().for_each(one);
    }
    tree.commit().unwrap()
}

/// Every file below `root` with its content.
fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut empty = true;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            empty = false;
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(
                    path.strip_prefix(root).unwrap().to_path_buf(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
        assert!(!empty || folder == root, "{} is empty", folder.display());
    }
    files
}

fn same(a: &BTreeMap<PathBuf, Vec<u8>>, b: &BTreeMap<PathBuf, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (path, content) in a {
        assert!(b[path] == *content, "{} differs", path.display());
    }
}

#[test]
fn in_a_store_the_tree_is_the_same() {
    use crate::store::{Location, Memory, Store};

    let tmp = tempfile::tempdir().unwrap();
    let store = Arc::new(Memory::new("memory:"));
    let at = || Location {
        store: store.clone(),
        key: "deep/out".into(),
    };
    let files = || -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = store.list("", &Silent).unwrap();
        let read = |key: &str| store.get(key, &Silent).unwrap().unwrap();
        entries
            .iter()
            .map(|e| (PathBuf::from(e.key.strip_prefix("deep/out/").unwrap()), read(&e.key)))
            .collect()
    };
    assert_eq!(run(tmp.path(), 3, false), run(Target::Store(at()), 3, true));
    same(&snapshot(tmp.path()), &files());
    // Another run finds all of it done, and one with other settings leaves nothing of it.
    let tree = Tree::open(Target::Store(at()), &LOOPS, &settings_hash(&3u32), false).unwrap();
    assert!(keys().iter().all(|k| tree.finished(k).is_some()));
    drop(tree);
    run(tmp.path(), 2, false);
    run(Target::Store(at()), 2, false);
    same(&snapshot(tmp.path()), &files());
    // Nothing leads out of the folder.
    let destination = Destination::at(&Target::Store(at())).unwrap();
    for path in ["../x", "a/../../x", "/x", "a//b"] {
        assert!(destination.write_bytes(path, b"").is_err(), "{path}");
    }
}

#[test]
fn what_a_store_marks_a_source_by_tells_its_content() {
    let tmp = tempfile::tempdir().unwrap();
    let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
    let key = SourceKey {
        fingerprint: Some("etag:1".into()),
        ..keys()[0].clone()
    };
    write_one(&tree, 0, &key, 1).unwrap();
    tree.commit().unwrap();
    drop(tree);
    let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
    let known = |mark: &str| tree.content(&key.folder, &key.name, mark);
    assert_eq!(known("etag:1"), Some(key.content.clone()));
    assert_eq!(known("etag:2"), None);
    assert_eq!(tree.content(&key.folder, "other.wav", "etag:1"), None);
}

#[test]
fn the_tree() {
    let tmp = tempfile::tempdir().unwrap();
    let summary = run(tmp.path(), 3, false);
    let files = snapshot(tmp.path());
    let names: Vec<String> = files.keys().map(|p| p.to_string_lossy().replace('\\', "/")).collect();
    assert_eq!(names.len(), 3 * (3 * 3 + 1) + 3);
    for name in [
        "all_loops.csv",
        "all_loops.jsonl",
        "manifest.json",
        "c/c - 120bpm - Am - 1bar - 01.wav",
        "c/c - 120bpm - Am - 1bar - 01 - 16bit.wav",
        "c/c - 120bpm - Am - 1bar - 03.flac",
        "set/b/An_ artist - b - 120bpm - Am - 1bar - 02.wav",
        "set/=cmd/loops_metadata.csv",
    ] {
        assert!(names.iter().any(|n| n == name), "{name} is missing from {names:#?}");
    }
    assert_eq!(summary.loops, 9);
    assert_eq!(summary.manifest.tracks.len(), 4);
    assert_eq!(summary.manifest.tracks[3].status, Status::NothingFound);
    for artefact in summary
        .manifest
        .tracks
        .iter()
        .flat_map(|t| &t.artefacts)
        .chain(&summary.manifest.tables)
    {
        let content = &files[Path::new(&artefact.path)];
        assert_eq!(artefact.bytes, content.len() as u64);
        assert_eq!(artefact.blake3, blake3::hash(content).to_hex().as_str());
    }
    let table = String::from_utf8(files[Path::new("set/=cmd/loops_metadata.csv")].clone()).unwrap();
    let header = "track_id,start_time,end_time,bars,rms_mean,score,score_prob,score_rank,file,source,bpm,beats,\
                  beats_per_bar,key,grid_confidence,sample_rate,start_frame,frames,snap_ms,seam_ratio_before,seam_ratio,\
                  seam_energy_db,crossfade_ms,gain_db,clipped_samples,reasons,score_share,audio_id";
    assert_eq!(table.lines().next().unwrap(), header);
    let first = table.lines().nth(1).unwrap();
    let begins = "set/=cmd,0.0,2.0,1,0.1,1.0,0.5,1,=cmd - 120bpm".replace(",=cmd", ",'=cmd");
    assert!(first.starts_with(&begins), "{first}");
    assert!(first.contains(",'=sounds good; repeats,"), "{first}");
}

#[test]
fn threads_do_not_show() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(one.path(), 3, false);
    run(two.path(), 3, true);
    same(&snapshot(one.path()), &snapshot(two.path()));
}

#[test]
fn a_second_run_has_nothing_to_do_and_other_settings_replace() {
    let (again, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(again.path(), 3, false);
    let before = snapshot(again.path());
    let tree = Tree::open(again.path(), &LOOPS, &settings_hash(&3), false).unwrap();
    assert!(keys().iter().all(|k| tree.finished(k).is_some()));
    drop(tree);
    run(again.path(), 3, false);
    same(&before, &snapshot(again.path()));

    std::fs::write(again.path().join("c/mine.txt"), b"a user's own").unwrap();
    run(again.path(), 2, false);
    run(fresh.path(), 2, false);
    std::fs::write(fresh.path().join("c/mine.txt"), b"a user's own").unwrap();
    same(&snapshot(fresh.path()), &snapshot(again.path()));
}

#[test]
fn a_missing_or_changed_file_is_made_again() {
    let tmp = tempfile::tempdir().unwrap();
    run(tmp.path(), 3, false);
    let before = snapshot(tmp.path());
    std::fs::remove_file(tmp.path().join("c/c - 120bpm - Am - 1bar - 02.wav")).unwrap();
    std::fs::write(tmp.path().join("set/b/loops_metadata.csv"), b"cut off").unwrap();
    run(tmp.path(), 3, false);
    same(&before, &snapshot(tmp.path()));
    std::fs::write(tmp.path().join(LOOPS.lines), b"{}").unwrap();
    run(tmp.path(), 3, false);
    same(&before, &snapshot(tmp.path()));
}

#[test]
fn other_sources_of_earlier_runs_stay_listed() {
    let tmp = tempfile::tempdir().unwrap();
    let keys = keys();
    for n in [0, 2] {
        let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
        write_one(&tree, n, &keys[n], 1).unwrap();
        tree.commit().unwrap();
    }
    let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
    assert!(tree.finished(&keys[0]).is_some());
    let failed = tree.write_status(&keys[0], Status::Failed, "cannot be read").unwrap();
    assert_eq!(failed.artefacts.len(), 4);
    let summary = tree.commit().unwrap();
    assert_eq!((summary.loops, summary.manifest.tracks.len()), (1, 2));
    drop(tree);
    let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
    write_one(&tree, 0, &keys[0], 1).unwrap();
    tree.write_status(&keys[2], Status::NothingFound, "silence").unwrap();
    let summary = tree.commit().unwrap();
    assert_eq!(summary.loops, 1);
    assert!(!tmp.path().join("c").exists());
}

#[test]
fn cancelling_leaves_no_half_track() {
    struct Soon(std::sync::atomic::AtomicU32);
    impl Progress for Soon {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= 2
        }
    }
    let tmp = tempfile::tempdir().unwrap();
    let tree = Tree::open(tmp.path(), &LOOPS, "s", false).unwrap();
    let key = &keys()[2];
    let request = TrackRequest {
        source: key,
        track: &track(2),
        grid: &grid(),
        key: None,
        loops: &items(4),
        config: &config(),
    };
    let stopped = tree.write(key, &Cuts::of(&request).unwrap(), &Soon(0.into()));
    assert!(matches!(stopped, Err(ExportError::Cancelled(_))));
    assert!(snapshot(tmp.path()).is_empty());
}

#[test]
fn a_dry_run_tells_and_touches_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let root = tmp.path().join("out");
    let tree = Tree::open(&root, &LOOPS, "s", true).unwrap();
    let key = &keys()[1];
    let told = write_one(&tree, 1, key, 2).unwrap();
    assert_eq!(
        (told.loops.len(), told.artefacts.len(), told.loops[1].frames),
        (2, 7, 16_000)
    );
    tree.commit().unwrap();
    assert!(!root.exists());
    let tree = Tree::open(&root, &LOOPS, "s", false).unwrap();
    let made = write_one(&tree, 1, key, 2).unwrap();
    let paths = |r: &TrackRecord| {
        r.artefacts
            .iter()
            .map(|a| a.path.clone())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(paths(&told), paths(&made));
}

/// Run by the test below in a process of its own, which that test kills.
#[test]
#[ignore = "only run by a_killed_run_is_taken_up"]
fn victim() {
    if let Some(root) = std::env::var_os("LOOPWRIGHT_TEST_ROOT") {
        run(Path::new(&root), 3, true);
    }
}

#[test]
fn a_killed_run_is_taken_up() {
    let (whole, tmp) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(whole.path(), 3, false);
    let want = snapshot(whole.path());
    let exe = std::env::current_exe().unwrap();
    let mut interrupted = 0;
    for round in 0..20u64 {
        let root = tmp.path().join(round.to_string());
        let mut child = std::process::Command::new(&exe)
            .args(["--exact", "export::tree::tests::victim", "--ignored"])
            .env("LOOPWRIGHT_TEST_ROOT", &root)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2 + round * 3));
        child.kill().unwrap();
        child.wait().unwrap();
        interrupted += u32::from(root.exists() && !root.join(LOOPS.manifest).exists());
        // Half of them with other settings first, whose files must not stay behind.
        if round % 2 == 1 {
            run(&root, 2, true);
        }
        run(&root, 3, true);
        same(&want, &snapshot(&root));
    }
    println!("{interrupted} of 20 runs were under way when they were killed");
}

/// A plan of one file.
struct One(&'static str);

impl Plan for One {
    fn paths(&self) -> Vec<String> {
        vec![self.0.into()]
    }

    fn outline(&self) -> Vec<LoopRecord> {
        Vec::new()
    }

    fn write(&self, out: &mut Writer<'_>, _: &dyn Progress) -> Result<Table, ExportError> {
        out.file(self.0, |f| f.write_all(b"one"))?;
        let mut rows = Table::default();
        rows.push([("track_id".to_owned(), Cell::from("set/b"))]);
        Ok(rows)
    }
}

#[test]
fn trees_of_two_kinds_share_a_folder() {
    let tmp = tempfile::tempdir().unwrap();
    run(tmp.path(), 3, false);
    let loops = std::fs::read(tmp.path().join(LOOPS.manifest)).unwrap();
    let key = keys().remove(1);
    let file = "set/b/break_00/drum_break.wav";
    let tree = Tree::open(tmp.path(), &BREAKS, "s", false).unwrap();
    assert!(tree.finished(&key).is_none(), "loops are not breaks");
    tree.write(&key, &One(file), &Silent).unwrap();
    // As if killed here: the journal of one kind is no business of the other's.
    drop(tree);
    let tree = Tree::open(tmp.path(), &LOOPS, &settings_hash(&3u32), false).unwrap();
    assert!(tree.finished(&key).is_some());
    tree.commit().unwrap();
    drop(tree);
    assert_eq!(std::fs::read(tmp.path().join(LOOPS.manifest)).unwrap(), loops);
    let tree = Tree::open(tmp.path(), &BREAKS, "s", false).unwrap();
    assert!(tree.finished(&key).is_some());
    tree.commit().unwrap();
    assert!(tmp.path().join(file).exists() && tmp.path().join(BREAKS.manifest).exists());
    assert!(!tmp.path().join(JOURNAL).exists());
    // What is no longer found goes, and nothing of the other kind with it.
    tree.write_status(&key, Status::NothingFound, "").unwrap();
    tree.commit().unwrap();
    assert!(!tmp.path().join(file).exists());
    drop(tree);
    assert_eq!(std::fs::read(tmp.path().join(LOOPS.manifest)).unwrap(), loops);
    let tree = Tree::open(tmp.path(), &LOOPS, &settings_hash(&3u32), false).unwrap();
    assert!(keys().iter().all(|k| tree.finished(k).is_some()));
}

/// The tree of a run with Parquet, or of one without.
#[cfg(feature = "parquet")]
fn run_with(root: &Path, parquet: bool) -> usize {
    let tree = Tree::open(root, &LOOPS, &settings_hash(&3u32), false)
        .unwrap()
        .with_parquet(parquet);
    let mut made = 0;
    for (n, key) in keys().iter().enumerate() {
        if tree.finished(key).is_none() {
            made += 1;
            write_one(&tree, n, key, 3).unwrap();
        }
    }
    tree.commit().unwrap();
    made
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_asked_for_later_is_made_of_what_is_there() {
    let (whole, later) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(run_with(whole.path(), true), 4);
    let expected = snapshot(whole.path());
    let parquet = |files: &BTreeMap<PathBuf, Vec<u8>>| {
        files
            .keys()
            .filter(|p| p.extension().is_some_and(|e| e == "parquet"))
            .count()
    };
    assert_eq!(parquet(&expected), 4);
    assert_eq!(run_with(later.path(), false), 4);
    assert_eq!(parquet(&snapshot(later.path())), 0);
    // No track is worked on again, and the tree is that of one run.
    assert_eq!(run_with(later.path(), true), 0);
    same(&expected, &snapshot(later.path()));
    // Once it is there it stays, and what went is made again.
    std::fs::remove_file(later.path().join("c/loops_metadata.parquet")).unwrap();
    assert_eq!(run_with(later.path(), false), 0);
    same(&expected, &snapshot(later.path()));
    // Who removes all of it is rid of it.
    for path in expected
        .keys()
        .filter(|p| p.extension().is_some_and(|e| e == "parquet"))
    {
        std::fs::remove_file(later.path().join(path)).unwrap();
    }
    assert_eq!(run_with(later.path(), false), 0);
    let plain = tempfile::tempdir().unwrap();
    run_with(plain.path(), false);
    same(&snapshot(plain.path()), &snapshot(later.path()));
}

#[cfg(feature = "parquet")]
#[test]
fn tracks_that_are_not_worked_on_get_their_parquet_too() {
    let tmp = tempfile::tempdir().unwrap();
    run_with(tmp.path(), false);
    let tree = Tree::open(tmp.path(), &LOOPS, "other settings", false)
        .unwrap()
        .with_parquet(true);
    let summary = tree.commit().unwrap();
    let tables = |r: &TrackRecord| r.artefacts.iter().filter(|a| a.path.ends_with(".parquet")).count();
    assert_eq!(summary.manifest.tracks.iter().map(tables).sum::<usize>(), 3);
}

#[cfg(feature = "parquet")]
#[test]
fn a_run_that_is_killed_while_it_adds_parquet_is_followed_by_one_that_is_whole() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run_with(whole.path(), true);
    run_with(killed.path(), false);
    let plain = snapshot(killed.path());
    let tree = Tree::open(killed.path(), &LOOPS, &settings_hash(&3u32), false)
        .unwrap()
        .with_parquet(true);
    assert!(tree.finished(&keys()[2]).is_some());
    drop(tree);
    // As if it had been killed before it could say that the table is there.
    let path = killed.path().join(Journal::path(&LOOPS, "c"));
    let mut journal: Journal = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let record = journal.record.as_mut().unwrap();
    record.artefacts.retain(|a| !a.path.ends_with(".parquet"));
    journal.pending = vec!["c/loops_metadata.parquet".into()];
    std::fs::write(&path, serde_json::to_vec(&journal).unwrap()).unwrap();
    assert!(killed.path().join("c/loops_metadata.parquet").is_file());
    // Without Parquet it goes; with it the tree is that of one run.
    assert_eq!(run_with(killed.path(), false), 0);
    same(&plain, &snapshot(killed.path()));
    assert_eq!(run_with(killed.path(), true), 0);
    same(&snapshot(whole.path()), &snapshot(killed.path()));
}

#[cfg(feature = "parquet")]
#[test]
fn trees_with_parquet_and_without_are_taken_over_to_that_of_one_run() {
    let (whole, merged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run_with(whole.path(), true);
    let parts = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (i, part) in parts.iter().enumerate() {
        let tree = Tree::open(part.path(), &LOOPS, &settings_hash(&3u32), false)
            .unwrap()
            .with_parquet(i == 0);
        for (n, key) in keys().iter().enumerate().filter(|(n, _)| n % 2 == i) {
            write_one(&tree, n, key, 3).unwrap();
        }
        tree.commit().unwrap();
    }
    // The second time there is nothing to copy.
    for copied in [3, 0] {
        let tree = Tree::open(merged.path(), &LOOPS, "", false).unwrap().with_parquet(true);
        let mut new = 0;
        for part in &parts {
            let part = Part::open(part.path(), &LOOPS).unwrap().unwrap();
            for record in part.tracks().iter().filter(|r| r.status == Status::Done) {
                new += usize::from(tree.adopt(&part, record).unwrap().unwrap());
            }
            let silent = part.tracks().iter().find(|r| r.status != Status::Done);
            silent.map(|record| tree.adopt(&part, record).unwrap().unwrap());
        }
        assert_eq!(new, copied);
        tree.commit().unwrap();
        same(&snapshot(whole.path()), &snapshot(merged.path()));
    }
}
