//! `loopwright analyze`.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use loopwright_core::pipeline::analyze::outputs::{OutputError, Outputs, Wrote};
use loopwright_core::pipeline::analyze::{self, Alternative, LoopTold, TrackAnalysis};
use loopwright_core::pipeline::given::GivenBeats;
use loopwright_core::pipeline::lines;
use loopwright_core::pipeline::predict::Region;
use loopwright_core::pipeline::run::Observer as _;
use loopwright_core::progress::{Progress, Stage};
use loopwright_core::rhythm;

use crate::args::{Analyze, General};
use crate::exit::{Exit, UsageError};
use crate::output::{clock, count, plain, plain_lines};
use crate::places;
use crate::progress::{self, Display};
use crate::settings::Settings;

pub(super) fn run(args: &Analyze, general: &General) -> Result<Exit> {
    let settings = Settings::load(general.config.as_deref(), &args.rhythm.said())?;
    let beats = args.rhythm.beats.as_deref().map(GivenBeats::read).transpose();
    let beats = beats.map_err(|e| UsageError(e.to_string()))?;
    let model = rhythm::load::load(&settings.config.rhythm)?;
    let outputs = Outputs {
        click: args.click.clone(),
        click_only: args.click_only,
        plot: args.plot.clone(),
        range: args.plot_range,
    };
    outputs.check(&args.input).map_err(usage)?;
    progress::catch_interrupts().context("cannot watch for Ctrl-C")?;
    let mut quiet = general.clone();
    // One track needs no line that says that it is done.
    quiet.quiet |= !std::io::IsTerminal::is_terminal(&std::io::stderr()) || general.no_progress;
    let display = Display::new(vec![plain(&args.input.to_string_lossy())], &quiet);
    let place = places::place(&args.input, &settings.config.stores)?;
    let result = analyze::study(
        &place,
        beats.as_ref(),
        model.as_deref(),
        &settings.config,
        &Watch(&display),
    );
    display.close();
    let studied = match result {
        Ok(studied) => studied,
        Err(loopwright_core::pipeline::run::TrackError::Cancelled(c)) => return Err(c.into()),
        Err(e) => {
            let remedy = e.remedy().map(|r| format!(" -> {r}")).unwrap_or_default();
            eprintln!("loopwright: {}{remedy}", plain(&e.to_string()));
            return Ok(Exit::SomeFailed);
        }
    };
    let wrote = studied.write(&outputs).map_err(usage)?;
    let told = &studied.told;
    if args.json {
        let line = lines::line("analysis", &args.input.to_string_lossy(), serde_json::to_value(told)?);
        super::print_json(&line)?;
        for w in wrote.iter().filter(|w| w.missing.is_some()) {
            eprintln!("loopwright: {}", plain(&written(w)));
        }
    } else {
        let mut text = text(told, general.verbose);
        for w in &wrote {
            let _ = write!(text, "\n{:<12}{}", w.what, written(w));
        }
        super::print(&format!("{}\n", plain_lines(&text)))?;
    }
    let loops = told.loop_file.as_ref().is_some_and(|l| l.bpm.is_some());
    Ok(if told.beats.is_empty() && !loops {
        Exit::NothingFound
    } else {
        Exit::Done
    })
}

/// A wrong request, or a disk that refuses.
fn usage(error: OutputError) -> anyhow::Error {
    if error.is_usage() {
        UsageError(error.to_string()).into()
    } else {
        error.into()
    }
}

fn written(w: &Wrote) -> String {
    match w.missing {
        None => w.path.display().to_string(),
        Some(why) => format!("no {}: {why}", w.what),
    }
}

struct Watch<'a>(&'a Display);

impl Progress for Watch<'_> {
    fn report(&self, stage: Stage, fraction: f32) {
        self.0.report(0, stage, fraction);
    }

    fn is_cancelled(&self) -> bool {
        progress::interrupted()
    }
}

fn text(told: &TrackAnalysis, verbose: u8) -> String {
    let mut text = String::new();
    let mut line = |what: &str, words: String| {
        let _ = writeln!(text, "{what:<10} {words}");
    };
    let title = match (&told.artist, &told.title) {
        (Some(artist), Some(title)) => format!("{artist} - {title}"),
        (None, Some(title)) => title.clone(),
        _ => told.name.clone(),
    };
    line("track", title);
    line(
        "audio",
        format!(
            "{}, {} Hz, {}",
            clock(told.seconds),
            told.sample_rate,
            count(told.channels, "channel")
        ),
    );
    if told.status != "normal" {
        line("note", format!("the audio is {}", told.status.replace('_', " ")));
    }
    for warning in &told.warnings {
        line("note", warning.clone());
    }
    if let Some(file) = &told.loop_file {
        line("file", short(file));
    }
    match &told.tempo {
        None => line("tempo", "no steady beat".into()),
        Some(tempo) => {
            let steady = if tempo.constant { "constant" } else { "drifting" };
            line(
                "tempo",
                format!(
                    "{:.2} BPM, {steady}, confidence {:.0} %",
                    tempo.bpm,
                    told.confidence.map_or(tempo.confidence, |c| c.beats) * 100.0
                ),
            );
            let bars = told.confidence.map(|c| format!(", confidence {:.0} %", c.bars * 100.0));
            line(
                "meter",
                format!("{}/4{}", told.meter.beats_per_bar, bars.unwrap_or_default()),
            );
            let first = told
                .downbeats
                .first()
                .map(|d| format!(", first bar at {}", clock(*d)))
                .unwrap_or_default();
            line(
                "beats",
                format!("{} in {}{first}", told.beats.len(), count(told.downbeats.len(), "bar")),
            );
            for (i, other) in shown(told, verbose).enumerate() {
                line(if i == 0 { "or" } else { "" }, alternative(other));
            }
        }
    }
    if let Some(key) = &told.key {
        line(
            "key",
            format!(
                "{} ({}), confidence {:.0} %",
                key.name,
                key.camelot,
                key.confidence * 100.0
            ),
        );
    }
    for (i, s) in told.sections.iter().enumerate() {
        let kind = match (s.drums_only, s.drumless) {
            (true, _) => ", drums only",
            (_, true) => ", no drums",
            _ => "",
        };
        let words = format!(
            "{:>7} to {:>7}  {:<3}{:>7}, repeats every {}{kind}",
            clock(s.start),
            clock(s.end),
            s.content,
            count(s.bars, "bar"),
            count(s.unit_bars as usize, "bar"),
        );
        line(if i == 0 { "sections" } else { "" }, words);
    }
    for (what, regions) in [
        ("breaks", &told.regions.breaks),
        ("drumless", &told.regions.drumless),
        ("quiet", &told.regions.quiet),
    ] {
        if !regions.is_empty() {
            line(what, regions.iter().map(span).collect::<Vec<_>>().join(", "));
        }
    }
    if verbose > 0 {
        let times: Vec<String> = told.downbeats.iter().map(|t| format!("{t:.3}")).collect();
        line("bars at", times.join(" "));
    }
    text.truncate(text.trim_end().len());
    text
}

/// A short file in words.
fn short(file: &LoopTold) -> String {
    let made = match file.tags {
        [] => String::new(),
        tags => format!("; {}", tags.join(", ")),
    };
    match (file.bpm, file.bars, file.beats_per_bar) {
        (Some(bpm), Some(bars), Some(meter)) => format!(
            "{} of {bars} {} of {meter}/4 at {bpm:.2} BPM, confidence {:.0} %{made}",
            file.kind,
            if bars > 1.0 { "bars" } else { "bar" },
            file.confidence.unwrap_or_default() * 100.0
        ),
        _ => format!("{}{made}", file.kind),
    }
}

/// Alternatives that are likely; all of them, and the way back from an override, where more is asked for.
fn shown(told: &TrackAnalysis, verbose: u8) -> impl Iterator<Item = &Alternative> {
    const LIKELY: f32 = 0.02;
    const MOST: usize = 4;
    let likely = move |a: &&Alternative| verbose > 0 || a.probability >= LIKELY;
    let most = if verbose > 0 { usize::MAX } else { MOST };
    told.alternatives.iter().filter(likely).take(most)
}

fn alternative(other: &Alternative) -> String {
    let from = other.first_downbeat.map(|d| format!(", bars from {}", clock(d)));
    let what = format!(
        "{:.2} BPM, {}/4{} ({:.0} %)",
        other.bpm,
        other.beats_per_bar,
        from.unwrap_or_default(),
        other.probability * 100.0
    );
    let flags = if other.flags.is_empty() {
        "no flags"
    } else {
        &other.flags
    };
    format!("{what:<42} {:<15} {flags}", other.name)
}

fn span(region: &Region) -> String {
    format!("{} to {}", clock(region.start), clock(region.end))
}
