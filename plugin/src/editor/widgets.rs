//! Buttons and the like, drawn at places that do not move.

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Color32, CursorIcon, FontId, Id, Painter, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use super::icons::{self, Icon};
use super::theme;

/// How a button looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Face<'a> {
    /// Its sign.
    pub(crate) icon: Option<Icon>,
    /// Its words; also what it is called where only the sign is seen.
    pub(crate) words: &'a str,
    /// Words are shown.
    pub(crate) lettered: bool,
    /// It is switched on.
    pub(crate) on: bool,
    /// It can be pressed.
    pub(crate) enabled: bool,
    /// It has a ground of its own; else only under the pointer.
    pub(crate) raised: bool,
    /// Colour of sign and words, if not the usual.
    pub(crate) colour: Option<Color32>,
}

impl<'a> Face<'a> {
    /// Words alone.
    pub(crate) fn words(words: &'a str) -> Self {
        Self {
            icon: None,
            words,
            lettered: true,
            on: false,
            enabled: true,
            raised: true,
            colour: None,
        }
    }
    /// A sign alone.
    pub(crate) fn icon(icon: Icon, words: &'a str) -> Self {
        Self {
            icon: Some(icon),
            lettered: false,
            raised: false,
            ..Self::words(words)
        }
    }
    /// A sign and words.
    pub(crate) fn both(icon: Icon, words: &'a str) -> Self {
        Self {
            icon: Some(icon),
            ..Self::words(words)
        }
    }
    /// Switched on or off.
    pub(crate) fn on(self, on: bool) -> Self {
        Self { on, ..self }
    }
    /// Can be pressed or not.
    pub(crate) fn enabled(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }
    /// Another colour.
    pub(crate) fn colour(self, colour: Color32) -> Self {
        Self {
            colour: Some(colour),
            ..self
        }
    }
    /// The width it needs.
    pub(crate) fn width(&self, ui: &Ui) -> f32 {
        let icon = if self.icon.is_some() { 18.0 } else { 0.0 };
        let words = if self.lettered {
            text_width(ui.painter(), self.words, theme::plain(12.0))
        } else {
            0.0
        };
        let between = if self.lettered && self.icon.is_some() { 2.0 } else { 0.0 };
        (icon + between + words + if self.lettered { 16.0 } else { 6.0 }).ceil()
    }
}

/// A button in `rect`.
pub(crate) fn button(
    ui: &mut Ui,
    rect: Rect,
    id: impl std::hash::Hash + std::fmt::Debug,
    face: &Face<'_>,
    tip: &str,
) -> Response {
    // Drags too, though it does nothing with them: else what lies below would be pressed along with it.
    let sense = if face.enabled {
        Sense::click_and_drag()
    } else {
        Sense::hover()
    };
    let response = ui.interact(rect, Id::unique(("button", id)), sense);
    if ui.is_rect_visible(rect) {
        let lit = face.enabled && response.hovered();
        let pressed = face.enabled && response.is_pointer_button_down_on();
        let fill = match (face.on, pressed, lit, face.raised) {
            (true, _, _, _) => Some(theme::CHOSEN),
            (_, true, _, _) => Some(theme::CHOSEN),
            (_, _, true, _) => Some(theme::HOVER),
            (_, _, _, true) => Some(theme::RAISED),
            _ => None,
        };
        let painter = ui.painter();
        if let Some(fill) = fill {
            let edge = if face.on { theme::ACCENT } else { fill };
            painter.rect(rect, 4.0, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
        }
        focus_ring(ui, &response);
        let mut colour = face.colour.unwrap_or(if face.on { theme::ACCENT } else { theme::TEXT });
        if !face.enabled {
            colour = theme::mix(theme::PANEL, colour, 0.4);
        }
        let mut left = rect.left() + if face.lettered { 8.0 } else { 3.0 };
        if let Some(icon) = face.icon {
            let place = if face.lettered {
                Rect::from_min_size(pos2(left, rect.center().y - 8.0), vec2(16.0, 16.0))
            } else {
                rect
            };
            icons::paint(painter, place, icon, colour);
            left += 20.0;
        }
        if face.lettered {
            let room = Rect::from_min_max(pos2(left, rect.top()), pos2(rect.right() - 4.0, rect.bottom()));
            if face.icon.is_some() {
                text(
                    painter,
                    room,
                    Align2::LEFT_CENTER,
                    face.words,
                    theme::plain(12.0),
                    colour,
                );
            } else {
                let room = rect.shrink2(vec2(4.0, 0.0));
                text(
                    painter,
                    room,
                    Align2::CENTER_CENTER,
                    face.words,
                    theme::plain(12.0),
                    colour,
                );
            }
        }
    }
    let (enabled, words) = (face.enabled, face.words.to_owned());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &words));
    let response = if tip.is_empty() {
        response
    } else {
        response.on_hover_text(tip)
    };
    if face.enabled {
        response.on_hover_cursor(CursorIcon::PointingHand)
    } else {
        response
    }
}

/// A line around what the Tab key has reached.
pub(crate) fn focus_ring(ui: &Ui, response: &Response) {
    if response.has_focus() {
        ui.painter()
            .rect_stroke(response.rect, 4.0, Stroke::new(1.5, theme::ACCENT), StrokeKind::Outside);
    }
}

/// One line of words in `rect`, cut short with an ellipsis where they do not fit. Returns where they stand.
pub(crate) fn text(painter: &Painter, rect: Rect, align: Align2, words: &str, font: FontId, colour: Color32) -> Rect {
    if words.is_empty() || rect.width() < 4.0 {
        return Rect::from_min_size(rect.min, vec2(0.0, 0.0));
    }
    let mut job = LayoutJob::single_section(words.to_owned(), TextFormat::simple(font, colour));
    job.wrap = TextWrapping::truncate_at_width(rect.width());
    let galley = painter.layout_job(job);
    let place = align.align_size_within_rect(galley.size(), rect);
    painter.galley(place.min, galley, colour);
    place
}

/// How wide words are.
pub(crate) fn text_width(painter: &Painter, words: &str, font: FontId) -> f32 {
    painter.layout_no_wrap(words.to_owned(), font, theme::TEXT).size().x
}

/// A slider without words. Returns its response; `changed` says whether the value did.
pub(crate) fn slider(
    ui: &mut Ui,
    rect: Rect,
    id: impl std::hash::Hash + std::fmt::Debug,
    value: &mut f32,
    range: std::ops::RangeInclusive<f32>,
    name: &str,
    tip: &str,
) -> Response {
    let mut response = ui.interact(rect, Id::unique(("slider", id)), Sense::click_and_drag());
    let (low, high) = (*range.start(), *range.end());
    let rail = Rect::from_center_size(rect.center(), vec2((rect.width() - 12.0).max(1.0), 4.0));
    let before = *value;
    if let Some(pos) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.is_pointer_button_down_on())
    {
        *value = low + (high - low) * ((pos.x - rail.left()) / rail.width()).clamp(0.0, 1.0);
    }
    if response.has_focus() {
        let steps =
            ui.input(|i| i.num_presses(egui::Key::ArrowRight) as f32 - i.num_presses(egui::Key::ArrowLeft) as f32);
        ui.memory_mut(|m| {
            m.set_focus_lock_filter(
                response.id,
                egui::EventFilter {
                    horizontal_arrows: true,
                    ..Default::default()
                },
            );
        });
        *value = (*value + steps * (high - low) / 50.0).clamp(low, high);
    }
    if !value.is_finite() {
        *value = low;
    }
    if *value != before {
        response.mark_changed();
    }
    let part = ((*value - low) / (high - low)).clamp(0.0, 1.0);
    let knob = pos2(rail.left() + rail.width() * part, rail.center().y);
    let painter = ui.painter();
    painter.rect_filled(rail, 2.0, theme::HOVER);
    painter.rect_filled(
        Rect::from_min_max(rail.min, pos2(knob.x, rail.bottom())),
        2.0,
        theme::ACCENT,
    );
    painter.circle(
        knob,
        if response.hovered() { 7.0 } else { 6.0 },
        theme::TEXT,
        Stroke::new(1.0, theme::GROUND),
    );
    focus_ring(ui, &response);
    let shown = f64::from(*value);
    response.widget_info(|| WidgetInfo::slider(true, shown, name));
    if tip.is_empty() {
        response
    } else {
        response.on_hover_text(tip)
    }
}

/// `3:07`, `1:02:03`.
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = if seconds.is_finite() {
        seconds.max(0.0) as u64
    } else {
        0
    };
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

/// `512 kB`, `92 MB`, `1.4 GB`.
pub(crate) fn bytes(bytes: f64) -> String {
    if !bytes.is_finite() || bytes <= 0.0 {
        return "0 MB".into();
    }
    match bytes {
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b if b >= 1e6 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.0} kB", (b / 1e3).max(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_in_words() {
        assert_eq!(clock(0.0), "0:00");
        assert_eq!(clock(187.9), "3:07");
        assert_eq!(clock(3723.0), "1:02:03");
        assert_eq!(clock(f64::NAN), "0:00");
        assert_eq!(bytes(92_160_000.0), "92 MB");
        assert_eq!(bytes(1.44e9), "1.4 GB");
        assert_eq!(bytes(900.0), "1 kB");
        assert_eq!(bytes(f64::NAN), "0 MB");
    }
}
