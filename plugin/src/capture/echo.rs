//! Does a take sound the same as an earlier one over the same of the host's beats?
//!
//! A host that cycles plays the same bars again and again. Both passes are aligned by the host's position, then to the
//! frame by the sound, and compared in a fraction of it: windows spread over the whole range.

use super::take::Take;
use crate::snapshot::TakeId;

/// Frames of a window.
const WINDOW: usize = 256;
/// One window in so many frames is compared.
const STRIDE: u64 = 4096;
/// Windows that the alignment goes by.
const PROBES: usize = 8;
/// Furthest shift that is tried either way, in frames.
const MOST_SHIFT: usize = 64;
/// Passes are the same where the difference is 40 dB below the sound.
const SAME: f64 = 1e-4;
/// Places in quarter notes this close are one.
pub(crate) const PLACE: f64 = 0.05;

/// What an open take is found to repeat, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) enum Echo {
    /// Not compared yet.
    #[default]
    Unknown,
    /// All frames up to `to` sound as in that take.
    Of {
        /// The earlier one.
        take: TakeId,
        /// Frames compared.
        to: u64,
    },
    /// It is something new.
    New,
}

/// First and last position that a take holds, in quarter notes.
pub(crate) fn range(take: &Take) -> Option<(f64, f64)> {
    let fit = take.time.as_ref()?.fit()?;
    Some((fit.beats(take.first() as f64), fit.beats(take.end() as f64)))
}

/// True where `whole` holds all positions of `part`.
pub(crate) fn covers(whole: (f64, f64), part: (f64, f64)) -> bool {
    whole.0 <= part.0 + PLACE && whole.1 >= part.1 - PLACE
}

/// True where frames `from..to` of `new` sound as the same positions of `old` do.
pub(crate) fn same(new: &Take, old: &Take, from: u64, to: u64) -> bool {
    if new.rate() != old.rate() || to <= from {
        return false;
    }
    let fits = new
        .time
        .as_ref()
        .and_then(|t| t.fit())
        .zip(old.time.as_ref().and_then(|t| t.fit()));
    let Some((new_fit, old_fit)) = fits else {
        return false;
    };
    let shift = |frame: u64| old_fit.frame(new_fit.beats(frame as f64)) - frame as f64;
    let (begin, end) = (shift(from), shift(to));
    // As far as quantised positions can be off.
    let reach = (old_fit.frame(1.5 / 1920.0) - old_fit.frame(0.0) + 2.0).clamp(2.0, MOST_SHIFT as f64);
    if (end - begin).abs() > 2.0 * reach {
        return false; // Another tempo.
    }
    let base = (0.5 * (begin + end)).round() as i64;
    // Only what both hold.
    let from = from.max(new.first()).max(clip(old.first() as i64 - base));
    let to = to.min(new.end()).min(clip(old.end() as i64 - base));
    let reach = reach as usize;
    if to < from + (WINDOW + 2 * reach) as u64 {
        return false;
    }
    let (inner, last) = (from + reach as u64, to - (WINDOW + reach) as u64);
    let shift = best_shift(new, old, (inner, last), base, reach);
    let (mut power, mut difference) = (0.0, 0.0);
    let (mut a, mut b) = ([0.0; WINDOW], [0.0; WINDOW]);
    let mut frame = inner;
    while frame <= last {
        for channel in 0..2 {
            new.read(channel, frame, &mut a);
            old.read(channel, clip(frame as i64 + shift), &mut b);
            for (x, y) in a.iter().zip(&b) {
                let (x, y) = (f64::from(*x), f64::from(*y));
                power += x * x;
                difference += (x - y) * (x - y);
            }
        }
        frame += STRIDE;
    }
    difference <= SAME * power + 1e-12
}

fn clip(frame: i64) -> u64 {
    u64::try_from(frame).unwrap_or(0)
}

/// The shift at which windows of `new` differ least from `old`.
fn best_shift(new: &Take, old: &Take, (first, last): (u64, u64), base: i64, reach: usize) -> i64 {
    let mut sums = vec![0.0f64; 2 * reach + 1];
    let mut a = [0.0; WINDOW];
    let mut b = vec![0.0; WINDOW + 2 * reach];
    for probe in 0..PROBES {
        let frame = first + (last - first) * probe as u64 / (PROBES as u64 - 1);
        for channel in 0..2 {
            new.read(channel, frame, &mut a);
            old.read(channel, clip(frame as i64 + base - reach as i64), &mut b);
            for (shift, sum) in sums.iter_mut().enumerate() {
                let squares = a.iter().zip(&b[shift..]).map(|(x, y)| f64::from((x - y) * (x - y)));
                *sum += squares.sum::<f64>();
            }
        }
    }
    // The nearest to the host's word of those that are equally good.
    let best = (0..sums.len()).min_by(|&i, &j| {
        let away = |k: usize| k.abs_diff(reach);
        sums[i].total_cmp(&sums[j]).then(away(i).cmp(&away(j)))
    });
    base + best.unwrap_or(reach) as i64 - reach as i64
}
