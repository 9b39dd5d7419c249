//! What a table says of the network whose columns it has: `TABLE.features.json` beside it, in the form of a model's.
//!
//! Columns of an embedding mean something only together with the network that they come from. Training copies this record to
//! the model's `features.json`, by which [`crate::model::select_with`] knows the network again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::analysis::embedding::{self, EmbeddingInfo};
use crate::export::ExportError;
use crate::export::destination;
use crate::model::schema_file::{Embedding, SchemaFile};
use crate::model::{ModelFileError, ModelInfo};
use crate::store::Target;

/// Where the record of the table at `table` is.
pub fn path(table: &Path) -> PathBuf {
    let mut name = table.file_name().unwrap_or_default().to_owned();
    name.push(".features.json");
    table.with_file_name(name)
}

/// Writes the record of a table with these columns; without an embedding there is none, and one that an earlier table left is
/// removed.
pub(super) fn write(table: &Target, columns: &[String], embedding: Option<&EmbeddingInfo>) -> Result<(), ExportError> {
    let Some(local) = table.local() else {
        return write_to_store(table, columns, embedding);
    };
    let place = path(local);
    let Some(embedding) = embedding.filter(|e| columns.iter().any(|c| e.index(c).is_some())) else {
        let ours =
            fs::read(&place).is_ok_and(|bytes| SchemaFile::parse("", &bytes).is_ok_and(|f| f.embedding.is_some()));
        return match ours.then(|| fs::remove_file(&place)) {
            Some(Err(e)) => Err(ExportError::io(&place, "remove")(e)),
            _ => Ok(()),
        };
    };
    let file = SchemaFile {
        embedding: Some(embedding.into()),
        ..SchemaFile::of(columns)
    };
    destination::write_file(&place, |out| -> Result<(), std::io::Error> {
        out.write_all(file.to_json().as_bytes())
    })
}

/// The same for a table in a store. Nothing is removed there: the record of another table would first have to be fetched.
fn write_to_store(table: &Target, columns: &[String], embedding: Option<&EmbeddingInfo>) -> Result<(), ExportError> {
    let Some(embedding) = embedding.filter(|e| columns.iter().any(|c| e.index(c).is_some())) else {
        return Ok(());
    };
    let Some((folder, name)) = table.split() else {
        return Ok(());
    };
    let file = SchemaFile {
        embedding: Some(embedding.into()),
        ..SchemaFile::of(columns)
    };
    let place = folder.join(&format!("{name}.features.json"));
    destination::write_target(&place, |out| -> Result<(), std::io::Error> {
        out.write_all(file.to_json().as_bytes())
    })
    .map(drop)
}

/// Why the columns of embeddings in tables cannot be learnt from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A record cannot be read.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// The record is of another table.
    #[error(
        "{record}: is not of that table, which has a column {column} that {model} does not give: make the table again, or \
         remove the record"
    )]
    Foreign {
        /// The record.
        record: String,
        /// The column.
        column: String,
        /// The network.
        model: String,
    },
    /// Tables that are joined have columns of different networks.
    #[error(
        "columns {prefix}* are not the same in both: in {first} they are of {of_first}, in {second} of {of_second}"
    )]
    Mixed {
        /// What the columns' names begin with.
        prefix: String,
        /// A table.
        first: String,
        /// Its network.
        of_first: String,
        /// Another.
        second: String,
        /// Its network.
        of_second: String,
    },
    /// A model reads columns of another network than the tables have.
    #[error("{model} reads columns {prefix}* of {of_model}, and those of the data are of {of_data}")]
    Other {
        /// The model.
        model: String,
        /// What the columns' names begin with.
        prefix: String,
        /// The network that it learnt from.
        of_model: String,
        /// The network of the tables.
        of_data: String,
    },
}

/// Whether a model called `name` may be given the columns of tables of which [`read`] said `of_data`; where either does not
/// say whose they are, it may.
///
/// # Errors
///
/// [`RecordError::Other`].
pub fn check(name: &str, info: &ModelInfo, of_data: Option<&Embedding>) -> Result<(), RecordError> {
    let reads = info.columns.iter().any(|c| embedding::is_column(c));
    match (&info.embedding, of_data) {
        (Some(own), Some(data)) if reads && own.digest != data.digest => Err(RecordError::Other {
            model: name.to_owned(),
            prefix: own.prefix.clone(),
            of_model: words(own),
            of_data: words(data),
        }),
        _ => Ok(()),
    }
}

fn words(e: &Embedding) -> String {
    format!("{} (digest {})", e.model, e.digest)
}

/// The network whose columns the tables have, of which `columns` are to be learnt from; none where there are none of an
/// embedding, or where no table says whose they are.
///
/// # Errors
///
/// [`RecordError`].
pub fn read(tables: &[PathBuf], columns: &[String]) -> Result<Option<Embedding>, RecordError> {
    let Some(some) = columns.iter().find(|c| embedding::is_column(c)) else {
        return Ok(None);
    };
    let mut found: Vec<(&PathBuf, Option<Embedding>)> = Vec::new();
    for table in tables {
        let embedding = read_one(table)?;
        if let Some(e) = &embedding {
            let info = EmbeddingInfo::from(e);
            let lost = columns
                .iter()
                .find(|c| embedding::is_column(c) && info.index(c).is_none());
            if let Some(column) = lost {
                return Err(RecordError::Foreign {
                    record: path(table).display().to_string(),
                    column: column.clone(),
                    model: e.model.clone(),
                });
            }
        }
        found.push((table, embedding));
    }
    let digest = |e: &Option<Embedding>| e.as_ref().map(|e| e.digest.clone());
    let of = |e: &Option<Embedding>| match e {
        Some(e) => words(e),
        None => "a network that no record beside the table names".to_owned(),
    };
    if let Some(pair) = found.windows(2).find(|p| digest(&p[0].1) != digest(&p[1].1)) {
        return Err(RecordError::Mixed {
            prefix: some.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned(),
            first: pair[0].0.display().to_string(),
            of_first: of(&pair[0].1),
            second: pair[1].0.display().to_string(),
            of_second: of(&pair[1].1),
        });
    }
    Ok(found.into_iter().find_map(|(_, e)| e))
}

fn read_one(table: &Path) -> Result<Option<Embedding>, RecordError> {
    let place = path(table);
    let name = place.display().to_string();
    match fs::read(&place) {
        Ok(bytes) => Ok(SchemaFile::parse(&name, &bytes)?.embedding),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(ModelFileError::Read {
            name,
            problem: e.to_string(),
        }
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tuning::Tuning;
    use crate::model::{Scorer, heuristic};

    fn info(digest: &str, dims: usize) -> EmbeddingInfo {
        EmbeddingInfo {
            model: format!("{digest}.onnx"),
            digest: digest.into(),
            prefix: "emb_".into(),
            dims,
        }
    }

    #[test]
    fn tables_say_whose_their_columns_are() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.csv", "b.csv"].map(|n| folder.path().join(n));
        let columns: Vec<String> = ["bars", "emb_0", "emb_2"].map(String::from).to_vec();
        let both = [a.clone(), b.clone()];
        assert_eq!(read(&both, &columns), Ok(None));
        write(&a.clone().into(), &columns, Some(&info("aa", 3))).unwrap();
        assert!(folder.path().join("a.csv.features.json").is_file());
        assert_eq!(read(&both[..1], &columns).unwrap().unwrap().digest, "aa");
        assert_eq!(read(&both, &columns[..1]), Ok(None), "no column of it is learnt from");
        let mixed = read(&both, &columns).unwrap_err().to_string();
        assert!(
            mixed.contains("aa.onnx (digest aa)") && mixed.contains("no record") && mixed.contains("emb_*"),
            "{mixed}"
        );
        write(&b.clone().into(), &columns, Some(&info("bb", 3))).unwrap();
        let mixed = read(&both, &columns).unwrap_err().to_string();
        assert!(mixed.contains("digest aa") && mixed.contains("digest bb"), "{mixed}");
        write(&b.clone().into(), &columns, Some(&info("aa", 3))).unwrap();
        let of_data = read(&both, &columns).unwrap().unwrap();
        assert_eq!(of_data.dims, 3);
        let mut model = heuristic(&Tuning::default()).info().clone();
        model.embedding = Some((&info("cc", 3)).into());
        assert_eq!(check("m", &model, Some(&of_data)), Ok(()), "it reads none of them");
        model.columns.push("emb_1".into());
        assert_eq!(check("m", &model, None), Ok(()));
        let other = check("m", &model, Some(&of_data)).unwrap_err().to_string();
        assert!(other.contains("digest cc") && other.contains("digest aa"), "{other}");
        model.embedding = Some(of_data.clone());
        assert_eq!(check("m", &model, Some(&of_data)), Ok(()));
        write(&b.clone().into(), &columns, Some(&info("aa", 2))).unwrap();
        assert!(matches!(read(&both, &columns), Err(RecordError::Foreign { column, .. }) if column == "emb_2"));
        // A table without such columns takes the record of an earlier one away, and nothing else.
        write(&b.clone().into(), &columns[..1], None).unwrap();
        assert!(!path(&b).exists());
        std::fs::write(path(&b), "[\"mine\"]").unwrap();
        write(&b.clone().into(), &columns[..1], None).unwrap();
        assert!(path(&b).exists());
    }
}
