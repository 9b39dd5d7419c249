//! How XDND packs what it says into five numbers.

use x11rb::protocol::xproto::{Atom, Window};

/// A rectangle of the screen; empty by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Quiet {
    x: i16,
    y: i16,
    width: u16,
    height: u16,
}

impl Quiet {
    /// As a status has it: flags, corner, size.
    pub(super) fn of_status(flags: u32, corner: u32, size: u32) -> Self {
        // Bit 1: it wants every position, whatever the rectangle.
        if flags & 2 != 0 {
            return Self::default();
        }
        let (x, y) = halves(corner);
        let (width, height) = halves(size);
        Self {
            x: x.cast_signed(),
            y: y.cast_signed(),
            width,
            height,
        }
    }

    pub(super) fn contains(&self, (x, y): (i16, i16)) -> bool {
        let within = |at: i16, from: i16, length: u16| {
            let inside = i32::from(at) - i32::from(from);
            (0..i32::from(length)).contains(&inside)
        };
        within(x, self.x, self.width) && within(y, self.y, self.height)
    }
}

/// Two numbers out of one of a message.
fn halves(number: u32) -> (u16, u16) {
    ((number >> 16) as u16, (number & 0xffff) as u16)
}

/// A point as one number of a message.
pub(super) fn whole((x, y): (i16, i16)) -> u32 {
    u32::from(x.cast_unsigned()) << 16 | u32::from(y.cast_unsigned())
}

/// What an `XdndEnter` says: who, which version, and the first three types, with a flag where the rest must be read from
/// `XdndTypeList`.
pub(super) fn enter(source: Window, version: u32, types: &[Atom]) -> [u32; 5] {
    let kind = |index: usize| types.get(index).copied().unwrap_or(x11rb::NONE);
    [
        source,
        version << 24 | u32::from(types.len() > 3),
        kind(0),
        kind(1),
        kind(2),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_types_is_in_the_list_when_there_are_more_than_three() {
        assert_eq!(enter(7, 5, &[1, 2]), [7, 5 << 24, 1, 2, 0]);
        assert_eq!(enter(7, 3, &[1, 2, 3]), [7, 3 << 24, 1, 2, 3]);
        assert_eq!(enter(7, 4, &[1, 2, 3, 4]), [7, 4 << 24 | 1, 1, 2, 3]);
    }

    #[test]
    fn quiet_rectangles() {
        let quiet = Quiet::of_status(1, whole((-10, 20)), whole((30, 5)));
        assert_eq!(
            quiet,
            Quiet {
                x: -10,
                y: 20,
                width: 30,
                height: 5
            }
        );
        assert_eq!(
            [(-11, 20), (-10, 20), (19, 24), (20, 24), (19, 25)].map(|point| quiet.contains(point)),
            [false, true, true, false, false]
        );
        assert_eq!(Quiet::of_status(3, whole((-10, 20)), whole((30, 5))), Quiet::default());
        assert!(!Quiet::default().contains((0, 0)));
        let wide = Quiet {
            x: i16::MAX,
            y: 0,
            width: u16::MAX,
            height: 1,
        };
        assert!(wide.contains((i16::MAX, 0)) && !wide.contains((i16::MIN, 0)));
    }

    #[test]
    fn points_fit_into_a_message() {
        assert_eq!(whole((1, 2)), 0x0001_0002);
        assert_eq!(whole((-1, -2)), 0xffff_fffe);
        assert_eq!(halves(0x1234_5678), (0x1234, 0x5678));
    }
}
