//! The files of an item, byte for byte those of the command line.

use std::io::Cursor;
use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::drums::class::Class;
use loopwright_core::drums::hits::{Hits, slice};
use loopwright_core::export::breaks::{BreakItem, Breaks};
use loopwright_core::export::manifest::SourceKey;
use loopwright_core::export::meta::LoopMeta;
use loopwright_core::export::tree::{Cuts, Plan, QuietCuts, TRACK_TABLE, TrackRequest, in_memory};
use loopwright_core::export::{AudioView, ExportError, FormatError, audio_format, layout, name};
use loopwright_core::progress::Progress;
use loopwright_core::track::Track;

use super::LibraryError;
use crate::worker::crop::{Entry, NumberedBreak, What};

/// Files in memory.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// Paths with `/`, from the capture folder, and contents. The first is the item's own file.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// What all paths begin with, and what is changed where it is taken: `Song/break_01`.
    pub(crate) unit: String,
}

/// What is written of `entry`, which `track` holds the sound of; with `kit` all that belongs to it.
pub(crate) fn render(
    entry: &Entry,
    track: &Track,
    kit: bool,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Rendered, LibraryError> {
    let source = SourceKey {
        folder: layout::folders(&[format!("{}.wav", name::component(&track.name))])
            .pop()
            .unwrap_or_else(|| name::component(&track.name)),
        name: track.name.clone(),
        content: track.id.to_string(),
        fingerprint: None,
    };
    let ground = &entry.ground;
    let request = |loops| TrackRequest {
        source: &source,
        track,
        grid: &ground.grid,
        key: ground.key.as_deref(),
        loops,
        config: &config.export,
    };
    let (files, main) = match &entry.what {
        What::Loop(item) => {
            let request = request(std::slice::from_ref(item));
            all(&source, &Cuts::of(&request)?, progress)?
        }
        What::Quiet(item) => {
            let request = request(&[]);
            let items = std::slice::from_ref(item);
            all(
                &source,
                &QuietCuts::of(&request, items, config.quiet.declick_ms)?,
                progress,
            )?
        }
        What::Break(numbered) => {
            let none;
            let (mut config, mut hits) = (config.clone(), &numbered.hits);
            if !kit {
                none = without_hits(hits);
                hits = &none;
                config.breaks.stems = false;
                config.breaks.kits.clear();
            }
            let items = [BreakItem {
                number: numbered.number,
                found: &numbered.found,
                hits,
            }];
            let plan = Breaks::of(&source, track, &ground.grid, &items, &config)?;
            all(&source, &plan, progress)?
        }
        What::OneShot(numbered, hit) => one_shot(&source, track, numbered, *hit, config)?,
    };
    let unit = unit(entry, &main);
    let own = |path: &str| if kit { !is_table(path, &source) } else { path == main };
    let mut files: Vec<_> = files.into_iter().filter(|(path, _)| own(path)).collect();
    let first = files
        .iter()
        .position(|(path, _)| *path == main)
        .ok_or(LibraryError::Empty)?;
    files.swap(0, first);
    Ok(Rendered { files, unit })
}

type Files = (Vec<(String, Vec<u8>)>, String);

fn all(source: &SourceKey, plan: &dyn Plan, progress: &dyn Progress) -> Result<Files, LibraryError> {
    let done = in_memory(source, plan, progress)?;
    let main = done.loops.first().map(|l| l.file.clone()).ok_or(LibraryError::Empty)?;
    Ok((done.files, main))
}

/// The tables of a whole track, of which only a part is written here.
fn is_table(path: &str, source: &SourceKey) -> bool {
    let folder = &source.folder;
    path == format!("{folder}{}", layout::BREAKS_TABLE)
        || path == format!("{folder}{}", layout::QUIET_TABLE)
        || path == format!("{folder}/{TRACK_TABLE}")
}

/// What a second set of the same names changes: the folder of a break, the file of anything else.
fn unit(entry: &Entry, main: &str) -> String {
    let path = Path::new(main);
    let cut = match &entry.what {
        What::Break(_) => path.parent().map(Path::to_path_buf),
        _ => Some(path.with_extension("")),
    };
    let unit = cut.and_then(|p| p.to_str().map(|s| s.replace('\\', "/")));
    unit.filter(|u| main.starts_with(u.as_str()))
        .unwrap_or_else(|| main.to_owned())
}

fn without_hits(hits: &Hits) -> Hits {
    Hits {
        hits: Vec::new(),
        clusters: Vec::new(),
        ..hits.clone()
    }
}

/// A hit as `breaks` writes it among those of its break, at the level of the recording.
fn one_shot(
    source: &SourceKey,
    track: &Track,
    of: &NumberedBreak,
    index: usize,
    config: &Config,
) -> Result<Files, LibraryError> {
    let hit = of.hits.hits.get(index).ok_or(LibraryError::Empty)?;
    let class = hit.labels.first().copied().unwrap_or(Class::Silence);
    let short: String = track.name.chars().take(80).collect();
    let title = format!(
        "{} - break {:02} - {} {index:04}",
        name::component(&short),
        of.number,
        class.label()
    );
    let meta = LoopMeta::one_shot(&title, track.tags.artist.as_deref(), class);
    let format = config.export.formats.first().copied().unwrap_or_default();
    let format = audio_format(format).ok_or(ExportError::NoFormat("MP3"))?;
    let path = format!(
        "{}/break_{:02}/hits/hit_{index:04}.{}",
        source.folder,
        of.number,
        format.extension()
    );
    let planes = slice::cut(&track.audio, hit.span);
    let view = AudioView {
        planes: &planes,
        sample_rate: track.audio.sample_rate(),
    };
    let mut bytes = Cursor::new(Vec::new());
    format.write(&mut bytes, view, &meta).map_err(|e| match e {
        FormatError::Io(source) => ExportError::Io {
            path: (&path).into(),
            action: "write",
            source,
        },
        FormatError::Unfit(reason) => ExportError::Format {
            path: (&path).into(),
            reason,
        },
    })?;
    Ok((vec![(path.clone(), bytes.into_inner())], path))
}
