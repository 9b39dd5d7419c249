//! A trained network as an ONNX file: from raw features to scores, so that any runtime gives the scores that we give.
//!
//! Input `features`, `[candidates, features]`: all candidates of one track, in the order of the metadata
//! `loopwright.features`, NaN where a value is missing. Output `score`, `[candidates, 1]`. Where the metadata
//! `loopwright.trackwise` is `true`, a score depends on the other candidates of the table: a track must be given whole, and
//! may be padded with rows of nothing but NaN, whose scores mean nothing.
//!
//! The file is Protocol Buffers' wire format, written by hand: of it, ONNX needs numbers, strings and nested messages.
//! Field numbers are those of `onnx.proto3` (ONNX 1.8: IR version 7, operator set 13). Repeated numbers are not packed, as
//! the reference implementation writes them; some readers take nothing else.

use super::mlp::net::Net;
use super::scaler::{Scaler, TRACK_FLOOR};
use crate::model::{Calibration, ModelInfo, Output};

const IR_VERSION: u64 = 7;
const OPERATOR_SET: u64 = 13;
pub(super) const FLOAT: u64 = 1;
const INT64: u64 = 7;

/// The name of the input.
pub const INPUT: &str = "features";
/// The name of the output.
pub const OUTPUT: &str = "score";

/// A message in wire format.
#[derive(Debug, Clone, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    pub(super) fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(super) fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(super) fn message(self, field: u64, value: &Message) -> Self {
        self.bytes(field, &value.0)
    }
}

/// A graph in the making.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
}

impl Graph {
    /// Adds a constant; gives its name.
    fn constant(&mut self, name: &str, dims: &[usize], kind: u64, raw: &[u8]) -> String {
        let tensor = dims
            .iter()
            .fold(Message::default(), |m, &d| m.number(1, d as u64))
            .number(2, kind)
            .text(8, name)
            .bytes(9, raw);
        self.constants.push(tensor);
        name.to_owned()
    }

    pub(super) fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, dims, FLOAT, &raw)
    }

    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, &[values.len()], INT64, &raw)
    }

    /// Adds an operation with one output, which it gives the name of.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], output: &str, integers: &[(&str, u64)]) -> String {
        const INT: u64 = 2;
        let mut node = inputs.iter().fold(Message::default(), |m, input| m.text(1, input));
        node = node.text(2, output).text(3, output).text(4, operator);
        for (name, value) in integers {
            let attribute = Message::default().text(1, name).number(3, *value).number(20, INT);
            node = node.message(5, &attribute);
        }
        self.nodes.push(node);
        output.to_owned()
    }

    pub(super) fn finish(self, name: &str, input: &Message, output: &Message) -> Message {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph = graph.message(1, node);
        }
        graph = graph.text(2, name);
        for constant in &self.constants {
            graph = graph.message(5, constant);
        }
        graph.message(11, input).message(12, output)
    }
}

/// A table of floats; `rows` is what its open axis is called.
pub(super) fn port(name: &str, rows: &str, columns: usize) -> Message {
    let rows = Message::default().text(2, rows);
    let columns = Message::default().number(1, columns as u64);
    let shape = Message::default().message(1, &rows).message(1, &columns);
    let tensor = Message::default().number(1, FLOAT).message(2, &shape);
    let kind = Message::default().message(1, &tensor);
    Message::default().text(1, name).message(2, &kind)
}

/// What the network reads of the features; the name of the value.
pub(super) fn inputs(graph: &mut Graph, scaler: &Scaler) -> String {
    let f = scaler.names.len();
    let median = graph.floats("median", &[f], &scaler.median);
    let mean = graph.floats("mean", &[f], &scaler.mean);
    let inverse = graph.floats("inverse_deviation", &[f], &scaler.inverse);
    let low = graph.floats("low", &[], &[-scaler.clip]);
    let high = graph.floats("high", &[], &[scaler.clip]);
    let missing = graph.node("IsNaN", &[INPUT], "missing", &[]);
    let filled = graph.node("Where", &[&missing, &median, INPUT], "filled", &[]);
    let centred = graph.node("Sub", &[&filled, &mean], "centred", &[]);
    let scaled = graph.node("Mul", &[&centred, &inverse], "scaled", &[]);
    let own = graph.node("Clip", &[&scaled, &low, &high], "own", &[]);
    let mut parts = vec![own.clone()];
    if scaler.trackwise {
        let rows = graph.integers("rows", &[0]);
        let zero = graph.floats("zero", &[], &[0.0]);
        let one = graph.floats("one", &[], &[1.0]);
        let floor = graph.floats("track_floor", &[], &[TRACK_FLOOR * TRACK_FLOOR]);
        let keep: &[(&str, u64)] = &[("keepdims", 1)];
        let marks = graph.node("Where", &[&missing, &zero, &one], "seen", &[]);
        let count = graph.node("ReduceSum", &[&marks, &rows], "seen_sum", keep);
        let count = graph.node("Max", &[&count, &one], "seen_count", &[]);
        let mut rest = own.clone();
        for pass in ["first", "second"] {
            let known = graph.node("Where", &[&missing, &zero, &rest], &format!("{pass}_known"), &[]);
            let sum = graph.node("ReduceSum", &[&known, &rows], &format!("{pass}_sum"), keep);
            let mean = graph.node("Div", &[&sum, &count], &format!("{pass}_mean"), &[]);
            let less = graph.node("Sub", &[&rest, &mean], &format!("{pass}_less"), &[]);
            rest = graph.node("Where", &[&missing, &zero, &less], &format!("{pass}_rest"), &[]);
        }
        let squares = graph.node("Mul", &[&rest, &rest], "squares", &[]);
        let sum = graph.node("ReduceSum", &[&squares, &rows], "squares_sum", keep);
        let variance = graph.node("Div", &[&sum, &count], "variance", &[]);
        let variance = graph.node("Add", &[&variance, &floor], "variance_floored", &[]);
        let deviation = graph.node("Sqrt", &[&variance], "deviation", &[]);
        let beside = graph.node("Div", &[&rest, &deviation], "beside_unclipped", &[]);
        parts.push(graph.node("Clip", &[&beside, &low, &high], "beside", &[]));
    }
    if !scaler.indicators.is_empty() {
        let which: Vec<i64> = scaler.indicators.iter().map(|&c| c as i64).collect();
        let which = graph.integers("indicated", &which);
        let chosen = graph.node("Gather", &[&missing, &which], "indicated_missing", &[("axis", 1)]);
        parts.push(graph.node("Cast", &[&chosen], "indicators", &[("to", FLOAT)]));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts[..] {
        [only] => only.to_owned(),
        _ => graph.node("Concat", &parts, "inputs", &[("axis", 1)]),
    }
}

/// The bytes of an ONNX file.
pub(super) fn model(info: &ModelInfo, scaler: &Scaler, net: &Net) -> Vec<u8> {
    let mut graph = Graph::default();
    let mut value = inputs(&mut graph, scaler);
    for (i, &layer) in net.layers().iter().enumerate() {
        let last = i + 1 == net.layers().len();
        let (weights, bias) = (format!("weights_{i}"), format!("bias_{i}"));
        graph.floats(&weights, &[layer.inputs, layer.outputs], net.weights(layer));
        graph.floats(&bias, &[layer.outputs], net.bias(layer));
        let sum = if last { OUTPUT.to_owned() } else { format!("sum_{i}") };
        value = graph.node("Gemm", &[&value, &weights, &bias], &sum, &[]);
        if !last {
            value = graph.node("Relu", &[&value], &format!("hidden_{i}"), &[]);
        }
    }
    let rows = "candidates";
    let graph = graph.finish(
        "loopwright",
        &port(INPUT, rows, scaler.names.len()),
        &port(OUTPUT, rows, 1),
    );
    let version = env!("CARGO_PKG_VERSION");
    let mut bytes = file(&graph);
    let output = match info.output {
        Output::Probability => "probability",
        Output::Relative => "relative",
    };
    let columns = serde_json::Value::from(scaler.names.clone()).to_string();
    let trackwise = scaler.trackwise.to_string();
    for (key, value) in [
        ("loopwright.features", columns.as_str()),
        ("loopwright.name", &info.name),
        ("loopwright.output", output),
        ("loopwright.trackwise", &trackwise),
        ("loopwright.version", version),
    ] {
        add_metadata(&mut bytes, key, value);
    }
    bytes
}

/// The bytes of a file that holds `graph` and no metadata yet.
pub(super) fn file(graph: &Message) -> Vec<u8> {
    let operators = Message::default().text(1, "").number(2, OPERATOR_SET);
    Message::default()
        .number(1, IR_VERSION)
        .text(2, "loopwright")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph)
        .message(8, &operators)
        .0
}

/// Adds an entry to the metadata of an ONNX file. The wire format allows it at the end: entries of a list may stand
/// anywhere.
pub fn add_metadata(bytes: &mut Vec<u8>, key: &str, value: &str) {
    let entry = Message::default().text(1, key).text(2, value);
    bytes.extend(Message::default().message(14, &entry).0);
}

/// Adds what is found after training to the metadata of an ONNX file: `loopwright.alpha`, `loopwright.calibration`.
pub fn add_findings(bytes: &mut Vec<u8>, alpha: Option<f64>, calibration: Option<Calibration>) {
    if let Some(alpha) = alpha {
        add_metadata(bytes, "loopwright.alpha", &alpha.to_string());
    }
    if let Some(c) = calibration {
        let json = serde_json::json!({ "slope": c.slope, "offset": c.offset }).to_string();
        add_metadata(bytes, "loopwright.calibration", &json);
    }
}
