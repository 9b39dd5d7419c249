//! Datasets as Parquet.

use std::fs::File;
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::builder::Builder;
use super::{ASIDE, DatasetError, Place};

/// The values of a column of one row group.
enum Column {
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

pub(super) fn read(path: &Path, into: &mut Builder) -> Result<(), DatasetError> {
    let broken = |problem: String| DatasetError::Broken {
        path: path.into(),
        problem,
    };
    let fail = |e: parquet::errors::ParquetError| {
        broken(format!(
            "cannot be read as Parquet: {e}; write it again with the compression snappy, or none"
        ))
    };
    let file = File::open(path).map_err(|source| DatasetError::Io {
        path: path.into(),
        source,
    })?;
    let reader = SerializedFileReader::new(file).map_err(fail)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let header: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
    let mapping = into.map(path, &header)?;
    for (i, c) in schema.columns().iter().enumerate() {
        let used = mapping.required.contains(&i) || !ASIDE.contains(&header[i].as_str());
        if used && (c.max_rep_level() > 0 || c.max_def_level() > 1) {
            return Err(broken(format!(
                "column `{}` holds lists or records, not numbers",
                header[i]
            )));
        }
    }
    let mut before = 0u64;
    for g in 0..reader.num_row_groups() {
        let group = reader.get_row_group(g).map_err(fail)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let column = |i: usize| -> Result<Column, DatasetError> {
            let column = group.get_column_reader(i).map_err(fail)?;
            let read = values(column, rows, &schema.column(i)).map_err(fail)?;
            let read =
                read.ok_or_else(|| broken(format!("column `{}` is of a type that holds no numbers", header[i])))?;
            let found = match &read {
                Column::Numbers(n) => n.len(),
                Column::Texts(t) => t.len(),
            };
            if found == rows {
                Ok(read)
            } else {
                Err(broken(format!("column `{}` has {found} of {rows} rows", header[i])))
            }
        };
        let numbers = |i: usize| match column(i)? {
            Column::Numbers(values) => Ok(values),
            Column::Texts(_) => Err(broken(format!("column `{}` holds text, not numbers", header[i]))),
        };
        let [id, start, end, weight] = mapping.required;
        let ids = match column(id)? {
            Column::Texts(ids) => ids,
            // Tracks that are numbered.
            Column::Numbers(n) => n.into_iter().map(|x| (!x.is_nan()).then(|| x.to_string())).collect(),
        };
        let (starts, ends, weights) = (numbers(start)?, numbers(end)?, numbers(weight)?);
        let first = into.rows();
        for r in 0..rows {
            let place = Place::Row(before + r as u64 + 1);
            let id = ids[r].as_deref().unwrap_or_default();
            into.push(path, place, id, (starts[r], ends[r]), weights[r])?;
        }
        for &(at, column) in &mapping.features {
            for (r, x) in numbers(at)?.into_iter().enumerate() {
                let value = x as f32;
                if value.is_infinite() {
                    return Err(DatasetError::Cell {
                        path: path.into(),
                        place: Place::Row(before + r as u64 + 1),
                        column: header[at].clone(),
                        problem: format!("{x} is no finite number that a float of 32 bits holds"),
                    });
                }
                into.set(first + r, column, value);
            }
        }
        before += rows as u64;
    }
    Ok(())
}

/// All values of a column; `None` where its type holds neither numbers nor text.
fn values(
    reader: ColumnReader,
    rows: usize,
    descriptor: &ColumnDescriptor,
) -> Result<Option<Column>, parquet::errors::ParquetError> {
    let numbers = |v: Vec<Option<f64>>| Some(Column::Numbers(v.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect()));
    // Decimals, dates and times are whole numbers of something else.
    let plain = matches!(descriptor.logical_type_ref(), None | Some(LogicalType::Integer { .. }))
        && !matches!(
            descriptor.converted_type(),
            ConvertedType::DECIMAL
                | ConvertedType::DATE
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        );
    Ok(match reader {
        ColumnReader::BoolColumnReader(r) => numbers(all(r, rows, descriptor, |x| f64::from(u8::from(*x)))?),
        ColumnReader::Int32ColumnReader(r) if plain => numbers(all(r, rows, descriptor, |x| f64::from(*x))?),
        ColumnReader::Int64ColumnReader(r) if plain => numbers(all(r, rows, descriptor, |x| *x as f64)?),
        ColumnReader::FloatColumnReader(r) => numbers(all(r, rows, descriptor, |x| f64::from(*x))?),
        ColumnReader::DoubleColumnReader(r) => numbers(all(r, rows, descriptor, |x| *x)?),
        ColumnReader::ByteArrayColumnReader(r) => Some(Column::Texts(all(r, rows, descriptor, |x| {
            String::from_utf8_lossy(x.data()).into_owned()
        })?)),
        _ => None,
    })
}

fn all<T: DataType, V>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    descriptor: &ColumnDescriptor,
    value: impl Fn(&T::T) -> V,
) -> Result<Vec<Option<V>>, parquet::errors::ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let nullable = descriptor.max_def_level() > 0;
    let mut read = 0;
    while read < rows {
        let levels = nullable.then_some(&mut levels);
        let (records, ..) = reader.read_records(rows - read, levels, None, &mut values)?;
        if records == 0 {
            break;
        }
        read += records;
    }
    let mut values = values.iter();
    Ok(if nullable {
        let full = descriptor.max_def_level();
        let one = |level: &i16| {
            if *level == full {
                values.next().map(&value)
            } else {
                None
            }
        };
        levels.iter().map(one).collect()
    } else {
        values.map(|v| Some(value(v))).collect()
    })
}
