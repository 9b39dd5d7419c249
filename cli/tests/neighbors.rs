//! `neighbors` and `predict neighbours`, as a shell sees them: loops whose groove, tempo and kit are known.

mod common;

use std::fs;
use std::path::Path;

use common::{expect_code, run_in, stderr, stdout, write_wav};
use serde_json::Value;

const RATE: u32 = 22_050;

/// Strokes: where in the bar, and whether they are low.
type Groove = &'static [(f64, bool)];
const BREAK: Groove = &[
    (0.0, true),
    (0.25, false),
    (0.4375, false),
    (0.625, true),
    (0.75, false),
];
const FLOOR: Groove = &[
    (0.0, true),
    (0.125, false),
    (0.25, true),
    (0.5, true),
    (0.625, false),
    (0.75, true),
];
const HALFTIME: Groove = &[(0.0, true), (0.3125, true), (0.5, false), (0.90625, false)];

fn write(path: &Path, groove: Groove, bar: f64, bars: usize, decay: f32) {
    let n = (bar * bars as f64 * f64::from(RATE)).round() as usize;
    let mut samples = vec![0.0f32; n];
    for b in 0..bars {
        for (at, low) in groove {
            let start = ((b as f64 + at) * bar * f64::from(RATE)).round() as usize;
            let mut state = 9u32;
            for t in 0..3000 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                let tone = (t as f32 * 0.02 * (1.0 + (-(t as f32) / 100.0).exp())).sin();
                let sound = if *low { tone } else { noise * 0.5 };
                samples[(start + t) % n] += 0.6 * sound * (-(t as f32) / decay).exp();
            }
        }
    }
    write_wav(path, &samples, RATE, 1);
}

/// A folder of loops with two grooves more than once.
fn loops(root: &Path) {
    fs::create_dir_all(root.join("in/sub")).unwrap();
    write(&root.join("in/break_slow.wav"), BREAK, 2.4, 2, 400.0);
    write(&root.join("in/break_fast.wav"), BREAK, 1.6, 4, 250.0);
    write(&root.join("in/sub/break one bar.wav"), BREAK, 2.0, 1, 300.0);
    write(&root.join("in/floor.wav"), FLOOR, 2.0, 2, 400.0);
    write(&root.join("in/=floor 2.wav"), FLOOR, 1.9, 2, 300.0);
    write(&root.join("in/hälfte.wav"), HALFTIME, 2.0, 2, 300.0);
}

fn json(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_groove_is_found_at_other_tempi_and_lengths_and_the_table_says_how_to_play_it() {
    let dir = tempfile::tempdir().unwrap();
    loops(dir.path());
    let arguments = [
        "neighbors",
        "in/break_slow.wav",
        "--in",
        "in",
        "--out",
        "n.csv",
        "--top",
        "3",
    ];
    let output = run_in(dir.path(), &arguments);
    expect_code(&output, 0);
    let text = stdout(&output);
    assert!(
        text.contains("break_fast.wav") && text.contains("The best of 5 files"),
        "{text}"
    );
    let first = fs::read(dir.path().join("n.csv")).unwrap();
    let mut table = csv::Reader::from_reader(&first[..]);
    let columns = table.headers().unwrap().clone();
    let wanted = "file,neighbor_rank,neighbor_file,similarity,distance,stretch_ratio_neighbor_over_file,query_bpm_est,\
                  neighbor_bpm_est,neighbor_target_bpm_from_stretch,neighbor_pitch_fader_pct_from_stretch,\
                  neighbor_pitch_fader_pct_to_match_query_bpm";
    let said: Vec<&str> = columns.iter().take(11).collect();
    assert_eq!(said.join(","), wanted);
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let stretch = |name: &str| -> f64 {
        let row = rows[..2]
            .iter()
            .find(|r| r[2].contains(name))
            .unwrap_or_else(|| panic!("{rows:?}"));
        row[5].parse().unwrap()
    };
    assert!((stretch("break_fast") - 1.6 / 2.4).abs() < 0.002);
    assert!((stretch("break one bar") - 2.0 / 2.4).abs() < 0.002);
    // The same, whatever the number of threads.
    let jobs = |n: &'static str| [&arguments[..], &["--jobs", n]].concat();
    for n in ["1", "3"] {
        expect_code(&run_in(dir.path(), &jobs(n)), 0);
        assert_eq!(fs::read(dir.path().join("n.csv")).unwrap(), first);
    }
}

#[test]
fn names_parts_of_names_and_strangers_may_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    loops(dir.path());
    let ask = |query: &str| {
        run_in(
            dir.path(),
            &["neighbors", query, "--in", "in", "--json", "--top", "1", "-q"],
        )
    };
    let best = |query: &str| {
        let output = ask(query);
        expect_code(&output, 0);
        let lines = json(&stdout(&output));
        assert_eq!(
            (lines.len(), &lines[0]["type"], &lines[1]["type"]),
            (2, &"neighbor".into(), &"summary".into())
        );
        lines[0]["neighbor_path"].as_str().unwrap().replace('\\', "/")
    };
    assert_eq!(best("floor.wav"), "in/=floor 2.wav");
    assert_eq!(best("=floor"), "in/floor.wav");
    write(&dir.path().join("stranger.wav"), HALFTIME, 1.5, 2, 200.0);
    assert_eq!(best("stranger.wav"), "in/hälfte.wav");
    let output = ask("break");
    expect_code(&output, 2);
    let told = stderr(&output);
    assert!(
        told.contains("break_slow.wav") && told.contains("break_fast.wav") && !told.contains("floor"),
        "{told}"
    );
    let output = ask("no such thing");
    expect_code(&output, 2);
    assert!(stderr(&output).contains("6 files"), "{}", stderr(&output));
}

#[test]
fn what_cannot_be_compared_is_told_and_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir(root.join("in")).unwrap();
    let ask = |more: &[&str]| run_in(root, &[&["neighbors", "floor", "--in", "in"], more].concat());
    // Nothing there.
    expect_code(&ask(&[]), 4);
    // Nobody else.
    write(&root.join("in/floor.wav"), FLOOR, 2.0, 2, 300.0);
    let output = ask(&[]);
    expect_code(&output, 4);
    assert!(stdout(&output).contains("no other"), "{}", stdout(&output));
    // A copy, silence, a blink, a broken file.
    fs::copy(root.join("in/floor.wav"), root.join("in/copy.wav")).unwrap();
    write_wav(&root.join("in/silence.wav"), &vec![0.0; 44_100], RATE, 1);
    write_wav(&root.join("in/blink.wav"), &[0.5; 200], RATE, 1);
    fs::write(root.join("in/broken\u{1b}.wav"), b"RIFF").unwrap();
    let output = ask(&["--json"]);
    expect_code(&output, 1);
    let lines = json(&stdout(&output));
    let of = |kind: &str| lines.iter().filter(|l| l["type"] == kind).count();
    assert_eq!((of("failure"), of("neighbor"), of("summary")), (3, 1, 1));
    let copy = lines.iter().find(|l| l["type"] == "neighbor").unwrap();
    assert!(copy["same_audio"] == true && copy["similarity"].as_f64().unwrap() > 0.999);
    assert!(!stderr(&output).contains('\u{1b}'));
}

#[test]
fn an_index_answers_without_the_folder_and_a_broken_one_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    loops(root);
    let ask = |arguments: &[&str]| {
        let output = run_in(root, &[&["neighbors", "break_slow"], arguments].concat());
        expect_code(&output, 0);
        (stdout(&output), stderr(&output))
    };
    let (first, told) = ask(&["--in", "in", "--index", "x.lwi"]);
    assert!(told.contains("6 of them heard now"), "{told}");
    let bytes = fs::read(root.join("x.lwi")).unwrap();
    let (again, told) = ask(&["--in", "in", "--index", "x.lwi"]);
    assert!(again == first && told.contains("0 of them heard now"), "{told}");
    assert_eq!(fs::read(root.join("x.lwi")).unwrap(), bytes);
    fs::write(root.join("x.lwi"), &bytes[..bytes.len() / 2]).unwrap();
    let (again, told) = ask(&["--in", "in", "--index", "x.lwi"]);
    assert!(again == first && told.contains("made anew"), "{told}");
    fs::rename(root.join("in"), root.join("gone")).unwrap();
    assert_eq!(ask(&["--index", "x.lwi"]).0, first);
    expect_code(&run_in(root, &["neighbors", "a", "--index", "none.lwi"]), 2);
}

#[test]
fn a_set_is_answered_for_a_scorer() {
    let dir = tempfile::tempdir().unwrap();
    loops(dir.path());
    fs::write(dir.path().join("in/broken.wav"), b"RIFF").unwrap();
    let items = [
        ("slow", "break_slow.wav"),
        ("fast", "break_fast.wav"),
        ("floor", "floor.wav"),
        ("bad", "broken.wav"),
    ];
    let manifest: Vec<Value> = items
        .iter()
        .map(|(id, audio)| serde_json::json!({"id": id, "audio": audio}))
        .collect();
    fs::write(
        dir.path().join("in/manifest.json"),
        serde_json::to_string(&manifest).unwrap(),
    )
    .unwrap();
    let output = run_in(dir.path(), &["predict", "neighbours", "in", "--out", "p.jsonl"]);
    expect_code(&output, 1);
    let lines = json(&fs::read_to_string(dir.path().join("p.jsonl")).unwrap());
    let ids: Vec<&str> = lines.iter().map(|l| l["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["slow", "fast", "floor", "bad"]);
    let best = &lines[0]["neighbours"][0];
    assert_eq!(best["id"], "fast");
    assert!((best["time_ratio"].as_f64().unwrap() - 1.6 / 2.4).abs() < 0.002);
    assert_eq!(lines[0]["neighbours"].as_array().unwrap().len(), 2);
    assert_eq!(lines[3]["neighbours"].as_array().unwrap().len(), 0);
}

/// What `neighbors --map` tells of a file: the neighbours' names and stretch ratios.
fn told(root: &Path, map: &str) -> Vec<(String, f64)> {
    let output = run_in(
        root,
        &["neighbors", "in/break_slow.wav", "--map", map, "--json", "--top", "2"],
    );
    expect_code(&output, 0);
    let lines = json(&stdout(&output));
    let rows = lines.iter().filter(|l| l["type"] == "neighbor");
    rows.map(|l| {
        let name = l["neighbor_file"].as_str().unwrap().to_owned();
        (name, l["stretch_ratio_neighbor_over_file"].as_f64().unwrap())
    })
    .collect()
}

#[test]
fn a_map_answers_whether_it_holds_every_pair_or_those_that_were_proposed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    loops(root);
    expect_code(&run_in(root, &["contact-map", "in", "--out", "full", "--quiet"]), 0);
    let few = ["contact-map", "in", "--out", "few", "--max-exact", "2", "--quiet"];
    expect_code(&run_in(root, &few), 0);
    assert!(root.join("few/contact_pairs.csv").is_file() && !root.join("few/contact_similarity_matrix.csv").exists());
    let full = told(root, "full");
    assert_eq!(full.len(), 2);
    let sparse = told(root, "few");
    assert_eq!(full[0].0, sparse[0].0);
    assert!((full[0].1 - sparse[0].1).abs() < 1e-6, "{full:?} {sparse:?}");
}

#[test]
fn the_labels_of_a_real_map_are_learnt_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("in")).unwrap();
    for n in 0..8 {
        let bar = 1.8 + 0.05 * n as f64;
        write(
            &root.join(format!("in/break {n}.wav")),
            BREAK,
            bar,
            2,
            250.0 + 20.0 * n as f32,
        );
        write(
            &root.join(format!("in/floor {n}.wav")),
            FLOOR,
            bar,
            2,
            250.0 + 20.0 * n as f32,
        );
        write(
            &root.join(format!("in/half {n}.wav")),
            HALFTIME,
            bar,
            2,
            250.0 + 20.0 * n as f32,
        );
    }
    expect_code(&run_in(root, &["contact-map", "in", "--out", "map", "--quiet"]), 0);
    let train = [
        "train",
        "contact",
        "--map",
        "map",
        "--group",
        "file",
        "--out",
        "contact.onnx",
        "--quiet",
    ];
    expect_code(&run_in(root, &train), 0);
    let card = fs::read_to_string(root.join("contact.MODEL.md")).unwrap();
    assert!(card.contains("transductive") && card.contains("cm\\_bin\\_0"), "{card}");
    let tags = [
        "train",
        "tags",
        "in",
        "--label-source",
        "audio",
        "--group",
        "file",
        "--out",
        "tags.onnx",
        "--quiet",
    ];
    expect_code(&run_in(root, &tags), 0);
    let both = [
        "classify",
        "in",
        "--model",
        "tags.onnx",
        "--contact-model",
        "contact.onnx",
        "--out",
        "t.csv",
        "--quiet",
    ];
    expect_code(&run_in(root, &both), 0);
    let mut table = csv::Reader::from_path(root.join("t.csv")).unwrap();
    let header = table.headers().unwrap().clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|h| h == name)
            .unwrap_or_else(|| panic!("{name} in {header:?}"))
    };
    let (bins, probability) = (column("predicted_contact_tags"), column("prob_contact_cm_bin_0"));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 24);
    for row in &rows {
        assert_eq!(row[bins].matches("cm_bin_").count(), 1, "{row:?}");
        assert!(
            (0.0..=1.0).contains(&row[probability].parse::<f64>().unwrap()),
            "{row:?}"
        );
    }
}
