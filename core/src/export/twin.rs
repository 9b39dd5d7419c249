//! The Parquet table beside a CSV: the same columns and rows under the same name, but for the ending.
//!
//! One rule for all that write into folders: where Parquet is asked for, each `name.csv` has a `name.parquet` beside it. A cell
//! whose field in the CSV is empty is null; text is as it is, without the guard that the CSV needs.
//!
//! A CSV that was written before Parquet was asked for can be turned into its twin ([`of_csv`]), byte for byte the one that
//! would have been written with it: which columns hold text is known by their names ([`known_kind`]), and of the others each
//! field tells what it is.

use std::io::{self, Write};

use super::table::{Cell, Table, undisarmed};

/// True where this build writes Parquet.
pub const AVAILABLE: bool = cfg!(feature = "parquet");

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Int,
    /// Floating-point numbers of 64 bits.
    Double,
    /// Floating-point numbers of 32 bits.
    Float,
    /// True and false.
    Bool,
    /// Text, UTF-8.
    Text,
}

/// Columns of text, in any of our tables.
const TEXT: &[&str] = &[
    "audio_file",
    "audio_id",
    "bank_type",
    "class_label",
    "contact_tags",
    "file",
    "file_i",
    "file_j",
    "groove_mid",
    "hit_classes",
    "hit_model",
    "hit_perc_wav",
    "hit_wav",
    "hit_wavs",
    "key",
    "key_relation",
    "kind",
    "kit_piece",
    "labels",
    "loop_wav",
    "neighbor_file",
    "neighbor_key",
    "onsets_of",
    "perc_wav",
    "picks",
    "predicted_contact_tags",
    "predicted_tags",
    "query_key",
    "ranker",
    "reasons",
    "slice_dir",
    "source",
    "track_id",
    "wav",
];

/// Columns of whole numbers.
const INT: &[&str] = &[
    "bars",
    "beats",
    "beats_per_bar",
    "break_index",
    "clipped_samples",
    "cluster",
    "contact_bin",
    "frames",
    "hit_index",
    "index",
    "kit_note",
    "kit_pieces",
    "loop_index",
    "n_slices",
    "neighbor_rank",
    "num_hits",
    "num_onsets",
    "onsets_used",
    "rank",
    "sample_rate",
    "score_rank",
    "slice_index",
    "start_frame",
    "transposition_semitones",
];

/// Columns of true and false.
const BOOL: &[&str] = &["picked", "same_audio"];

/// What a column of this name holds in our tables; features and other measurements are [`Kind::Double`].
///
/// It decides where cells do not: of a column without values, so that the tables of all tracks have the same types.
pub fn known_kind(column: &str) -> Kind {
    let among = |names: &[&str]| names.contains(&column);
    if among(TEXT) {
        Kind::Text
    } else if among(INT) {
        Kind::Int
    } else if among(BOOL) {
        Kind::Bool
    } else {
        Kind::Double
    }
}

/// The name of the twin of the CSV called `csv`; `None` for what is no CSV.
pub fn name(csv: &str) -> Option<String> {
    csv.strip_suffix(".csv").map(|stem| format!("{stem}.parquet"))
}

/// These files, each CSV followed by its twin.
pub fn with_twins(paths: Vec<String>) -> Vec<String> {
    let pair = |path: String| {
        let twin = name(&path);
        std::iter::once(path).chain(twin)
    };
    paths.into_iter().flat_map(pair).collect()
}

/// Writes the twin of `table`'s CSV.
///
/// # Errors
///
/// Those of the stream; [`io::ErrorKind::Unsupported`] where this build writes no Parquet.
pub fn write(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    #[cfg(feature = "parquet")]
    {
        use super::table::TableFormat as _;
        let empty = |cell: &Cell| matches!(cell, Cell::Text(t) if t.is_empty());
        if table.rows.iter().flatten().any(empty) {
            let mut table = table.clone();
            for cell in table.rows.iter_mut().flatten().filter(|c| empty(c)) {
                *cell = Cell::Empty;
            }
            return super::parquet::Parquet.write(out, &table);
        }
        super::parquet::Parquet.write(out, table)
    }
    #[cfg(not(feature = "parquet"))]
    {
        let _ = (out, table);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The cells of a CSV that one of our tables became; `None` where it is something else.
pub fn of_csv(bytes: &[u8]) -> Option<Table> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let mut table = Table::new(reader.headers().ok()?.iter().map(undisarmed));
    let text: Vec<bool> = table.columns.iter().map(|c| known_kind(c) == Kind::Text).collect();
    for record in reader.records() {
        let record = record.ok()?;
        table.rows.push(record.iter().zip(&text).map(cell).collect());
    }
    Some(table)
}

fn cell((field, text): (&str, &bool)) -> Cell {
    if field.is_empty() {
        return Cell::Empty;
    }
    if *text {
        return undisarmed(field).into();
    }
    match field {
        "true" => true.into(),
        "false" => false.into(),
        _ => {
            let whole = field.parse::<i64>().ok().map(Cell::from);
            let number = || field.parse::<f64>().ok().map(Cell::from);
            whole.or_else(number).unwrap_or_else(|| undisarmed(field).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::table::{Csv, TableFormat as _};

    fn csv(table: &Table) -> Vec<u8> {
        let mut out = Vec::new();
        Csv.write(&mut out, table).unwrap();
        out
    }

    #[test]
    fn every_name_has_one_kind_and_csvs_alone_have_twins() {
        let mut names: Vec<&str> = [TEXT, INT, BOOL].concat();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(known_kind("rms_mean"), Kind::Double);
        let paths = ["a/x.wav", "a/t.csv", "b.csv.wav"].map(String::from).to_vec();
        assert_eq!(with_twins(paths), ["a/x.wav", "a/t.csv", "a/t.parquet", "b.csv.wav"]);
    }

    proptest::proptest! {
        /// What is read back of a CSV is what was written, but that empty text is nothing.
        #[test]
        fn a_csv_tells_its_cells(
            text in proptest::collection::vec("['=+@-]{0,3}(1|true|a,\"\n\r é)?", 1..5),
            x in proptest::num::f64::ANY, i in proptest::num::i64::ANY, b in proptest::bool::ANY,
        ) {
            let mut table = Table::new(["track_id", "rms_mean", "bars", "picked", "key"]);
            for t in &text {
                let track = if t.is_empty() { Cell::Empty } else { t.as_str().into() };
                table.rows.push(vec![track, x.into(), i.into(), b.into(), Cell::Empty]);
            }
            proptest::prop_assert_eq!(of_csv(&csv(&table)), Some(table));
        }
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn the_twin_of_a_csv_is_that_of_its_table() {
        let mut table = Table::new(["track_id", "key", "bars", "rms_mean", "picked", "reasons"]);
        table.rows.push(vec![
            "'=1".into(),
            Cell::Empty,
            4u32.into(),
            1.0.into(),
            true.into(),
            "".into(),
        ]);
        table.rows.push(vec![
            "1999".into(),
            Cell::Empty,
            8u32.into(),
            Cell::Empty,
            false.into(),
            "-a; b".into(),
        ]);
        let bytes = |table: &Table| {
            let mut out = Vec::new();
            write(&mut out, table).unwrap();
            out
        };
        assert_eq!(bytes(&of_csv(&csv(&table)).unwrap()), bytes(&table));
        table.rows.clear();
        assert_eq!(bytes(&of_csv(&csv(&table)).unwrap()), bytes(&table));
    }
}
