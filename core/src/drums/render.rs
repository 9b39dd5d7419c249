//! A kit played by a groove: what a drum sampler makes of the two, to listen to and to compare with the loop.
//!
//! The rules are those that the exported kits ask of samplers: a note plays its piece whole, whatever its length
//! (one-shot); amplitude is velocity / 127 (linear: what Hydrogen and DecentSampler do, and what the SFZ asks for); a note
//! of a choke group ends what still sounds of that group, its own piece included.

use super::kit::{Groove, Kit, Note};

/// Seconds in which a choked sound falls to nothing.
pub const CHOKE_FADE: f64 = 0.01;

/// The amplitude at which a velocity plays: 0 to 1, linear.
pub fn gain(velocity: u8) -> f32 {
    f32::from(velocity.min(127)) / 127.0
}

/// The velocity whose [`gain`] is nearest to `gain`: 1 to 127. What is louder than its piece cannot be told and is 127.
pub fn velocity(gain: f64) -> u8 {
    // A gain that is not a number is cast to 0, and becomes 1 as silence does.
    ((gain * 127.0).round() as u8).clamp(1, 127)
}

/// Length of a groove's loop in frames; 0 where its tempo is not positive.
pub fn loop_frames(groove: &Groove, sample_rate: u32) -> usize {
    if groove.bpm > 0.0 {
        (f64::from(groove.beats) * 60.0 / groove.bpm * f64::from(sample_rate)).round() as usize
    } else {
        0
    }
}

/// The first `frames` frames of `groove` played on `kit` from its start, at the kit's rate: one plane a channel, as many as
/// the piece of the most channels has. A piece of one channel sounds in all.
///
/// A note begins at the frame nearest to its time. Notes before 0 or without a piece are silent, and what sounds after
/// the last frame is cut: ask for more than [`loop_frames`] to hear the last hits out. Nothing is limited: hits that
/// coincide may exceed full scale.
pub fn render(kit: &Kit, groove: &Groove, frames: usize) -> Vec<Vec<f32>> {
    let channels = kit.pieces.iter().map(|p| p.planes.len()).max().unwrap_or(0);
    let mut out = vec![vec![0.0f32; frames]; channels];
    let rate = f64::from(kit.sample_rate);
    let start = |note: &Note| (note.time * rate).round();
    let mut voices: Vec<Voice<'_>> = Vec::with_capacity(groove.notes.len());
    for note in &groove.notes {
        let Some(piece) = kit.pieces.iter().find(|p| p.note == note.note) else {
            continue;
        };
        // Not so for a time that is not a number.
        if start(note) >= 0.0 && start(note) < frames as f64 {
            voices.push(Voice {
                start: start(note) as usize,
                gain: gain(note.velocity),
                planes: &piece.planes,
                choke: piece.choke,
            });
        }
    }
    // Stable: of notes on one frame, the later in the groove chokes the earlier.
    voices.sort_by_key(|v| v.start);
    let fade = (CHOKE_FADE * rate).round() as usize;
    for (i, voice) in voices.iter().enumerate() {
        let choked = voice
            .choke
            .and_then(|group| voices[i + 1..].iter().find(|v| v.choke == Some(group)))
            .map_or(usize::MAX, |v| v.start - voice.start);
        for (channel, plane) in out.iter_mut().enumerate() {
            let source = match voice.planes {
                [one] => Some(one),
                planes => planes.get(channel),
            };
            let Some(source) = source else { continue };
            let sounding = source.iter().take(choked.saturating_add(fade));
            for (k, (y, x)) in plane[voice.start..].iter_mut().zip(sounding).enumerate() {
                let fall = if k < choked {
                    1.0
                } else {
                    1.0 - (k - choked + 1) as f32 / (fade + 1) as f32
                };
                *y += voice.gain * fall * x;
            }
        }
    }
    out
}

/// A note on its way out.
struct Voice<'a> {
    start: usize,
    gain: f32,
    planes: &'a [Vec<f32>],
    choke: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::super::class::{Class, Drum};
    use super::super::kit::Piece;
    use super::*;

    const RATE: u32 = 8_000;

    fn piece(name: &str, note: u8, choke: Option<u8>, planes: Vec<Vec<f32>>) -> Piece {
        Piece {
            class: Class::Drum(Drum::Perc),
            name: name.into(),
            planes,
            note,
            choke,
        }
    }

    fn kit() -> Kit {
        Kit {
            name: "k".into(),
            sample_rate: RATE,
            pieces: vec![
                piece("a", 36, None, vec![vec![1.0; 400]]),
                piece("open", 46, Some(3), vec![vec![0.5; 4_000], vec![0.25; 4_000]]),
                piece("closed", 42, Some(3), vec![vec![0.125; 10]; 2]),
            ],
        }
    }

    fn note(time: f64, note: u8, velocity: u8) -> Note {
        Note {
            time,
            duration: 0.01,
            note,
            velocity,
        }
    }

    fn groove(notes: Vec<Note>) -> Groove {
        Groove {
            name: "g".into(),
            bpm: 120.0,
            beats: 4,
            beats_per_bar: 4,
            notes,
        }
    }

    #[test]
    fn the_velocity_of_a_gain_is_the_nearest() {
        for v in 1..=127 {
            assert_eq!(velocity(gain(v).into()), v);
        }
        for (g, v) in [(0.0, 1), (f64::NAN, 1), (-1.0, 1), (0.5, 64), (1.0, 127), (7.0, 127)] {
            assert_eq!(velocity(g), v, "{g}");
        }
    }

    #[test]
    fn notes_begin_on_their_frame_at_their_gain_and_add_up() {
        // 0.010 06 s is frame 80.48, 0.010 07 s is frame 80.56.
        for (time, frame) in [(0.0, 0), (0.010_06, 80), (0.010_07, 81)] {
            let out = render(&kit(), &groove(vec![note(time, 36, 127)]), 1_000);
            assert_eq!(out.len(), 2);
            let expected: Vec<f32> = (0..1_000)
                .map(|i| if (frame..frame + 400).contains(&i) { 1.0 } else { 0.0 })
                .collect();
            assert_eq!(out, vec![expected.clone(), expected]);
        }
        let twice = render(&kit(), &groove(vec![note(0.0, 36, 127), note(0.0125, 36, 64)]), 1_000);
        assert_eq!((twice[0][99], twice[0][100]), (1.0, 1.0 + 64.0 / 127.0));
        assert_eq!((twice[0][399], twice[0][400]), (1.0 + 64.0 / 127.0, 64.0 / 127.0));
        assert_eq!((twice[0][499], twice[0][500]), (64.0 / 127.0, 0.0));
    }

    #[test]
    fn a_choke_group_has_one_voice_and_fades_within_its_time() {
        // Frames 0 and 1000; the fade takes 80.
        let out = render(&kit(), &groove(vec![note(0.0, 46, 127), note(0.125, 42, 127)]), 2_000);
        let fade = (CHOKE_FADE * f64::from(RATE)) as usize;
        assert_eq!((out[0][999], out[1][999]), (0.5, 0.25));
        assert_eq!((out[0][1_000 + fade], out[1][1_999]), (0.0, 0.0));
        let tail = &out[0][1_010..=1_000 + fade];
        assert!(tail.windows(2).all(|w| w[0] > w[1] && w[0] - w[1] < 0.51 / fade as f32));
        // Another group, or none, does not choke; the piece itself does.
        let out = render(&kit(), &groove(vec![note(0.0, 46, 127), note(0.125, 36, 127)]), 2_000);
        assert_eq!((out[0][1_999], out[1][1_999]), (0.5, 0.25));
        let out = render(&kit(), &groove(vec![note(0.0, 46, 127), note(0.125, 46, 127)]), 2_000);
        assert_eq!(out[0][1_200], 0.5);
    }

    #[test]
    fn what_cannot_sound_is_silent() {
        let odd = [
            note(-1.0, 36, 127),
            note(f64::NAN, 36, 127),
            note(1e300, 36, 127),
            note(0.1, 99, 127),
        ];
        let out = render(&kit(), &groove(odd.to_vec()), 900);
        assert_eq!(out, vec![vec![0.0; 900]; 2]);
        let late = render(&kit(), &groove(vec![note(0.1, 36, 127)]), 900);
        assert_eq!((late[0][799], late[0][800], late[0].len()), (0.0, 1.0, 900));
        assert_eq!(loop_frames(&groove(Vec::new()), RATE), 16_000);
        let empty = Kit {
            pieces: Vec::new(),
            ..kit()
        };
        assert!(render(&empty, &groove(vec![note(0.0, 36, 1)]), 10).is_empty());
    }
}
