//! `loopwright train contact`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use loopwright_core::pipeline::tags::Input;
use loopwright_core::pipeline::tags::labels::{CONTACT_LABELS, Labels, Table};

use super::tags;
use crate::args::{General, TrainContact};
use crate::exit::{Exit, UsageError};
use crate::settings::Settings;

pub(super) fn run(args: &TrainContact, general: &General) -> Result<Exit> {
    let table = Table::of_contact(&args.map.join(CONTACT_LABELS)).map_err(|e| UsageError(e.to_string()))?;
    let (inputs, unreadable) = if args.audio.is_empty() {
        (of_map(&table, &args.map), false)
    } else {
        tags::inputs(
            &args.audio,
            &Settings::load(general.config.as_deref(), &[])?.config.stores,
        )
    };
    tags::train(&inputs, unreadable, &Labels::Contact(table), &args.flags, general)
}

/// The files of a map: where it has them, as seen from here or, where that is nothing, from the map's folder.
fn of_map(table: &Table, map: &Path) -> Vec<Input> {
    let input = |(file, _): &(String, Vec<String>)| {
        let own = PathBuf::from(file);
        let beside = map.join(file);
        Input {
            place: if !own.exists() && beside.exists() { beside } else { own }.into(),
            file: file.clone(),
            name: file.clone(),
        }
    };
    table.rows.iter().map(input).collect()
}
