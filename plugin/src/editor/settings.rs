//! The settings.

use egui::{RichText, ScrollArea, TextEdit, Ui, UiBuilder, vec2};

use crate::command::Command;
use crate::snapshot::Snapshot;

use super::layout::{Layout, Line};
use super::model::{Model, Scene, Wishes};
use super::widgets::{bytes, clock, slider};
use super::{level, status, theme};

/// Shortest and longest history, in seconds.
const SECONDS: (u32, u32) = (30, 1800);
/// Least and most memory, in MiB.
const MIB: (u32, u32) = (32, 4096);

/// Bytes that a history takes: two channels of 4 bytes a frame.
pub(crate) fn cost(seconds: f64, rate: u32) -> f64 {
    seconds * f64::from(rate) * 8.0
}

/// Seconds that fit into so many MiB.
pub(crate) fn fits(mib: u32, rate: u32) -> f64 {
    f64::from(mib) * 1024.0 * 1024.0 / (f64::from(rate.max(1)) * 8.0)
}

/// A slider's place, 0 to 1, for a value on a logarithmic scale, and back.
pub(crate) fn place(value: u32, (low, high): (u32, u32)) -> f32 {
    let (value, low, high) = (f64::from(value.clamp(low, high)), f64::from(low), f64::from(high));
    ((value / low).ln() / (high / low).ln()) as f32
}

/// The value at a slider's place, rounded to what a person would say.
pub(crate) fn value(place: f32, (low, high): (u32, u32)) -> u32 {
    let (low_f, high_f) = (f64::from(low), f64::from(high));
    let value = low_f * (high_f / low_f).powf(f64::from(place.clamp(0.0, 1.0)));
    let step = match value {
        v if v < 60.0 => 5.0,
        v if v < 240.0 => 10.0,
        v if v < 900.0 => 30.0,
        v if v < 2048.0 => 60.0,
        _ => 128.0,
    };
    (((value / step).round() * step) as u32).clamp(low, high)
}

/// Draws them over the list.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let sheet = at.wave.union(at.actions);
    ui.painter().rect_filled(sheet, 0.0, theme::PANEL);
    let mut child = ui.new_child(
        UiBuilder::new()
            .max_rect(sheet.shrink2(vec2(16.0, 8.0)))
            .id_salt("settings"),
    );
    child.set_clip_rect(sheet);
    ScrollArea::vertical()
        .auto_shrink(false)
        .id_salt("settings")
        .show(&mut child, |ui| {
            ui.set_max_width(620.0);
            ui.horizontal(|ui| {
                ui.label(RichText::new("Settings").font(theme::bold(15.0)));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.button("Done").clicked() {
                        model.sheet = None;
                    }
                });
            });
            history(ui, scene.snapshot, model, wishes);
            ui.separator();
            let mut changed = false;
            let settings = &mut model.settings;
            let checks = [
                (
                    &mut settings.capture_stopped,
                    "Capture while the host stands still",
                    "Also keeps what is played without the transport.",
                ),
                (
                    &mut settings.by_ear,
                    "Find the bars by ear",
                    "For music that does not keep to the host's tempo: a mix, a live band. Off: the host's bars, where it tells them.",
                ),
                (
                    &mut settings.automatic,
                    "Analyse by itself",
                    "As bars come in, on one thread of low priority. Off: only when asked.",
                ),
            ];
            for (on, words, tip) in checks {
                changed |= ui.checkbox(on, words).on_hover_text(tip).changed();
            }
            wishes.settings |= changed;
            ui.checkbox(
                &mut model.editor.click_auditions,
                "A click on a suggestion lets it be heard",
            );
            unattended(ui, model, wishes);
            row(ui, "Audition level", |ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(240.0, 22.0), egui::Sense::hover());
                level::show(ui, rect, scene, model, wishes);
            });
            row(ui, "Zoom", |ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(340.0, 22.0), egui::Sense::hover());
                for (index, zoom) in status::ZOOMS.into_iter().enumerate() {
                    let place = egui::Rect::from_min_size(rect.min + vec2(index as f32 * 42.0, 0.0), vec2(40.0, 22.0));
                    let words = format!("{:.0}", zoom * 100.0);
                    let on = (model.editor.zoom - zoom).abs() < 0.01;
                    if super::widgets::button(
                        ui,
                        place,
                        ("zoom", index),
                        &super::widgets::Face::words(&words).on(on),
                        "Per cent.",
                    )
                    .clicked()
                    {
                        wishes.zoom = Some(zoom);
                    }
                }
            });
            ui.separator();
            folder(ui, scene.snapshot, model, wishes);
            ui.separator();
            clear(ui, model, wishes);
        });
}

fn row(ui: &mut Ui, words: &str, add: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(120.0, 22.0), egui::Sense::hover());
        super::widgets::text(
            ui.painter(),
            rect,
            egui::Align2::LEFT_CENTER,
            words,
            theme::plain(12.0),
            theme::TEXT,
        );
        add(ui);
    });
}

fn history(ui: &mut Ui, snapshot: &Snapshot, model: &mut Model, wishes: &mut Wishes) {
    let rate = if snapshot.status.rate == 0 {
        48_000
    } else {
        snapshot.status.rate
    };
    let (mut seconds, mut mib) = model
        .history
        .unwrap_or((model.settings.history_seconds, model.settings.history_mib));
    let mut held = false;
    let mut done = false;
    let rows = [
        ("History", &mut seconds, SECONDS, true),
        ("Most memory", &mut mib, MIB, false),
    ];
    for (words, number, range, time) in rows {
        row(ui, words, |ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(300.0, 22.0), egui::Sense::hover());
            let mut line = Line::new(rect, 8.0);
            let label = line.right(80.0);
            let mut at = place(*number, range);
            let response = slider(
                ui,
                line.rest(),
                words,
                &mut at,
                0.0..=1.0,
                words,
                "Takes effect when you let go.",
            );
            if response.changed() {
                *number = value(at, range);
            }
            held |= response.is_pointer_button_down_on() || response.dragged();
            done |= response.drag_stopped() || response.clicked() || (response.changed() && response.has_focus());
            let shown = if time {
                clock(f64::from(*number))
            } else {
                format!("{number} MiB")
            };
            super::widgets::text(
                ui.painter(),
                label,
                egui::Align2::RIGHT_CENTER,
                &shown,
                theme::bold(12.0),
                theme::TEXT,
            );
        });
    }
    let (full, room) = (cost(f64::from(seconds), rate), fits(mib, rate));
    let khz = f64::from(rate) / 1000.0;
    let words = if room < f64::from(seconds) {
        format!(
            "At {khz:.1} kHz this memory holds {}: the history is that long.",
            clock(room)
        )
    } else {
        format!("At {khz:.1} kHz this takes {} when full.", bytes(full))
    };
    ui.label(RichText::new(words).color(theme::MUTED));
    let now = (model.settings.history_seconds, model.settings.history_mib);
    let kept = snapshot.status.history_seconds;
    if (seconds, mib) != now && f64::from(seconds).min(room) < kept {
        ui.label(
            RichText::new(format!(
                "Shorter than what is kept now ({}): the oldest sound goes.",
                clock(kept)
            ))
            .color(theme::WARNING),
        );
    }
    if done && (seconds, mib) != now {
        model.settings.history_seconds = seconds;
        model.settings.history_mib = mib;
        wishes.settings = true;
    }
    // Until the button is up, so that passing over a low value drops nothing.
    model.history = (held && !done).then_some((seconds, mib));
}

fn unattended(ui: &mut Ui, model: &mut Model, wishes: &mut Wishes) {
    let mut count = model.settings.export_automatically;
    ui.horizontal(|ui| {
        let mut on = count > 0;
        if ui
            .checkbox(&mut on, "Write the best of each kind by itself")
            .on_hover_text("For unattended sessions: files come into the capture folder as suggestions are found.")
            .changed()
        {
            count = if on { 8 } else { 0 };
        }
        if on {
            ui.add(egui::DragValue::new(&mut count).range(1..=64).speed(0.1));
        }
    });
    if count != model.settings.export_automatically {
        model.settings.export_automatically = count;
        wishes.settings = true;
    }
}

fn folder(ui: &mut Ui, snapshot: &Snapshot, model: &mut Model, wishes: &mut Wishes) {
    ui.label(RichText::new("Capture folder").strong());
    let mut typed = model.folder.clone().unwrap_or_else(|| model.settings.folder.clone());
    let hint = snapshot.folder.display().to_string();
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(hint)
        .desired_width(f32::INFINITY)
        .char_limit(4096)
        .align(egui::Align2::LEFT_CENTER)
        .id(egui::Id::unique("folder"));
    let response = ui.add(edit);
    let mut apply = response.lost_focus();
    if response.changed() {
        model.folder = Some(typed.clone());
    }
    ui.horizontal(|ui| {
        if ui.button("Usual folder").clicked() {
            typed.clear();
            model.folder = Some(String::new());
            apply = true;
        }
        if ui.button("Show it").clicked() {
            wishes.send(Command::Reveal(None));
        }
        ui.label(RichText::new("Files are never deleted by Loopwright.").color(theme::MUTED));
    });
    if apply && let Some(folder) = model.folder.take() {
        let folder = folder.trim().to_owned();
        if folder != model.settings.folder {
            model.settings.folder = folder;
            wishes.settings = true;
        }
    }
}

fn clear(ui: &mut Ui, model: &mut Model, wishes: &mut Wishes) {
    ui.horizontal(|ui| {
        if !model.confirm_clear {
            if ui.button("Clear history…").clicked() {
                model.confirm_clear = true;
            }
            return;
        }
        ui.label(RichText::new("Forget all captured sound? Files and favourites stay.").color(theme::WARNING));
        if ui.button("Clear").clicked() {
            wishes.send(Command::Clear);
            model.confirm_clear = false;
            model.sheet = None;
        }
        if ui.button("Keep").clicked() {
            model.confirm_clear = false;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_agree() {
        assert_eq!(cost(240.0, 48_000), 92_160_000.0);
        let mib = (cost(240.0, 48_000) / 1024.0 / 1024.0).ceil() as u32;
        assert!(fits(mib, 48_000) >= 240.0 && fits(mib - 1, 48_000) < 240.0);
        assert!(fits(100, 0).is_finite());
    }

    #[test]
    fn sliders_reach_both_ends_and_stay_where_they_are_put() {
        for range in [SECONDS, MIB] {
            assert_eq!(value(0.0, range), range.0);
            assert_eq!(value(1.0, range), range.1);
            assert_eq!(place(range.0, range), 0.0);
            assert!((place(range.1, range) - 1.0).abs() < 1e-6);
        }
        assert_eq!(value(place(240, SECONDS), SECONDS), 240);
    }
}
