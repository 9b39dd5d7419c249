//! Where things stand, for a window of any size.

use egui::{Rect, pos2};

/// The parts of the window, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layout {
    /// Name, transport, zoom, help, settings.
    pub(crate) header: Rect,
    /// The history.
    pub(crate) wave: Rect,
    /// Tabs and filters.
    pub(crate) tabs: Rect,
    /// The list in front.
    pub(crate) list: Rect,
    /// Auditioning, and the ways out.
    pub(crate) actions: Rect,
    /// One line of status.
    pub(crate) status: Rect,
    /// Points of width are scarce.
    pub(crate) narrow: bool,
    /// Points of height are scarce.
    pub(crate) low: bool,
}

/// Lays the window out.
pub(crate) fn layout(window: Rect) -> Layout {
    let height = window.height().max(0.0);
    let low = height < 460.0;
    let [header, tabs, actions, status] = if low {
        [30.0, 30.0, 34.0, 22.0]
    } else {
        [36.0, 34.0, 40.0, 24.0]
    };
    let fixed = header + tabs + actions + status;
    // Of what is left the list gets the larger part, and what there is when there is little.
    let rest = (height - fixed).max(0.0);
    let wave = (rest * 0.40).clamp(0.0, 260.0).min((rest - 90.0).max(rest * 0.35));
    let mut top = window.top();
    let mut cut = |height: f32| {
        let from = top.min(window.bottom());
        top = (from + height).min(window.bottom());
        Rect::from_min_max(pos2(window.left(), from), pos2(window.right(), top))
    };
    Layout {
        header: cut(header),
        wave: cut(wave.round()),
        tabs: cut(tabs),
        list: cut((rest - wave.round()).max(0.0)),
        actions: cut(actions),
        status: cut(status),
        narrow: window.width() < 760.0,
        low,
    }
}

/// Takes pieces off a line, from either end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    rest: Rect,
    gap: f32,
}

impl Line {
    /// A line in `rect` with `gap` between its pieces.
    pub(crate) fn new(rect: Rect, gap: f32) -> Self {
        Self { rest: rect, gap }
    }
    /// What is left of it.
    pub(crate) fn rest(&self) -> Rect {
        self.rest
    }
    /// The next piece from the left, of at most `width`.
    pub(crate) fn left(&mut self, width: f32) -> Rect {
        let width = width.clamp(0.0, self.rest.width().max(0.0));
        let piece = Rect::from_min_max(self.rest.min, pos2(self.rest.left() + width, self.rest.bottom()));
        self.rest.min.x = (piece.right() + self.gap).min(self.rest.right());
        piece
    }
    /// The next piece from the right, of at most `width`.
    pub(crate) fn right(&mut self, width: f32) -> Rect {
        let width = width.clamp(0.0, self.rest.width().max(0.0));
        let piece = Rect::from_min_max(pos2(self.rest.right() - width, self.rest.top()), self.rest.max);
        self.rest.max.x = (piece.left() - self.gap).max(self.rest.left());
        piece
    }
    /// The next piece from the left if there is room for it.
    pub(crate) fn try_left(&mut self, width: f32) -> Option<Rect> {
        (self.rest.width() >= width).then(|| self.left(width))
    }
    /// The next piece from the right if there is room for it.
    pub(crate) fn try_right(&mut self, width: f32) -> Option<Rect> {
        (self.rest.width() >= width).then(|| self.right(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    #[test]
    fn parts_tile_the_window_at_any_size() {
        for size in [
            [0.0, 0.0],
            [1.0, 1.0],
            [280.0, 180.0],
            [560.0, 360.0],
            [960.0, 600.0],
            [8000.0, 5000.0],
        ] {
            let window = Rect::from_min_size(pos2(3.0, 5.0), vec2(size[0], size[1]));
            let l = layout(window);
            let parts = [l.header, l.wave, l.tabs, l.list, l.actions, l.status];
            let mut bottom = window.top();
            for part in parts {
                assert!(part.height() >= 0.0 && part.width() >= 0.0, "{size:?} {part:?}");
                assert!((part.top() - bottom).abs() < 0.01, "{size:?}: a gap or an overlap");
                bottom = part.bottom();
            }
            assert!(bottom <= window.bottom() + 0.01);
        }
    }

    #[test]
    fn smallest_size_shows_both_picture_and_list() {
        let l = layout(Rect::from_min_size(pos2(0.0, 0.0), vec2(560.0, 360.0)));
        assert!(l.wave.height() >= 80.0 && l.list.height() >= 120.0, "{l:?}");
    }

    #[test]
    fn a_line_never_hands_out_more_than_it_has() {
        let mut line = Line::new(Rect::from_min_size(pos2(0.0, 0.0), vec2(50.0, 10.0)), 8.0);
        assert_eq!(line.left(20.0).width(), 20.0);
        assert_eq!(line.right(20.0).width(), 20.0);
        assert!(line.try_left(5.0).is_none());
        assert!(line.left(100.0).width() <= 50.0 && line.right(100.0).width() >= 0.0);
        assert!(line.rest().width() >= 0.0);
    }
}
