//! Sample-rate conversion of analysis signals, without delay.

/// Halves the rate with a linear-phase half-band low-pass (63 taps, Blackman-windowed sinc); output frame `n` lies at
/// input frame `2n`.
pub fn halve(input: &[f32]) -> Vec<f32> {
    const HALF: isize = 31;
    let taps: Vec<f32> = (-HALF..=HALF)
        .map(|k| {
            let x = k as f64 / 2.0;
            let sinc = if k == 0 {
                1.0
            } else {
                (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x)
            };
            let p = std::f64::consts::PI * (k + HALF + 1) as f64 / (HALF + 1) as f64;
            (0.5 * sinc * (0.42 - 0.5 * p.cos() + 0.08 * (2.0 * p).cos())) as f32
        })
        .collect();
    (0..input.len().div_ceil(2))
        .map(|n| {
            let centre = 2 * n as isize;
            (-HALF..=HALF)
                .filter_map(|k| {
                    input
                        .get(usize::try_from(centre + k).ok()?)
                        .map(|x| x * taps[(k + HALF) as usize])
                })
                .sum()
        })
        .collect()
}
