//! Running medians, exact as `scipy.ndimage.median_filter(mode="reflect")` along one axis.
//!
//! The task: replace each sample of a line by the median of the `width` samples centred on it; past its ends the line
//! is continued by its mirror image, the end sample repeated (`… b a | a b c …`).
//!
//! Two routes lead to the same bits:
//!
//! * [`running_median`] takes any odd width. It slides a sorted window along the line: `O(width)` a sample.
//! * [`tile31`] makes 16 consecutive outputs of width 31 at once, each lane of a vector register working on a line of its
//!   own, without a branch. The 16 windows have 16 samples in common. Those are sorted once; then the tile is halved
//!   again and again, and each half adds what its own windows share to its parent's list. A value that already has 16
//!   others on one side of it cannot be a median any more and is dropped, so the lists shrink 16, 8, 4, 2, 1 while the
//!   windows grow 16, 24, 28, 30, 31. That costs some 35 minima or maxima an output, against some 250 for the best
//!   selection network that starts afresh for each.
//!
//! The idea of sharing sorted cores between neighbouring windows is A. Adams, "Fast median filters using separable
//! sorting networks", ACM Transactions on Graphics 40(4), 2021.
//!
//! Values must not be NaN: an order needs numbers. [`running_median`] takes NaN for the largest value.

use pulp::{Arch, Simd, WithSimd};

/// Lines that are worked on side by side in a block: one frame, or one bin, a lane.
pub const LANES: usize = 16;

/// The width of the fast route.
pub const WIDTH: usize = 31;

/// Outputs that one call of the fast route makes.
pub const TILE: usize = 16;

/// Inputs that one call of the fast route reads: `TILE + WIDTH - 1`.
pub const REACH: usize = TILE + WIDTH - 1;

/// Where index `i` of a mirrored line of `len` samples lies in the line itself (scipy's `reflect`). `len` of 0 gives 0.
pub fn reflect(i: isize, len: usize) -> usize {
    if len == 0 {
        return 0;
    }
    let period = 2 * len as isize;
    let at = i.rem_euclid(period) as usize;
    at.min(2 * len - 1 - at)
}

/// Median of the `width` samples round each sample of `line`, for any odd `width` (an even one is taken one wider),
/// written to the first `line.len()` elements of `out`.
///
/// ```
/// let mut out = [0.0; 5];
/// loopwright_core::dsp::median::running_median(&[1.0, 9.0, 2.0, 3.0, 0.0], 3, &mut out);
/// assert_eq!(out, [1.0, 2.0, 3.0, 2.0, 0.0]);
/// ```
pub fn running_median(line: &[f32], width: usize, out: &mut [f32]) {
    let half = width / 2;
    let at = |i: isize| line[reflect(i, line.len())];
    if line.is_empty() {
        return;
    }
    let mut window: Vec<f32> = (-(half as isize)..=half as isize).map(at).collect();
    window.sort_unstable_by(f32::total_cmp);
    for (t, out) in out.iter_mut().take(line.len()).enumerate() {
        if t > 0 {
            let old = at(t as isize - 1 - half as isize);
            let new = at((t + half) as isize);
            let from = window.partition_point(|x| x.total_cmp(&old).is_lt());
            let to = window.partition_point(|x| x.total_cmp(&new).is_lt());
            if to > from {
                window.copy_within(from + 1..to, from);
                window[to - 1] = new;
            } else {
                window.copy_within(to..from, to + 1);
                window[to] = new;
            }
        }
        *out = window[half];
    }
}

/// [`running_median`] along each row of a row-major matrix of `columns` columns.
pub fn median_rows(matrix: &[f32], columns: usize, width: usize) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    if columns > 0 {
        for (row, out) in matrix.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
            running_median(row, width, out);
        }
    }
    out
}

/// [`running_median`] along each column of a row-major matrix of `columns` columns (along time, where a row is a frame).
pub fn median_columns(matrix: &[f32], columns: usize, width: usize) -> Vec<f32> {
    let mut out = vec![0.0; matrix.len()];
    if columns == 0 {
        return out;
    }
    let rows = matrix.len() / columns;
    if width == WIDTH {
        for first in (0..rows).step_by(TILE) {
            let reach = std::array::from_fn(|i| {
                let r = reflect((first + i) as isize - (WIDTH / 2) as isize, rows);
                &matrix[r * columns..(r + 1) * columns]
            });
            let mut tile = vec![0.0; TILE * columns];
            tile31(&reach, &mut tile);
            let n = TILE.min(rows - first) * columns;
            out[first * columns..][..n].copy_from_slice(&tile[..n]);
        }
        return out;
    }
    let mut line = vec![0.0; rows];
    let mut medians = vec![0.0; rows];
    for c in 0..columns {
        for (x, row) in line.iter_mut().zip(matrix.chunks_exact(columns)) {
            *x = row[c];
        }
        running_median(&line, width, &mut medians);
        for (x, row) in medians.iter().zip(out.chunks_exact_mut(columns)) {
            row[c] = *x;
        }
    }
    out
}

/// Medians of width 31 down the columns of 46 rows: `out` holds [`TILE`] rows, and element `c` of its row `j` is the
/// median of `rows[j..j + 31]` at column `c`. All rows are as long as the first; `out` is `16 *` as long.
pub fn tile31(rows: &[&[f32]; REACH], out: &mut [f32]) {
    Arch::new().dispatch(Columns { rows, out });
}

/// Lines of one block, a line a lane, with room for their mirror images at both ends.
#[derive(Debug, Clone)]
pub struct Padded {
    len: usize,
    rows: Vec<[f32; LANES]>,
}

impl Padded {
    /// Lines of `len` zeros.
    pub fn new(len: usize) -> Self {
        // To a whole number of tiles, and their reach.
        let rows = vec![[0.0; LANES]; len.div_ceil(TILE) * TILE + REACH - TILE];
        Self { len, rows }
    }

    /// The lines.
    pub fn lines(&self) -> &[[f32; LANES]] {
        &self.rows[WIDTH / 2..WIDTH / 2 + self.len]
    }

    /// The lines, to be filled.
    pub fn lines_mut(&mut self) -> &mut [[f32; LANES]] {
        &mut self.rows[WIDTH / 2..WIDTH / 2 + self.len]
    }

    /// Medians of width 31 along the lines: `out[k]` is the median of `lines[k - 15 ..= k + 15]`, lane by lane, mirrored
    /// at the ends. `out` is as long as the lines.
    pub fn median31(&mut self, out: &mut [[f32; LANES]]) {
        const HALF: usize = WIDTH / 2;
        let end = HALF + self.len;
        for i in (0..HALF).chain(end..self.rows.len()) {
            self.rows[i] = self.rows[HALF + reflect(i as isize - HALF as isize, self.len)];
        }
        Arch::new().dispatch(Lanes {
            padded: &self.rows,
            out,
        });
    }
}

struct Columns<'a> {
    rows: &'a [&'a [f32]; REACH],
    out: &'a mut [f32],
}

impl WithSimd for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let n = self.rows[0].len();
        if n < S::F32_LANES {
            // Too few columns for a vector.
            for c in 0..n {
                let line = self.rows.map(|row| row[c]);
                for (j, window) in line.windows(WIDTH).enumerate() {
                    let mut window: [f32; WIDTH] = std::array::from_fn(|i| window[i]);
                    window.sort_unstable_by(f32::total_cmp);
                    self.out[j * n + c] = window[WIDTH / 2];
                }
            }
            return;
        }
        let mut c = 0;
        loop {
            let heads: [&S::f32s; REACH] =
                std::array::from_fn(|i| &S::as_simd_f32s(&self.rows[i][c..c + S::F32_LANES]).0[0]);
            tile(
                simd,
                |i| *heads[i],
                |j, v| S::as_mut_simd_f32s(&mut self.out[j * n + c..][..S::F32_LANES]).0[0] = v,
            );
            if c + S::F32_LANES == n {
                break;
            }
            // The last vector overlaps its neighbour, so that it is full.
            c = (c + S::F32_LANES).min(n - S::F32_LANES);
        }
    }
}

struct Lanes<'a> {
    padded: &'a [[f32; LANES]],
    out: &'a mut [[f32; LANES]],
}

impl WithSimd for Lanes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for first in (0..self.out.len()).step_by(TILE) {
            let Some(reach) = self.padded[first..].first_chunk::<REACH>() else {
                return;
            };
            for v in (0..LANES).step_by(S::F32_LANES) {
                tile(
                    simd,
                    |i| S::as_simd_f32s(&reach[i][v..v + S::F32_LANES]).0[0],
                    |j, x| {
                        if let Some(out) = self.out.get_mut(first + j) {
                            S::as_mut_simd_f32s(&mut out[v..v + S::F32_LANES]).0[0] = x;
                        }
                    },
                );
            }
        }
    }
}

/// Compare and exchange: afterwards `v[a] <= v[b]` for each pair.
macro_rules! order {
    ($simd:ident, $v:ident: $($a:literal $b:literal),+) => {
        $(
            let (low, high) = ($simd.min_f32s($v[$a], $v[$b]), $simd.max_f32s($v[$a], $v[$b]));
            $v[$a] = low;
            $v[$b] = high;
        )+
    };
}

/// 16 medians of width 31: `put(j, median of x(j) ..= x(j + 30))`.
#[inline(always)]
fn tile<S: Simd>(simd: S, x: impl Fn(usize) -> S::f32s, mut put: impl FnMut(usize, S::f32s)) {
    let (left, right) = (four(simd, &x, 11), four(simd, &x, 31));
    let core = merge8(
        simd,
        merge4(simd, four(simd, &x, 15), four(simd, &x, 19)),
        merge4(simd, four(simd, &x, 23), four(simd, &x, 27)),
    );
    let halves = [
        middle8(simd, core, merge4(simd, four(simd, &x, 7), left)),
        middle8(simd, core, merge4(simd, right, four(simd, &x, 35))),
    ];
    for (h, half) in halves.into_iter().enumerate() {
        let added = if h == 0 {
            [four(simd, &x, 3), right]
        } else {
            [left, four(simd, &x, 39)]
        };
        for (q, added) in added.into_iter().enumerate() {
            let quarter = middle4(simd, half, added);
            let p = 8 * h + 4 * q;
            for (e, i) in [p + 1, p + 31].into_iter().enumerate() {
                let mut pair = [x(i), x(i + 1)];
                order!(simd, pair: 0 1);
                let [low, high] = middle2(simd, quarter, pair);
                let j = p + 2 * e;
                for (j, i) in [(j, j), (j + 1, j + 31)] {
                    put(j, simd.max_f32s(low, simd.min_f32s(high, x(i))));
                }
            }
        }
    }
}

/// `x(i) .. x(i + 4)`, sorted.
#[inline(always)]
fn four<S: Simd>(simd: S, x: &impl Fn(usize) -> S::f32s, i: usize) -> [S::f32s; 4] {
    let mut v = [x(i), x(i + 1), x(i + 2), x(i + 3)];
    order!(simd, v: 0 1, 2 3, 0 2, 1 3, 1 2);
    v
}

/// Batcher's odd-even merge of two sorted fours.
#[inline(always)]
fn merge4<S: Simd>(simd: S, a: [S::f32s; 4], b: [S::f32s; 4]) -> [S::f32s; 8] {
    let mut v = [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]];
    order!(simd, v: 0 4, 1 5, 2 6, 3 7, 2 4, 3 5, 1 2, 3 4, 5 6);
    v
}

/// Batcher's odd-even merge of two sorted eights.
#[inline(always)]
fn merge8<S: Simd>(simd: S, a: [S::f32s; 8], b: [S::f32s; 8]) -> [S::f32s; 16] {
    let mut v = [
        a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
    ];
    order!(simd, v: 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15);
    order!(simd, v: 4 8, 5 9, 6 10, 7 11);
    order!(simd, v: 2 4, 3 5, 6 8, 7 9, 10 12, 11 13);
    order!(simd, v: 1 2, 3 4, 5 6, 7 8, 9 10, 11 12, 13 14);
    v
}

/// Ranks 8..16 of the union of a sorted 16 and a sorted 8.
///
/// The larger of `a[i]` and `b[7 - i]`, for each `i`, are the union of `a`'s lower half and `b` without its eight
/// smallest values, first rising and then falling, so that a bitonic sorter orders them. The eight largest go likewise.
#[inline(always)]
fn middle8<S: Simd>(simd: S, a: [S::f32s; 16], b: [S::f32s; 8]) -> [S::f32s; 8] {
    let mut v: [S::f32s; 8] = std::array::from_fn(|i| simd.max_f32s(a[i], b[7 - i]));
    order!(simd, v: 0 4, 1 5, 2 6, 3 7, 0 2, 1 3, 4 6, 5 7, 0 1, 2 3, 4 5, 6 7);
    v = std::array::from_fn(|i| simd.min_f32s(v[i], a[15 - i]));
    order!(simd, v: 0 4, 1 5, 2 6, 3 7, 0 2, 1 3, 4 6, 5 7, 0 1, 2 3, 4 5, 6 7);
    v
}

/// Ranks 4..8 of the union of a sorted 8 and a sorted 4.
#[inline(always)]
fn middle4<S: Simd>(simd: S, a: [S::f32s; 8], b: [S::f32s; 4]) -> [S::f32s; 4] {
    let mut v: [S::f32s; 4] = std::array::from_fn(|i| simd.max_f32s(a[i], b[3 - i]));
    order!(simd, v: 0 2, 1 3, 0 1, 2 3);
    v = std::array::from_fn(|i| simd.min_f32s(v[i], a[7 - i]));
    order!(simd, v: 0 2, 1 3, 0 1, 2 3);
    v
}

/// Ranks 2..4 of the union of a sorted 4 and a sorted 2.
#[inline(always)]
fn middle2<S: Simd>(simd: S, a: [S::f32s; 4], b: [S::f32s; 2]) -> [S::f32s; 2] {
    let mut v = [simd.max_f32s(a[0], b[1]), simd.max_f32s(a[1], b[0])];
    order!(simd, v: 0 1);
    v = [simd.min_f32s(v[0], a[3]), simd.min_f32s(v[1], a[2])];
    order!(simd, v: 0 1);
    v
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: gather the mirrored window, sort it, take its middle.
    fn by_definition(line: &[f32], width: usize) -> Vec<f32> {
        let half = (width / 2) as isize;
        (0..line.len() as isize)
            .map(|t| {
                let mut w: Vec<f32> = (t - half..=t + half).map(|i| line[reflect(i, line.len())]).collect();
                w.sort_unstable_by(f32::total_cmp);
                w[half as usize]
            })
            .collect()
    }

    /// A line with many ties, since those are what a wrong rank hides behind or trips over.
    fn line(seed: u64, n: usize) -> Vec<f32> {
        let mut state = seed | 1;
        (0..n)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                ((state >> 40) % if seed.is_multiple_of(2) { 7 } else { 1 << 20 }) as f32
            })
            .collect()
    }

    #[test]
    fn reflection_is_scipys() {
        let at: Vec<usize> = (-5..8).map(|i| reflect(i, 3)).collect();
        assert_eq!(at, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(reflect(-3, 1), 0);
    }

    #[test]
    fn columns_of_a_tile_are_exact() {
        for seed in 0..40 {
            let n = 37;
            let flat = line(seed, REACH * n);
            let rows: [&[f32]; REACH] = std::array::from_fn(|i| &flat[i * n..(i + 1) * n]);
            let mut out = vec![0.0; TILE * n];
            tile31(&rows, &mut out);
            for c in 0..n {
                for j in 0..TILE {
                    let mut w: Vec<f32> = (j..j + WIDTH).map(|i| rows[i][c]).collect();
                    w.sort_unstable_by(f32::total_cmp);
                    assert_eq!(out[j * n + c], w[WIDTH / 2], "seed {seed}, column {c}, output {j}");
                }
            }
        }
    }

    #[test]
    fn lanes_are_exact_at_any_length() {
        for n in [1, 2, 7, 15, 16, 17, 31, 32, 100, 1025] {
            let flat = line(n as u64, n * LANES);
            let mut padded = Padded::new(n);
            for (row, c) in padded.lines_mut().iter_mut().zip(flat.chunks_exact(LANES)) {
                row.copy_from_slice(c);
            }
            let mut out = vec![[0.0; LANES]; n];
            padded.median31(&mut out);
            let lines = padded.lines();
            for l in 0..LANES {
                let one: Vec<f32> = lines.iter().map(|x| x[l]).collect();
                let got: Vec<f32> = out.iter().map(|x| x[l]).collect();
                assert_eq!(got, by_definition(&one, WIDTH), "length {n}, lane {l}");
            }
        }
    }

    #[test]
    fn columns_of_a_matrix_agree_between_the_routes() {
        let (rows, columns) = (50, 9);
        let m = line(3, rows * columns);
        for width in [31, 19] {
            let got = median_columns(&m, columns, width);
            for c in 0..columns {
                let one: Vec<f32> = m.iter().skip(c).step_by(columns).copied().collect();
                let of: Vec<f32> = got.iter().skip(c).step_by(columns).copied().collect();
                assert_eq!(of, by_definition(&one, width));
            }
        }
    }

    proptest! {
        #[test]
        fn any_width_is_exact(n in 1usize..80, half in 0usize..25, seed: u64) {
            let x = line(seed, n);
            let mut out = vec![0.0; n];
            running_median(&x, 2 * half + 1, &mut out);
            prop_assert_eq!(out, by_definition(&x, 2 * half + 1));
        }
    }
}
