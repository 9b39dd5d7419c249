//! Tables of typed cells, and how they become CSV and JSON lines.
//!
//! A cell knows whether it is text: only text is guarded against being read as a formula by a spreadsheet (OWASP ASVS
//! 1.2.10), so numbers such as `-3.2` stay numbers. Numbers are written in the shortest form that reads back as the same
//! `f64`, on every platform.

use std::io::{self, Write};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::guard::guarded;
pub use crate::guard::undisarmed;

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Nothing: unknown, or not a finite number.
    Empty,
    /// True or false.
    Bool(bool),
    /// A count or an index.
    Int(i64),
    /// A finite number; make it with [`Cell::from`], which turns other numbers into [`Cell::Empty`].
    Number(f64),
    /// Words, untrusted.
    Text(String),
}

impl From<f64> for Cell {
    fn from(x: f64) -> Self {
        if x.is_finite() { Self::Number(x) } else { Self::Empty }
    }
}

impl From<f32> for Cell {
    /// The shortest decimal that names this `f32`, so that 0.1 is written `0.1` and not `0.10000000149011612`.
    fn from(x: f32) -> Self {
        format!("{x:?}").parse::<f64>().map_or(Self::Empty, Self::from)
    }
}

impl From<i64> for Cell {
    fn from(x: i64) -> Self {
        Self::Int(x)
    }
}

impl From<u32> for Cell {
    fn from(x: u32) -> Self {
        Self::Int(x.into())
    }
}

impl From<usize> for Cell {
    fn from(x: usize) -> Self {
        i64::try_from(x).map_or(Self::Empty, Self::Int)
    }
}

impl From<bool> for Cell {
    fn from(x: bool) -> Self {
        Self::Bool(x)
    }
}

impl From<&str> for Cell {
    fn from(x: &str) -> Self {
        Self::Text(x.to_owned())
    }
}

impl From<String> for Cell {
    fn from(x: String) -> Self {
        Self::Text(x)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(x: Option<T>) -> Self {
        x.map_or(Self::Empty, Into::into)
    }
}

/// Rows under named columns. A row may be shorter than the header: the rest of it is empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    /// Column names, each once.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of named cells; columns not seen before are appended to the header.
    pub fn push(&mut self, row: impl IntoIterator<Item = (String, Cell)>) {
        let mut cells: Vec<Cell> = vec![Cell::Empty; self.columns.len()];
        // Rows usually come in the header's order, so the next column is looked at first.
        let mut next = 0;
        for (name, cell) in row {
            let at = match self.columns.get(next) {
                Some(c) if *c == name => next,
                _ => self.columns.iter().position(|c| *c == name).unwrap_or_else(|| {
                    self.columns.push(name);
                    cells.push(Cell::Empty);
                    self.columns.len() - 1
                }),
            };
            if let Some(slot) = cells.get_mut(at) {
                *slot = cell;
            }
            next = at + 1;
        }
        self.rows.push(cells);
    }

    /// Adds all rows of `other`, by column name.
    pub fn extend(&mut self, other: &Table) {
        for row in &other.rows {
            self.push(other.columns.iter().cloned().zip(row.iter().cloned()));
        }
    }

    /// The cell of `row` under `column`; [`Cell::Empty`] where there is none.
    pub fn cell(&self, row: usize, column: &str) -> &Cell {
        let at = self.columns.iter().position(|c| c == column);
        at.and_then(|c| self.rows.get(row)?.get(c)).unwrap_or(&Cell::Empty)
    }
}

/// A file format for tables.
pub trait TableFormat: Sync {
    /// The file name's extension, without the dot.
    fn extension(&self) -> &'static str;

    /// Writes a whole table.
    fn write(&self, out: &mut dyn Write, table: &Table) -> io::Result<()>;
}

/// RFC 4180 with a header, `\n` line ends, UTF-8, empty fields for empty cells, `true` and `false`.
#[derive(Debug, Clone, Copy)]
pub struct Csv;

impl TableFormat for Csv {
    fn extension(&self) -> &'static str {
        "csv"
    }

    fn write(&self, out: &mut dyn Write, table: &Table) -> io::Result<()> {
        let mut rows = CsvRows::new(out, &table.columns)?;
        rows.write(&table.rows)?;
        rows.finish().map(drop)
    }
}

/// A table on its way, row by row: it need not be in memory at once.
pub trait Rows {
    /// Goes on with these rows.
    fn write(&mut self, rows: &[Vec<Cell>]) -> io::Result<()>;
}

/// Writes [`Csv`] row by row, for tables that need not be in memory at once.
pub struct CsvRows<W: Write> {
    csv: csv::Writer<W>,
    columns: usize,
}

impl<W: Write> CsvRows<W> {
    /// Begins with the header.
    pub fn new(out: W, columns: &[String]) -> io::Result<Self> {
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(out);
        csv.write_record(columns.iter().map(|c| guarded(c).into_owned()))
            .map_err(csv_error)?;
        let columns = columns.len();
        Ok(Self { csv, columns })
    }

    /// Hands all of it on, and the stream back.
    pub fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(|e| io::Error::other(e.to_string()))
    }
}

impl<W: Write> Rows for CsvRows<W> {
    fn write(&mut self, rows: &[Vec<Cell>]) -> io::Result<()> {
        for row in rows {
            for i in 0..self.columns {
                let field = row.get(i).map_or_else(String::new, csv_field);
                self.csv.write_field(field).map_err(csv_error)?;
            }
            self.csv.write_record(None::<&[u8]>).map_err(csv_error)?;
        }
        Ok(())
    }
}

fn csv_error(e: csv::Error) -> io::Error {
    match e.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => io::Error::other(format!("{other:?}")),
    }
}

pub(super) fn csv_field(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Bool(b) => b.to_string(),
        Cell::Int(i) => i.to_string(),
        Cell::Number(x) => format!("{x:?}"),
        Cell::Text(t) => guarded(t).into_owned(),
    }
}

/// One JSON object a line, keys in column order, empty cells left out.
#[derive(Debug, Clone, Copy)]
pub struct JsonLines;

impl TableFormat for JsonLines {
    fn extension(&self) -> &'static str {
        "jsonl"
    }

    fn write(&self, out: &mut dyn Write, table: &Table) -> io::Result<()> {
        for row in &table.rows {
            let mut lead = '{';
            for (name, cell) in table.columns.iter().zip(row).filter(|(_, c)| **c != Cell::Empty) {
                write!(
                    out,
                    "{lead}{}:{}",
                    serde_json::to_string(name)?,
                    serde_json::to_string(cell)?
                )?;
                lead = ',';
            }
            if lead == '{' {
                out.write_all(b"{")?;
            }
            out.write_all(b"}\n")?;
        }
        Ok(())
    }
}

/// Reads what [`JsonLines`] wrote; `None` if it is something else.
pub fn read_json_lines(text: &str) -> Option<Table> {
    let mut table = Table::default();
    for line in text.lines().filter(|l| !l.is_empty()) {
        table.push(serde_json::from_str::<OrderedRow>(line).ok()?.0);
    }
    Some(table)
}

/// A JSON object whose keys keep their order.
struct OrderedRow(Vec<(String, Cell)>);

impl<'de> Deserialize<'de> for OrderedRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = OrderedRow;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of plain values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrderedRow, A::Error> {
                let mut row = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    row.push(entry);
                }
                Ok(OrderedRow(row))
            }
        }
        deserializer.deserialize_map(Rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut t = Table::new(["track_id", "db", "n", "ok", "note"]);
        t.push([
            ("track_id".to_owned(), Cell::from("=HYPERLINK(\"http://x\")")),
            ("db".to_owned(), Cell::from(-3.2)),
            ("n".to_owned(), Cell::from(-4i64)),
            ("ok".to_owned(), Cell::from(true)),
            ("note".to_owned(), Cell::from("a,\"b\"\nc")),
        ]);
        t.push([
            ("n".to_owned(), Cell::from(7u32)),
            ("late".to_owned(), Cell::from(0.1f32)),
            ("db".to_owned(), Cell::from(f64::NAN)),
        ]);
        t
    }

    #[test]
    fn csv_guards_text_and_leaves_numbers() {
        let mut out = Vec::new();
        Csv.write(&mut out, &sample()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "track_id,db,n,ok,note,late\n\"'=HYPERLINK(\"\"http://x\"\")\",-3.2,-4,true,\"a,\"\"b\"\"\nc\",\n,,7,,,0.1\n"
        );
        for bad in ["=1", "+1", "-1", "@x", "\tx", "\rx", "\0x", "＝1", "＋1", "－1", "＠x"] {
            assert!(guarded(bad).starts_with('\''), "{bad:?}");
        }
        assert_eq!(guarded("a=1"), "a=1");
    }

    #[test]
    fn json_lines_read_back() {
        let table = sample();
        let mut out = Vec::new();
        JsonLines.write(&mut out, &table).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().nth(1).unwrap(), r#"{"n":7,"late":0.1}"#);
        let back = read_json_lines(&text).unwrap();
        for r in 0..2 {
            for c in &table.columns {
                assert_eq!(back.cell(r, c), table.cell(r, c), "{c}");
            }
        }
        assert!(read_json_lines("{\"a\":[1]}").is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_cell_reads_back(x in proptest::num::f64::ANY, i in proptest::num::i64::ANY, t in ".*") {
            let mut table = Table::default();
            table.push([("x".to_owned(), Cell::from(x)), ("i".to_owned(), Cell::from(i)), ("t".to_owned(), Cell::from(t))]);
            let mut out = Vec::new();
            JsonLines.write(&mut out, &table).unwrap();
            let text = String::from_utf8(out).unwrap();
            let back = read_json_lines(&text).unwrap();
            for c in ["x", "i", "t"] {
                proptest::prop_assert_eq!(back.cell(0, c), table.cell(0, c));
            }
            if let Cell::Number(x) = table.cell(0, "x") {
                proptest::prop_assert_eq!(&csv_field(table.cell(0, "x")).parse::<f64>().unwrap(), x);
            }
        }
    }
}
