//! The JSON objects that programs are told: the lines of `--json`, and what `to_dict` gives in Python.
//!
//! Every object has `schema` and `type`; fields may be added within a schema, and none changes its meaning or goes.

use serde_json::{Value, json};

/// Version of the layout.
pub const SCHEMA: u32 = 1;

/// The object of the type `kind` that tells `fields` of `source`: a path as the user gave it, or an address.
pub fn line(kind: &str, source: &str, fields: Value) -> Value {
    let mut line = json!({ "schema": SCHEMA, "type": kind, "source": source });
    if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    line
}
