//! Medians by a selection network: the same few comparisons for every lane, so that sixteen lines go at once.
//!
//! [`crate::dsp::median`] slides along one long line; this takes the median of `k` rows that are given, lane by lane,
//! for small `k`. The network is Batcher's merge exchange (Knuth, TAOCP 3, 5.2.2, algorithm M), from which every
//! comparison is struck that cannot reach the middle.

use crate::vectorized;

/// Lanes that are worked on at once.
pub const LANES: usize = 16;

/// Most values that a median can be taken of, and one more: a power of two, so that a mask keeps every index inside.
const WIRES: usize = 64;

/// Medians of `k` values, lane by lane.
#[derive(Debug, Clone)]
pub struct MedianNetwork {
    width: usize,
    comparators: Vec<(u8, u8)>,
}

impl MedianNetwork {
    /// The network for medians of `width` values; an even or zero `width` is taken one wider, and one above 63 as 63.
    pub fn new(width: usize) -> Self {
        let width = (width | 1).min(WIRES - 1);
        let mut all = Vec::new();
        let rounds = usize::BITS - (width - 1).leading_zeros();
        let mut p = (1usize << rounds) >> 1;
        while p > 0 {
            let (mut q, mut r, mut d) = ((1usize << rounds) >> 1, 0, p);
            loop {
                for i in 0..width.saturating_sub(d) {
                    if i & p == r {
                        all.push((i as u8, (i + d) as u8));
                    }
                }
                if q == p {
                    break;
                }
                (d, q, r) = (q - p, q / 2, p);
            }
            p /= 2;
        }
        let mut wanted = vec![false; width];
        wanted[width / 2] = true;
        let mut comparators: Vec<_> = all
            .into_iter()
            .rev()
            .filter(|&(a, b)| {
                let keep = wanted[a as usize] || wanted[b as usize];
                if keep {
                    wanted[a as usize] = true;
                    wanted[b as usize] = true;
                }
                keep
            })
            .collect();
        comparators.reverse();
        Self { width, comparators }
    }

    /// How many values a median is taken of.
    pub fn width(&self) -> usize {
        self.width
    }

    /// `out[c]` becomes the median over `i < width` of `row(i)[c]`. Rows that are shorter than `out` leave the rest of
    /// it as it was. Values must not be NaN.
    pub fn medians<'a>(&self, row: impl Fn(usize) -> &'a [f32], out: &mut [f32]) {
        vectorized!(self.run(&row, out));
    }

    #[inline(always)]
    fn run<'a>(&self, row: &impl Fn(usize) -> &'a [f32], out: &mut [f32]) {
        let n = (0..self.width).map(|i| row(i).len()).min().unwrap_or(0).min(out.len());
        let mut wires = [[0f32; LANES]; WIRES];
        for first in (0..n).step_by(LANES) {
            let lanes = LANES.min(n - first);
            for (i, wire) in wires.iter_mut().enumerate().take(self.width) {
                match row(i)[first..].first_chunk::<LANES>() {
                    Some(whole) => *wire = *whole,
                    None => wire[..lanes].copy_from_slice(&row(i)[first..first + lanes]),
                }
            }
            for &(a, b) in &self.comparators {
                let (a, b) = (a as usize % WIRES, b as usize % WIRES);
                let (x, y) = (wires[a], wires[b]);
                for l in 0..LANES {
                    wires[a][l] = if x[l] < y[l] { x[l] } else { y[l] };
                    wires[b][l] = if x[l] < y[l] { y[l] } else { x[l] };
                }
            }
            out[first..first + lanes].copy_from_slice(&wires[self.width / 2][..lanes]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_those_of_a_sort() {
        let mut state = 1u64;
        for width in [1, 2, 3, 5, 9, 11, 19, 21, 31, 41, 63] {
            let network = MedianNetwork::new(width);
            let k = network.width();
            for n in [1, 15, 16, 40] {
                let flat: Vec<f32> = (0..k * n)
                    .map(|_| {
                        state = state
                            .wrapping_mul(6364136223846793005)
                            .wrapping_add(1442695040888963407);
                        ((state >> 40) % 50) as f32
                    })
                    .collect();
                let mut out = vec![0.0; n];
                network.medians(|i| &flat[i * n..(i + 1) * n], &mut out);
                for (c, got) in out.iter().enumerate() {
                    let mut sorted: Vec<f32> = (0..k).map(|i| flat[i * n + c]).collect();
                    sorted.sort_unstable_by(f32::total_cmp);
                    assert_eq!(*got, sorted[k / 2], "width {k}, column {c}");
                }
            }
        }
    }
}
