//! The settings in force: the defaults, a `loopwright.toml` that is named, and what the caller says, each over the one
//! before.

use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::features::REGISTRY;
use loopwright_core::pipeline::lines::SCHEMA;
use pyo3::prelude::*;
use serde_json::{Map, Value, json};

use crate::errors::Failure;
use crate::json;

/// Settings, and whether somebody chose `rank.alpha`.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) alpha_said: bool,
}

/// Layers the file at `file` and the JSON object `said` (sections of keys) over the defaults.
pub(crate) fn layer(file: Option<&Path>, said: &str) -> Result<Settings, Failure> {
    let mut values = serde_json::to_value(Config::default()).map_err(|e| Failure::Defect(e.to_string()))?;
    let mut alpha_said = false;
    let mut put = |origin: &str, sections: Map<String, Value>| {
        for (section, keys) in sections {
            let Value::Object(keys) = keys else {
                return Err(Failure::Settings(format!(
                    "{origin}{section} is a section: give a dict of its keys"
                )));
            };
            for (key, value) in keys {
                set(&mut values, &section, &key, value).map_err(|e| Failure::Settings(format!("{origin}{e}")))?;
                alpha_said |= section == "rank" && key == "alpha";
            }
        }
        Ok(())
    };
    if let Some(file) = file {
        let wrong = |e: String| Failure::Settings(format!("{}: {e}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|e| wrong(format!("cannot read: {e}")))?;
        // The whole of it once, for errors that name the line.
        let _: Config = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let sections: Map<String, Value> = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        put(&format!("{}: ", file.display()), sections)?;
    }
    let said: Map<String, Value> =
        serde_json::from_str(said).map_err(|e| Failure::Settings(format!("settings: {e}")))?;
    put("", said)?;
    let config: Config = serde_json::from_value(values).map_err(|e| Failure::Settings(format!("settings: {e}")))?;
    config.validate().map_err(|e| Failure::Settings(e.to_string()))?;
    Ok(Settings { config, alpha_said })
}

/// Sets one key, which must be there and take such a value.
fn set(values: &mut Value, section: &str, key: &str, value: Value) -> Result<(), String> {
    let names = |of: &Value| {
        let names = of.as_object().into_iter().flat_map(|o| o.keys().map(String::as_str));
        names.collect::<Vec<_>>().join(", ")
    };
    let sections = names(values);
    let Some(keys) = values.get_mut(section) else {
        return Err(format!(
            "there is no section `{section}` of settings; there are {sections}"
        ));
    };
    let known = names(keys);
    let Some(place) = keys.get_mut(key) else {
        return Err(format!(
            "there is no setting `{section}.{key}`; the section has {known}"
        ));
    };
    let before = std::mem::replace(place, value);
    if let Err(e) = serde_json::from_value::<Config>(values.clone()) {
        let why = format!("setting {section}.{key}: {e}");
        values[section][key] = before;
        return Err(why);
    }
    Ok(())
}

/// All settings with their defaults.
#[pyfunction]
pub(crate) fn default_settings(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let values = serde_json::to_value(Config::default()).map_err(|e| Failure::Defect(e.to_string()))?;
    json::object(py, &values)
}

/// Every feature that is measured.
#[pyfunction]
pub(crate) fn feature_registry(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let told = |f: &&loopwright_core::features::Feature| {
        json!({
            "schema": SCHEMA, "name": f.name, "unit": f.unit, "range": f.range, "width": f.width, "version": f.version,
            "doc": f.doc,
        })
    };
    json::object(py, &REGISTRY.iter().map(told).collect())
}
