//! The training loop.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use super::Settings;
use super::net::{AdamW, Net, Workspace};
use crate::learn::LearnError;
use crate::learn::dataset::Dataset;
use crate::learn::listwise::{self, Loss};
use crate::learn::recorder::Recorder;
use crate::learn::scaler::Scaler;
use crate::learn::split::Split;
use crate::progress::{Cancelled, Progress, Stage};
use crate::rank::metrics;

/// Places of the list by which the best epoch is chosen.
const PLACES: usize = 10;
/// Part of the highest learning rate that is left at the end.
const LAST_RATE: f32 = 0.05;

/// What came of it.
pub(super) struct Done {
    pub(super) net: Net,
    /// Epochs that were run.
    pub(super) epochs: usize,
    /// The one whose parameters were kept, from 1.
    pub(super) best: usize,
    /// Its NDCG at 10 over the tracks for validation, where there are any.
    pub(super) ndcg: Option<f64>,
    /// Training tracks in which all weights are equal.
    pub(super) idle: usize,
}

/// Room for the work on one track; one for each track of a batch.
#[derive(Default)]
struct Slot {
    space: Workspace,
    raw: Vec<f32>,
    inputs: Vec<f32>,
    weights: Vec<f32>,
    by_score: Vec<f32>,
    gradient: Vec<f32>,
    loss: Option<f64>,
}

impl Slot {
    /// Takes up all rows of a track.
    fn load(&mut self, data: &Dataset, scaler: &Scaler, track: usize) {
        let rows = data.tracks[track].rows.clone();
        self.raw.clear();
        for row in rows.clone() {
            let row = data.row(row);
            self.raw.extend(scaler.columns.iter().map(|&c| row[c]));
        }
        scaler.apply(&self.raw, &mut self.inputs);
        self.weights.clear();
        self.weights.extend_from_slice(&data.weights[rows]);
    }

    /// Keeps the best half of `most` rows and draws the others.
    fn thin(&mut self, most: usize, width: usize, rng: &mut Pcg64Mcg) {
        let n = self.weights.len();
        if n <= most {
            return;
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(rng);
        order.sort_by(|&a, &b| self.weights[b].total_cmp(&self.weights[a]));
        order[most / 2..].shuffle(rng);
        order.truncate(most);
        order.sort_unstable();
        self.weights = order.iter().map(|&i| self.weights[i]).collect();
        self.inputs = order
            .iter()
            .flat_map(|&i| &self.inputs[i * width..(i + 1) * width])
            .copied()
            .collect();
    }
}

/// A stream of random numbers of its own for each use.
fn stream(seed: u64, epoch: usize, use_: usize) -> Pcg64Mcg {
    let mut hash = blake3::Hasher::new();
    for n in [seed, epoch as u64, use_ as u64] {
        hash.update(&n.to_le_bytes());
    }
    let first: [u8; 8] = std::array::from_fn(|i| hash.finalize().as_bytes()[i]);
    Pcg64Mcg::seed_from_u64(u64::from_le_bytes(first))
}

/// Mean and deviation of the training weights: the scale on which regression learns.
fn target_scale(data: &Dataset, tracks: &[usize]) -> (f32, f32) {
    let weights = || {
        tracks
            .iter()
            .flat_map(|&t| &data.weights[data.tracks[t].rows.clone()])
            .map(|w| f64::from(*w))
    };
    let n = weights().count().max(1) as f64;
    let mean = weights().sum::<f64>() / n;
    let deviation = (weights().map(|w| (w - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean as f32, deviation as f32)
}

pub(super) fn fit(
    settings: &Settings,
    scaler: &Scaler,
    data: &Dataset,
    split: &Split,
    recorder: &mut dyn Recorder,
    progress: &dyn Progress,
) -> Result<Done, LearnError> {
    listwise::check_weights(data, &split.train)?;
    listwise::check_weights(data, &split.valid)?;
    let weights_of = |t: usize| &data.weights[data.tracks[t].rows.clone()];
    let idle = split.train.iter().filter(|&&t| !listwise::ranks(weights_of(t))).count();
    let (mean, deviation) = target_scale(data, &split.train);
    let teaching: Vec<usize> = if settings.loss == Loss::Squared {
        split.train.clone()
    } else {
        let ranks = |t: &usize| listwise::ranks(weights_of(*t));
        split.train.iter().copied().filter(ranks).collect()
    };
    if teaching.is_empty() || deviation == 0.0 {
        return Err(LearnError::Data(format!(
            "no training track ({} in all) has loops of different `weight`: there is nothing to learn",
            split.train.len()
        )));
    }
    let (offset, scale) = if settings.loss == Loss::Squared {
        (mean, deviation)
    } else {
        (0.0, 1.0)
    };
    let mut net = Net::new(scaler.width(), &settings.hidden, &mut stream(settings.seed, 0, 0));
    let mut adam = AdamW::new(&net, settings.decay);
    let mut slots: Vec<Slot> = Vec::new();
    slots.resize_with(settings.batch.min(teaching.len()), Slot::default);
    let mut gradient = vec![0f32; net.parameters()];
    let steps_per_epoch = teaching.len().div_ceil(settings.batch);
    let (mut best_net, mut best, mut best_ndcg) = (net.clone(), 0, None);
    let mut epochs = 0;
    for epoch in 1..=settings.epochs {
        let mut order = teaching.clone();
        order.shuffle(&mut stream(settings.seed, epoch, usize::MAX));
        let (mut loss, mut counted) = (0.0, 0usize);
        for (batch, tracks) in order.chunks(settings.batch).enumerate() {
            progress.check()?;
            let slots = &mut slots[..tracks.len()];
            each(settings.threads.get(), tracks, slots, |&track, slot| {
                learn_from(&net, settings, scaler, data, (offset, scale), epoch, track, slot);
            });
            gradient.fill(0.0);
            for slot in slots.iter() {
                gradient.iter_mut().zip(&slot.gradient).for_each(|(g, own)| *g += own);
                loss += slot.loss.unwrap_or(0.0);
                counted += usize::from(slot.loss.is_some());
            }
            let share = 1.0 / tracks.len() as f32;
            gradient.iter_mut().for_each(|g| *g *= share);
            let step = (epoch - 1) * steps_per_epoch + batch;
            adam.step(
                &mut net,
                &gradient,
                settings.rate * schedule(step, steps_per_epoch, settings.epochs),
            );
        }
        epochs = epoch;
        let loss = loss / counted.max(1) as f64;
        if !loss.is_finite() {
            return Err(LearnError::Setting(format!(
                "learning diverged in epoch {epoch}: lower the learning rate ({})",
                settings.rate
            )));
        }
        recorder.metric("train_loss", epoch as u64, loss)?;
        let ndcg = validate(&net, settings, scaler, data, &split.valid, &mut slots, progress)?;
        if let Some(ndcg) = ndcg {
            recorder.metric("valid_ndcg_at_10", epoch as u64, ndcg)?;
        }
        progress.report(Stage::Learn, epoch as f32 / settings.epochs as f32);
        if ndcg.is_none() || best == 0 || ndcg > best_ndcg {
            (best_net, best, best_ndcg) = (net.clone(), epoch, ndcg);
        } else if epoch >= best + settings.patience {
            break;
        }
    }
    progress.report(Stage::Learn, 1.0);
    best_net.rescale(scale, offset);
    Ok(Done {
        net: best_net,
        epochs,
        best,
        ndcg: best_ndcg,
        idle,
    })
}

/// The learning rate's share of the highest at a step: up over the first epoch, then down along a cosine.
fn schedule(step: usize, per_epoch: usize, epochs: usize) -> f32 {
    let at = (step + 1) as f32 / per_epoch as f32;
    if at < 1.0 {
        return at;
    }
    let rest = ((at - 1.0) / (epochs as f32 - 1.0).max(1.0)).min(1.0);
    LAST_RATE + (1.0 - LAST_RATE) * 0.5 * (1.0 + (std::f32::consts::PI * rest).cos())
}

/// Loss and gradient of one track.
#[allow(clippy::too_many_arguments)]
fn learn_from(
    net: &Net,
    settings: &Settings,
    scaler: &Scaler,
    data: &Dataset,
    (offset, scale): (f32, f32),
    epoch: usize,
    track: usize,
    slot: &mut Slot,
) {
    let mut rng = stream(settings.seed, epoch, track);
    slot.load(data, scaler, track);
    if let Some(most) = settings.max_candidates {
        slot.thin(most, scaler.width(), &mut rng);
    }
    slot.weights.iter_mut().for_each(|w| *w = (*w - offset) / scale);
    net.forward(&slot.inputs, &mut slot.space, Some((settings.dropout, &mut rng)));
    slot.loss = listwise::loss(
        settings.loss,
        slot.space.scores(),
        &slot.weights,
        settings.temperature,
        &mut rng,
        &mut slot.by_score,
    );
    slot.gradient.clear();
    slot.gradient.resize(net.parameters(), 0.0);
    if slot.loss.is_some() {
        net.backward(
            &slot.inputs,
            &slot.by_score,
            settings.dropout,
            &mut slot.space,
            &mut slot.gradient,
        );
    }
}

/// Mean NDCG at [`PLACES`] over the tracks that rank anything; `None` where there are none.
fn validate(
    net: &Net,
    settings: &Settings,
    scaler: &Scaler,
    data: &Dataset,
    tracks: &[usize],
    slots: &mut [Slot],
    progress: &dyn Progress,
) -> Result<Option<f64>, Cancelled> {
    let (mut sum, mut counted) = (0.0, 0usize);
    for tracks in tracks.chunks(slots.len()) {
        progress.check()?;
        let slots = &mut slots[..tracks.len()];
        each(settings.threads.get(), tracks, slots, |&track, slot| {
            slot.load(data, scaler, track);
            net.forward(&slot.inputs, &mut slot.space, None);
            let ranks = listwise::ranks(&slot.weights);
            slot.loss = metrics::ndcg(slot.space.scores(), &slot.weights, PLACES).filter(|_| ranks);
        });
        for ndcg in slots.iter().filter_map(|s| s.loss) {
            sum += ndcg;
            counted += 1;
        }
    }
    Ok((counted > 0).then(|| sum / counted as f64))
}

/// Does `work` for each item with the slot of the same number, on some threads.
fn each<T: Sync, S: Send>(threads: usize, items: &[T], slots: &mut [S], work: impl Fn(&T, &mut S) + Sync) {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let mut parts = items.chunks(share).zip(slots.chunks_mut(share));
    let first = parts.next();
    let work = &work;
    let run = move |(items, slots): (&[T], &mut [S])| {
        for (item, slot) in items.iter().zip(slots) {
            work(item, slot);
        }
    };
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(move || run(part));
        }
        if let Some(part) = first {
            run(part);
        }
    });
}
