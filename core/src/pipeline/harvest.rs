//! Everything that one listening gives: loops, breaks with their hits, quiet loops and one-shots, from one analysis and one
//! form.
//!
//! What it finds is what [`suggest()`](super::suggest()), [`breaks::suggest`] and [`quiet::suggest`] find, each on its own
//! and at the cost of its own analysis. Where somebody waits, this is the one to call.

use super::suggest::{self, Loops};
use super::{Error, Models, breaks, quiet};
use crate::analysis::Analysis;
use crate::config::Config;
use crate::drums::assemble;
use crate::drums::breaks::Break;
use crate::drums::class::{Class, Drum};
use crate::drums::hits::{Cluster, Hit, Hits};
use crate::drums::model::HitModel;
use crate::loops::Structure;
use crate::progress::{Progress, Stage};
use crate::track::Track;

/// How far the parts of [`harvest`] are when they begin, as fractions of [`Stage::Rank`]: form, loops, breaks, quiet loops.
const PARTS: [f32; 5] = [0.0, 0.1, 0.2, 0.7, 1.0];

/// One hit worth having by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneShot {
    /// Which of [`Harvest::breaks`] it is from.
    pub of: usize,
    /// Which of that one's clusters it stands for.
    pub cluster: usize,
    /// Which of that one's hits it is.
    pub hit: usize,
    /// What it is.
    pub class: Class,
    /// How likely it is a drum, of its class, and nothing else with it: 0 to 1.
    pub purity: f32,
}

/// What was found in a track.
#[derive(Debug, Clone)]
pub struct Harvest {
    /// The track's analysis.
    pub analysis: Analysis,
    /// Its form.
    pub structure: Structure,
    /// Its loops.
    pub loops: Loops,
    /// Its breaks, best first, each with its hits.
    pub breaks: Vec<(Break, Hits)>,
    /// Its quiet loops.
    pub quiet: quiet::QuietLoops,
    /// The cleanest hit of each kind in its breaks, purest first.
    pub one_shots: Vec<OneShot>,
}

/// Finds all that there is to find in `track`. `hit_model` names the hits of breaks; without one, rules do.
///
/// A track without bars gives nothing, which is no error.
///
/// # Errors
///
/// As [`suggest()`](super::suggest()).
pub fn harvest(
    track: &Track,
    models: Models<'_>,
    hit_model: Option<&dyn HitModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Harvest, Error> {
    let analysis = models.analyse(track, config, progress)?;
    from_analysis(analysis, models, hit_model, config, progress)
}

/// The same from an analysis that is at hand.
///
/// # Errors
///
/// As [`suggest()`](super::suggest()).
pub fn from_analysis(
    analysis: Analysis,
    models: Models<'_>,
    hit_model: Option<&dyn HitModel>,
    config: &Config,
    progress: &dyn Progress,
) -> Result<Harvest, Error> {
    let part = |n: usize| Part {
        whole: progress,
        from: PARTS[n],
        to: PARTS[n + 1],
    };
    progress.report(Stage::Rank, 0.0);
    let structure = Structure::of(&analysis, &config.tuning, &part(0))?;
    let loops = suggest::loops(&analysis, &structure, models.scorer, config, &part(1))?;
    let breaks = breaks::with_hits(&analysis, &structure, models.scorer, hit_model, config, &part(2))?;
    let quiet = quiet::loops(&analysis, &structure, models.scorer, config, &part(3))?;
    progress.check()?;
    let one_shots = one_shots(&analysis, &breaks);
    progress.report(Stage::Rank, 1.0);
    Ok(Harvest {
        analysis,
        structure,
        loops,
        breaks,
        quiet,
        one_shots,
    })
}

/// The cleanest pick of each cluster, purest first. Breaks of one song are played on one kit: a hit that is a copy of one
/// that is there already, up to its loudness, is left out.
fn one_shots(analysis: &Analysis, breaks: &[(Break, Hits)]) -> Vec<OneShot> {
    let mut all: Vec<OneShot> = Vec::new();
    for (of, (_, hits)) in breaks.iter().enumerate() {
        for cluster in &hits.clusters {
            if let Some((hit, found)) = pick(hits, cluster) {
                all.push(OneShot {
                    of,
                    cluster: cluster.id,
                    hit,
                    class: cluster.class,
                    purity: purity(found, cluster.class),
                });
            }
        }
    }
    // Stable, so that of equals the one of the better break comes first.
    all.sort_by(|a, b| b.purity.total_cmp(&a.purity));
    let hit = |o: &OneShot| breaks.get(o.of).and_then(|(_, hits)| hits.hits.get(o.hit));
    let mut kept: Vec<OneShot> = Vec::new();
    for one in all {
        let again = kept.iter().filter(|k| k.class == one.class).any(|k| {
            let (Some(a), Some(b)) = (hit(&one), hit(k)) else {
                return false;
            };
            a.span.overlap(&b.span) > 0.0 || assemble::likeness(&analysis.track.audio, a, b) > SAME
        });
        if !again {
            kept.push(one);
        }
    }
    kept
}

/// Correlation of the first 30 ms of two hits from which they are one sound.
const SAME: f64 = 0.98;

fn pick<'a>(hits: &'a Hits, cluster: &Cluster) -> Option<(usize, &'a Hit)> {
    let index = *cluster.picks.first().or(cluster.hits.first())?;
    let hit = hits.hits.get(index)?;
    (cluster.class != Class::Silence).then_some((index, hit))
}

fn purity(hit: &Hit, class: Class) -> f32 {
    let clear: f32 = Drum::ALL
        .iter()
        .zip(&hit.probabilities)
        .map(|(drum, p)| if class == Class::Drum(*drum) { *p } else { 1.0 - p })
        .product();
    (clear * hit.drum).clamp(0.0, 1.0)
}

/// A part of a stage of something larger.
struct Part<'a> {
    whole: &'a dyn Progress,
    from: f32,
    to: f32,
}

impl Progress for Part<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        self.whole.report(stage, self.from + (self.to - self.from) * fraction);
    }

    fn is_cancelled(&self) -> bool {
        self.whole.is_cancelled()
    }
}
