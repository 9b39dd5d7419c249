//! The files of a report that are read when they are needed: what is drawn of a loop, its sound, the map.

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flac_codec::encode::Options;
use serde_json::json;

use super::{Details, Map};
use crate::audio::AudioBuffer;
use crate::export::plot::wave::{Envelope, peak};
use crate::export::{AudioView, flac};

/// Columns of the waveform, of the small one in the table, and of each side of the seam.
const WAVE: usize = 960;
const THUMB: usize = 72;
const NEAR: usize = 160;
/// Reach of the seam's overview to each side, in seconds.
const NEAR_SECONDS: f64 = 0.25;
/// Reach of its magnification to each side, in seconds.
const EDGE_SECONDS: f64 = 0.001;
/// Channels that are drawn at the seam.
const DRAWN: usize = 2;
/// What the page plays is for listening: 16 bits are enough and half as large.
const BITS: u32 = 16;
/// More channels are mixed down.
const CHANNELS: usize = 8;

/// What the page draws and plays of a loop.
///
/// Waveforms are columns of three bytes: highest and lowest sample, as signed 127ths of the loop's peak, and RMS as 255ths
/// of it. Samples at the seam are signed 32767ths of the peak, little-endian. All in base64.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    /// Peak, full scale 1.
    pub peak: f32,
    /// The small waveform.
    pub thumb: String,
    /// The waveform.
    pub wave: String,
    /// The end of the loop and then its start, as a waveform.
    pub near: String,
    /// Seconds that [`Sound::near`] shows to each side of the seam.
    pub near_seconds: f64,
    /// Samples of each channel: those at the end, then as many from the start.
    pub edge: Vec<String>,
    /// FLAC, where it is wanted.
    pub flac: Option<Vec<u8>>,
}

pub(super) fn sound(audio: &AudioBuffer, embed: bool) -> Result<Sound, String> {
    let frames = audio.frames();
    let rate = f64::from(audio.sample_rate());
    let peak = peak(audio);
    let near = ((NEAR_SECONDS * rate) as usize).min(frames / 2).max(1);
    let wave = |from: usize, to: usize, columns: usize| {
        let envelope = Envelope::of(audio, (from as f64, to as f64), columns);
        bytes_of(&envelope, peak)
    };
    let mut around = wave(frames.saturating_sub(near), frames, NEAR);
    around.extend(wave(0, near, NEAR));
    let flac = embed.then(|| encode(audio)).transpose()?;
    Ok(Sound {
        peak,
        thumb: base64(&wave(0, frames, THUMB)),
        wave: base64(&wave(0, frames, WAVE)),
        near: base64(&around),
        near_seconds: near as f64 / rate,
        edge: edge(audio, peak),
        flac,
    })
}

fn bytes_of(envelope: &Envelope, peak: f32) -> Vec<u8> {
    let scale = if peak > 0.0 { 1.0 / peak } else { 0.0 };
    let signed = |x: f32| ((x * scale * 127.0).round() as i8) as u8;
    let columns = envelope.high.iter().zip(&envelope.low).zip(&envelope.rms);
    columns
        .flat_map(|((&high, &low), &rms)| [signed(high), signed(low), (rms * scale * 255.0).round() as u8])
        .collect()
}

fn edge(audio: &AudioBuffer, peak: f32) -> Vec<String> {
    let frames = audio.frames();
    let reach = ((EDGE_SECONDS * f64::from(audio.sample_rate())).round() as usize).clamp(8, 1024);
    let reach = reach.min(frames / 2).max(1);
    let scale = if peak > 0.0 { 32_767.0 / peak } else { 0.0 };
    let of = |plane: &Vec<f32>| {
        let end = plane.iter().skip(frames.saturating_sub(reach));
        let start = plane.iter().take(reach);
        let bytes: Vec<u8> = end
            .chain(start)
            .flat_map(|x| ((x * scale).round() as i16).to_le_bytes())
            .collect();
        base64(&bytes)
    };
    audio.planes().iter().take(DRAWN).map(of).collect()
}

fn encode(audio: &AudioBuffer) -> Result<Vec<u8>, String> {
    let mixed;
    let planes = if audio.channels() > CHANNELS {
        mixed = [audio.mono()];
        &mixed[..]
    } else {
        audio.planes()
    };
    let view = AudioView {
        planes,
        sample_rate: audio.sample_rate(),
    };
    let mut out = Cursor::new(Vec::new());
    flac::encode(&mut out, view, Options::default().no_padding(), BITS).map_err(|e| e.to_string())?;
    Ok(out.into_inner())
}

/// What is read when a row is looked at, as JSON in a string of a script.
pub(super) fn details(details: &Details, sound: Option<&Sound>) -> String {
    let sound = sound.map(|s| {
        json!({
            "peak": s.peak, "wave": s.wave, "near": s.near, "nearSeconds": s.near_seconds, "edge": s.edge,
        })
    });
    text(&json!({
        "reasons": details.reasons,
        "measures": details.measures,
        "marks": details.marks,
        "sound": sound,
    }))
}

/// The contact map: similarities as 255ths of the way from the lowest to the highest of two different loops.
pub(super) fn map(map: &Map) -> String {
    let n = map.names.len();
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for (i, &x) in map.similarity.iter().enumerate() {
        if n > 0 && i / n != i % n && x.is_finite() {
            (low, high) = (low.min(x), high.max(x));
        }
    }
    if low > high {
        (low, high) = (0.0, 1.0);
    }
    let range = if high > low { high - low } else { 1.0 };
    let step = |x: &f32| ((x - low) / range * 255.0).round().clamp(0.0, 255.0) as u8;
    let cells: Vec<u8> = map.similarity.iter().map(step).collect();
    text(&json!({
        "names": map.names, "rows": map.rows, "low": low, "high": high, "cells": base64(&cells),
        "leftOut": map.left_out,
    }))
}

/// A script that hands `value`, a literal, to the page.
pub(super) fn script(what: &str, number: usize, value: &str) -> String {
    format!("loopwrightPart(\"{what}\",{number},{value});\n")
}

/// JSON as a string literal of a script. The page parses it, so that no name in it can become a prototype.
fn text(value: &serde_json::Value) -> String {
    escaped(&serde_json::Value::String(escaped(&value.to_string())).to_string())
}

/// JSON in which nothing ends a script or a comment of HTML, nor a line of a script.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_script() {
        let hostile = "</script><!-- \u{2028} & \" \\ '";
        let literal = text(&json!({ "name": hostile, "__proto__": 1 }));
        assert!(!literal.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{literal}");
        let inner: String = serde_json::from_str(&literal).unwrap();
        let back: serde_json::Value = serde_json::from_str(&inner).unwrap();
        assert_eq!(back["name"], hostile);
    }

    #[test]
    fn the_seam_is_the_end_and_then_the_start() {
        let plane: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
        let audio = AudioBuffer::new(vec![plane.clone()], 8000).unwrap();
        let made = sound(&audio, true).unwrap();
        let wanted: Vec<u8> = plane[992..]
            .iter()
            .chain(&plane[..8])
            .flat_map(|x| ((x / 0.999 * 32_767.0).round() as i16).to_le_bytes())
            .collect();
        assert_eq!(made.edge, [base64(&wanted)]);
        let flac = made.flac.unwrap();
        let mut reader = flac_codec::decode::FlacSampleReader::new(Cursor::new(flac)).unwrap();
        let mut back: Vec<i32> = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), 1000, "not a frame more or less: it runs round");
        assert_eq!(back[500], 16_384);
    }

    #[test]
    fn silence_and_a_single_frame_are_sounds_too() {
        for plane in [vec![0.0; 64], vec![0.5]] {
            let audio = AudioBuffer::new(vec![plane], 44_100).unwrap();
            assert!(sound(&audio, true).is_ok());
        }
    }

    #[test]
    fn a_map_is_scaled_by_what_differs() {
        let map = Map {
            names: vec!["a".into(), "b".into()],
            rows: vec![Some(0), None],
            similarity: vec![1.0, 0.25, 0.75, 1.0],
            left_out: 0,
        };
        let inner: String = serde_json::from_str(&super::map(&map)).unwrap();
        let back: serde_json::Value = serde_json::from_str(&inner).unwrap();
        assert_eq!(back["cells"], base64(&[255, 0, 255, 255]));
        assert_eq!(back["low"], 0.25);
    }
}
