//! UBJSON (Universal Binary JSON, draft 12): all types, bounded in depth and memory.
//!
//! Big-endian throughout. An array or object may name the type of all its elements (`$`) and their number (`#`), as
//! XGBoost does for its arrays of numbers. No count is believed beyond the bytes that are left.

use super::value::{Elements, MAX_VALUES, Value};

/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// Reads one value, and nothing after it but `N` (no-op).
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader {
        bytes,
        at: 0,
        left: MAX_VALUES,
    };
    let run = |reader: &mut Reader<'_>| {
        let marker = reader.marker()?;
        let value = reader.value(marker, 0)?;
        while reader.at < bytes.len() {
            match reader.byte()? {
                b'N' => {}
                other => return Err(format!("{} follows the model", name(other))),
            }
        }
        Ok(value)
    };
    run(&mut reader).map_err(|problem: String| format!("at byte {}: {problem}", reader.at))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

/// What an array or object says of its elements.
struct Head {
    kind: Option<u8>,
    count: Option<usize>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|e| *e <= self.bytes.len());
        let end = end.ok_or_else(|| "it breaks off".to_owned())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| "it breaks off".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.fixed::<1>().map(|[b]| b)
    }

    /// The next type marker, after any no-op.
    fn marker(&mut self) -> Result<u8, String> {
        loop {
            match self.byte()? {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn spend(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("it holds too many values for a model")?;
        Ok(())
    }

    fn integer(&mut self, marker: u8) -> Result<i64, String> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.fixed()?)),
            b'U' => i64::from(self.byte()?),
            b'I' => i64::from(i16::from_be_bytes(self.fixed()?)),
            b'l' => i64::from(i32::from_be_bytes(self.fixed()?)),
            b'L' => i64::from_be_bytes(self.fixed()?),
            other => return Err(format!("{} where an integer must stand", name(other))),
        })
    }

    fn length(&mut self) -> Result<usize, String> {
        let marker = self.marker()?;
        let length = self.integer(marker)?;
        usize::try_from(length).map_err(|_| format!("a length of {length}"))
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| "a string that is not UTF-8".to_owned())
    }

    fn value(&mut self, marker: u8, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}"));
        }
        Ok(match marker {
            b'i' | b'U' | b'I' | b'l' | b'L' => Value::Number(self.integer(marker)? as f64),
            b'd' => Value::Number(f64::from(f32::from_be_bytes(self.fixed()?))),
            b'D' => Value::Number(f64::from_be_bytes(self.fixed()?)),
            b'T' => Value::Number(1.0),
            b'F' => Value::Number(0.0),
            b'Z' => {
                self.spend()?;
                Value::Null
            }
            b'C' => {
                self.spend()?;
                Value::Text(char::from(self.byte()?).to_string())
            }
            b'S' | b'H' => {
                self.spend()?;
                Value::Text(self.text()?)
            }
            b'[' => self.array(depth)?,
            b'{' => self.object(depth)?,
            other => return Err(format!("{} where a value must stand", name(other))),
        })
    }

    fn head(&mut self) -> Result<Head, String> {
        let mut head = Head {
            kind: None,
            count: None,
        };
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            head.kind = Some(self.byte()?);
            if self.bytes.get(self.at) != Some(&b'#') {
                return Err("a type of elements without their number".into());
            }
        }
        if self.bytes.get(self.at) == Some(&b'#') {
            self.at += 1;
            let count = self.length()?;
            if count > self.bytes.len() - self.at {
                return Err(format!(
                    "{count} elements in the {} bytes left",
                    self.bytes.len() - self.at
                ));
            }
            head.count = Some(count);
        }
        Ok(head)
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.spend()?;
        let head = self.head()?;
        if let (Some(kind), Some(count)) = (head.kind, head.count)
            && let Some(numbers) = self.numbers(kind, count)?
        {
            return Ok(Value::Numbers(numbers));
        }
        let mut elements = Elements::default();
        let mut read = 0;
        loop {
            if head.count.is_some_and(|c| read >= c) {
                break;
            }
            let marker = match head.kind {
                Some(kind) => kind,
                None => self.marker()?,
            };
            if head.count.is_none() && marker == b']' {
                break;
            }
            // Elements of no bytes at all cost memory but no file: they are counted.
            if matches!(head.kind, Some(b'Z' | b'T' | b'F')) {
                self.spend()?;
            }
            elements.push(self.value(marker, depth + 1)?);
            read += 1;
        }
        Ok(elements.finish())
    }

    /// An array of numbers of one type, if it is one.
    fn numbers(&mut self, kind: u8, count: usize) -> Result<Option<Vec<f64>>, String> {
        let size = match kind {
            b'i' | b'U' => 1,
            b'I' => 2,
            b'l' | b'd' => 4,
            b'L' | b'D' => 8,
            _ => return Ok(None),
        };
        let bytes = self.take(count.checked_mul(size).ok_or("too many elements")?)?;
        fn all<const N: usize>(bytes: &[u8], of: impl Fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|b| of(*b)).collect()
        }
        Ok(Some(match kind {
            b'i' => all(bytes, |b| f64::from(i8::from_be_bytes(b))),
            b'U' => all(bytes, |[b]| f64::from(b)),
            b'I' => all(bytes, |b| f64::from(i16::from_be_bytes(b))),
            b'l' => all(bytes, |b| f64::from(i32::from_be_bytes(b))),
            b'L' => all(bytes, |b| i64::from_be_bytes(b) as f64),
            b'd' => all(bytes, |b| f64::from(f32::from_be_bytes(b))),
            _ => all(bytes, f64::from_be_bytes),
        }))
    }

    fn object(&mut self, depth: usize) -> Result<Value, String> {
        self.spend()?;
        let head = self.head()?;
        let mut members = Vec::new();
        loop {
            if head.count.is_some_and(|c| members.len() >= c) {
                break;
            }
            while self.bytes.get(self.at) == Some(&b'N') {
                self.at += 1;
            }
            if head.count.is_none() && self.bytes.get(self.at) == Some(&b'}') {
                self.at += 1;
                break;
            }
            self.spend()?;
            let key = self.text()?;
            let marker = match head.kind {
                Some(kind) => kind,
                None => self.marker()?,
            };
            members.push((key, self.value(marker, depth + 1)?));
        }
        Ok(Value::Object(members))
    }
}

/// A byte for a message.
fn name(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        format!("`{}`", char::from(byte))
    } else {
        format!("byte 0x{byte:02x}")
    }
}
