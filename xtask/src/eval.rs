//! `cargo xtask eval`: answers the labelled sets with `loopwright predict`, scores the answers, and holds them against
//! guards, so that a change for the worse does not pass unseen.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, setup, shell};

/// A figure that must not fall below (or rise above) a bound: a path of keys in the scorer's summary.
struct Guard {
    keys: &'static [&'static str],
    at_least: f64,
}

/// One run of `predict` and of the scorer.
struct Round {
    name: &'static str,
    task: &'static str,
    set: &'static str,
    true_grid: bool,
    guards: &'static [Guard],
}

const fn guard(keys: &'static [&'static str], at_least: f64) -> Guard {
    Guard { keys, at_least }
}

const ROUNDS: &[Round] = &[
    Round {
        name: "beats",
        task: "beats",
        set: "beats",
        true_grid: false,
        guards: &[
            guard(&["all", "F"], 0.94),
            guard(&["all", "dbF"], 0.86),
            guard(&["kind:real", "F"], 0.84),
        ],
    },
    Round {
        name: "loops, true grid",
        task: "loops",
        set: "songs_from_loops",
        true_grid: true,
        guards: &[
            guard(&["P@10"], 0.95),
            guard(&["phraseP@10"], 0.87),
            guard(&["famR@10"], 0.85),
            guard(&["breaks_IoU"], 0.95),
            guard(&["drumless_IoU"], 0.85),
        ],
    },
    Round {
        name: "loops, own grid",
        task: "loops",
        set: "songs_from_loops",
        true_grid: false,
        guards: &[
            guard(&["P@10"], 0.85),
            guard(&["phraseP@10"], 0.80),
            guard(&["breaks_IoU"], 0.88),
            guard(&["drumless_IoU"], 0.82),
        ],
    },
    Round {
        name: "onsets and hits",
        task: "onsets",
        set: "onsets_drums",
        true_grid: false,
        guards: &[
            guard(&["all", "F25"], 0.96),
            guard(&["kind:mix", "F25"], 0.95),
            guard(&["all", "class_acc"], 0.85),
        ],
    },
    Round {
        name: "tempo of loop files",
        task: "looptempo",
        set: "loops",
        true_grid: false,
        guards: &[guard(&["acc1"], 0.90), guard(&["bars_ok"], 0.90)],
    },
    Round {
        name: "loops that go together",
        task: "neighbours",
        set: "loops",
        true_grid: false,
        guards: &[
            guard(&["hit1"], 0.96),
            guard(&["recallR"], 0.92),
            guard(&["ratio_within_2pct"], 0.92),
        ],
    },
];

/// Figures shown beside the guarded ones.
const SHOWN: &[&[&str]] = &[
    &["all", "AMLt"],
    &["all", "acc1"],
    &["all", "lag_ms"],
    &["P@1"],
    &["P@5"],
    &["onbar@10"],
    &["quiet_IoU"],
    &["all", "F50"],
    &["class_macro_F50"],
    &["exact"],
    &["tag_jaccard"],
    &["hit5"],
    &["mrr"],
];

const USAGE: &str = "usage: cargo xtask eval [DIR] [--quick] [--if-possible]
  --quick        use the development build, which the tests have made already
  --if-possible  succeed, saying so, where there are no sets or no Python to score with";

/// `cargo xtask eval [DIR] [--quick] [--if-possible]`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (mut folder, mut quick, mut if_possible) = (None, false, false);
    for argument in arguments {
        match argument.as_str() {
            "--quick" => quick = true,
            "--if-possible" => if_possible = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(());
            }
            flag if flag.starts_with('-') => return Err(format!("no flag {flag}\n{USAGE}")),
            path => folder = Some(PathBuf::from(path)),
        }
    }
    let folder = folder.unwrap_or_else(|| shell::root().join("..").join("shared").join("eval"));
    let scorer = folder.join("score.py");
    let python = if scorer.is_file() {
        python()
    } else {
        Err(format!("there is no {}", scorer.display()))
    };
    let python = match python {
        Ok(python) => python,
        Err(why) if if_possible => {
            eprintln!("eval: SKIPPED, {why}");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    setup::system_packages()?;
    // The quick one builds as the tests do, so that heavy dependencies are not built twice with other features.
    let (profile, build): (_, &[&str]) = if quick {
        ("debug", &["test", "--workspace", "--no-run"])
    } else {
        ("release", &["build", "--release", "--package", "loopwright"])
    };
    shell::run(&mut shell::cargo(build))?;
    let work = shell::target().join("eval");
    fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let mut failures = Vec::new();
    for round in ROUNDS {
        let set = folder.join(round.set);
        if !set.join("manifest.json").is_file() {
            println!("{}: no set at {}", round.name, set.display());
            continue;
        }
        let answers = work.join(format!("{}.jsonl", round.name.replace([',', ' '], "-")));
        let mut predict = shell::command(shell::tool(profile), &["predict", round.task, "--no-progress"]);
        predict.arg(&set).arg("--out").arg(&answers);
        if round.true_grid {
            predict.arg("--grid").arg(true_grid(&python, &set, &work)?);
        }
        shell::run(&mut predict)?;
        let mut score = shell::command(&python, &[]);
        score
            .arg(&scorer)
            .args([round.task, "--json", "--set"])
            .arg(&set)
            .arg("--pred")
            .arg(&answers);
        let summary = shell::capture(&mut score)?;
        println!("\n{}", round.name);
        for guard in round.guards {
            let name = guard.keys.join(".");
            match number(&summary, guard.keys) {
                Some(value) => {
                    let verdict = if value >= guard.at_least {
                        ""
                    } else {
                        "   BELOW ITS GUARD"
                    };
                    println!("  {name:<16} {value:>7.3}   at least {:.3}{verdict}", guard.at_least);
                    if value < guard.at_least {
                        failures.push(format!(
                            "{}: {name} is {value:.3}, below {:.3}",
                            round.name, guard.at_least
                        ));
                    }
                }
                None => failures.push(format!("{}: the scorer gave no {name}", round.name)),
            }
        }
        for keys in SHOWN {
            if let Some(value) = number(&summary, keys) {
                println!("  {:<16} {value:>7.3}", keys.join("."));
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(format!("\n  {}", failures.join("\n  ")))
    }
}

/// A Python that can run the scorer: `$LOOPWRIGHT_PYTHON`, the system's, or one of our own under `target/`.
fn python() -> Result<PathBuf, String> {
    let able = |python: &Path| shell::works(&python.to_string_lossy(), &["-c", "import numpy, mir_eval"]);
    let own = shell::target().join("eval-venv");
    let in_own = own.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let named = std::env::var_os("LOOPWRIGHT_PYTHON").map(PathBuf::from);
    let found = named
        .into_iter()
        .chain([PathBuf::from("python3"), in_own.clone()])
        .find(|p| able(p));
    if let Some(python) = found {
        return Ok(python);
    }
    eprintln!("eval: making {} for numpy and mir_eval", own.display());
    shell::run(shell::command("python3", &["-m", "venv"]).arg(&own))?;
    shell::run(&mut shell::command(
        &in_own,
        &["-m", "pip", "install", "--quiet", "numpy", "mir_eval"],
    ))?;
    Ok(in_own)
}

/// Writes the true beats and downbeats of a set of songs as a grid file.
fn true_grid(python: &Path, set: &Path, work: &Path) -> Result<PathBuf, String> {
    const SCRIPT: &str = "import json, sys
for m in json.load(open(sys.argv[1] + '/manifest.json')):
    t = json.load(open(sys.argv[1] + '/' + m['truth']))
    print(json.dumps({'id': m['id'], 'beats': t['beats'], 'downbeats': t['downbeats']}))";
    let lines = shell::capture(shell::command(python, &["-c", SCRIPT]).arg(set))?;
    let path = work.join("true-grid.jsonl");
    fs::write(&path, lines).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// The number at a path of keys in the scorer's JSON, whose keys are unique on each level that we ask for.
fn number(json: &str, keys: &[&str]) -> Option<f64> {
    let mut rest = json.split_once("\"summary\"").map_or(json, |(_, rest)| rest);
    for key in keys {
        rest = rest.split_once(&format!("\"{key}\":"))?.1;
    }
    let rest = rest.trim_start();
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_path() {
        let json = r#"{"summary": {"all": {"F": 0.91, "n": 38}, "tag": {"F": 0.5}, "P@1": 1.0, "P@10": 0.975}, "items": null}"#;
        assert_eq!(number(json, &["all", "F"]), Some(0.91));
        assert_eq!(number(json, &["tag", "F"]), Some(0.5));
        assert_eq!(number(json, &["P@10"]), Some(0.975));
        assert_eq!(number(json, &["all", "missing"]), None);
        assert_eq!(number(r#"{"summary": {"a": NaN}}"#, &["b"]), None);
    }

    #[test]
    fn every_round_is_guarded() {
        assert!(ROUNDS.iter().all(|r| !r.guards.is_empty()));
    }
}
