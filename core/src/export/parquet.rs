//! Tables as Parquet: typed columns, nulls for empty cells, snappy, row groups of bounded size. The same table gives the same
//! bytes: nothing in the file tells when it was written, or where.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::table::{Cell, Rows, Table, TableFormat, csv_field};
pub use super::twin::Kind;
use super::twin::known_kind;

/// Cells of a row group: what is in memory at once, at eight bytes a number.
const GROUP_CELLS: usize = 1 << 21;
/// Fewest rows of a full row group, however many columns there are.
const GROUP_ROWS: usize = 1024;

/// Parquet.
#[derive(Debug, Clone, Copy)]
pub struct Parquet;

impl TableFormat for Parquet {
    fn extension(&self) -> &'static str {
        "parquet"
    }

    /// The type of a column is that of its cells: whole numbers are `int64`, with others among them `double`; where text
    /// stands with anything else, all of it is text as in a CSV, though without the guard. A column of empty cells alone is
    /// what columns of its name are ([`known_kind`]).
    fn write(&self, out: &mut dyn Write, table: &Table) -> io::Result<()> {
        let kinds: Vec<Kind> = (0..table.columns.len()).map(|c| kind_of(table, c)).collect();
        let mut rows = ParquetRows::new(out, &table.columns, &kinds)?;
        rows.write(&table.rows)?;
        rows.finish().map(drop)
    }
}

fn kind_of(table: &Table, column: usize) -> Kind {
    let cells = || {
        table
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .filter(|c| **c != Cell::Empty)
    };
    let all = |f: fn(&Cell) -> bool| cells().all(f);
    if cells().next().is_none() {
        table.columns.get(column).map_or(Kind::Double, |name| known_kind(name))
    } else if all(|c| matches!(c, Cell::Int(_))) {
        Kind::Int
    } else if all(|c| matches!(c, Cell::Int(_) | Cell::Number(_))) {
        Kind::Double
    } else if all(|c| matches!(c, Cell::Bool(_))) {
        Kind::Bool
    } else {
        Kind::Text
    }
}

/// Writes [`Parquet`] piece by piece, for tables that need not be in memory at once.
pub struct ParquetRows<W: Write> {
    out: W,
    /// The format's writer wants a stream that it may send to another thread; ours takes what has piled up here.
    pile: Pile,
    file: SerializedFileWriter<Pile>,
    columns: Vec<Column>,
    rows: usize,
    group: usize,
}

impl<W: Write> ParquetRows<W> {
    /// Begins a file of these columns. `kinds` are as many as `columns`; what is missing of them is [`Kind::Text`].
    pub fn new(out: W, columns: &[String], kinds: &[Kind]) -> io::Result<Self> {
        let kinds: Vec<Kind> = (0..columns.len())
            .map(|i| kinds.get(i).copied().unwrap_or(Kind::Text))
            .collect();
        let fields = columns.iter().zip(&kinds).map(|(name, kind)| {
            let (physical, converted, logical) = match kind {
                Kind::Int => (Physical::INT64, ConvertedType::NONE, None),
                Kind::Double => (Physical::DOUBLE, ConvertedType::NONE, None),
                Kind::Float => (Physical::FLOAT, ConvertedType::NONE, None),
                Kind::Bool => (Physical::BOOLEAN, ConvertedType::NONE, None),
                Kind::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8, Some(LogicalType::String)),
            };
            Type::primitive_type_builder(name, physical)
                .with_repetition(Repetition::OPTIONAL)
                .with_converted_type(converted)
                .with_logical_type(logical)
                .build()
                .map(Arc::new)
        });
        let fields = fields.collect::<Result<Vec<_>, _>>().map_err(fail)?;
        let schema = Type::group_type_builder("schema")
            .with_fields(fields)
            .build()
            .map_err(fail)?;
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("loopwright version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // Measured values seldom occur twice; names of tracks do.
            .set_dictionary_enabled(false);
        for (name, kind) in columns.iter().zip(&kinds) {
            if matches!(kind, Kind::Text | Kind::Int) {
                properties = properties.set_column_dictionary_enabled(ColumnPath::from(name.as_str()), true);
            }
        }
        let pile = Pile::default();
        let file = SerializedFileWriter::new(pile.clone(), Arc::new(schema), Arc::new(properties.build()));
        Ok(Self {
            out,
            pile,
            file: file.map_err(fail)?,
            columns: kinds.into_iter().map(Column::new).collect(),
            rows: 0,
            group: (GROUP_CELLS / columns.len().max(1)).max(GROUP_ROWS),
        })
    }

    /// Writes what is left and the end of the file, and hands the stream back.
    pub fn finish(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.finish().map_err(fail)?;
        self.pile.drain(&mut self.out)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn end_group(&mut self) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(fail)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(fail)? else {
                break;
            };
            column.flush(&mut writer).map_err(fail)?;
            writer.close().map_err(fail)?;
        }
        group.close().map_err(fail)?;
        self.rows = 0;
        self.pile.drain(&mut self.out)
    }
}

impl<W: Write> Rows for ParquetRows<W> {
    /// A cell that its column's type cannot hold is null.
    fn write(&mut self, rows: &[Vec<Cell>]) -> io::Result<()> {
        for row in rows {
            for (i, column) in self.columns.iter_mut().enumerate() {
                column.push(row.get(i).unwrap_or(&Cell::Empty));
            }
            self.rows += 1;
            if self.rows == self.group {
                self.end_group()?;
            }
        }
        Ok(())
    }
}

fn fail(e: ParquetError) -> io::Error {
    match e {
        ParquetError::External(e) => io::Error::other(e),
        other => io::Error::other(other.to_string()),
    }
}

/// Bytes on their way.
#[derive(Debug, Clone, Default)]
struct Pile(Arc<Mutex<Vec<u8>>>);

impl Pile {
    fn drain(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Write for Pile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One column of the row group under way.
struct Column {
    values: Values,
    /// 1 where there is a value, 0 for null.
    levels: Vec<i16>,
}

enum Values {
    Int(Vec<i64>),
    Double(Vec<f64>),
    Float(Vec<f32>),
    Bool(Vec<bool>),
    Text(Vec<ByteArray>),
}

impl Column {
    fn new(kind: Kind) -> Self {
        Self {
            values: match kind {
                Kind::Int => Values::Int(Vec::new()),
                Kind::Double => Values::Double(Vec::new()),
                Kind::Float => Values::Float(Vec::new()),
                Kind::Bool => Values::Bool(Vec::new()),
                Kind::Text => Values::Text(Vec::new()),
            },
            levels: Vec::new(),
        }
    }

    fn push(&mut self, cell: &Cell) {
        fn put<T>(values: &mut Vec<T>, value: Option<T>) -> i16 {
            let level = i16::from(value.is_some());
            values.extend(value);
            level
        }
        let number = match cell {
            Cell::Int(i) => Some(*i as f64),
            Cell::Number(x) => Some(*x),
            _ => None,
        };
        let level = match &mut self.values {
            Values::Int(v) => put(v, if let Cell::Int(i) = cell { Some(*i) } else { None }),
            Values::Double(v) => put(v, number),
            Values::Float(v) => put(v, number.map(|x| x as f32)),
            Values::Bool(v) => put(v, if let Cell::Bool(b) = cell { Some(*b) } else { None }),
            Values::Text(v) => put(
                v,
                match cell {
                    Cell::Empty => None,
                    Cell::Text(t) => Some(ByteArray::from(t.as_str())),
                    other => Some(ByteArray::from(csv_field(other).as_str())),
                },
            ),
        };
        self.levels.push(level);
    }

    fn flush(&mut self, out: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = Some(self.levels.as_slice());
        match &mut self.values {
            Values::Int(v) => {
                out.typed::<Int64Type>().write_batch(v, levels, None)?;
                v.clear();
            }
            Values::Double(v) => {
                out.typed::<DoubleType>().write_batch(v, levels, None)?;
                v.clear();
            }
            Values::Float(v) => {
                out.typed::<FloatType>().write_batch(v, levels, None)?;
                v.clear();
            }
            Values::Bool(v) => {
                out.typed::<BoolType>().write_batch(v, levels, None)?;
                v.clear();
            }
            Values::Text(v) => {
                out.typed::<ByteArrayType>().write_batch(v, levels, None)?;
                v.clear();
            }
        }
        self.levels.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: usize) -> Table {
        let mut t = Table::new(["track_id", "n", "db", "ok", "mixed", "nothing"]);
        for i in 0..rows {
            t.push([
                ("track_id".to_owned(), Cell::from(["=1+1", "é,\"\n", "plain"][i % 3])),
                ("n".to_owned(), if i % 5 == 4 { Cell::Empty } else { Cell::from(i) }),
                (
                    "db".to_owned(),
                    Cell::from(if i % 4 == 1 { f64::NAN } else { i as f64 * 0.1 }),
                ),
                ("ok".to_owned(), Cell::from(i % 2 == 0)),
                (
                    "mixed".to_owned(),
                    if i % 2 == 0 {
                        Cell::from(-1i64)
                    } else {
                        Cell::from("-x")
                    },
                ),
            ]);
        }
        t
    }

    fn bytes(table: &Table) -> Vec<u8> {
        let mut out = Vec::new();
        Parquet.write(&mut out, table).unwrap();
        out
    }

    #[test]
    fn cells_read_back_and_the_same_table_gives_the_same_bytes() {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        use parquet::record::Field;
        let table = sample(7);
        let file = bytes(&table);
        assert_eq!(file, bytes(&table));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, &file).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        for (r, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let row = row.unwrap();
            for (name, field) in row.get_column_iter() {
                let expected = match (table.cell(r, name), name.as_str()) {
                    (Cell::Empty, _) => Field::Null,
                    (Cell::Int(i), "mixed") => Field::Str(i.to_string()),
                    (Cell::Int(i), _) => Field::Long(*i),
                    (Cell::Number(x), _) => Field::Double(*x),
                    (Cell::Bool(b), _) => Field::Bool(*b),
                    // Text as it is: no spreadsheet reads Parquet as formulas.
                    (Cell::Text(t), _) => Field::Str(t.clone()),
                };
                assert_eq!(*field, expected, "{r} {name}");
            }
        }
    }

    #[test]
    fn an_empty_table_is_a_file_and_large_ones_have_several_row_groups() {
        use parquet::file::reader::{FileReader, SerializedFileReader};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        std::fs::write(&path, bytes(&sample(0))).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        // 2500 columns: 1024 rows a group.
        let names: Vec<String> = (0..2500).map(|i| format!("c{i}")).collect();
        let mut rows = ParquetRows::new(Vec::new(), &names, &vec![Kind::Float; 2500]).unwrap();
        let row = vec![Cell::from(0.5f32); 2500];
        for _ in 0..1030 {
            rows.write(std::slice::from_ref(&row)).unwrap();
        }
        std::fs::write(&path, rows.finish().unwrap()).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let groups: Vec<i64> = (0..reader.num_row_groups())
            .map(|g| reader.metadata().row_group(g).num_rows())
            .collect();
        assert_eq!(groups, [1024, 6]);
    }
}
