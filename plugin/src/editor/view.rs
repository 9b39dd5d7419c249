//! One frame of the window.

use egui::Ui;

use super::drag::{self, Step};
use super::layout::layout;
use super::model::{Model, Scene, Sheet, Wishes};
use super::{actions, empty, filters, help, keys, list, settings, status, theme, waveform};
use crate::snapshot::Severity;

/// Draws the window, and says what it wishes for. Nothing here reaches outside: tests run it without a window.
pub(crate) fn show(ui: &mut Ui, scene: &Scene<'_>, model: &mut Model) -> Wishes {
    let mut wishes = Wishes::default();
    keys::leave_space(ui.ctx());
    // First, so that it lies below everything; always, so that the focus stays.
    ui.interact(ui.max_rect(), keys::list_id(), egui::Sense::focusable_noninteractive());
    model.update(scene);
    let at = layout(ui.max_rect());
    ui.painter().rect_filled(ui.max_rect(), 0.0, theme::GROUND);
    let page = (at.list.height() / list::row_height(at.low)).max(1.0) as usize;
    keys::hear(ui, scene, model, page.saturating_sub(1), &mut wishes);
    status::header(ui, &at, scene, model, &mut wishes);
    // The settings take the place of all but the first and the last line.
    if model.sheet != Some(Sheet::Settings) {
        waveform::show(ui, &at, scene, model, &mut wishes);
        filters::show(ui, &at, scene, model, &mut wishes);
    }
    match model.sheet {
        Some(Sheet::Settings) => settings::show(ui, &at, scene, model, &mut wishes),
        Some(Sheet::Help) => help::show(ui, &at),
        None => {
            list::show(ui, &at, scene, model, &mut wishes);
            if model.rows.is_empty() {
                empty::show(ui, &at, scene, model, &mut wishes);
            }
        }
    }
    if model.sheet != Some(Sheet::Settings) {
        actions::show(ui, &at, scene, model, &mut wishes);
    }
    status::footer(ui, &at, scene, model, &mut wishes);
    let button = ui.input(|i| i.pointer.any_down());
    model.level.release(button, &mut wishes.turns);
    step_drag(ui, scene, model, &mut wishes);
    animate(ui, scene, model);
    wishes
}

/// From a held button to a drag.
fn step_drag(ui: &Ui, scene: &Scene<'_>, model: &mut Model, wishes: &mut Wishes) {
    let (pos, down) = ui.input(|i| (i.pointer.latest_pos(), i.pointer.primary_down()));
    match model.drag.step(pos, down, |load| drag::readiness(scene.snapshot, load)) {
        Some(Step::Begin(files)) => wishes.drag = Some(files),
        Some(Step::Say(words)) => model.notes.say(Severity::Warning, words, scene.now),
        None => {}
    }
    if model.drag.moved() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::Grabbing);
    }
}

/// Asks for the next frame only where something moves by itself: the worker asks when its picture changes.
fn animate(ui: &Ui, scene: &Scene<'_>, model: &Model) {
    let asked = model
        .asked
        .is_some_and(|(_, at)| (0.0..0.6).contains(&(scene.now - at)));
    if scene.heard.is_some() || asked || model.drag.moved() {
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(40));
    }
    if model.hovered != model.hovering {
        ui.ctx().request_repaint();
    }
}
