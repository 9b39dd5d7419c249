//! The label that follows the pointer: what is dragged, and whether what is under the pointer takes it.

use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, Char2b, ClipOrdering, ConfigureWindowAux, ConnectionExt as _, CreateGCAux,
    CreateWindowAux, EventMask, Font, Gcontext, PropMode, Screen, StackMode, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::link::{Broken, Link, maybe};
use super::source::Atoms;

/// Pixels from the pointer's tip, so that the label hides neither the pointer nor what it points at. It lies above, since
/// hosts show below where a drop would go.
const BESIDE: i16 = 12;

/// Pixels between the text and the border.
const PAD: u16 = 6;

/// Characters of the label. Longer names are cut in the middle, where loops of one song are alike.
const LONGEST: usize = 40;

/// The label's window. It has no input region, so that the pointer goes through it and it is never a target itself.
pub(super) struct Icon {
    window: Window,
    gc: Gcontext,
    font: Font,
    text: Vec<u8>,
    baseline: i16,
    height: i16,
    yes: u32,
    no: u32,
    /// Where it is and what it says.
    shown: Option<((i16, i16), bool)>,
}

impl Icon {
    /// `None` where a window cannot be made transparent to the pointer, or no font is there to write with.
    pub(super) fn new(link: &Link, atoms: &Atoms, screen: &Screen, label: &str) -> Result<Option<Self>, Broken> {
        if link.extension_information(shape::X11_EXTENSION_NAME)?.is_none() {
            return Ok(None);
        }
        let shape = link.shape_query_version()?.reply()?;
        if (shape.major_version, shape.minor_version) < (1, 1) {
            return Ok(None);
        }
        let font = link.generate_id()?;
        link.open_font(font, b"fixed")?;
        let text = shortened(label);
        let wide: Vec<Char2b> = text.iter().map(|&byte| Char2b { byte1: 0, byte2: byte }).collect();
        let Some(size) = maybe(link.query_text_extents(font, &wide)?.reply())? else {
            return Ok(None);
        };
        let colour = |red: u16, green: u16, blue: u16| -> Result<u32, Broken> {
            let reply = maybe(link.alloc_color(screen.default_colormap, red, green, blue)?.reply())?;
            Ok(reply.map_or(screen.white_pixel, |reply| reply.pixel))
        };
        let (yes, no) = (colour(0xa000, 0xf000, 0xa000)?, colour(0xd000, 0xd000, 0xd000)?);

        let window = link.generate_id()?;
        let length = |pixels: i32| u16::try_from(pixels.clamp(1, 2000)).unwrap_or(1);
        let height = length(i32::from(size.font_ascent) + i32::from(size.font_descent)) + 2 * PAD;
        link.create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            window,
            screen.root,
            0,
            0,
            length(size.overall_width) + 2 * PAD,
            height,
            1,
            WindowClass::INPUT_OUTPUT,
            x11rb::COPY_FROM_PARENT,
            &CreateWindowAux::new()
                .background_pixel(no)
                .border_pixel(screen.black_pixel)
                .override_redirect(1)
                .save_under(1)
                .event_mask(EventMask::EXPOSURE),
        )?;
        link.shape_rectangles(
            shape::SO::SET,
            shape::SK::INPUT,
            ClipOrdering::UNSORTED,
            window,
            0,
            0,
            &[],
        )?;
        let kind = atoms._NET_WM_WINDOW_TYPE_DND;
        link.change_property32(
            PropMode::REPLACE,
            window,
            atoms._NET_WM_WINDOW_TYPE,
            AtomEnum::ATOM,
            &[kind],
        )?;
        let gc = link.generate_id()?;
        link.create_gc(
            gc,
            window,
            &CreateGCAux::new()
                .foreground(screen.black_pixel)
                .background(no)
                .font(font),
        )?;
        let baseline = i16::try_from(PAD).unwrap_or(0) + size.font_ascent;
        Ok(Some(Self {
            window,
            gc,
            font,
            text,
            baseline,
            height: i16::try_from(height).unwrap_or(0),
            yes,
            no,
            shown: None,
        }))
    }

    /// Puts it beside the pointer.
    pub(super) fn show(&mut self, link: &Link, (x, y): (i16, i16), takes: bool) -> Result<(), Broken> {
        let above = y.saturating_sub(BESIDE).saturating_sub(self.height);
        let below = y.saturating_add(2 * BESIDE);
        let at = (x.saturating_add(BESIDE), if above < 0 { below } else { above });
        let before = self.shown.replace((at, takes));
        if before.is_none_or(|(_, before)| before != takes) {
            let ground = if takes { self.yes } else { self.no };
            link.change_window_attributes(self.window, &ChangeWindowAttributesAux::new().background_pixel(ground))?;
            link.change_gc(self.gc, &x11rb::protocol::xproto::ChangeGCAux::new().background(ground))?;
            link.clear_area(true, self.window, 0, 0, 0, 0)?;
        }
        if before.is_none_or(|(before, _)| before != at) {
            let place = ConfigureWindowAux::new()
                .x(i32::from(at.0))
                .y(i32::from(at.1))
                .stack_mode(StackMode::ABOVE);
            link.configure_window(self.window, &place)?;
        }
        if before.is_none() {
            link.map_window(self.window)?;
        }
        Ok(())
    }

    /// Draws it, when the display says that it must be.
    pub(super) fn exposed(&self, link: &Link, window: Window) -> Result<(), Broken> {
        if window == self.window {
            let pad = i16::try_from(PAD).unwrap_or(0);
            link.image_text8(self.window, self.gc, pad, self.baseline, &self.text)?;
        }
        Ok(())
    }

    pub(super) fn remove(self, link: &Link) -> Result<(), Broken> {
        link.destroy_window(self.window)?;
        link.free_gc(self.gc)?;
        link.close_font(self.font)?;
        Ok(())
    }
}

/// The label in the characters that the oldest font has, cut in the middle.
fn shortened(label: &str) -> Vec<u8> {
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            u8::try_from(c).unwrap_or(b'?')
        } else {
            b'?'
        }
    };
    let text: Vec<u8> = label.chars().map(plain).collect();
    let half = (LONGEST - 3) / 2;
    match (
        text.get(..half),
        text.len().checked_sub(half).and_then(|from| text.get(from..)),
    ) {
        (Some(first), Some(last)) if text.len() > LONGEST => [first, b"...", last].concat(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn labels_fit() {
        assert_eq!(shortened("2 files"), b"2 files");
        assert_eq!(shortened("ä\n.wav"), b"??.wav");
        assert_eq!(shortened(&"x".repeat(40)).len(), 40);
        let long = format!("start{}end", "-".repeat(100));
        let cut = String::from_utf8(shortened(&long)).unwrap();
        assert!(
            cut.starts_with("start-") && cut.contains("-...-") && cut.ends_with("-end"),
            "{cut}"
        );
        assert_eq!(cut.len(), 39);
    }
}
