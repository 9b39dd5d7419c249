//! Which features a table has.

use std::sync::Arc;

use crate::analysis::embedding::EmbeddingInfo;
use crate::features::{REGISTRY, Schema};

/// The features of a table, in the order of the registry. `bars` is always one of them.
#[derive(Debug, Clone)]
pub struct Columns {
    names: Vec<String>,
    /// What has to be computed for them.
    schema: Arc<Schema>,
    /// Where each stands in the schema's rows.
    at: Vec<usize>,
}

/// Features that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such features: {}; `loopwright features` lists them", .0.join(", "))]
pub struct ColumnsError(pub Vec<String>);

impl Columns {
    /// The features that `wanted` names, or all where it names none, less those of `unwanted`. Features of several columns
    /// can be named whole (`pt_mel`) or by column (`pt_mel_3`).
    ///
    /// # Errors
    ///
    /// Names that no feature has.
    pub fn choose(wanted: &[String], unwanted: &[String]) -> Result<Self, ColumnsError> {
        Self::choose_with(wanted, unwanted, None)
    }

    /// The same with the columns of an embedding, which follow the others: `emb` for all of them, or `emb_3`.
    ///
    /// # Errors
    ///
    /// As [`Self::choose`].
    pub fn choose_with(
        wanted: &[String],
        unwanted: &[String],
        embedding: Option<&EmbeddingInfo>,
    ) -> Result<Self, ColumnsError> {
        let full = Schema::full_with(embedding);
        let family = |column: usize| {
            let mut from = 0;
            REGISTRY
                .iter()
                .find(|f| {
                    from += f.width;
                    column < from
                })
                .map_or_else(|| embedding.map_or("", EmbeddingInfo::family), |f| f.name)
        };
        let known: Vec<(&String, &str)> = full.columns().iter().enumerate().map(|(i, c)| (c, family(i))).collect();
        let is = |name: &String, (column, family): &(&String, &str)| name == *column || name == family;
        let unknown: Vec<String> = wanted
            .iter()
            .chain(unwanted)
            .filter(|name| !known.iter().any(|k| is(name, k)))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            return Err(ColumnsError(unknown));
        }
        let kept = |k: &&(&String, &str)| {
            let named = wanted.is_empty() || wanted.iter().any(|w| is(w, k));
            k.1 == "bars" || named && !unwanted.iter().any(|w| is(w, k))
        };
        let names: Vec<String> = known.iter().filter(kept).map(|(c, _)| (*c).clone()).collect();
        let schema = Schema::of_with(&names, embedding).map_err(|e| ColumnsError(e.0))?;
        let at = names.iter().filter_map(|n| schema.column(n)).collect();
        Ok(Self {
            names,
            schema: Arc::new(schema),
            at,
        })
    }

    /// Their names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        self.schema.clone()
    }

    /// These columns of a row of the schema.
    pub(super) fn pick<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.at.iter().map(|i| row[*i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(wanted: &[&str], unwanted: &[&str]) -> Result<Vec<String>, ColumnsError> {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Columns::choose(&own(wanted), &own(unwanted)).map(|c| c.names)
    }

    #[test]
    fn features_are_chosen_by_name_and_family_in_the_order_of_the_registry() {
        assert_eq!(
            choose(&["rep_unit", "pt_mel_7", "rms_mean"], &[]).unwrap(),
            ["bars", "rms_mean", "pt_mel_7", "rep_unit"]
        );
        let all = choose(&[], &[]).unwrap();
        let lean = choose(&[], &["pt_mel"]).unwrap();
        assert_eq!(all.len() - lean.len(), 256);
        assert_eq!(choose(&["pt_mel"], &["pt_mel_0"]).unwrap().len(), 256);
        assert_eq!(
            choose(&["rep_unit", "loudness"], &["x"]).unwrap_err(),
            ColumnsError(vec!["loudness".into(), "x".into()])
        );
        let info = EmbeddingInfo {
            model: "m.onnx".into(),
            digest: "0".into(),
            prefix: "emb_".into(),
            dims: 3,
        };
        let with = |wanted: &[&str], unwanted: &[&str]| {
            let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            Columns::choose_with(&own(wanted), &own(unwanted), Some(&info)).map(|c| c.names)
        };
        assert_eq!(
            with(&["emb", "rms_mean"], &["emb_1"]).unwrap(),
            ["bars", "rms_mean", "emb_0", "emb_2"]
        );
        assert_eq!(with(&[], &[]).unwrap().len(), all.len() + 3);
        assert_eq!(with(&[], &["emb"]).unwrap(), all);
        assert!(with(&["emb_3"], &[]).is_err());
    }
}
