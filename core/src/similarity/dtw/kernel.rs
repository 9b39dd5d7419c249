//! The cells of an anti-diagonal do not depend on each other, so they are done a vector at a time.
//!
//! The query is taken in strips of [`STRIP`] rows, which live in the first-level cache. Row `r` of a strip meets column
//! `d − r` on diagonal `d`: with the other sequence reversed, costs and predecessors of neighbouring rows are neighbours in
//! memory. A cell's state packs the number of its path's cells (high half) and the column where that path began (low half).
//! Between strips only one row is kept; its least cost bounds all that can follow, which is where work is abandoned.

use pulp::{Arch, Simd, WithSimd};

use super::super::sequence::ROWS;
use super::{Alignment, Frames};

/// Zeros after the rows of [`Frames`], and on both sides of the reversed one: a whole vector more than is read past an end.
pub(super) const PAD: usize = 32;
/// Rows of the query that are done at once: eight seconds. What a diagonal needs of all arrays is then some 20 kB.
const STRIP: usize = 352;
/// The widest vector; diagonals are done in multiples of the machine's own.
const LANES: usize = 16;
/// One more cell in a state.
const CELL: u32 = 1 << 16;

/// One diagonal of a strip: index 0 is the row above the strip, index r + 1 its row r.
#[derive(Debug)]
struct Diagonal {
    cost: Box<[f32]>,
    state: Box<[u32]>,
}

impl Default for Diagonal {
    fn default() -> Self {
        Self {
            cost: vec![f32::INFINITY; STRIP + LANES].into(),
            state: vec![0; STRIP + LANES].into(),
        }
    }
}

impl Diagonal {
    fn clear(&mut self) {
        self.cost.fill(f32::INFINITY);
        self.state.fill(0);
    }
}

/// What is kept between pairs: memory only.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    reversed: [Vec<f32>; ROWS],
    /// The row above the strip, then the strip's last row.
    cost: Vec<f32>,
    state: Vec<u32>,
    diagonals: [Diagonal; 3],
}

impl Scratch {
    /// Neither sequence is empty or longer than 16 bits can count.
    pub(super) fn align(&mut self, query: &Frames, other: &Frames, bound: f32) -> Option<Alignment> {
        for (reversed, row) in self.reversed.iter_mut().zip(&other.rows) {
            reversed.clear();
            reversed.resize(PAD, 0.0);
            reversed.extend(row[..other.len].iter().rev());
            reversed.resize(other.len + 2 * PAD, 0.0);
        }
        self.first_row(query, other);
        // A path has at least a cell for each row, and at most one for each row and column together.
        let most = (query.len + other.len - 1) as f32;
        let mut row = 1;
        while row < query.len {
            if bound < f32::INFINITY && self.cost.iter().fold(f32::INFINITY, |a, x| a.min(*x)) > bound * most {
                return None;
            }
            let rows = (query.len - row).min(STRIP);
            Arch::new().dispatch(Strip {
                scratch: self,
                query,
                columns: other.len,
                row,
                rows,
            });
            row += rows;
        }
        let mut best = 0;
        for (j, cost) in self.cost.iter().enumerate() {
            if *cost < self.cost[best] {
                best = j;
            }
        }
        let cells = (self.state[best] >> 16) as usize;
        Some(Alignment {
            distance: self.cost[best] / cells.max(1) as f32,
            cells,
            start: (self.state[best] & 0xffff) as usize,
            end: best + 1,
        })
    }

    /// A path may begin on any column.
    fn first_row(&mut self, query: &Frames, other: &Frames) {
        self.cost.clear();
        self.cost.extend((0..other.len).map(|j| {
            let dot: f32 = query.rows.iter().zip(&other.rows).map(|(a, b)| a[0] * b[j]).sum();
            (1.0 - dot).max(0.0)
        }));
        self.state.clear();
        self.state.extend((0..other.len as u32).map(|j| CELL | j));
    }
}

/// `rows` rows of the query from `row` on.
struct Strip<'a> {
    scratch: &'a mut Scratch,
    query: &'a Frames,
    columns: usize,
    row: usize,
    rows: usize,
}

impl WithSimd for Strip<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            scratch,
            query,
            columns,
            row,
            rows,
        } = self;
        let [two_before, before, now] = &mut scratch.diagonals;
        let (mut two_before, mut before, mut now) = (two_before, before, now);
        for diagonal in [&mut *two_before, &mut *before, &mut *now] {
            diagonal.clear();
        }
        for d in 0..columns + rows - 1 {
            if let (Some(cost), Some(state)) = (scratch.cost.get(d), scratch.state.get(d)) {
                (before.cost[0], before.state[0]) = (*cost, *state);
            }
            // Rows that lie on this diagonal, to whole vectors. Those above have columns past the end, whose values nothing
            // within reads; those below have columns before the start, where all is infinite and stays so.
            let from = d.saturating_sub(columns - 1) / S::F32_LANES * S::F32_LANES;
            let to = (d.min(rows - 1) / S::F32_LANES + 1) * S::F32_LANES;
            let n = to - from;
            let shift = PAD + columns - 1 + from - d;
            let a: [&[f32]; ROWS] = query.rows.each_ref().map(|r| &r[row + from..row + to]);
            let b: [&[f32]; ROWS] = scratch.reversed.each_ref().map(|r| &r[shift..shift + n]);
            diagonal(
                simd,
                a,
                b,
                (&two_before.cost[from..to], &two_before.state[from..to]),
                (&before.cost[from + 1..to + 1], &before.state[from + 1..to + 1]),
                (&before.cost[from..to], &before.state[from..to]),
                (&mut now.cost[from + 1..to + 1], &mut now.state[from + 1..to + 1]),
            );
            if let Some(j) = (d + 1).checked_sub(rows)
                && let (Some(cost), Some(state)) = (scratch.cost.get_mut(j), scratch.state.get_mut(j))
            {
                (*cost, *state) = (now.cost[rows], now.state[rows]);
            }
            (two_before, before, now) = (before, now, two_before);
        }
    }
}

type Cells<'a> = (&'a [f32], &'a [u32]);

/// One diagonal: all slices have one length, a multiple of the machine's vectors.
#[inline(always)]
fn diagonal<S: Simd>(
    simd: S,
    a: [&[f32]; ROWS],
    b: [&[f32]; ROWS],
    across: Cells<'_>,
    along: Cells<'_>,
    down: Cells<'_>,
    now: (&mut [f32], &mut [u32]),
) {
    let (now_cost, now_state) = (S::as_mut_simd_f32s(now.0).0, S::as_mut_simd_u32s(now.1).0);
    let n = now_cost.len();
    let a = a.map(|x| &S::as_simd_f32s(x).0[..n]);
    let b = b.map(|x| &S::as_simd_f32s(x).0[..n]);
    let f = |x| &S::as_simd_f32s(x).0[..n];
    let u = |x| &S::as_simd_u32s(x).0[..n];
    let (across_cost, along_cost, down_cost) = (f(across.0), f(along.0), f(down.0));
    let (across_state, along_state, down_state) = (u(across.1), u(along.1), u(down.1));
    let now_state = &mut now_state[..n];
    let (one, zero, cell) = (simd.splat_f32s(1.0), simd.splat_f32s(0.0), simd.splat_u32s(CELL));
    for v in 0..n {
        // Not fused: the same bits on every machine.
        let mut dot = simd.mul_f32s(a[0][v], b[0][v]);
        for k in 1..ROWS {
            dot = simd.add_f32s(dot, simd.mul_f32s(a[k][v], b[k][v]));
        }
        let local = simd.max_f32s(simd.sub_f32s(one, dot), zero);
        let (mut cost, mut state) = (across_cost[v], across_state[v]);
        for (other, other_state) in [(along_cost[v], along_state[v]), (down_cost[v], down_state[v])] {
            let less = simd.less_than_f32s(other, cost);
            cost = simd.select_f32s(less, other, cost);
            state = simd.select_u32s(less, other_state, state);
        }
        now_cost[v] = simd.add_f32s(cost, local);
        now_state[v] = simd.add_u32s(state, cell);
    }
}
