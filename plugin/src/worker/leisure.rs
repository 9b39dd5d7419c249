//! What the user wants done that takes longer: done beside the desk, which breathes meanwhile.

use std::path::{Path, PathBuf};

use loopwright_core::progress::Progress;

use super::ear::Ear;
use super::lock;
use super::orders::OrderError;
use crate::command::Command;
use crate::library::{self, Rendered};
use crate::snapshot::{FileState, ItemId, Severity};
use crate::state::Favourite;

/// Carries out what takes longer, breathing meanwhile.
pub(super) fn carry_out(ear: &Ear<'_>, command: Command) {
    match command {
        Command::PrepareKit(ids) => ids.into_iter().for_each(|id| prepare_kit(ear, id)),
        Command::Export { items, folder } => export(ear, &items, folder),
        Command::Relink(id, path) => relink(ear, id, &path),
        Command::CheckFiles => check_files(ear, true),
        Command::Opened => check_files(ear, false),
        other => lock(ear.desk).command(other),
    }
}

/// What an item's files are, with its kit where that is asked for.
fn rendered(ear: &Ear<'_>, id: ItemId, kit: bool) -> Result<Rendered, OrderError> {
    let (entry, track, config) = {
        let desk = lock(ear.desk);
        let entry = desk.entry(id).cloned().ok_or(OrderError::Unknown)?;
        let track = desk.source(&entry)?;
        (entry, track, desk.library.config().clone())
    };
    Ok(library::render(&entry, &track, kit, &config, ear)?)
}

fn prepare_kit(ear: &Ear<'_>, id: ItemId) {
    let there = {
        let desk = lock(ear.desk);
        let files = desk.files.get(&id);
        files.is_some_and(|f| !f.kit.is_empty() && f.kit.iter().all(|p| p.is_file())) && desk.ready(id).is_some()
    };
    if there || ear.is_cancelled() {
        return;
    }
    let done = rendered(ear, id, true).and_then(|all| Ok(lock(ear.desk).library.keep(&all)?));
    let mut desk = lock(ear.desk);
    match done {
        Ok(written) => {
            desk.set_file(id, FileState::Ready(written.main));
            if let Some(files) = desk.files.get_mut(&id) {
                files.kit = written.others;
            }
        }
        Err(_) if ear.ends() => {}
        // A kept break has no kit but what was written.
        Err(OrderError::Unknown) => {}
        Err(e) => desk.fail(id, &e),
    }
    desk.lists_changed();
}

fn export(ear: &Ear<'_>, items: &[ItemId], folder: Option<PathBuf>) {
    let (folder, mut count) = {
        let desk = lock(ear.desk);
        (folder.unwrap_or_else(|| desk.library.folder().join("Exports")), 0usize)
    };
    for id in items {
        if ear.is_cancelled() {
            return;
        }
        let has_kit = lock(ear.desk).files.get(id).is_some_and(|f| !f.kit.is_empty());
        let done = match rendered(ear, *id, has_kit) {
            Ok(all) => library::keep_in(&folder, &all).map(|_| ()).map_err(OrderError::from),
            // Only its file is left.
            Err(e @ (OrderError::Unknown | OrderError::Gone)) => match lock(ear.desk).ready(*id) {
                Some(file) => library::copy_in(&folder, &file).map(|_| ()).map_err(OrderError::from),
                None => Err(e),
            },
            Err(e) => Err(e),
        };
        if let Err(e) = done {
            if !ear.ends() {
                lock(ear.desk).say(Severity::Error, &format!("Not exported: {e}"));
            }
            return;
        }
        count += 1;
    }
    let files = if count == 1 {
        "1 item".to_owned()
    } else {
        format!("{count} items")
    };
    lock(ear.desk).say(Severity::Info, &format!("Exported {files} to {}", folder.display()));
}

fn relink(ear: &Ear<'_>, id: ItemId, path: &Path) {
    let hash = if path.is_file() { library::hash(path) } else { None };
    let mut desk = lock(ear.desk);
    let Some(hash) = hash else {
        desk.say(Severity::Error, &format!("{}: cannot be read", path.display()));
        return;
    };
    let relative = desk.library.relative(path).unwrap_or_default();
    let Some(favourite) = desk.favourites.iter_mut().find(|f| f.id == id.0) else {
        return;
    };
    let same = favourite.hash.is_empty() || favourite.hash == hash;
    favourite.path = path.to_string_lossy().into_owned();
    favourite.relative = relative;
    favourite.hash = hash;
    desk.set_file(id, FileState::Ready(path.to_path_buf()));
    if !same {
        desk.say(
            Severity::Warning,
            "The file is not the one that was there, but it is used now.",
        );
    }
    desk.store();
}

/// Looks for the files of all favourites, by their content where they have moved within the capture folder: that reads all of
/// it, so that what was searched for in vain is searched for `again` only if the user says so.
fn check_files(ear: &Ear<'_>, again: bool) {
    let lost: Vec<Favourite> = {
        let mut desk = lock(ear.desk);
        desk.look_for_favourites();
        let lost = desk.favourites.iter().filter(|f| desk.ready(ItemId(f.id)).is_none());
        lost.filter(|f| again || !desk.sought.contains(&f.id))
            .cloned()
            .collect()
    };
    if lost.is_empty() {
        return;
    }
    let folder = lock(ear.desk).library.folder().to_path_buf();
    let found = library::search(&folder, &lost, ear);
    let mut desk = lock(ear.desk);
    desk.sought.extend(lost.iter().map(|f| f.id));
    for (id, path) in found {
        let relative = desk.library.relative(&path).unwrap_or_default();
        if let Some(favourite) = desk.favourites.iter_mut().find(|f| f.id == id) {
            favourite.path = path.to_string_lossy().into_owned();
            favourite.relative = relative;
            desk.set_file(ItemId(id), FileState::Ready(path));
        }
    }
    desk.store();
}
