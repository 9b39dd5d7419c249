//! ONNX models that tell which tags a file has.
//!
//! One input `features`, `[files, features]`, NaN where a value is missing; one output `probability`, `[files, tags]`. The
//! metadata say the rest: `loopwright.features` (names in order), `loopwright.features_version`, `loopwright.tags` (name,
//! threshold and family of each tag, in order), `loopwright.kind` (`tags` or `contact`).

use serde::{Deserialize, Serialize};

#[cfg(feature = "onnx")]
use super::ModelFileError;

/// What `loopwright.kind` says of models that learnt tags.
pub const TAGS: &str = "tags";
/// What it says of models that learnt the labels of a contact map.
pub const CONTACT: &str = "contact";

/// A tag that a model tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// Probability from which it is given.
    pub threshold: f64,
    /// The family of tags that exclude each other, of which it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
}

/// Which tags to give by their probabilities, by index, ascending.
///
/// A tag of no family is given from its threshold on: a file may have several, or none. Of a family a file has exactly one:
/// that whose odds exceed those of its threshold the most, be it above the threshold or not.
pub fn decide(tags: &[Tag], probabilities: &[f64]) -> Vec<usize> {
    let odds = |p: f64| {
        let p = p.clamp(1e-9, 1.0 - 1e-9);
        (p / (1.0 - p)).ln()
    };
    let excess = |i: usize| odds(probabilities[i]) - odds(tags[i].threshold);
    let all = 0..tags.len().min(probabilities.len());
    all.clone()
        .filter(|&i| match &tags[i].family {
            None => probabilities[i] >= tags[i].threshold,
            Some(family) => {
                let rivals = all.clone().filter(|&j| tags[j].family.as_ref() == Some(family));
                rivals.max_by(|&a, &b| excess(a).total_cmp(&excess(b)).then(b.cmp(&a))) == Some(i)
            }
        })
        .collect()
}

/// A model that tells tags.
#[cfg(feature = "onnx")]
#[derive(Debug)]
pub struct TagModel {
    name: String,
    kind: String,
    digest: String,
    features: Vec<String>,
    features_version: u32,
    tags: Vec<Tag>,
    network: crate::onnx::Network,
}

#[cfg(feature = "onnx")]
impl TagModel {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`ModelFileError`]: no ONNX, not one of these models, or one that contradicts itself.
    pub fn read(path: &std::path::Path) -> Result<Self, ModelFileError> {
        Self::of(crate::onnx::Model::read(path).map_err(|e| super::network::problem(&path.display().to_string(), e))?)
    }

    /// Takes the content of a file; `name` is what errors call it.
    ///
    /// # Errors
    ///
    /// As [`TagModel::read`].
    pub fn of_bytes(name: &str, bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::of(crate::onnx::Model::of(name, bytes).map_err(|e| super::network::problem(name, e))?)
    }

    fn of(model: crate::onnx::Model) -> Result<Self, ModelFileError> {
        let name = model.name().to_owned();
        let broken = |problem: String| ModelFileError::Broken {
            name: name.clone(),
            kind: "model of tags",
            problem,
        };
        let note = |key: &str| {
            model.metadata().get(key).ok_or_else(|| {
                broken(format!(
                    "it has no note {key}: it was not made by `loopwright train tags` or `train contact`"
                ))
            })
        };
        let unread = |key: &str, e: &dyn std::fmt::Display| broken(format!("its note {key} cannot be read: {e}"));
        let tags: Vec<Tag> =
            serde_json::from_str(note("loopwright.tags")?).map_err(|e| unread("loopwright.tags", &e))?;
        let features: Vec<String> =
            serde_json::from_str(note("loopwright.features")?).map_err(|e| unread("loopwright.features", &e))?;
        let features_version = note("loopwright.features_version")?
            .parse()
            .map_err(|e| unread("loopwright.features_version", &e))?;
        let kind = note("loopwright.kind")?.clone();
        for names in [
            tags.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
            features.iter().map(String::as_str).collect(),
        ] {
            super::schema_file::no_twins(&names).map_err(&broken)?;
        }
        if tags.is_empty() || features.is_empty() {
            return Err(broken("it names no tags, or no features".into()));
        }
        if let Some(tag) = tags.iter().find(|t| !(t.threshold > 0.0 && t.threshold < 1.0)) {
            return Err(broken(format!("the threshold of {:?} is {}", tag.name, tag.threshold)));
        }
        let network = model
            .network(&[&[1, features.len()]])
            .map_err(|e| super::network::problem(&name, e))?;
        match network.outputs() {
            [(_, shape)] if shape[..] == [1, tags.len()] => {}
            other => {
                let shapes: Vec<String> = other.iter().map(|(n, s)| format!("`{n}` {s:?}")).collect();
                let (n, shapes) = (tags.len(), shapes.join(", "));
                return Err(broken(format!("it names {n} tags and gives for one file {shapes}")));
            }
        }
        Ok(Self {
            digest: model.digest().to_owned(),
            name: name.clone(),
            kind,
            features,
            features_version,
            tags,
            network,
        })
    }

    /// The file, or what the caller called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it learnt: [`TAGS`] or [`CONTACT`].
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Sixteen hexadecimal digits that name its content.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The features that it reads, in order.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Their version.
    pub fn features_version(&self) -> u32 {
        self.features_version
    }

    /// The tags that it tells, in order.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The probability of each tag, from the values of [`TagModel::features`] of one file, NaN where missing.
    ///
    /// # Errors
    ///
    /// [`super::ModelError::Engine`] where it cannot be run, or gives what is no probability.
    pub fn probabilities(&self, values: &[f32]) -> Result<Vec<f64>, super::ModelError> {
        let failed = |problem: String| super::ModelError::Engine {
            model: self.name.clone(),
            problem,
        };
        let outputs = self.network.run(&[values]).map_err(|e| failed(e.to_string()))?;
        let probabilities: Vec<f64> = outputs.into_iter().flatten().map(f64::from).collect();
        match probabilities.iter().position(|p| !(0.0..=1.0).contains(p)) {
            Some(tag) => Err(failed(format!("its probability of tag {tag} is none"))),
            None => Ok(probabilities),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, threshold: f64, family: Option<&str>) -> Tag {
        Tag {
            name: name.into(),
            threshold,
            family: family.map(Into::into),
        }
    }

    #[test]
    fn families_give_one_and_others_as_many_as_pass() {
        let tags = [
            tag("slow", 0.5, Some("tempo")),
            tag("house", 0.3, None),
            tag("fast", 0.2, Some("tempo")),
            tag("jazz", 0.6, None),
        ];
        assert_eq!(decide(&tags, &[0.6, 0.3, 0.1, 0.59]), [0, 1]);
        // 0.15 is nearer to 0.2 than 0.3 is to 0.5.
        assert_eq!(decide(&tags, &[0.3, 0.0, 0.15, 1.0]), [2, 3]);
        assert_eq!(decide(&tags, &[0.5, 0.0, 0.2, 0.0]), [0]);
        assert!(decide(&[tag("x", 0.5, None)], &[0.4]).is_empty());
        assert!(decide(&[], &[]).is_empty());
    }
}
