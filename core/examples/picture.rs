//! Draws what was found in a track: its waveform with bar lines and sections, the loops, breaks and drumless passages.
//!
//! ```text
//! cargo run --release -p loopwright-core --example picture -- assets/demo/loopwright-demo.flac docs/picture.svg
//! ```
//!
//! The picture in the README was made by this command.

use std::fmt::Write as _;
use std::path::Path;

use loopwright_core::config::Config;
use loopwright_core::loops::regions::Region;
use loopwright_core::model;
use loopwright_core::pipeline::{Suggestions, load::load, suggest};
use loopwright_core::progress::Silent;
use loopwright_core::units::Span;

const WIDTH: f64 = 1200.0;
/// Where time begins and ends.
const LEFT: f64 = 92.0;
const RIGHT: f64 = 1180.0;
/// The rows, from the top.
const TITLE: f64 = 30.0;
const BARS: f64 = 58.0;
const SECTIONS: f64 = 66.0;
const WAVE: f64 = 92.0;
const WAVE_HEIGHT: f64 = 130.0;
const STRIPS: f64 = 232.0;
const STRIP_STEP: f64 = 16.0;
const LANE_STEP: f64 = 24.0;
/// Loops in the picture.
const LOOPS: usize = 8;
/// Pixels a waveform column.
const COLUMN: f64 = 1.25;

const PAPER: &str = "#14171c";
const INK: &str = "#e8e6e1";
const FAINT: &str = "#8d949e";
const LOOP: &str = "#ffd166";
const BREAK: &str = "#ff7a59";
const DRUMLESS: &str = "#7bd0ff";
const QUIET: &str = "#a7a3ff";
const FILL: &str = "#f2a8d8";
/// A colour for each content.
const CONTENTS: [&str; 8] = [
    "#5fb3c9", "#8bc06a", "#e07a8b", "#b493e6", "#e0a458", "#6f9bea", "#4fc4a0", "#c9b458",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: picture TRACK OUT.svg".into());
    };
    let mut config = Config::default();
    config.rank.top_k = LOOPS;
    let track = load(Path::new(&input), &config, &Silent)?.track;
    let found = suggest(&track, &model::heuristic(&config.tuning), &config, &Silent)?;
    let svg = draw(&found);
    std::fs::write(&output, &svg)?;
    println!("{output}: {:.0} kB", svg.len() as f64 / 1e3);
    Ok(())
}

fn draw(found: &Suggestions) -> String {
    let frames = found.analysis.track.audio.frames().max(1) as f64;
    let x = |frame: f64| LEFT + (RIGHT - LEFT) * (frame / frames).clamp(0.0, 1.0);
    let regions = &found.structure.regions;
    let spans = |list: &[Region]| list.iter().map(|r| r.span).collect::<Vec<Span>>();
    let bars = &found.structure.bars.bars;
    let fills = found.structure.sections.iter().flat_map(|s| &s.fills);
    let fills = fills.filter_map(|b| bars.get(*b)).map(|b| b.span).collect();
    let mut strips: Vec<(&str, &str, Vec<Span>)> = vec![
        ("drums only", BREAK, spans(&regions.breaks)),
        ("no drums", DRUMLESS, spans(&regions.drumless)),
        ("quiet", QUIET, spans(&regions.quiet)),
        ("fills", FILL, fills),
    ];
    strips.retain(|(_, _, list)| !list.is_empty());
    let lanes = lanes(found);
    let loops_at = STRIPS + strips.len() as f64 * STRIP_STEP + 10.0;
    let depth = lanes.iter().max().map_or(0, |l| l + 1);
    let axis = loops_at + depth as f64 * LANE_STEP + 8.0;
    let height = axis + 26.0;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"10\" fill=\"{PAPER}\"/>\n"
    );
    title(&mut svg, found);
    for (label, y) in [("sections", SECTIONS + 13.0), ("loops", loops_at + 14.0)] {
        row_label(&mut svg, label, FAINT, y);
    }
    bar_lines(&mut svg, found, &x, axis);
    sections(&mut svg, found, &x);
    waveform(&mut svg, found);
    for (i, (label, colour, list)) in strips.iter().enumerate() {
        let y = STRIPS + i as f64 * STRIP_STEP;
        row_label(&mut svg, label, colour, y + 10.0);
        for span in list {
            rectangle(&mut svg, span, &x, y, 11.0, &format!("fill=\"{colour}\" rx=\"2\""));
        }
    }
    loops(&mut svg, found, &lanes, &x, loops_at);
    seconds(&mut svg, found, axis);
    svg += "</svg>\n";
    svg
}

fn title(svg: &mut String, found: &Suggestions) {
    let track = &found.analysis.track;
    let grid = &found.analysis.rhythm.grid;
    let name = track.tags.title.as_deref().unwrap_or(&track.name);
    let key = found
        .analysis
        .key
        .map(|k| format!(" · {}", k.name()))
        .unwrap_or_default();
    let facts = format!(
        "{:.2} BPM · {}/4{key} · {} bars · {} candidates, the {} suggested first",
        grid.tempo.0,
        grid.beats_per_bar,
        found.structure.bars.len(),
        found.candidates,
        found.suggestions.len()
    );
    let _ = writeln!(
        svg,
        "<text x=\"20\" y=\"{TITLE}\" font-size=\"17\" font-weight=\"bold\">{}</text>\n\
         <text x=\"{RIGHT}\" y=\"{TITLE}\" text-anchor=\"end\" fill=\"{FAINT}\">{}</text>",
        escaped(name),
        escaped(&facts)
    );
}

fn row_label(svg: &mut String, label: &str, colour: &str, y: f64) {
    let _ = writeln!(
        svg,
        "<text x=\"{:.0}\" y=\"{y:.0}\" text-anchor=\"end\" fill=\"{colour}\">{label}</text>",
        LEFT - 10.0
    );
}

/// A line a bar, a stronger one with its number every four.
fn bar_lines(svg: &mut String, found: &Suggestions, x: &dyn Fn(f64) -> f64, bottom: f64) {
    let (mut thin, mut strong) = (String::new(), String::new());
    for (i, bar) in found.structure.bars.bars.iter().enumerate() {
        let at = x(bar.span.start);
        let path = if i % 4 == 0 { &mut strong } else { &mut thin };
        let _ = write!(path, "M{at:.1} {SECTIONS}V{bottom}");
        if i % 4 == 0 {
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{BARS}\" font-size=\"10\" fill=\"{FAINT}\">{}</text>",
                i + 1
            );
        }
    }
    let _ = writeln!(
        svg,
        "<path d=\"{thin}\" stroke=\"#fff\" stroke-opacity=\".07\"/>\n\
         <path d=\"{strong}\" stroke=\"#fff\" stroke-opacity=\".2\"/>"
    );
}

fn sections(svg: &mut String, found: &Suggestions, x: &dyn Fn(f64) -> f64) {
    for s in &found.structure.sections {
        let colour = colour(s.content);
        rectangle(svg, &s.span, x, SECTIONS, 19.0, &format!("fill=\"{colour}\" rx=\"3\""));
        let letter = char::from(b'A' + (s.content % 26) as u8);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" fill=\"{PAPER}\" font-weight=\"bold\">{letter}\
             <tspan font-weight=\"normal\" dx=\"6\" font-size=\"11\">{} bars, unit {}</tspan></text>",
            x(s.span.start) + 7.0,
            SECTIONS + 14.0,
            s.bars.len(),
            s.unit
        );
    }
}

/// Lowest to highest sample of each column, in the colour of the section that it lies in.
fn waveform(svg: &mut String, found: &Suggestions) {
    let audio = &found.analysis.track.audio;
    let mono = audio.mono();
    let columns = ((RIGHT - LEFT) / COLUMN) as usize;
    let middle = WAVE + WAVE_HEIGHT / 2.0;
    let loudest = mono.iter().fold(1e-9f32, |m, v| m.max(v.abs()));
    let scale = WAVE_HEIGHT / 2.0 / f64::from(loudest);
    let mut paths: Vec<(&str, String)> = Vec::new();
    for column in 0..columns {
        let from = column * mono.len() / columns;
        let to = ((column + 1) * mono.len() / columns).max(from + 1).min(mono.len());
        let part = mono.get(from..to).unwrap_or_default();
        let (low, high) = part.iter().fold((0f32, 0f32), |(l, h), v| (l.min(*v), h.max(*v)));
        let at = 0.5 * (from + to) as f64;
        let section = found
            .structure
            .sections
            .iter()
            .find(|s| (s.span.start..s.span.end).contains(&at));
        let colour = section.map_or(FAINT, |s| colour(s.content));
        if paths.last().is_none_or(|(c, _)| *c != colour) {
            paths.push((colour, String::new()));
        }
        if let Some((_, path)) = paths.last_mut() {
            let top = middle - f64::from(high) * scale;
            let length = (f64::from(high - low) * scale).max(0.5);
            let _ = write!(
                path,
                "M{:.1} {top:.1}v{length:.1}",
                LEFT + (column as f64 + 0.5) * COLUMN
            );
        }
    }
    for (colour, path) in paths {
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" stroke=\"{colour}\" stroke-opacity=\".9\" stroke-width=\"{COLUMN}\"/>"
        );
    }
}

/// The lane of each loop: the first in which it touches no other.
fn lanes(found: &Suggestions) -> Vec<usize> {
    let mut taken: Vec<Vec<Span>> = Vec::new();
    let mut lanes = Vec::new();
    for s in &found.suggestions {
        let span = s.candidate.span;
        let free = taken
            .iter()
            .position(|lane| lane.iter().all(|o| o.overlap(&span) <= 0.0));
        let lane = free.unwrap_or_else(|| {
            taken.push(Vec::new());
            taken.len() - 1
        });
        if let Some(lane) = taken.get_mut(lane) {
            lane.push(span);
        }
        lanes.push(lane);
    }
    lanes
}

fn loops(svg: &mut String, found: &Suggestions, lanes: &[usize], x: &dyn Fn(f64) -> f64, top: f64) {
    for (i, (s, lane)) in found.suggestions.iter().zip(lanes).enumerate() {
        let y = top + *lane as f64 * LANE_STEP;
        let span = &s.candidate.span;
        let look = format!("fill=\"{LOOP}\" fill-opacity=\".07\"");
        rectangle(svg, span, x, WAVE, WAVE_HEIGHT, &look);
        rectangle(svg, span, x, y, 19.0, &format!("fill=\"{LOOP}\" rx=\"4\""));
        let plural = if s.candidate.bars == 1 { "" } else { "s" };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{PAPER}\" font-size=\"11\"><tspan font-weight=\"bold\">{}</tspan>\
             <tspan dx=\"4\">{} bar{plural}</tspan></text>",
            x(span.start) + 4.5,
            y + 13.5,
            i + 1,
            s.candidate.bars
        );
    }
}

/// Times, every ten seconds (in long tracks every minute).
fn seconds(svg: &mut String, found: &Suggestions, axis: f64) {
    let total = found.analysis.track.audio.seconds();
    let step = if total > 240.0 { 60 } else { 10 };
    for t in (0..=total as u64).step_by(step) {
        let at = LEFT + (RIGHT - LEFT) * t as f64 / total;
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\" font-size=\"10\" fill=\"{FAINT}\">{}:{:02}</text>",
            axis + 14.0,
            t / 60,
            t % 60
        );
    }
}

fn rectangle(svg: &mut String, span: &Span, x: &dyn Fn(f64) -> f64, y: f64, height: f64, look: &str) {
    let (from, to) = (x(span.start), x(span.end));
    let width = (to - from - 1.0).max(1.0);
    let _ = writeln!(
        svg,
        "<rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" {look}/>"
    );
}

fn colour(content: usize) -> &'static str {
    CONTENTS[content % CONTENTS.len()]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
