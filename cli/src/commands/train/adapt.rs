//! `loopwright train adapt`.

mod card;

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use loopwright_core::export::destination::write_file;
use loopwright_core::learn::adapt::{self, Fit};
use loopwright_core::learn::ratings::{self, Rating};
use loopwright_core::model::adapted::{AdaptedFile, Base, TERMS};
use loopwright_core::model::{self, load::HEURISTIC};
use loopwright_core::pipeline;
use loopwright_core::progress::Progress;
use loopwright_core::rhythm;
use serde_json::json;

use crate::args::{Adapt, General};
use crate::commands::print_json;
use crate::exit::{Exit, UsageError};
use crate::output::{count, plain};
use crate::progress;
use crate::settings::Settings;
use crate::sources;

/// The model's file in its folder.
const FILE: &str = "adapted.json";

pub(super) fn run(args: &Adapt, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &[])?;
    let mut rated: Vec<Rating> = Vec::new();
    for path in &args.ratings {
        rated.extend(ratings::read(path)?);
    }
    let mut rated = ratings::settle(rated);
    let base = model::select(args.model.as_deref(), &settings.config.tuning)?;
    let wanted = adapt::columns(base.info());
    if !args.audio.is_empty() {
        listen(args, general, &settings, &mut rated, &wanted)?;
    }
    let without = rated.iter().filter(|r| !r.lacks(&wanted).is_empty()).count();
    if without > 0 {
        say_without(&rated, &wanted, without, args.audio.is_empty());
    }
    if without == rated.len() && without > 0 {
        let text = "no rating can be used: they lack features of their loops; name their recordings with --audio";
        return Err(UsageError(text.into()).into());
    }
    let fit = adapt::fit(&adapt::examples(&rated, base.as_ref())?);

    fs::create_dir_all(&args.out).with_context(|| format!("{}: cannot make the folder", args.out.display()))?;
    let file = AdaptedFile {
        base: base_of(args.model.as_deref(), &args.out)?,
        taste: fit.taste.clone(),
        ratings: fit.ratings,
        tracks: fit.tracks,
        shrink: fit.shrink,
    };
    let place = args.out.join(FILE);
    let card = card::card(&fit, &base.info().name, &place);
    // The card first: the model is there once all of it is.
    for (name, text) in [("MODEL.md", &card), (FILE, &file.to_json())] {
        write_file(&args.out.join(name), |out| out.write_all(text.as_bytes()))?;
    }
    if args.json {
        print_json(&told(&fit, &base.info().name, &place, without))?;
    } else {
        super::super::print(&format!("{}\n", card::summary(&fit)))?;
        if !general.quiet {
            eprintln!(
                "Written to {}; rank by it with --model.",
                plain(&place.to_string_lossy())
            );
        }
    }
    Ok(Exit::Done)
}

/// Listens to the recordings of ratings without features.
fn listen(args: &Adapt, general: &General, settings: &Settings, rated: &mut [Rating], wanted: &[String]) -> Result<()> {
    let found = sources::collect(&args.audio, None, &settings.config.stores);
    for (path, e) in &found.unreadable {
        eprintln!("loopwright: {}: {e}", plain(&path.to_string_lossy()));
    }
    let beats = rhythm::load::load(&settings.config.rhythm)?;
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    if !general.quiet {
        eprintln!("Listening to the recordings of rated loops …");
    }
    let heard = pipeline::adapt::complete(
        rated,
        wanted,
        &found.files,
        beats.as_deref(),
        &settings.config,
        &Interruptible,
    )?;
    for problem in &heard.problems {
        eprintln!("loopwright: {}", plain(problem));
    }
    if !general.quiet {
        eprintln!("{} got their features.", count(heard.filled, "rating"));
    }
    Ok(())
}

/// Reports nothing; ends on Ctrl-C.
struct Interruptible;

impl Progress for Interruptible {
    fn is_cancelled(&self) -> bool {
        progress::interrupted()
    }
}

fn say_without(rated: &[Rating], wanted: &[String], without: usize, no_audio: bool) {
    let example = rated.iter().find(|r| !r.lacks(wanted).is_empty());
    let (track, missing) = example.map_or((String::new(), String::new()), |r| {
        let lacks = r.lacks(wanted);
        let shown = lacks.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if lacks.len() > 3 {
            format!(" and {} more", lacks.len() - 3)
        } else {
            String::new()
        };
        (r.track.clone(), format!("{shown}{more}"))
    });
    let remedy = if no_audio {
        "name the recordings with --audio, and they are listened to"
    } else {
        "none of the recordings is theirs, or their times fit no bars"
    };
    eprintln!(
        "loopwright: {} lack features and are left out ({}: {}); {remedy}",
        count(without, "rating"),
        plain(&track),
        plain(&missing),
    );
}

/// How the file names its base: from its own folder where there is a way.
fn base_of(model: Option<&str>, out: &Path) -> Result<Base> {
    let Some(named) = model.filter(|m| *m != HEURISTIC) else {
        return Ok(Base::Heuristic);
    };
    if named == model::load::SHIPPED {
        let text = "the model in the build cannot be a base: name its file (models/ranking) with --model";
        return Err(UsageError(text.into()).into());
    }
    let bytes = fs::read(named).with_context(|| format!("{named}: cannot read"))?;
    if AdaptedFile::looks_like(&bytes) {
        let text = format!("{named} is an adapted ranking: name what it rests on, and all of your ratings");
        return Err(UsageError(text).into());
    }
    let whole = |path: &Path| fs::canonicalize(path).with_context(|| format!("{}: cannot be found", path.display()));
    let path = way(&whole(out)?, &whole(Path::new(named))?);
    Ok(Base::File {
        path: path.to_string_lossy().replace('\\', "/"),
        blake3: loopwright_core::export::destination::hash_file(Path::new(named))?,
    })
}

/// The path from a folder to a file; the file's own where they share no root.
fn way(folder: &Path, file: &Path) -> PathBuf {
    let shared = folder
        .components()
        .zip(file.components())
        .take_while(|(a, b)| a == b)
        .count();
    if !matches!(folder.components().next(), Some(first) if file.components().next() == Some(first)) {
        return file.to_path_buf();
    }
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(file.components().skip(shared)).collect()
}

fn told(fit: &Fit, base: &str, place: &Path, without: usize) -> serde_json::Value {
    let weights: serde_json::Map<String, serde_json::Value> = TERMS
        .iter()
        .zip(fit.taste.weights)
        .map(|(t, w)| (t.column.to_owned(), json!(w)))
        .collect();
    json!({
        "schema": 1, "type": "adapted", "model": place.to_string_lossy(), "base": base, "ratings": fit.ratings,
        "left_out": without, "tracks": fit.tracks, "pairs": fit.pairs, "shrink": fit.shrink, "gain": fit.gain,
        "agreement": fit.agreement.map(|(base, adapted)| json!({ "base": base, "adapted": adapted })),
        "prefers": fit.taste.words(), "weights": weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_lead_from_folders_to_files() {
        for (folder, file, wanted) in [
            ("/a/b", "/a/b/m.onnx", "m.onnx"),
            ("/a/b", "/a/c/m.onnx", "../c/m.onnx"),
            ("/a/b/c", "/m.onnx", "../../../m.onnx"),
        ] {
            assert_eq!(way(Path::new(folder), Path::new(file)), Path::new(wanted));
        }
    }
}
