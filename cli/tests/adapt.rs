//! `train adapt` from a terminal: ratings in, a ranking out that `find` takes.

mod common;

use std::fs;
use std::path::Path;

use common::{Song, expect_code, run_in, stderr, stdout};
use serde_json::Value;

/// A folder with a song and the table of all its loops.
fn found(home: &Path) -> Vec<csv::StringRecord> {
    Song::default().write(&home.join("song.wav"));
    let all = [
        "find",
        "song.wav",
        "--out",
        "loops",
        "--top",
        "0",
        "--order",
        "best",
        "--min-rel-score=-inf",
    ];
    expect_code(&run_in(home, &all), 0);
    csv::Reader::from_path(home.join("loops/all_loops.csv"))
        .unwrap()
        .records()
        .map(Result::unwrap)
        .collect()
}

fn header(home: &Path) -> csv::StringRecord {
    csv::Reader::from_path(home.join("loops/all_loops.csv"))
        .unwrap()
        .headers()
        .unwrap()
        .clone()
}

/// The table with a column `rating`: long loops are liked, short ones are not. With `columns`, only those are kept.
fn rate(home: &Path, records: &[csv::StringRecord], to: &str, columns: Option<&[&str]>) {
    let header = header(home);
    let keep: Vec<usize> = (0..header.len())
        .filter(|&i| columns.is_none_or(|c| c.contains(&&header[i])))
        .collect();
    let bars = header.iter().position(|h| h == "bars").unwrap();
    let mut out = csv::Writer::from_path(home.join(to)).unwrap();
    out.write_record(keep.iter().map(|&i| &header[i]).chain(["rating"]))
        .unwrap();
    for record in records {
        let rating = if record[bars].parse::<u32>().unwrap() >= 8 {
            "favourite"
        } else {
            "reject"
        };
        out.write_record(keep.iter().map(|&i| &record[i]).chain([rating]))
            .unwrap();
    }
    out.flush().unwrap();
}

fn best_bars(home: &Path, extra: &[&str]) -> Vec<u64> {
    let mut arguments = vec![
        "find",
        "song.wav",
        "--dry-run",
        "--json",
        "--order",
        "best",
        "--top",
        "6",
    ];
    arguments.extend(extra);
    let output = run_in(home, &arguments);
    expect_code(&output, 0);
    let text = stdout(&output);
    let lines = text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    lines
        .filter(|l| l["type"] == "loop")
        .map(|l| l["bars"].as_u64().unwrap())
        .collect()
}

#[test]
fn ratings_become_a_ranking_that_find_takes() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let records = found(home);
    rate(home, &records, "ratings.csv", None);
    let output = run_in(home, &["train", "adapt", "ratings.csv", "--out", "mine"]);
    expect_code(&output, 0);
    assert!(stdout(&output).contains("longer loops"), "{}", stdout(&output));
    let card = fs::read_to_string(home.join("mine/MODEL.md")).unwrap();
    assert!(card.contains("longer loops") && card.contains("heuristic"), "{card}");
    // The same ratings, the same bytes.
    expect_code(&run_in(home, &["train", "adapt", "ratings.csv", "--out", "again"]), 0);
    assert_eq!(
        fs::read(home.join("mine/adapted.json")).unwrap(),
        fs::read(home.join("again/adapted.json")).unwrap()
    );

    let mean = |bars: &[u64]| bars.iter().sum::<u64>() as f64 / bars.len() as f64;
    let (before, after) = (best_bars(home, &[]), best_bars(home, &["--model", "mine/adapted.json"]));
    assert!(mean(&after) > mean(&before), "{before:?} {after:?}");

    // Ratings of nothing but times: the recording is listened to, with the same result.
    rate(
        home,
        &records,
        "times.csv",
        Some(&["track_id", "start_time", "end_time", "bars"]),
    );
    let bare = run_in(home, &["train", "adapt", "times.csv", "--out", "heard"]);
    expect_code(&bare, 2);
    assert!(stderr(&bare).contains("--audio"), "{}", stderr(&bare));
    assert!(!home.join("heard").exists(), "nothing half-written");
    let heard = run_in(
        home,
        &[
            "train",
            "adapt",
            "times.csv",
            "--audio",
            "song.wav",
            "--out",
            "heard",
            "--json",
        ],
    );
    expect_code(&heard, 0);
    let told: Value = serde_json::from_str(&stdout(&heard)).unwrap();
    assert_eq!(told["ratings"].as_u64().unwrap() as usize, records.len());
    assert_eq!(told["left_out"], 0);
    assert_eq!(
        told["prefers"][0].as_str().map(|w| w.contains("longer loops")),
        Some(true),
        "{told}"
    );
}

#[test]
fn no_ratings_leave_the_ranking_exactly_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    Song::default().write(&home.join("song.wav"));
    fs::write(home.join("none.csv"), "track_id,start_time,end_time,rating\n").unwrap();
    let output = run_in(home, &["train", "adapt", "none.csv", "--out", "mine"]);
    expect_code(&output, 0);
    assert!(
        stdout(&output).contains("the ranking stays as it was"),
        "{}",
        stdout(&output)
    );
    let lines = |extra: &[&str]| {
        let mut arguments = vec!["find", "song.wav", "--dry-run", "--json", "--top", "0"];
        arguments.extend(extra);
        let text = stdout(&run_in(home, &arguments));
        let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let loops: Vec<Value> = lines.into_iter().filter(|l| l["type"] == "loop").collect();
        assert!(!loops.is_empty());
        loops
            .iter()
            .map(|l| (l["start"].clone(), l["end"].clone(), l["score"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&[]), lines(&["--model", "mine/adapted.json"]));
}

#[test]
fn what_cannot_be_used_is_named() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    fs::write(home.join("bad.csv"), "track_id,start_time,end_time,rating\na,1,2,7\n").unwrap();
    let said = |arguments: &[&str], word: &str| {
        let output = run_in(home, arguments);
        assert!(!output.status.success());
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    };
    said(
        &["train", "adapt", "bad.csv", "--out", "o"],
        "bad.csv, line 2: \"7\" is no rating",
    );
    said(&["train", "adapt", "gone.csv", "--out", "o"], "gone.csv");
    fs::write(home.join("none.csv"), "track_id,start_time,end_time,rating\n").unwrap();
    said(
        &["train", "adapt", "none.csv", "--model", "gone.onnx", "--out", "o"],
        "gone.onnx",
    );
    expect_code(&run_in(home, &["train", "adapt", "none.csv", "--out", "mine"]), 0);
    said(
        &[
            "train",
            "adapt",
            "none.csv",
            "--model",
            "mine/adapted.json",
            "--out",
            "o",
        ],
        "adapted ranking",
    );
}
