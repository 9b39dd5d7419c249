//! What a few ratings are worth: simulated people with a hidden taste rate loops of some songs, and the loops of other songs
//! are ranked for them.
//!
//! ```text
//! cargo run -p loopwright-tests --bin synth-set -- FOLDER
//! cargo run -p loopwright --example taste -- FOLDER...
//! ```
//!
//! A person's liking of a loop is, in log odds, what the heuristic holds of it, pressed together as in
//! `model::adapted`, and a hidden taste: three of the terms with weights of ±0.5 to ±1.5, and one feature that is no
//! term. For each person half of the songs, drawn anew, are rated: five loops a song, drawn from the twenty that the
//! heuristic ranks highest, each taken with the probability that the person likes it better than the middle one of the
//! twenty. The other half is ranked; the gain of a loop is exp(liking − the best liking of the song). Printed is the mean
//! NDCG@10 over people, and the mean difference to the base with its 95 % interval over people.

use std::path::PathBuf;

use loopwright_core::config::{Config, Order};
use loopwright_core::learn::adapt::{Example, fit};
use loopwright_core::model::adapted::{TERMS, Taste, base_log_odds, steps};
use loopwright_core::model::{Scorer as _, heuristic};
use loopwright_core::pipeline::{load::load, suggest};
use loopwright_core::progress::Silent;
use loopwright_core::rank::metrics::ndcg;

const PEOPLE: u64 = 300;
const COUNTS: [usize; 4] = [0, 5, 20, 50];
const OTHERS: [&str; 3] = ["chroma_closure", "drumless_odds", "riser_slope"];

/// One loop of a song.
struct Loop {
    base: f64,
    steps: [f64; TERMS.len()],
    others: [f64; OTHERS.len()],
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            let j = self.below(i + 1);
            list.swap(i, j);
        }
    }
}

/// Somebody's hidden mind.
struct Mind {
    weights: [f64; TERMS.len()],
    other: (usize, f64),
    /// Rates by tossing a coin.
    coin: bool,
}

impl Mind {
    fn tasteful(dice: &mut Dice) -> Self {
        let mut mind = Self::plain(false);
        let mut terms: Vec<usize> = (0..TERMS.len()).collect();
        dice.shuffle(&mut terms);
        for &term in &terms[..3] {
            let sign = if dice.unit() < 0.5 { -1.0 } else { 1.0 };
            mind.weights[term] = sign * (0.5 + dice.unit());
        }
        mind.other = (dice.below(OTHERS.len()), dice.unit() - 0.5);
        mind
    }

    fn plain(coin: bool) -> Self {
        Self {
            weights: [0.0; TERMS.len()],
            other: (0, 0.0),
            coin,
        }
    }

    fn likes(&self, l: &Loop) -> f64 {
        let taste: f64 = self.weights.iter().zip(&l.steps).map(|(w, z)| w * z).sum();
        l.base + taste + self.other.1 * l.others[self.other.0]
    }
}

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let songs = songs(&paths);
    let loops: usize = songs.iter().map(Vec::len).sum();
    println!("{} songs, {loops} loops, {PEOPLE} people of each kind", songs.len());
    println!("| people | ratings | NDCG@10 | against 0 ratings | worse by 0.02 or more | no taste learnt |");
    println!("|---|---|---|---|---|---|");
    for (name, kind) in [
        ("with a taste of their own", 0),
        ("who agree with the heuristic", 1),
        ("who rate by tossing a coin", 2),
    ] {
        let mut results = vec![Vec::new(); COUNTS.len()];
        let mut nothing = [0usize; COUNTS.len()];
        for person in 0..PEOPLE {
            let mut dice = Dice(person * 3 + kind);
            let mind = match kind {
                0 => Mind::tasteful(&mut dice),
                _ => Mind::plain(kind == 2),
            };
            let mut order: Vec<usize> = (0..songs.len()).collect();
            dice.shuffle(&mut order);
            let (rated, judged) = order.split_at(songs.len() / 2);
            let said = rate(&mind, rated.iter().map(|&s| &songs[s]), &mut dice);
            for (at, &count) in COUNTS.iter().enumerate() {
                let fitted = fit(&said[..count.min(said.len())]);
                nothing[at] += usize::from(fitted.taste.is_none());
                let sum: f64 = judged
                    .iter()
                    .filter_map(|&s| quality(&mind, &fitted.taste, &songs[s]))
                    .sum();
                results[at].push(sum / judged.len() as f64);
            }
        }
        for (at, count) in COUNTS.iter().enumerate() {
            let gains: Vec<f64> = results[at].iter().zip(&results[0]).map(|(a, b)| a - b).collect();
            let (mean, half) = interval(&gains);
            println!(
                "| {name} | {count} | {:.3} | {mean:+.3} ± {half:.3} | {:.0} % | {:.0} % |",
                interval(&results[at]).0,
                100.0 * gains.iter().filter(|g| **g <= -0.02).count() as f64 / PEOPLE as f64,
                100.0 * nothing[at] as f64 / PEOPLE as f64,
            );
        }
    }
}

fn songs(paths: &[PathBuf]) -> Vec<Vec<Loop>> {
    let mut config = Config::default();
    config.rank.top_k = 0;
    config.rank.order = Order::Best;
    config.rank.min_rel_score = None;
    let base = heuristic(&config.tuning);
    let files = loopwright::sources::collect(paths, None, &config.stores).files;
    files
        .iter()
        .filter_map(|source| {
            eprintln!("{}", source.name);
            let track = load(source.place.path(), &config, &Silent).ok()?.track;
            let found = suggest(&track, &base, &config, &Silent).ok()?;
            let column = |name: &str| found.schema.column(name);
            let others = OTHERS.map(column);
            let mut loops: Vec<Loop> = found
                .suggestions
                .iter()
                .map(|s| Loop {
                    base: base_log_odds(s.score, base.info()),
                    steps: steps(|name| column(name).map(|c| s.features[c])),
                    others: others.map(|c| c.map_or(0.0, |c| f64::from(s.features[c]))),
                })
                .collect();
            // What is no term is felt against the other loops of the song.
            for other in 0..OTHERS.len() {
                let n = loops.len() as f64;
                let mean = loops.iter().map(|l| l.others[other]).sum::<f64>() / n;
                let spread = (loops.iter().map(|l| (l.others[other] - mean).powi(2)).sum::<f64>() / n).sqrt();
                loops
                    .iter_mut()
                    .for_each(|l| l.others[other] = (l.others[other] - mean) / spread.max(1e-9));
            }
            (loops.len() >= 20).then_some(loops)
        })
        .collect()
}

fn rate<'a>(mind: &Mind, songs: impl Iterator<Item = &'a Vec<Loop>>, dice: &mut Dice) -> Vec<Example> {
    let mut said = Vec::new();
    for (track, loops) in songs.enumerate() {
        let mut shown: Vec<&Loop> = loops.iter().collect();
        shown.sort_by(|a, b| b.base.total_cmp(&a.base));
        shown.truncate(20);
        let mut likings: Vec<f64> = shown.iter().map(|l| mind.likes(l)).collect();
        likings.sort_by(f64::total_cmp);
        let middle = likings[likings.len() / 2];
        dice.shuffle(&mut shown);
        for l in &shown[..5] {
            let chance = if mind.coin {
                0.5
            } else {
                1.0 / (1.0 + (middle - mind.likes(l)).exp())
            };
            said.push(Example {
                track,
                rating: if dice.unit() < chance { 4.0 } else { 1.0 },
                base: l.base,
                steps: l.steps,
            });
        }
    }
    said
}

fn quality(mind: &Mind, taste: &Taste, loops: &[Loop]) -> Option<f64> {
    let likings: Vec<f64> = loops.iter().map(|l| mind.likes(l)).collect();
    let best = likings.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let gains: Vec<f32> = likings.iter().map(|l| (l - best).exp() as f32).collect();
    let scores: Vec<f32> = loops.iter().map(|l| (l.base + taste.effect(&l.steps)) as f32).collect();
    ndcg(&scores, &gains, 10)
}

/// Mean, and half the width of its 95 % interval.
fn interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, 1.96 * (variance / n).sqrt())
}
