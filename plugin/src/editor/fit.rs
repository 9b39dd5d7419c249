//! A window no larger than what shows it.
//!
//! On X11 the window grows first, by its corner or its zoom, and the host is asked afterwards to make room for it. Some
//! hosts never do: part of the window is then cut off, with the buttons that could make it smaller again.

use std::time::{Duration, Instant};

use nice_plug_egui::Frame;
use raw_window_handle::{HasWindowHandle, RawWindowHandle};
use x11rb::protocol::xproto::ConnectionExt as _;

/// The host has so long to make room.
const GRACE: Duration = Duration::from_millis(700);
/// A smaller parent is no place to be seen in: the host is about to show it, or hides it.
const LEAST: u16 = 100;

/// Looks after each change of size whether the host has followed.
#[derive(Debug, Default)]
pub(crate) struct Fit {
    changed: Option<Instant>,
}

impl Fit {
    /// The size has changed.
    pub(crate) fn changed(&mut self) {
        self.changed = Some(Instant::now());
    }

    /// Every frame: makes the window as small as its parent, where that has stayed smaller.
    pub(crate) fn step(&mut self, ctx: &egui::Context, frame: &Frame) {
        let Some(left) = self.changed.map(|at| GRACE.saturating_sub(at.elapsed())) else {
            return;
        };
        if !left.is_zero() {
            ctx.request_repaint_after(left);
            return;
        }
        self.changed = None;
        let own = match frame.baseview_window().window_handle().map(|handle| handle.as_raw()) {
            Ok(RawWindowHandle::Xlib(handle)) => u32::try_from(handle.window).ok(),
            Ok(RawWindowHandle::Xcb(handle)) => Some(handle.window.get()),
            _ => None,
        };
        if let Some((width, height)) = own.and_then(sizes).and_then(|(own, parent)| room(own, parent)) {
            let size = egui::vec2(f32::from(width), f32::from(height)) / ctx.pixels_per_point().max(0.1);
            ctx.send_viewport_cmd(egui::ViewportCommand::InnerSize(size));
            ctx.request_repaint();
        }
    }
}

/// Size in pixels of a window, and of its parent.
fn sizes(window: u32) -> Option<((u16, u16), (u16, u16))> {
    let (link, _) = x11rb::connect(None).ok()?;
    let parent = link.query_tree(window).ok()?.reply().ok()?.parent;
    let size = |of: u32| {
        let place = link.get_geometry(of).ok()?.reply().ok()?;
        Some((place.width, place.height))
    };
    Some((size(window)?, size(parent)?))
}

/// What of a window its parent has room for; `None` for all of it.
fn room(own: (u16, u16), parent: (u16, u16)) -> Option<(u16, u16)> {
    let seen = (own.0.min(parent.0), own.1.min(parent.1));
    (seen != own && parent.0 >= LEAST && parent.1 >= LEAST).then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_is_made_smaller_and_nothing_else() {
        assert_eq!(room((960, 600), (960, 600)), None);
        assert_eq!(room((960, 600), (1400, 1000)), None);
        assert_eq!(room((1056, 660), (960, 600)), Some((960, 600)));
        assert_eq!(room((1056, 660), (1400, 600)), Some((1056, 600)));
        assert_eq!(room((960, 600), (1, 1)), None, "not shown yet");
    }
}
