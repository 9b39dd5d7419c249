//! `loopwright dataset`: labels to rows, whatever happens on the way.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Song, expect_code, run_in, stderr, stdout, tool, tree};
use loopwright_core::features::Schema;
use loopwright_core::learn::dataset::Dataset;
use serde_json::Value;

/// Three songs of 120, 96 and 140 BPM under names that tables and terminals could choke on.
const NAMES: [&str; 3] = ["=1+1.wav", "a, \"b\".wav", "plain.wav"];

#[cfg(not(windows))]
fn songs(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (i, (name, bpm)) in NAMES.iter().zip([120.0, 96.0, 140.0]).enumerate() {
        let song = Song {
            bpm,
            seed: i as u32,
            ..Song::default()
        };
        song.write(&folder.join(name));
    }
}

fn dataset(folder: &Path, arguments: &str) -> std::process::Output {
    let arguments: Vec<&str> = std::iter::once("dataset").chain(arguments.split(' ')).collect();
    run_in(folder, &arguments)
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[cfg(not(windows))]
#[test]
fn moments_become_weights_in_the_python_pipeline_s_table_and_parquet_holds_the_same() {
    let work = tempfile::tempdir().unwrap();
    songs(&work.path().join("in"));
    // The middle of a 2-bar loop from the third bar at 120 BPM.
    fs::write(
        work.path().join("t.json"),
        r#"{"=1+1": [6.0], "plain.wav": [3.0], "nobody": [1]}"#,
    )
    .unwrap();
    let out = dataset(
        work.path(),
        "in --timestamps t.json --bpm 120 --bars 2,4 --out one.csv --jobs 1 --json",
    );
    expect_code(&out, 0);
    let told = lines(&out);
    let summary = told.last().unwrap();
    assert_eq!((&summary["tracks"], &summary["unlabelled"]), (&2.into(), &1.into()));
    assert_eq!(summary["unmatched"][0]["key"], "nobody");
    assert!(stderr(&out).contains("nobody"));
    // Whatever the number of jobs, and whatever the format.
    expect_code(
        &dataset(
            work.path(),
            "in --labels t.json --bpm 120 --bars 2,4 --out two.csv --jobs 3 --quiet",
        ),
        0,
    );
    let csv = fs::read(work.path().join("one.csv")).unwrap();
    assert!(csv == fs::read(work.path().join("two.csv")).unwrap());
    let header = String::from_utf8_lossy(&csv).lines().next().unwrap().to_owned();
    assert!(
        header.starts_with("track_id,start_time,end_time,bars,weight,rms_mean,onset_mean,perc_rms,"),
        "{header}"
    );
    assert_eq!(header.split(',').count(), Schema::full().columns().len() + 4);
    let data = Dataset::read(&work.path().join("one.csv")).unwrap();
    let ids: Vec<&str> = data.tracks.iter().map(|t| t.track_id.as_str()).collect();
    assert_eq!(ids, ["=1+1", "plain"]);
    assert_eq!(data.columns, Schema::full().columns());
    let mut best = 0;
    for r in data.tracks[0].rows.clone() {
        let (start, end) = data.spans[r];
        // Half a beat is a quarter of a second; the grid is the tracker's.
        let centre = 0.5 * (start + end);
        let weight = (-0.5 * ((centre - 6.0) / 0.25f64).powi(2)).exp();
        assert!(
            (weight - f64::from(data.weights[r])).abs() < 0.02,
            "{start} {end} {}",
            data.weights[r]
        );
        best += usize::from(data.weights[r] > 0.5);
    }
    assert!(best >= 1);
    expect_code(
        &dataset(
            work.path(),
            "in --labels t.json --bpm 120 --bars 2,4 --out one.parquet --quiet",
        ),
        0,
    );
    let parquet = Dataset::read(&work.path().join("one.parquet")).unwrap();
    assert_eq!(parquet, data);
    assert!(
        !work.path().join(".one.csv.rows").exists(),
        "the hidden folder stays only after failures"
    );
    read_by_pyarrow(work.path());
}

/// Python reads the same table from Parquet as from CSV. `$LOOPWRIGHT_PYTHON` names a Python with pyarrow.
fn read_by_pyarrow(folder: &Path) {
    const SCRIPT: &str = "
import csv, math, sys
import pyarrow.parquet as pq
t = pq.read_table('one.parquet')
rows = list(csv.DictReader(open('one.csv', encoding='utf-8')))
assert t.num_rows == len(rows), (t.num_rows, len(rows))
assert t.column_names == list(rows[0]), 'columns differ'
types = {f.name: str(f.type) for f in t.schema}
assert types['track_id'] == 'string' and types['bars'] == 'int64', types
assert types['start_time'] == 'double' and types['rms_mean'] == 'float', types
for name in t.column_names:
    for got, row in zip(t[name].to_pylist(), rows):
        text = row[name]
        if name == 'track_id':
            assert got == (text[1:] if text.startswith(\"'=\") else text), (got, text)
        elif text == '':
            assert got is None
        else:
            assert math.isclose(got, float(text), rel_tol=1e-6, abs_tol=1e-30), (name, got, text)
# And what Python writes, of whatever types, is read here.
import pyarrow as pa
mixed = {n: t[n] for n in t.column_names}
mixed['bars'] = t['bars'].cast(pa.int32())
mixed['rms_mean'] = t['rms_mean'].cast(pa.float64())
mixed['unit_divides'] = t['unit_divides'].cast(pa.bool_())
reversed_columns = {n: mixed[n] for n in reversed(list(mixed))}
pq.write_table(pa.table(reversed_columns), 'py.parquet', compression='snappy', data_page_version='2.0', row_group_size=7)
";
    let named = ["LOOPWRIGHT_PYTHON", "LOOPWRIGHT_TABLES_PYTHON"].map(|name| std::env::var(name).ok());
    let python = named.into_iter().flatten().next().unwrap_or_else(|| "python3".into());
    let able = Command::new(&python).args(["-c", "import pyarrow.parquet"]).output();
    if !able.is_ok_and(|o| o.status.success()) {
        eprintln!("pyarrow: SKIPPED, {python} has none; $LOOPWRIGHT_PYTHON names another Python");
        return;
    }
    let out = Command::new(&python)
        .args(["-c", SCRIPT])
        .current_dir(folder)
        .output()
        .unwrap();
    expect_code(&out, 0);
    let ours = Dataset::read(&folder.join("one.parquet")).unwrap();
    let theirs = Dataset::read(&folder.join("py.parquet")).unwrap();
    assert_eq!(
        (&theirs.tracks, &theirs.spans, &theirs.weights),
        (&ours.tracks, &ours.spans, &ours.weights)
    );
    for (c, name) in ours.columns.iter().enumerate() {
        let other = theirs.column(name).unwrap();
        assert!(
            (0..ours.rows()).all(|r| ours.row(r)[c] == theirs.row(r)[other]),
            "{name}"
        );
    }
}

#[cfg(not(windows))]
#[test]
fn a_file_that_fails_is_done_by_the_next_run_and_the_others_are_not_done_again() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().join("in");
    songs(&folder);
    expect_code(&dataset(work.path(), "in --without pt_mel --out whole.csv --quiet"), 0);
    let good = fs::read(folder.join(NAMES[1])).unwrap();
    fs::write(folder.join(NAMES[1]), b"RIFF, they said").unwrap();
    let out = dataset(work.path(), "in --without pt_mel --out d.csv --json");
    expect_code(&out, 1);
    let told = lines(&out);
    assert_eq!(told.last().unwrap()["failed"], 1);
    assert!(
        told.iter()
            .any(|l| l["type"] == "failure" && l["track_id"] == "a, \"b\"")
    );
    assert_eq!(Dataset::read(&work.path().join("d.csv")).unwrap().tracks.len(), 2);
    fs::write(folder.join(NAMES[1]), good).unwrap();
    let out = dataset(work.path(), "in --without pt_mel --out d.csv --json");
    expect_code(&out, 0);
    assert_eq!(lines(&out).last().unwrap()["resumed"], 2);
    assert!(fs::read(work.path().join("d.csv")).unwrap() == fs::read(work.path().join("whole.csv")).unwrap());
    assert!(!work.path().join(".d.csv.rows").exists());
    // Another setting, other rows: nothing of the first is used.
    fs::write(folder.join(NAMES[1]), b"RIFF again").unwrap();
    expect_code(&dataset(work.path(), "in --without pt_mel --out e.csv --quiet"), 1);
    let out = dataset(work.path(), "in --without pt_mel --bars 2 --out e.csv --json");
    expect_code(&out, 1);
    assert_eq!(lines(&out).last().unwrap()["resumed"], 0);
    let hidden = tree(&work.path().join(".e.csv.rows"));
    assert_eq!(hidden.len(), 2, "{:?}", hidden.keys());
}

#[cfg(not(windows))]
#[test]
fn killed_it_goes_on_to_the_same_table() {
    let work = tempfile::tempdir().unwrap();
    songs(&work.path().join("in"));
    let arguments = ["dataset", "in", "--without", "pt_mel", "--jobs", "1", "--json", "--out"];
    let run = |out: &str| {
        let mut command = tool(&arguments);
        command.arg(out).current_dir(work.path());
        command
    };
    expect_code(&run("whole.csv").output().unwrap(), 0);
    let mut child = run("d.csv")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let hidden = work.path().join(".d.csv.rows");
    let begun = Instant::now();
    // Killed once a track is finished; should it be too fast for that, the test shows less, but what it shows is true.
    while begun.elapsed() < Duration::from_secs(120)
        && child.try_wait().unwrap().is_none()
        && !tree(&hidden).keys().any(|name| name.ends_with(".rows"))
    {
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let finished = tree(&hidden).keys().filter(|name| name.ends_with(".rows")).count();
    let out = run("d.csv").output().unwrap();
    expect_code(&out, 0);
    let told = lines(&out);
    assert_eq!(told.last().unwrap()["resumed"], finished);
    assert!(fs::read(work.path().join("d.csv")).unwrap() == fs::read(work.path().join("whole.csv")).unwrap());
}

#[cfg(not(windows))]
#[test]
fn repeats_stand_against_the_same_length_cut_in_the_wrong_place() {
    let work = tempfile::tempdir().unwrap();
    let song = Song {
        bars: 32,
        ..Song::default()
    };
    song.write(&work.path().join("song.wav"));
    let out = dataset(
        work.path(),
        "song.wav --self-supervised --annotate --without pt_mel --bpm 120 --out d.csv",
    );
    expect_code(&out, 0);
    let mut reader = csv::Reader::from_path(work.path().join("d.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let rows: Vec<(String, f64, f64, f64, f64)> = reader
        .records()
        .map(|r| {
            let r = r.unwrap();
            let x = |name: &str| r[at(name)].parse::<f64>().unwrap();
            (
                r[at("kind")].to_owned(),
                x("start_time"),
                x("end_time"),
                x("bars"),
                x("weight"),
            )
        })
        .collect();
    let of = |kind: &str| rows.iter().filter(|r| r.0 == kind).collect::<Vec<_>>();
    let repeats = of("repeat");
    assert!(repeats.len() >= 4, "{rows:?}");
    assert!(repeats.iter().all(|r| r.4 >= 0.75));
    // The bass line repeats after four bars, and the drums beneath it after one: no repeat is shorter than the line.
    assert!(repeats.iter().all(|r| r.3 >= 4.0), "{repeats:?}");
    // Beats of half a second from 0: repeats begin on bar lines, the others stand off them by what they are called.
    let off = |r: &(String, f64, f64, f64, f64)| (r.1 / 2.0 - (r.1 / 2.0).round()).abs() * 2.0;
    assert!(repeats.iter().all(|r| off(r) < 0.03), "{repeats:?}");
    for (kind, least, most) in [
        ("beat_off", 0.45, 0.55),
        ("half_bar_off", 0.95, 1.0),
        ("cut_off", 0.01, 0.07),
    ] {
        let found = of(kind);
        assert!(!found.is_empty(), "no {kind}");
        assert!(
            found.iter().all(|r| (least..=most).contains(&off(r))),
            "{kind}: {found:?}"
        );
        assert!(found.iter().all(|r| r.4 < 0.5), "{kind}");
    }
    for r in of("across") {
        assert_eq!(r.4, 0.0);
    }
    // What says what a row is says it to people: learners do not read it.
    let data = Dataset::read(&work.path().join("d.csv")).unwrap();
    assert!(data.column("kind").is_none() && data.column("section").is_none());
    // Fewer, but whole contrasts.
    let out = dataset(
        work.path(),
        "song.wav --self-supervised --annotate --without pt_mel --bpm 120 --max-candidates 12 --out f.csv",
    );
    expect_code(&out, 0);
    let few = Dataset::read(&work.path().join("f.csv")).unwrap();
    assert!(few.rows() <= 12 && few.weights.iter().any(|w| *w > 0.5) && few.weights.iter().any(|w| *w < 0.5));
}

#[cfg(not(windows))]
#[test]
fn good_loops_are_kept_and_hard_ones_added_when_rows_are_few() {
    let work = tempfile::tempdir().unwrap();
    let set = work.path().join("set");
    fs::create_dir_all(set.join("audio")).unwrap();
    Song::default().write(&set.join("audio/x.wav"));
    fs::write(
        set.join("manifest.json"),
        r#"[{"id": "first", "audio": "audio/x.wav"}]"#,
    )
    .unwrap();
    let beats: Vec<String> = (0..64).map(|i| format!("{}", f64::from(i) * 0.5)).collect();
    let downbeats: Vec<String> = (0..16).map(|i| format!("{}", i * 2)).collect();
    let grid = format!(
        "{{\"id\":\"first\",\"beats\":[{}],\"downbeats\":[{}]}}\n",
        beats.join(","),
        downbeats.join(",")
    );
    fs::write(work.path().join("g.jsonl"), grid).unwrap();
    fs::write(work.path().join("l.json"), r#"{"first": [[8.0, 16.0], [16, 24]]}"#).unwrap();
    let all = "set --grid g.jsonl --labels l.json --bars 1,2,4 --columns rep_unit,rms_mean --annotate";
    expect_code(&dataset(work.path(), &format!("{all} --out all.csv")), 0);
    let whole = Dataset::read(&work.path().join("all.csv")).unwrap();
    assert_eq!(whole.columns, ["bars", "rms_mean", "rep_unit"]);
    assert_eq!(whole.tracks[0].track_id, "first");
    assert_eq!(whole.weights.iter().filter(|w| **w > 0.99).count(), 2);
    expect_code(
        &dataset(
            work.path(),
            &format!("{all} --hard-negatives 4 --max-candidates 12 --out few.csv"),
        ),
        0,
    );
    let few = Dataset::read(&work.path().join("few.csv")).unwrap();
    assert!(few.rows() <= 12, "{}", few.rows());
    assert_eq!(few.weights.iter().filter(|w| **w > 0.99).count(), 2);
    let text = fs::read_to_string(work.path().join("few.csv")).unwrap();
    let count = |kind: &str| text.lines().filter(|l| l.contains(&format!(",{kind},"))).count();
    assert_eq!((count("loop"), count("near_miss")), (2, 4), "{text}");
    assert!(count("hard_negative") >= 2, "{text}");
    // Near misses are off the bar lines, by a beat or by half a bar.
    for r in 0..few.rows() {
        let beat = few.spans[r].0 / 0.5;
        assert!((beat - beat.round()).abs() < 0.1, "{:?}", few.spans[r]);
    }
}

#[test]
fn what_cannot_be_is_said_and_nothing_written() {
    let work = tempfile::tempdir().unwrap();
    Song {
        bars: 8,
        ..Song::default()
    }
    .write(&work.path().join("song.wav"));
    fs::write(work.path().join("l.json"), r#"{"other": [1]}"#).unwrap();
    fs::write(work.path().join("bad.json"), r#"{"song": [1, -1]}"#).unwrap();
    for (arguments, code, said) in [
        ("song.wav --out d.txt", 2, "must end in .csv or .parquet"),
        ("song.wav --out d.csv --columns rms", 2, "no such features: rms"),
        (
            "song.wav --out d.csv --labels bad.json",
            2,
            "bad.json, track `song`: entry 2: -1 is no time",
        ),
        ("song.wav --out d.csv --labels none.json", 2, "none.json: cannot read"),
        (
            "song.wav --out d.csv --labels l.json",
            4,
            "label `other`: no such track",
        ),
        (
            "song.wav --out d.csv --labels l.json --self-supervised",
            2,
            "cannot be used with",
        ),
        ("none --out d.csv", 1, "none: cannot read"),
    ] {
        let out = dataset(work.path(), arguments);
        expect_code(&out, code);
        assert!(stderr(&out).contains(said), "{arguments}\n{}", stderr(&out));
        assert!(!work.path().join("d.csv").exists());
    }
}
