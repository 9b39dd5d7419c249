//! `loopwright breaks` as a user runs it: the layout and the columns of the Python pipeline, hits that are where they were
//! struck, kits that follow what a person says.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{assert_same, expect_code, run_in, stderr, stdout, tree, write_wav};
use serde_json::Value;

const RATE: u32 = 44_100;
const BEAT: f64 = 0.5;
/// Where drums alone begin, and where they end, in seconds.
const ALONE: (f64, f64) = (16.0, 32.0);

/// Eight bars of drums and chords, eight of drums alone, eight of both, at 120 BPM.
fn song(path: &Path) {
    let rate = f64::from(RATE);
    let mut x = vec![0.0f32; (48.0 * rate) as usize];
    let mut noise = 99u32;
    let mut white = move || {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    let tau = std::f64::consts::TAU;
    for eighth in 0..192 {
        let from = (f64::from(eighth) * BEAT / 2.0 * rate).round() as usize;
        let mut last = 0.0f32;
        for (i, v) in x[from..].iter_mut().take(9_000).enumerate() {
            let t = i as f64 / rate;
            // What were cut off would be a click, and so a hit.
            let fade = 1.0 - i as f64 / 9_000.0;
            let hiss = white() * fade as f32;
            // A difference of noise has no low end, as a hi-hat.
            *v += (hiss - last) * 0.16 * (-t * 70.0).exp() as f32;
            last = hiss;
            match eighth % 8 {
                0 | 4 => {
                    *v += (fade * (-t * 14.0).exp() * (tau * (50.0 * t + 5.0 * (1.0 - (-t * 35.0).exp()))).sin() * 0.8)
                        as f32;
                }
                2 | 6 => {
                    *v += (-t * 22.0).exp() as f32 * 0.4 * hiss
                        + (fade * (-t * 25.0).exp() * (tau * 190.0 * t).sin() * 0.3) as f32;
                }
                _ => {}
            }
        }
    }
    for (i, v) in x.iter_mut().enumerate() {
        let t = i as f64 / rate;
        if !(ALONE.0..ALONE.1).contains(&t) {
            let root = [110.0, 87.3, 130.8, 98.0][(t / 2.0) as usize % 4];
            let swell = ((t % 2.0) * 30.0).min(1.0) * ((2.0 - t % 2.0) * 30.0).min(1.0);
            let chord = [1.0, 1.5, 2.0, 2.52, 3.0, 4.0]
                .map(|p| (tau * root * p * t).sin())
                .iter()
                .sum::<f64>();
            *v += (0.07 * swell * chord) as f32;
        }
    }
    x.iter_mut().for_each(|v| *v = v.clamp(-0.99, 0.99));
    write_wav(path, &x, RATE, 2);
}

fn csv(files: &BTreeMap<String, Vec<u8>>, name: &str) -> (String, Vec<BTreeMap<String, String>>) {
    let text = files
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", files.keys()));
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().unwrap().clone();
    let rows = reader
        .records()
        .map(|r| {
            header
                .iter()
                .zip(r.unwrap().iter())
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .collect()
        })
        .collect();
    (header.iter().collect::<Vec<_>>().join(","), rows)
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

/// The samples of the first channel, full scale 1.
fn samples(bytes: &[u8]) -> Vec<f64> {
    let reader = hound::WavReader::new(bytes).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (2, RATE));
    let full = f64::from(1u32 << (reader.spec().bits_per_sample - 1));
    let all: Vec<i32> = reader.into_samples::<i32>().map(Result::unwrap).collect();
    all.iter().step_by(2).map(|x| f64::from(*x) / full).collect()
}

#[test]
fn a_break_is_found_and_written_with_its_hits_and_its_kit() {
    let work = tempfile::tempdir().unwrap();
    fs::create_dir_all(work.path().join("set")).unwrap();
    song(&work.path().join("set/=My Song.wav"));
    let run = run_in(
        work.path(),
        &[
            "breaks",
            "set",
            "--out",
            "out",
            "--drums-only",
            "--plot",
            "--json",
            "--quiet",
        ],
    );
    expect_code(&run, 0);
    let said: Vec<Value> = stdout(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let types: Vec<&str> = said.iter().map(|l| l["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["track", "break", "summary"]);
    let files = tree(&work.path().join("out"));

    let (header, rows) = csv(&files, "=My Song_drum_breaks.csv");
    assert!(
        header.starts_with(
            "track_id,break_index,start_time,end_time,duration,loop_wav,perc_wav,num_hits,hit_wavs,break_score,ml_score,"
        ),
        "{header}"
    );
    let [row] = &rows[..] else { panic!("{rows:?}") };
    // Text that a spreadsheet would take for a formula is disarmed.
    assert_eq!(row["track_id"], "'=My Song");
    assert!((number(row, "start_time") - ALONE.0).abs() < 0.03, "{row:?}");
    assert!((number(row, "duration") - 16.0).abs() < 0.02, "{row:?}");
    assert_eq!(row["kind"], "drums_only");
    let folder = "=My Song/break_01";

    // A hit on every eighth.
    let (header, hits) = csv(&files, &format!("{folder}/hits/hits_metadata.csv"));
    assert!(
        header.starts_with(
            "hit_index,start_s,end_s,peak_s,hit_wav,hit_perc_wav,bank_type,class_label,confidence,feat_duration_s,feat_rms,\
             feat_centroid_mean,feat_rolloff_mean,feat_flatness_mean,feat_zcr_mean,feat_harm_ratio,feat_perc_ratio,\
             feat_f0_median,feat_f0_std,"
        ),
        "{header}"
    );
    assert_eq!(hits.len(), number(row, "num_hits") as usize);
    assert!((62..=66).contains(&hits.len()), "{} hits", hits.len());
    let start = number(row, "start_time");
    for hit in &hits {
        let attack = start + number(hit, "peak_s");
        let struck = (attack / (BEAT / 2.0)).round() * BEAT / 2.0;
        assert!((attack - struck).abs() < 0.003, "{hit:?}");
        let before = number(hit, "peak_s") - number(hit, "start_s");
        assert!((0.0..=0.0022).contains(&before), "{hit:?}");
        assert_eq!(hit["bank_type"], "drum_kit");
        for column in ["hit_wav", "hit_perc_wav"] {
            let x = samples(&files[&format!("{folder}/{}", hit[column])]);
            assert!(x[0].abs() < 1e-6 && x[x.len() - 1].abs() < 1e-6, "{hit:?} clicks");
            assert!(
                ((x.len() as f64 / f64::from(RATE)) - (number(hit, "end_s") - number(hit, "start_s"))).abs() < 1e-4
            );
        }
        let chunks = &files[&format!("{folder}/{}", hit["hit_wav"])];
        let acid = chunks.windows(4).position(|w| w == b"acid").unwrap();
        let acid = &chunks[acid + 8..acid + 32];
        // A one-shot, without beats or tempo.
        assert_eq!(
            (acid[0] & 1, &acid[12..16], &acid[20..24]),
            (1, &[0u8; 4][..], &[0u8; 4][..])
        );
    }
    let most = |places: &[usize]| {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, hit) in hits.iter().enumerate() {
            if places.contains(&(i % 8)) {
                *votes.entry(&hit["class_label"]).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|v| v.1).unwrap().0.to_owned()
    };
    if hits.len() == 64 {
        assert_eq!((most(&[0, 4]).as_str(), most(&[2, 6]).as_str()), ("kick", "snare"));
    }

    // The loop is exactly as long as it says, and so is its stem.
    let frames = (number(row, "duration") * f64::from(RATE)).round() as usize;
    for column in ["loop_wav", "perc_wav"] {
        assert_eq!(samples(&files[row[column].trim_start_matches('\'')]).len(), frames);
    }
    let kit: Vec<&String> = files
        .keys()
        .filter(|f| f.starts_with(&format!("{folder}/kit/")))
        .collect();
    for ending in [".sfz", ".dspreset", ".multisample", ".h2drumkit"] {
        assert!(kit.iter().any(|f| f.ends_with(ending)), "no {ending} in {kit:?}");
    }
    let pieces = kit.iter().filter(|f| f.contains("/samples/")).count();
    assert_eq!(pieces, number(row, "kit_pieces") as usize);
    assert!((2..40).contains(&pieces), "{pieces} pieces of 64 hits");
    assert_eq!(&files[&format!("{folder}/groove.mid")][..4], b"MThd");
    assert!(files.contains_key(&format!("{folder}/break.png")) || files.contains_key(&format!("{folder}/break.svg")));

    // Again: nothing to do, and nothing changes. With two at a time: the same bytes.
    let again = run_in(
        work.path(),
        &[
            "breaks",
            "set",
            "--out",
            "out",
            "--drums-only",
            "--plot",
            "--json",
            "--quiet",
        ],
    );
    expect_code(&again, 0);
    assert!(stdout(&again).contains("\"resumed\":true"));
    assert_same(&files, &tree(&work.path().join("out")));
    song(&work.path().join("set/other.wav"));
    for jobs in ["1", "2"] {
        let out = format!("jobs{jobs}");
        expect_code(
            &run_in(
                work.path(),
                &["breaks", "set", "--out", &out, "--jobs", jobs, "--quiet"],
            ),
            0,
        );
    }
    assert_same(&tree(&work.path().join("jobs1")), &tree(&work.path().join("jobs2")));
}

#[test]
fn a_person_renames_a_cluster_and_everything_follows() {
    let work = tempfile::tempdir().unwrap();
    song(&work.path().join("song.wav"));
    let breaks = [
        "breaks",
        "song.wav",
        "--out",
        "out",
        "--drums-only",
        "--kit",
        "sfz",
        "--quiet",
    ];
    expect_code(&run_in(work.path(), &breaks), 0);
    let before = tree(&work.path().join("out"));
    let table = "song/break_01/hits/clusters.csv";
    let (header, clusters) = csv(&before, table);
    assert!(
        header.starts_with("track_id,break_index,cluster,class_label,"),
        "{header}"
    );
    let total: f64 = clusters.iter().map(|c| number(c, "num_hits")).sum();
    let changed = &clusters[0];
    assert_ne!(changed["class_label"], "ride");
    let text = format!(
        "track_id,break_index,cluster,class_label\nsong,1,{},ride\n",
        changed["cluster"]
    );
    fs::write(work.path().join("said.csv"), text).unwrap();

    expect_code(
        &run_in(work.path(), &[&breaks[..], &["--relabel", "said.csv"]].concat()),
        0,
    );
    let after = tree(&work.path().join("out"));
    let (_, renamed) = csv(&after, table);
    assert_eq!(renamed[0]["class_label"], "ride");
    assert_eq!(renamed[0]["confidence"], "1.0");
    assert_eq!(renamed.iter().map(|c| number(c, "num_hits")).sum::<f64>(), total);
    let (_, hits) = csv(&after, "song/break_01/hits/hits_metadata.csv");
    for hit in &hits {
        let own = hit["cluster"] == changed["cluster"];
        assert_eq!(own, hit["class_label"] == "ride", "{hit:?}");
    }
    assert!(after.contains_key("song/break_01/kit/samples/ride_01.wav"));
    // The sounds are what they were.
    for (name, bytes) in before.iter().filter(|(n, _)| n.contains("/drum_break")) {
        assert!(after[name] == *bytes, "{name}");
    }
    let lost = "track_id,break_index,cluster,class_label\nother,4,0,ride\nother,4,1,ride\n";
    fs::write(work.path().join("said.csv"), lost).unwrap();
    let run = run_in(work.path(), &[&breaks[..], &["--relabel", "said.csv"]].concat());
    expect_code(&run, 0);
    let said = stderr(&run);
    assert!(
        said.contains("break 4 of \"other\"") && said.contains("1 more"),
        "{said}"
    );
    for (text, named) in [
        ("track_id,break_index,cluster,class_label\nsong,1,0,kik\n", "line 2"),
        ("a,b\n1,2\n", "track_id"),
    ] {
        fs::write(work.path().join("said.csv"), text).unwrap();
        let run = run_in(work.path(), &[&breaks[..], &["--relabel", "said.csv"]].concat());
        expect_code(&run, 2);
        assert!(
            stderr(&run).contains(named) && stderr(&run).contains("said.csv"),
            "{}",
            stderr(&run)
        );
    }
}

#[test]
fn where_there_is_no_break_it_says_why() {
    let work = tempfile::tempdir().unwrap();
    let music = work.path().join("music");
    fs::create_dir_all(&music).unwrap();
    let rate = f64::from(RATE);
    let pad: Vec<f32> = (0..(20.0 * rate) as usize)
        .map(|i| {
            let t = i as f64 / rate;
            let root = [220.0, 174.6, 261.6, 196.0][(t / 2.0) as usize % 4];
            [1.0, 1.25, 1.5]
                .map(|p| 0.1 * (std::f64::consts::TAU * root * p * t).sin())
                .iter()
                .sum::<f64>() as f32
        })
        .collect();
    write_wav(&music.join("pad.wav"), &pad, RATE, 1);
    write_wav(&music.join("silence.wav"), &vec![0.0; RATE as usize * 5], RATE, 2);
    write_wav(&music.join("short.wav"), &[0.2; 300], RATE, 1);
    let run = run_in(work.path(), &["breaks", "music", "--out", "out"]);
    expect_code(&run, 4);
    let said = stdout(&run);
    assert_eq!(said.matches("no breaks: ").count(), 3, "{said}");
    let files = tree(&work.path().join("out"));
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["all_breaks.csv", "all_breaks.jsonl", "breaks_manifest.json"]
    );

    // Drums throughout: the whole of it is a break, and comes in pieces that can be used.
    let drums = work.path().join("drums.wav");
    song(&drums);
    let whole = hound::WavReader::open(&drums).unwrap().into_samples::<i16>().step_by(2);
    let x: Vec<f32> = whole.map(|s| f32::from(s.unwrap()) / 32_768.0).collect();
    let (from, to) = ((ALONE.0 * rate) as usize, (ALONE.1 * rate) as usize);
    write_wav(&drums, &x[from..to].repeat(2), RATE, 1);
    let run = run_in(
        work.path(),
        &["breaks", "drums.wav", "--out", "drums", "--no-stems", "--no-kit"],
    );
    expect_code(&run, 0);
    let files = tree(&work.path().join("drums"));
    let (_, rows) = csv(&files, "drums_drum_breaks.csv");
    assert!(!rows.is_empty());
    assert!(
        rows.iter()
            .all(|r| number(r, "bars") <= 8.0 && r["kind"] == "drums_only"),
        "{rows:?}"
    );
    assert!(
        !files.keys().any(|f| f.contains("perc") || f.contains("/kit/")),
        "{:?}",
        files.keys()
    );
}
