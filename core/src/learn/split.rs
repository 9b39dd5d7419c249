//! Which tracks are learnt from, which stop the learning, which judge it. Never by row: candidates of one track resemble
//! each other.
//!
//! A track's part follows from its name and the seed alone (a hash of both, read as a number from 0 to 1), so that a track
//! added to a dataset moves no other. Where chance leaves a part without tracks, the track whose number lies nearest to the
//! part's share is moved into it.

use super::dataset::Group;

/// Tracks of a dataset, by index, each in one part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Learnt from.
    pub train: Vec<usize>,
    /// Stop the learning and choose among settings.
    pub valid: Vec<usize>,
    /// Judge the result.
    pub test: Vec<usize>,
}

/// Why tracks cannot be split.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// There are no tracks.
    #[error("the dataset has no tracks")]
    Empty,
    /// Fewer tracks than parts.
    #[error(
        "{} cannot be split by track into {parts} parts; add more, or leave parts out with --valid 0 and --test 0",
        count(*.tracks)
    )]
    TooFew {
        /// Tracks that there are.
        tracks: usize,
        /// Parts that were asked for.
        parts: usize,
    },
    /// Shares that are none.
    #[error(
        "the parts for validation ({valid}) and test ({test}) must be at least 0 and leave something to learn from"
    )]
    Shares {
        /// Share for validation.
        valid: f64,
        /// Share for test.
        test: f64,
    },
    /// A number of folds that does not do.
    #[error("{folds} folds need at least 2, and no more than there are tracks ({tracks})")]
    Folds {
        /// Folds that were asked for.
        folds: usize,
        /// Tracks that there are.
        tracks: usize,
    },
}

fn count(tracks: usize) -> String {
    if tracks == 1 {
        "one track".into()
    } else {
        format!("{tracks} tracks")
    }
}

/// A number from 0 (inclusive) to 1 (exclusive) for a track, even over names and seeds.
fn place(track: &str, seed: u64) -> f64 {
    let mut hash = blake3::Hasher::new();
    hash.update(&seed.to_le_bytes());
    hash.update(track.as_bytes());
    let bytes = hash.finalize();
    let first: [u8; 8] = std::array::from_fn(|i| bytes.as_bytes()[i]);
    (u64::from_le_bytes(first) >> 11) as f64 / (1u64 << 53) as f64
}

/// Splits `tracks`: a share `test` of them judges, a share `valid` stops the learning, the rest is learnt from. A share of 0
/// leaves that part empty; any other part gets one track at least.
///
/// # Errors
///
/// [`SplitError`]: no tracks, fewer tracks than parts, shares that leave nothing to learn from.
pub fn split(tracks: &[Group], valid: f64, test: f64, seed: u64) -> Result<Split, SplitError> {
    let fits = |share: f64| (0.0..1.0).contains(&share);
    if !fits(valid) || !fits(test) || !fits(valid + test) {
        return Err(SplitError::Shares { valid, test });
    }
    if tracks.is_empty() {
        return Err(SplitError::Empty);
    }
    let parts = 1 + usize::from(valid > 0.0) + usize::from(test > 0.0);
    let mut names: Vec<&str> = tracks.iter().map(|t| t.track_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < parts {
        return Err(SplitError::TooFew {
            tracks: names.len(),
            parts,
        });
    }
    // By name, not by index: a track that two files hold is in one part.
    let ranges = [(0.0, test), (test, test + valid), (test + valid, 1.0)];
    let places: Vec<f64> = names.iter().map(|name| place(name, seed)).collect();
    let mut part_of: Vec<usize> = places
        .iter()
        .map(|&p| ranges.iter().position(|&(from, to)| p >= from && p < to).unwrap_or(2))
        .collect();
    for (part, &(from, to)) in ranges.iter().enumerate() {
        if to <= from || part_of.contains(&part) {
            continue;
        }
        let size = |p: usize| part_of.iter().filter(|&&q| q == p).count();
        let distance = |i: usize| (from - places[i]).max(places[i] - to).max(0.0);
        let nearest = (0..names.len())
            .filter(|&i| size(part_of[i]) > 1)
            .min_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
        if let Some(nearest) = nearest {
            part_of[nearest] = part;
        }
    }
    let mut split = Split::default();
    for (index, track) in tracks.iter().enumerate() {
        let at = names.binary_search(&track.track_id.as_str()).unwrap_or(0);
        match part_of[at] {
            0 => split.test.push(index),
            1 => split.valid.push(index),
            _ => split.train.push(index),
        }
    }
    Ok(split)
}

/// Splits `tracks` `folds` times, so that each track judges once. Of what is left, a share `valid` stops the learning.
///
/// # Errors
///
/// [`SplitError`]: fewer than two folds, more folds than tracks, or too few tracks left beside a fold.
pub fn folds(tracks: &[Group], folds: usize, valid: f64, seed: u64) -> Result<Vec<Split>, SplitError> {
    let mut names: Vec<&str> = tracks.iter().map(|t| t.track_id.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if folds < 2 || folds > names.len() {
        return Err(SplitError::Folds {
            folds,
            tracks: names.len(),
        });
    }
    names.sort_by(|a, b| place(a, seed).total_cmp(&place(b, seed)).then(a.cmp(b)));
    let fold_of = |track: &Group| {
        let at = names.iter().position(|n| *n == track.track_id).unwrap_or(0);
        at * folds / names.len()
    };
    let fold_of: Vec<usize> = tracks.iter().map(fold_of).collect();
    (0..folds)
        .map(|fold| {
            let (test, rest): (Vec<usize>, Vec<usize>) = (0..tracks.len()).partition(|&i| fold_of[i] == fold);
            let others: Vec<Group> = rest.iter().map(|&i| tracks[i].clone()).collect();
            // Another seed for each fold: the same would let the same few tracks stop every one of them.
            let inner = split(&others, valid, 0.0, seed.wrapping_add(1 + fold as u64))?;
            let back = |part: Vec<usize>| part.into_iter().map(|i| rest[i]).collect();
            Ok(Split {
                train: back(inner.train),
                valid: back(inner.valid),
                test,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(names: impl IntoIterator<Item = String>) -> Vec<Group> {
        names
            .into_iter()
            .enumerate()
            .map(|(i, track_id)| Group {
                track_id,
                rows: i * 10..(i + 1) * 10,
            })
            .collect()
    }

    fn many(n: usize) -> Vec<Group> {
        tracks((0..n).map(|i| format!("song {i}")))
    }

    fn named(tracks: &[Group], part: &[usize]) -> Vec<String> {
        part.iter().map(|&i| tracks[i].track_id.clone()).collect()
    }

    #[test]
    fn each_track_is_in_one_part_and_the_parts_have_their_shares() {
        let tracks = many(2000);
        let s = split(&tracks, 0.2, 0.1, 7).unwrap();
        let mut all: Vec<usize> = [&s.train[..], &s.valid, &s.test].concat();
        all.sort_unstable();
        assert_eq!(all, (0..2000).collect::<Vec<_>>());
        assert!((330..470).contains(&s.valid.len()), "{}", s.valid.len());
        assert!((140..260).contains(&s.test.len()), "{}", s.test.len());
        assert_eq!(s, split(&tracks, 0.2, 0.1, 7).unwrap());
        assert_ne!(s, split(&tracks, 0.2, 0.1, 8).unwrap());
    }

    #[test]
    fn a_track_that_is_added_moves_no_other() {
        let (before, after) = (many(100), many(140));
        let (a, b) = (
            split(&before, 0.2, 0.2, 1).unwrap(),
            split(&after, 0.2, 0.2, 1).unwrap(),
        );
        let test = named(&after, &b.test);
        assert!(named(&before, &a.test).iter().all(|t| test.contains(t)));
        let train = named(&after, &b.train);
        assert!(named(&before, &a.train).iter().all(|t| train.contains(t)));
    }

    #[test]
    fn every_part_that_is_asked_for_has_a_track() {
        for seed in 0..50 {
            for n in 3..8 {
                let s = split(&many(n), 0.01, 0.01, seed).unwrap();
                assert!(!s.train.is_empty() && !s.valid.is_empty() && !s.test.is_empty());
            }
            let s = split(&many(2), 0.9, 0.0, seed).unwrap();
            assert_eq!((s.train.len(), s.valid.len(), s.test.len()), (1, 1, 0));
            let s = split(&many(1), 0.0, 0.0, seed).unwrap();
            assert_eq!(s.train, [0]);
        }
    }

    #[test]
    fn a_track_of_two_files_is_in_one_part() {
        let twice = tracks((0..30).chain(0..30).map(|i| format!("song {i}")));
        let s = split(&twice, 0.3, 0.3, 3).unwrap();
        for part in [&s.train, &s.valid, &s.test] {
            assert!(part.iter().all(|&i| part.contains(&((i + 30) % 60))));
        }
    }

    #[test]
    fn what_cannot_be_split_says_so() {
        let one = split(&many(1), 0.1, 0.1, 0).unwrap_err().to_string();
        assert!(
            one.contains("one track cannot be split") && one.contains("--valid 0"),
            "{one}"
        );
        assert!(matches!(split(&[], 0.1, 0.1, 0), Err(SplitError::Empty)));
        for (valid, test) in [(-0.1, 0.1), (0.5, 0.5), (f64::NAN, 0.1), (1.0, 0.0)] {
            assert!(matches!(
                split(&many(9), valid, test, 0),
                Err(SplitError::Shares { .. })
            ));
        }
        assert!(matches!(folds(&many(3), 4, 0.1, 0), Err(SplitError::Folds { .. })));
        assert!(matches!(folds(&many(3), 1, 0.1, 0), Err(SplitError::Folds { .. })));
    }

    #[test]
    fn in_folds_each_track_judges_once() {
        let tracks = many(23);
        let all = folds(&tracks, 5, 0.2, 1).unwrap();
        let mut judged: Vec<usize> = all.iter().flat_map(|s| s.test.clone()).collect();
        judged.sort_unstable();
        assert_eq!(judged, (0..23).collect::<Vec<_>>());
        for s in &all {
            assert!(!s.valid.is_empty() && s.train.len() >= 12);
            assert!(s.test.iter().all(|t| !s.train.contains(t) && !s.valid.contains(t)));
            assert!(s.valid.iter().all(|t| !s.train.contains(t)));
        }
    }
}
