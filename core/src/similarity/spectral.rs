//! The order and the bins of a graph, by the eigenvectors of its normalised Laplacian.
//!
//! L = I − D^(−½) S D^(−½), where S are the similarities and D their sums. Its eigenvalues lie from 0 to 2; the vector of the least
//! is D^(½) 1 and says nothing. The next is Fiedler's: laid out by it, what belongs together stands together (M. Fiedler, 1973;
//! U. von Luxburg, "A tutorial on spectral clustering", 2007).
//!
//! **Graphs that fall apart.** Mutual neighbours often make several components, and the eigenvalue 0 then has a vector for each:
//! any mixture of them would do, and a solver returns whichever rounding prefers. What is wanted is a choice that says
//! which components are near each other, so the *faint* graph (raw similarities) decides: the vectors are those that remain
//! as an infinitesimal share of it is added (first-order perturbation of a degenerate eigenvalue), found on a small graph whose
//! nodes are the components. Nodes are then ordered by component first, and within one by its own Fiedler vector.
//!
//! **Order.** Nodes stand in the order of D^(−½) times the Fiedler vector, the relaxed normalised cut (J. Shi and J. Malik, 2000), not
//! of the vector itself, whose entries shrink with a node's degree: the ends of a chain would fold inwards.
//!
//! **Signs.** A vector and its negative are equal; the one whose largest entry (the first, of those equal to 1e-9) is positive
//! is taken. So the order does not depend on the solver.

pub mod eigen;

use eigen::{BLOCK, Block, Eigen, leading, symmetric};

use super::graph::Graph;

/// Eigenvalues that are reported.
pub const VALUES: usize = 10;
/// Eigenvectors that become pseudo-labels.
pub const VECTORS: usize = 3;
/// Bins along the order.
pub const BINS: usize = 4;
/// Up to this many nodes all eigenvectors are found.
const DENSE: usize = 400;

/// Where each node of a graph lies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// The least eigenvalues of the Laplacian, at most [`VALUES`].
    pub eigenvalues: Vec<f64>,
    /// Number of connected components.
    pub components: usize,
    /// Fiedler's vector; zeros for a single node.
    pub fiedler: Vec<f64>,
    /// The vectors of the least eigenvalues but the first, Fiedler's the first; at most [`VECTORS`].
    pub vectors: Vec<Vec<f64>>,
    /// The nodes in order.
    pub order: Vec<usize>,
    /// The bin of each node, by its place in the order: `0..BINS`, of equal size.
    pub bins: Vec<usize>,
    /// For each node and vector whether its entry is at least the median.
    pub above: Vec<Vec<bool>>,
}

/// Lays out `graph`. Where it falls apart, `faint` says which parts are near each other: similarities of the same nodes.
pub fn layout(graph: &Graph, faint: &Graph) -> Layout {
    let n = graph.len();
    if n == 0 {
        return Layout::default();
    }
    let degrees: Vec<f64> = graph.degrees().into_iter().map(|d| d.max(1e-8)).collect();
    let (component, count) = graph.components();
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (i, c) in component.iter().enumerate() {
        members[*c].push(i);
    }
    let places = between(&component, count, &degrees, faint);
    // Values with their vectors: of the null space, then of each component but its trivial one.
    let mut found: Vec<(f64, Vec<f64>)> = places
        .iter()
        .map(|place| (0.0, lift(place, &component, &degrees)))
        .collect();
    let mut within = vec![0.0; n];
    for nodes in members.iter().filter(|m| m.len() > 1) {
        let inner = component_vectors(graph, nodes, &degrees);
        for (rank, (value, mut vector)) in inner.values.into_iter().zip(inner.vectors).enumerate() {
            if rank == 0 {
                continue;
            }
            orient(&mut vector);
            if rank == 1 {
                nodes
                    .iter()
                    .zip(&vector)
                    .for_each(|(i, x)| within[*i] = *x / degrees[*i].sqrt());
            }
            let mut whole = vec![0.0; n];
            nodes.iter().zip(&vector).for_each(|(i, x)| whole[*i] = *x);
            found.push((value.max(0.0), whole));
        }
    }
    // Stable: of equal values, the earlier component's first.
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    let eigenvalues = found.iter().map(|(value, _)| *value).take(VALUES).collect();
    let vectors: Vec<Vec<f64>> = found.into_iter().map(|(_, v)| v).skip(1).take(VECTORS).collect();
    let place = |i: usize| places.get(1).map_or(0.0, |p| p[component[i]]);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| {
        let parts = place(i).total_cmp(&place(j)).then(component[i].cmp(&component[j]));
        parts.then(within[i].total_cmp(&within[j])).then(i.cmp(&j))
    });
    let mut bins = vec![0; n];
    for (rank, i) in order.iter().enumerate() {
        bins[*i] = rank * BINS / n;
    }
    let above = vectors.iter().map(|v| at_least_median(v)).collect::<Vec<_>>();
    Layout {
        eigenvalues,
        components: count,
        fiedler: vectors.first().cloned().unwrap_or_else(|| vec![0.0; n]),
        above: (0..n).map(|i| above.iter().map(|a| a[i]).collect()).collect(),
        vectors,
        order,
        bins,
    }
}

/// How the components lie to each other: for each of the least eigenvectors between them, trivial one first, a place for
/// each component.
fn between(component: &[usize], count: usize, degrees: &[f64], faint: &Graph) -> Vec<Vec<f64>> {
    let mut volumes = vec![0.0; count];
    component.iter().zip(degrees).for_each(|(c, d)| volumes[*c] += d);
    let mut links: Vec<std::collections::BTreeMap<u32, f64>> = vec![std::collections::BTreeMap::new(); count];
    if count > 1 {
        for (i, c) in component.iter().enumerate() {
            for (j, w) in faint.row(i).filter(|(j, _)| component[*j] != *c) {
                *links[*c].entry(component[j] as u32).or_default() += f64::from(w);
            }
        }
    }
    // The eigenvalues of V^(−½) (diag(W 1) − W) V^(−½), least first: those of c·I minus it, largest first.
    let sums: Vec<f64> = links.iter().map(|l| l.values().sum()).collect();
    let most = sums
        .iter()
        .zip(&volumes)
        .map(|(s, v)| 2.0 * s / v)
        .fold(1e-12, f64::max);
    let eigen = if count <= DENSE {
        let mut a = vec![0.0; count * count];
        for (i, row) in links.iter().enumerate() {
            a[i * count + i] = sums[i] / volumes[i];
            for (j, w) in row {
                let j = *j as usize;
                a[i * count + j] -= w / (volumes[i] * volumes[j]).sqrt();
            }
        }
        symmetric(a, count)
    } else {
        let apply = |x: &Block, y: &mut Block| {
            for (i, (y, row)) in y.iter_mut().zip(&links).enumerate() {
                *y = x[i].map(|x| (1.0 - 2.0 * sums[i] / volumes[i] / most) * x);
                for (j, w) in row {
                    let j = *j as usize;
                    let w = 2.0 * w / (volumes[i] * volumes[j]).sqrt() / most;
                    y.iter_mut().zip(&x[j]).for_each(|(y, x)| *y += w * x);
                }
            }
        };
        leading(count, VALUES, &apply)
    };
    let mut places: Vec<Vec<f64>> = eigen.vectors.into_iter().take(VALUES).collect();
    for place in &mut places {
        orient(place);
        place.iter_mut().zip(&volumes).for_each(|(x, v)| *x /= v.sqrt());
    }
    places
}

/// A place for each component as an eigenvector of all nodes, of unit length.
fn lift(place: &[f64], component: &[usize], degrees: &[f64]) -> Vec<f64> {
    component
        .iter()
        .zip(degrees)
        .map(|(c, d)| place[*c] * d.sqrt())
        .collect()
}

/// The least eigenvalues and vectors of one component's Laplacian, over its own nodes.
fn component_vectors(graph: &Graph, nodes: &[usize], degrees: &[f64]) -> Eigen {
    let n = nodes.len();
    let mut index = std::collections::HashMap::with_capacity(n);
    nodes.iter().enumerate().for_each(|(k, i)| {
        index.insert(*i, k);
    });
    let rows: Vec<Vec<(usize, f64)>> = nodes
        .iter()
        .map(|i| {
            let scaled =
                |(j, w): (usize, f32)| Some((*index.get(&j)?, f64::from(w) / (degrees[*i] * degrees[j]).sqrt()));
            graph.row(*i).filter_map(scaled).collect()
        })
        .collect();
    if n <= DENSE {
        let mut a = vec![0.0; n * n];
        for (i, row) in rows.iter().enumerate() {
            row.iter().for_each(|(j, w)| a[i * n + j] -= w);
            a[i * n + i] += 1.0;
        }
        let mut eigen = symmetric(a, n);
        eigen.values.truncate(VALUES);
        eigen.vectors.truncate(VALUES);
        return eigen;
    }
    let apply = |x: &Block, y: &mut Block| {
        for (y, row) in y.iter_mut().zip(&rows) {
            *y = [0.0; BLOCK];
            for (j, w) in row {
                y.iter_mut().zip(&x[*j]).for_each(|(y, x)| *y += w * x);
            }
        }
    };
    let mut eigen = leading(n, VALUES, &apply);
    eigen.values.iter_mut().for_each(|x| *x = 1.0 - *x);
    eigen
}

/// Turns a vector so that its largest entry is positive.
fn orient(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let first = vector.iter().find(|x| x.abs() >= largest - 1e-9);
    if first.is_some_and(|x| *x < 0.0) {
        vector.iter_mut().for_each(|x| *x = -*x);
    }
}

fn at_least_median(values: &[f64]) -> Vec<bool> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let median = if n.is_multiple_of(2) && n > 0 {
        (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0
    } else {
        sorted.get(n / 2).copied().unwrap_or(0.0)
    };
    values.iter().map(|x| *x >= median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(n: usize, weight: impl Fn(usize, usize) -> f32) -> Graph {
        Graph::from_rows((0..n).map(|i| {
            let row = (0..n).map(|j| (j as u32, if i == j { 1.0 } else { weight(i, j) }));
            row.filter(|(_, w)| *w > 0.0).collect()
        }))
    }

    fn none() -> Graph {
        graph(0, |_, _| 0.0)
    }

    /// Whether `order` runs through 0..n one way or the other.
    fn runs(order: &[usize]) -> bool {
        order.windows(2).all(|w| w[1] == w[0] + 1) || order.windows(2).all(|w| w[0] == w[1] + 1)
    }

    #[test]
    fn a_shuffled_chain_is_put_in_order() {
        for n in [2, 3, 10, 50, 430] {
            // Node i stands at place (i * 7) % n of the chain, where 7 does not divide n.
            let step = if n % 7 == 0 { 11 } else { 7 };
            let place = |i: usize| i * step % n;
            let chain = graph(n, |i, j| if place(i).abs_diff(place(j)) == 1 { 0.5 } else { 0.0 });
            let layout = layout(&chain, &none());
            let places: Vec<usize> = layout.order.iter().map(|i| place(*i)).collect();
            assert!(runs(&places), "{n}: {places:?}");
            assert!(layout.eigenvalues[0].abs() < 1e-9 && layout.eigenvalues[1] > 0.0);
            assert_eq!(layout.components, 1);
        }
    }

    #[test]
    fn parts_stand_together_in_the_order_of_their_nearness() {
        // Five groups without a link between them, in every size; faintly, group g is near g ± 1. Both the dense way and
        // the other.
        for size in [4, 90] {
            let group = |i: usize| [3usize, 0, 4, 1, 2][i % 5];
            let n = 5 * size;
            let sharp = graph(n, |i, j| {
                if group(i) == group(j) {
                    0.3 + 0.001 * (i + j) as f32 / n as f32
                } else {
                    0.0
                }
            });
            let faint = graph(n, |i, j| 0.5f32.powi(group(i).abs_diff(group(j)) as i32 * 3));
            let layout = layout(&sharp, &faint);
            assert_eq!(layout.components, 5);
            let mut groups: Vec<usize> = layout.order.iter().map(|i| group(*i)).collect();
            groups.dedup();
            assert!(groups.len() == 5 && runs(&groups), "{groups:?}");
            // Vectors are eigenvectors: of 0, of unit length, and apart.
            assert!(layout.eigenvalues[..5].iter().all(|v| *v == 0.0) && layout.eigenvalues[5] > 0.1);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            for (k, v) in layout.vectors.iter().enumerate() {
                assert!((dot(v, v) - 1.0).abs() < 1e-9);
                assert!(layout.vectors[..k].iter().all(|w| dot(v, w).abs() < 1e-9));
            }
        }
    }

    #[test]
    fn bins_are_quarters_and_signs_are_halves() {
        let n = 40;
        let chain = graph(n, |i, j| (-(i.abs_diff(j) as f32) / 2.0).exp());
        let layout = layout(&chain, &none());
        for bin in 0..BINS {
            assert_eq!(layout.bins.iter().filter(|b| **b == bin).count(), n / BINS);
        }
        for k in 0..VECTORS {
            assert_eq!(layout.above.iter().filter(|a| a[k]).count(), n / 2);
        }
        assert_eq!(layout.eigenvalues.len(), VALUES);
        assert!(layout.eigenvalues.windows(2).all(|w| w[0] <= w[1]));
        // The sign is fixed: the largest entry is positive.
        for v in &layout.vectors {
            let largest = v
                .iter()
                .fold(0.0f64, |m, x| if x.abs() > m.abs() + 1e-9 { *x } else { m });
            assert!(largest > 0.0);
        }
    }

    #[test]
    fn few_nodes_and_nodes_that_are_all_alike() {
        assert_eq!(layout(&none(), &none()), Layout::default());
        let one = layout(&graph(1, |_, _| 0.0), &none());
        assert_eq!(
            (one.order, one.bins, one.fiedler, one.components),
            (vec![0], vec![0], vec![0.0], 1)
        );
        assert!(one.vectors.is_empty() && one.above == [Vec::<bool>::new()]);
        let apart = layout(&graph(3, |_, _| 0.0), &graph(3, |_, _| 0.0));
        assert_eq!(
            (apart.components, apart.order.len(), apart.eigenvalues),
            (3, 3, vec![0.0; 3])
        );
        let alike = layout(&graph(6, |_, _| 1.0), &none());
        let mut order = alike.order.clone();
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4, 5]);
        assert!(alike.fiedler.iter().all(|x| x.is_finite()));
        // More than the dense way takes: a multiple eigenvalue all the same.
        let many = layout(&graph(DENSE + 20, |_, _| 1.0), &none());
        assert!(many.eigenvalues[0].abs() < 1e-6 && (many.eigenvalues[5] - 1.0).abs() < 1e-6);
    }
}
