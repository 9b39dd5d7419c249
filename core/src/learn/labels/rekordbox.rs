//! A DJ's own loops and cues, from the XML that rekordbox exports ("File, Export Collection in xml format").
//!
//! A `TRACK` of the `COLLECTION` names its file in `Location`, a percent-encoded URI. Its `POSITION_MARK`s of `Type` 4 are
//! loops from `Start` to `End`; those of `Type` 0 are cues, of which only `Start` is known. Times are seconds with three
//! decimals. Fades and load points say nothing about loops.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::{LabelError, Labelled, Labels, Mark, loop_of, moment};

/// Reads the loops and cues of a collection.
///
/// # Errors
///
/// [`LabelError`], where the file is no such XML. Single marks that cannot be are left out with a note. Documents that define
/// entities are refused: rekordbox writes none.
pub fn read(path: &Path) -> Result<Labels, LabelError> {
    let file = File::open(path).map_err(|source| LabelError::Io {
        path: path.into(),
        source,
    })?;
    let broken = |problem: String| LabelError::Broken {
        path: path.into(),
        problem,
    };
    let mut reader = Reader::from_reader(BufReader::new(file));
    let mut buffer = Vec::new();
    let mut labels = Labels::default();
    let mut track: Option<Labelled> = None;
    let (mut root, mut in_collection) = (false, false);
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let at = reader.buffer_position();
        let event = event.map_err(|e| broken(format!("byte {at}: {e}")))?;
        let empty = matches!(event, Event::Empty(_));
        match event {
            Event::Eof => break,
            Event::DocType(_) => {
                return Err(broken(
                    "defines a document type, which no export of rekordbox does".into(),
                ));
            }
            Event::Start(e) | Event::Empty(e) => {
                let attributes = attributes(&e).map_err(|problem| broken(format!("byte {at}: {problem}")))?;
                let value = |name: &str| attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
                match e.name().as_ref() {
                    "DJ_PLAYLISTS" => root = true,
                    "COLLECTION" => in_collection = !empty,
                    "TRACK" if in_collection => {
                        labels.tracks.extend(track.take());
                        match value("Location").map(location) {
                            Some(key) if !key.is_empty() && !empty => {
                                track = Some(Labelled { key, marks: Vec::new() });
                            }
                            Some(_) => {}
                            None => {
                                let name = value("Name").unwrap_or("?");
                                labels.notes.push(format!("track `{name}` has no Location"));
                            }
                        }
                    }
                    "POSITION_MARK" => {
                        if let Some(track) = &mut track {
                            match mark(&value) {
                                Ok(mark) => track.marks.extend(mark),
                                Err(problem) => labels.notes.push(format!("{}: {problem}", track.key)),
                            }
                        }
                    }
                    _ => {}
                }
            }
            Event::End(e) => match e.name().as_ref() {
                "TRACK" => labels.tracks.extend(track.take()),
                "COLLECTION" => in_collection = false,
                _ => {}
            },
            _ => {}
        }
    }
    if !root {
        return Err(broken(
            "is XML, but not a collection of rekordbox: there is no DJ_PLAYLISTS".into(),
        ));
    }
    labels.tracks.retain(|t| !t.marks.is_empty());
    Ok(labels)
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, String> {
    let one = |a: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        let a = a.map_err(|e: quick_xml::events::attributes::AttrError| e.to_string())?;
        let name = a.key.as_ref().to_owned();
        let value = a.normalized_value(XmlVersion::default()).map_err(|e| e.to_string())?;
        Ok((name, value.into_owned()))
    };
    element.attributes().map(one).collect()
}

/// The loop or cue that a `POSITION_MARK` is; `None` for the other kinds.
fn mark<'a>(value: &impl Fn(&str) -> Option<&'a str>) -> Result<Option<Mark>, String> {
    let number = |name: &str| {
        let text = value(name).ok_or_else(|| format!("a POSITION_MARK has no {name}"))?;
        text.trim().parse::<f64>().map_err(|_| {
            format!(
                "{name}=\"{}\" is not a number",
                text.chars().take(40).collect::<String>()
            )
        })
    };
    match value("Type").map(str::trim) {
        Some("4") => Ok(Some(loop_of(number("Start")?, number("End")?, 1.0)?)),
        Some("0") => Ok(Some(Mark::Start(moment(number("Start")?)?))),
        _ => Ok(None),
    }
}

/// The path that a `Location` means: `file://localhost/C:/a%20b.wav` is `C:/a b.wav`, `file:///home/x` is `/home/x`.
pub fn location(uri: &str) -> String {
    let decoded = percent_decoded(uri.trim());
    let Some(rest) = decoded.strip_prefix("file://") else {
        return decoded;
    };
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    // A drive letter makes the leading slash part of the URI, not of the path.
    let mut bytes = path.bytes();
    match (bytes.next(), bytes.next(), bytes.next()) {
        (Some(b'/'), Some(drive), Some(b':')) if drive.is_ascii_alphabetic() => path[1..].to_owned(),
        _ => path.to_owned(),
    }
}

fn percent_decoded(text: &str) -> String {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        match (b, digit(bytes.get(i + 1)), digit(bytes.get(i + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                i += 3;
            }
            _ => {
                out.push(b);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
