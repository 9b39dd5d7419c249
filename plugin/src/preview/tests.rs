use super::*;
use crate::state::Kept;

const RATE: f64 = 48_000.0;

fn audition(sync: bool, looped: bool, solo: bool) -> Audition {
    Audition { sync, looped, solo }
}

fn clip(item: u64, frames: usize, how: Audition) -> Box<Clip> {
    // Every frame tells where it is.
    let plane: Vec<f32> = (0..frames).map(|i| 0.1 + 0.75 * i as f32 / frames as f32).collect();
    Box::new(Clip {
        item: ItemId(item),
        planes: [plane.clone(), plane.iter().map(|x| -x).collect()],
        peak: 0.85,
        quarters: None,
        how,
    })
}

struct Room {
    player: Player,
    booth: Booth,
    shared: Arc<Shared>,
}

fn room() -> Room {
    let shared = Arc::new(Shared::new(Arc::new(Kept::default())));
    let (player, booth) = channel(RATE, shared.clone());
    Room { player, booth, shared }
}

impl Room {
    /// Plays so many frames in blocks, over a passing sound of this value; returns the left side.
    fn play(&mut self, frames: usize, block: usize, passing: f32, mut host: impl FnMut(usize) -> HostTime) -> Vec<f32> {
        let mut out = Vec::new();
        while out.len() < frames {
            let n = block.min(frames - out.len());
            let (mut left, mut right) = (vec![passing; n], vec![passing; n]);
            let time = host(out.len());
            nice_assert_no_alloc::assert_no_alloc(|| self.player.block(&mut left, &mut right, &time));
            out.extend(left);
        }
        out
    }

    fn free(&mut self, frames: usize) -> Vec<f32> {
        self.play(frames, 64, 0.0, |_| HostTime::default())
    }
}

/// Largest step from one sample to the next.
fn step(x: &[f32]) -> f32 {
    x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

#[test]
fn nothing_is_touched_while_nothing_plays() {
    let mut room = room();
    let odd = [
        f32::NAN,
        -0.0,
        f32::from_bits(1),
        f32::INFINITY,
        f32::from_bits(0x7fc0_1234),
    ];
    let (mut left, mut right) = (odd, odd);
    room.player.block(&mut left, &mut right, &HostTime::default());
    assert_eq!(left.map(f32::to_bits), odd.map(f32::to_bits));
    // Nor after something has played.
    assert!(room.booth.send(Cue::Play(clip(1, 500, audition(false, false, true)))));
    room.free(2000);
    assert_eq!(room.shared.heard.get(), None);
    let (mut left, mut right) = (odd, odd);
    room.player.block(&mut left, &mut right, &HostTime::default());
    assert_eq!(right.map(f32::to_bits), odd.map(f32::to_bits));
}

#[test]
fn a_one_shot_is_heard_once_from_its_first_sample() {
    let mut room = room();
    let shot = clip(7, 1000, audition(false, false, false));
    let plane = shot.planes[0].clone();
    room.booth.send(Cue::Play(shot));
    let heard = room.free(512);
    assert_eq!(heard, plane[..512]);
    let (item, fraction) = room.shared.heard.get().unwrap();
    assert_eq!((item, (fraction * 1000.0).round()), (ItemId(7), 512.0));
    let rest = room.free(2000);
    assert_eq!(rest[..488], plane[512..]);
    assert!(rest[488..].iter().all(|x| *x == 0.0));
    assert_eq!(room.shared.heard.get(), None);
}

#[test]
fn a_loop_has_a_seam_of_no_width() {
    let mut room = room();
    let looped = clip(1, 1000, audition(false, true, false));
    let plane = looped.planes[0].clone();
    room.booth.send(Cue::Play(looped));
    let heard = room.free(20_000);
    // After the fade in.
    for (i, x) in heard.iter().enumerate().skip(242) {
        assert_eq!(*x, plane[i % 1000], "frame {i}");
    }
    assert!(heard[0] == 0.0 && step(&heard[..900]) < 0.005);
}

#[test]
fn replaced_and_stopped_clips_fade() {
    let mut room = room();
    let flat = |item| {
        let mut clip = clip(item, 1000, audition(false, true, false));
        clip.planes = [vec![0.5; 1000], vec![0.5; 1000]];
        clip
    };
    room.booth.send(Cue::Play(flat(1)));
    let mut heard = room.free(1000);
    room.booth.send(Cue::Play(flat(2)));
    heard.extend(room.free(1000));
    // Replaced again within a fade, and again.
    room.booth.send(Cue::Play(flat(3)));
    heard.extend(room.free(64));
    room.booth.send(Cue::Play(flat(4)));
    room.booth.send(Cue::Play(flat(5)));
    heard.extend(room.free(2000));
    assert_eq!(room.shared.heard.get().unwrap().0, ItemId(5));
    room.booth.send(Cue::Stop);
    heard.extend(room.free(1000));
    assert!(step(&heard) < 0.005, "{}", step(&heard));
    assert!(heard[heard.len() - 500..].iter().all(|x| *x == 0.0));
    // The linear fades of one sound into another of the same kind add up.
    assert!(heard[1000..2000].iter().all(|x| (x - 0.5).abs() < 1e-4));
    room.booth.sweep();
}

#[test]
fn in_sync_it_is_where_the_host_is() {
    for block in [64, 512, 1000] {
        let mut room = room();
        // One bar at 120 BPM: 96 000 frames.
        let mut bar = clip(1, 96_000, audition(true, true, false));
        bar.quarters = Some(4.0);
        let plane = bar.planes[0].clone();
        room.booth.send(Cue::Play(bar));
        let host = |start: f64| {
            move |frame: usize| HostTime {
                playing: true,
                // Quantised, as some hosts' are.
                beats: Some(((start + frame as f64 / 24_000.0) * 1920.0).round() / 1920.0),
                tempo: Some(120.0),
                ..HostTime::default()
            }
        };
        let heard = room.play(200_000, block, 0.0, host(9.0));
        for i in (300..200_000).step_by(97) {
            // At beat 9 of the host: a quarter into the third bar.
            assert_eq!(heard[i], plane[(24_000 + i) % 96_000], "blocks of {block}, frame {i}");
        }
        // A seek: it follows, without a click.
        let more = room.play(5000, block, 0.0, host(3.5));
        let joined: Vec<f32> = heard[199_000..].iter().chain(&more).copied().collect();
        assert!(step(&joined) < 0.01, "{}", step(&joined));
        for (i, x) in more.iter().enumerate().skip(500) {
            let at = ((3.5 * 24_000.0) as usize + i) % 96_000;
            assert!((x - plane[at]).abs() < 1e-3);
        }
        // Another tempo: it runs on by itself.
        let before = room.shared.heard.get().unwrap().1;
        room.play(4800, block, 0.0, |_| HostTime {
            playing: true,
            beats: Some(0.0),
            tempo: Some(140.0),
            ..HostTime::default()
        });
        let after = room.shared.heard.get().unwrap().1;
        assert!(((after - before).rem_euclid(1.0) - 0.05).abs() < 1e-6);
    }
}

#[test]
fn a_tempo_that_is_nearly_the_same_is_followed() {
    let mut room = room();
    let frames = 96_000;
    let mut bar = clip(1, frames, audition(true, true, false));
    let sine = |i: f64| (i * 4.0 * std::f64::consts::TAU / 4800.0).sin() as f32 * 0.5;
    bar.planes = [0, 1].map(|_| (0..frames).map(|i| sine(i as f64)).collect());
    bar.quarters = Some(4.0);
    room.booth.send(Cue::Play(bar));
    let tempo = 120.4;
    let host = move |frame: usize| HostTime {
        playing: true,
        beats: Some(frame as f64 / 48_000.0 * tempo / 60.0),
        tempo: Some(tempo),
        ..HostTime::default()
    };
    let heard = room.play(480_000, 512, 0.0, host);
    let worst = (480..480_000)
        .map(|i| (heard[i] - sine(i as f64 * tempo / 120.0)).abs())
        .fold(0.0, f32::max);
    assert!(worst < 0.001, "{worst}");
}

#[test]
fn solo_mutes_the_passing_sound_and_brings_it_back() {
    let mut room = room();
    let mut quiet = clip(1, 4800, audition(false, true, true));
    quiet.planes = [vec![0.25; 4800], vec![0.25; 4800]];
    room.booth.send(Cue::Play(quiet));
    let mut heard = room.play(4800, 64, 1.0, |_| HostTime::default());
    assert!(heard[400..].iter().all(|x| *x == 0.25));
    room.booth.send(Cue::Stop);
    heard.extend(room.play(4800, 64, 1.0, |_| HostTime::default()));
    assert!(heard[6000..].iter().all(|x| *x == 1.0));
    assert!(step(&heard) < 0.01);
    // Infinities that pass do not get through either.
    let mut again = clip(1, 4800, audition(false, true, true));
    again.planes = [vec![0.25; 4800], vec![0.25; 4800]];
    room.booth.send(Cue::Play(again));
    room.play(480, 64, 0.0, |_| HostTime::default());
    let heard = room.play(480, 64, f32::NAN, |_| HostTime::default());
    assert!(heard.iter().all(|x| *x == 0.25));
}

/// A loop of one value, with its peak.
fn flat(item: u64, value: f32) -> Box<Clip> {
    let mut clip = clip(item, 4800, audition(false, true, false));
    clip.planes = [vec![value; 4800], vec![-value; 4800]];
    clip.peak = value;
    clip
}

#[test]
fn a_new_level_is_reached_in_twenty_milliseconds_without_a_step() {
    let mut room = room();
    room.booth.send(Cue::Play(flat(1, 0.2)));
    room.free(1000);
    let mut heard = room.free(100);
    for gain in [2.0, 0.25, 4.0, 0.0, 1.0] {
        let before = heard.last().copied().unwrap();
        room.player.set_level(gain);
        let way = room.free(1100);
        // 20 ms are 960 frames: half way after half of them, there after all.
        let middle = 0.5 * (before + 0.2 * gain);
        assert!(
            (way[479] - middle).abs() < 0.002,
            "{gain}: {} is not {middle}",
            way[479]
        );
        assert!(way[961..].iter().all(|x| (x - 0.2 * gain).abs() < 1e-6), "{gain}");
        heard.extend(way);
    }
    // The widest way, 4 to 0, in 960 equal steps.
    assert!(step(&heard) < 0.2 * 4.0 / 960.0 * 1.01, "{}", step(&heard));
    // Told the same again and again, as in every block, it gets there just the same.
    for _ in 0..20 {
        room.player.set_level(3.0);
        room.free(64);
    }
    assert!((room.free(1)[0] - 0.6).abs() < 1e-6);
    // And what is no number is no level.
    room.player.set_level(f32::NAN);
    room.free(1000);
    assert!((room.free(1)[0] - 0.2).abs() < 1e-6);
}

#[test]
fn whatever_the_level_no_clip_is_above_the_ceiling() {
    let ceiling = 10f32.powf(-1.0 / 20.0);
    // Loud, and louder than full scale after its loudness was matched.
    for value in [0.5, 0.9, 1.0, 3.5] {
        let mut room = room();
        room.booth.send(Cue::Play(flat(1, value)));
        for gain in [1.0, 4.0, 0.1, 2.0] {
            room.player.set_level(gain);
            let heard = room.free(2000);
            let peak = heard.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(peak <= ceiling, "{value} at {gain}: {peak}");
            let wanted = (value * gain).min(CEILING);
            assert!(
                (heard[1999] - wanted).abs() < 1e-4,
                "{value} at {gain}: {}",
                heard[1999]
            );
            assert!(step(&heard[300..]) < 0.0042 * value.max(1.0));
        }
        // One follows another: each has its own limit, and their fades add up to no more.
        room.player.set_level(4.0);
        room.free(1000);
        room.booth.send(Cue::Play(flat(2, 0.1)));
        let heard = room.free(2000);
        assert!(heard.iter().all(|x| x.abs() <= ceiling));
        assert!((heard[1999] - 0.4).abs() < 1e-5);
    }
    // Silence, and a peak that was not told, change nothing.
    let mut room = room();
    room.booth.send(Cue::Play(flat(1, 0.0)));
    room.player.set_level(4.0);
    assert!(room.free(1000).iter().all(|x| *x == 0.0));
}

#[test]
fn a_full_way_back_keeps_clips_until_there_is_room() {
    let shared = Arc::new(Shared::new(Arc::new(Kept::default())));
    let (player, booth) = with_room(RATE, shared.clone(), 4, 1);
    let mut room = Room { player, booth, shared };
    for item in 1..=4 {
        assert!(
            room.booth
                .send(Cue::Play(clip(item, 100, audition(false, false, false))))
        );
        room.free(1000);
    }
    // One came back, one is stuck, the others wait.
    assert!(room.player.stuck.is_some() || room.player.voice.is_some());
    for _ in 0..4 {
        room.booth.sweep();
        room.free(1000);
    }
    assert!(room.player.stuck.is_none() && room.player.voice.is_none() && room.player.cues.is_empty());
    // Silence at once, whatever is under way.
    for item in 1..=4 {
        room.booth
            .send(Cue::Play(clip(item, 10_000, audition(false, true, true))));
    }
    room.free(100);
    nice_assert_no_alloc::assert_no_alloc(|| room.player.silence());
    assert_eq!(room.shared.heard.get(), None);
    let heard = room.play(100, 10, 0.5, |_| HostTime::default());
    assert!(heard.iter().all(|x| *x == 0.5));
}

#[test]
fn empty_clips_and_no_host_are_nothing() {
    let mut room = room();
    room.booth.send(Cue::Play(clip(1, 0, audition(true, true, false))));
    assert!(room.free(100).iter().all(|x| *x == 0.0));
    let mut odd = clip(2, 10, audition(true, true, false));
    odd.quarters = Some(0.0);
    room.booth.send(Cue::Play(odd));
    let time = HostTime {
        playing: true,
        beats: Some(f64::NAN),
        tempo: Some(f64::INFINITY),
        ..HostTime::default()
    };
    assert!(room.play(100, 10, 0.0, |_| time).iter().all(|x| x.is_finite()));
    room.player.block(&mut [], &mut [], &time);
}

#[test]
fn a_player_that_goes_is_heard_no_more() {
    let mut room = room();
    assert!(room.booth.send(Cue::Play(clip(4, 4800, audition(false, true, false)))));
    room.free(480);
    assert_eq!(room.shared.heard.get().map(|(item, _)| item), Some(ItemId(4)));
    drop(room.player);
    assert_eq!(room.shared.heard.get(), None);
}

#[test]
fn a_full_ring_says_so() {
    let mut room = room();
    while room.booth.has_room() {
        assert!(room.booth.send(Cue::Stop));
    }
    assert!(!room.booth.send(Cue::Stop));
    room.free(64);
    assert!(room.booth.has_room());
}
