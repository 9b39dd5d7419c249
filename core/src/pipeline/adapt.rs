//! Features of rated loops whose ratings came without: their recordings are listened to.

use std::path::Path;
use std::sync::Arc;

use super::load::load_place;
use super::run::Source;
use crate::analysis::Analysis;
use crate::config::{self, Config};
use crate::features::{FeatureTable, Schema};
use crate::learn::ratings::Rating;
use crate::loops::{Candidate, Structure};
use crate::progress::{Cancelled, Progress};
use crate::rhythm::activation::BeatModel;
use crate::store::Place;

/// A rated loop is the candidate whose ends are both nearer than this, in seconds: tables and people round.
const NEAR: f64 = 0.15;

/// Longest rated loop in bars that is looked for.
const LONGEST: u32 = 64;

/// What was listened to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// Ratings that have their features now.
    pub filled: usize,
    /// What did not come about, in words, each with its file.
    pub problems: Vec<String>,
}

/// Gives each of `ratings` that lacks one of the columns `wanted` all its features, from the one of `sources` that is its
/// track. Recordings that nothing is wanted of are left alone. A recording that fails is told, and the others go on.
///
/// # Errors
///
/// [`Cancelled`] where `progress` says so.
pub fn complete(
    ratings: &mut [Rating],
    wanted: &[String],
    sources: &[Source],
    beats: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Heard, Cancelled> {
    let mut heard = Heard::default();
    let all = Arc::new(Schema::full());
    for source in sources {
        let open: Vec<usize> = (0..ratings.len())
            .filter(|&i| is_of(&ratings[i], source) && !ratings[i].lacks(wanted).is_empty())
            .collect();
        if open.is_empty() {
            continue;
        }
        progress.check()?;
        let name = &source.place;
        let ground = match listen(&source.place, beats, config, progress) {
            Ok(ground) => ground,
            Err(Failure::Cancelled(c)) => return Err(c),
            Err(Failure::Words(words)) => {
                heard.problems.push(format!("{name}: {words}"));
                continue;
            }
        };
        let (analysis, structure, candidates) = ground;
        let rate = f64::from(analysis.track.audio.sample_rate());
        for i in open {
            let rating = &mut ratings[i];
            let off = |c: &Candidate| {
                let (start, end) = (c.span.start / rate, c.span.end / rate);
                (start - rating.start).abs().max((end - rating.end).abs())
            };
            let nearest = candidates.iter().min_by(|a, b| off(a).total_cmp(&off(b)));
            match nearest.filter(|c| off(c) <= NEAR) {
                Some(candidate) => {
                    let table = FeatureTable::of(all.clone(), &[*candidate], &analysis, &structure);
                    rating.fill(&table, 0);
                    heard.filled += 1;
                }
                None => heard.problems.push(format!(
                    "{name}: no whole bars run from {:.2} s to {:.2} s, which were rated",
                    rating.start, rating.end
                )),
            }
        }
    }
    Ok(heard)
}

enum Failure {
    Cancelled(Cancelled),
    Words(String),
}

fn listen(
    place: &Place,
    beats: Option<&dyn BeatModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<(Analysis, Structure, Vec<Candidate>), Failure> {
    let failure = |words: String| match progress.check() {
        Err(c) => Failure::Cancelled(c),
        Ok(()) => Failure::Words(words),
    };
    let loaded = load_place(place, config, progress).map_err(|e| failure(e.to_string()))?;
    let analysis = Analysis::of(&loaded.track, beats, config, progress).map_err(|e| failure(e.to_string()))?;
    let structure = Structure::of(&analysis, &config.tuning, progress).map_err(Failure::Cancelled)?;
    let candidates = structure.candidates(&config::Loops {
        bars: (1..=LONGEST).collect(),
        any_beat: true,
    });
    Ok((analysis, structure, candidates))
}

/// Whether a recording is the track of a rating: by its path, its name from the folder that was searched, or either without
/// the ending.
fn is_of(rating: &Rating, source: &Source) -> bool {
    let track = rating.track.replace('\\', "/");
    let stem = |name: &str| Path::new(name).with_extension("").to_string_lossy().replace('\\', "/");
    let name = source.name.replace('\\', "/");
    let path = source.place.path().to_string_lossy().replace('\\', "/");
    let file = source
        .place
        .path()
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let names = [&name, &path, &file];
    names.iter().any(|n| track == **n || track == stem(n)) || rating.file.as_ref().is_some_and(|f| *f == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_known_by_their_names() {
        let rating = |track: &str, file: Option<&str>| Rating {
            track: track.into(),
            file: file.map(Into::into),
            start: 0.0,
            end: 1.0,
            value: Some(5.0),
            features: Default::default(),
        };
        let source = Source {
            place: Place::File("/music/deep/Song 1.5.flac".into()),
            name: "deep/Song 1.5.flac".into(),
        };
        for track in [
            "deep/Song 1.5",
            "deep/Song 1.5.flac",
            "deep\\Song 1.5.flac",
            "Song 1.5",
            "/music/deep/Song 1.5.flac",
        ] {
            assert!(is_of(&rating(track, None), &source), "{track}");
        }
        assert!(is_of(&rating("x", Some("/music/deep/Song 1.5.flac")), &source));
        for track in ["Song", "Song 1", "other/Song 1.5", ""] {
            assert!(!is_of(&rating(track, None), &source), "{track}");
        }
    }
}
