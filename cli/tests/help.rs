//! What the tool says of itself. Golden texts; `UPDATE_GOLDEN=1 cargo test` writes them anew.

mod common;

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use common::{expect_code, run_in, stderr, stdout};
use loopwright::args::Cli;
use loopwright_core::config::Config;

/// The help of the tool and of every command, at a fixed width.
fn all_help() -> String {
    let mut tool = Cli::command().term_width(100).version("VERSION");
    tool.build();
    let mut text = tool.render_long_help().to_string();
    for command in tool.get_subcommands_mut().filter(|c| c.get_name() != "help") {
        text += &format!(
            "\n==== {}\n\n{}",
            command.get_name(),
            command.clone().term_width(100).render_long_help()
        );
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
#[cfg_attr(not(feature = "mp3"), ignore = "the golden text is that of the default features")]
fn the_help_is_as_written_down() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help.txt");
    let help = all_help();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &help).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    assert!(
        golden == help,
        "the help differs from {}; UPDATE_GOLDEN=1 writes it anew:\n{help}",
        path.display()
    );
}

#[test]
fn the_defaults_in_the_help_are_the_defaults() {
    let help = all_help();
    let config = Config::default();
    let bars = config
        .loops
        .bars
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let lower = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    for said in [
        format!("by commas [default: {bars}]"),
        format!("0 keeps all [default: {}]", config.rank.top_k),
        format!(
            "contents and lengths [default: {}]",
            lower(serde_json::json!(config.rank.order))
        ),
        format!(
            "Level of each loop [default: {}]",
            lower(serde_json::json!(config.export.level))
        ),
        format!("0 for never [default: {}]", config.export.crossfade_ms),
        format!(
            "difference of probabilities [default: {}]",
            config.rank.min_rel_score.unwrap_or_default()
        ),
        format!("a gap when looped [default: {}]", config.export.fade_ms),
    ] {
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&said), "the help does not say: {said}");
    }
}

#[test]
fn config_prints_what_holds_and_where_it_comes_from() {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("loopwright.toml"), "[rank]\ntop_k = 7\n").unwrap();
    let run = run_in(work.path(), &["config", "--bars", "4,8"]);
    expect_code(&run, 0);
    let text = stdout(&run);
    let line = |section: &str, key: &str| {
        let (_, own) = text.split_once(&format!("[{section}]")).unwrap();
        own.lines()
            .find(|l| l.starts_with(key))
            .unwrap_or_else(|| panic!("no {section}.{key} in {text}"))
    };
    let bars = line("loops", "bars");
    assert!(bars.contains("[4, 8]") && bars.ends_with("# --bars"), "{text}");
    let top = line("rank", "top_k");
    assert!(top.contains('7') && top.ends_with("loopwright.toml"), "{text}");
    assert!(line("rank", "order").ends_with("# default"), "{text}");
    let mut expected = Config::default();
    expected.rank.top_k = 7;
    expected.loops.bars = vec![4, 8];
    assert_eq!(toml::from_str::<Config>(&text).unwrap(), expected);
}

#[test]
fn doctor_finds_this_machine_fit() {
    let work = tempfile::tempdir().unwrap();
    let run = run_in(work.path(), &["doctor"]);
    expect_code(&run, 0);
    assert!(stdout(&run).contains("flac"), "{}", stdout(&run));
    assert_eq!(
        fs::read_dir(work.path()).unwrap().count(),
        0,
        "doctor left something behind"
    );
    let json = run_in(work.path(), &["doctor", "--json"]);
    assert!(
        stdout(&json)
            .lines()
            .all(|l| serde_json::from_str::<serde_json::Value>(l).is_ok())
    );
}

#[test]
fn features_are_listed_with_their_meaning() {
    let work = tempfile::tempdir().unwrap();
    let text = stdout(&run_in(work.path(), &["features"]));
    for name in ["rms_mean", "boundary_quiet_score", "pt_mel"] {
        assert!(text.contains(name), "{text}");
    }
    let json = stdout(&run_in(work.path(), &["features", "--json"]));
    for line in json.lines() {
        let feature: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(feature["name"].is_string() && feature["doc"].is_string(), "{line}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let work = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = run_in(work.path(), &["completions", shell]);
        expect_code(&run, 0);
        assert!(stdout(&run).contains("loopwright"));
    }
    let wrong = run_in(work.path(), &["completions", "cobol"]);
    expect_code(&wrong, 2);
    assert!(stderr(&wrong).contains("bash"));
}
