//! Logarithms of whole slices.

use std::f32::consts::LOG10_E;

use crate::vectorized;

/// Replaces each value by its logarithm to base 10, within 3e-7 (absolute near 1, relative elsewhere).
///
/// Values must be positive, normal and finite; add a floor first.
pub fn log10(values: &mut [f32]) {
    vectorized!({
        for x in values {
            *x = ln(*x) * LOG10_E;
        }
    });
}

/// Natural logarithm without branches, so that a loop over it becomes vector code.
///
/// The value is split into a power of two and a mantissa in [√½, √2); the polynomial is that of the Cephes library's
/// `logf` (S. Moshier), with a relative error of 2⁻²⁴.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let offset = x.to_bits().wrapping_sub(SQRT_HALF);
    let e = ((offset as i32) >> 23) as f32;
    let m = f32::from_bits((offset & 0x007f_ffff).wrapping_add(SQRT_HALF)) - 1.0;
    let z = m * m;
    let mut y = 7.037_683_6e-2 * m - 1.151_461e-1;
    y = y * m + 1.167_699_9e-1;
    y = y * m - 1.242_014_1e-1;
    y = y * m + 1.424_932_3e-1;
    y = y * m - 1.666_805_8e-1;
    y = y * m + 2.000_071_4e-1;
    y = y * m - 2.499_999_4e-1;
    y = y * m + 3.333_333e-1;
    // ln 2 in two parts, the first exact in few bits.
    (m * z * y - 2.121_944_4e-4 * e) - 0.5 * z + m + 0.693_359_4 * e
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_library() {
        let mut x: Vec<f32> = (0..20_000)
            .map(|i| 10f32.powf(-12.0 + 24.0 * i as f32 / 20_000.0))
            .collect();
        x.extend([
            f32::MIN_POSITIVE,
            1.0,
            0.5,
            2.0,
            f32::MAX,
            std::f32::consts::FRAC_1_SQRT_2,
            std::f32::consts::FRAC_1_SQRT_2.next_down(),
            std::f32::consts::SQRT_2,
        ]);
        let mut y = x.clone();
        log10(&mut y);
        for (x, y) in x.iter().zip(&y) {
            let exact = f64::from(*x).log10();
            let error = (f64::from(*y) - exact).abs();
            assert!(error <= 3e-7 * exact.abs().max(1.0), "log10({x}) = {y}, not {exact}");
        }
    }
}
