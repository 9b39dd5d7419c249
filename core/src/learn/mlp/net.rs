//! A multilayer perceptron with one output: forward, backward, and AdamW.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::kernels::{Matrix, Panels, add_product};

/// One layer: `outputs = inputs·weights + bias`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::learn) struct Layer {
    pub(in crate::learn) inputs: usize,
    pub(in crate::learn) outputs: usize,
    /// Where its weights begin among the parameters, row by row: `inputs` × `outputs`. The biases follow.
    at: usize,
}

/// A network: rectified linear units in all layers but the last, which has one output.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::learn) struct Net {
    layers: Vec<Layer>,
    parameters: Vec<f32>,
}

/// What passes through a network need; kept between them.
#[derive(Debug, Clone, Default)]
pub(in crate::learn) struct Workspace {
    panels: Panels,
    /// Outputs of each layer.
    activations: Vec<Vec<f32>>,
    delta: Vec<f32>,
    before: Vec<f32>,
}

impl Workspace {
    /// The scores of the last pass.
    pub(in crate::learn) fn scores(&self) -> &[f32] {
        self.activations.last().map_or(&[], Vec::as_slice)
    }
}

impl Net {
    /// Random weights (He et al. 2015; the last layer smaller, so that scores begin near each other).
    pub(in crate::learn) fn new(inputs: usize, hidden: &[usize], rng: &mut impl Rng) -> Self {
        let mut net = Self {
            layers: Vec::new(),
            parameters: Vec::new(),
        };
        let mut width = inputs;
        for (i, &outputs) in hidden.iter().chain(&[1]).enumerate() {
            net.layers.push(Layer {
                inputs: width,
                outputs,
                at: net.parameters.len(),
            });
            let gain = if i == hidden.len() { 0.1 } else { 2f32.sqrt() };
            let deviation = gain / (width as f32).sqrt();
            let weights = (0..width * outputs).map(|_| {
                let x: f32 = StandardNormal.sample(rng);
                x * deviation
            });
            net.parameters.extend(weights);
            net.parameters.extend(std::iter::repeat_n(0.0, outputs));
            width = outputs;
        }
        net
    }

    /// One layer of these weights and this bias.
    pub(in crate::learn) fn linear(mut weights: Vec<f32>, bias: f32) -> Self {
        let inputs = weights.len();
        weights.push(bias);
        Self {
            layers: vec![Layer {
                inputs,
                outputs: 1,
                at: 0,
            }],
            parameters: weights,
        }
    }

    pub(in crate::learn) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    pub(in crate::learn) fn parameters(&self) -> usize {
        self.parameters.len()
    }

    pub(in crate::learn) fn weights(&self, layer: Layer) -> &[f32] {
        &self.parameters[layer.at..][..layer.inputs * layer.outputs]
    }

    pub(in crate::learn) fn bias(&self, layer: Layer) -> &[f32] {
        &self.parameters[layer.at + layer.inputs * layer.outputs..][..layer.outputs]
    }

    /// Makes every output `scale` times itself plus `offset`.
    pub(in crate::learn) fn rescale(&mut self, scale: f32, offset: f32) {
        if let Some(last) = self.layers.last() {
            let own = &mut self.parameters[last.at..];
            own.iter_mut().for_each(|p| *p *= scale);
            own[last.inputs] += offset;
        }
    }

    /// Scores of the rows of `x`, left in the workspace. With `dropout`, a share of the hidden units is silenced and the
    /// others are raised by as much.
    pub(in crate::learn) fn forward(
        &self,
        x: &[f32],
        space: &mut Workspace,
        mut dropout: Option<(f32, &mut Pcg64Mcg)>,
    ) {
        let n = x.len() / self.layers.first().map_or(1, |l| l.inputs).max(1);
        space.activations.resize(self.layers.len(), Vec::new());
        for (i, &layer) in self.layers.iter().enumerate() {
            let (before, after) = space.activations.split_at_mut(i);
            let input = before.last().map_or(x, |a| a.as_slice());
            let out = &mut after[0];
            out.clear();
            (0..n).for_each(|_| out.extend_from_slice(self.bias(layer)));
            let (a, b) = (
                Matrix::new(input, n, layer.inputs),
                Matrix::new(self.weights(layer), layer.inputs, layer.outputs),
            );
            add_product(a, b, out, &mut space.panels);
            if i + 1 == self.layers.len() {
                continue;
            }
            out.iter_mut().for_each(|x| *x = x.max(0.0));
            if let Some((share, rng)) = dropout.as_mut().filter(|(share, _)| *share > 0.0) {
                let limit = (*share * 65536.0) as u16;
                let raise = 1.0 / (1.0 - *share);
                for four in out.chunks_mut(4) {
                    let random = rng.next_u64();
                    for (k, x) in four.iter_mut().enumerate() {
                        *x = if (random >> (16 * k)) as u16 >= limit {
                            *x * raise
                        } else {
                            0.0
                        };
                    }
                }
            }
        }
    }

    /// Adds to `gradient` the derivative of a loss by each parameter, given that by each score of the last
    /// [`Net::forward`] over `x` with the same dropout.
    pub(in crate::learn) fn backward(
        &self,
        x: &[f32],
        by_score: &[f32],
        dropout: f32,
        space: &mut Workspace,
        gradient: &mut [f32],
    ) {
        let n = by_score.len();
        let raise = 1.0 / (1.0 - dropout);
        let Workspace {
            panels,
            activations,
            delta,
            before,
        } = space;
        delta.clear();
        delta.extend_from_slice(by_score);
        for (i, &layer) in self.layers.iter().enumerate().rev() {
            let input = if i == 0 { x } else { activations[i - 1].as_slice() };
            let (weights, bias) = gradient[layer.at..].split_at_mut(layer.inputs * layer.outputs);
            let d = Matrix::new(delta, n, layer.outputs);
            add_product(Matrix::new(input, n, layer.inputs).transposed(), d, weights, panels);
            for row in delta.chunks_exact(layer.outputs) {
                bias.iter_mut().zip(row).for_each(|(b, d)| *b += d);
            }
            if i == 0 {
                break;
            }
            before.clear();
            before.resize(n * layer.inputs, 0.0);
            let own = Matrix::new(self.weights(layer), layer.inputs, layer.outputs).transposed();
            add_product(Matrix::new(delta, n, layer.outputs), own, before, panels);
            // A unit that was silent, or silenced, passes nothing back.
            for (d, a) in before.iter_mut().zip(input) {
                *d = if *a > 0.0 { *d * raise } else { 0.0 };
            }
            std::mem::swap(delta, before);
        }
    }
}

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
#[derive(Debug, Clone)]
pub(in crate::learn) struct AdamW {
    decay: f32,
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl AdamW {
    const BETA: (f32, f32) = (0.9, 0.999);
    const EPSILON: f32 = 1e-8;

    pub(in crate::learn) fn new(net: &Net, decay: f32) -> Self {
        Self {
            decay,
            first: vec![0.0; net.parameters.len()],
            second: vec![0.0; net.parameters.len()],
            steps: 0,
        }
    }

    /// One step against `gradient` at learning rate `rate`. Biases do not decay.
    pub(in crate::learn) fn step(&mut self, net: &mut Net, gradient: &[f32], rate: f32) {
        self.steps += 1;
        let (b1, b2) = Self::BETA;
        let (c1, c2) = (1.0 - b1.powi(self.steps), 1.0 - b2.powi(self.steps));
        for layer in &net.layers {
            let weights = layer.inputs * layer.outputs;
            for (i, at) in (layer.at..layer.at + weights + layer.outputs).enumerate() {
                let g = gradient[at];
                let (m, v, p) = (&mut self.first[at], &mut self.second[at], &mut net.parameters[at]);
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
                if i < weights {
                    *p -= rate * self.decay * *p;
                }
                *p -= rate * (*m / c1) / ((*v / c2).sqrt() + Self::EPSILON);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        let mut net = Net::new(5, &[7, 6], &mut rng);
        net.parameters.iter_mut().for_each(|p| {
            let x: f32 = StandardNormal.sample(&mut rng);
            *p += 0.3 * x;
        });
        let x: Vec<f32> = (0..11 * 5).map(|_| StandardNormal.sample(&mut rng)).collect();
        let mut space = Workspace::default();
        // The loss is Σ c·score with random c; half of the units silenced by the same draw each time.
        let c: Vec<f32> = (0..11).map(|_| StandardNormal.sample(&mut rng)).collect();
        for dropout in [0.0, 0.5] {
            let loss = |net: &Net, space: &mut Workspace| -> f64 {
                let mut draw = Pcg64Mcg::seed_from_u64(9);
                net.forward(&x, space, Some((dropout, &mut draw)));
                space
                    .scores()
                    .iter()
                    .zip(&c)
                    .map(|(s, c)| f64::from(*s) * f64::from(*c))
                    .sum()
            };
            loss(&net, &mut space);
            let mut gradient = vec![0.0; net.parameters()];
            net.backward(&x, &c, dropout, &mut space, &mut gradient);
            let mut wrong = 0;
            for (i, g) in gradient.iter().enumerate() {
                let step = 1e-3;
                let mut at = |d: f32| {
                    let mut moved = net.clone();
                    moved.parameters[i] += d;
                    loss(&moved, &mut space)
                };
                let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
                // A step across a unit's kink gives another slope: rare, but it happens.
                wrong += usize::from((slope - f64::from(*g)).abs() > 2e-3 * (1.0 + slope.abs()));
            }
            assert!(wrong * 50 < gradient.len(), "{wrong} of {}", gradient.len());
            assert!(gradient.iter().filter(|g| g.abs() > 1e-3).count() > gradient.len() / 4);
        }
    }

    #[test]
    fn adamw_finds_the_bottom_of_a_bowl() {
        let mut rng = Pcg64Mcg::seed_from_u64(1);
        let mut net = Net::new(3, &[], &mut rng);
        let mut adam = AdamW::new(&net, 0.0);
        for _ in 0..2000 {
            let gradient: Vec<f32> = net.parameters.iter().map(|p| 2.0 * (p - 0.7)).collect();
            adam.step(&mut net, &gradient, 0.01);
        }
        assert!(
            net.parameters.iter().all(|p| (p - 0.7).abs() < 1e-3),
            "{:?}",
            net.parameters
        );
    }
}
