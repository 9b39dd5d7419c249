//! What both of XGBoost's formats say, before anything is made of it.

/// Most values other than numbers in arrays: a bound on memory that no honest model comes near.
pub(super) const MAX_VALUES: usize = 1 << 22;

/// A value of JSON or UBJSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// A number; true is 1, false 0.
    Number(f64),
    /// A string.
    Text(String),
    /// An array of numbers only, eight bytes each whatever they were in the file.
    Numbers(Vec<f64>),
    /// Any other array.
    List(Vec<Value>),
    /// Members in the order of the file.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A number, also one written as a string.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(t) => t.trim().parse().ok(),
            _ => None,
        }
    }

    /// A string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(t) => Some(t),
            _ => None,
        }
    }

    /// An array of numbers, also of numbers written as strings.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Numbers(n) => Some(n.clone()),
            Self::List(list) => list.iter().map(Self::number).collect(),
            _ => None,
        }
    }

    /// The elements of an array that is not of numbers; none of an empty one.
    pub(super) fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            Self::Numbers(n) if n.is_empty() => Some(&[]),
            _ => None,
        }
    }

    /// What it is, in a word.
    pub(super) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Numbers(_) => "an array of numbers",
            Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// An array in the making: numbers for as long as it holds nothing else.
#[derive(Debug, Default)]
pub(super) struct Elements {
    numbers: Vec<f64>,
    list: Vec<Value>,
}

impl Elements {
    pub(super) fn push(&mut self, value: Value) {
        match value {
            Value::Number(n) if self.list.is_empty() => self.numbers.push(n),
            other => {
                self.list.extend(self.numbers.drain(..).map(Value::Number));
                self.list.push(other);
            }
        }
    }

    pub(super) fn finish(self) -> Value {
        if self.list.is_empty() {
            Value::Numbers(self.numbers)
        } else {
            Value::List(self.list)
        }
    }
}
