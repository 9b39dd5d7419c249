//! The keyboard, without taking the host's keys.
//!
//! Keys are heard, and kept from the host, only after a click into the list or the waveform and while the pointer is over
//! the window; in a text field all are. The space bar is always the host's, except in a text field.

use egui::{Context, Event, EventFilter, Id, Key, Modifiers, Ui};

use super::model::{Model, Scene, Sheet, Wishes};
use super::rows::Tab;
use super::status::next_zoom;

/// The widget that has the focus while keys are heard.
pub(crate) fn list_id() -> Id {
    Id::unique("list focus")
}

/// Keys are heard from now on.
pub(crate) fn focus(ui: &Ui) {
    ui.memory_mut(|memory| memory.request_focus(list_id()));
}

/// Whether the keys are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    /// All of them: a text field is being written in.
    All,
    /// Those that do something here.
    Known,
    /// Those that move the focus: the Tab key came here.
    Focus,
    /// None.
    None,
}

/// Whose the keys are.
pub(crate) fn ours(ctx: &Context) -> Ours {
    if ctx.text_edit_focused() {
        return Ours::All;
    }
    let over = ctx.input(|i| i.pointer.has_pointer());
    match ctx.memory(|memory| memory.focused()) {
        Some(id) if over && id == list_id() => Ours::Known,
        Some(_) if over => Ours::Focus,
        _ => Ours::None,
    }
}

/// Names of the keys that do something here, as the host's side calls them.
pub(crate) const KNOWN: [&str; 26] = [
    "ArrowUp",
    "ArrowDown",
    "PageUp",
    "PageDown",
    "Home",
    "End",
    "Enter",
    "Escape",
    "Delete",
    "Backspace",
    "1",
    "2",
    "3",
    "4",
    "5",
    "f",
    "+",
    "-",
    "?",
    "a",
    "c",
    "e",
    "z",
    "F",
    "=",
    "_",
];
/// Names of the keys that move the focus.
pub(crate) const MOVING: [&str; 6] = ["Tab", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/// Before widgets see them: the space bar presses no buttons.
pub(crate) fn leave_space(ctx: &Context) {
    if !ctx.text_edit_focused() {
        ctx.input_mut(|i| {
            i.events
                .retain(|event| !matches!(event, Event::Key { key: Key::Space, .. }))
        });
    }
}

/// Does what keys say.
pub(crate) fn hear(ui: &Ui, scene: &Scene<'_>, model: &mut Model, page: usize, wishes: &mut Wishes) {
    let ctx = ui.ctx();
    if ours(ctx) != Ours::Known {
        return;
    }
    ui.memory_mut(|memory| {
        let filter = EventFilter {
            tab: false,
            horizontal_arrows: true,
            vertical_arrows: true,
            escape: true,
        };
        memory.set_focus_lock_filter(list_id(), filter);
    });
    let events = ctx.input(|i| i.events.clone());
    for event in &events {
        match event {
            Event::Key {
                key,
                pressed: true,
                modifiers,
                ..
            } => key_down(*key, *modifiers, scene, model, page, wishes),
            Event::Copy => model.copy_paths(scene, wishes),
            Event::Text(words) => match words.as_str() {
                "+" | "=" => wishes.zoom = Some(next_zoom(model.editor.zoom, true)),
                "-" | "_" => wishes.zoom = Some(next_zoom(model.editor.zoom, false)),
                "?" => {
                    model.sheet = if model.sheet == Some(Sheet::Help) {
                        None
                    } else {
                        Some(Sheet::Help)
                    }
                }
                // Shift is down, and the toolkit names no key.
                "F" => model.star_selected(scene, wishes),
                _ => {}
            },
            _ => {}
        }
    }
}

fn key_down(key: Key, held: Modifiers, scene: &Scene<'_>, model: &mut Model, page: usize, wishes: &mut Wishes) {
    let page = page.max(1) as isize;
    let steps = match key {
        Key::ArrowUp => Some(-1),
        Key::ArrowDown => Some(1),
        Key::PageUp => Some(-page),
        Key::PageDown => Some(page),
        Key::Home => Some(isize::MIN),
        Key::End => Some(isize::MAX),
        _ => None,
    };
    if let Some(steps) = steps {
        if let Some(row) = model.selection.step(&model.ids, steps, held.shift) {
            model.scroll_to = Some(row);
            model.prepare(scene, wishes);
        }
        return;
    }
    let tabs = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
    if !held.command
        && let Some(at) = tabs.iter().position(|&other| other == key)
        && let Some(&tab) = Tab::ALL.get(at)
    {
        model.set_tab(tab);
        return;
    }
    match key {
        Key::Enter => {
            if let Some(item) = model.current(scene.snapshot) {
                let id = item.id;
                model.audition(scene, id, wishes);
            }
        }
        Key::Escape if model.sheet.is_some() => model.sheet = None,
        Key::Escape => model.stop(scene, wishes),
        Key::Delete | Key::Backspace => {
            let ids = model.selection.ids().to_vec();
            model.reject(scene, &ids, wishes);
        }
        Key::F if !held.command => model.star_selected(scene, wishes),
        Key::A if held.command => model.selection.all(&model.ids),
        Key::E if held.command => model.export(scene, wishes),
        Key::Z if held.command => model.undo(wishes),
        _ => {}
    }
}
