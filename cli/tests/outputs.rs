//! Click tracks and pictures as a user asks for them.

mod common;

use std::fs;

use common::{Song, expect_code, run_in, stderr, stdout, tree, write_wav};
use serde_json::Value;

#[test]
fn clicks_lie_on_the_beats_to_the_sample() {
    let work = tempfile::tempdir().unwrap();
    let song = Song {
        rate: 44_100,
        channels: 2,
        bpm: 97.3,
        ..Song::default()
    };
    song.write(&work.path().join("song.wav"));
    let run = run_in(
        work.path(),
        &["analyze", "song.wav", "--json", "--click", "only.wav", "--click-only"],
    );
    expect_code(&run, 0);
    let told: Value = serde_json::from_str(&stdout(&run)).unwrap();
    let times = |list: &str| -> Vec<f64> {
        let list = told[list].as_array().unwrap().iter();
        list.map(|t| t.as_f64().unwrap() * 44_100.0).collect()
    };
    let (beats, downbeats) = (times("beats"), times("downbeats"));
    let mut reader = hound::WavReader::open(work.path().join("only.wav")).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 44_100, 24));
    assert_eq!(reader.duration() as usize, song.samples().len());
    let samples: Vec<i32> = reader.samples::<i32>().map(Result::unwrap).collect();
    for channel in 0..2 {
        let plane: Vec<i32> = samples.iter().copied().skip(channel).step_by(2).collect();
        let (mut begun, mut silence) = (Vec::new(), usize::MAX);
        for (i, x) in plane.iter().enumerate() {
            if *x != 0 && silence > 2000 {
                begun.push((i, *x));
            }
            silence = if *x == 0 { silence.saturating_add(1) } else { 0 };
        }
        assert_eq!(begun.len(), beats.len());
        for ((at, height), beat) in begun.iter().zip(&beats) {
            // Half a sample of rounding, and a microsecond's in the text.
            assert!((*at as f64 - beat).abs() <= 0.55, "{at} {beat}");
            let downbeat = downbeats.iter().any(|d| (d - beat).abs() < 1.0);
            assert_eq!(*height > 4_000_000, downbeat, "downbeats are louder");
        }
    }
    // On top of the track nothing clips, and between clicks the track is itself, but for its level.
    let run = run_in(work.path(), &["analyze", "song.wav", "--click", "click.wav"]);
    expect_code(&run, 0);
    assert!(stdout(&run).contains("click.wav"), "{}", stdout(&run));
    let mixed: Vec<i32> = hound::WavReader::open(work.path().join("click.wav"))
        .unwrap()
        .samples::<i32>()
        .map(Result::unwrap)
        .collect();
    assert!(mixed.iter().all(|x| x.abs() < 8_388_607));
    let source: Vec<i16> = hound::WavReader::open(work.path().join("song.wav"))
        .unwrap()
        .samples::<i16>()
        .map(Result::unwrap)
        .collect();
    let quiet = |i: &usize| samples[*i] == 0 && source[*i].unsigned_abs() > 3000;
    let ratios: Vec<f64> = (0..mixed.len())
        .filter(quiet)
        .map(|i| f64::from(mixed[i]) / 256.0 / f64::from(source[i]))
        .collect();
    assert!(ratios.len() > 1000);
    assert!(
        ratios
            .iter()
            .all(|r| (r - ratios[0]).abs() < 1e-3 && *r > 0.4 && *r <= 1.0)
    );
}

#[test]
fn pictures_are_written_in_both_formats_and_always_the_same() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("a <song>.wav"));
    let formats: &[&str] = if cfg!(feature = "png") {
        &["svg", "png"]
    } else {
        &["svg"]
    };
    for format in formats {
        let names = [format!("a.{format}"), format!("b.{format}")];
        for name in &names {
            expect_code(&run_in(work.path(), &["analyze", "a <song>.wav", "--plot", name]), 0);
        }
        let read = |name: &String| fs::read(work.path().join(name)).unwrap();
        assert!(read(&names[0]) == read(&names[1]), "{format}");
    }
    let svg = fs::read_to_string(work.path().join("a.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("a &lt;song&gt;") && svg.contains("120.00 BPM, constant"));
    assert!(svg.contains(">16</text>"), "the last bar is numbered");
    let zoom = ["analyze", "a <song>.wav", "--plot", "z.svg", "--plot-range", "4-0:08.5"];
    expect_code(&run_in(work.path(), &zoom), 0);
    let zoomed = fs::read_to_string(work.path().join("z.svg")).unwrap();
    assert!(zoomed.contains("0:04.0 to 0:08.5") && zoomed.contains(">3</text>") && !zoomed.contains(">6</text>"));
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    Song::default().write(&work.path().join("song.wav"));
    write_wav(&work.path().join("silence.wav"), &vec![0.0; 22_050 * 4], 22_050, 1);
    let before = tree(work.path());
    for (arguments, code, part) in [
        (&["song.wav", "--click", "click.mp3"][..], 2, ".wav"),
        (&["song.wav", "--click", "song.wav"], 2, "the recording itself"),
        (&["song.wav", "--plot", "plot.jpeg"], 2, ".svg"),
        (&["song.wav", "--plot", "plot"], 2, ".svg"),
        (&["song.wav", "--click", "gone/click.wav"], 3, "no such folder"),
        (
            &["song.wav", "--plot", "p.svg", "--plot-range", "500-510"],
            2,
            "lies outside the track",
        ),
        (&["song.wav", "--plot", "p.svg", "--plot-range", "5-4"], 2, "end after"),
        (&["song.wav", "--plot-range", "1-2"], 2, "--plot"),
        (
            &["silence.wav", "--click", "c.wav", "--plot", "p.svg"],
            4,
            "no beats to click on",
        ),
    ] {
        let run = run_in(work.path(), &[&["analyze"], arguments].concat());
        expect_code(&run, code);
        let said = stderr(&run) + &stdout(&run);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        tree(work.path()).keys().collect::<Vec<_>>()
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let locked = work.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        // The superuser may write anywhere.
        if fs::write(locked.join("probe"), "").is_err() {
            let run = run_in(work.path(), &["analyze", "song.wav", "--click", "locked/click.wav"]);
            expect_code(&run, 3);
            assert!(stderr(&run).contains("click.wav"), "{}", stderr(&run));
        }
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
