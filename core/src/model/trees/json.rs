//! JSON as XGBoost writes it: with `NaN` and `Infinity`, which the standard does not know.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::value::{Elements, MAX_VALUES, Value};

/// Reads a text; nesting is bounded by `serde_json` (128 levels).
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    match strict(bytes) {
        Ok(value) => Ok(value),
        Err(problem) => match without_specials(bytes) {
            Some(text) => strict(&text),
            None => Err(problem),
        },
    }
}

fn strict(bytes: &[u8]) -> Result<Value, String> {
    let left = Cell::new(MAX_VALUES);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Any { left: &left }
        .deserialize(&mut reader)
        .map_err(|e| e.to_string())?;
    reader.end().map_err(|e| e.to_string())?;
    Ok(value)
}

/// The text with `NaN` and `Infinity` outside strings put in quotes, if it has any.
fn without_specials(bytes: &[u8]) -> Option<Vec<u8>> {
    const SPECIALS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut out = Vec::with_capacity(bytes.len());
    let (mut quoted, mut found) = (false, false);
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        if quoted {
            out.push(byte);
            rest = after;
            if byte == b'\\' {
                if let Some((&escaped, after)) = rest.split_first() {
                    out.push(escaped);
                    rest = after;
                }
            } else if byte == b'"' {
                quoted = false;
            }
            continue;
        }
        if let Some(special) = SPECIALS.iter().find(|s| rest.starts_with(s)) {
            out.push(b'"');
            out.extend_from_slice(special);
            out.push(b'"');
            rest = &rest[special.len()..];
            found = true;
            continue;
        }
        quoted = byte == b'"';
        out.push(byte);
        rest = after;
    }
    found.then_some(out)
}

#[derive(Clone, Copy)]
struct Any<'a> {
    left: &'a Cell<usize>,
}

impl Any<'_> {
    /// Counts a value that is no number.
    fn count<E: Error>(self, value: Value) -> Result<Value, E> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(value)
            }
            None => Err(E::custom("it holds too many values for a model")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Number(f64::from(u8::from(b))))
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Number(n as f64))
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Number(n as f64))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.count(Value::Text(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.count(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Elements::default();
        while let Some(value) = seq.next_element_seed(self)? {
            elements.push(value);
        }
        self.count(elements.finish())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            self.count::<A::Error>(Value::Null)?;
            members.push((name, map.next_value_seed(self)?));
        }
        self.count(Value::Object(members))
    }
}
