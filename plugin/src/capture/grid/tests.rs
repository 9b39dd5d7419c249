use super::super::testing::{Host, Tempo};
use super::*;

/// Plays, and returns the largest error of the beats in frames.
fn error(mut host: Host, seconds: f64, block: usize, unit: f64) -> f64 {
    host.play(seconds, block);
    host.history.close();
    host.check();
    assert_eq!(host.history.takes().len(), 1);
    let worst = host.grid_error(0, unit);
    println!("{block} frames a block: largest error {worst:.4} frames");
    worst
}

#[test]
fn an_exact_host_gives_an_exact_grid() {
    for (rate, bpm, block) in [
        (44_100.0, 97.0, 512),
        (48_000.0, 174.123, 64),
        (96_000.0, 60.0, 0),
        (8_000.0, 120.0, 333),
        (768_000.0, 133.3, 16_384),
        (44_117.647, 120.0, 512),
    ] {
        let e = error(Host::new(rate, bpm), 9.0, block, 1.0);
        assert!(e < 0.01, "{rate} Hz, {bpm} BPM: {e} frames");
    }
}

#[test]
fn quantised_positions_average_out() {
    for bpm in [60.0, 97.0, 120.0, 174.0, 133.37] {
        for block in [512, 64, 0] {
            let mut host = Host::new(48_000.0, bpm);
            host.faults.quantised = true;
            let e = error(host, 12.0, block, 1.0);
            assert!(e < 4.8, "{bpm} BPM, {block}: {e} frames, more than 0.1 ms");
        }
    }
}

#[test]
fn ardour_begins_early_splits_blocks_and_misplaces_bars() {
    let mut host = Host::new(48_000.0, 97.000_000_166_111_59);
    host.meters = vec![(f64::NEG_INFINITY, (7, 8))];
    host.faults.quantised = true;
    host.faults.next_bar = true;
    host.song = -1776.0;
    for _ in 0..200 {
        for block in [1024, 752, 272] {
            host.block(block);
        }
    }
    host.history.close();
    assert_eq!(host.check(), [-1776]);
    let e = host.grid_error(0, 0.5);
    assert!(e < 4.8, "{e} frames");
    let take = &host.history.takes()[0];
    let grid = take.grid().unwrap();
    assert_eq!(grid.beats_per_bar, 7);
    assert!(
        (grid.tempo.0 - 194.0).abs() < 1e-3,
        "eighths a minute: {:?}",
        grid.tempo
    );
    assert!(grid.constant);
    // Bar 1 begins at position 0, 1776 frames in.
    assert_eq!(take.first_bar(), Some(1));
    assert!((grid.beats[grid.downbeats[0]] - 1776.0).abs() < 4.8);
    assert!(grid.bars().iter().all(|(_, beats)| *beats == 7));
}

#[test]
fn qtractor_misses_the_first_block_and_counts_in_single_precision() {
    for start in [0.0, 10_000.0] {
        let mut host = Host::new(48_000.0, 120.0);
        host.faults.single = true;
        host.faults.blank = 1;
        host.song = host.frame(start).round();
        host.play(20.0, 512);
        host.history.close();
        assert_eq!(host.check().len(), 1);
        // Single precision at 10 000 steps by 0.001 beats: 23 frames.
        let e = host.grid_error(0, 1.0);
        assert!(e < 4.8, "from {start}: {e} frames");
    }
}

#[test]
fn a_tempo_map_steps_where_it_says() {
    // 120 to 90 at beat 8, inside a block.
    let mut host = Host::new(44_100.0, 120.0);
    host.tempi.push(Tempo {
        from: 8.0,
        bpm: 90.0,
        ramp: 0.0,
    });
    let e = error(host, 12.0, 512, 1.0);
    assert!(e < 0.5, "{e} frames");
    let mut host = Host::new(44_100.0, 120.0);
    host.tempi.push(Tempo {
        from: 8.0,
        bpm: 90.0,
        ramp: 0.0,
    });
    host.play(12.0, 4096);
    host.history.close();
    assert!(host.grid_error(0, 1.0) < 0.5);
    let grid = host.history.takes()[0].grid().unwrap();
    assert!(!grid.constant);
}

#[test]
fn ramps_are_followed_within_a_millisecond() {
    for (block, quantised) in [
        (64, false),
        (512, false),
        (4096, false),
        (16_384, false),
        (512, true),
        (0, true),
    ] {
        let mut host = Host::new(48_000.0, 90.0);
        host.tempi[0].ramp = 6.0;
        host.faults.quantised = quantised;
        let e = error(host, 10.0, block, 1.0);
        let allowed = if quantised { 24.0 } else { 1.0 };
        assert!(e < allowed, "blocks of {block}, quantised {quantised}: {e} frames");
    }
    // Down, to a constant tempo.
    let mut host = Host::new(48_000.0, 150.0);
    host.tempi[0].ramp = -10.0;
    host.tempi.push(Tempo {
        from: 9.0,
        bpm: 109.5445,
        ramp: 0.0,
    });
    let e = error(host, 14.0, 512, 1.0);
    assert!(e < 24.0, "{e} frames");
}

#[test]
fn rounded_tempi_are_corrected_by_positions() {
    let mut host = Host::new(48_000.0, 120.4);
    host.faults.round_tempo = true;
    let e = error(host, 30.0, 512, 1.0);
    assert!(e < 0.5, "{e} frames");
    let mut host = Host::new(48_000.0, 120.4);
    host.faults.round_tempo = true;
    host.faults.quantised = true;
    let e = error(host, 30.0, 512, 1.0);
    assert!(e < 4.8, "{e} frames");
}

#[test]
fn samples_and_tempo_are_enough() {
    let mut host = Host::new(48_000.0, 128.0);
    host.faults.no_beats = true;
    host.faults.no_bars = true;
    host.faults.samples_off = true;
    host.song = 96_000.0;
    host.play(10.0, 512);
    host.song = 48_000.0 * 100.0;
    host.play(5.0, 512);
    host.history.close();
    assert_eq!(host.check(), [96_000, 4_800_000]);
    assert!(host.grid_error(0, 1.0) < 1.5 && host.grid_error(1, 1.0) < 1.5);
}

#[test]
fn meters_change_within_a_take() {
    for (hints, block) in [(true, 512), (false, 512), (true, 4096), (false, 64)] {
        // Two bars of 4/4, then 7/8, then 3/4.
        let mut host = Host::new(48_000.0, 120.0);
        host.meters = vec![(f64::NEG_INFINITY, (4, 4)), (8.0, (7, 8)), (8.0 + 4.0 * 3.5, (3, 4))];
        host.faults.no_bars = !hints;
        host.play(16.0, block);
        host.history.close();
        let grid = host.history.takes()[0].grid().unwrap();
        let bars = grid.bars();
        let counts: Vec<u32> = bars.iter().map(|(_, n)| *n).collect();
        assert_eq!(counts, [4, 4, 7, 7, 7, 7, 3, 3, 3], "hints {hints}, blocks of {block}");
        let starts: Vec<f64> = bars.iter().map(|(s, _)| s.start / 24_000.0).collect();
        for (is, should) in starts.iter().zip([0.0, 4.0, 8.0, 11.5, 15.0, 18.5, 22.0, 25.0, 28.0]) {
            assert!((is - should).abs() < 1e-4, "{starts:?}");
        }
        assert!(!grid.constant);
        assert_eq!(host.history.takes()[0].first_bar(), Some(1));
    }
}

#[test]
fn six_eight_has_six_beats() {
    let mut host = Host::new(44_100.0, 100.0);
    host.meters = vec![(f64::NEG_INFINITY, (6, 8))];
    host.play(10.0, 512);
    host.history.close();
    let grid = host.history.takes()[0].grid().unwrap();
    assert_eq!((grid.beats_per_bar, grid.constant), (6, true));
    assert!((grid.tempo.0 - 200.0).abs() < 1e-6);
    assert!(host.grid_error(0, 0.5) < 0.01);
}

#[test]
fn bars_are_where_the_host_says_if_that_can_be() {
    // 4/4 after a bar of 2/4 before the take: bars begin at 2 modulo 4.
    let mut host = Host::new(48_000.0, 120.0);
    host.meters = vec![(f64::NEG_INFINITY, (2, 4)), (2.0, (4, 4))];
    host.song = host.frame(20.5);
    host.play(8.0, 512);
    host.history.close();
    let take = &host.history.takes()[0];
    let grid = take.grid().unwrap();
    assert!((grid.beats[grid.downbeats[0]] - 1.5 * 24_000.0).abs() < 0.01);
    assert_eq!(take.first_bar(), None, "nobody knows how many bars of 2/4 there were");
    // A host that says 0 forever is not believed.
    let mut timeline = Timeline::new(48_000.0);
    for k in 0..1000u64 {
        timeline.push(Note {
            frame: k * 480,
            beats: 3.0 + k as f64 * 0.02,
            tempo: 120.0,
            meter: Some((3, 4)),
            bar_start: Some(0.0),
        });
    }
    let (grid, number) = timeline.grid(0, 480_000).unwrap();
    assert_eq!((grid.beats[grid.downbeats[0]], number), (0.0, Some(2)));
}

#[test]
fn positions_that_contradict_the_tempo_make_no_grid() {
    let mut timeline = Timeline::new(48_000.0);
    for k in 0..1000u64 {
        timeline.push(Note {
            frame: k * 480,
            beats: k as f64 * 0.02 * 1.03,
            tempo: 120.0,
            meter: None,
            bar_start: None,
        });
    }
    assert!(timeline.fit().is_none());
    assert!(timeline.grid(0, 480_000).is_none());
    assert!(Timeline::new(48_000.0).grid(0, 1000).is_none());
}

#[test]
fn one_bar_of_a_cycle_is_one_bar() {
    let mut host = Host::new(48_000.0, 120.0);
    host.play(2.0, 512);
    host.history.close();
    let grid = host.history.takes()[0].grid().unwrap();
    assert_eq!(grid.bars().len(), 1);
    assert_eq!(grid.beats, [0.0, 24_000.0, 48_000.0, 72_000.0, 96_000.0]);
}

#[test]
fn the_length_of_blocks_changes_nothing() {
    let grids = |block: usize| {
        let mut host = Host::new(48_000.0, 97.3);
        host.play(30.0, block);
        host.song = 7_777_777.0;
        host.play(20.0, block);
        host.history.close();
        let takes = host.history.takes();
        takes
            .iter()
            .map(|t| (t.audio(), t.grid().unwrap(), t.first_bar()))
            .collect::<Vec<_>>()
    };
    let long = grids(4096);
    assert_eq!(long.len(), 2);
    for block in [64, 0, 441, 16_384] {
        let other = grids(block);
        assert!(other == long, "blocks of {block}");
    }
}

#[test]
fn meters_that_have_left_the_history_are_forgotten_and_bars_stay_where_they_are() {
    for hints in [true, false] {
        let mut host = Host::new(48_000.0, 120.0);
        // 4/4 and 3/4 by turns.
        host.meters = vec![(f64::NEG_INFINITY, (4, 4))];
        host.meters
            .extend((0..20).flat_map(|k| [(7.0 * f64::from(k) + 4.0, (3, 4)), (7.0 * f64::from(k) + 7.0, (4, 4))]));
        host.faults.no_bars = !hints;
        host.history.set_limits(crate::capture::history::Limits {
            seconds: 15.0,
            ..crate::capture::testing::limits()
        });
        host.play(60.0, 500);
        let take = &host.history.takes()[0];
        let stretches = take.time.as_ref().unwrap().stretches.len();
        assert!(stretches <= 12, "{stretches} meters in 15 s");
        let grid = take.grid().unwrap();
        let bars = grid.bars();
        assert!(bars.len() >= 6, "{bars:?}");
        for (span, beats) in bars {
            let place = (take.first() as f64 + span.start) / 24_000.0;
            let into = (place + 1e-3).rem_euclid(7.0);
            let want = if into < 0.01 { 4 } else { 3 };
            assert!(into < 0.01 || (into - 4.0).abs() < 0.01, "hints {hints}: {place}");
            assert_eq!(beats, want, "hints {hints}: {place}");
        }
        assert_eq!(take.first_bar(), None);
    }
}
