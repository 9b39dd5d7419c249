//! `loopwright find` as a user runs it.

mod common;

use std::fs;

use common::{Song, assert_same, expect_code, loops, run_in, stderr, stdout, tree, write_wav};

#[test]
fn a_folder_with_good_and_bad_files_gives_the_good_and_names_the_bad() {
    let work = tempfile::tempdir().unwrap();
    let music = work.path().join("music");
    fs::create_dir_all(music.join("deep/er")).unwrap();
    Song::default().write(&music.join("a song.wav"));
    Song {
        bpm: 96.0,
        seed: 2,
        ..Song::default()
    }
    .write(&music.join("deep/er/other.WAV"));
    fs::write(music.join("broken.mp3"), b"this is no music").unwrap();
    fs::write(music.join("empty.wav"), b"").unwrap();
    fs::write(music.join("notes.txt"), b"not looked at").unwrap();
    write_wav(&music.join("silence.wav"), &vec![0.0; 22_050 * 4], 22_050, 2);
    write_wav(&music.join("short.wav"), &[0.3; 200], 22_050, 1);

    let run = run_in(work.path(), &["find", "music", "--out", "out", "--top", "3"]);
    expect_code(&run, 1);
    let said = stdout(&run);
    assert!(
        said.contains("a song.wav") && said.contains("deep/er/other.WAV"),
        "{said}"
    );
    assert!(said.contains("2 tracks FAILED"), "{said}");
    assert!(
        said.contains("broken.mp3") && said.contains("empty.wav") && said.contains("->"),
        "{said}"
    );
    assert!(!said.contains("notes.txt"), "{said}");
    let progress = stderr(&run);
    assert!(progress.contains("[1/6] a song.wav: 3 loops"), "{progress}");

    let files = tree(&work.path().join("out"));
    assert_eq!(loops(&files).len(), 6, "{:?}", files.keys());
    for name in ["manifest.json", "all_loops.csv", "all_loops.jsonl"] {
        assert!(files.contains_key(name), "no {name} in {:?}", files.keys());
    }
    assert!(
        !files
            .keys()
            .any(|name| name.contains(".tmp") || name.contains(".loopwright")),
        "{:?}",
        files.keys()
    );
}

#[test]
fn the_tree_is_the_same_for_any_number_of_jobs_and_for_a_second_run() {
    let work = tempfile::tempdir().unwrap();
    for n in 0..5 {
        let song = Song {
            bpm: 90.0 + 13.0 * f64::from(n),
            seed: n,
            bars: 12,
            ..Song::default()
        };
        song.write(&work.path().join(format!("song{n}.wav")));
    }
    let inputs = ["song0.wav", "song1.wav", "song2.wav", "song3.wav", "song4.wav"];
    let find = |out: &str, more: &[&str]| {
        let mut arguments = vec!["find", "--out", out, "--quiet"];
        arguments.extend(inputs);
        arguments.extend(more);
        let run = run_in(work.path(), &arguments);
        expect_code(&run, 0);
        tree(&work.path().join(out))
    };
    let one = find("one", &["--jobs", "1"]);
    assert!(!loops(&one).is_empty());
    assert_same(&one, &find("two", &["--jobs", "2"]));
    assert_same(&one, &find("many", &["--jobs", "16"]));
    assert_same(&one, &find("one", &["--jobs", "2"]));
    assert_same(&one, &find("one", &["--jobs", "2", "--force"]));
}

#[test]
fn json_lines_tell_programs_everything() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("a.wav"));
    fs::write(work.path().join("b.wav"), b"RIFF").unwrap();
    for more in [&["--dry-run"][..], &["--out", "out"], &["--out", "out"]] {
        let mut arguments = vec!["find", "a.wav", "b.wav", "--json", "--top", "2"];
        arguments.extend(more);
        let run = run_in(work.path(), &arguments);
        expect_code(&run, 1);
        let lines: Vec<serde_json::Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert!(lines.iter().all(|l| l["schema"] == 1));
        let types: Vec<&str> = lines.iter().map(|l| l["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["track", "loop", "loop", "failure", "summary"]);
        for found in &lines[1..3] {
            assert!(found["end"].as_f64().unwrap() > found["start"].as_f64().unwrap());
            assert!(found["file"].as_str().unwrap().ends_with(".wav"), "{found}");
            assert!(found["score"].is_f64() && found["score_rank"].is_u64(), "{found}");
        }
        assert!(lines[3]["error"].as_str().unwrap().contains("b.wav"));
        assert_eq!(lines[4]["failed"], 1);
    }
    assert_eq!(
        tree(&work.path().join("out"))
            .keys()
            .filter(|n| n.ends_with(".wav"))
            .count(),
        2
    );
}

#[test]
fn a_dry_run_writes_nothing() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("a.wav"));
    let before = tree(work.path());
    expect_code(&run_in(work.path(), &["find", "a.wav", "--dry-run"]), 0);
    expect_code(&run_in(work.path(), &["find", "a.wav", "--dry-run", "--out", "out"]), 0);
    assert_same(&before, &tree(work.path()));
    assert!(!work.path().join("out").exists());
}

#[test]
fn own_output_inside_the_input_is_not_searched() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("a.wav"));
    expect_code(&run_in(work.path(), &["find", ".", "--out", "loops"]), 0);
    let first = tree(&work.path().join("loops"));
    let again = run_in(work.path(), &["find", ".", "--out", "loops"]);
    expect_code(&again, 0);
    assert!(
        stdout(&again).contains("1 done by an earlier run"),
        "{}",
        stdout(&again)
    );
    assert_same(&first, &tree(&work.path().join("loops")));
    let elsewhere = run_in(work.path(), &["find", ".", "--out", "more"]);
    expect_code(&elsewhere, 0);
    assert_same(&first, &tree(&work.path().join("more")));
}

#[test]
fn every_format_is_written() {
    let work = tempfile::tempdir().unwrap();
    Song {
        rate: 44_100,
        channels: 2,
        ..Song::default()
    }
    .write(&work.path().join("a.wav"));
    let mut arguments = vec!["find", "a.wav", "--out", "out", "--top", "1"];
    for format in ["wav", "wav16", "wav32f", "flac"] {
        arguments.extend(["--format", format]);
    }
    if cfg!(feature = "mp3") {
        arguments.extend(["--format", "mp3"]);
    }
    expect_code(&run_in(work.path(), &arguments), 0);
    let files = tree(&work.path().join("out"));
    let number = |ending: &str| files.keys().filter(|n| n.ends_with(ending)).count();
    assert_eq!((number(".wav"), number(".flac")), (3, 1), "{:?}", files.keys());
    assert_eq!(number(".mp3"), usize::from(cfg!(feature = "mp3")));
}

#[test]
fn given_beats_are_the_grid() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("a.wav"));
    let beats: String = (0..48)
        .map(|b| format!("{:.4} {}\n", 0.25 + f64::from(b) * 0.5, b % 4 + 1))
        .collect();
    fs::write(work.path().join("beats.txt"), beats).unwrap();
    let run = run_in(
        work.path(),
        &[
            "find",
            "a.wav",
            "--dry-run",
            "--json",
            "--beats",
            "beats.txt",
            "--bars",
            "2",
        ],
    );
    expect_code(&run, 0);
    let lines: Vec<serde_json::Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let found: Vec<_> = lines.iter().filter(|l| l["type"] == "loop").collect();
    assert!(!found.is_empty());
    for l in found {
        // Bars begin at 0.25 s and last 2 s; the cut may move to the attack by some milliseconds.
        let off = (l["start"].as_f64().unwrap() - 0.25).rem_euclid(2.0);
        assert!(off.min(2.0 - off) < 0.1, "{l}");
        assert!(
            (l["end"].as_f64().unwrap() - l["start"].as_f64().unwrap() - 4.0).abs() < 0.01,
            "{l}"
        );
    }
    fs::write(work.path().join("beats.txt"), "0.5\nsoon\n").unwrap();
    let wrong = run_in(work.path(), &["find", "a.wav", "--dry-run", "--beats", "beats.txt"]);
    expect_code(&wrong, 2);
    assert!(stderr(&wrong).contains("beats.txt, line 2"), "{}", stderr(&wrong));
}

#[test]
fn exit_codes_are_honest() {
    let work = tempfile::tempdir().unwrap();
    fs::create_dir(work.path().join("nothing")).unwrap();
    write_wav(&work.path().join("silence.wav"), &vec![0.0; 22_050 * 4], 22_050, 1);
    let code = |arguments: &[&str], code| expect_code(&run_in(work.path(), arguments), code);
    code(&["find", "nothing", "--out", "out"], 4);
    code(&["find", "silence.wav", "--out", "out"], 4);
    code(&["find", "gone.wav", "--out", "out"], 1);
    code(&["find", "silence.wav"], 2);
    code(&["find", "silence.wav", "--out", "out", "--bars", "0"], 2);
    code(&["find", "silence.wav", "--out", "out", "--half", "--double"], 2);
    code(&["find", "silence.wav", "--out", "out", "--config", "gone.toml"], 3);
    code(&["find", "silence.wav", "--out", "silence.wav"], 3);
    code(&["--help"], 0);
    code(&["--version"], 0);
    code(&["dance"], 2);
    fs::write(work.path().join("loopwright.toml"), "[rank]\ntop = 3\n").unwrap();
    let wrong = run_in(work.path(), &["find", "silence.wav", "--out", "out"]);
    expect_code(&wrong, 2);
    assert!(
        stderr(&wrong).contains("loopwright.toml") && stderr(&wrong).contains("top"),
        "{}",
        stderr(&wrong)
    );
}
