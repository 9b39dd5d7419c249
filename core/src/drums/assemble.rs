//! From the hits of a break to its kit, and to the groove that replays the break on it.
//!
//! A cluster becomes one piece: its cleanest hit, raised to the level of the cluster's loudest, so that every hit of the
//! cluster is a velocity of that piece. The first piece of a class lies on the class's General MIDI note, further ones on
//! the notes that General MIDI gives to its relatives, and what is left over where there is room.

use std::collections::BTreeSet;

use super::class::{Class, Drum};
use super::hits::{Cluster, Hit, Hits, slice};
use super::kit::{Groove, Kit, Note, Piece};
use super::render;
use crate::audio::AudioBuffer;

/// The notes of each class, the first the class's own, then General MIDI's for drums of its kind.
fn notes(class: Class) -> &'static [u8] {
    match class {
        Class::Drum(Drum::Kick) => &[36, 35],
        Class::Drum(Drum::Snare) => &[38, 40, 37],
        Class::Drum(Drum::HatClosed) => &[42, 44],
        Class::Drum(Drum::HatOpen) => &[46],
        Class::Drum(Drum::Tom) => &[45, 47, 43, 48, 41, 50],
        Class::Drum(Drum::Clap) => &[39],
        Class::Drum(Drum::Crash) => &[49, 57, 55, 52],
        Class::Drum(Drum::Ride) => &[51, 59, 53],
        Class::Drum(Drum::Perc) => &[56, 54, 69, 70, 75, 76, 77, 62, 63, 64, 60, 61, 65, 66, 67, 68],
        Class::Synth(_) | Class::Silence => &[],
    }
}

/// Where pieces go that their class has no room for.
const SPARE: std::ops::RangeInclusive<u8> = 78..=127;

/// Hi-hats cut each other off: they are one instrument.
const HATS: u8 = 1;

/// Highest sample that a raised piece reaches.
const CEILING: f32 = 0.999;

/// The kit of a break: a piece for each cluster of `hits`, which were found in `audio`. `name` is for people.
///
/// Clusters of silence are left out. A break without hits has a kit without pieces, which no format can hold.
pub fn kit(name: &str, audio: &AudioBuffer, hits: &Hits) -> Kit {
    let mut taken = BTreeSet::new();
    let mut pieces: Vec<Piece> = Vec::new();
    for cluster in &hits.clusters {
        let Some(pick) = pick(hits, cluster) else { continue };
        let Some(note) = notes(cluster.class)
            .iter()
            .copied()
            .chain(SPARE)
            .find(|n| !taken.contains(n))
        else {
            continue;
        };
        taken.insert(note);
        let number = 1 + pieces.iter().filter(|p| p.class == cluster.class).count();
        let mut planes = slice::cut(audio, pick.span);
        let peak = planes.iter().flatten().fold(0f32, |a, x| a.max(x.abs()));
        let gain = loudest(hits, cluster, pick)
            .min(f64::from(CEILING / peak.max(1e-9)))
            .max(1.0) as f32;
        planes.iter_mut().flatten().for_each(|x| *x *= gain);
        pieces.push(Piece {
            class: cluster.class,
            name: format!("{}_{number:02}", cluster.class.label()),
            planes,
            note,
            choke: is_hat(cluster.class).then_some(HATS),
        });
    }
    pieces.sort_by_key(|p| p.note);
    Kit {
        name: name.to_owned(),
        sample_rate: audio.sample_rate(),
        pieces,
    }
}

/// The notes by which `kit`, made of `hits` of `audio`, replays the loop of `beats` beats that begins at frame `start` of the
/// track and has `frames` frames. Hits outside it are left out.
///
/// Where a hit is a copy of its piece, the note lies where the two lie on each other to the sample, and is as loud as the
/// one is in the other; elsewhere at the attack, by the attack's level.
pub fn groove(
    name: &str,
    audio: &AudioBuffer,
    kit: &Kit,
    hits: &Hits,
    (start, frames): (usize, usize),
    (beats, beats_per_bar): (u32, u32),
) -> Groove {
    let rate = f64::from(hits.sample_rate.max(1));
    let length = frames as f64 / rate;
    let mut notes = Vec::new();
    for (cluster, piece) in pieces(kit, hits) {
        let Some(pick) = pick(hits, cluster) else { continue };
        let loudest = loudest(hits, cluster, pick);
        for hit in cluster.hits.iter().filter_map(|&i| hits.hits.get(i)) {
            let copy = copy_of(audio, hit, pick);
            let (onset, gain) = copy.unwrap_or((hit.onset, ratio(hit, pick)));
            // The piece begins as its slice does, a little before the attack; so must the note.
            let time = (onset - lead(pick) - start as f64) / rate;
            let time = if time < 0.0 && hit.onset >= start as f64 - 0.01 * rate {
                0.0
            } else {
                time
            };
            if !(0.0..length).contains(&time) {
                continue;
            }
            notes.push(Note {
                time,
                duration: (hit.span.len() / rate).min(length - time),
                note: piece.note,
                velocity: render::velocity(gain / loudest),
            });
        }
    }
    notes.sort_by(|a, b| a.time.total_cmp(&b.time).then(a.note.cmp(&b.note)));
    Groove {
        name: name.to_owned(),
        bpm: f64::from(beats) * 60.0 / length.max(1.0 / rate),
        beats,
        beats_per_bar,
        notes,
    }
}

/// Where `hit` begins, as an attack in frames, if it is taken for a copy of `pick`, and how loud it is as one; `None` where
/// they are too unlike to tell.
fn copy_of(audio: &AudioBuffer, hit: &Hit, pick: &Hit) -> Option<(f64, f64)> {
    match_of(audio, hit, pick).map(|(_, onset, gain)| (onset, gain))
}

/// Correlation of the attacks of two hits where they lie best on each other, 0 (unlike) to 1 (one sound at two levels).
pub(crate) fn likeness(audio: &AudioBuffer, a: &Hit, b: &Hit) -> f64 {
    match_of(audio, a, b).map_or(0.0, |(alike, ..)| alike)
}

/// How alike, where, and how loud.
fn match_of(audio: &AudioBuffer, hit: &Hit, pick: &Hit) -> Option<(f64, f64, f64)> {
    /// Farthest that the attack moves, how much is compared, and from how much before the attack, in seconds.
    const REACH: f64 = 0.002;
    const LENGTH: f64 = 0.030;
    const BEFORE: f64 = 0.001;
    /// Least correlation.
    const ALIKE: f64 = 0.5;
    let rate = f64::from(audio.sample_rate());
    let reach = (REACH * rate) as isize;
    let own = (pick.span.end.min(pick.onset + LENGTH * rate) - pick.onset).max(0.0);
    let other = (hit.span.end.min(hit.onset + LENGTH * rate) - hit.onset).max(0.0);
    let before = (BEFORE * rate) as isize;
    let count = own.min(other) as isize + before;
    let mono = |at: isize| -> f64 {
        let Ok(at) = usize::try_from(at) else { return 0.0 };
        audio
            .planes()
            .iter()
            .filter_map(|p| p.get(at))
            .map(|x| f64::from(*x))
            .sum()
    };
    let piece: Vec<f64> = (0..count)
        .map(|i| mono(pick.onset.round() as isize - before + i))
        .collect();
    let first = hit.onset.round() as isize - before - reach;
    let sound: Vec<f64> = (0..count + 2 * reach).map(|i| mono(first + i)).collect();
    let energy: f64 = piece.iter().map(|x| x * x).sum();
    let mut best: Option<(f64, usize, f64)> = None;
    for (lag, window) in sound.windows(piece.len().max(1)).enumerate() {
        let dot: f64 = window.iter().zip(&piece).map(|(a, b)| a * b).sum();
        let level: f64 = window.iter().map(|x| x * x).sum();
        let alike = dot / (level * energy).sqrt();
        if alike > best.map_or(ALIKE, |b| b.0) {
            best = Some((alike, lag, dot / energy));
        }
    }
    let (alike, lag, gain) = best?;
    // The piece lies where its rounded attack is; what the rounding left goes with it.
    let moved = lag as isize - reach;
    Some((
        alike,
        hit.onset.round() + moved as f64 + (pick.onset - pick.onset.round()),
        gain,
    ))
}

/// Each cluster with its piece. Pieces of a class are numbered in the clusters' order, which is how they find each other.
pub fn pieces<'a>(kit: &'a Kit, hits: &'a Hits) -> Vec<(&'a Cluster, &'a Piece)> {
    let mut numbers: std::collections::BTreeMap<Class, usize> = std::collections::BTreeMap::new();
    hits.clusters
        .iter()
        .filter(|c| pick(hits, c).is_some())
        .filter_map(|cluster| {
            let number = numbers.entry(cluster.class).or_default();
            *number += 1;
            let name = format!("{}_{number:02}", cluster.class.label());
            let piece = kit.pieces.iter().find(|p| p.name == name)?;
            Some((cluster, piece))
        })
        .collect()
}

/// The hit that stands for a cluster.
fn pick<'a>(hits: &'a Hits, cluster: &Cluster) -> Option<&'a Hit> {
    let first = cluster.picks.first().or(cluster.hits.first())?;
    (cluster.class != Class::Silence)
        .then(|| hits.hits.get(*first))
        .flatten()
}

/// Amplitude of a hit as a multiple of the pick's.
fn ratio(hit: &Hit, pick: &Hit) -> f64 {
    10f64.powf(f64::from(hit.level - pick.level) / 20.0)
}

/// The largest of those, at least 1; beyond 12 dB a hit is no louder version of the pick but something else on top of it.
fn loudest(hits: &Hits, cluster: &Cluster, pick: &Hit) -> f64 {
    let of = |i: &usize| hits.hits.get(*i).map_or(1.0, |h| ratio(h, pick));
    cluster.hits.iter().map(of).fold(1.0, f64::max).min(4.0)
}

/// Frames by which a hit's slice begins before its attack.
fn lead(hit: &Hit) -> f64 {
    (hit.onset - hit.span.start).max(0.0)
}

fn is_hat(class: Class) -> bool {
    matches!(class, Class::Drum(Drum::HatClosed | Drum::HatOpen))
}
