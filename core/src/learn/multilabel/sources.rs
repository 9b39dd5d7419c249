//! Which files come from one source: those must not be learnt from and judged by at the same time.
//!
//! Loops of a song share its sound. Their names share the song's, and end in what they are: `song_loop12.wav`,
//! `song-slice 3.wav`, or they lie in its folder: `song/loop_03.wav`. What is left of a name without numbers, such words and
//! words of genres is taken for its source. Where nothing is left, the folder's name is, unless the name tells a genre
//! (`techno_loop_04.wav`) or the folder is the one that was searched: such a file stands for itself.

use std::collections::BTreeMap;

use super::genres::{is_genre_word, words};

/// How files are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// By the source that names tell.
    #[default]
    Name,
    /// By folder.
    Folder,
    /// Not at all, but for files of the same content.
    File,
}

impl Grouping {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Folder => "folder",
            Self::File => "file",
        }
    }
}

/// Words that say what a file is, not where it comes from.
const PARTS: [&str; 40] = [
    "audio",
    "bar",
    "bars",
    "beat",
    "beats",
    "bounce",
    "bpm",
    "break",
    "chop",
    "clip",
    "copy",
    "drum",
    "drums",
    "export",
    "files",
    "fill",
    "full",
    "hit",
    "hits",
    "loop",
    "loops",
    "major",
    "maj",
    "min",
    "minor",
    "mix",
    "music",
    "part",
    "percussive",
    "perc",
    "quiet",
    "sample",
    "samples",
    "section",
    "slice",
    "slices",
    "take",
    "var",
    "variation",
    "wav",
];

/// The source of a file by its path from the folder that was searched; `None` where the name tells none.
fn source(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", &name));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let telling = |text: &str| {
        let kept: Vec<String> = words(text, false)
            .into_iter()
            .filter(|w| w.chars().any(char::is_alphabetic) && w.chars().count() > 1)
            .filter(|w| !PARTS.contains(&w.as_str()) && !is_genre_word(w))
            .collect();
        (!kept.is_empty()).then(|| kept.join(" "))
    };
    // Only a name that says it is a part is one of several.
    let is_part = words(stem, false)
        .iter()
        .any(|w| PARTS.contains(&w.as_str()) || w.chars().all(char::is_numeric));
    let says = |text: &str| words(text, false).iter().any(|w| is_genre_word(w));
    match telling(stem) {
        Some(own) if is_part => Some(format!("{folder}/{own}")),
        Some(_) => None,
        // A genre with a number is a file among many; so is anything in the folder that was searched itself.
        None if says(stem) => None,
        None => {
            let (_, last) = folder.rsplit_once('/')?;
            telling(last).map(|_| format!("{folder}/"))
        }
    }
}

/// The group of each file, from 0 without gaps: `files` are their names and contents. Files of the same content are in one
/// group, and so are those that share a source with any of them.
pub fn groups<C: Ord>(files: &[(&str, C)], grouping: Grouping) -> Vec<usize> {
    let mut parent: Vec<usize> = (0..files.len()).collect();
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    let mut join = |a: usize, b: usize| {
        let (a, b) = (root(&mut parent, a), root(&mut parent, b));
        parent[a.max(b)] = a.min(b);
    };
    let mut by_content = BTreeMap::new();
    let mut by_name = BTreeMap::new();
    for (i, (name, content)) in files.iter().enumerate() {
        join(i, *by_content.entry(content).or_insert(i));
        let key = match grouping {
            Grouping::File => None,
            Grouping::Folder => Some(
                name.rsplit_once(['/', '\\'])
                    .map_or(String::new(), |(f, _)| f.to_owned()),
            ),
            Grouping::Name => source(name),
        };
        if let Some(key) = key {
            join(i, *by_name.entry(key).or_insert(i));
        }
    }
    let mut numbers = BTreeMap::new();
    (0..files.len())
        .map(|i| {
            let next = numbers.len();
            *numbers.entry(root(&mut parent, i)).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_of_a_song_are_one_group_and_numbered_genres_are_not() {
        let names = [
            "a/sunrise_loop1.wav",
            "a/sunrise_loop12.wav",
            "a/night_loop1.wav",
            "techno_01.wav",
            "techno_02.wav",
            "in/house/loop_01.wav",
            "in/house/loop_02.wav",
            "in/sunrise/loop_01.wav",
            "in/sunrise/loop_02.wav",
            "b/sunrise_loop1.wav",
            "solo.wav",
        ];
        let files: Vec<(&str, usize)> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
        assert_eq!(groups(&files, Grouping::Name), [0, 0, 1, 2, 3, 4, 5, 6, 6, 7, 8]);
        assert_eq!(groups(&files, Grouping::Folder), [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 1]);
        assert_eq!(groups(&files, Grouping::File), (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_content_joins_groups() {
        let files = [
            ("sun_loop1.wav", 1),
            ("moon_loop1.wav", 2),
            ("moon_loop2.wav", 1),
            ("star.wav", 3),
        ];
        assert_eq!(groups(&files, Grouping::Name), [0, 0, 0, 1]);
        assert_eq!(groups(&files, Grouping::File), [0, 1, 0, 2]);
        assert!(groups::<u8>(&[], Grouping::Name).is_empty());
    }
}
