//! Datasets as CSV.

use std::fs::File;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use super::builder::Builder;
use super::{DatasetError, Place};
use crate::guard::undisarmed;

pub(super) fn read(path: &Path, into: &mut Builder) -> Result<(), DatasetError> {
    let io = |source| DatasetError::Io {
        path: path.into(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(1 << 18)
        .from_reader(file);
    let mut record = ByteRecord::new();
    let broken = |e: csv::Error| {
        let place = e.position().map(|p| format!("line {}: ", p.line())).unwrap_or_default();
        let problem = match e.into_kind() {
            csv::ErrorKind::Io(source) => return io(source),
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{place}{len} fields, but the header names {expected_len}")
            }
            other => format!("{place}{other:?}"),
        };
        DatasetError::Broken {
            path: path.into(),
            problem,
        }
    };
    if !reader.read_byte_record(&mut record).map_err(broken)? {
        return Err(DatasetError::Empty { path: path.into() });
    }
    let header: Vec<String> = record
        .iter()
        .enumerate()
        .map(|(i, field)| {
            // Some programs begin UTF-8 with a byte order mark.
            let field = if i == 0 {
                field.strip_prefix(b"\xef\xbb\xbf").unwrap_or(field)
            } else {
                field
            };
            let text = String::from_utf8_lossy(field);
            undisarmed(text.trim()).to_owned()
        })
        .collect();
    let mapping = into.map(path, &header)?;
    let [id, start, end, weight] = mapping.required;
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        let field = |at: usize| record.get(at).unwrap_or_default();
        let wrong = |at: usize, problem: String| DatasetError::Cell {
            path: path.into(),
            place,
            column: header.get(at).cloned().unwrap_or_default(),
            problem,
        };
        let required = |at: usize| {
            let text = text(field(at));
            text.trim().parse::<f64>().map_err(|_| wrong(at, no_number(&text)))
        };
        let name = text(field(id));
        let span = (required(start)?, required(end)?);
        let row = into.push(path, place, undisarmed(&name), span, {
            // An empty weight is reported with the other weights that do not do.
            if field(weight).is_empty() {
                f64::NAN
            } else {
                required(weight)?
            }
        })?;
        for &(at, column) in &mapping.features {
            row[column] = feature(field(at)).map_err(|problem| wrong(at, problem))?;
        }
    }
    Ok(())
}

fn text(field: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(field)
}

fn no_number(text: &str) -> String {
    match text.trim() {
        "" => "is empty".into(),
        other => format!("`{}` is not a number", other.chars().take(40).collect::<String>()),
    }
}

/// A feature's value; NaN where it is missing.
fn feature(field: &[u8]) -> Result<f32, String> {
    let text = text(field);
    let text = text.trim();
    match text {
        "" | "NA" | "N/A" | "null" | "None" => return Ok(f32::NAN),
        "true" | "True" => return Ok(1.0),
        "false" | "False" => return Ok(0.0),
        _ => {}
    }
    match text.parse::<f32>() {
        Ok(x) if x.is_infinite() => Err(format!(
            "`{}` is no finite number that a float of 32 bits holds; leave it empty where it is missing",
            text.chars().take(40).collect::<String>()
        )),
        Ok(x) => Ok(x),
        Err(_) => Err(no_number(text)),
    }
}
