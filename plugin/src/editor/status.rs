//! What goes on: the line at the top, and the one at the bottom.

use egui::{Align2, Color32, Rect, Stroke, Ui, pos2, vec2};

use crate::command::Command;
use crate::snapshot::{Severity, Status, TransportState};

use super::icons::{self, Icon};
use super::layout::{Layout, Line};
use super::model::{Model, Scene, Sheet, Wishes};
use super::notes::Notes;
use super::widgets::{Face, button, bytes, clock, text, text_width};
use super::{keys, theme};

/// The transport in words, and how it is to be taken.
pub(crate) fn transport(status: &Status, narrow: bool) -> (String, Color32) {
    let tempo = if status.bpm > 0.0 && status.bpm.is_finite() {
        format!("{:.1} BPM", status.bpm)
    } else {
        String::new()
    };
    let meter = if status.meter.0 > 0 && !narrow {
        format!("{}/{}", status.meter.0, status.meter.1)
    } else {
        String::new()
    };
    let facts = [tempo, meter]
        .into_iter()
        .filter(|fact| !fact.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    let with = |words: &str| {
        if facts.is_empty() {
            words.to_owned()
        } else {
            format!("{words} · {facts}")
        }
    };
    match status.transport {
        TransportState::Unknown => ("Waiting for the host".to_owned(), theme::MUTED),
        TransportState::Playing => (with(if narrow { "Playing" } else { "Host plays" }), theme::TEXT),
        TransportState::Stopped => (with(if narrow { "Stopped" } else { "Host stopped" }), theme::MUTED),
        TransportState::None => ("No transport: bars by ear".to_owned(), theme::WARNING),
    }
}

/// What is lost, in words; `None` where nothing is.
pub(crate) fn lost(status: &Status) -> Option<String> {
    (status.lost_frames > 0).then(|| {
        let seconds = status.lost_frames as f64 / f64::from(status.rate.max(1));
        match seconds {
            s if s >= 1.0 => format!("{s:.1} s of sound lost"),
            s => format!("{:.0} ms of sound lost", (s * 1000.0).max(1.0)),
        }
    })
}

/// The line at the top.
pub(crate) fn header(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let status = &scene.snapshot.status;
    ui.painter().rect_filled(at.header, 0.0, theme::GROUND);
    let mut line = Line::new(
        at.header
            .shrink2(vec2(10.0, (at.header.height() - 24.0).max(0.0) * 0.5)),
        8.0,
    );
    let settings = Face::icon(Icon::Sliders, "Settings").on(model.sheet == Some(Sheet::Settings));
    if button(
        ui,
        line.right(26.0),
        "settings",
        &settings,
        "Settings: history, capture folder, auditions.",
    )
    .clicked()
    {
        keys::focus(ui);
        toggle(model, Sheet::Settings);
    }
    let help = Face::icon(Icon::Question, "Help").on(model.sheet == Some(Sheet::Help));
    if button(ui, line.right(26.0), "help", &help, "What the keys do (?).").clicked() {
        keys::focus(ui);
        toggle(model, Sheet::Help);
    }
    zoom(ui, &mut line, model, wishes);
    if !model.settings.automatic {
        let face = Face::words("Analyse");
        let width = face.width(ui);
        if let Some(place) = line.try_right(width)
            && button(
                ui,
                place,
                "analyse",
                &face,
                "Looks through what has been captured, now.",
            )
            .clicked()
        {
            wishes.send(Command::Analyse);
        }
    }
    let painter = ui.painter();
    let name = line.left(text_width(painter, "Loopwright", theme::bold(14.0)) + 4.0);
    text(
        painter,
        name,
        Align2::LEFT_CENTER,
        "Loopwright",
        theme::bold(14.0),
        theme::TEXT,
    );
    // A dot and a word: capturing is seen without telling colours apart.
    let dot = line.left(12.0).center();
    let words = if status.capturing {
        let pulse = 0.55 + 0.45 * (scene.now * 1.2 * std::f64::consts::PI).sin().abs() as f32;
        painter.circle_filled(dot, 4.5, theme::RECORD.gamma_multiply(pulse));
        "Capturing"
    } else {
        painter.circle_stroke(dot, 4.0, Stroke::new(1.3, theme::MUTED));
        "Not capturing"
    };
    let room = line.left(text_width(painter, "Not capturing", theme::plain(12.0)));
    let colour = if status.capturing { theme::TEXT } else { theme::MUTED };
    text(painter, room, Align2::LEFT_CENTER, words, theme::plain(12.0), colour);
    let (words, colour) = transport(status, at.narrow);
    text(
        painter,
        line.rest(),
        Align2::LEFT_CENTER,
        &words,
        theme::plain(12.0),
        colour,
    );
}

fn toggle(model: &mut Model, sheet: Sheet) {
    model.sheet = if model.sheet == Some(sheet) { None } else { Some(sheet) };
    model.confirm_clear = false;
}

/// Steps of the zoom.
pub(crate) const ZOOMS: [f32; 8] = [0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0];

/// The next zoom, larger or smaller.
pub(crate) fn next_zoom(zoom: f32, larger: bool) -> f32 {
    let zoom = if zoom.is_finite() { zoom } else { 1.0 };
    let next = if larger {
        ZOOMS.iter().copied().find(|&step| step > zoom + 0.01)
    } else {
        ZOOMS.iter().rev().copied().find(|&step| step < zoom - 0.01)
    };
    next.unwrap_or(zoom.clamp(0.75, 2.0))
}

/// The zoom control.
pub(crate) fn zoom(ui: &mut Ui, line: &mut Line, model: &Model, wishes: &mut Wishes) {
    let now = model.editor.zoom;
    if line.rest().width() < 330.0 {
        return;
    }
    if button(
        ui,
        line.right(22.0),
        "larger",
        &Face {
            raised: false,
            ..Face::words("+")
        },
        "Larger (+).",
    )
    .clicked()
    {
        wishes.zoom = Some(next_zoom(now, true));
    }
    let words = format!("{:.0} %", now * 100.0);
    let place = line.right(52.0);
    if button(
        ui,
        place,
        "zoom",
        &Face {
            raised: false,
            ..Face::words(&words)
        },
        "Back to 100 %.",
    )
    .clicked()
    {
        wishes.zoom = Some(1.0);
    }
    if button(
        ui,
        line.right(22.0),
        "smaller",
        &Face {
            raised: false,
            ..Face::words("−")
        },
        "Smaller (-).",
    )
    .clicked()
    {
        wishes.zoom = Some(next_zoom(now, false));
    }
}

/// The line at the bottom.
pub(crate) fn footer(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let status = &scene.snapshot.status;
    ui.painter().rect_filled(at.status, 0.0, theme::GROUND);
    let mut line = Line::new(at.status.shrink2(vec2(10.0, 0.0)), 12.0);
    // The corner is for resizing.
    line.right(8.0);
    let right = |ui: &Ui, line: &mut Line, words: &str, colour: Color32, room: &str, tip: &str| {
        let width =
            text_width(ui.painter(), room, theme::plain(10.5)).max(text_width(ui.painter(), words, theme::plain(10.5)));
        let Some(place) = line.try_right(width + 2.0) else {
            return;
        };
        text(
            ui.painter(),
            place,
            Align2::RIGHT_CENTER,
            words,
            theme::plain(10.5),
            colour,
        );
        ui.interact(place, egui::Id::unique(("status", tip)), egui::Sense::hover())
            .on_hover_text(tip);
    };
    let most = f64::from(model.settings.history_seconds);
    let words = format!(
        "{} of {} · {}",
        clock(status.history_seconds),
        clock(most),
        bytes(status.history_bytes as f64)
    );
    right(
        ui,
        &mut line,
        &words,
        theme::MUTED,
        "10:00 of 10:00 · 999 MB",
        "What is kept of the sound, and the memory that it takes.",
    );
    if status.analysis_seconds > 0.0 && status.analysis_seconds.is_finite() && !at.narrow {
        let words = format!("last analysis {:.1} s CPU", status.analysis_seconds);
        right(
            ui,
            &mut line,
            &words,
            theme::MUTED,
            "last analysis 99.9 s CPU",
            "What the last analysis cost, on one low-priority thread.",
        );
    }
    if let Some(words) = lost(status) {
        right(
            ui,
            &mut line,
            &words,
            theme::WARNING,
            "",
            "The machine could not keep up: takes are cut where sound is missing, never spliced.",
        );
        icons::paint(ui.painter(), line.right(12.0), Icon::Warning, theme::WARNING);
    }
    if let Some(part) = status.analysing {
        let place = line.left(150.0);
        progress(ui, place, "Analysing", part, scene.now);
    }
    message(ui, &mut line, scene, model, wishes);
}

/// A bar that fills, with a glint that shows that something is alive even where it does not.
pub(crate) fn progress(ui: &Ui, place: Rect, words: &str, part: f32, now: f64) {
    let painter = ui.painter();
    let drawn = text(
        painter,
        place,
        Align2::LEFT_CENTER,
        words,
        theme::plain(10.5),
        theme::TEXT,
    );
    let rail = Rect::from_min_max(
        pos2((drawn.right() + 8.0).min(place.right()), place.center().y - 2.0),
        pos2(place.right(), place.center().y + 2.0),
    );
    if rail.width() < 4.0 {
        return;
    }
    let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
    painter.rect_filled(rail, 2.0, theme::HOVER);
    painter.rect_filled(
        Rect::from_min_size(rail.min, vec2(rail.width() * part, rail.height())),
        2.0,
        theme::ACCENT,
    );
    let glint = (now * 0.6).fract() as f32;
    let x = rail.left() + rail.width() * glint;
    let light = Rect::from_min_max(pos2((x - 8.0).max(rail.left()), rail.top()), pos2(x, rail.bottom()));
    painter.rect_filled(light, 2.0, theme::TEXT.gamma_multiply(0.35));
    ui.ctx().request_repaint_after(std::time::Duration::from_millis(50));
}

fn message(ui: &mut Ui, line: &mut Line, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    if let super::drag::Drag::Waiting { .. } = model.drag {
        text(
            ui.painter(),
            line.rest(),
            Align2::LEFT_CENTER,
            "Writing the file… keep holding.",
            theme::plain(11.0),
            theme::ACCENT,
        );
        return;
    }
    let Some(note) = model.notes.current().cloned() else {
        if !model.rows.is_empty() {
            let words = match model.selection.ids().len() {
                0 | 1 => "Click to hear · drag into your timeline".to_owned(),
                count => format!("{count} selected · drag one to take them all"),
            };
            text(
                ui.painter(),
                line.rest(),
                Align2::LEFT_CENTER,
                &words,
                theme::plain(10.5),
                theme::MUTED,
            );
        }
        return;
    };
    let opacity = Notes::opacity(&note, scene.now);
    let colour = theme::severity(note.severity).gamma_multiply(opacity.max(0.05));
    if note.severity != Severity::Error {
        // It fades at its end only.
        let left = 6.0 - (scene.now - note.at);
        let wait = if left > 0.0 { left } else { 0.05 };
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(wait));
    }
    if note.severity != Severity::Info {
        icons::paint(ui.painter(), line.left(13.0), Icon::Warning, colour);
    }
    let close = note.severity == Severity::Error || note.severity == Severity::Warning;
    let buttons = if close { 22.0 } else { 0.0 } + if note.undo { 52.0 } else { 0.0 };
    let mut room = line.rest();
    room.max.x = (room.max.x - buttons).max(room.min.x);
    let words = if model.notes.len() > 1 && close {
        format!("{} (1 of {})", note.text, model.notes.len())
    } else {
        note.text.clone()
    };
    let drawn = text(
        ui.painter(),
        room,
        Align2::LEFT_CENTER,
        &words,
        theme::plain(11.0),
        colour,
    );
    ui.interact(drawn, egui::Id::unique("message"), egui::Sense::hover())
        .on_hover_text(&note.text);
    let mut x = drawn.right() + 6.0;
    let mut next = |width: f32| {
        let place = Rect::from_min_max(pos2(x, room.top() + 2.0), pos2(x + width, room.bottom() - 2.0));
        x += width + 2.0;
        place
    };
    if note.undo && button(ui, next(48.0), "undo", &Face::words("Undo"), "Brings it back (Ctrl+Z).").clicked() {
        model.undo(wishes);
    }
    if close
        && button(
            ui,
            next(20.0),
            "dismiss",
            &Face::icon(Icon::Cross, "Dismiss"),
            "Dismisses the message.",
        )
        .clicked()
    {
        model.notes.dismiss();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_in_words() {
        let mut status = Status {
            bpm: 128.0,
            meter: (4, 4),
            transport: TransportState::Playing,
            ..Status::default()
        };
        assert_eq!(transport(&status, false).0, "Host plays · 128.0 BPM · 4/4");
        status.bpm = f64::NAN;
        assert_eq!(transport(&status, false).0, "Host plays · 4/4");
        status.transport = TransportState::None;
        assert!(transport(&status, true).0.contains("by ear"));
    }

    #[test]
    fn losses_in_words() {
        let mut status = Status {
            rate: 48_000,
            ..Status::default()
        };
        assert_eq!(lost(&status), None);
        status.lost_frames = 480;
        assert_eq!(lost(&status).as_deref(), Some("10 ms of sound lost"));
        status.lost_frames = 96_000;
        assert_eq!(lost(&status).as_deref(), Some("2.0 s of sound lost"));
        status.rate = 0;
        assert!(lost(&status).is_some());
    }

    #[test]
    fn zoom_goes_by_steps_and_stops() {
        assert_eq!(next_zoom(1.0, true), 1.1);
        assert_eq!(next_zoom(1.0, false), 0.9);
        assert_eq!(next_zoom(2.0, true), 2.0);
        assert_eq!(next_zoom(0.75, false), 0.75);
        assert_eq!(next_zoom(1.3, true), 1.5);
        assert_eq!(next_zoom(9.0, true), 2.0);
        assert_eq!(next_zoom(f32::NAN, true), 1.1);
    }
}
