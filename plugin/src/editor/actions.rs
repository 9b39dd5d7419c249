//! The bar below the list: how suggestions are heard, and the ways out of the window.

use egui::{Align2, CursorIcon, Popup, PopupCloseBehavior, Rect, Sense, Stroke, TextEdit, Ui, pos2, vec2};

use crate::command::Command;
use crate::snapshot::{FileState, ItemId, ItemKind};

use super::icons::{self, Icon};
use super::layout::{Layout, Line};
use super::model::{Model, Scene, Wishes};
use super::widgets::{Face, button, text};
use super::{level, theme};

/// Draws it.
pub(crate) fn show(ui: &mut Ui, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    ui.painter().rect_filled(at.actions, 0.0, theme::PANEL);
    ui.painter().hline(
        at.actions.x_range(),
        at.actions.top() + 0.5,
        Stroke::new(1.0, theme::LINE),
    );
    let mut line = Line::new(
        at.actions
            .shrink2(vec2(8.0, (at.actions.height() - 26.0).max(0.0) * 0.5)),
        5.0,
    );
    if let Some((id, path)) = missing(scene, model) {
        relink(ui, &mut line, id, &path, model, wishes);
        return;
    }
    out(ui, &mut line, scene, model, wishes);
    hear(ui, &mut line, at, scene, model, wishes);
}

fn hear(ui: &mut Ui, line: &mut Line, at: &Layout, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let playing = model.playing(scene);
    let target = playing.or_else(|| model.current(scene.snapshot).map(|item| item.id));
    let (icon, words) = if playing.is_some() {
        (Icon::Stop, "Stop")
    } else {
        (Icon::Play, "Hear")
    };
    let face = Face::both(icon, words).enabled(target.is_some()).on(playing.is_some());
    if let Some(place) = line.try_left(66.0)
        && button(
            ui,
            place,
            "hear",
            &face,
            "Hears the selected suggestion (Enter), or stops (Esc).",
        )
        .clicked()
        && let Some(id) = target
    {
        model.audition(scene, id, wishes);
    }
    let toggles = [
        ("Loop", model.settings.looped, "Round and round, rather than once."),
        (
            "Sync",
            model.settings.sync,
            "In time with the host: begins on its bar, where it plays. Else at once, and free.",
        ),
        (
            "Solo",
            model.settings.solo,
            "The passing sound is silent during an audition.",
        ),
    ];
    for (index, (words, on, tip)) in toggles.into_iter().enumerate() {
        let face = Face::words(words).on(on);
        let Some(place) = line.try_left(46.0) else { break };
        if button(ui, place, ("how", index), &face, tip).clicked() {
            match index {
                0 => model.settings.looped = !on,
                1 => model.settings.sync = !on,
                _ => model.settings.solo = !on,
            }
            model.audition_changed(scene, wishes);
        }
    }
    if !at.narrow
        && let Some(place) = line.try_left(150.0)
    {
        level::show(ui, place, scene, model, wishes);
    }
}

fn out(ui: &mut Ui, line: &mut Line, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let some = !model.selection.ids().is_empty();
    let face = Face::words("Export…").enabled(some);
    let place = line.right(68.0);
    let response = button(
        ui,
        place,
        "export",
        &face,
        "Writes what is selected to a folder (Ctrl+E).",
    );
    if some {
        Popup::from_toggle_button_response(&response)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| export(ui, scene, model, wishes));
    }
    let face = Face::words("Reveal");
    if let Some(place) = line.try_right(62.0)
        && button(
            ui,
            place,
            "reveal",
            &face,
            "Shows the file in the file manager; with nothing selected, the capture folder.",
        )
        .clicked()
    {
        model.reveal(scene, wishes);
    }
    let face = Face::words("Copy path").enabled(some);
    if let Some(place) = line.try_right(80.0)
        && button(
            ui,
            place,
            "copy",
            &face,
            "Copies where the files are, for the host's own import (Ctrl+C).",
        )
        .clicked()
    {
        model.copy_paths(scene, wishes);
    }
    kit(ui, line, scene, model, wishes);
}

/// The handle by which breaks are dragged with their hits, MIDI and instruments.
fn kit(ui: &mut Ui, line: &mut Line, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let breaks: Vec<ItemId> = model
        .selected(scene.snapshot)
        // Of a break from an earlier session there is no more than what was written then.
        .filter(|item| item.kind == ItemKind::Break && (item.take != 0 || !item.kit.is_empty()))
        .map(|item| item.id)
        .collect();
    if breaks.is_empty() {
        return;
    }
    let Some(place) = line.try_right(86.0) else { return };
    let response = ui.interact(place, egui::Id::unique("kit"), Sense::click_and_drag());
    let ground = if response.hovered() {
        theme::HOVER
    } else {
        theme::RAISED
    };
    let painter = ui.painter();
    let colour = theme::colour(ItemKind::Break);
    painter.rect(place, 4.0, ground, Stroke::new(1.0, colour), egui::StrokeKind::Inside);
    icons::paint(
        painter,
        Rect::from_min_size(pos2(place.left() + 6.0, place.center().y - 7.0), vec2(14.0, 14.0)),
        Icon::Grip,
        colour,
    );
    let room = Rect::from_min_max(pos2(place.left() + 22.0, place.top()), place.max);
    text(
        painter,
        room,
        Align2::LEFT_CENTER,
        "Drag kit",
        theme::plain(12.0),
        theme::TEXT,
    );
    let (pressed, pos) = ui.input(|i| (i.pointer.primary_pressed(), i.pointer.interact_pos()));
    if pressed
        && response.is_pointer_button_down_on()
        && let Some(pos) = pos
    {
        model.press_kit(scene, breaks, pos, wishes);
    }
    response
        .on_hover_cursor(CursorIcon::Grab)
        .on_hover_text("Drag this to take the break's hits, its MIDI and its instruments along.");
}

fn export(ui: &mut Ui, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    ui.set_width(340.0);
    let count = model.selection.ids().len();
    ui.label(
        egui::RichText::new(format!(
            "Export {count} {}",
            if count == 1 { "suggestion" } else { "suggestions" }
        ))
        .strong(),
    );
    let usual = scene.snapshot.folder.join("Exports").display().to_string();
    ui.label(egui::RichText::new("Folder; empty for the usual one").color(theme::MUTED));
    ui.add(
        TextEdit::singleline(&mut model.editor.export_folder)
            .hint_text(usual)
            .desired_width(f32::INFINITY)
            .align(egui::Align2::LEFT_CENTER)
            .char_limit(4096),
    );
    ui.horizontal(|ui| {
        if ui.button("Export").clicked() {
            model.export(scene, wishes);
            ui.close();
        }
        if ui.button("Usual folder").clicked() {
            model.editor.export_folder.clear();
        }
    });
}

/// The selected item, where its file is gone.
fn missing(scene: &Scene<'_>, model: &Model) -> Option<(ItemId, std::path::PathBuf)> {
    let item = model.current(scene.snapshot)?;
    match &item.file {
        FileState::Missing(path) if model.selection.ids().len() == 1 => Some((item.id, path.clone())),
        _ => None,
    }
}

fn relink(ui: &mut Ui, line: &mut Line, id: ItemId, old: &std::path::Path, model: &mut Model, wishes: &mut Wishes) {
    let go = line.right(64.0);
    let again = line.right(90.0);
    let icon = line.left(20.0);
    icons::paint(ui.painter(), icon, Icon::Warning, theme::WARNING);
    if let Some(place) = line.try_left(160.0) {
        text(
            ui.painter(),
            place,
            Align2::LEFT_CENTER,
            "File missing. Where is it now?",
            theme::plain(11.0),
            theme::WARNING,
        );
    }
    let hint = old.display().to_string();
    let edit = TextEdit::singleline(&mut model.relink)
        .hint_text(hint)
        .char_limit(4096)
        .align(egui::Align2::LEFT_CENTER)
        .id(egui::Id::unique("relink"));
    let response = ui.put(line.rest(), edit);
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let path = model.relink.trim().to_owned();
    let can = !path.is_empty();
    let clicked = button(
        ui,
        go,
        "relink",
        &Face::words("Relink").enabled(can),
        "Uses this file from now on.",
    )
    .clicked();
    if (clicked || entered) && can {
        wishes.send(Command::Relink(id, path.into()));
        model.relink.clear();
    }
    if button(
        ui,
        again,
        "look again",
        &Face::words("Look again"),
        "Looks again where it was.",
    )
    .clicked()
    {
        wishes.send(Command::CheckFiles);
    }
}
