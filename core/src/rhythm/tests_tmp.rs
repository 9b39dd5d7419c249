use super::*;
use crate::progress::Silent;
fn noise(seed: &mut u64) -> f32 {
    *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    ((*seed >> 33) as f32 / (1u64 << 31) as f32) * 2.0 - 1.0
}
#[test]
fn lag() {
    let rate = 22050.0f64;
    let dur = 60.0;
    for (name, kind) in [
        ("click", 0),
        ("noise burst", 1),
        ("kick", 2),
        ("tone 5ms rise", 3),
        ("hat", 4),
        ("snare", 5),
        ("kick+hat", 6),
        ("bass pluck", 7),
        ("kick bed", 8),
    ] {
        let mut x = vec![0.0f32; (rate * dur) as usize];
        let period = 60.0 / 121.37;
        let mut seed = 1;
        let mut t = 0.25;
        let mut hits = vec![];
        while t < dur - 1.0 {
            hits.push(t);
            let from = (t * rate).ceil() as usize;
            for (i, v) in x[from..from + (0.2 * rate) as usize].iter_mut().enumerate() {
                let s = (from + i) as f64 / rate - t;
                let n = noise(&mut seed);
                let kick = || {
                    let ph = 50.0 * s + 100.0 / 30.0 * (1.0 - (-30.0 * s).exp());
                    (std::f64::consts::TAU * ph).sin() as f32 * (-s * 18.0).exp() as f32 * (s / 0.001).min(1.0) as f32
                };
                let hat = n * (-s * 120.0).exp() as f32 * 0.3;
                *v += match kind {
                    0 => {
                        if i == 0 {
                            1.0
                        } else {
                            0.0
                        }
                    }
                    1 => n * (-s * 30.0).exp() as f32,
                    2 | 8 => kick(),
                    3 => {
                        (std::f64::consts::TAU * 440.0 * s).sin() as f32
                            * (s / 0.005).min(1.0) as f32
                            * (-s * 10.0).exp() as f32
                    }
                    4 => hat,
                    5 => {
                        n * (-s * 25.0).exp() as f32 * 0.5
                            + (std::f64::consts::TAU * 190.0 * s).sin() as f32 * (-s * 30.0).exp() as f32 * 0.6
                    }
                    6 => kick() + hat,
                    _ => {
                        ((std::f64::consts::TAU * 82.0 * s).sin()
                            + 0.5 * (std::f64::consts::TAU * 164.0 * s).sin()
                            + 0.3 * (std::f64::consts::TAU * 246.0 * s).sin()) as f32
                            * (s / 0.003).min(1.0) as f32
                            * (-s * 8.0).exp() as f32
                    }
                };
            }
            t += period;
        }
        if kind == 8 {
            for v in x.iter_mut() {
                *v += noise(&mut seed) * 0.03;
            }
        }
        let front = onset::front(&x, &Silent).unwrap().unwrap();
        let attack = front.attack();
        let f: Vec<f64> = hits.iter().map(|t| t * FPS).collect();
        let p = refine::attacks(&attack, &f);
        let d: Vec<f64> = p
            .iter()
            .zip(&f)
            .filter(|x| x.0.weight > 0.0)
            .map(|(p, f)| (p.at - f) / FPS * 1000.0)
            .collect();
        println!(
            "{name}: {} of {} flux max at {:.2} ms, mean {:.2}",
            d.len(),
            f.len(),
            tempo::median(&d),
            d.iter().sum::<f64>() / d.len() as f64
        );
        let mut at = attack::Attacks::new(&x, front.frames);
        let d: Vec<f64> = p
            .iter()
            .zip(&hits)
            .filter_map(|(p, t)| Some((Front::seconds(at.at(p.at)?.0) - t) * 1000.0))
            .collect();
        println!(
            "      fine {} {:.2} mean {:.2} worst {:.2}",
            d.len(),
            tempo::median(&d),
            d.iter().sum::<f64>() / d.len() as f64,
            d.iter().fold(0.0f64, |a, b| a.max(b.abs()))
        );
        let e: Vec<f32> = front.log_flux.iter().fold(vec![0.0; front.frames], |mut a, c| {
            a.iter_mut().zip(c).for_each(|(a, c)| *a += c);
            a
        });
        let p = refine::attacks(&e, &f);
        let d: Vec<f64> = p
            .iter()
            .zip(&f)
            .filter(|x| x.0.weight > 0.0)
            .map(|(p, f)| (p.at - f) / FPS * 1000.0)
            .collect();
        println!("      log flux {:.2}", tempo::median(&d));
    }
}
