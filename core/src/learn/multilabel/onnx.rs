//! A trained model of tags as an ONNX file; [`crate::model::multilabel`] says what it holds.
//!
//! The graph fills and scales features as [`crate::learn::scaler`] does. Trees are evaluated by products of matrices
//! ([`super::ensemble`]). Linear models are one product, networks two: the hidden units of all tags side by side, and a block-diagonal matrix that leads those of each tag to it.
//! Calibration is part of the last one.

use super::calibrate::Platt;
use super::ensemble::{Ensemble, LEAVES, SPLITS, paths};
use super::features;
use super::train::Parts;
use crate::learn::mlp::net::Net;
use crate::learn::onnx_write::{FLOAT, Graph, INPUT, add_metadata, file, inputs, port};
use crate::learn::scaler::Scaler;
use crate::model::multilabel::Tag;

/// The name of the output.
pub const OUTPUT: &str = "probability";

/// The bytes of the file: `parts` and `platts` are one a tag.
pub(super) fn model(kind: &str, tags: &[Tag], scaler: &Scaler, parts: &Parts, platts: &[Platt]) -> Vec<u8> {
    let mut graph = Graph::default();
    let value = inputs(&mut graph, scaler);
    let odds = match parts {
        Parts::Nets(nets) => of_nets(&mut graph, value, scaler.width(), nets, platts),
        Parts::Trees(ensembles) => of_trees(&mut graph, &value, ensembles, platts),
    };
    graph.node("Sigmoid", &[&odds], OUTPUT, &[]);
    finish(graph, kind, tags, scaler)
}

/// Log odds by trees: all splits of all trees at once, the leaf that each tree reaches, and their sums.
fn of_trees(graph: &mut Graph, value: &str, ensembles: &[Ensemble], platts: &[Platt]) -> String {
    let k = ensembles.len();
    let features: Vec<i64> = ensembles
        .iter()
        .flat_map(|e| &e.features)
        .map(|f| i64::from(*f))
        .collect();
    let thresholds: Vec<f32> = ensembles.iter().flat_map(|e| &e.thresholds).copied().collect();
    let pairs = || ensembles.iter().zip(platts);
    let leaves: Vec<f32> = pairs()
        .flat_map(|(e, p)| e.leaves.iter().map(move |v| v * p.slope as f32))
        .collect();
    let base: Vec<f32> = pairs()
        .map(|(e, p)| e.base * p.slope as f32 + p.offset as f32)
        .collect();
    let (matrix, bias) = paths();
    let which = graph.integers("split_features", &features);
    let asked = graph.node("Gather", &[value, &which], "asked", &[("axis", 1)]);
    graph.floats("split_thresholds", &[thresholds.len()], &thresholds);
    let below = graph.node("Less", &[&asked, "split_thresholds"], "is_below", &[]);
    let below = graph.node("Cast", &[&below], "below", &[("to", FLOAT)]);
    let shape = graph.integers("a_row_a_tree", &[-1, SPLITS as i64]);
    let below = graph.node("Reshape", &[&below, &shape], "below_by_tree", &[]);
    graph.floats("paths", &[SPLITS, LEAVES], &matrix);
    graph.floats("paths_bias", &[LEAVES], &bias);
    let reached = graph.node("Gemm", &[&below, "paths", "paths_bias"], "agreement", &[]);
    let reached = graph.node("Relu", &[&reached], "reached", &[]);
    let shape = graph.integers("a_row_a_file", &[-1, k as i64, (leaves.len() / k.max(1)) as i64]);
    let reached = graph.node("Reshape", &[&reached, &shape], "reached_by_tag", &[]);
    graph.floats("leaves", &[k, leaves.len() / k.max(1)], &leaves);
    let values = graph.node("Mul", &[&reached, "leaves"], "values", &[]);
    let axis = graph.integers("over_leaves", &[2]);
    let sum = graph.node("ReduceSum", &[&values, &axis], "sum", &[("keepdims", 0)]);
    graph.floats("base", &[k], &base);
    graph.node("Add", &[&sum, "base"], "odds", &[])
}

/// Log odds by networks, calibrated.
fn of_nets(graph: &mut Graph, mut value: String, inputs: usize, nets: &[Net], platts: &[Platt]) -> String {
    let mut width = inputs;
    let depth = nets.first().map_or(1, |n| n.layers().len());
    for layer in 0..depth {
        let last = layer + 1 == depth;
        // Where the outputs of each net begin among all, and where its inputs do: all read the same ones in the first layer.
        let outputs: Vec<usize> = nets.iter().map(|n| n.layers()[layer].outputs).collect();
        let total: usize = outputs.iter().sum();
        let mut weights = vec![0.0f32; width * total];
        let mut bias = Vec::with_capacity(total);
        let (mut column, mut row) = (0, 0);
        for ((net, platt), &n) in nets.iter().zip(platts).zip(&outputs) {
            let own = net.layers()[layer];
            let (scale, shift) = if last {
                (platt.slope as f32, platt.offset as f32)
            } else {
                (1.0, 0.0)
            };
            for (i, line) in net.weights(own).chunks_exact(n).enumerate() {
                let at = (row + i) * total + column;
                weights[at..at + n]
                    .iter_mut()
                    .zip(line)
                    .for_each(|(w, x)| *w = x * scale);
            }
            bias.extend(net.bias(own).iter().map(|b| b * scale + shift));
            column += n;
            row += if layer == 0 { 0 } else { own.inputs };
        }
        let names = (format!("weights_{layer}"), format!("bias_{layer}"));
        graph.floats(&names.0, &[width, total], &weights);
        graph.floats(&names.1, &[total], &bias);
        value = graph.node("Gemm", &[&value, &names.0, &names.1], &format!("sum_{layer}"), &[]);
        if !last {
            value = graph.node("Relu", &[&value], &format!("hidden_{layer}"), &[]);
        }
        width = total;
    }
    value
}

fn finish(graph: Graph, kind: &str, tags: &[Tag], scaler: &Scaler) -> Vec<u8> {
    let rows = "files";
    let graph = graph.finish(
        "loopwright",
        &port(INPUT, rows, scaler.names.len()),
        &port(OUTPUT, rows, tags.len()),
    );
    let mut bytes = file(&graph);
    let columns = serde_json::Value::from(scaler.names.clone()).to_string();
    // Names and numbers: nothing here can fail.
    let told = serde_json::to_string(tags).unwrap_or_default();
    for (key, value) in [
        ("loopwright.kind", kind),
        ("loopwright.features", columns.as_str()),
        ("loopwright.features_version", &features::VERSION.to_string()),
        ("loopwright.tags", &told),
        ("loopwright.version", env!("CARGO_PKG_VERSION")),
    ] {
        add_metadata(&mut bytes, key, value);
    }
    bytes
}
