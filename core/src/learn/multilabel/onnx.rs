//! A trained model of tags as an ONNX file; [`crate::model::multilabel`] says what it holds.
//!
//! The graph fills and scales features as [`crate::learn::scaler`] does, then has one product for linear models, two for
//! networks: the hidden units of all tags side by side, and a block-diagonal matrix that leads those of each tag to it.
//! Calibration is part of the last one.

use super::calibrate::Platt;
use super::features;
use crate::learn::mlp::net::Net;
use crate::learn::onnx_write::{Graph, INPUT, add_metadata, file, inputs, port};
use crate::learn::scaler::Scaler;
use crate::model::multilabel::Tag;

/// The name of the output.
pub const OUTPUT: &str = "probability";

/// The bytes of the file: `nets` and `platts` are one a tag, all nets with as many layers.
pub(super) fn model(kind: &str, tags: &[Tag], scaler: &Scaler, nets: &[Net], platts: &[Platt]) -> Vec<u8> {
    let mut graph = Graph::default();
    let mut value = inputs(&mut graph, scaler);
    let depth = nets.first().map_or(1, |n| n.layers().len());
    let mut width = scaler.width();
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
    graph.node("Sigmoid", &[&value], OUTPUT, &[]);
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
