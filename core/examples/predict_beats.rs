//! Beats of a labelled set, as the scorer reads them: `predict_beats SET_DIR [OUT.jsonl] [--dump] [--speed X] [--cut S]
//! [--model FILE]`.
//!
//! `--repeat N` times each track N times and counts the fastest. `--dump` adds every hypothesis with its terms; `--speed`
//! plays faster, `--cut` leaves out the first seconds (times are given in the original's), for tests of robustness. `--model`
//! names a beat model, or `none`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use loopwright_core::audio::decode::decode_file;
use loopwright_core::audio::resample::halve;
use loopwright_core::config;
use loopwright_core::progress::Silent;
use loopwright_core::rhythm::{self, hypothesis::Term};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut option = |name: &str, value: bool| -> Option<String> {
        let i = args.iter().position(|a| a == name)?;
        args.remove(i);
        value.then(|| args.remove(i)).or(Some(String::new()))
    };
    let dump = option("--dump", false).is_some();
    let speed: f64 = option("--speed", true).map_or(Ok(1.0), |s| s.parse())?;
    let cut: f64 = option("--cut", true).map_or(Ok(0.0), |s| s.parse())?;
    let settings = config::Rhythm {
        beat_model: option("--model", true),
        ..config::Rhythm::default()
    };
    let model = rhythm::load::load(&settings)?;
    let tracker = rhythm::Tracker {
        settings: &settings,
        model: model.as_deref(),
    };
    let repeat: usize = option("--repeat", true).map_or(Ok(1), |s| s.parse())?;
    let set = Path::new(args.first().ok_or("which set?")?);
    let mut out: Box<dyn Write> = match args.get(1) {
        Some(p) => Box::new(std::fs::File::create(p)?),
        None => Box::new(std::io::stdout()),
    };
    let items: serde_json::Value = serde_json::from_slice(&std::fs::read(set.join("manifest.json"))?)?;
    let mut spent = std::time::Duration::ZERO;
    let mut heard = 0.0;
    for item in items.as_array().ok_or("the manifest is no list")? {
        let (Some(id), Some(audio)) = (item["id"].as_str(), item["audio"].as_str()) else {
            continue;
        };
        let decoded = decode_file(&set.join(audio), &config::Decode::default())?.audio;
        let rate = decoded.sample_rate();
        let mono = decoded.mono();
        let mono = match rate {
            44_100 => halve(&mono),
            22_050 => mono,
            _ => line(&mono, f64::from(rate) / 22_050.0),
        };
        let skip = ((cut * 22_050.0) as usize).min(mono.len());
        let mono = if speed == 1.0 {
            mono[skip..].to_vec()
        } else {
            line(&mono[skip..], speed)
        };
        // The least of some runs, so that other work on the machine is not counted.
        let mut least = std::time::Duration::MAX;
        let mut r = None;
        for _ in 0..repeat.max(1) {
            let began = std::time::Instant::now();
            r = Some(rhythm::track(&mono, rate, tracker, &Silent)?);
            least = least.min(began.elapsed());
        }
        let Some(r) = r else { continue };
        spent += least;
        heard += mono.len() as f64 / 22_050.0;
        let seconds = |f: &f64| f / f64::from(rate) * speed + cut;
        let times = |b: &[f64]| b.iter().map(seconds).collect::<Vec<f64>>();
        let g = &r.grid;
        let mut row = serde_json::json!({
            "id": id,
            "beats": times(&g.beats),
            "downbeats": g.downbeats.iter().map(|&d| seconds(&g.beats[d])).collect::<Vec<_>>(),
            "bpm": if g.beats.is_empty() { 0.0 } else { g.tempo.0 / speed },
            "constant": g.constant, "confidence": g.confidence, "beat_confidence": r.beat_confidence,
            "bar_confidence": r.bar_confidence, "clarity": r.clarity, "meter": g.beats_per_bar,
        });
        if dump {
            if let Some(h) = r.hypotheses.first() {
                let bars = h.bars.first().map(|b| b.terms.as_slice()).unwrap_or_default();
                let weights = |terms: &[Term]| terms.iter().map(|t| (t.name, t.weight)).collect::<BTreeMap<_, _>>();
                row["weights"] = serde_json::json!({ "beats": weights(&h.terms), "bars": weights(bars) });
            }
            row["hypotheses"] = r
                .hypotheses
                .iter()
                .map(|h| {
                    serde_json::json!({
                        "ratio": h.ratio, "bpm": h.tempo.0 / speed, "score": h.score, "beats": times(&h.beats),
                        "terms": h.terms.iter().map(|t| (t.name, t.value)).collect::<BTreeMap<_, _>>(),
                        "downbeats": h.downbeats,
                        "bars": h.bars.iter().map(|b| serde_json::json!({
                            "meter": b.beats_per_bar, "first": b.first, "score": b.score,
                            "terms": b.terms.iter().map(|t| (t.name, t.value)).collect::<BTreeMap<_, _>>(),
                        })).collect::<Vec<_>>(),
                    })
                })
                .collect();
        }
        writeln!(out, "{row}")?;
    }
    eprintln!(
        "{:.3} s for {heard:.0} s of audio: {:.3} s for 180 s",
        spent.as_secs_f64(),
        spent.as_secs_f64() / heard * 180.0
    );
    Ok(())
}

/// Linear interpolation at every `step`-th sample, after a short mean where that thins the signal.
fn line(x: &[f32], step: f64) -> Vec<f32> {
    let n = (x.len() as f64 / step) as usize;
    (0..n)
        .map(|i| {
            let at = i as f64 * step;
            let (k, f) = (at as usize, at.fract() as f32);
            let b = x.get(k + 1).copied().unwrap_or(0.0);
            x[k] * (1.0 - f) + b * f
        })
        .collect()
}
