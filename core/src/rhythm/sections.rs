//! Section cuts: where the texture of the seconds before and after differs most.

use super::constants::*;
use super::onset::Front;
use super::tempo::median;

/// A place where the texture changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Frame of the curves.
    pub(crate) at: f64,
    /// How much more it changes than the track usually does: novelty over its median, less the least that counts.
    pub(crate) weight: f64,
}

/// The strongest cuts of a track: one every 12 s on average, at least four where there are any.
pub(crate) fn cuts(front: &Front) -> Vec<Cut> {
    let nb = front.bands;
    let slots = front.texture.len() / nb;
    if slots < 8 {
        return Vec::new();
    }
    let row = |s: usize| &front.texture[s * nb..(s + 1) * nb];
    let mut novelty = vec![0.0f64; slots];
    let (mut before, mut after) = (vec![0.0f64; nb], vec![0.0f64; nb]);
    let mut n_after = CUT_REACH.min(slots);
    for s in 0..n_after {
        after.iter_mut().zip(row(s)).for_each(|(a, &x)| *a += f64::from(x));
    }
    let mut n_before = 0usize;
    for (s, novel) in novelty.iter_mut().enumerate() {
        // Both sides need half a second, or the ends of the track would be cuts.
        if n_before >= 10 && n_after >= 10 {
            let d: f64 = before
                .iter()
                .zip(&after)
                .map(|(b, a)| (a / n_after as f64 - b / n_before as f64).powi(2))
                .sum();
            let support = (n_before.min(n_after) as f64 / CUT_REACH as f64).sqrt();
            *novel = (d / nb as f64).sqrt() * support;
        }
        for ((a, b), &x) in after.iter_mut().zip(&mut before).zip(row(s)) {
            *a -= f64::from(x);
            *b += f64::from(x);
        }
        n_after -= 1;
        n_before += 1;
        if s + CUT_REACH < slots {
            after
                .iter_mut()
                .zip(row(s + CUT_REACH))
                .for_each(|(a, &x)| *a += f64::from(x));
            n_after += 1;
        }
        if n_before > CUT_REACH {
            before
                .iter_mut()
                .zip(row(s - CUT_REACH))
                .for_each(|(b, &x)| *b -= f64::from(x));
            n_before -= 1;
        }
    }
    // A track without sections has maxima of novelty too: what counts is how far they stand above the usual.
    let usual = median(&novelty).max(1e-9);
    let mut peaks: Vec<Cut> = Vec::new();
    for s in 1..slots - 1 {
        let x = novelty[s];
        let around = &novelty[s.saturating_sub(CUT_GAP)..(s + CUT_GAP + 1).min(slots)];
        if x <= CUT_USUAL * usual || around.iter().any(|&y| y > x) || novelty[s - 1] == x {
            continue;
        }
        let bend = novelty[s - 1] - 2.0 * x + novelty[s + 1];
        let shift = if bend < 0.0 {
            (0.5 * (novelty[s - 1] - novelty[s + 1]) / bend).clamp(-0.5, 0.5)
        } else {
            0.0
        };
        peaks.push(Cut {
            at: (s as f64 + shift) * SLOT as f64 - 0.5,
            weight: x / usual - CUT_USUAL,
        });
    }
    peaks.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let seconds = front.frames as f64 / FPS;
    peaks.truncate(((seconds / 12.0) as usize).max(4));
    peaks.sort_by(|a, b| a.at.total_cmp(&b.at));
    peaks
}

/// Shares of the cuts in their votes. They sum to less than one where there are few: a single weak cut must not decide.
pub(crate) fn shares(cuts: &[Cut]) -> Vec<f32> {
    let total = cuts.iter().map(|c| c.weight).sum::<f64>() + CUT_DOUBT;
    cuts.iter().map(|c| (c.weight / total) as f32).collect()
}
