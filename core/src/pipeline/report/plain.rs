//! Rows from a folder of loops that nobody wrote a manifest for.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Entry, id_of, link};
use crate::analysis::loop_file::{Kind, LoopFile};
use crate::audio::AudioBuffer;
use crate::export::cut::SeamReport;
use crate::export::report::{Audio, Details, Problem, Row, State, is_report};
use crate::loops::seam;
use crate::progress::{Cancelled, Progress};

/// How deep folders are searched.
const DEEPEST: usize = 24;

/// Adds a row for each audio file in `root` and beneath it, in the order of their paths. Links are not followed.
pub(super) fn read(root: &Path, extensions: &[&str], entries: &mut Vec<Entry>, problems: &mut Vec<Problem>) {
    let mut files = Vec::new();
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = open.pop() {
        let listed = match fs::read_dir(&folder) {
            Ok(listed) => listed,
            Err(e) => {
                problems.push(Problem {
                    file: link::relative(root, &folder),
                    problem: format!("cannot be searched: {e}"),
                });
                continue;
            }
        };
        for entry in listed.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if name.to_string_lossy().starts_with('.') {
                continue;
            }
            if kind.is_dir() && depth < DEEPEST && !is_report(&path) {
                open.push((path, depth + 1));
            } else if kind.is_file() && is_audio(&path, extensions) {
                files.push(path);
            }
        }
    }
    files.sort();
    entries.extend(files.into_iter().map(|path| entry(root, path)));
}

fn is_audio(path: &Path, extensions: &[&str]) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy()).unwrap_or_default();
    extensions.iter().any(|known| known.eq_ignore_ascii_case(&ending))
}

fn entry(root: &Path, path: PathBuf) -> Entry {
    let file = link::relative(root, &path);
    let name = path
        .file_stem()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned();
    let row = Row {
        id: id_of(&name, 0.0, 0.0, &file),
        track: name,
        source: None,
        file,
        kind: "loop".into(),
        start: 0.0,
        end: 0.0,
        frames: 0,
        rate: 0,
        channels: 0,
        bars: None,
        beats: None,
        meter: None,
        bpm: None,
        key: None,
        score: None,
        prob: None,
        seam: None,
        marks: 0,
        state: State::Ok,
        problem: None,
        audio: Audio::None,
        href: None,
        thumb: None,
    };
    Entry {
        row,
        details: Details::default(),
        path: Some(path),
        blake3: None,
        plain: true,
    }
}

/// Says what the file is, by its sound.
pub(super) fn describe(
    row: &mut Row,
    details: &mut Details,
    audio: &AudioBuffer,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    let heard = LoopFile::of(audio, progress)?;
    row.end = audio.seconds();
    row.kind = heard.kind.name().to_owned();
    if heard.kind == Kind::Loop {
        let seam = seam::measure(
            audio.planes(),
            None,
            audio.sample_rate(),
            &seam::yardsticks(audio.planes()),
        );
        row.seam = Some(SeamReport {
            before: seam,
            after: seam,
            crossfade_ms: 0.0,
        });
    }
    row.key = heard.key.map(|k| k.name().to_owned());
    if let Some(tempo) = heard.tempo() {
        row.bpm = Some(tempo.bpm);
        row.beats = Some(tempo.beats);
        row.meter = Some(tempo.meter);
        row.bars = Some(tempo.bars());
        details
            .measures
            .insert("tempo_confidence".into(), f64::from(tempo.confidence));
    }
    details.measures.insert("drums".into(), f64::from(heard.drums));
    Ok(())
}
