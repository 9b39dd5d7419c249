//! What the synthesiser says about a song is what is in the audio.

use ebur128::{EbuR128, Mode};
use loopwright_tests::synth::{Rendered, SectionPlan, Song, Style};

/// At 120 bpm and 44.1 kHz a beat is 22 050 frames, so that repeats can be exact.
const BEAT: usize = 22_050;

fn frame(song: &Rendered, seconds: f64) -> usize {
    (seconds * f64::from(song.audio.sample_rate())).round() as usize
}

fn energy(samples: &[f32]) -> f64 {
    samples.iter().map(|x| f64::from(x * x)).sum()
}

/// Energy of the difference between two stretches of a song against the energy of the first, in dB.
fn residual_db(song: &Rendered, a: usize, b: usize, frames: usize) -> f64 {
    let (mut difference, mut whole) = (0.0, 1e-12);
    for plane in song.audio.planes() {
        let (x, y) = (&plane[a..a + frames], &plane[b..b + frames]);
        whole += energy(x);
        difference += x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>();
    }
    10.0 * (difference / whole).max(1e-20).log10()
}

#[test]
fn kicks_strike_on_the_beats_within_a_millisecond() {
    for (bpm, drift) in [(120.0, 0.0), (125.3, 0.0), (118.0, 0.03)] {
        let plan = vec![SectionPlan::new("break", 8, "D")];
        let song = Song::new(Style::House, 3)
            .bpm(bpm)
            .drift(drift)
            .plan(plan)
            .head_silence(0.25)
            .build();
        let left = &song.audio.planes()[0];
        let ms = song.audio.sample_rate() as usize / 1000;
        let kicks: Vec<f64> = song
            .truth
            .drum_hits
            .iter()
            .filter(|h| h.1 == "kick")
            .map(|h| h.0)
            .collect();
        let mut checked = 0;
        for &beat in &song.truth.beats {
            assert!(kicks.iter().any(|k| (k - beat).abs() < 1e-9), "four to the floor");
            if kicks.iter().any(|&k| k < beat - 0.001 && k > beat - 0.3) {
                continue; // an up-beat still rings
            }
            checked += 1;
            let at = frame(&song, beat);
            let (before, after) = (energy(&left[at - 2 * ms..at - 1]), energy(&left[at..at + ms]));
            assert!(
                after > 10.0 * before,
                "beat at {beat:.3} s of {bpm} bpm: {before} before, {after} after"
            );
        }
        assert!(checked >= 20, "{checked} beats checked");
        assert_eq!(energy(&left[..frame(&song, 0.25) - 1]), 0.0, "silence at the head");
    }
}

#[test]
fn every_style_sounds_like_a_mastered_record() {
    for style in Style::ALL {
        let song = Song::new(style, 11).short().build();
        let planes = song.audio.planes();
        let mut meter = EbuR128::new(2, song.audio.sample_rate(), Mode::I).unwrap();
        meter.add_frames_planar_f32(&[&planes[0][..], &planes[1][..]]).unwrap();
        let lufs = meter.loudness_global().unwrap();
        assert!((-13.5..-11.5).contains(&lufs), "{style:?}: {lufs} LUFS");
        let peak = planes.iter().flatten().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!((0.5..0.98).contains(&peak), "{style:?}: peak {peak}");
        assert!(planes.iter().flatten().all(|x| x.is_finite()));
        assert_ne!(planes[0], planes[1], "{style:?} is in stereo");
        let mean = planes[0].iter().map(|&x| f64::from(x)).sum::<f64>() / planes[0].len() as f64;
        assert!(mean.abs() < 2e-3, "{style:?}: DC {mean}");
    }
}

#[test]
fn sections_tile_and_lists_are_in_order() {
    for (i, style) in Style::ALL.into_iter().enumerate() {
        let song = Song::wild(style, 40 + i as u64).odd_bar().build();
        let truth = &song.truth;
        assert!(truth.beats.windows(2).all(|w| w[0] < w[1]));
        assert!(truth.downbeats.iter().all(|d| truth.beats.contains(d)));
        assert_eq!(truth.sections[0].start, truth.beats[0]);
        for pair in truth.sections.windows(2) {
            assert_eq!(pair[0].end, pair[1].start);
            assert_eq!(pair[0].bar0 + pair[0].bars as usize, pair[1].bar0);
        }
        for s in &truth.sections {
            assert_eq!(s.start, truth.downbeats[s.bar0]);
        }
        let end = truth.sections.last().unwrap().end;
        assert!(end < truth.dur && truth.dur < end + 4.0);
        assert!(truth.drum_hits.windows(2).all(|w| w[0].0 <= w[1].0));
        assert!(!truth.true_loops.is_empty());
        for l in truth.true_loops.iter().chain(&truth.soft_loops) {
            let s = truth
                .sections
                .iter()
                .find(|s| s.start <= l.start && l.end <= s.end)
                .expect("inside one section");
            assert_eq!(l.bars % s.loop_unit_bars, 0);
            assert!(truth.downbeats.contains(&l.start));
            if s.fill_last_bar {
                assert!(l.end < s.end, "the fill is not in a loop");
            }
            if let Some(riser) = s.riser_start {
                assert!(l.end <= riser + 1e-9, "the riser is not in a loop");
            }
        }
        for d in &truth.drumless {
            assert!(
                !truth
                    .drum_hits
                    .iter()
                    .any(|h| h.0 > d.start + 0.03 && h.0 < d.end - 0.03)
            );
        }
        for b in &truth.breaks {
            assert!(truth.drum_hits.iter().any(|h| h.0 >= b.start && h.0 < b.end));
        }
    }
}

/// Twice the unit is the same as the unit before it; half a unit, and one beat off, is not.
#[test]
fn loops_repeat_exactly_and_units_are_the_smallest() {
    for (i, style) in Style::ALL.into_iter().enumerate() {
        for stems in ["D", "DBCA", "PA"] {
            let plan = vec![SectionPlan::new("A", 24, stems)];
            let song = Song::new(style, 60 + i as u64).bpm(120.0).plan(plan).build();
            let section = &song.truth.sections[0];
            let bar = song.truth.meter as usize * BEAT;
            let unit = section.loop_unit_bars as usize * bar;
            // Let the echoes of the beginning die away first.
            let start = frame(&song, section.start) + unit.max(2 * bar);
            let exact = residual_db(&song, start, start + unit, unit);
            assert!(exact < -60.0, "{style:?} {stems}: repeats within {exact:.1} dB");
            let off = residual_db(&song, start, start + unit + BEAT / 2, unit);
            assert!(off > -12.0, "{style:?} {stems}: half a beat off within {off:.1} dB");
            if section.loop_unit_bars > 1 {
                let half = residual_db(&song, start, start + unit / 2, unit / 2);
                assert!(
                    half > -45.0,
                    "{style:?} {stems}: half of the unit repeats within {half:.1} dB"
                );
            }
        }
    }
}

#[test]
fn a_fill_a_lead_and_hands_break_the_repeat() {
    let bar = 4 * BEAT;
    let repeat =
        |song: &Rendered, from: usize, bars: usize| residual_db(song, from * bar, (from + bars) * bar, bars * bar);
    let played = |plan: SectionPlan| Song::new(Style::Rock, 5).bpm(120.0).plan(vec![plan]);
    let unit = played(SectionPlan::new("A", 32, "DBC")).build().truth.sections[0].loop_unit_bars as usize;
    let filled = played(SectionPlan::new("A", 4 * unit as u32, "DBC").fill()).build();
    assert!(repeat(&filled, 2 * unit, unit) > -12.0, "the last unit ends in a fill");
    assert!(repeat(&filled, unit, unit) < -60.0);
    let sung = played(SectionPlan::new("V", 32, "DBCV")).build();
    assert!(repeat(&sung, 8, 8) > -25.0);
    assert!(sung.truth.true_loops.is_empty() && !sung.truth.soft_loops.is_empty());
    let by_hand = played(SectionPlan::new("A", 32, "DBC")).human(1.0).build();
    assert!(repeat(&by_hand, 8, 8) > -12.0);
    let late: Vec<f64> = by_hand
        .truth
        .drum_hits
        .iter()
        .filter(|h| h.1 == "kick")
        .map(|h| {
            let nearest = (h.0 / 0.125).round() * 0.125;
            h.0 - nearest
        })
        .collect();
    assert!(late.iter().any(|t| t.abs() > 0.002) && late.iter().all(|t| t.abs() < 0.0215));
}

#[test]
fn a_drifting_tempo_stays_within_its_bounds() {
    let song = Song::new(Style::Rock, 8).bpm(120.0).drift(0.04).build();
    let beats = &song.truth.beats;
    let bpm: Vec<f64> = beats.windows(2).map(|w| 60.0 / (w[1] - w[0])).collect();
    let (low, high) = bpm.iter().fold((f64::MAX, 0.0f64), |(l, h), &b| (l.min(b), h.max(b)));
    assert!(low > 120.0 * 0.959 && high < 120.0 * 1.041, "{low} to {high}");
    assert!(high - low > 3.0, "it does drift: {low} to {high}");
}

#[test]
fn the_same_song_is_the_same_and_another_is_another() {
    let make = |seed| Song::wild(Style::HipHop, seed).short().build();
    let (a, b, c) = (make(1), make(1), make(2));
    assert_eq!(a.audio, b.audio);
    assert_eq!(a.truth, b.truth);
    assert_ne!(a.audio, c.audio);
}

#[test]
fn other_rates_keep_the_times() {
    for rate in [8_000, 22_050, 48_000, 96_000] {
        let plan = vec![SectionPlan::new("break", 2, "D")];
        let song = Song::new(Style::Techno, 4)
            .bpm(120.0)
            .sample_rate(rate)
            .plan(plan)
            .build();
        assert_eq!(song.audio.sample_rate(), rate);
        let left = &song.audio.planes()[0];
        let ms = rate as usize / 1000;
        for &beat in &song.truth.beats[1..] {
            let at = frame(&song, beat);
            assert!(
                energy(&left[at..at + ms]) > 8.0 * energy(&left[at - ms..at - 1]),
                "{rate} Hz, {beat} s"
            );
        }
    }
}

#[test]
fn a_set_can_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    let preset = loopwright_tests::synth::Preset::Short;
    loopwright_tests::synth::write_set(folder.path(), 2, 9, preset, |id| names.push(id.to_owned())).unwrap();
    let text = std::fs::read_to_string(folder.path().join("manifest.json")).unwrap();
    let manifest: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest.len(), 2);
    for (item, name) in manifest.iter().zip(names) {
        assert_eq!(item["id"], name.as_str());
        let text = std::fs::read_to_string(folder.path().join(item["truth"].as_str().unwrap())).unwrap();
        let truth: loopwright_tests::synth::Truth = serde_json::from_str(&text).unwrap();
        let beats = std::fs::read_to_string(folder.path().join(item["beats"].as_str().unwrap())).unwrap();
        assert_eq!(beats.lines().count(), truth.beats.len());
        let wav = hound::WavReader::open(folder.path().join(item["audio"].as_str().unwrap())).unwrap();
        assert_eq!(f64::from(wav.duration()) / 44_100.0, truth.dur);
    }
}
