//! The rows of all tracks, put together to a table.

use super::shard::Shard;
use super::{Columns, Options, Request, TableKind};
use crate::export::WriteSeek;
use crate::export::destination::Destination;
use crate::export::table::{Cell, CsvRows, Rows as _};
use crate::learn::dataset::{DatasetError, Joined};
use crate::pipeline::run::Observer;

/// How putting the table together ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assembly {
    Whole,
    /// On request.
    Cancelled,
    /// The rows of the item of this index are not there.
    Lost(usize),
}

/// Puts the rows of all tracks together.
pub(super) fn assemble(
    request: &Request<'_>,
    held: &Destination,
    shards: &[(usize, String)],
    observer: &dyn Observer,
    out: &mut dyn WriteSeek,
) -> std::io::Result<Assembly> {
    let mut table = Output::new(request, out)?;
    let width = request.columns.names().len();
    for (index, name) in shards {
        if observer.is_cancelled() {
            return Ok(Assembly::Cancelled);
        }
        let bytes = held.read(name).ok().flatten();
        let Some(shard) = bytes.and_then(|b| Shard::from_bytes(&b, width)) else {
            return Ok(Assembly::Lost(*index));
        };
        table.write(&cells(&shard, &request.items[*index].id, request, width))?;
    }
    table.finish()?;
    Ok(Assembly::Whole)
}

/// Adds the rows of the track `id` to a dataset.
pub(super) fn join(shard: &Shard, id: &str, request: &Request<'_>, into: &mut Joined) -> Result<(), DatasetError> {
    let names = request.columns.names();
    let mut features = Vec::with_capacity(names.len() + 1);
    for (row, values) in shard.rows.iter().zip(shard.values.chunks_exact(names.len().max(1))) {
        features.clear();
        // In the order of the header.
        features.push(row.bars as f32);
        let others = names.iter().zip(values).filter(|(name, _)| *name != "bars");
        features.extend(others.map(|(_, x)| *x));
        into.push(id, (row.start, row.end), row.weight, &features)?;
    }
    Ok(())
}

/// A table on its way to the disk.
enum Output<'a> {
    Csv(Box<CsvRows<&'a mut dyn WriteSeek>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<crate::export::parquet::ParquetRows<&'a mut dyn WriteSeek>>),
}

impl<'a> Output<'a> {
    fn new(request: &Request<'_>, out: &'a mut dyn WriteSeek) -> std::io::Result<Self> {
        let header = header(request.columns, request.options);
        Ok(match request.kind {
            TableKind::Csv => Self::Csv(Box::new(CsvRows::new(out, &header)?)),
            #[cfg(feature = "parquet")]
            TableKind::Parquet => {
                use crate::export::parquet::{Kind, ParquetRows};
                let kinds: Vec<Kind> = header
                    .iter()
                    .map(|name| match name.as_str() {
                        "track_id" | "kind" => Kind::Text,
                        "start_time" | "end_time" | "weight" => Kind::Double,
                        "bars" | "section" | "content" => Kind::Int,
                        _ => Kind::Float,
                    })
                    .collect();
                Self::Parquet(Box::new(ParquetRows::new(out, &header, &kinds)?))
            }
        })
    }

    fn write(&mut self, rows: &[Vec<Cell>]) -> std::io::Result<()> {
        match self {
            Self::Csv(out) => out.write(rows),
            #[cfg(feature = "parquet")]
            Self::Parquet(out) => out.write(rows),
        }
    }

    fn finish(self) -> std::io::Result<()> {
        match self {
            Self::Csv(out) => out.finish().map(drop),
            #[cfg(feature = "parquet")]
            Self::Parquet(out) => out.finish().map(drop),
        }
    }
}

/// The names of the table's columns.
pub fn header(columns: &Columns, options: &Options) -> Vec<String> {
    let fixed = ["track_id", "start_time", "end_time", "bars", "weight"].map(String::from);
    let features = columns.names().iter().filter(|n| *n != "bars").cloned();
    let aside = ["kind", "section", "content"].map(String::from);
    let aside = aside.into_iter().filter(|_| options.annotate);
    fixed.into_iter().chain(features).chain(aside).collect()
}

fn cells(shard: &Shard, id: &str, request: &Request<'_>, width: usize) -> Vec<Vec<Cell>> {
    let names = request.columns.names();
    let row = |(row, values): (&super::shard::Row, &[f32])| {
        let mut cells = vec![
            Cell::from(id),
            Cell::from(row.start),
            Cell::from(row.end),
            Cell::from(row.bars),
            Cell::from(row.weight),
        ];
        let features = names.iter().zip(values).filter(|(name, _)| *name != "bars");
        cells.extend(features.map(|(_, x)| Cell::from(*x)));
        if request.options.annotate {
            cells.push(Cell::from(row.kind.as_str()));
            cells.push(Cell::from(row.section));
            cells.push(Cell::from(row.content));
        }
        cells
    };
    shard
        .rows
        .iter()
        .zip(shard.values.chunks_exact(width.max(1)))
        .map(row)
        .collect()
}
