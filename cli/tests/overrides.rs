//! What the user says of the grid reaches every file and every answer, the same in all.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{Song, expect_code, run_in, stderr, stdout, tree};
use serde_json::Value;

/// A grid that an override is to make of the song, which has 120 beats a minute from its first sample on.
struct Expected {
    flags: &'static [&'static str],
    bpm: f64,
    beats_per_bar: u32,
    /// Some bar line, in seconds.
    bar_line: f64,
}

const EXPECTED: &[Expected] = &[
    Expected {
        flags: &["--first-downbeat", "0"],
        bpm: 120.0,
        beats_per_bar: 4,
        bar_line: 0.0,
    },
    Expected {
        flags: &["--half", "--first-downbeat", "0"],
        bpm: 60.0,
        beats_per_bar: 4,
        bar_line: 0.0,
    },
    Expected {
        flags: &["--double", "--first-downbeat", "0.25"],
        bpm: 240.0,
        beats_per_bar: 4,
        bar_line: 0.25,
    },
    Expected {
        flags: &["--bpm", "120", "--meter", "3", "--first-downbeat", "0.5"],
        bpm: 120.0,
        beats_per_bar: 3,
        bar_line: 0.5,
    },
    Expected {
        flags: &["--shift-beat", "1/2", "--first-downbeat", "0.75", "--grid-offset", "12"],
        bpm: 120.0,
        beats_per_bar: 4,
        bar_line: 0.762,
    },
];

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The chunks of a WAV, the first of each name.
fn chunks(wav: &[u8]) -> BTreeMap<String, &[u8]> {
    let mut found = BTreeMap::new();
    let mut at = 12;
    while at + 8 <= wav.len() {
        let id = String::from_utf8_lossy(&wav[at..at + 4]).into_owned();
        let size = u32_at(wav, at + 4) as usize;
        found.entry(id).or_insert(&wav[at + 8..(at + 8 + size).min(wav.len())]);
        at += 8 + size + size % 2;
    }
    found
}

/// Distance of a time from the nearest line at `first + k * step`.
fn off(time: f64, first: f64, step: f64) -> f64 {
    let off = (time - first).rem_euclid(step);
    off.min(step - off)
}

fn analysis(folder: &Path, flags: &[&str]) -> Value {
    let run = run_in(folder, &[&["analyze", "song.wav", "--json"], flags].concat());
    expect_code(&run, 0);
    serde_json::from_str(&stdout(&run)).unwrap()
}

fn check(folder: &Path, expected: &Expected) {
    let Expected {
        flags,
        bpm,
        beats_per_bar,
        bar_line,
    } = *expected;
    let (beat, bar) = (60.0 / bpm, 60.0 / bpm * f64::from(beats_per_bar));
    let what = flags.join(" ");

    let told = analysis(folder, flags);
    let told_bpm = told["tempo"]["bpm"].as_f64().unwrap();
    assert!((told_bpm - bpm).abs() < 0.05, "{what}: {told_bpm}");
    assert_eq!(told["meter"]["beats_per_bar"], beats_per_bar, "{what}");
    for (list, step) in [("beats", beat), ("downbeats", bar)] {
        let times = told[list].as_array().unwrap();
        assert!(times.len() > 5, "{what}");
        for time in times {
            let time = time.as_f64().unwrap();
            if list == "downbeats" && flags.contains(&"--shift-bar") && time > 15.0 {
                // The tracker may let the count begin anew with the second section; the shift keeps that.
                continue;
            }
            assert!(off(time, bar_line, step) < 0.006, "{what}: {list} {time}");
        }
    }

    let out = "out";
    let find = [
        "find", "song.wav", "--out", out, "--json", "--bars", "2,4", "--top", "4", "--force",
    ];
    let run = run_in(folder, &[&find[..], flags].concat());
    expect_code(&run, 0);
    let lines: Vec<Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let facts = &lines[0]["facts"];
    assert_eq!(facts["bpm"], told["tempo"]["bpm"], "{what}");
    assert_eq!(facts["beats_per_bar"], beats_per_bar, "{what}");
    let loops: Vec<&Value> = lines.iter().filter(|l| l["type"] == "loop").collect();
    assert!(!loops.is_empty(), "{what}");

    let files = tree(&folder.join(out));
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let records = manifest["tracks"][0]["loops"].as_array().unwrap();
    let mut rows = csv::Reader::from_reader(&files["all_loops.csv"][..]);
    let header = rows.headers().unwrap().clone();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!((rows.len(), records.len()), (loops.len(), loops.len()), "{what}");
    for found in loops {
        let file = found["file"].as_str().unwrap();
        let beats = found["beats"].as_u64().unwrap() as u32;
        let bars = found["bars"].as_u64().unwrap() as u32;
        assert_eq!(beats, bars * beats_per_bar, "{what}");
        let (start, end) = (found["start"].as_f64().unwrap(), found["end"].as_f64().unwrap());
        // A cut moves from the line to the attack by up to 13 ms.
        if start < 15.0 || !flags.contains(&"--shift-bar") {
            assert!(off(start, bar_line, bar) < 0.02, "{what}: {start}");
        }
        assert!((end - start - f64::from(bars) * bar).abs() < 0.005, "{what}");
        assert!(file.contains(&format!("{bpm:.0}bpm")), "{what}: {file}");

        let wav = &files[file];
        let chunks = chunks(wav);
        let frames = chunks["data"].len() / 3;
        assert!((frames as f64 / 22_050.0 - (end - start)).abs() < 1e-4, "{what}");
        let acid = chunks["acid"];
        assert_eq!(u32_at(acid, 12), beats, "{what}");
        assert_eq!(
            u32::from(u16::from_le_bytes([acid[18], acid[19]])),
            beats_per_bar,
            "{what}"
        );
        let tempo = f64::from(f32::from_bits(u32_at(acid, 20)));
        assert!((tempo - bpm).abs() < 0.05, "{what}: {tempo}");
        assert_eq!(u32_at(chunks["smpl"], 48) as usize, frames - 1, "{what}");
        let cue = chunks["cue "];
        assert_eq!(u32_at(cue, 0), beats, "{what}");
        for i in 0..beats as usize {
            let at = f64::from(u32_at(cue, 4 + 24 * i + 20));
            let beat_at = i as f64 * frames as f64 / f64::from(beats);
            assert!(
                (at - beat_at).abs() <= 1.0,
                "{what}: cue {i} at {at}, beat at {beat_at}"
            );
        }

        let row = rows.iter().find(|r| r.iter().any(|field| field == file)).unwrap();
        let field = |name: &str| -> f64 {
            let column = header.iter().position(|h| h == name).unwrap();
            row[column].parse().unwrap()
        };
        let said = |name: &str| found[name].as_f64().unwrap();
        for (column, value) in [
            ("bpm", said("bpm")),
            ("beats", f64::from(beats)),
            ("bars", f64::from(bars)),
            ("beats_per_bar", f64::from(beats_per_bar)),
            ("start_time", start),
            ("end_time", end),
            ("frames", frames as f64),
            ("start_frame", (start * 22_050.0).round()),
        ] {
            assert!(
                (field(column) - value).abs() < 1e-6,
                "{what}: {column} {}",
                field(column)
            );
        }
        assert!((said("bpm") - tempo).abs() < 1e-3, "{what}");
        let record = records
            .iter()
            .find(|r| r["file"].as_str().unwrap().ends_with(file.rsplit('/').next().unwrap()));
        let record = record.unwrap_or_else(|| panic!("{what}: {file} is not in the manifest"));
        assert_eq!(
            (&record["bpm"], &record["beats"], &record["frames"]),
            (&found["bpm"], &found["beats"], &Value::from(frames)),
            "{what}"
        );
    }
    fs::remove_dir_all(folder.join(out)).unwrap();
}

#[test]
fn overrides_reach_every_file_and_answer() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    EXPECTED.iter().for_each(|expected| check(work.path(), expected));
    // Told from where the tracker has put the bars.
    let tracked = analysis(work.path(), &[])["downbeats"][0].as_f64().unwrap();
    let earlier = Expected {
        flags: &["--shift-bar", "-1"],
        bpm: 120.0,
        beats_per_bar: 4,
        bar_line: tracked - 0.5,
    };
    check(work.path(), &earlier);
    // A settings file says the same, and a flag unsays it.
    let settings = "[rhythm]\ntempo_ratio = \"1/2\"\nshift_bar = 1\n";
    fs::write(work.path().join("loopwright.toml"), settings).unwrap();
    let bpm = |flags: &[&str]| analysis(work.path(), flags)["tempo"]["bpm"].as_f64().unwrap().round();
    assert_eq!(bpm(&[]), 60.0);
    assert_eq!(bpm(&["--bpm", "120"]), 120.0);
    assert_eq!(bpm(&["--tempo-ratio", "1"]), 120.0);
    assert_eq!(bpm(&["--double"]), 240.0);
    fs::write(work.path().join("loopwright.toml"), "[rhythm]\ntempo_ratio = \"5/4\"\n").unwrap();
    let wrong = run_in(work.path(), &["analyze", "song.wav"]);
    expect_code(&wrong, 2);
    assert!(stderr(&wrong).contains("rhythm.tempo_ratio"), "{}", stderr(&wrong));
}

#[test]
fn given_beats_are_overridden_too() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    let beats: String = (0..60)
        .map(|b| format!("{:.4} {}\n", 0.25 + f64::from(b) * 0.5, b % 4 + 1))
        .collect();
    fs::write(work.path().join("beats.txt"), beats).unwrap();
    for (flags, bpm, bar_line, bar) in [
        (&["--beats", "beats.txt"][..], 120.0, 0.25, 2.0),
        (&["--beats", "beats.txt", "--half"], 60.0, 0.25, 4.0),
        (&["--beats", "beats.txt", "--shift-bar", "1"], 120.0, 0.75, 2.0),
        (&["--beats", "beats.txt", "--grid-offset", "-50"], 120.0, 0.2, 2.0),
    ] {
        let told = analysis(work.path(), flags);
        assert!((told["tempo"]["bpm"].as_f64().unwrap() - bpm).abs() < 1e-6, "{flags:?}");
        assert_eq!(told["tempo"]["source"], "given");
        for time in told["downbeats"].as_array().unwrap() {
            assert!(off(time.as_f64().unwrap(), bar_line, bar) < 1e-5, "{flags:?}: {time}");
        }
    }
}

#[test]
fn alternatives_carry_flags_that_choose_them() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    let told = analysis(work.path(), &[]);
    let confidence = |what: &str| told["confidence"][what].as_f64().unwrap();
    let product = confidence("beats") * confidence("bars");
    assert!((product - told["tempo"]["confidence"].as_f64().unwrap()).abs() < 1e-4);
    let others = told["alternatives"].as_array().unwrap();
    let named = |name: &str| others.iter().find(|o| o["name"] == name);
    for (name, flags) in [
        ("x2", "--tempo-ratio 2"),
        ("/2", "--tempo-ratio 1/2"),
        ("beats +1/2", "--shift-beat 1/2"),
        ("bars +2", "--shift-bar 2"),
        ("bars +3", "--shift-bar -1"),
    ] {
        let other = named(name).unwrap_or_else(|| panic!("no {name} in {others:?}"));
        assert_eq!(other["flags"], flags);
        let flags: Vec<&str> = flags.split(' ').collect();
        let chosen = analysis(work.path(), &flags);
        assert!(
            (chosen["tempo"]["bpm"].as_f64().unwrap() - other["bpm"].as_f64().unwrap()).abs() < 0.02,
            "{name}"
        );
        assert_eq!(chosen["meter"]["beats_per_bar"], other["beats_per_bar"], "{name}");
        for (list, first) in [("beats", "first_beat"), ("downbeats", "first_downbeat")] {
            let (a, b) = (chosen[list][0].as_f64().unwrap(), other[first].as_f64().unwrap());
            assert!((a - b).abs() < 0.003, "{name}: {list} {a} {b}");
        }
        // And the way back is shown there.
        let back = chosen["alternatives"].as_array().unwrap();
        let back = back.iter().find(|o| o["name"] == "as tracked").unwrap();
        assert_eq!(
            (&back["flags"], &back["settings"]),
            (&Value::from(""), &Value::from(serde_json::Map::new()))
        );
    }
    assert_eq!(named("/2").unwrap()["settings"]["tempo_ratio"], "1/2");
}
