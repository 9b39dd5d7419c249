//! What is written of a contact map: tables, a summary, pictures.
//!
//! Names and columns are those of the Python pipeline. Matrices are written where every pair was aligned; where only some
//! were, the pairs that there are stand in `contact_pairs.csv` instead. Where Parquet is asked for each table has its twin
//! ([`twin`]) beside it.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{ContactMap, Settings};
use crate::export::destination::{Artefact, Destination};
use crate::export::picture::PICTURE_FORMATS;
use crate::export::plot::heat::{self, HeatMap};
use crate::export::table::{Cell, Csv, CsvRows, Rows, Table, TableFormat as _};
use crate::export::{ExportError, twin};
use crate::pipeline::collection::MemberError;
use crate::similarity::dtw::Pair;
use crate::similarity::pairs::Pairs;
use crate::similarity::spectral;

/// Sharpened similarities.
pub const SIMILARITY: &str = "contact_similarity_matrix";
/// Similarities before sharpening.
pub const RAW: &str = "contact_similarity_matrix_raw";
/// Distances.
pub const DISTANCE: &str = "contact_distance_matrix";
/// How much slower the column's file is than the row's.
pub const STRETCH: &str = "contact_stretch_ratio_matrix";
/// The pairs, where not all were aligned.
pub const PAIRS: &str = "contact_pairs.csv";
/// Bin and tags of each file.
pub const LABELS: &str = "contact_map_labels.csv";
/// The files in order.
pub const ORDER: &str = "contact_map_order.csv";
/// The pairs that are most alike.
pub const TOP_PAIRS: &str = "contact_top_pairs.csv";
/// The nearest of each file.
pub const NEIGHBORS: &str = "contact_nearest_neighbors.csv";
/// Everything about the run.
pub const SUMMARY: &str = "contact_map_summary.json";
/// Pairs in the summary.
const TOP_OVERLAPS: usize = 50;

/// A path as it stands in tables: as it was given, with `/`.
pub fn name(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '\\' {
        text.replace('\\', "/")
    } else {
        text.into_owned()
    }
}

/// The tags of member `i`: its bin, and for each eigenvector on which side of the median it lies.
pub fn tags(map: &ContactMap, i: usize) -> Vec<String> {
    let mut tags = vec![format!("cm_bin_{}", map.layout.bins[i])];
    for (k, above) in map.layout.above[i].iter().enumerate() {
        tags.push(format!("lap_e{}_{}", k + 1, if *above { "pos" } else { "neg" }));
    }
    tags
}

/// Writes all of it; gives what was written, and the summary. Tables are written as Parquet too where `parquet` says so, or
/// where an earlier map there has them.
pub fn write(
    map: &ContactMap,
    settings: &Settings,
    failed: &[(PathBuf, MemberError)],
    cut: &[PathBuf],
    to: &Destination,
    parquet: bool,
) -> Result<(Vec<Artefact>, Value), ExportError> {
    let mut artefacts = Vec::new();
    let there = || to.read(&beside(LABELS)).is_ok_and(|found| found.is_some());
    let tables = Tables {
        to,
        parquet: twin::AVAILABLE && (parquet || there()),
    };
    let graph = |i: usize, j: usize| map.graph.weight(i, j);
    let raw = |i: usize, j: usize| {
        map.pairs
            .get(i, j)
            .map_or(0.0, |p| map.raw.similarity(p.distance, p.overlap))
    };
    type Value<'a> = &'a dyn Fn(usize, usize) -> f32;
    let matrices: [(&str, Value<'_>); 4] = [
        (SIMILARITY, &graph),
        (RAW, &raw),
        (DISTANCE, &|i, j| map.pairs.get(i, j).map_or(f32::NAN, |p| p.distance)),
        (STRETCH, &|i, j| map.pairs.get(i, j).map_or(f32::NAN, |p| p.stretch)),
    ];
    let exact = matches!(map.pairs, Pairs::All { .. });
    for (stem, value) in matrices {
        let name = format!("{stem}.csv");
        if exact {
            let columns: Vec<String> = std::iter::once(String::new())
                .chain(map.names.iter().cloned())
                .collect();
            artefacts.extend(tables.stream(&name, &columns, &|rows| matrix(rows, &map.names, value))?);
        } else {
            // Of an earlier run: it would not belong to the rest.
            tables.remove(&name)?;
        }
    }
    if exact {
        tables.remove(PAIRS)?;
    } else {
        artefacts.extend(tables.stream(PAIRS, &PAIR_COLUMNS.map(str::to_owned), &|rows| pairs(rows, map))?);
    }
    let top = top_pairs(map, settings.top_pairs_limit.max(TOP_OVERLAPS));
    for (name, table) in [
        (LABELS, labels(map)),
        (ORDER, order(map)),
        (
            TOP_PAIRS,
            top_table(map, &top[..top.len().min(settings.top_pairs_limit)]),
        ),
        (NEIGHBORS, neighbors(map, settings.top_k_neighbors)),
    ] {
        artefacts.extend(tables.write(name, &table)?);
    }
    artefacts.extend(pictures(map, settings, to)?);
    let mut names: Vec<&str> = artefacts.iter().map(|a| a.path.as_str()).collect();
    names.push(SUMMARY);
    let mut summary = summary(Some(map), settings, failed, cut, &names);
    let overlap = |(i, j, pair): &(usize, usize, Pair)| {
        json!({
            "file_i": map.names[*i], "file_j": map.names[*j], "similarity": map.graph.weight(*i, *j),
            "distance": pair.distance, "overlap": pair.overlap, "stretch_ratio_j_over_i": pair.stretch,
        })
    };
    summary["top_overlaps"] = top.iter().take(TOP_OVERLAPS).map(overlap).collect();
    let text = format!("{summary:#}\n");
    artefacts.push(to.write_bytes(SUMMARY, text.as_bytes())?);
    Ok((artefacts, summary))
}

/// What is to be said of a run.
pub fn summary(
    map: Option<&ContactMap>,
    settings: &Settings,
    failed: &[(PathBuf, MemberError)],
    cut: &[PathBuf],
    artefacts: &[&str],
) -> Value {
    let failed: Vec<Value> = failed
        .iter()
        .map(|(path, error)| json!({ "file": name(path), "error": error.to_string() }))
        .collect();
    let (members, exact) = map.map_or((0, true), |m| (m.names.len(), matches!(m.pairs, Pairs::All { .. })));
    json!({
        "schema": 1,
        "n_files": members,
        "n_pairs": map.map_or(0, |m| m.pairs.count()),
        "exact": exact,
        "params": {
            "max_files": settings.max_files,
            "max_seconds": settings.extent.max_seconds,
            "max_frames": settings.extent.max_frames,
            "sharpen": settings.sharpening.name(),
            "self_tune_k": settings.self_tune_k,
            "sinkhorn_iters": settings.sinkhorn_iterations,
            "top_k_neighbors": settings.top_k_neighbors,
            "top_pairs_limit": settings.top_pairs_limit,
            "max_exact": settings.max_exact,
            "proposals": settings.proposals,
        },
        "median_distance": map.map(|m| m.pairs.median_distance()),
        "components": map.map_or(0, |m| m.layout.components),
        "laplacian_eigenvalues": map.map_or(&[][..], |m| &m.layout.eigenvalues),
        "artifacts": artefacts,
        "failed": failed,
        "left_out": cut.iter().map(|p| name(p)).collect::<Vec<_>>(),
        "top_overlaps": [],
    })
}

/// Where tables go, and in which forms.
struct Tables<'a> {
    to: &'a Destination,
    parquet: bool,
}

/// The name of the Parquet table beside a CSV.
fn beside(csv: &str) -> String {
    twin::name(csv).unwrap_or_else(|| csv.to_owned())
}

impl Tables<'_> {
    fn write(&self, name: &str, table: &Table) -> Result<Vec<Artefact>, ExportError> {
        let mut written = vec![self.to.write(name, |mut out| Csv.write(&mut out, table))?];
        if self.parquet {
            written.push(self.to.write(&beside(name), |mut out| twin::write(&mut out, table))?);
        }
        Ok(written)
    }

    /// The same for a table that is not held in memory; `fill` is called for each form. Its columns are measurements, but
    /// for those that are known to be something else.
    fn stream(
        &self,
        name: &str,
        columns: &[String],
        fill: &dyn Fn(&mut dyn Rows) -> io::Result<()>,
    ) -> Result<Vec<Artefact>, ExportError> {
        let csv = self.to.write(name, |out| {
            let mut rows = CsvRows::new(out, columns)?;
            fill(&mut rows)?;
            rows.finish().map(drop)
        });
        let csv = csv?;
        #[cfg(feature = "parquet")]
        if self.parquet {
            let twin = self.to.write(&beside(name), |out| {
                use crate::export::parquet::{Kind, ParquetRows};
                let (columns, kinds): (Vec<String>, Vec<Kind>) = match columns.split_first() {
                    // A matrix.
                    Some((first, files)) if first.is_empty() => {
                        let kinds = std::iter::once(Kind::Text).chain(files.iter().map(|_| Kind::Double));
                        let columns = std::iter::once(corner(files)).chain(files.iter().cloned());
                        (columns.collect(), kinds.collect())
                    }
                    _ => (columns.to_vec(), columns.iter().map(|c| twin::known_kind(c)).collect()),
                };
                let mut rows = ParquetRows::new(out, &columns, &kinds)?;
                fill(&mut rows)?;
                rows.finish().map(drop)
            })?;
            return Ok(vec![csv, twin]);
        }
        Ok(vec![csv])
    }

    fn remove(&self, name: &str) -> Result<(), ExportError> {
        self.to.remove(name)?;
        self.to.remove(&beside(name))
    }
}

/// The name of a matrix's column of names, which has none in the CSV: `file`, with underscores where a file is called that.
#[cfg(feature = "parquet")]
fn corner(files: &[String]) -> String {
    let mut name = "file".to_owned();
    while files.iter().any(|f| f.eq_ignore_ascii_case(&name)) {
        name.push('_');
    }
    name
}

/// The rows of a matrix whose columns are the files, their names before them.
fn matrix(rows: &mut dyn Rows, names: &[String], value: &dyn Fn(usize, usize) -> f32) -> io::Result<()> {
    for (i, name) in names.iter().enumerate() {
        let values = (0..names.len()).map(|j| Cell::from(value(i, j)));
        rows.write(&[std::iter::once(Cell::from(name.as_str())).chain(values).collect()])?;
    }
    Ok(())
}

const PAIR_COLUMNS: [&str; 7] = [
    "file_i",
    "file_j",
    "similarity",
    "similarity_raw",
    "distance",
    "overlap",
    "stretch_ratio_j_over_i",
];

fn pairs(rows: &mut dyn Rows, map: &ContactMap) -> io::Result<()> {
    for i in 0..map.names.len() {
        for (j, pair) in map.pairs.row(i).filter(|(j, _)| *j > i) {
            rows.write(&[vec![
                map.names[i].as_str().into(),
                map.names[j].as_str().into(),
                map.graph.weight(i, j).into(),
                map.raw.similarity(pair.distance, pair.overlap).into(),
                pair.distance.into(),
                pair.overlap.into(),
                pair.stretch.into(),
            ]])?;
        }
    }
    Ok(())
}

fn labels(map: &ContactMap) -> Table {
    let mut table = Table::new(["file", "contact_bin", "contact_tags", "fiedler_value"]);
    for (i, name) in map.names.iter().enumerate() {
        table.rows.push(vec![
            name.as_str().into(),
            map.layout.bins[i].into(),
            tags(map, i).join(";").into(),
            map.layout.fiedler[i].into(),
        ]);
    }
    table
}

fn order(map: &ContactMap) -> Table {
    let mut table = Table::new(["rank", "file", "index"]);
    for (rank, &i) in map.layout.order.iter().enumerate() {
        let name = map.names[i].as_str();
        table.rows.push(vec![rank.into(), name.into(), i.into()]);
    }
    table
}

/// The `limit` pairs that are most alike: by sharpened similarity, the nearer first where that is equal.
fn top_pairs(map: &ContactMap, limit: usize) -> Vec<(usize, usize, Pair)> {
    let mut all: Vec<(usize, usize, f32, Pair)> = Vec::new();
    // Pruned now and then, so that not all pairs are held twice.
    let most = limit.saturating_mul(8).max(1 << 16);
    let prune = |all: &mut Vec<(usize, usize, f32, Pair)>| {
        all.sort_by(|a, b| {
            let alike = b.2.total_cmp(&a.2).then(a.3.distance.total_cmp(&b.3.distance));
            alike.then((a.0, a.1).cmp(&(b.0, b.1)))
        });
        all.truncate(limit);
    };
    for i in 0..map.names.len() {
        for (j, pair) in map.pairs.row(i).filter(|(j, _)| *j > i) {
            all.push((i, j, map.graph.weight(i, j), pair));
        }
        if all.len() > most {
            prune(&mut all);
        }
    }
    prune(&mut all);
    all.into_iter().map(|(i, j, _, pair)| (i, j, pair)).collect()
}

fn top_table(map: &ContactMap, top: &[(usize, usize, Pair)]) -> Table {
    let mut table = Table::new(["file_i", "file_j", "similarity", "distance", "stretch_ratio_j_over_i"]);
    for (i, j, pair) in top {
        table.rows.push(vec![
            map.names[*i].as_str().into(),
            map.names[*j].as_str().into(),
            map.graph.weight(*i, *j).into(),
            pair.distance.into(),
            pair.stretch.into(),
        ]);
    }
    table
}

fn neighbors(map: &ContactMap, count: usize) -> Table {
    let mut table = Table::new([
        "file",
        "neighbor_rank",
        "neighbor_file",
        "similarity",
        "distance",
        "stretch_ratio_neighbor_over_file",
    ]);
    for (i, name) in map.names.iter().enumerate() {
        let mut row: Vec<(usize, f32, Pair)> = map.pairs.row(i).map(|(j, p)| (j, map.graph.weight(i, j), p)).collect();
        row.sort_by(|a, b| {
            let alike = b.1.total_cmp(&a.1).then(a.2.distance.total_cmp(&b.2.distance));
            alike.then(a.0.cmp(&b.0))
        });
        for (rank, (j, similarity, pair)) in row.into_iter().take(count).enumerate() {
            table.rows.push(vec![
                name.as_str().into(),
                (rank + 1).into(),
                map.names[j].as_str().into(),
                similarity.into(),
                pair.distance.into(),
                pair.stretch.into(),
            ]);
        }
    }
    table
}

/// Sharpened and raw similarities, each as the files were given and in order.
fn pictures(map: &ContactMap, settings: &Settings, to: &Destination) -> Result<Vec<Artefact>, ExportError> {
    let Some(format) = PICTURE_FORMATS.first() else {
        return Ok(Vec::new());
    };
    let given: Vec<usize> = (0..map.names.len()).collect();
    let sharpened = |i: usize, tell: &mut dyn FnMut(usize, f32)| map.graph.row(i).for_each(|(j, w)| tell(j, w));
    let raw = |i: usize, tell: &mut dyn FnMut(usize, f32)| {
        tell(i, 1.0);
        let similarity = |p: Pair| map.raw.similarity(p.distance, p.overlap);
        map.pairs.row(i).for_each(|(j, p)| tell(j, similarity(p)));
    };
    type Rows<'a> = &'a dyn Fn(usize, &mut dyn FnMut(usize, f32));
    let mut artefacts = Vec::new();
    for (stem, title, row) in [
        (SIMILARITY, "Contact map", &sharpened as Rows<'_>),
        (RAW, "Contact map, not sharpened", &raw),
    ] {
        let mut top = 0.0f32;
        for &i in &given {
            row(i, &mut |j, w| top = if i == j { top } else { top.max(w) });
        }
        let top = if top > 0.0 { top } else { 1.0 };
        for (suffix, order, words) in [
            ("", &given, "in the order of the files"),
            ("_ordered", &map.layout.order, "in spectral order"),
        ] {
            let how = if stem == RAW {
                "exp(-d/median)"
            } else {
                settings.sharpening.name()
            };
            let facts = format!("{} loops, {} pairs, {how}, {words}", map.names.len(), map.pairs.count());
            let picture = heat::draw(&HeatMap {
                title,
                facts: &facts,
                names: &map.names,
                order,
                row,
                top,
            });
            let name = format!("{stem}{suffix}.{}", format.extension());
            artefacts.push(to.write(&name, |mut out| format.write(&mut out, &picture))?);
        }
    }
    Ok(artefacts)
}

/// Every tag that a map can give, in order: bins, then the sides of each eigenvector.
pub fn vocabulary() -> Vec<String> {
    let bins = (0..spectral::BINS).map(|b| format!("cm_bin_{b}"));
    let sides = (1..=spectral::VECTORS).flat_map(|k| ["pos", "neg"].map(|s| format!("lap_e{k}_{s}")));
    bins.chain(sides).collect()
}
