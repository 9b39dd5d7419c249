//! One tree, level by level, from histograms.
//!
//! Gradients are rounded to whole multiples of a power of two (30 bits) and summed as integers. Sums are then exact: they
//! do not depend on the order of rows or threads, and a sibling's histogram is its parent's less the other's, without error.

use std::ops::Range;

use super::bins::Column;
use super::lambda::Gradient;
use super::parallel::each;
use crate::model::trees::Tree;

/// What limits a tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub depth: usize,
    /// Added to the sum of hessians of a leaf (L2).
    pub lambda: f64,
    /// Least gain of a split.
    pub gamma: f64,
    /// Least sum of hessians of a child.
    pub min_child_weight: f64,
    pub learning_rate: f64,
    pub threads: usize,
}

/// Least gain of any split, as XGBoost has it: less is rounding.
const LEAST_GAIN: f64 = 1e-6;

/// A tree, and what finds its leaf by bins.
#[derive(Debug, Clone)]
pub(super) struct Grown {
    pub tree: Tree,
    /// At a split: up to which bin values go left.
    bins: Vec<u8>,
}

/// Sums of gradients and hessians, in units of [`Scale`].
type Sum = [i64; 2];

/// A unit of gradients and one of hessians.
#[derive(Debug, Clone, Copy)]
struct Scale([f64; 2]);

impl Scale {
    /// The powers of two by which the largest values have 30 bits.
    fn of(gradients: &[Gradient], rows: &[u32]) -> Self {
        let unit = |part: usize| {
            let most = rows
                .iter()
                .map(|r| gradients[*r as usize][part].abs())
                .fold(0.0, f64::max);
            if most > 0.0 {
                (most.log2().ceil() - 30.0).max(-1000.0).exp2()
            } else {
                1.0
            }
        };
        Self([unit(0), unit(1)])
    }

    fn whole(&self, g: Gradient) -> [i32; 2] {
        [0, 1].map(|i| (g[i] / self.0[i]).round() as i32)
    }

    fn real(&self, sum: Sum) -> [f64; 2] {
        [0, 1].map(|i| sum[i] as f64 * self.0[i])
    }
}

/// The best way to split a node by one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    gain: f64,
    bin: u8,
    missing_left: bool,
    left: Sum,
}

/// A node that may be split.
#[derive(Debug, Clone)]
struct Open {
    /// Its place in the tree.
    node: usize,
    /// Its rows, in [`Grower::rows`].
    rows: Range<usize>,
    sum: Sum,
}

/// A feature at work: its histograms of this level's nodes and of the one above.
struct Feature<'a> {
    index: usize,
    column: &'a Column,
    now: Vec<Sum>,
    above: Vec<Sum>,
    best: Vec<Option<Split>>,
}

struct Grower<'a> {
    limits: Limits,
    scale: Scale,
    columns: &'a [Column],
    /// Rows, those of one node side by side and ascending.
    rows: Vec<u32>,
    /// Their gradients.
    gradients: Vec<[i32; 2]>,
    tree: Tree,
    bins: Vec<u8>,
}

/// Grows a tree on `rows` (ascending) from the features `chosen`; `None` where not even the root can be split.
pub(super) fn grow(
    columns: &[Column],
    chosen: &[usize],
    rows: Vec<u32>,
    gradients: &[Gradient],
    limits: Limits,
) -> Option<Grown> {
    let scale = Scale::of(gradients, &rows);
    let gradients: Vec<[i32; 2]> = rows.iter().map(|r| scale.whole(gradients[*r as usize])).collect();
    let mut grower = Grower {
        limits,
        scale,
        columns,
        rows,
        gradients,
        tree: Tree::default(),
        bins: Vec::new(),
    };
    grower.run(chosen);
    (grower.tree.left.first() != Some(&-1)).then_some(Grown {
        tree: grower.tree,
        bins: grower.bins,
    })
}

impl Grower<'_> {
    fn run(&mut self, chosen: &[usize]) {
        let mut features: Vec<Feature<'_>> = chosen
            .iter()
            .map(|&index| Feature {
                index,
                column: &self.columns[index],
                now: Vec::new(),
                above: Vec::new(),
                best: Vec::new(),
            })
            .collect();
        let sum = self
            .gradients
            .iter()
            .fold([0; 2], |s, g| [s[0] + i64::from(g[0]), s[1] + i64::from(g[1])]);
        let root = Open {
            node: self.leaf(sum),
            rows: 0..self.rows.len(),
            sum,
        };
        let mut level = vec![root];
        // In which slot of the level above each pair of this level was.
        let mut parents: Vec<usize> = Vec::new();
        for _ in 0..self.limits.depth {
            self.search(&mut features, &level, &parents);
            let mut next = Vec::new();
            parents.clear();
            for (slot, open) in level.iter().enumerate() {
                // The first feature of the greatest gain, so that the number of threads does not show.
                let best = features
                    .iter()
                    .filter_map(|f| f.best[slot].map(|s| (f.index, s)))
                    .reduce(|a, b| if b.1.gain > a.1.gain { b } else { a });
                if let Some((feature, split)) = best {
                    next.extend(self.split(open, feature, &split));
                    parents.push(slot);
                }
            }
            level = next;
            if level.is_empty() {
                break;
            }
        }
        self.prune();
    }

    /// Histograms of all nodes of a level, and the best split of each by each feature.
    fn search(&self, features: &mut [Feature<'_>], level: &[Open], parents: &[usize]) {
        each(self.limits.threads, features, |f| {
            let width = f.column.width();
            std::mem::swap(&mut f.now, &mut f.above);
            f.now.clear();
            f.now.resize(width * level.len(), [0; 2]);
            if parents.is_empty() {
                self.count(f.column, &level[0], &mut f.now);
            }
            for (pair, &parent) in parents.iter().enumerate() {
                let (a, b) = (2 * pair, 2 * pair + 1);
                let small = if level[a].rows.len() <= level[b].rows.len() {
                    a
                } else {
                    b
                };
                let (first, second) = f.now[a * width..(b + 1) * width].split_at_mut(width);
                let (counted, other) = if small == a { (first, second) } else { (second, first) };
                self.count(f.column, &level[small], counted);
                let above = &f.above[parent * width..(parent + 1) * width];
                for ((x, c), p) in other.iter_mut().zip(counted).zip(above) {
                    *x = [p[0] - c[0], p[1] - c[1]];
                }
            }
            f.best.clear();
            for (open, histogram) in level.iter().zip(f.now.chunks_exact(width)) {
                f.best.push(self.best_split(histogram, open.sum));
            }
        });
    }

    fn count(&self, column: &Column, open: &Open, out: &mut [Sum]) {
        let mut histogram = [[0i64; 2]; 256];
        let rows = &self.rows[open.rows.clone()];
        for (row, g) in rows.iter().zip(&self.gradients[open.rows.clone()]) {
            let bin = &mut histogram[usize::from(column.codes[*row as usize])];
            bin[0] += i64::from(g[0]);
            bin[1] += i64::from(g[1]);
        }
        out.copy_from_slice(&histogram[..out.len()]);
    }

    fn best_split(&self, histogram: &[Sum], total: Sum) -> Option<Split> {
        let limits = &self.limits;
        // In whole units; one factor makes gains of them at the end.
        let [unit_g, unit_h] = self.scale.0;
        let factor = unit_g * unit_g / unit_h;
        let (lambda, least) = (limits.lambda / unit_h, (limits.min_child_weight / unit_h).max(1.0));
        let own = (total[0] as f64) * (total[0] as f64) / (total[1] as f64 + lambda);
        let (&missing, bins) = histogram.split_last()?;
        let mut best: Option<Split> = None;
        let mut best_gain = LEAST_GAIN / factor;
        let mut consider = |bin: usize, left: Sum, missing_left: bool| {
            let (gl, gr) = (left[0] as f64, (total[0] - left[0]) as f64);
            let (hl, hr) = (left[1] as f64, (total[1] - left[1]) as f64);
            if hl >= least && hr >= least {
                let (hl, hr) = (hl + lambda, hr + lambda);
                // The sum of both sides' G²/(H + lambda), by one division.
                let gain = (gl * gl * hr + gr * gr * hl) / (hl * hr) - own;
                if gain > best_gain {
                    best_gain = gain;
                    best = Some(Split {
                        gain: gain * factor,
                        bin: bin as u8,
                        missing_left,
                        left,
                    });
                }
            }
        };
        let mut below = [0i64; 2];
        // After the last bin nothing is left to split off.
        for (bin, sum) in bins.iter().enumerate().take(bins.len() - 1) {
            if *sum == [0; 2] {
                continue;
            }
            below = [below[0] + sum[0], below[1] + sum[1]];
            if missing == [0; 2] {
                // What will be missing goes where most is.
                consider(bin, below, 2 * below[1] > total[1]);
            } else {
                consider(bin, below, false);
                consider(bin, [below[0] + missing[0], below[1] + missing[1]], true);
            }
        }
        best
    }

    /// Splits a node; its children, the left one first.
    fn split(&mut self, open: &Open, feature: usize, split: &Split) -> [Open; 2] {
        let column = &self.columns[feature];
        let missing = column.missing();
        let (rows, gradients) = (
            &mut self.rows[open.rows.clone()],
            &mut self.gradients[open.rows.clone()],
        );
        let mut right = Vec::with_capacity(rows.len());
        let mut lefts = 0;
        for i in 0..rows.len() {
            let code = column.codes[rows[i] as usize];
            let left = if code == missing {
                split.missing_left
            } else {
                code <= split.bin
            };
            if left {
                (rows[lefts], gradients[lefts]) = (rows[i], gradients[i]);
                lefts += 1;
            } else {
                right.push((rows[i], gradients[i]));
            }
        }
        for (i, (row, gradient)) in right.into_iter().enumerate() {
            (rows[lefts + i], gradients[lefts + i]) = (row, gradient);
        }
        let middle = open.rows.start + lefts;
        let right = [open.sum[0] - split.left[0], open.sum[1] - split.left[1]];
        let children =
            [(open.rows.start..middle, split.left), (middle..open.rows.end, right)].map(|(rows, sum)| Open {
                node: self.leaf(sum),
                rows,
                sum,
            });
        let tree = &mut self.tree;
        tree.left[open.node] = children[0].node as i32;
        tree.right[open.node] = children[1].node as i32;
        tree.feature[open.node] = feature as u32;
        tree.value[open.node] = column.cuts[usize::from(split.bin)];
        tree.default_left[open.node] = split.missing_left;
        tree.gain[open.node] = split.gain as f32;
        self.bins[open.node] = split.bin;
        children
    }

    /// A new leaf.
    fn leaf(&mut self, sum: Sum) -> usize {
        let [g, h] = self.scale.real(sum);
        let weight = if h + self.limits.lambda > 0.0 {
            -g / (h + self.limits.lambda)
        } else {
            0.0
        };
        self.bins.push(0);
        self.tree
            .push_leaf((self.limits.learning_rate * weight) as f32, h as f32)
    }

    /// Takes back splits between leaves that gain less than gamma, from the bottom up, as XGBoost does: a split of small
    /// gain stays where one below it is worth having.
    fn prune(&mut self) {
        if self.limits.gamma <= LEAST_GAIN {
            return;
        }
        let tree = &mut self.tree;
        let mut kept = vec![true; tree.left.len()];
        for node in (0..tree.left.len()).rev() {
            let (l, r) = (tree.left[node], tree.right[node]);
            if l < 0 || f64::from(tree.gain[node]) >= self.limits.gamma {
                continue;
            }
            let (l, r) = (l as usize, r as usize);
            if tree.left[l] < 0 && tree.left[r] < 0 {
                let (a, b) = (f64::from(tree.cover[l]), f64::from(tree.cover[r]));
                let lambda = self.limits.lambda;
                // The sums of gradients, back from the leaves' values.
                let sum = f64::from(tree.value[l]) * (a + lambda) + f64::from(tree.value[r]) * (b + lambda);
                tree.value[node] = (sum / (a + b + lambda)) as f32;
                (tree.left[node], tree.right[node]) = (-1, -1);
                (tree.feature[node], tree.gain[node]) = (0, 0.0);
                tree.default_left[node] = false;
                self.bins[node] = 0;
                (kept[l], kept[r]) = (false, false);
            }
        }
        let mut place = vec![-1i32; kept.len()];
        let mut n = 0;
        for (p, k) in place.iter_mut().zip(&kept) {
            if *k {
                *p = n;
                n += 1;
            }
        }
        let moved = |child: &mut i32| {
            if let Ok(c) = usize::try_from(*child) {
                *child = place[c];
            }
        };
        tree.left.iter_mut().for_each(moved);
        tree.right.iter_mut().for_each(moved);
        retain(&mut tree.left, &kept);
        retain(&mut tree.right, &kept);
        retain(&mut tree.feature, &kept);
        retain(&mut tree.value, &kept);
        retain(&mut tree.default_left, &kept);
        retain(&mut tree.categories, &kept);
        retain(&mut tree.gain, &kept);
        retain(&mut tree.cover, &kept);
        retain(&mut self.bins, &kept);
    }
}

/// Keeps the items that `kept` marks.
fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(false));
}

impl Grown {
    /// The value that the tree adds to a row.
    pub(super) fn value(&self, columns: &[Column], row: usize) -> f32 {
        let tree = &self.tree;
        let mut node = 0;
        while tree.left[node] >= 0 {
            let column = &columns[tree.feature[node] as usize];
            let code = column.codes[row];
            let left = if code == column.missing() {
                tree.default_left[node]
            } else {
                code <= self.bins[node]
            };
            node = if left { tree.left[node] } else { tree.right[node] } as usize;
        }
        tree.value[node]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            depth: 3,
            lambda: 1.0,
            gamma: 0.0,
            min_child_weight: 0.5,
            learning_rate: 0.3,
            threads: 1,
        }
    }

    /// Rows by columns: noise, with holes, of which the second decides the gradient.
    fn problem() -> (Vec<Vec<f32>>, Vec<Gradient>) {
        let noise =
            |i: usize, salt: u64| (super::super::lambda::scatter(i as u64 ^ (salt << 32)) % 1000) as f32 / 100.0;
        let columns: Vec<Vec<f32>> = (0..4)
            .map(|c| {
                (0..300)
                    .map(|i| {
                        if c > 0 && (i + c) % 7 == 0 {
                            f32::NAN
                        } else {
                            noise(i, c as u64)
                        }
                    })
                    .collect()
            })
            .collect();
        let gradients = (0..300)
            .map(|i| {
                let x = columns[1][i];
                let target = if x.is_nan() {
                    2.0
                } else if x < 4.0 {
                    1.0
                } else {
                    -1.0
                };
                [
                    -target + f64::from(noise(i, 9)) * 0.2,
                    1.0 + f64::from(noise(i, 8)) * 0.02,
                ]
            })
            .collect();
        (columns, gradients)
    }

    fn binned(columns: &[Vec<f32>], bins: usize) -> Vec<Column> {
        columns.iter().map(|c| Column::of(c, c.len(), bins, 0)).collect()
    }

    /// The best split of the rows, by trying all: gain and the rows that go left.
    fn brute_force(
        columns: &[Vec<f32>],
        cuts: &[Column],
        g: &[Gradient],
        rows: &[usize],
        l: Limits,
    ) -> (f64, Vec<usize>) {
        let value = |rows: &[usize]| {
            let (g, h) = rows.iter().fold((0.0, 0.0), |s, r| (s.0 + g[*r][0], s.1 + g[*r][1]));
            (g * g / (h + l.lambda), h)
        };
        let mut best = (0.0, Vec::new());
        for (c, column) in columns.iter().enumerate() {
            for cut in &cuts[c].cuts {
                for missing_left in [false, true] {
                    let goes = |r: &usize| {
                        if column[*r].is_nan() {
                            missing_left
                        } else {
                            column[*r] < *cut
                        }
                    };
                    let (left, right): (Vec<usize>, Vec<usize>) = rows.iter().copied().partition(goes);
                    let (a, b) = (value(&left), value(&right));
                    let gain = a.0 + b.0 - value(rows).0;
                    if a.1 >= l.min_child_weight && b.1 >= l.min_child_weight && gain > best.0 + 1e-9 {
                        best = (gain, left);
                    }
                }
            }
        }
        best
    }

    #[test]
    fn splits_are_those_of_brute_force() {
        let (raw, g) = problem();
        for bins in [8, 255] {
            let columns = binned(&raw, bins);
            let grown = grow(&columns, &[0, 1, 2, 3], (0..300).collect(), &g, limits()).unwrap();
            let tree = &grown.tree;
            // Each node's rows, by the tree itself on the raw values.
            let mut held: Vec<Vec<usize>> = vec![Vec::new(); tree.left.len()];
            held[0] = (0..300).collect();
            for node in 0..tree.left.len() {
                let rows = held[node].clone();
                let (h, gsum) = rows.iter().fold((0.0, 0.0), |s, r| (s.0 + g[*r][1], s.1 + g[*r][0]));
                assert!((f64::from(tree.cover[node]) - h).abs() < 1e-4);
                if tree.left[node] < 0 {
                    assert!((f64::from(tree.value[node]) + 0.3 * gsum / (h + 1.0)).abs() < 1e-6);
                    continue;
                }
                let (gain, left) = brute_force(&raw, &columns, &g, &rows, limits());
                assert!((f64::from(tree.gain[node]) - gain).abs() < 1e-4 * gain.max(1.0));
                let column = &raw[tree.feature[node] as usize];
                let goes = |r: &usize| {
                    if column[*r].is_nan() {
                        tree.default_left[node]
                    } else {
                        column[*r] < tree.value[node]
                    }
                };
                let (own, other): (Vec<usize>, Vec<usize>) = rows.iter().copied().partition(goes);
                assert!(own == left || other == left, "node {node}");
                held[tree.left[node] as usize] = own;
                held[tree.right[node] as usize] = other;
            }
            assert_eq!(tree.feature[0], 1, "the feature that decides comes first");
        }
    }

    #[test]
    fn bins_and_values_lead_to_the_same_leaf() {
        let (raw, g) = problem();
        let columns = binned(&raw, 16);
        let grown = grow(&columns, &[1, 2, 3], (0..200).collect(), &g, limits()).unwrap();
        let tree = &grown.tree;
        for row in 0..300 {
            let values: Vec<f32> = raw.iter().map(|column| column[row]).collect();
            let mut node = 0;
            while tree.left[node] >= 0 {
                let x = values[tree.feature[node] as usize];
                let left = if x.is_nan() {
                    tree.default_left[node]
                } else {
                    x < tree.value[node]
                };
                node = if left { tree.left[node] } else { tree.right[node] } as usize;
            }
            assert_eq!(grown.value(&columns, row), tree.value[node]);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let (raw, g) = problem();
        let columns = binned(&raw, 255);
        let with = |threads| {
            grow(
                &columns,
                &[0, 1, 2, 3],
                (0..300).collect(),
                &g,
                Limits { threads, ..limits() },
            )
        };
        let one = with(1).unwrap().tree;
        for threads in [2, 3, 8] {
            assert_eq!(with(threads).unwrap().tree, one);
        }
    }

    #[test]
    fn limits_limit() {
        let (raw, g) = problem();
        let columns = binned(&raw, 255);
        let with = |l: Limits| grow(&columns, &[0, 1, 2, 3], (0..300).collect(), &g, l).map(|g| g.tree);
        let free = with(limits()).unwrap();
        assert!(free.left.len() > 7 && free.left.len() <= 15);
        assert_eq!(with(Limits { depth: 1, ..limits() }).unwrap().left.len(), 3);
        let heavy = with(Limits {
            min_child_weight: 60.0,
            ..limits()
        })
        .unwrap();
        assert!(heavy.cover.iter().all(|c| *c >= 60.0));
        assert_eq!(
            with(Limits {
                min_child_weight: 1e6,
                ..limits()
            }),
            None
        );
        assert_eq!(with(Limits { gamma: 1e9, ..limits() }), None);
        let pruned = with(Limits {
            gamma: 20.0,
            ..limits()
        })
        .unwrap();
        assert!(pruned.left.len() < free.left.len());
        for node in 0..pruned.left.len() {
            if let (Ok(l), Ok(r)) = (usize::try_from(pruned.left[node]), usize::try_from(pruned.right[node])) {
                assert!(pruned.left[l] >= 0 || pruned.left[r] >= 0 || pruned.gain[node] >= 20.0);
                assert!((pruned.cover[l] + pruned.cover[r] - pruned.cover[node]).abs() < 1e-3);
            }
        }
    }
}
