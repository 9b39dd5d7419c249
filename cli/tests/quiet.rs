//! `loopwright quiet` as a user runs it: the layout and the columns of the Python pipeline.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Song, assert_same, expect_code, run_in, stdout, tree, write_wav};
use serde_json::Value;

const RATE: u32 = 22_050;

/// Eight bars with drums, then eight of plucked eighths over a held bass, at 120 BPM.
fn song(path: &Path) {
    let drums = Song {
        bars: 8,
        ..Song::default()
    };
    let mut x = drums.samples();
    let drummed = x.len();
    x.resize(2 * drummed, 0.0);
    let rate = f64::from(RATE);
    let tau = std::f64::consts::TAU;
    for (k, note) in (0..64).map(|k| (k, [57, 60, 64, 69, 67, 64, 60, 62][k % 8] + [0, -4, 3, -2][k / 8 % 4])) {
        let hz = 440.0 * (f64::from(note - 69) / 12.0).exp2();
        let from = drummed + (k as f64 * 0.25 * rate) as usize;
        for (i, v) in x[from..].iter_mut().take(12_000).enumerate() {
            let t = i as f64 / rate;
            let partial = |p: f64| (tau * hz * p * t).sin() / p * (-t * (3.0 + 2.0 * p)).exp();
            *v += (0.2 * (t * 300.0).min(1.0) * (1..7).map(|p| partial(f64::from(p))).sum::<f64>()) as f32;
        }
    }
    for (i, v) in x[drummed..].iter_mut().enumerate() {
        let t = i as f64 / rate;
        let hz = [55.0, 43.65, 65.4, 49.0][(t / 4.0) as usize % 4];
        *v += (0.1 * (tau * hz * t).sin() + 0.05 * (2.0 * tau * hz * t).sin()) as f32;
    }
    write_wav(path, &x, RATE, 2);
}

fn samples(bytes: &[u8]) -> Vec<i32> {
    let reader = hound::WavReader::new(bytes).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, RATE));
    reader.into_samples::<i32>().map(Result::unwrap).collect()
}

/// The payload of the first chunk of this name.
fn chunk<'a>(wav: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let mut at = 12;
    while at + 8 <= wav.len() {
        let size = u32::from_le_bytes(wav[at + 4..at + 8].try_into().unwrap()) as usize;
        if &wav[at..at + 4] == name {
            return wav.get(at + 8..at + 8 + size);
        }
        at += 8 + size + size % 2;
    }
    None
}

fn csv(files: &BTreeMap<String, Vec<u8>>, name: &str) -> (String, Vec<BTreeMap<String, String>>) {
    let text = String::from_utf8(files[name].clone()).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap().to_owned();
    let rows = lines
        .map(|l| {
            header
                .split(',')
                .map(str::to_owned)
                .zip(l.split(',').map(str::to_owned))
                .collect()
        })
        .collect();
    (header, rows)
}

#[test]
fn layout_columns_and_slices_are_those_of_old() {
    let work = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(work.path().join("set")).unwrap();
    song(&work.path().join("set/Night Pad.wav"));
    let run = run_in(
        work.path(),
        &[
            "quiet", "set", "--out", "out", "--bars", "4", "--top", "2", "--json", "--quiet",
        ],
    );
    expect_code(&run, 0);
    let files = tree(&work.path().join("out"));

    let mut wanted: Vec<String> = ["all_quiet_loops.csv", "all_quiet_loops.jsonl", "quiet_manifest.json"]
        .map(str::to_owned)
        .into();
    wanted.push("Night Pad_quiet_loops_and_slices.csv".into());
    for number in 1..=2 {
        let folder = "Night Pad";
        wanted.push(format!("{folder}/loop_{number:02}.wav"));
        wanted.push(format!("{folder}/loop_{number:02}.mid"));
        for count in [8, 16] {
            let stem = format!("{folder}/loop_{number:02}/slices_{count:02}/Night Pad_loop{number:02}_{count:02}");
            wanted.push(format!("{stem}_slices.csv"));
            wanted.extend((0..count).map(|i| format!("{stem}_slice_{i:03}.wav")));
        }
    }
    wanted.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), wanted);

    let (header, rows) = csv(&files, "Night Pad_quiet_loops_and_slices.csv");
    assert_eq!(
        header,
        "track_id,audio_file,loop_index,bars,start_time,end_time,ml_score,perc_to_total_rms,boundary_quiet_score,\
         loop_wav,n_slices,slice_dir,num_onsets"
    );
    assert_eq!(rows.len(), 4);
    for row in &rows {
        assert_eq!(
            (row["track_id"].as_str(), row["audio_file"].as_str()),
            ("Night Pad", "Night Pad.wav")
        );
        // The drums end after 16 s.
        assert!(row["start_time"].parse::<f64>().unwrap() > 15.9, "{row:?}");
        assert!(row["perc_to_total_rms"].parse::<f64>().unwrap() < 0.4, "{row:?}");
        assert!(row["num_onsets"].parse::<usize>().unwrap() >= 24, "{row:?}");

        let whole = &files[&row["loop_wav"]];
        let mut joined = Vec::new();
        let name = row["slice_dir"]
            .replace("loop_0", "loop0")
            .replace("/slices_", "_")
            .replacen('/', "/@", 1);
        let stem = name.split('@').nth(1).unwrap();
        let (header, slices) = csv(&files, &format!("{}/Night Pad_{stem}_slices.csv", row["slice_dir"]));
        assert_eq!(header, "slice_index,start_s,end_s,duration_s,wav");
        assert_eq!(slices.len().to_string(), row["n_slices"]);
        for (i, slice) in slices.iter().enumerate() {
            assert_eq!(slice["slice_index"], i.to_string());
            let seconds = |column: &str| slice[column].parse::<f64>().unwrap();
            let of_slice = samples(&files[&format!("{}/{}", row["slice_dir"], slice["wav"])]);
            assert_eq!(
                (seconds("start_s") * f64::from(RATE)).round() as usize * 2,
                joined.len()
            );
            assert_eq!(
                (seconds("duration_s") * f64::from(RATE)).round() as usize * 2,
                of_slice.len()
            );
            joined.extend(of_slice);
            assert_eq!((seconds("end_s") * f64::from(RATE)).round() as usize * 2, joined.len());
        }
        assert!(
            joined == samples(whole),
            "the slices of {} are not the loop",
            row["slice_dir"]
        );

        if row["n_slices"] == "16" {
            let cue = chunk(whole, b"cue ").expect("cue points");
            assert_eq!(u32::from_le_bytes(cue[..4].try_into().unwrap()), 16);
            for (slice, cue) in slices.iter().zip(cue[4..].chunks_exact(24)) {
                let at = f64::from(u32::from_le_bytes(cue[20..24].try_into().unwrap()));
                assert!((slice["start_s"].parse::<f64>().unwrap() * f64::from(RATE) - at).abs() < 0.5);
            }
            let midi = &files[&row["loop_wav"].replace(".wav", ".mid")];
            assert_eq!(&midi[..4], b"MThd");
            // Sixteen notes on, 36 to 51, all at full velocity.
            let on = (36..52u8)
                .filter(|n| midi.windows(3).any(|w| w == [0x90, *n, 127]))
                .count();
            assert_eq!(on, 16);
        }
        let first = &files[&format!("{}/{}", row["slice_dir"], slices[0]["wav"])];
        assert!(chunk(first, b"cue ").is_none(), "a slice has no cue points");
    }

    let (header, all) = csv(&files, "all_quiet_loops.csv");
    assert!(header.starts_with("track_id,audio_file,loop_index,bars,start_time,end_time,ml_score,"));
    assert_eq!(all[0]["slice_dir"], "Night Pad/loop_01/slices_08");

    let lines: Vec<Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let loops: Vec<&Value> = lines.iter().filter(|l| l["type"] == "quiet_loop").collect();
    assert_eq!(loops.len(), 2);
    assert_eq!(loops[0]["slices"][1]["count"], 16);
    // The plucks stand on the edges of equal slices.
    assert!(
        loops[0]["slices"][0]["onsets_used"].as_u64().unwrap() >= 6,
        "{}",
        loops[0]
    );
    assert_eq!(lines.last().unwrap()["slices"], 48);
}

#[test]
fn what_is_done_is_not_done_again_and_comes_out_alike() {
    let work = tempfile::tempdir().unwrap();
    song(&work.path().join("a.wav"));
    let quiet = |out: &str, more: &[&str]| {
        let mut arguments = vec!["quiet", "a.wav", "--out", out, "--bars", "2,8", "--json", "--quiet"];
        arguments.extend(more);
        let run = run_in(work.path(), &arguments);
        expect_code(&run, 0);
        let lines: Vec<Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        (lines, tree(&work.path().join(out)))
    };
    let (first, files) = quiet("out", &[]);
    let (second, again) = quiet("out", &[]);
    assert_same(&files, &again);
    assert_eq!(
        (&first[0]["resumed"], &second[0]["resumed"]),
        (&false.into(), &true.into())
    );
    assert_eq!(first[1..first.len() - 1], second[1..second.len() - 1]);
    let (_, other) = quiet("other", &["--jobs", "2"]);
    assert_same(&files, &other);
    // Beside the loops of `find`, whose tree is its own.
    expect_code(&run_in(work.path(), &["find", "a.wav", "--out", "out", "--quiet"]), 0);
    let both = tree(&work.path().join("out"));
    assert!(files.iter().all(|(name, bytes)| both.get(name) == Some(bytes)));
}

#[test]
fn drums_throughout_leave_nothing_and_it_says_so() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    let run = run_in(work.path(), &["quiet", "song.wav", "--out", "out"]);
    expect_code(&run, 4);
    assert!(
        stdout(&run).contains("no quiet loops: its drums never rest"),
        "{}",
        stdout(&run)
    );
    let run = run_in(work.path(), &["quiet", "song.wav", "--out", "out", "--max-perc", "3"]);
    expect_code(&run, 2);
    let run = run_in(
        work.path(),
        &[
            "quiet",
            "song.wav",
            "--out",
            "out",
            "--max-perc",
            "2",
            "--max-boundary",
            "100",
            "--slices",
            "4",
        ],
    );
    expect_code(&run, 0);
}
