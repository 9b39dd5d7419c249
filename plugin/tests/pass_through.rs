//! Sound leaves the plugin as it came, to the bit, and the plugin keeps out of the host's way.

#[path = "common/strict.rs"]
mod strict;

use loopwright_plugin::Loopwright;
use nice_plug::prelude::*;
use strict::Strict;

/// Lets the plugin process both planes in place.
fn process(plugin: &mut Loopwright, planes: &mut [Vec<f32>; 2], transport: Transport) -> ProcessStatus {
    let frames = planes[0].len();
    let mut buffer = Buffer::default();
    let [left, right] = planes;
    // SAFETY: both slices hold `frames` samples and outlive the buffer.
    unsafe { buffer.set_slices(frames, |slices| *slices = vec![&mut left[..], &mut right[..]]) };
    let mut aux = AuxiliaryBuffers {
        inputs: &mut [],
        outputs: &mut [],
    };
    plugin.process(&mut buffer, &mut aux, &mut Strict(transport))
}

fn bits(planes: &[Vec<f32>; 2]) -> [Vec<u32>; 2] {
    planes.clone().map(|p| p.into_iter().map(f32::to_bits).collect())
}

/// Every kind of bit pattern a float can be, repeated to `frames`.
fn odd_floats(frames: usize, turn: usize) -> Vec<f32> {
    let kinds = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        1e-30,
        f32::MIN_POSITIVE / 3.0,
        f32::from_bits(1),
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::from_bits(0x7fc0_1234),
        f32::from_bits(0xff80_0001),
    ];
    kinds.into_iter().cycle().skip(turn).take(frames).collect()
}

#[test]
fn every_block_comes_out_bit_for_bit() {
    let mut plugin = Loopwright::default();
    for frames in [0, 1, 31, 64, 512, 4096] {
        let mut planes = [odd_floats(frames, 0), odd_floats(frames, 5)];
        let before = bits(&planes);
        let status = process(&mut plugin, &mut planes, Transport::new(48_000.0));
        assert_eq!(status, ProcessStatus::Normal);
        assert!(bits(&planes) == before, "a block of {frames} frames was changed");
    }
}

#[test]
fn capturing_changes_nothing_at_any_rate_and_block() {
    let folder = tempfile::tempdir().unwrap();
    let mut plugin = Loopwright::default();
    plugin.shared().state.lock().settings.folder = folder.path().to_string_lossy().into_owned();
    for (rate, mode) in [
        (48_000.0, ProcessMode::Realtime),
        (8_000.0, ProcessMode::Offline),
        (767_999.5, ProcessMode::Buffered),
    ] {
        let config = BufferConfig {
            sample_rate: rate,
            min_buffer_size: None,
            max_buffer_size: 16_384,
            process_mode: mode,
        };
        let layout = &Loopwright::AUDIO_IO_LAYOUTS[0];
        assert!(plugin.activate(layout, &config, &mut Strict(Transport::new(rate))));
        plugin.reset();
        for frames in [0, 1, 31, 64, 512, 16_384, 100_000] {
            let mut planes = [odd_floats(frames, 0), odd_floats(frames, 5)];
            let before = bits(&planes);
            let mut transport = Transport::new(rate);
            transport.playing = true;
            transport.tempo = Some(f64::NAN);
            transport.pos_seconds = Some(f64::INFINITY);
            let status = process(&mut plugin, &mut planes, transport);
            // Only where somebody listens must the host not put it to sleep.
            let awake = mode != ProcessMode::Offline;
            assert_eq!(status == ProcessStatus::KeepAlive, awake);
            assert_eq!(status == ProcessStatus::Normal, !awake);
            assert!(bits(&planes) == before, "a block of {frames} frames was changed");
        }
        plugin.deactivate();
    }
}

#[test]
fn the_host_sees_the_bypass_and_a_knob_for_auditions() {
    let plugin = Loopwright::default();
    let map = plugin.params().param_map();
    let ids: Vec<&str> = map.iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids, ["bypass", "audition_level"]);
}

#[test]
fn stereo_in_stereo_out() {
    let [layout] = Loopwright::AUDIO_IO_LAYOUTS else {
        panic!("one layout");
    };
    assert_eq!(layout.main_input_channels, NonZeroU32::new(2));
    assert_eq!(layout.main_output_channels, NonZeroU32::new(2));
}

/// Some hosts send a block without channels, or with one: nothing is to be heard in it, but time goes by.
#[test]
fn blocks_with_too_few_channels_are_holes_in_what_is_captured() {
    for channels in [0, 1] {
        let folder = tempfile::tempdir().unwrap();
        let mut plugin = Loopwright::default();
        plugin.shared().state.lock().settings = loopwright_plugin::state::Settings {
            folder: folder.path().to_string_lossy().into_owned(),
            automatic: false,
            ..Default::default()
        };
        let rate = 48_000.0;
        let config = BufferConfig {
            sample_rate: rate,
            min_buffer_size: None,
            max_buffer_size: 4800,
            process_mode: ProcessMode::Offline,
        };
        assert!(plugin.activate(
            &Loopwright::AUDIO_IO_LAYOUTS[0],
            &config,
            &mut Strict(Transport::new(rate))
        ));
        plugin.reset();
        let play = |plugin: &mut Loopwright, blocks: usize| {
            for _ in 0..blocks {
                let plane: Vec<f32> = (0..4800).map(|i| (i % 89) as f32 / 89.0 - 0.5).collect();
                process(plugin, &mut [plane.clone(), plane], Transport::new(rate));
            }
        };
        play(&mut plugin, 45);
        let mut odd = vec![0.25; 4800];
        let mut buffer = Buffer::default();
        // SAFETY: the slice, if any, holds as many samples as are told and outlives the buffer.
        unsafe {
            buffer.set_slices(4800, |slices| {
                *slices = Some(&mut odd[..]).into_iter().take(channels).collect();
            });
        };
        let mut aux = AuxiliaryBuffers {
            inputs: &mut [],
            outputs: &mut [],
        };
        plugin.process(&mut buffer, &mut aux, &mut Strict(Transport::new(rate)));
        assert!(odd.iter().all(|x| *x == 0.25));
        play(&mut plugin, 50);
        plugin.deactivate();
        let begun = std::time::Instant::now();
        let ends = loop {
            let picture = plugin.shared().snapshot.load_full();
            let ends: Vec<u64> = picture.takes.iter().filter(|t| !t.open).map(|t| t.end).collect();
            if !ends.is_empty() && picture.takes.iter().map(|t| t.end).sum::<u64>() >= 94 * 4800 {
                break ends;
            }
            assert!(begun.elapsed().as_secs() < 60, "{ends:?}");
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(ends, [45 * 4800, 50 * 4800], "{channels} channels");
    }
}
