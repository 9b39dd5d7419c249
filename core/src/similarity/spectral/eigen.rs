//! Eigenvectors of symmetric matrices: all of a small one, the leading ones of a large one.
//!
//! Small: Householder's reduction to tridiagonal form and the implicit QL iteration (EISPACK's `tred2` and `tql2`: B. T. Smith
//! et al., 1976; R. S. Martin, C. Reinsch and J. H. Wilkinson, 1968). Large: subspace iteration with a Chebyshev filter (Y. Zhou
//! et al., "Self-consistent-field calculations using Chebyshev-filtered subspace iteration", 2006), which finds as many of
//! one multiple eigenvalue as the block is wide, where a single Krylov sequence would find one.

use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

/// Eigenvalues in rising order, each with its vector of unit length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Eigen {
    /// The eigenvalues.
    pub values: Vec<f64>,
    /// Their vectors, in the same order.
    pub vectors: Vec<Vec<f64>>,
}

/// All eigenvalues and vectors of the symmetric matrix `a` of `n` rows, which is used up. Its lower triangle is read.
pub fn symmetric(mut a: Vec<f64>, n: usize) -> Eigen {
    if n == 0 || a.len() < n * n {
        return Eigen::default();
    }
    let (mut d, mut e) = tridiagonal(&mut a, n);
    implicit_ql(&mut d, &mut e, &mut a, n);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| d[*i].total_cmp(&d[*j]));
    Eigen {
        values: order.iter().map(|k| d[*k]).collect(),
        vectors: order.iter().map(|k| a[k * n..(k + 1) * n].to_vec()).collect(),
    }
}

/// Reduces `a` to a tridiagonal matrix with diagonal `d` and `e[i]` between `i` and `i + 1`. Row `k` of `a` becomes column
/// `k` of the transformation, so that rotations of columns later run over contiguous memory.
fn tridiagonal(a: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    // A ← H A H for reflections H = I − β v vᵀ that clear column k below its subdiagonal; Q = H₀ H₁ ….
    let mut reflections: Vec<(Vec<f64>, f64)> = Vec::with_capacity(n);
    let mut p = vec![0.0; n];
    for k in 0..n.saturating_sub(2) {
        let mut v: Vec<f64> = (k + 1..n).map(|i| a[i * n + k]).collect();
        let tail: f64 = v[1..].iter().map(|x| x * x).sum();
        if tail == 0.0 {
            reflections.push((Vec::new(), 0.0));
            continue;
        }
        let norm = (v[0] * v[0] + tail).sqrt();
        let alpha = if v[0] > 0.0 { -norm } else { norm };
        v[0] -= alpha;
        let beta = 2.0 / (v[0] * v[0] + tail);
        // p = β A v over the trailing block; then A ← A − v wᵀ − w vᵀ with w = p − (β/2)(pᵀ v) v.
        let p = &mut p[..v.len()];
        for (i, p) in p.iter_mut().enumerate() {
            let row = &a[(k + 1 + i) * n + k + 1..(k + 2 + i) * n];
            *p = beta * dot(row, &v);
        }
        let half = 0.5 * beta * dot(p, &v);
        p.iter_mut().zip(&v).for_each(|(p, v)| *p -= half * v);
        for i in 0..v.len() {
            let row = &mut a[(k + 1 + i) * n + k + 1..(k + 2 + i) * n];
            let (vi, wi) = (v[i], p[i]);
            for ((x, v), w) in row.iter_mut().zip(&v).zip(p.iter()) {
                *x -= vi * w + wi * v;
            }
        }
        a[(k + 1) * n + k] = alpha;
        reflections.push((v, beta));
    }
    let d = (0..n).map(|i| a[i * n + i]).collect();
    let mut e: Vec<f64> = (1..n).map(|i| a[i * n + i - 1]).collect();
    e.push(0.0);
    // The rows of Qᵀ: apply the reflections, last first, to the identity from the left of Q; row by row of Qᵀ.
    a.fill(0.0);
    for i in 0..n {
        a[i * n + i] = 1.0;
    }
    for (k, (v, beta)) in reflections.iter().enumerate().rev() {
        if *beta == 0.0 {
            continue;
        }
        // Rows k+1.. of Qᵀ hold only columns k+1.. so far.
        for row in a.chunks_exact_mut(n).skip(k + 1) {
            let part = &mut row[k + 1..];
            let scale = beta * dot(part, v);
            part.iter_mut().zip(v).for_each(|(x, v)| *x -= scale * v);
        }
    }
    (d, e)
}

/// Diagonalises the tridiagonal matrix, turning the rows of `z` along.
fn implicit_ql(d: &mut [f64], e: &mut [f64], z: &mut [f64], n: usize) {
    for l in 0..n {
        // Thirty turns are more than any matrix needs; what has not converged then is as near as it gets.
        for _ in 0..30 {
            let small = |m: &usize| e[*m].abs() <= f64::EPSILON * (d[*m].abs() + d[*m + 1].abs());
            let m = (l..n - 1).find(small).unwrap_or(n - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            let mut broken = false;
            for i in (l..m).rev() {
                let f = s * e[i];
                let b = c * e[i];
                r = f.hypot(g);
                e[i + 1] = r;
                if r == 0.0 {
                    d[i + 1] -= p;
                    e[m] = 0.0;
                    broken = true;
                    break;
                }
                (s, c) = (f / r, g / r);
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let (upper, lower) = z.split_at_mut((i + 1) * n);
                for (x, y) in upper[i * n..].iter_mut().zip(&mut lower[..n]) {
                    let f = *y;
                    *y = s * *x + c * f;
                    *x = c * *x - s * f;
                }
            }
            if broken {
                continue;
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0f64; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// Columns of a block of vectors that are multiplied at once.
pub(super) const BLOCK: usize = 16;
/// Rows of vectors side by side.
pub(super) type Block = Vec<[f64; BLOCK]>;

/// The `wanted` largest eigenvalues (at most [`BLOCK`] − 4), largest first, and their vectors, of a symmetric operator on `n` values
/// whose eigenvalues lie from −1 to 1. `apply` multiplies a block of vectors. Stops once all residuals are below 1e-8, or after
/// 300 rounds with the best that there is.
pub(super) fn leading(n: usize, wanted: usize, apply: &dyn Fn(&Block, &mut Block)) -> Eigen {
    const DEGREE: usize = 16;
    const ROUNDS: usize = 300;
    const RESIDUAL: f64 = 1e-8;
    let wanted = wanted.min(BLOCK - 4).min(n);
    let mut random = Pcg64Mcg::seed_from_u64(0x5eed_10af);
    let mut x: Block = (0..n)
        .map(|_| std::array::from_fn(|_| StandardNormal.sample(&mut random)))
        .collect();
    let mut y: Block = vec![[0.0; BLOCK]; n];
    let mut z: Block = vec![[0.0; BLOCK]; n];
    orthonormalise(&mut x);
    let mut values = [0.0; BLOCK];
    for round in 0..ROUNDS {
        // Rayleigh and Ritz: the best vectors within the block.
        apply(&x, &mut y);
        let mut projected = vec![0.0; BLOCK * BLOCK];
        for (x, y) in x.iter().zip(&y) {
            for i in 0..BLOCK {
                for j in 0..=i {
                    projected[i * BLOCK + j] += x[i] * y[j];
                }
            }
        }
        for i in 0..BLOCK {
            for j in 0..i {
                projected[j * BLOCK + i] = projected[i * BLOCK + j];
            }
        }
        let ritz = symmetric(projected, BLOCK);
        let turn = |block: &mut Block| {
            for row in block.iter_mut() {
                let old = *row;
                // Largest first.
                *row = std::array::from_fn(|k| dot(&old, &ritz.vectors[BLOCK - 1 - k]));
            }
        };
        turn(&mut x);
        turn(&mut y);
        values = std::array::from_fn(|k| ritz.values[BLOCK - 1 - k]);
        let mut residual = [0.0; BLOCK];
        for (x, y) in x.iter().zip(&y) {
            for k in 0..BLOCK {
                residual[k] += (y[k] - values[k] * x[k]).powi(2);
            }
        }
        if round + 1 == ROUNDS || residual[..wanted].iter().all(|r| r.sqrt() < RESIDUAL) {
            break;
        }
        // Chebyshev's polynomial is small on [−1, cut] and grows fast above it.
        let cut = values[BLOCK - 1].clamp(-0.99, 0.999_999);
        let (centre, half) = ((cut - 1.0) / 2.0, (cut + 1.0) / 2.0);
        // x: T₀, y: T₁.
        for (x, y) in x.iter().zip(&mut y) {
            for k in 0..BLOCK {
                y[k] = (y[k] - centre * x[k]) / half;
            }
        }
        for _ in 1..DEGREE {
            apply(&y, &mut z);
            for ((z, y), x) in z.iter_mut().zip(&y).zip(&x) {
                for k in 0..BLOCK {
                    z[k] = 2.0 * (z[k] - centre * y[k]) / half - x[k];
                }
            }
            std::mem::swap(&mut x, &mut y);
            std::mem::swap(&mut y, &mut z);
        }
        std::mem::swap(&mut x, &mut y);
        orthonormalise(&mut x);
    }
    Eigen {
        values: values[..wanted].to_vec(),
        vectors: (0..wanted).map(|k| x.iter().map(|row| row[k]).collect()).collect(),
    }
}

/// Gram and Schmidt, twice over, which is enough (W. Hoffmann, 1989). A column that the others span is left at zero.
fn orthonormalise(x: &mut Block) {
    for k in 0..BLOCK {
        let before = x.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
        for _ in 0..2 {
            let mut shares = [0.0; BLOCK];
            for row in x.iter() {
                for j in 0..k {
                    shares[j] += row[j] * row[k];
                }
            }
            for row in x.iter_mut() {
                row[k] -= (0..k).map(|j| shares[j] * row[j]).sum::<f64>();
            }
        }
        let norm = x.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
        let gain = if norm > 1e-12 * before && norm > 0.0 {
            1.0 / norm
        } else {
            0.0
        };
        x.iter_mut().for_each(|row| row[k] *= gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, seed: u64) -> Vec<f64> {
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let x: f64 = StandardNormal.sample(&mut random);
                (a[i * n + j], a[j * n + i]) = (x, x);
            }
        }
        a
    }

    fn check(a: &[f64], n: usize, eigen: &Eigen, tolerance: f64) {
        for (k, (value, v)) in eigen.values.iter().zip(&eigen.vectors).enumerate() {
            for i in 0..n {
                let product = dot(&a[i * n..(i + 1) * n], v);
                assert!((product - value * v[i]).abs() < tolerance, "vector {k} of {n}, row {i}");
            }
            for (other, w) in eigen.vectors[..k].iter().enumerate() {
                assert!(dot(v, w).abs() < tolerance, "{k} and {other} of {n}");
            }
            assert!((dot(v, v) - 1.0).abs() < tolerance);
        }
    }

    #[test]
    fn vectors_satisfy_their_equation_and_are_orthonormal() {
        for n in [1, 2, 3, 4, 7, 16, 33, 60] {
            let a = random(n, n as u64);
            let eigen = symmetric(a.clone(), n);
            assert_eq!(eigen.values.len(), n);
            assert!(eigen.values.windows(2).all(|w| w[0] <= w[1]));
            check(&a, n, &eigen, 1e-10);
            let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
            assert!((eigen.values.iter().sum::<f64>() - trace).abs() < 1e-10);
        }
    }

    #[test]
    fn multiple_eigenvalues_and_diagonals_are_no_trouble() {
        let n = 12;
        let mut identity = vec![0.0; n * n];
        for i in 0..n {
            identity[i * n + i] = if i < 6 { 2.0 } else { 5.0 };
        }
        check(&identity, n, &symmetric(identity.clone(), n), 1e-12);
        let ones = vec![1.0; n * n];
        let eigen = symmetric(ones.clone(), n);
        check(&ones, n, &eigen, 1e-12);
        assert!((eigen.values[n - 1] - 12.0).abs() < 1e-12);
        assert!(symmetric(Vec::new(), 0).values.is_empty());
    }

    #[test]
    fn the_path_has_its_known_eigenvalues() {
        let n = 50;
        let mut a = vec![0.0; n * n];
        for i in 0..n - 1 {
            (a[i * n + i + 1], a[(i + 1) * n + i]) = (1.0, 1.0);
        }
        let eigen = symmetric(a, n);
        for (k, value) in eigen.values.iter().rev().enumerate() {
            let known = 2.0 * (std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64).cos();
            assert!((value - known).abs() < 1e-12, "{k}: {value} {known}");
        }
    }

    #[test]
    fn the_leading_ones_are_those_of_the_whole_matrix() {
        for (n, copies) in [(40, 1), (120, 1), (90, 3)] {
            // The same block several times over: every eigenvalue `copies` times.
            let m = n / copies;
            let part = random(m, 9);
            let mut a = vec![0.0; n * n];
            for c in 0..copies {
                for i in 0..m {
                    for j in 0..m {
                        a[(c * m + i) * n + c * m + j] = part[i * m + j] / (2.5 * (m as f64).sqrt());
                    }
                }
            }
            let whole = symmetric(a.clone(), n);
            assert!(whole.values[0] > -1.0 && whole.values[n - 1] < 1.0);
            let apply = |x: &Block, y: &mut Block| {
                for (i, y) in y.iter_mut().enumerate() {
                    *y = [0.0; BLOCK];
                    for (x, w) in x.iter().zip(&a[i * n..(i + 1) * n]) {
                        for k in 0..BLOCK {
                            y[k] += w * x[k];
                        }
                    }
                }
            };
            let few = leading(n, 8, &apply);
            check(&a, n, &few, 1e-6);
            for (k, value) in few.values.iter().enumerate() {
                assert!((value - whole.values[n - 1 - k]).abs() < 1e-9, "{k} of {n}: {value}");
            }
        }
    }
}
