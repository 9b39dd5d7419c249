//! What a training leaves in its folder.

use std::path::Path;

use super::{Gathered, Prepared, Report, TrainError};
use crate::export::ExportError;
use crate::export::destination::Destination;
use crate::learn::card::{self, Card};
use crate::learn::{Fitted, onnx_write};
use crate::model::schema_file::SchemaFile;
use crate::pipeline::evaluate::{SPLIT, write_split};
use crate::store::Target;

/// The model's file in a folder of its own, without its extension.
const MODEL: &str = "ranker";
/// Extensions that a model may have.
const EXTENSIONS: [&str; 3] = ["onnx", "json", "ubj"];
const FEATURES: &str = "features.json";
const CARD: &str = "MODEL.md";
const RECORD: &str = "run.jsonl";

/// What the files of a model are called.
#[derive(Debug)]
pub(super) struct Names {
    folder: Target,
    /// Of a model in a folder of its own nothing; of `x.onnx`, `x.`.
    prefix: String,
    /// The model's file, without its extension.
    stem: String,
    extension: &'static str,
}

impl Names {
    /// The names for a model at `out`: a folder, or a file that ends as models do.
    pub(super) fn of(out: &Target, extension: &'static str) -> Result<Self, TrainError> {
        let file = out.split().and_then(|(folder, name)| {
            let (stem, ending) = name.rsplit_once('.')?;
            let ending = ending.to_ascii_lowercase();
            let known = !stem.is_empty() && EXTENSIONS.contains(&ending.as_str());
            known.then(|| (folder, stem.to_owned(), ending))
        });
        let Some((folder, stem, ending)) = file else {
            return Ok(Self {
                folder: out.clone(),
                prefix: String::new(),
                stem: MODEL.into(),
                extension,
            });
        };
        if ending != extension {
            let path = out.shown();
            return Err(TrainError::Name { path, extension });
        }
        Ok(Self {
            folder,
            prefix: format!("{stem}."),
            stem,
            extension,
        })
    }

    pub(super) fn folder(&self) -> &Target {
        &self.folder
    }

    pub(super) fn record(&self) -> Target {
        self.folder.join(&self.beside(RECORD))
    }

    fn model(&self, extension: &str) -> String {
        format!("{}.{extension}", self.stem)
    }

    fn beside(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes hold of the folder, as far as [`Names::check`] has nothing against it.
    pub(super) fn open(&self) -> Result<Destination, TrainError> {
        self.check()?;
        Ok(Destination::at(&self.folder)?)
    }

    /// An error where the folder holds files with these names that are not ours: without a card that says so. Nothing is
    /// made.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        if let Some(folder) = self.folder.local() {
            let there = |name: &str| folder.join(name).symlink_metadata().is_ok();
            return self.refuse_foreign(std::fs::read(folder.join(self.beside(CARD))).ok(), &there);
        }
        let folder = Destination::at(&self.folder)?;
        self.refuse_foreign(folder.read(&self.beside(CARD))?, &|name| folder.has(name))
    }

    fn refuse_foreign(&self, card: Option<Vec<u8>>, there: &dyn Fn(&str) -> bool) -> Result<(), TrainError> {
        if card.is_some_and(|text| text.starts_with(card::MARK.as_bytes())) {
            return Ok(());
        }
        let mut names = vec![self.beside(CARD), self.beside(FEATURES), self.beside(SPLIT)];
        names.extend(EXTENSIONS.map(|e| self.model(e)));
        match names.into_iter().find(|name| there(name)) {
            Some(name) => Err(TrainError::Foreign {
                path: self.folder.join(&name).shown(),
            }),
            None => Ok(()),
        }
    }
}

/// A file that was learnt from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    name: String,
    blake3: String,
}

impl Source {
    pub(super) fn of(path: &Path) -> Result<Self, ExportError> {
        let mut hash = blake3::Hasher::new();
        std::fs::File::open(path)
            .and_then(|mut file| std::io::copy(&mut file, &mut hash))
            .map_err(ExportError::io(path, "read"))?;
        Ok(Self {
            name: path
                .file_name()
                .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
            blake3: hash.finalize().to_hex()[..16].to_owned(),
        })
    }

    /// Of rows that no file holds: the hash of all that they say.
    pub(super) fn gathered(gathered: &Gathered) -> Self {
        let data = &gathered.data;
        let mut hash = blake3::Hasher::new();
        let mut text = |t: &str| {
            hash.update(&(t.len() as u64).to_le_bytes());
            hash.update(t.as_bytes());
        };
        data.columns.iter().for_each(|c| text(c));
        for track in &data.tracks {
            text(&track.track_id);
            text(&format!("{:?}", track.rows));
        }
        data.values.iter().chain(&data.weights).for_each(|x| {
            hash.update(&x.to_le_bytes());
        });
        data.spans.iter().for_each(|(start, end)| {
            hash.update(&start.to_le_bytes());
            hash.update(&end.to_le_bytes());
        });
        Self {
            name: gathered.name.clone(),
            blake3: hash.finalize().to_hex()[..16].to_owned(),
        }
    }
}

/// Writes the files; the model is the first of their names.
pub(super) fn files(
    prepared: &Prepared,
    fitted: &Fitted,
    settings: &[(String, String)],
    report: &Report,
) -> Result<Vec<String>, TrainError> {
    let destination = &prepared.destination;
    let info = fitted.scorer.info();
    let mut bytes = fitted.bytes.clone();
    if fitted.extension == "onnx" {
        onnx_write::add_findings(&mut bytes, report.alpha, report.calibration);
    }
    let names = &prepared.names;
    let model = names.model(names.extension);
    let features = SchemaFile {
        output: Some(info.output),
        alpha: report.alpha,
        calibration: report.calibration,
        embedding: prepared.embedding.clone(),
        ..SchemaFile::of(&info.columns)
    };
    let card = Card {
        learner: report.learner,
        model: &model,
        settings,
        facts: &report.facts,
        data: prepared
            .sources
            .iter()
            .map(|s| (s.name.clone(), s.blake3.clone()))
            .collect(),
        size: prepared.size(),
        parts: prepared.parts(),
        folds: prepared.folds.len(),
        best_round: report.best_round,
        alpha: report.alpha,
        calibration: report.calibration,
        columns: &info.columns,
    };
    let scores = report.judgement.as_ref().map(|j| {
        let rows = j.rankers.iter().map(|r| (r.ranker, r.measures.as_slice()));
        card::Scores {
            tracks: j.tracks,
            rankers: rows.collect(),
            above_heuristic: j.above_heuristic,
            above_chance: j.above_chance,
        }
    });
    let text = card.text(scores.as_ref());
    for other in EXTENSIONS.iter().filter(|e| **e != names.extension) {
        destination.remove(&names.model(other))?;
    }
    // The card first: whatever comes after it is then known to be ours.
    let [card, features_file, split] = [CARD, FEATURES, SPLIT].map(|n| names.beside(n));
    destination.write_bytes(&card, text.as_bytes())?;
    destination.write_bytes(&model, &bytes)?;
    destination.write_bytes(&features_file, features.to_json().as_bytes())?;
    destination.write_bytes(&split, write_split(&prepared.data, &prepared.split).as_bytes())?;
    destination.sync_folder("")?;
    Ok(vec![model, features_file, card, split])
}
