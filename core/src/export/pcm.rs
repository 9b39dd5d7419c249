//! From floating point to integers.

/// Scale of an n-bit signed integer: full scale ±1 maps to ±2^(n−1), so what was decoded from n bits comes back exactly.
const fn scale(bits: u32) -> f32 {
    (1u32 << (bits - 1)) as f32
}

/// The nearest `bits`-bit integer (at most 24), clipped to the range; NaN is 0.
#[inline(always)]
pub(crate) fn quantise(x: f32, bits: u32) -> i32 {
    let full = scale(bits);
    // 24 bits fit in an f32's mantissa, so nothing is lost before rounding.
    nearest(x * full).clamp(f64::from(-full), f64::from(full) - 1.0) as i32
}

/// The nearest integer, ties to even, for what is smaller than 2⁵¹: the sum has no bits left for a fraction. The machine's
/// own rounding is a function call on processors that may lack the instruction.
#[inline(always)]
fn nearest(x: f32) -> f64 {
    const ONE_AND_A_HALF_TIMES_2_52: f64 = 6_755_399_441_055_744.0;
    (f64::from(x) + ONE_AND_A_HALF_TIMES_2_52) - ONE_AND_A_HALF_TIMES_2_52
}

/// True where `x` is beyond what integers hold; the one step between 1 and the largest integer does not count.
#[inline(always)]
pub(crate) fn clips(x: f32) -> bool {
    !(-1.0..=1.0).contains(&x)
}

/// How many samples are beyond full scale.
pub(crate) fn count_clipped(planes: &[Vec<f32>]) -> u64 {
    let clipped = |p: &Vec<f32>| p.iter().map(|&x| u64::from(clips(x))).sum::<u64>();
    planes.iter().map(clipped).sum()
}

/// True where every sample already is a `bits`-bit integer, so that dither would only add noise.
pub(crate) fn is_exact(planes: &[Vec<f32>], bits: u32) -> bool {
    let full = scale(bits);
    let exact = |x: &f32| (x * full).fract() == 0.0;
    planes.iter().flatten().all(exact)
}

/// Triangular dither of ±1 step, from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Tpdf(u64);

impl Tpdf {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next value: the sum of two uniform ones of ±½.
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        const UNIT: f32 = 1.0 / (1 << 24) as f32;
        let (a, b) = ((z >> 40) as f32 * UNIT, ((z >> 16) & 0xFF_FFFF) as f32 * UNIT);
        a + b - 1.0
    }
}

/// The nearest 16-bit integer to `x` with dither `d` in steps.
#[inline(always)]
pub(crate) fn quantise16_dithered(x: f32, d: f32) -> i32 {
    nearest(x * 32768.0 + d).clamp(-32768.0, 32767.0) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        for bits in [16, 24] {
            let full = 1i32 << (bits - 1);
            for i in [-full, -full + 1, -1, 0, 1, 12345, full - 1] {
                assert_eq!(quantise(i as f32 / full as f32, bits), i);
            }
            assert_eq!(quantise(1.0, bits), full - 1);
            assert_eq!(quantise(-7.0, bits), -full);
            assert_eq!(quantise(f32::NAN, bits), 0);
            assert_eq!(quantise(f32::INFINITY, bits), full - 1);
        }
        assert_eq!(count_clipped(&[vec![1.0, -1.0, 1.01, -2.0, f32::NAN]]), 3);
    }

    #[test]
    fn dither_is_triangular_and_repeatable() {
        let draw = |seed| {
            let mut d = Tpdf::new(seed);
            (0..100_000).map(|_| f64::from(d.next())).collect::<Vec<_>>()
        };
        let x = draw(7);
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64;
        // Two uniform variables of width 1: variance 2/12.
        assert!(
            mean.abs() < 0.005 && (variance - 1.0 / 6.0).abs() < 0.005,
            "{mean} {variance}"
        );
        assert!(x.iter().all(|v| (-1.0..=1.0).contains(v)));
        assert_eq!(x, draw(7));
        assert_ne!(x, draw(8));
    }
}
