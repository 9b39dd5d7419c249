//! `loopwright train boost` and `evaluate`, from a CSV to a table of measures.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{expect_code, run_in, stderr, stdout};
use serde_json::Value;

/// Candidates that are good where `tell` is high and `gate` is there at all.
fn dataset(path: &Path, tracks: usize) {
    let mut text = String::from("track_id,start_time,end_time,bars,weight,tell,gate\n");
    let mut state = 999u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 24)
    };
    for track in 0..tracks {
        for row in 0..30 {
            let (tell, there) = (random(), random() < 0.7);
            let weight = if there {
                (tell * tell * 100.0).round() / 100.0
            } else {
                0.0
            };
            let gate = if there { "1" } else { "" };
            let _ = writeln!(text, "song {track},{row},{},4,{weight},{tell},{gate}", row + 8);
        }
    }
    fs::write(path, text).unwrap();
}

fn measure<'a>(ranker: &'a Value, name: &str) -> &'a Value {
    let measures = ranker["measures"].as_array().unwrap();
    measures.iter().find(|m| m["measure"] == name).unwrap()
}

#[test]
fn trees_are_trained_and_judged() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    dataset(&at.join("loops.csv"), 60);
    for (out, jobs) in [("one", "1"), ("two", "2")] {
        let run = run_in(
            at,
            &[
                "train",
                "boost",
                "loops.csv",
                "--out",
                out,
                "--rounds",
                "60",
                "--learning-rate",
                "0.2",
                "--jobs",
                jobs,
            ],
        );
        expect_code(&run, 0);
    }
    let model = |folder: &str| fs::read(at.join(folder).join("ranker.json")).unwrap();
    assert_eq!(model("one"), model("two"), "the number of threads shows");

    let run = run_in(
        at,
        &[
            "evaluate",
            "loops.csv",
            "--model",
            "one/ranker.json",
            "--only-test",
            "--k",
            "1,10",
            "--json",
            "--per-track",
            "tracks.csv",
        ],
    );
    expect_code(&run, 0);
    assert!(stderr(&run).contains("the heuristic is left out"), "{}", stderr(&run));
    let told: Value = serde_json::from_str(&stdout(&run)).unwrap();
    let split: Value = serde_json::from_slice(&fs::read(at.join("one/split.json")).unwrap()).unwrap();
    let test = split["test"].as_array().unwrap().len();
    assert!(test > 0 && told["tracks"] == test && told["only_test"] == true);
    let (chance, trees) = (&told["rankers"][0], &told["rankers"][1]);
    assert_eq!(
        (&chance["name"], &trees["name"]),
        (&Value::from("chance"), &Value::from("one/ranker.json"))
    );
    let mean = |v: &Value| v["mean"].as_f64().unwrap();
    assert!(mean(&measure(trees, "ndcg@10")["value"]) > 0.95, "{trees}");
    assert!(measure(trees, "ndcg@10")["above_chance"]["low"].as_f64().unwrap() > 0.2);
    assert_eq!(trees["calibrated"], true);
    assert!(trees["reliability"]["ece"].as_f64().unwrap() < 0.15, "{trees}");
    let table = fs::read_to_string(at.join("tracks.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 2 * test);
    assert!(
        table.starts_with("track_id,ranker,ndcg@1,ndcg@10,precision@1,"),
        "{table}"
    );

    // On a terminal: the same in words, and a warning where tracks were trained with.
    let run = run_in(at, &["evaluate", "loops.csv", "--model", "one/ranker.json"]);
    expect_code(&run, 0);
    let text = stdout(&run);
    for word in [
        "ndcg@10",
        "precision@5",
        "mrr",
        "chance",
        "over chance",
        "Brier",
        "calibrated",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(stderr(&run).contains("--only-test leaves them out"), "{}", stderr(&run));
}

#[test]
fn what_cannot_be_judged_says_why() {
    let work = tempfile::tempdir().unwrap();
    let at = work.path();
    dataset(&at.join("loops.csv"), 4);
    fs::write(at.join("model.txt"), "no model").unwrap();
    for (arguments, code, words) in [
        (&["evaluate", "missing.csv"][..], 3, "missing.csv"),
        (&["evaluate", "loops.csv", "--model", "model.txt"], 3, "model.txt"),
        (&["evaluate", "loops.csv", "--k", "0"], 2, "--k"),
        (&["evaluate", "loops.csv", "--only-test"], 2, "--model"),
    ] {
        let run = run_in(at, arguments);
        expect_code(&run, code);
        assert!(stderr(&run).contains(words), "{}", stderr(&run));
    }
    // One track; weights that are all alike.
    dataset(&at.join("one.csv"), 1);
    let run = run_in(at, &["train", "boost", "one.csv", "--out", "none"]);
    assert!(
        !run.status.success() && stderr(&run).contains("one track"),
        "{}",
        stderr(&run)
    );
    let mut flat = String::from("track_id,start_time,end_time,weight,tell\n");
    for i in 0..80 {
        let _ = writeln!(flat, "song {},{i},{},0.5,{}", i / 10, i + 1, i % 7);
    }
    fs::write(at.join("flat.csv"), flat).unwrap();
    let run = run_in(at, &["train", "boost", "flat.csv", "--out", "none"]);
    assert!(
        !run.status.success() && stderr(&run).contains("nothing to rank"),
        "{}",
        stderr(&run)
    );
    assert!(!at.join("none/ranker.json").exists());
}
