//! Logistic regression with a ridge, by Newton's method.

/// Steps after which the search ends; it usually takes six.
const MOST_STEPS: usize = 40;

/// 1/(1 + exp(−x)).
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// log(1 + exp(x)) without overflow.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The weights and bias that make Σ loss + l2/2·|w|² least, for targets of 0 to 1. `x` has `width` numbers a row; the bias is
/// free. The loss is convex and `l2` positive, so that there is one least.
pub fn fit(x: &[f32], width: usize, targets: &[f64], l2: f64) -> (Vec<f64>, f64) {
    let n = targets.len();
    let size = width + 1;
    let mut w = vec![0.0; size];
    if n == 0 {
        return (vec![0.0; width], 0.0);
    }
    let mean = (targets.iter().sum::<f64>() / n as f64).clamp(1e-6, 1.0 - 1e-6);
    w[width] = (mean / (1.0 - mean)).ln();
    let rows = || x.chunks_exact(width.max(1)).take(n).map(|r| &r[..width]);
    let margin = |w: &[f64], row: &[f32]| row.iter().zip(w).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + w[width];
    let cost = |w: &[f64]| {
        let loss: f64 = rows()
            .zip(targets)
            .map(|(row, y)| {
                let m = margin(w, row);
                y * softplus(-m) + (1.0 - y) * softplus(m)
            })
            .sum();
        loss + 0.5 * l2 * w[..width].iter().map(|w| w * w).sum::<f64>()
    };
    let mut now = cost(&w);
    let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
    for _ in 0..MOST_STEPS {
        gradient.fill(0.0);
        hessian.fill(0.0);
        for (row, y) in rows().zip(targets) {
            let p = logistic(margin(&w, row));
            let (g, h) = (p - y, (p * (1.0 - p)).max(1e-9));
            for i in 0..size {
                let xi = row.get(i).map_or(1.0, |x| f64::from(*x));
                gradient[i] += g * xi;
                let scaled = h * xi;
                let line = &mut hessian[i * size..i * size + i + 1];
                for (j, out) in line.iter_mut().enumerate() {
                    *out += scaled * row.get(j).map_or(1.0, |x| f64::from(*x));
                }
            }
        }
        for i in 0..width {
            gradient[i] += l2 * w[i];
            hessian[i * size + i] += l2;
        }
        // So little that it moves nothing, and enough where all targets are alike.
        hessian[size * size - 1] += 1e-9;
        let Some(step) = solve(&mut hessian, &gradient) else {
            break;
        };
        let mut share = 1.0;
        let mut moved = None;
        while share > 1e-6 {
            let next: Vec<f64> = w.iter().zip(&step).map(|(w, s)| w - share * s).collect();
            let then = cost(&next);
            if then <= now {
                moved = Some((next, then));
                break;
            }
            share *= 0.5;
        }
        let Some((next, then)) = moved else { break };
        let gain = now - then;
        (w, now) = (next, then);
        if gain <= 1e-10 * (1.0 + now.abs()) {
            break;
        }
    }
    let bias = w.pop().unwrap_or(0.0);
    (w, bias)
}

/// Solves `matrix`·x = `right` by Cholesky; of the symmetric matrix the lower half is read, and overwritten. `None` where it
/// is not positive definite.
fn solve(matrix: &mut [f64], right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    for i in 0..n {
        for j in 0..=i {
            let (above, own) = matrix.split_at_mut(i * n);
            let left = if i == j { &own[..j] } else { &above[j * n..j * n + j] };
            let dot: f64 = own[..j].iter().zip(left).map(|(a, b)| a * b).sum();
            let value = own[j] - dot;
            if i == j {
                if value <= 0.0 || !value.is_finite() {
                    return None;
                }
                own[j] = value.sqrt();
            } else {
                own[j] = value / above[j * n + j];
            }
        }
    }
    let mut x = right.to_vec();
    for i in 0..n {
        let dot: f64 = (0..i).map(|j| matrix[i * n + j] * x[j]).sum();
        x[i] = (x[i] - dot) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|j| matrix[j * n + i] * x[j]).sum();
        x[i] = (x[i] - dot) / matrix[i * n + i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_least_the_gradient_is_zero() {
        let x: Vec<f32> = (0..60 * 3).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
        let y: Vec<f64> = x
            .chunks(3)
            .map(|r| f64::from(u8::from(r[0] - 0.5 * r[1] > 0.3)))
            .collect();
        for l2 in [0.1, 1.0, 30.0] {
            let (w, b) = fit(&x, 3, &y, l2);
            let mut gradient = [0.0f64; 4];
            for (row, y) in x.chunks(3).zip(&y) {
                let m: f64 = row.iter().zip(&w).map(|(x, w)| f64::from(*x) * w).sum::<f64>() + b;
                for i in 0..3 {
                    gradient[i] += (logistic(m) - y) * f64::from(row[i]);
                }
                gradient[3] += logistic(m) - y;
            }
            (0..3).for_each(|i| gradient[i] += l2 * w[i]);
            assert!(gradient.iter().all(|g| g.abs() < 1e-4), "{gradient:?}");
            assert!(w[0] > 0.0 && w[1] < 0.0);
        }
    }

    #[test]
    fn what_is_separable_or_of_one_class_stays_finite() {
        let x: Vec<f32> = (0..20).map(|i| i as f32 - 9.5).collect();
        let y: Vec<f64> = (0..20).map(|i| f64::from(u8::from(i >= 10))).collect();
        let (w, b) = fit(&x, 1, &y, 1.0);
        assert!(w[0].is_finite() && w[0] > 0.0 && b.abs() < 1e-3);
        let (w, b) = fit(&x, 1, &[1.0; 20], 1.0);
        assert!(w[0].is_finite() && b.is_finite() && b > 2.0);
        assert_eq!(fit(&[], 2, &[], 1.0), (vec![0.0, 0.0], 0.0));
        // Columns that are the same have the same weights.
        let twice: Vec<f32> = x.iter().flat_map(|x| [*x, *x]).collect();
        let (w, _) = fit(&twice, 2, &y, 1.0);
        assert!((w[0] - w[1]).abs() < 1e-6);
    }
}
