//! Which folder each track's loops go to.

use std::collections::BTreeSet;

use super::manifest::JOURNAL;
use super::name::{MAX_BYTES, component, folded};
use super::tree::{KINDS, TRACK_TABLE};
use super::twin;

/// What follows a track's name in the name of its table of breaks, which lies beside its folder.
pub const BREAKS_TABLE: &str = "_drum_breaks.csv";
/// What follows a track's name in the name of its table of quiet loops, which lies beside its folder.
pub const QUIET_TABLE: &str = "_quiet_loops_and_slices.csv";

/// The folder of each source, given the sources' paths from the input's root (`/` between parts, extension included): the
/// same sub-folders, the last one named after the file without its extension; each part a legal name, no two alike even
/// where case is ignored. Where two sources would share a folder, the later one in the order of paths has eight digits of
/// a hash of its path added, so that the answer does not depend on the order of `sources`.
pub fn folders<S: AsRef<str>>(sources: &[S]) -> Vec<String> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| sources[i].as_ref());
    let mut taken: BTreeSet<String> = KINDS
        .iter()
        .flat_map(|k| [k.table, k.lines, k.parquet, k.manifest])
        .chain([JOURNAL])
        .map(folded)
        .collect();
    let with_twin = |table: &str| [Some(folded(table)), twin::name(table).map(|t| folded(&t))];
    let beside: Vec<String> = [BREAKS_TABLE, QUIET_TABLE]
        .into_iter()
        .flat_map(with_twin)
        .flatten()
        .collect();
    let within: Vec<String> = with_twin(TRACK_TABLE).into_iter().flatten().collect();
    let mut folders = vec![String::new(); sources.len()];
    for i in order {
        let source = sources[i].as_ref();
        let plain = folder(source);
        let free = |f: &String| {
            let name = f.rsplit('/').next().unwrap_or(f);
            let name = folded(name);
            !taken.contains(&folded(f)) && !within.contains(&name) && !beside.iter().any(|t| name.ends_with(t))
        };
        let candidates = std::iter::once(plain.clone()).chain((0u32..).map(|n| suffixed(&plain, source, n)));
        if let Some(f) = candidates.into_iter().find(free) {
            taken.insert(folded(&f));
            folders[i] = f;
        }
    }
    folders
}

fn folder(source: &str) -> String {
    let mut parts: Vec<&str> = source
        .split(['/', '\\'])
        .filter(|p| !p.is_empty() && *p != ".")
        .collect();
    if let Some(last) = parts.last_mut() {
        // A leading dot is not an extension's.
        if let Some(dot) = last.rfind('.').filter(|d| *d > 0) {
            *last = &last[..dot];
        }
    }
    if parts.is_empty() {
        return component(source);
    }
    parts.into_iter().map(component).collect::<Vec<_>>().join("/")
}

fn suffixed(folder: &str, source: &str, n: u32) -> String {
    let hash = blake3::hash(format!("{n}{source}").as_bytes()).to_hex();
    let (parent, last) = folder.rsplit_once('/').map_or(("", folder), |(p, l)| (p, l));
    let short = component(&last[..last.floor_char_boundary(MAX_BYTES - 9)]);
    let name = format!("{short}-{}", &hash[..8]);
    if parent.is_empty() {
        name
    } else {
        format!("{parent}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_follow_the_sources() {
        let f = folders(&[
            "b/Song.mp3",
            "Song.wav",
            "a/Song.wav",
            "../up.wav",
            ".hidden.wav",
            "no-extension",
        ]);
        assert_eq!(f[..3], ["b/Song", "Song", "a/Song"]);
        assert!(f[3].starts_with("untitled-") && f[3].ends_with("/up"), "{}", f[3]);
        assert_eq!(f[4..], ["hidden", "no-extension"]);
    }

    #[test]
    fn same_names_differ() {
        let f = folders(&[
            "song.wav",
            "Song.mp3",
            "all_loops.csv.wav",
            "x/loops_metadata.csv.wav",
            "Song_drum_breaks.csv.wav",
            "breaks_manifest.json.wav",
            "Song_drum_breaks.parquet.wav",
            "x/loops_metadata.parquet.wav",
        ]);
        assert_eq!(f[1], "Song");
        assert!(f[0].starts_with("song-") && f[0].len() == 13, "{}", f[0]);
        assert!(f[2].starts_with("all_loops.csv-"), "{}", f[2]);
        assert!(f[3].starts_with("x/loops_metadata.csv-"), "{}", f[3]);
        assert!(f[4].starts_with("Song_drum_breaks.csv-"), "{}", f[4]);
        assert!(f[5].starts_with("breaks_manifest.json-"), "{}", f[5]);
        assert!(f[6].starts_with("Song_drum_breaks.parquet-"), "{}", f[6]);
        assert!(f[7].starts_with("x/loops_metadata.parquet-"), "{}", f[7]);
    }

    proptest::proptest! {
        #[test]
        fn any_sources_have_distinct_folders(mut sources in proptest::collection::btree_set("[aA./b\\\\]{0,6}|.{0,20}", 0..12)) {
            let sources: Vec<String> = std::mem::take(&mut sources).into_iter().collect();
            let f = folders(&sources);
            let distinct: BTreeSet<String> = f.iter().map(|x| folded(x)).collect();
            proptest::prop_assert_eq!(distinct.len(), sources.len());
            proptest::prop_assert!(f.iter().all(|x| x.split('/').all(|p| component(p) == p)), "{:?}", f);
            let back: Vec<String> = sources.iter().rev().cloned().collect();
            let mut g = folders(&back);
            g.reverse();
            proptest::prop_assert_eq!(f, g);
        }
    }
}
