//! Which track a label's key means: its name, its file's name, its path.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use super::{Labels, Mark};

/// What a track can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Its name in the dataset.
    pub id: String,
    /// Its file's whole path.
    pub path: String,
}

/// A key that names no track, or not one alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    /// The key.
    pub key: String,
    /// Why not, in words.
    pub why: String,
}

/// Labels as they fall to tracks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matched {
    /// For each track, in order, what was said of it.
    pub marks: Vec<Vec<Mark>>,
    /// Keys of no track.
    pub unmatched: Vec<Unmatched>,
}

/// Finds the track of every key. Tried in turn, the first that fits decides: the track's name in the dataset; the path, or
/// its last parts; the file's name, where one track alone has it; the same without its ending. Names are compared after
/// Unicode composition (NFC), since file systems differ in it; paths with either slash.
///
/// A key with a whole path never matches without its ending: the same song in another format may begin later.
pub fn matched(tracks: &[Names], files: &[Labels]) -> Matched {
    let index = Index::of(tracks);
    let mut out = Matched {
        marks: vec![Vec::new(); tracks.len()],
        unmatched: Vec::new(),
    };
    for labelled in files.iter().flat_map(|f| &f.tracks) {
        match index.find(&labelled.key) {
            Ok(track) => out.marks[track].extend(&labelled.marks),
            Err(why) => out.unmatched.push(Unmatched {
                key: labelled.key.clone(),
                why,
            }),
        }
    }
    out
}

fn normal(text: &str) -> String {
    text.replace('\\', "/").nfc().collect()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn stem(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if dot > 0 => &name[..dot],
        _ => name,
    }
}

type Many = BTreeMap<String, Vec<usize>>;

struct Index {
    ids: Many,
    paths: Vec<String>,
    names: Many,
    stems: Many,
}

impl Index {
    fn of(tracks: &[Names]) -> Self {
        let mut index = Self {
            ids: Many::new(),
            paths: Vec::with_capacity(tracks.len()),
            names: Many::new(),
            stems: Many::new(),
        };
        for (i, track) in tracks.iter().enumerate() {
            let path = normal(&track.path);
            let name = file_name(&path).to_owned();
            index.ids.entry(normal(&track.id)).or_default().push(i);
            index.stems.entry(stem(&name).to_owned()).or_default().push(i);
            index.names.entry(name).or_default().push(i);
            index.paths.push(path);
        }
        index
    }

    fn find(&self, key: &str) -> Result<usize, String> {
        let key = normal(key);
        let several = |of: &[usize]| format!("{} tracks are called that", of.len());
        if let Some([track]) = self.ids.get(&key).map(Vec::as_slice) {
            return Ok(*track);
        }
        let has_folders = key.contains('/');
        if has_folders {
            if let Some(track) = self.paths.iter().position(|p| *p == key) {
                return Ok(track);
            }
            let tail = format!("/{}", key.trim_start_matches("./").trim_start_matches('/'));
            let fits: Vec<usize> = (0..self.paths.len())
                .filter(|i| self.paths[*i].ends_with(&tail))
                .collect();
            match fits.as_slice() {
                [] => {}
                [track] => return Ok(*track),
                more => return Err(several(more)),
            }
        }
        match self.names.get(file_name(&key)).map(Vec::as_slice) {
            None => {}
            Some([track]) => return Ok(*track),
            Some(more) => return Err(several(more)),
        }
        match self.stems.get(&key).map(Vec::as_slice).filter(|_| !has_folders) {
            None => Err("no such track among the inputs".into()),
            Some([track]) => Ok(*track),
            Some(more) => Err(several(more)),
        }
    }
}
