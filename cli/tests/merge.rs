//! `--shard` and `loopwright merge` as a user runs them: parts of the work that make up the whole.

mod common;

use std::fs;
use std::path::Path;

use common::{Song, assert_same, expect_code, run_in, stderr, stdout, tree};
use serde_json::Value;

/// Seven songs in two folders, two of which would share a name, and a file that is no audio.
fn corpus(folder: &Path) {
    fs::create_dir_all(folder.join("in/more")).unwrap();
    for (n, name) in ["a", "b", "c", "d", "more/a", "more/e"].into_iter().enumerate() {
        let song = Song {
            bars: 8,
            bpm: 110.0 + 4.0 * n as f64,
            seed: n as u32 + 1,
            ..Song::default()
        };
        song.write(&folder.join(format!("in/{name}.wav")));
    }
    fs::copy(folder.join("in/b.wav"), folder.join("in/a.wave")).unwrap();
    fs::write(folder.join("in/broken.wav"), b"RIFF no more").unwrap();
}

fn find(folder: &Path, more: &[&str]) -> std::process::Output {
    let mut arguments = vec!["find", "in", "--top", "2", "--bars", "2,4", "--no-progress"];
    arguments.extend(more);
    run_in(folder, &arguments)
}

#[test]
fn parts_make_up_the_whole_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    corpus(at);
    expect_code(&find(at, &["--out", "whole"]), 1);
    let mut tracks = 0;
    for i in 1..=3 {
        let part = find(
            at,
            &["--out", &format!("part{i}"), "--shard", &format!("{i}/3"), "--json"],
        );
        let code = part.status.code().unwrap();
        assert!(code < 2, "{}", stderr(&part));
        let lines = stdout(&part);
        let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        tracks += last["tracks"].as_u64().unwrap() + last["failed"].as_u64().unwrap();
    }
    assert_eq!(tracks, 8, "every track belongs to one part");
    let merge = ["merge", "part1", "part2", "part3", "--out", "merged", "--json"];
    let merged = run_in(at, &merge);
    expect_code(&merged, 0);
    let line: Value = serde_json::from_str(&stdout(&merged)).unwrap();
    assert_eq!(line["tracks"], 8);
    assert_eq!(line["failed"], 1);
    assert!(stderr(&merged).contains("FAILED"), "{}", stderr(&merged));
    assert_same(&tree(&at.join("whole")), &tree(&at.join("merged")));

    // Again, there is nothing to copy; nor does the order of the parts matter.
    let again = run_in(at, &["merge", "part3", "part1", "part2", "--out", "merged", "--json"]);
    expect_code(&again, 0);
    let line: Value = serde_json::from_str(&stdout(&again)).unwrap();
    assert_eq!(line["copied"], 0);
    assert_same(&tree(&at.join("whole")), &tree(&at.join("merged")));
    // A run over all of it goes on from the merged folder.
    let resumed = find(at, &["--out", "merged", "--json"]);
    expect_code(&resumed, 1);
    let lines = stdout(&resumed);
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["resumed"], 7);
}

#[test]
fn what_was_changed_or_is_there_twice_is_told_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    corpus(at);
    fs::remove_file(at.join("in/broken.wav")).unwrap();
    expect_code(&find(at, &["--out", "one"]), 0);
    expect_code(&find(at, &["--out", "two"]), 0);
    let loops = tree(&at.join("one"));
    let of_c = loops
        .keys()
        .find(|n| n.starts_with("c/") && n.ends_with(".wav"))
        .unwrap();
    fs::write(at.join("one").join(of_c), b"something else").unwrap();
    // The other one has it whole, but the first one named counts: it is told, and not mended in silence.
    let merged = run_in(at, &["merge", "one", "two", "--out", "merged"]);
    expect_code(&merged, 1);
    assert!(stdout(&merged).contains("left out: c of one"), "{}", stdout(&merged));
    assert!(tree(&at.join("merged")).keys().all(|n| !n.starts_with("c/")));
    // In the other order all is well.
    expect_code(&run_in(at, &["merge", "two", "one", "--out", "merged"]), 0);
    assert_same(&tree(&at.join("two")), &tree(&at.join("merged")));

    // The same name for other audio.
    fs::copy(at.join("in/d.wav"), at.join("in/a.wav")).unwrap();
    expect_code(&find(at, &["--out", "three"]), 0);
    let merged = run_in(at, &["merge", "two", "three", "--out", "twice"]);
    expect_code(&merged, 1);
    assert!(stdout(&merged).contains("left out: a of three"), "{}", stdout(&merged));
    assert_same(&tree(&at.join("two")), &tree(&at.join("twice")));
}

#[test]
fn what_is_no_part_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    Song::default().write(&at.join("a.wav"));
    let wrong = run_in(at, &["find", "a.wav", "--out", "x", "--shard", "4/3"]);
    expect_code(&wrong, 2);
    assert!(stderr(&wrong).contains("3/16"), "{}", stderr(&wrong));
    expect_code(&run_in(at, &["merge", ".", "--out", "x"]), 2);
    expect_code(&run_in(at, &["merge", "x", "--out", "x"]), 2);
    assert!(!at.join("x").exists());
    // A manifest that names files elsewhere takes none of them.
    expect_code(
        &run_in(at, &["find", "a.wav", "--out", "mine", "--top", "1", "--bars", "4"]),
        0,
    );
    let manifest = at.join("mine/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let loops = tree(&at.join("mine"));
    let loop_file = loops.keys().find(|n| n.ends_with(".wav")).unwrap();
    assert!(text.contains(loop_file.as_str()));
    fs::write(&manifest, text.replace(loop_file.as_str(), "../a.wav")).unwrap();
    let escaped = run_in(at, &["merge", "mine", "--out", "taken"]);
    expect_code(&escaped, 3);
    assert!(stderr(&escaped).contains("leads out"), "{}", stderr(&escaped));
}

#[test]
fn the_table_as_parquet_is_kept_up_to_date_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    corpus(at);
    fs::remove_file(at.join("in/broken.wav")).unwrap();
    let parquet = ["--format", "parquet"];
    expect_code(&find(at, &[&["--out", "whole"], &parquet[..]].concat()), 0);
    let whole = tree(&at.join("whole"));
    let table = &whole["all_loops.parquet"];
    assert!(table.starts_with(b"PAR1") && table.ends_with(b"PAR1"));
    assert!(whole.keys().any(|n| n.ends_with(".wav")), "loops are WAV all the same");
    let manifest: Value = serde_json::from_slice(&whole["manifest.json"]).unwrap();
    assert_eq!(manifest["tables"][2]["path"], "all_loops.parquet");
    for i in ["1", "2"] {
        let shard = format!("{i}/2");
        expect_code(&find(at, &[&["--out", i, "--shard", &shard], &parquet[..]].concat()), 0);
    }
    expect_code(&run_in(at, &["merge", "1", "2", "--out", "merged"]), 0);
    assert_same(&whole, &tree(&at.join("merged")));
    // Less music, and a run that does not ask for the table: it follows.
    fs::remove_dir_all(at.join("merged/b")).unwrap();
    fs::remove_file(at.join("in/b.wav")).unwrap();
    expect_code(&find(at, &["--out", "merged"]), 0);
    let fewer = &tree(&at.join("merged"))["all_loops.parquet"];
    assert!(fewer.starts_with(b"PAR1") && fewer.len() < table.len());
}
