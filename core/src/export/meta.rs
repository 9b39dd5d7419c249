//! What a loop's file says about it, whatever the format.

use super::tree::{LoopItem, TrackRequest};
use crate::drums::class::Class;
use crate::loops::candidate::Candidate;
use crate::loops::slices::beat_edges;

/// The program that wrote a file.
pub const SOFTWARE: &str = concat!("Loopwright ", env!("CARGO_PKG_VERSION"));

/// What a loop's file says about it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LoopMeta {
    /// Title, for people.
    pub title: String,
    /// Artist, where known.
    pub artist: Option<String>,
    /// A line about the loop.
    pub comment: String,
    /// Length in beats; 0 for one-shots.
    pub beats: u32,
    /// Beats a bar.
    pub beats_per_bar: u32,
    /// The note that counts as a beat: 4 for quarters.
    pub beat_unit: u32,
    /// Beats a minute that make the beats fill the frames exactly.
    pub bpm: f64,
    /// Key, where known.
    pub key: Option<String>,
    /// MIDI note of the key's root, from 60 to 71, where there is one.
    pub root: Option<u8>,
    /// Places to jump to or to cut at, in frames, with names in ASCII.
    pub cues: Vec<(u32, String)>,
    /// Whether to write a `bext` chunk.
    pub bext: bool,
    /// Seed for dither, so that the same loop has the same bytes.
    pub seed: u64,
}

impl LoopMeta {
    /// What the file of a one-shot says: what it is, and nothing of tempo, key or loop points, which it has none of.
    pub fn one_shot(title: &str, artist: Option<&str>, class: Class) -> Self {
        let title = plain_text(title);
        Self {
            comment: format!("One-shot, {}", class.label()),
            artist: artist.map(plain_text).filter(|a| !a.is_empty()),
            beats: 0,
            // The meter of programs that want one all the same.
            beats_per_bar: 4,
            beat_unit: 4,
            bpm: 0.0,
            key: None,
            root: None,
            cues: Vec::new(),
            bext: false,
            seed: title
                .bytes()
                .fold(0, |s: u64, b| s.wrapping_mul(31).wrapping_add(b.into())),
            title,
        }
    }

    pub(crate) fn of(request: &TrackRequest<'_>, item: &LoopItem, frames: usize, bpm: f64) -> Self {
        let candidate = &item.candidate;
        let beats_per_bar = beats_per_bar(candidate);
        let edges = beat_edges(request.grid, candidate, frames);
        let cues = edges[..edges.len() - 1]
            .iter()
            .enumerate()
            .map(|(i, &e)| {
                let (bar, beat) = (i as u32 / beats_per_bar.max(1) + 1, i as u32 % beats_per_bar.max(1) + 1);
                (u32::try_from(e).unwrap_or(u32::MAX), format!("Beat {bar}.{beat}"))
            })
            .collect();
        let plural = if candidate.bars == 1 { "" } else { "s" };
        let mut comment = format!("{} bar{plural}, {:.2} BPM", candidate.bars, bpm);
        if let Some(key) = request.key {
            comment.push_str(", ");
            comment.push_str(key);
        }
        let id = request.track.id.0;
        let seed = u64::from_le_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]]);
        let title = request.track.tags.title.as_deref().unwrap_or(&request.track.name);
        Self {
            title: plain_text(title),
            artist: request
                .track
                .tags
                .artist
                .as_deref()
                .map(plain_text)
                .filter(|a| !a.is_empty()),
            comment,
            beats: candidate.beats,
            beats_per_bar,
            beat_unit: 4,
            bpm,
            key: request.key.map(str::to_owned),
            root: request.key.and_then(root_note),
            cues,
            bext: request.config.bext,
            seed: seed ^ candidate.span.start.to_bits() ^ candidate.span.end.to_bits().rotate_left(32),
        }
    }
}

/// Text without control characters, at most 200 characters long.
pub(super) fn plain_text(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Beats a bar of a candidate, at least 1.
pub fn beats_per_bar(candidate: &Candidate) -> u32 {
    ((f64::from(candidate.beats) / f64::from(candidate.bars.max(1))).round() as u32).max(1)
}

/// The tempo at which `beats` fill `frames` exactly: the only one that is consistent with the file.
pub fn implied_bpm(beats: u32, frames: usize, sample_rate: u32) -> f64 {
    f64::from(beats) * 60.0 * f64::from(sample_rate) / frames.max(1) as f64
}

/// The MIDI note, from 60 (C) to 71, of the root of a key such as `A`, `F#m`, `Bb minor`; `None` for other text.
pub fn root_note(key: &str) -> Option<u8> {
    let mut chars = key.trim().chars();
    let natural: i32 = match chars.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let shift = match chars.next() {
        Some('#' | '♯') => 1,
        Some('b' | '♭') => -1,
        _ => 0,
    };
    u8::try_from(60 + (natural + shift).rem_euclid(12)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_tempo_fills_the_frames() {
        for (beats, frames, rate, bpm) in [
            (32, 682_839, 44_100, 123.999_947_28),
            (32, 743_226, 48_000, 123.999_967_71),
            (16, 243_310, 44_100, 174.000_246_60),
            (16, 330_750, 44_100, 128.0),
        ] {
            let implied = implied_bpm(beats, frames, rate);
            assert!((implied - bpm).abs() < 1e-8, "{implied}");
            let seconds = f64::from(beats) * 60.0 / f64::from(implied as f32);
            assert!((seconds - frames as f64 / f64::from(rate)).abs() < 1.0 / f64::from(rate));
        }
    }

    #[test]
    fn roots() {
        for (key, note) in [
            ("C", 60),
            ("Am", 69),
            ("F#m", 66),
            ("Bb", 70),
            ("B", 71),
            ("Cb", 71),
            ("E minor", 64),
        ] {
            assert_eq!(root_note(key), Some(note), "{key}");
        }
        assert_eq!(root_note("8A"), None);
        assert_eq!(root_note(""), None);
    }
}
