//! Matrix products in `f32`, fast on one core and the same everywhere: each sum runs over its terms in order, by separate
//! multiplication and addition, however wide the processor's vectors are.
//!
//! Both factors are copied into panels ([`ROWS`] rows of the left one, [`COLUMNS`] columns of the right one), so that the
//! innermost loop reads memory in order and keeps its sums in registers (Goto and van de Geijn 2008, without the blocking
//! for larger caches: a panel of the sizes met here fits the first).

use crate::vectorized;

const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// A matrix as a slice with strides: element (i, j) is at `i·down + j·across`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    down: usize,
    across: usize,
}

impl<'a> Matrix<'a> {
    /// `rows` × `columns`, row by row.
    pub(super) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self {
            values: &values[..rows * columns],
            rows,
            columns,
            down: columns,
            across: 1,
        }
    }

    /// Its transpose.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            down: self.across,
            across: self.down,
            ..self
        }
    }
}

/// Room that products need; kept between them.
#[derive(Debug, Clone, Default)]
pub(super) struct Panels {
    left: Vec<[f32; ROWS]>,
    right: Vec<[f32; COLUMNS]>,
}

/// `out += a·b`, row by row.
pub(super) fn add_product(a: Matrix<'_>, b: Matrix<'_>, out: &mut [f32], panels: &mut Panels) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    if m == 0 || k == 0 || n == 0 {
        return;
    }
    let Panels { left, right } = panels;
    vectorized!({
        pack(b.transposed(), right);
        pack(a, left);
        for (i, left) in left.chunks_exact(k).enumerate() {
            for (j, right) in right.chunks_exact(k).enumerate() {
                let mut sums = [[0f32; COLUMNS]; ROWS];
                for (x, y) in left.iter().zip(right) {
                    for (sums, x) in sums.iter_mut().zip(x) {
                        for (sum, y) in sums.iter_mut().zip(y) {
                            *sum += x * y;
                        }
                    }
                }
                let (from, to) = (j * COLUMNS, ((j + 1) * COLUMNS).min(n));
                for (sums, row) in sums.iter().zip(i * ROWS..m) {
                    for (out, sum) in out[row * n + from..row * n + to].iter_mut().zip(sums) {
                        *out += sum;
                    }
                }
            }
        }
    });
}

/// Panels of `W` rows of `a` each: for each panel, the columns in order, zero beyond the last row.
#[inline(always)]
fn pack<const W: usize>(a: Matrix<'_>, panels: &mut Vec<[f32; W]>) {
    panels.clear();
    panels.resize(a.rows.div_ceil(W) * a.columns, [0.0; W]);
    for (panel, first) in panels.chunks_exact_mut(a.columns).zip((0..a.rows).step_by(W)) {
        if a.down == 1 && first + W <= a.rows {
            for (j, out) in panel.iter_mut().enumerate() {
                let at = j * a.across + first;
                out.copy_from_slice(&a.values[at..at + W]);
            }
            continue;
        }
        for (lane, row) in (first..a.rows.min(first + W)).enumerate() {
            let values = a.values[row * a.down..].iter().step_by(a.across);
            for (out, x) in panel.iter_mut().zip(values) {
                out[lane] = *x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, step: u32) -> Vec<f32> {
        (0..n as u32)
            .map(|i| (i.wrapping_mul(step).wrapping_add(17) % 101) as f32 / 50.0 - 1.0)
            .collect()
    }

    #[test]
    fn products_are_those_of_the_definition_bit_by_bit() {
        for (m, k, n) in [
            (1, 1, 1),
            (3, 5, 2),
            (4, 16, 16),
            (9, 33, 17),
            (70, 12, 40),
            (5, 0, 3),
            (16, 7, 1),
        ] {
            let (a, b) = (numbers(m * k, 7919), numbers(k * n, 104_729));
            let mut expected = numbers(m * n, 31);
            for i in 0..m {
                for j in 0..n {
                    let mut sum = 0f32;
                    for p in 0..k {
                        sum += a[i * k + p] * b[p * n + j];
                    }
                    expected[i * n + j] += sum;
                }
            }
            let transpose = |x: &[f32], rows: usize, columns: usize| -> Vec<f32> {
                (0..columns)
                    .flat_map(|j| (0..rows).map(move |i| (i, j)))
                    .map(|(i, j)| x[i * columns + j])
                    .collect()
            };
            let (at, bt) = (transpose(&a, m, k), transpose(&b, k, n));
            let left = [Matrix::new(&a, m, k), Matrix::new(&at, k, m).transposed()];
            let right = [Matrix::new(&b, k, n), Matrix::new(&bt, n, k).transposed()];
            let mut panels = Panels::default();
            for left in left {
                for right in right {
                    let mut out = numbers(m * n, 31);
                    add_product(left, right, &mut out, &mut panels);
                    assert_eq!(out, expected, "{m} {k} {n}");
                }
            }
        }
    }
}
