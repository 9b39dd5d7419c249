//! `train tags`, `train contact`, `classify`, as they are used.

#![cfg(feature = "onnx")]

mod common;

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use common::{expect_code, run_in, stderr, stdout, write_wav};
use serde_json::Value;

const RATE: u32 = 22_050;

/// A pattern of sixteenths over a drone: a kind of music, in as many ways as there are seeds.
struct Loop {
    bpm: f64,
    kick: &'static str,
    snare: &'static str,
    hat: &'static str,
    drone: f32,
}

impl Loop {
    fn samples(&self, seconds: f64, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).max(1);
        let mut white = move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as f32 / u32::MAX as f32 * 2.0 - 1.0
        };
        let rate = f64::from(RATE);
        let bpm = self.bpm * (1.0 + 0.02 * f64::from(seed % 5));
        let step = 15.0 / bpm;
        let root = 80.0 + f64::from(seed % 7) * 9.0;
        let mut out: Vec<f32> = (0..(seconds * rate) as usize)
            .map(|i| {
                let t = i as f64 / rate;
                let tone = (TAU * root * t).sin() + 0.5 * (TAU * 3.0 * root * t).sin();
                self.drone * tone as f32 + 0.002 * white()
            })
            .collect();
        for s in 0..(seconds / step) as usize {
            let at = (s as f64 * step * rate) as usize;
            let hits = |pattern: &str| pattern.as_bytes().get(s % 16) == Some(&b'x');
            for (on, length, kind) in [
                (hits(self.kick), 0.2, 0),
                (hits(self.snare), 0.15, 1),
                (hits(self.hat), 0.05, 2),
            ] {
                if !on {
                    continue;
                }
                for (i, x) in out.iter_mut().skip(at).take((length * rate) as usize).enumerate() {
                    let t = i as f64 / rate;
                    *x += match kind {
                        0 => {
                            ((-t * 18.0).exp() * (TAU * (50.0 * t + 6.0 * (1.0 - (-t * 40.0).exp()))).sin()) as f32
                                * 0.8
                        }
                        1 => (-t * 24.0).exp() as f32 * 0.4 * white(),
                        _ => (-t * 90.0).exp() as f32 * 0.2 * white(),
                    };
                }
            }
        }
        let gain = 0.3 + 0.1 * (seed % 6) as f32;
        out.iter_mut().for_each(|x| *x = (*x * gain).clamp(-0.99, 0.99));
        out
    }
}

const TECHNO: Loop = Loop {
    bpm: 132.0,
    kick: "x...x...x...x...",
    snare: "................",
    hat: "..x...x...x...x.",
    drone: 0.02,
};
const HIPHOP: Loop = Loop {
    bpm: 84.0,
    kick: "x......x..x.....",
    snare: "....x.......x...",
    hat: "x.x.x.x.x.x.x.x.",
    drone: 0.05,
};
const AMBIENT: Loop = Loop {
    bpm: 70.0,
    kick: "................",
    snare: "................",
    hat: "x...............",
    drone: 0.4,
};

/// Twelve loops of three genres each, from `seed` on; names tell the genre, or not.
fn write_set(folder: &Path, seed: u32, named: bool) {
    fs::create_dir_all(folder).unwrap();
    for (genre, what) in [("Techno", TECHNO), ("Hip-Hop", HIPHOP), ("ambient", AMBIENT)] {
        for i in 0..12 {
            let name = if named {
                format!("{genre}_{i:02}.wav")
            } else {
                format!("{}{i:02}.wav", &genre[..1])
            };
            let seconds = 5.0 + f64::from(i % 3);
            write_wav(&folder.join(name), &what.samples(seconds, seed + i), RATE, 1);
        }
    }
}

const QUICK: [&str; 5] = ["--rounds", "30", "-q", "--folds", "3"];

fn with<'a>(a: &[&'a str], b: &[&'a str]) -> Vec<&'a str> {
    [a, b].concat()
}

fn table(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|r| {
            header
                .iter()
                .map(str::to_owned)
                .zip(r.unwrap().iter().map(str::to_owned))
                .collect()
        })
        .collect()
}

#[test]
fn planted_tags_are_told_of_files_that_were_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_set(&root.join("set"), 1, true);
    write_set(&root.join("new"), 1000, false);
    let train = |out: &str, jobs: &str| {
        let asked = [
            "train",
            "tags",
            "set",
            "--label-source",
            "hybrid",
            "--out",
            out,
            "--json",
            "--jobs",
            jobs,
        ];
        run_in(root, &with(&asked, &QUICK))
    };
    let first = train("tags.onnx", "1");
    expect_code(&first, 0);
    let report: Value = serde_json::from_str(&stdout(&first)).unwrap();
    assert!(report["scores"]["macro_f1"].as_f64() > report["scores"]["baseline_macro_f1"].as_f64());
    assert_eq!(
        (report["kind"].as_str(), report["heard"].as_u64()),
        (Some("tags"), Some(36))
    );
    for file in ["tags.features.json", "tags.MODEL.md", "tags.run.jsonl"] {
        assert!(root.join(file).is_file(), "{file}");
    }
    let card = fs::read_to_string(root.join("tags.MODEL.md")).unwrap();
    assert!(
        card.contains("| techno | 12 of 36 |") && card.contains("baseline F1"),
        "{card}"
    );
    // The same bytes for any number of jobs.
    expect_code(&train("again.onnx", "3"), 0);
    assert_eq!(
        fs::read(root.join("tags.onnx")).unwrap(),
        fs::read(root.join("again.onnx")).unwrap()
    );

    let asked = ["classify", "new", "--model", "tags.onnx", "--out", "tags.csv", "-q"];
    expect_code(&run_in(root, &asked), 0);
    let rows = table(&root.join("tags.csv"));
    assert_eq!(rows.len(), 36);
    let (mut right, mut slow) = (0, 0);
    for row in &rows {
        let name = Path::new(&row["file"])
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let genre = match &name[..1] {
            "T" => "techno",
            "H" => "hiphop",
            _ => "ambient",
        };
        let tags: Vec<&str> = row["predicted_tags"].split('|').collect();
        right += usize::from(tags.contains(&genre));
        // Of a family there is one.
        let tempi = tags.iter().filter(|t| t.starts_with("tempo_")).count();
        assert_eq!(tempi, 1, "{tags:?}");
        slow += usize::from(genre == "hiphop" && tags.contains(&"tempo_slow"));
        let p: f64 = row[&format!("prob_{genre}")].parse().unwrap();
        assert!((0.0..=1.0).contains(&p));
    }
    // A third of the files has each: the most common genre would be right of 12.
    assert!(right >= 30, "{right} of 36 genres are right");
    assert!(slow >= 8, "{slow} of 12 are slow");
    // Other forms and other numbers of jobs hold the same.
    for out in ["tags.jsonl", "tags.parquet", "two.csv"] {
        let asked = [
            "classify",
            "new",
            "--model",
            "tags.onnx",
            "--out",
            out,
            "-q",
            "--jobs",
            "3",
        ];
        expect_code(&run_in(root, &asked), 0);
    }
    assert_eq!(
        fs::read(root.join("tags.csv")).unwrap(),
        fs::read(root.join("two.csv")).unwrap()
    );
    let lines = fs::read_to_string(root.join("tags.jsonl")).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        line["predicted_tags"].as_str(),
        Some(rows[0]["predicted_tags"].as_str())
    );
    assert!(fs::read(root.join("tags.parquet")).unwrap().starts_with(b"PAR1"));
}

#[test]
fn labels_of_a_map_and_tags_of_ones_own_are_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_set(&root.join("set"), 1, true);
    fs::create_dir(root.join("map")).unwrap();
    let mut map = String::from("file,contact_bin,contact_tags,fiedler_value\n");
    let mut own = String::from("file,tags\n");
    for (genre, bin, sign) in [("Techno", 0, "pos"), ("Hip-Hop", 1, "pos"), ("ambient", 3, "neg")] {
        for i in 0..12 {
            map += &format!("set/{genre}_{i:02}.wav,cm_bin_{bin},cm_bin_{bin}|lap_e1_{sign},{bin}.5\n");
            own += &format!(
                "{genre}_{i:02}.wav,{}\n",
                if genre == "ambient" { "calm|=warm" } else { "busy" }
            );
        }
    }
    fs::write(root.join("map/contact_map_labels.csv"), map).unwrap();
    fs::write(root.join("own.csv"), own).unwrap();
    let asked = ["train", "contact", "--map", "map", "--out", "contact.onnx"];
    expect_code(&run_in(root, &with(&asked, &QUICK)), 0);
    let card = fs::read_to_string(root.join("contact.MODEL.md")).unwrap();
    assert!(card.contains("transductive") && card.contains("cm\\_bin\\_3"), "{card}");
    // Found by name where they have moved.
    fs::rename(root.join("set"), root.join("moved")).unwrap();
    let lost = run_in(root, &with(&asked, &QUICK));
    assert_ne!(lost.status.code(), Some(0));
    let asked = [
        "train",
        "contact",
        "--map",
        "map",
        "--audio",
        "moved",
        "--out",
        "contact2.onnx",
    ];
    expect_code(&run_in(root, &with(&asked, &QUICK)), 0);
    let asked = [
        "train",
        "tags",
        "moved",
        "--label-source",
        "filename",
        "--tags",
        "own.csv",
        "--out",
        "own.onnx",
    ];
    expect_code(&run_in(root, &with(&asked, &QUICK)), 0);

    let asked = [
        "classify",
        "moved",
        "--model",
        "own.onnx",
        "--contact-model",
        "contact.onnx",
        "--out",
        "t.csv",
        "--json",
    ];
    let told = run_in(root, &with(&asked, &["-q"]));
    expect_code(&told, 0);
    let text = fs::read_to_string(root.join("t.csv")).unwrap();
    let header = text.lines().next().unwrap();
    assert!(header.starts_with("file,predicted_tags,prob_"), "{header}");
    for column in [
        "prob_=warm",
        "prob_calm",
        "predicted_contact_tags",
        "prob_contact_cm_bin_0",
        "prob_contact_lap_e1_neg",
    ] {
        assert!(header.split(',').any(|c| c == column), "{column} in {header}");
    }
    let rows = table(&root.join("t.csv"));
    let calm: Vec<bool> = rows.iter().map(|r| r["predicted_tags"].contains("calm")).collect();
    let ambient: Vec<bool> = rows.iter().map(|r| r["file"].contains("ambient")).collect();
    assert!(calm.iter().zip(&ambient).filter(|(a, b)| a == b).count() >= 34);
    assert!(
        rows.iter()
            .all(|r| r["predicted_contact_tags"].matches("cm_bin_").count() == 1)
    );
    // Text that a spreadsheet would run is disarmed.
    for row in rows
        .iter()
        .filter(|r| r["predicted_tags"].trim_start_matches('\'').starts_with('='))
    {
        assert!(row["predicted_tags"].starts_with("'="));
    }
    let last: Value = serde_json::from_str(stdout(&told).lines().last().unwrap()).unwrap();
    assert_eq!(
        (last["type"].as_str(), last["files"].as_u64()),
        (Some("summary"), Some(36))
    );
    // A model in the other's place is an error that says so.
    let asked = ["classify", "moved", "--model", "contact.onnx", "--out", "x.csv"];
    let wrong = run_in(root, &asked);
    expect_code(&wrong, 3);
    assert!(stderr(&wrong).contains("--contact-model"), "{}", stderr(&wrong));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_set(&root.join("set"), 1, true);
    let set = root.join("set");
    fs::write(set.join("broken techno.wav"), b"RIFF\0\0\0\0WAVEnothing").unwrap();
    fs::write(set.join("empty.wav"), b"").unwrap();
    write_wav(&set.join("silent techno.wav"), &[0.0; 44_100], RATE, 1);
    write_wav(&set.join("short.wav"), &TECHNO.samples(0.05, 3), RATE, 2);
    fs::copy(set.join("Techno_00.wav"), set.join("=cmd|' calc'!A0.wav")).unwrap();
    let asked = [
        "train",
        "tags",
        "set",
        "--label-source",
        "filename",
        "--out",
        "t.onnx",
        "--learner",
        "linear",
    ];
    let trained = run_in(root, &with(&asked, &QUICK));
    expect_code(&trained, 1);
    assert!(stderr(&trained).contains("broken techno.wav") && stderr(&trained).contains("empty.wav"));
    assert!(
        fs::read_to_string(root.join("t.MODEL.md"))
            .unwrap()
            .contains("2 more could not be read, 1 more are silent")
    );

    let asked = ["classify", "set", "--model", "t.onnx", "--out", "t.csv", "-q", "--json"];
    let told = run_in(root, &asked);
    expect_code(&told, 1);
    let rows = table(&root.join("t.csv"));
    assert_eq!(rows.len(), 39);
    let silent = rows.iter().find(|r| r["file"].contains("silent")).unwrap();
    assert!(silent.iter().all(|(name, cell)| name == "file" || cell.is_empty()));
    let short = rows.iter().find(|r| r["file"].contains("short")).unwrap();
    assert!(short["prob_techno"].parse::<f64>().is_ok());
    let failures = stdout(&told).lines().filter(|l| l.contains("\"failure\"")).count();
    assert_eq!(failures, 2);

    // From within the folder names begin as they are.
    let asked = [
        "classify",
        "=cmd|' calc'!A0.wav",
        "--model",
        "../t.onnx",
        "--out",
        "../c.csv",
        "-q",
    ];
    expect_code(&run_in(&set, &asked), 0);
    assert!(
        fs::read_to_string(root.join("c.csv"))
            .unwrap()
            .lines()
            .nth(1)
            .unwrap()
            .starts_with("'=cmd")
    );
}

#[test]
fn wrong_usage_is_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_wav(&root.join("a.wav"), &TECHNO.samples(2.0, 1), RATE, 1);
    fs::write(root.join("bad.csv"), "path,tags\na.wav,x\n").unwrap();
    fs::write(root.join("mine.onnx"), b"mine").unwrap();
    fs::create_dir(root.join("none")).unwrap();
    for (asked, code, words) in [
        (&["train", "tags", "a.wav", "--out", "t.json"][..], 2, ".onnx"),
        (&["train", "tags", "a.wav", "--out", "no/t.onnx"], 2, "no folder"),
        (&["train", "tags", "a.wav", "--out", "mine.onnx"], 3, "not from here"),
        (
            &["train", "tags", "a.wav", "--tags", "bad.csv", "--out", "t.onnx"],
            2,
            "no column `file`",
        ),
        (
            &["train", "tags", "a.wav", "--out", "t.onnx"],
            3,
            "none of 31 tags can be learnt",
        ),
        (&["train", "tags", "none", "--out", "t.onnx"], 4, "no audio files"),
        (
            &["train", "contact", "--map", "none", "--out", "t.onnx"],
            2,
            "contact_map_labels.csv",
        ),
        (
            &["classify", "a.wav", "--model", "mine.onnx", "--out", "t.csv"],
            3,
            "mine.onnx",
        ),
        (
            &["classify", "a.wav", "--model", "none.onnx", "--out", "t.csv"],
            3,
            "none.onnx",
        ),
        (
            &["classify", "a.wav", "--model", "mine.onnx", "--out", "t.xlsx"],
            2,
            ".parquet",
        ),
    ] {
        let output = run_in(root, asked);
        expect_code(&output, code);
        assert!(stderr(&output).contains(words), "{asked:?}: {}", stderr(&output));
    }
    assert!(!root.join("t.onnx").exists() && !root.join("t.csv").exists());
    assert_eq!(fs::read(root.join("mine.onnx")).unwrap(), b"mine");
}
