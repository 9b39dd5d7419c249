//! Standard MIDI Files (format 0) of grooves: to play a kit, or to play slices in order.
//!
//! Times are not quantised but to the tick, a 960th of a beat; the track ends exactly where the loop does, so that a clip
//! made of the file loops. Source: *Standard MIDI Files 1.0* (MIDI Manufacturers Association, RP-001).

use std::io::Write;

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

use super::FormatError;
use super::meta::plain_text;
use crate::drums::kit::{Groove, Note};

/// Ticks a beat.
pub const TICKS: u16 = 960;
/// The note of the first slice: that on which samplers' slicing modes begin.
pub const FIRST_SLICE: u8 = 36;
/// Most slices that have a note of their own.
pub const MAX_SLICES: usize = 128 - FIRST_SLICE as usize;

/// Whom the notes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A drum kit: channel 10, which General MIDI keeps for drums.
    Drums,
    /// A sampler that holds slices: channel 1.
    Slices,
}

impl Channel {
    fn number(self) -> u4 {
        match self {
            Self::Drums => u4::new(9),
            Self::Slices => u4::new(0),
        }
    }
}

/// A note in ticks; `0 <= on < off <= end of track`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    on: u32,
    off: u32,
    note: u8,
    velocity: u8,
}

/// Writes `groove` as a file.
///
/// A note is on at the tick nearest to its time, at the last of the loop if it would be later, and off a tick later at
/// least; it ends before the same note begins again. Of equal notes on one tick the loudest stays. Notes above 127 and
/// times that are no numbers are left out.
///
/// # Errors
///
/// [`FormatError::Unfit`] without beats, with more than 279 620 of them, or with a tempo outside 3.6 to 60 million beats a
/// minute, none of which the format can say.
pub fn write(out: &mut dyn Write, groove: &Groove, channel: Channel) -> Result<(), FormatError> {
    let end = end_of_track(groove)?;
    let name = plain_text(&groove.name);
    let mut track = Vec::with_capacity(2 * groove.notes.len() + 4);
    let mut meta = |message| {
        track.push(TrackEvent {
            delta: u28::new(0),
            kind: TrackEventKind::Meta(message),
        });
    };
    meta(MetaMessage::TrackName(name.as_bytes()));
    meta(MetaMessage::Tempo(tempo(groove.bpm)?));
    // Quarters (2 to the power of 2); a metronome click a quarter (24 clocks); 8 thirty-seconds a quarter.
    let beats = groove.beats_per_bar.clamp(1, 255) as u8;
    meta(MetaMessage::TimeSignature(beats, 2, 24, 8));

    let mut events: Vec<(u32, bool, u8, u8)> = Vec::with_capacity(2 * groove.notes.len());
    for n in in_ticks(groove, end) {
        events.push((n.on, true, n.note, n.velocity));
        events.push((n.off, false, n.note, 0));
    }
    // Off before on, so that a note which ends where it begins anew is not silenced.
    events.sort_unstable();
    let mut now = 0;
    for (tick, on, key, vel) in events {
        let (key, vel) = (u7::new(key), u7::new(vel));
        let message = if on {
            MidiMessage::NoteOn { key, vel }
        } else {
            MidiMessage::NoteOff { key, vel }
        };
        track.push(TrackEvent {
            delta: u28::new(tick - now),
            kind: TrackEventKind::Midi {
                channel: channel.number(),
                message,
            },
        });
        now = tick;
    }
    track.push(TrackEvent {
        delta: u28::new(end - now),
        kind: TrackEventKind::Meta(MetaMessage::EndOfTrack),
    });
    let file = Smf {
        header: Header::new(Format::SingleTrack, Timing::Metrical(u15::new(TICKS))),
        tracks: vec![track],
    };
    Ok(file.write_std(out)?)
}

/// The groove that plays the slices of a loop once each, in order: notes from [`FIRST_SLICE`] upwards, each as long as its
/// slice, all at full velocity, so that a sampler gives the loop back at its own level.
///
/// `edges` are those of the slices in frames, from 0 to the loop's length; `bpm` is the tempo at which `beats` fill it.
///
/// # Errors
///
/// [`FormatError::Unfit`] for more than [`MAX_SLICES`] slices, and for edges that do not increase from 0.
pub fn slices_groove(
    name: &str,
    edges: &[usize],
    bpm: f64,
    beats: u32,
    beats_per_bar: u32,
) -> Result<Groove, FormatError> {
    let (Some(0), Some(&frames), true) = (edges.first(), edges.last(), edges.windows(2).all(|w| w[0] < w[1])) else {
        return Err(FormatError::Unfit("edges of slices must increase from 0".into()));
    };
    let count = edges.len() - 1;
    if count > MAX_SLICES {
        return Err(FormatError::Unfit(format!(
            "MIDI has notes for {MAX_SLICES} slices, not for {count}"
        )));
    }
    let length = f64::from(beats) * 60.0 / bpm;
    let seconds = |edge: usize| edge as f64 / frames.max(1) as f64 * length;
    let notes = (FIRST_SLICE..)
        .zip(edges.windows(2))
        .map(|(note, w)| Note {
            time: seconds(w[0]),
            duration: seconds(w[1]) - seconds(w[0]),
            note,
            velocity: 127,
        })
        .collect();
    Ok(Groove {
        name: name.to_owned(),
        bpm,
        beats,
        beats_per_bar,
        notes,
    })
}

/// The tick at which the loop ends.
fn end_of_track(groove: &Groove) -> Result<u32, FormatError> {
    groove
        .beats
        .checked_mul(TICKS.into())
        .filter(|end| (1..1 << 28).contains(end))
        .ok_or_else(|| FormatError::Unfit(format!("a MIDI file cannot hold a loop of {} beats", groove.beats)))
}

/// Microseconds a beat.
fn tempo(bpm: f64) -> Result<u24, FormatError> {
    let micros = (60e6 / bpm).round();
    if micros >= 1.0 && micros < f64::from(1u32 << 24) {
        Ok(u24::new(micros as u32))
    } else {
        Err(FormatError::Unfit(format!("a MIDI file cannot hold a tempo of {bpm}")))
    }
}

fn in_ticks(groove: &Groove, end: u32) -> Vec<Ticks> {
    let tick = |seconds: f64| (seconds * groove.bpm / 60.0 * f64::from(TICKS)).round();
    let mut notes: Vec<Ticks> = groove
        .notes
        .iter()
        .filter(|n| n.note < 128 && n.time.is_finite())
        .map(|n| {
            let on = tick(n.time).clamp(0.0, f64::from(end - 1)) as u32;
            // A duration that is no number gives a note of one tick: casts make it 0.
            let off = (tick(n.time + n.duration).min(f64::from(end)) as u32).max(on + 1);
            Ticks {
                on,
                off,
                note: n.note,
                velocity: n.velocity.clamp(1, 127),
            }
        })
        .collect();
    notes.sort_by_key(|n| (n.note, n.on, u8::MAX - n.velocity));
    notes.dedup_by_key(|n| (n.note, n.on));
    for i in 1..notes.len() {
        if notes[i].note == notes[i - 1].note {
            notes[i - 1].off = notes[i - 1].off.min(notes[i].on);
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(time: f64, duration: f64, note: u8, velocity: u8) -> Note {
        Note {
            time,
            duration,
            note,
            velocity,
        }
    }

    fn groove(notes: Vec<Note>) -> Groove {
        Groove {
            name: "Brëak\n1".into(),
            bpm: 123.999_947_28,
            beats: 16,
            beats_per_bar: 4,
            notes,
        }
    }

    fn written(groove: &Groove, channel: Channel) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, groove, channel).unwrap();
        out
    }

    /// What a reader makes of a file: (tick, status, note, velocity) of its notes, and the tick of the end of the track.
    fn read(bytes: &[u8]) -> (Vec<(u32, u8, u8, u8)>, u32) {
        let smf = Smf::parse(bytes).unwrap();
        assert_eq!(smf.header.format, Format::SingleTrack);
        assert_eq!(smf.header.timing, Timing::Metrical(u15::new(960)));
        assert_eq!(smf.tracks.len(), 1);
        let (mut now, mut notes, mut end) = (0, Vec::new(), None);
        for event in &smf.tracks[0] {
            assert_eq!(end, None, "nothing may follow the end of the track");
            now += event.delta.as_int();
            match event.kind {
                TrackEventKind::Midi { channel, message } => {
                    let c = channel.as_int();
                    match message {
                        MidiMessage::NoteOn { key, vel } => notes.push((now, 0x90 | c, key.as_int(), vel.as_int())),
                        MidiMessage::NoteOff { key, vel } => notes.push((now, 0x80 | c, key.as_int(), vel.as_int())),
                        other => panic!("{other:?}"),
                    }
                }
                TrackEventKind::Meta(MetaMessage::EndOfTrack) => end = Some(now),
                TrackEventKind::Meta(_) => assert_eq!(now, 0),
                ref other => panic!("{other:?}"),
            }
        }
        (notes, end.unwrap())
    }

    #[test]
    fn the_bytes_of_a_small_file() {
        let small = Groove {
            name: "A".into(),
            bpm: 120.0,
            beats: 4,
            beats_per_bar: 3,
            notes: vec![note(0.0, 0.1, 36, 100)],
        };
        let mut expected = b"MThd\0\0\0\x06\0\0\0\x01\x03\xC0MTrk".to_vec();
        let body = [
            &b"\0\xFF\x03\x01A"[..],
            b"\0\xFF\x51\x03\x07\xA1\x20",
            b"\0\xFF\x58\x04\x03\x02\x18\x08",
            b"\0\x99\x24\x64",
            b"\x81\x40\x89\x24\0", // 192 ticks
            b"\x9C\x40\xFF\x2F\0", // 3648 ticks
        ]
        .concat();
        expected.extend((body.len() as u32).to_be_bytes());
        expected.extend(body);
        assert_eq!(written(&small, Channel::Drums), expected);
        assert_eq!(written(&small, Channel::Drums), expected);
    }

    #[test]
    fn notes_stand_at_their_times_and_the_track_ends_with_the_loop() {
        let g = groove(
            (0..40)
                .map(|i| note(f64::from(i) * 0.1873, 0.1, 36 + (i % 5) as u8, 1 + i as u8 * 3))
                .collect(),
        );
        let (events, end) = read(&written(&g, Channel::Drums));
        assert_eq!(end, 16 * 960);
        let ons: Vec<_> = events.iter().filter(|e| e.1 == 0x99).collect();
        assert_eq!(ons.len(), 40);
        for (n, (tick, _, key, vel)) in g.notes.iter().zip(ons) {
            let seconds = f64::from(*tick) / 960.0 * 60.0 / g.bpm;
            assert!((seconds - n.time).abs() <= 0.5 / 960.0 * 60.0 / g.bpm + 1e-12);
            assert_eq!((*key, *vel), (n.note, n.velocity));
        }
        assert!(events.iter().all(|e| e.1 == 0x99 || e.1 == 0x89));
        let text = written(&g, Channel::Drums);
        assert!(text.windows(7).any(|w| w == "Brëak1".as_bytes()));
    }

    #[test]
    fn every_note_ends_before_it_begins_again_and_inside_the_loop() {
        let length = 16.0 * 60.0 / 123.999_947_28;
        let g = groove(vec![
            note(-0.5, 0.1, 40, 10),
            note(0.5, 9.0, 36, 1),
            note(0.6, 0.0, 36, 0),
            note(0.6, 0.1, 36, 90),
            note(0.600_01, f64::NAN, 36, 20),
            note(length, 1.0, 38, 255),
            note(length + 5.0, 1.0, 39, 64),
            note(f64::NAN, 1.0, 36, 64),
            note(0.5, 1.0, 128, 64),
        ]);
        let (events, end) = read(&written(&g, Channel::Drums));
        let mut open = std::collections::BTreeMap::new();
        let mut seen = Vec::new();
        for (tick, status, key, vel) in events {
            if status == 0x99 {
                assert!(tick < end && (1..=127).contains(&vel));
                assert_eq!(open.insert(key, tick), None, "{key} begins while it sounds");
                seen.push((key, vel));
            } else {
                let on = open.remove(&key).expect("an end without a beginning");
                assert!(tick > on && tick <= end);
            }
        }
        assert!(open.is_empty());
        assert_eq!(seen, [(40, 10), (36, 1), (36, 90), (38, 127), (39, 64)]);
    }

    #[test]
    fn slices_are_played_in_order_and_tile_the_loop() {
        let edges = [0, 12_345, 40_000, 40_001, 341_419];
        let bpm = crate::export::meta::implied_bpm(16, 341_419, 44_100);
        let g = slices_groove("s", &edges, bpm, 16, 4).unwrap();
        for (n, e) in g.notes.iter().zip(edges) {
            assert!((n.time - e as f64 / 44_100.0).abs() < 1e-9);
        }
        let (events, end) = read(&written(&g, Channel::Slices));
        let ons: Vec<_> = events.iter().filter(|e| e.1 == 0x90).map(|e| e.2).collect();
        assert_eq!(ons, [36, 37, 38, 39]);
        assert_eq!(*events.last().unwrap(), (end, 0x80, 39, 0));
        for edges in [&[][..], &[1, 5], &[0, 5, 5]] {
            assert!(slices_groove("s", edges, bpm, 16, 4).is_err());
        }
        let most: Vec<usize> = (0..=MAX_SLICES).collect();
        assert_eq!(slices_groove("s", &most, bpm, 16, 4).unwrap().notes[91].note, 127);
        let more: Vec<usize> = (0..=MAX_SLICES + 1).collect();
        assert!(slices_groove("s", &more, bpm, 16, 4).is_err());
    }

    #[test]
    fn what_the_format_cannot_say_is_an_error() {
        for (bpm, beats) in [
            (0.0, 4),
            (3.5, 4),
            (f64::NAN, 4),
            (-120.0, 4),
            (120.0, 0),
            (120.0, 300_000),
        ] {
            let g = Groove {
                bpm,
                beats,
                ..groove(Vec::new())
            };
            assert!(write(&mut Vec::new(), &g, Channel::Drums).is_err(), "{bpm} {beats}");
        }
    }
}
