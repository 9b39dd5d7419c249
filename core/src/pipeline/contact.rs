//! `contact-map`: all loops of a folder against each other.
//!
//! Each file is heard as a [`Sequence`], every pair is aligned ([`dtw`](crate::similarity::dtw)), the distances are sharpened
//! into a graph ([`sharpen`]), and the graph is ordered and binned ([`spectral`]). A file that cannot be read or holds
//! nothing is reported and left out; the map is made of the others.
//!
//! Beyond [`Settings::max_exact`] files not every pair is aligned: an index of [`Profile`]s proposes some for each file, and
//! only those are ([`confirm`]).
//!
//! Work on files and on rows of the matrix runs on `jobs` threads of our own; outcomes do not depend on how many.

pub mod outputs;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::{self, Panicked};
use super::collection::MemberError;
use super::load::{Loaded, load_place};
use super::run::{Observer, OfItem, Source};
use crate::analysis::loop_file::LoopFile;
use crate::audio::AudioBuffer;
use crate::audio::resample::mono_to_rate;
use crate::config::Config;
use crate::export::ExportError;
use crate::export::destination::{Artefact, Destination};
use crate::progress::{Cancelled, Progress};
use crate::similarity::dtw::{Aligner, Frames, Pair};
use crate::similarity::graph::Graph;
use crate::similarity::neighbors::index::Index;
use crate::similarity::pairs::Pairs;
use crate::similarity::profile::Profile;
use crate::similarity::sequence::{Extent, Sequence};
use crate::similarity::sharpen::{self, Raw, Sharpening};
use crate::similarity::spectral::{self, Layout};
use crate::similarity::{RATE, SoundError};
use crate::store::Place;

/// What shapes the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much of each file is heard, and how finely.
    pub extent: Extent,
    /// How similarities are sharpened.
    pub sharpening: Sharpening,
    /// Neighbours that set a file's scale, and that must name each other.
    pub self_tune_k: usize,
    /// Rounds of Sinkhorn's scaling.
    pub sinkhorn_iterations: usize,
    /// Neighbours that are listed for each file.
    pub top_k_neighbors: usize,
    /// Pairs that are listed.
    pub top_pairs_limit: usize,
    /// Most files; the later ones are left out. 0 for all.
    pub max_files: usize,
    /// Up to this many files every pair is aligned; beyond, those that are proposed.
    pub max_exact: usize,
    /// How many are proposed for each file then: more find more of the nearest, and cost as much more.
    pub proposals: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extent: Extent::default(),
            sharpening: Sharpening::default(),
            self_tune_k: 7,
            sinkhorn_iterations: 25,
            top_k_neighbors: 10,
            top_pairs_limit: 500,
            max_files: 200,
            max_exact: 4_000,
            proposals: 192,
        }
    }
}

/// Of the index.
const SEED: u64 = 0x10_0bed;

/// What is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The files, in the order in which they are numbered.
    pub sources: &'a [Source],
    /// The folder to write to.
    pub out: &'a Path,
    /// What shapes the map.
    pub settings: &'a Settings,
    /// Threads.
    pub jobs: NonZeroUsize,
    /// Write each table as Parquet too.
    pub parquet: bool,
}

/// What happens on the way, told on the calling thread.
#[derive(Debug)]
pub enum Event<'a> {
    /// The file at this index was heard, or could not be.
    Heard(usize, Result<(), &'a MemberError>),
    /// So many pairs of so many are aligned.
    Aligned(usize, usize),
}

/// Why no map came of it.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// Given up on request.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The output folder cannot be written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Threads(#[from] std::io::Error),
    /// A defect of ours.
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// The map.
#[derive(Debug, Clone)]
pub struct ContactMap {
    /// What each member is called: its path as it was given, with `/`.
    pub names: Vec<String>,
    /// How they lie on each other.
    pub pairs: Pairs,
    /// From distances to raw similarities.
    pub raw: Raw,
    /// Sharpened similarities.
    pub graph: Graph,
    /// Order, bins and signs.
    pub layout: Layout,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// The map; `None` where no file could be heard, and then nothing is written.
    pub map: Option<ContactMap>,
    /// Who is not in it, and why.
    pub failed: Vec<(PathBuf, MemberError)>,
    /// Who was left out to keep within [`Settings::max_files`].
    pub cut: Vec<PathBuf>,
    /// What was written.
    pub artefacts: Vec<Artefact>,
    /// The summary, as it was written.
    pub summary: serde_json::Value,
}

/// Makes the map of `request.sources` and writes it.
pub fn run(
    request: &Request<'_>,
    config: &Config,
    observer: &dyn Observer,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Report, ContactError> {
    let settings = request.settings;
    let most = if settings.max_files == 0 {
        request.sources.len()
    } else {
        settings.max_files.min(request.sources.len())
    };
    let (sources, cut) = request.sources.split_at(most);
    let cut: Vec<PathBuf> = cut.iter().map(|s| s.place.path().to_path_buf()).collect();
    let destination = Destination::open(request.out)?;
    let exact = sources.len() <= settings.max_exact;
    let mut frames = Vec::new();
    let mut profiles = Vec::new();
    let mut names = Vec::new();
    let mut failed = Vec::new();
    let hear = |index: usize| {
        hear(
            &sources[index].place,
            settings.extent,
            !exact,
            config,
            &OfItem { observer, index },
        )
    };
    let cancelled = || observer.is_cancelled();
    batch::in_order(
        sources.len(),
        request.jobs,
        &cancelled,
        &hear,
        |index, result| match result.map_err(MemberError::from).flatten() {
            Ok(heard) => {
                frames.push(heard.frames);
                profiles.extend(heard.profile);
                names.push(outputs::name(sources[index].place.path()));
                tell(Event::Heard(index, Ok(())));
            }
            Err(e) => {
                tell(Event::Heard(index, Err(&e)));
                failed.push((sources[index].place.path().to_path_buf(), e));
            }
        },
    )?;
    stop(observer)?;
    if frames.is_empty() {
        return Ok(Report {
            map: None,
            summary: outputs::summary(None, settings, &failed, &cut, &[]),
            failed,
            cut,
            artefacts: Vec::new(),
        });
    }
    let pairs = if exact {
        align(&frames, request.jobs, observer, tell)?
    } else {
        let each = settings
            .proposals
            .max(2 * settings.top_k_neighbors.max(settings.self_tune_k));
        let proposals = propose(&profiles, each, request.jobs, observer)?;
        confirm(&frames, &proposals, request.jobs, observer, tell)?
    };
    let map = arrange(names, pairs, settings);
    stop(observer)?;
    let (artefacts, summary) = outputs::write(&map, settings, &failed, &cut, &destination, request.parquet)?;
    Ok(Report {
        map: Some(map),
        failed,
        cut,
        artefacts,
        summary,
    })
}

/// What is kept of a file: some ten kilobytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its rhythm, ready to be aligned.
    pub frames: Frames,
    /// Its description, where it was asked for.
    pub profile: Option<Profile>,
}

/// Hears the file at `place`, and describes it `with_profile`.
pub fn hear(
    place: &Place,
    extent: Extent,
    with_profile: bool,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Heard, MemberError> {
    let Loaded { track, status, .. } = load_place(place, config, progress)?;
    let words = |what: &str| MemberError::Sound(SoundError::Short(format!("{place}: {what}")));
    let name = status.name();
    if matches!(name, "empty" | "silent" | "constant") {
        return Err(words(match name {
            "empty" => "holds no sound",
            "silent" => "is silent: nothing to compare",
            _ => "holds direct current only: nothing to compare",
        }));
    }
    let profile = if with_profile {
        let file = LoopFile::of(&track.audio, progress).map_err(SoundError::from)?;
        let mono = mono_to_rate(&track.audio, RATE).map_err(SoundError::from)?;
        Some(Profile::of(&mono, &file))
    } else {
        None
    };
    let audio = head(track.audio, extent.max_seconds);
    let mono = mono_to_rate(&audio, RATE).map_err(SoundError::from)?;
    let sequence = Sequence::within(&mono, extent);
    progress.check().map_err(SoundError::from)?;
    if sequence.is_empty() {
        return Err(words("is shorter than 0.19 s: no rhythm to compare"));
    }
    if sequence.frames.iter().all(|f| f.iter().all(|x| *x == 0.0)) {
        return Err(words("does not move in time: no rhythm to compare"));
    }
    Ok(Heard {
        frames: Frames::of(&sequence),
        profile,
    })
}

/// The first `seconds`, and a little more, so that resampling meets no new end inside.
fn head(audio: Arc<AudioBuffer>, seconds: f64) -> Arc<AudioBuffer> {
    let most = ((seconds + 0.5) * f64::from(audio.sample_rate())) as usize;
    if audio.frames() <= most {
        return audio;
    }
    let planes = audio.planes().iter().map(|p| p[..most].to_vec()).collect();
    AudioBuffer::new(planes, audio.sample_rate()).map_or(audio, Arc::new)
}

/// Aligns every pair. Row `i` holds the pairs of `i` with those after it.
pub fn align(
    frames: &[Frames],
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Pairs, ContactError> {
    let n = frames.len();
    let total = n * n.saturating_sub(1) / 2;
    let row = |i: usize| -> Vec<Pair> {
        let mut aligner = Aligner::default();
        let pair = |other| aligner.pair(&frames[i], other).unwrap_or(Pair::APART);
        frames[i + 1..].iter().map(pair).collect()
    };
    let mut rows = Vec::with_capacity(n);
    let (mut done, mut broken) = (0, None);
    batch::in_order(n, jobs, &|| observer.is_cancelled(), &row, |i, result| match result {
        Ok(row) => {
            done += n - 1 - i;
            rows.push(row);
            tell(Event::Aligned(done, total));
        }
        Err(e) => broken = broken.take().or(Some(e)),
    })?;
    stop(observer)?;
    match broken {
        Some(e) => Err(e.into()),
        None => Ok(Pairs::all(n, rows)),
    }
}

/// For each of `profiles` the `count` that go best with it, nearly always.
pub fn propose(
    profiles: &[Profile],
    count: usize,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
) -> Result<Vec<Vec<u32>>, ContactError> {
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let index = Index::build(&profiles, SEED);
    let work = |i: usize| -> Vec<u32> { index.propose(i, count).into_iter().map(|j| j as u32).collect() };
    let mut proposals = Vec::with_capacity(profiles.len());
    let mut broken = None;
    let cancelled = || observer.is_cancelled();
    batch::in_order(profiles.len(), jobs, &cancelled, &work, |_, result| match result {
        Ok(row) => proposals.push(row),
        Err(e) => broken = broken.take().or(Some(e)),
    })?;
    stop(observer)?;
    broken.map_or(Ok(proposals), |e| Err(e.into()))
}

/// Aligns the pairs that `proposals` gives for each member, whichever side names them.
pub fn confirm(
    frames: &[Frames],
    proposals: &[Vec<u32>],
    jobs: NonZeroUsize,
    observer: &dyn Observer,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Pairs, ContactError> {
    let n = frames.len();
    let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); n];
    for (i, partners) in proposals.iter().enumerate().take(n) {
        for &j in partners.iter().filter(|j| (**j as usize) < n && **j as usize != i) {
            let (a, b) = ((i as u32).min(j), (i as u32).max(j));
            wanted[a as usize].push(b);
        }
    }
    for row in &mut wanted {
        row.sort_unstable();
        row.dedup();
    }
    let total = wanted.iter().map(Vec::len).sum();
    let row = |i: usize| -> Vec<(u32, Pair)> {
        let mut aligner = Aligner::default();
        let pair = |j: &u32| {
            (
                *j,
                aligner.pair(&frames[i], &frames[*j as usize]).unwrap_or(Pair::APART),
            )
        };
        wanted[i].iter().map(pair).collect()
    };
    let mut rows = Vec::with_capacity(n);
    let (mut done, mut broken) = (0, None);
    batch::in_order(n, jobs, &|| observer.is_cancelled(), &row, |_, result| match result {
        Ok(row) => {
            done += row.len();
            rows.push(row);
            tell(Event::Aligned(done, total));
        }
        Err(e) => broken = broken.take().or(Some(e)),
    })?;
    stop(observer)?;
    match broken {
        Some(e) => Err(e.into()),
        None => Ok(Pairs::some(rows)),
    }
}

/// Sharpens the similarities and lays them out.
pub fn arrange(names: Vec<String>, pairs: Pairs, settings: &Settings) -> ContactMap {
    let graph = match settings.sharpening {
        Sharpening::SelfTunedKnn => sharpen::self_tuned_knn(&pairs, settings.self_tune_k),
        Sharpening::Sinkhorn => sharpen::sinkhorn(&pairs, settings.sinkhorn_iterations),
        Sharpening::None => sharpen::none(&pairs),
    };
    // What is near what is asked only where the graph falls apart.
    let faint = match graph.components().1 {
        0 | 1 => Graph::from_rows((0..graph.len()).map(|_| Vec::new())),
        _ => sharpen::none(&pairs),
    };
    let layout = spectral::layout(&graph, &faint);
    ContactMap {
        names,
        raw: Raw::of(&pairs),
        pairs,
        graph,
        layout,
    }
}

fn stop(observer: &dyn Observer) -> Result<(), Cancelled> {
    if observer.is_cancelled() {
        Err(Cancelled)
    } else {
        Ok(())
    }
}
