//! What the keys and the mouse do.

use egui::{Align2, Rect, Ui, pos2, vec2};

use super::layout::Layout;
use super::theme;
use super::widgets::text;

const KEYS: [(&str, &str); 14] = [
    ("↑ ↓", "Select; with Shift, several"),
    ("Enter", "Hear it, or stop"),
    ("Esc", "Stop; close this"),
    ("F", "Favourite"),
    ("Delete", "Reject"),
    ("Ctrl+Z", "Bring back what was rejected"),
    ("Ctrl+C", "Copy paths"),
    ("Ctrl+E", "Export"),
    ("Ctrl+A", "Select all"),
    ("1 … 5", "Loops, breaks, one-shots, quiet, favourites"),
    ("+ −", "Larger, smaller"),
    ("Drag a row", "Takes what is selected into your timeline"),
    (
        "Wheel",
        "Zooms the waveform; drag it to pan; double click the bar numbers: one take",
    ),
    ("Ctrl/Shift+click", "Selects several"),
];

/// Draws it over the list.
pub(crate) fn show(ui: &Ui, at: &Layout) {
    let place = at.list;
    ui.painter().rect_filled(place, 0.0, theme::PANEL);
    let painter = ui.painter_at(place);
    let inner = place.shrink2(vec2(18.0, 8.0));
    let head = Rect::from_min_size(inner.min, vec2(inner.width(), 20.0));
    let words = "Keys work after a click into the list, while the pointer is over the window. The space bar stays with the host.";
    text(
        &painter,
        head,
        Align2::LEFT_CENTER,
        words,
        theme::plain(11.0),
        theme::MUTED,
    );
    let two = inner.width() > 420.0;
    let rows = if two { KEYS.len().div_ceil(2) } else { KEYS.len() };
    let height = ((inner.height() - 24.0) / rows as f32).clamp(12.0, 24.0);
    let width = if two { inner.width() * 0.5 } else { inner.width() };
    for (index, (keys, does)) in KEYS.into_iter().enumerate() {
        let (column, row) = (index / rows, index % rows);
        let at = pos2(
            inner.left() + column as f32 * width,
            inner.top() + 24.0 + row as f32 * height,
        );
        let cell = Rect::from_min_size(at, vec2(width - 8.0, height));
        let (left, right) = cell.split_left_right_at_x(cell.left() + 110.0_f32.min(cell.width() * 0.45));
        text(
            &painter,
            left,
            Align2::LEFT_CENTER,
            keys,
            theme::bold(11.5),
            theme::ACCENT,
        );
        text(
            &painter,
            right,
            Align2::LEFT_CENTER,
            does,
            theme::plain(11.5),
            theme::TEXT,
        );
    }
}
