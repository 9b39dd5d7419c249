//! `classify`: tags for files, by models of the user's own.
//!
//! A row a file: `file`, `predicted_tags` (separated by `|`), `prob_<tag>` for each tag, and by a contact model
//! `predicted_contact_tags`, `prob_contact_<tag>`. Of a family of tags that exclude each other a file gets exactly one; of other
//! tags those that reach their thresholds, which may be none. A file in which there is nothing to hear has a row of empty cells;
//! one that cannot be read has none.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::batch;
use super::run::{Observer, OfItem};
use super::tags::{FileError, Input, hear};
use crate::config::Config;
use crate::export::destination::{WriteError, write_file};
use crate::export::table::{Cell, Table, TableFormat};
use crate::export::{ExportError, TABLE_FORMATS, table_format};
use crate::learn::multilabel::features;
use crate::model::multilabel::{CONTACT, TAGS, TagModel, decide};
use crate::model::{ModelFileError, schema_file};

/// What stands between tags.
pub const SEPARATOR: &str = "|";

/// Why nothing is classified.
#[derive(Debug, thiserror::Error)]
pub enum ClassifyError {
    /// A model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelFileError),
    /// The table cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The table's name does not do.
    #[error("--out {}: the name must end in {}", path.display(), endings())]
    Name {
        /// The name.
        path: PathBuf,
    },
    /// No threads can be started.
    #[error("cannot start working: {0}")]
    Threads(#[from] std::io::Error),
}

fn endings() -> String {
    TABLE_FORMATS
        .iter()
        .map(|f| format!(".{}", f.extension()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The format of a table by its name.
///
/// # Errors
///
/// [`ClassifyError::Name`].
pub fn format_of(path: &Path) -> Result<&'static dyn TableFormat, ClassifyError> {
    table_format(path).ok_or_else(|| ClassifyError::Name { path: path.into() })
}

/// A model with where its features stand in a description.
#[derive(Debug)]
pub struct Bound {
    model: TagModel,
    at: Vec<usize>,
}

impl Bound {
    /// Reads the model at `path`, which must be of `kind`.
    ///
    /// # Errors
    ///
    /// [`ModelFileError`]: no such model, or one that reads what is not measured here.
    pub fn read(path: &Path, kind: &str) -> Result<Self, ModelFileError> {
        let model = TagModel::read(path)?;
        let wrong = |problem: String| ModelFileError::Columns {
            name: model.name().to_owned(),
            problem,
        };
        if model.kind() != kind {
            let remedy = match model.kind() {
                CONTACT => "give it with --contact-model",
                TAGS => "give it with --model",
                _ => "train it anew",
            };
            return Err(wrong(format!("it tells `{}`, not `{kind}`: {remedy}", model.kind())));
        }
        if model.features_version() != features::VERSION {
            return Err(wrong(format!(
                "it was trained with version {} of the features, and this version measures {}; train it again",
                model.features_version(),
                features::VERSION
            )));
        }
        let names = features::names();
        let place = |name: &String| names.iter().position(|n| n == name);
        let missing: Vec<String> = model
            .features()
            .iter()
            .filter(|f| place(f).is_none())
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(wrong(format!(
                "it reads what is not measured here: {}",
                schema_file::brief(&missing)
            )));
        }
        let at = model.features().iter().filter_map(place).collect();
        Ok(Self { model, at })
    }

    /// The model.
    pub fn model(&self) -> &TagModel {
        &self.model
    }

    fn told(&self, described: &[f32]) -> Result<Told, FileError> {
        let values: Vec<f32> = self
            .at
            .iter()
            .map(|&i| described.get(i).copied().unwrap_or(f32::NAN))
            .collect();
        let probabilities = self.model.probabilities(&values)?;
        let tags = decide(self.model.tags(), &probabilities);
        Ok(Told { tags, probabilities })
    }
}

/// What a model tells of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The tags that it is given, by index.
    pub tags: Vec<usize>,
    /// Of every tag.
    pub probabilities: Vec<f64>,
}

/// The models of a run.
#[derive(Debug)]
pub struct Models {
    /// What tells tags.
    pub tags: Bound,
    /// What tells labels of a contact map.
    pub contact: Option<Bound>,
}

/// A file with what the models tell: first the tags, then those of the contact map. `None` where there is nothing to hear.
pub type Row = Option<(Told, Option<Told>)>;

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// The table.
    pub table: Table,
    /// Files that have a row.
    pub rows: usize,
    /// Of them, those in which there is nothing to hear.
    pub silent: usize,
    /// Files that failed, by index.
    pub failed: Vec<(usize, FileError)>,
}

/// Classifies `inputs` on `jobs` threads. `done` is called on the calling thread as each ends, in order.
///
/// # Errors
///
/// Where no thread can be started. A file that fails is among [`Report::failed`].
pub fn classify(
    inputs: &[Input],
    models: &Models,
    config: &Config,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    mut done: impl FnMut(usize, Result<&Row, &FileError>),
) -> Result<Report, ClassifyError> {
    let mut report = Report {
        table: Table::new(columns(models)),
        ..Report::default()
    };
    let work = |index: usize| -> Result<Row, FileError> {
        let progress = OfItem { observer, index };
        let Some((_, described)) = hear(&inputs[index].place, false, config, &progress)? else {
            return Ok(None);
        };
        let told = models.tags.told(&described.features)?;
        let contact = models
            .contact
            .as_ref()
            .map(|m| m.told(&described.features))
            .transpose()?;
        Ok(Some((told, contact)))
    };
    batch::in_order(
        inputs.len(),
        jobs,
        &|| observer.is_cancelled(),
        &work,
        |index, result| match result.map_err(FileError::from).flatten() {
            Ok(row) => {
                done(index, Ok(&row));
                report.rows += 1;
                report.silent += usize::from(row.is_none());
                report.table.rows.push(cells(&inputs[index].file, models, &row));
            }
            Err(e) => {
                done(index, Err(&e));
                report.failed.push((index, e));
            }
        },
    )?;
    Ok(report)
}

/// Writes the table, whole or not at all.
///
/// # Errors
///
/// [`ClassifyError::Name`], [`ClassifyError::Export`].
pub fn write(path: &Path, table: &Table) -> Result<(), ClassifyError> {
    let format = format_of(path)?;
    write_file::<WriteError>(path, |out| format.write(out, table).map_err(WriteError::from))?;
    Ok(())
}

/// Each model with what its columns are called.
fn parts(models: &Models) -> impl Iterator<Item = (&Bound, &'static str, &'static str)> {
    let tags = std::iter::once((&models.tags, "predicted_tags", "prob_"));
    tags.chain(
        models
            .contact
            .iter()
            .map(|m| (m, "predicted_contact_tags", "prob_contact_")),
    )
}

fn columns(models: &Models) -> Vec<String> {
    let mut columns = vec!["file".to_owned()];
    for (bound, predicted, prob) in parts(models) {
        columns.push(predicted.to_owned());
        columns.extend(bound.model.tags().iter().map(|t| format!("{prob}{}", t.name)));
    }
    columns
}

fn cells(file: &str, models: &Models, row: &Row) -> Vec<Cell> {
    let mut cells = vec![Cell::from(file)];
    let Some((told, contact)) = row else { return cells };
    for ((bound, _, _), told) in parts(models).zip(std::iter::once(told).chain(contact)) {
        cells.push(Cell::from(given(bound, told).join(SEPARATOR)));
        cells.extend(told.probabilities.iter().map(|p| Cell::from(*p as f32)));
    }
    cells
}

/// The names of the tags that a file is given.
pub fn given<'a>(bound: &'a Bound, told: &Told) -> Vec<&'a str> {
    told.tags
        .iter()
        .filter_map(|&i| bound.model.tags().get(i))
        .map(|t| t.name.as_str())
        .collect()
}
