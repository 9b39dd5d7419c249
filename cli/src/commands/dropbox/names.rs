//! What files of strangers are called on this machine.

use std::collections::BTreeMap;

use loopwright_core::export::name::{MAX_BYTES, component};
use loopwright_stores::dropbox::content_hash;

/// Bytes of a mark that keeps names apart, ` ~1a2b3c4d`.
const MARK: usize = 10;

/// Paths for the files `keys` (parts with `/` between them), in their order: the same folders and names, each made legal on
/// every system, and no two the same where case does not count. Which name a file gets does not depend on the order.
pub(super) fn paths(keys: &[&str]) -> Vec<String> {
    // The names in each folder, as they came. A folder is the same one in any case, as Dropbox has it.
    let mut folders: BTreeMap<String, BTreeMap<String, &str>> = BTreeMap::new();
    for key in keys {
        walk(key, |above, part, lower| {
            folders
                .entry(above.to_owned())
                .or_default()
                .entry(lower)
                .or_insert(part);
        });
    }
    let names: BTreeMap<&String, BTreeMap<&String, String>> =
        folders.iter().map(|(above, parts)| (above, apart(parts))).collect();
    let path = |key: &&str| {
        let mut path = Vec::new();
        walk(key, |above, _, lower| {
            path.extend(names.get(&above.to_owned()).and_then(|n| n.get(&lower)).cloned());
        });
        path.join("/")
    };
    keys.iter().map(path).collect()
}

/// Calls `visit` with each part of `key`: what is above it in lower case, itself, itself in lower case.
fn walk<'a>(key: &'a str, mut visit: impl FnMut(&str, &'a str, String)) {
    let mut above = String::new();
    for part in key.split('/') {
        let lower = part.to_lowercase();
        visit(&above, part, lower.clone());
        above = format!("{above}/{lower}");
    }
}

/// A legal name for each of `parts`. Those that would have the same are told apart by a hash of what they were, but for one
/// that was legal as it came.
fn apart<'a>(parts: &'a BTreeMap<String, &str>) -> BTreeMap<&'a String, String> {
    let mut claims: BTreeMap<String, Vec<(&String, &str, String)>> = BTreeMap::new();
    for (lower, part) in parts {
        let name = legal(part, None);
        claims.entry(name.to_lowercase()).or_default().push((lower, part, name));
    }
    let mut names = BTreeMap::new();
    for claim in claims.into_values() {
        let alone = claim.len() == 1;
        for (lower, part, name) in claim {
            let keeps = alone || name == part;
            let name = if keeps {
                name
            } else {
                legal(part, Some(&content_hash(lower.as_bytes())[..8]))
            };
            names.insert(lower, name);
        }
    }
    names
}

/// `part` as a legal name, its extension kept where it has one, with ` ~mark` before that.
fn legal(part: &str, mark: Option<&str>) -> String {
    let split = part.rsplit_once('.').filter(|(stem, ending)| {
        !stem.is_empty() && (1..=8).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric())
    });
    let (stem, ending) = split.map_or((part, String::new()), |(stem, ending)| (stem, format!(".{ending}")));
    let room = MAX_BYTES - ending.len() - MARK;
    // Made legal before and after it is cut, for cutting may leave a space at the end.
    let stem = component(stem);
    let stem = component(&stem[..stem.floor_char_boundary(room)]);
    let mark = mark.map(|m| format!(" ~{m}")).unwrap_or_default();
    component(&format!("{stem}{mark}{ending}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Component, Path};

    use super::*;

    #[test]
    fn legal_names_stay_and_the_others_stay_inside_and_apart() {
        let long = format!("{}.flac", "ü".repeat(200));
        let longer = format!("{}x.flac", "ü".repeat(200));
        let keys = [
            "a.mp3",
            "../../up.wav",
            "b/./c.wav",
            "b/a?.wav",
            "b/a*.wav",
            "b/a_.wav",
            "B/d.wav",
            "CON/nul.wav",
            "e\u{301}.wav",
            "\u{e9}.wav",
            " .wav",
            "tab\t\u{7}\u{202e}.wav",
            "C:\\x.wav",
            &long,
            &longer,
            ".hidden.wav",
            "-o.wav",
            "\u{1f3b5}.wav",
        ];
        let made = paths(&keys);
        assert_eq!(&made[..1], ["a.mp3"]);
        assert_eq!((made[5].as_str(), made[6].as_str()), ("b/a_.wav", "b/d.wav"));
        assert_eq!(made[17], "\u{1f3b5}.wav");
        let unique: BTreeSet<String> = made.iter().map(|p| p.to_lowercase()).collect();
        assert_eq!(unique.len(), keys.len(), "{made:?}");
        for (key, path) in keys.iter().zip(&made) {
            let parts: Vec<_> = Path::new(path).components().collect();
            assert!(
                parts.iter().all(|p| matches!(p, Component::Normal(_))),
                "{key:?}: {path:?}"
            );
            assert_eq!(parts.len(), key.split('/').count());
            let bad = |c: char| c.is_control() || "<>:\"\\|?*".contains(c);
            assert!(!path.contains(bad) && path.split('/').all(|p| p.len() <= MAX_BYTES && !p.starts_with('.')));
            assert_eq!(path.rsplit('.').next(), key.rsplit('.').next());
        }
        let mut turned: Vec<&str> = keys.to_vec();
        turned.reverse();
        let mut again = paths(&turned);
        again.reverse();
        // Only of a folder that is written in two ways the first one counts.
        let lower = |p: &[String]| p.iter().map(|p| p.to_lowercase()).collect::<Vec<_>>();
        assert_eq!(lower(&again), lower(&made));
    }
}
