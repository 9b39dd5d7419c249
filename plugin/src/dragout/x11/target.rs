//! Finding the window that would take a drop.

use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, Window};

use super::link::{Broken, Link, maybe};
use super::source::Atoms;

/// The versions of XDND spoken here. Version 3 is the oldest that is in use; 5 is the last.
const OLDEST: u32 = 3;
const NEWEST: u32 = 5;

/// How deep windows may lie in each other. Real ones lie ten deep.
const DEEPEST: usize = 64;

/// A window that takes drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// The window under the pointer, which messages speak of.
    pub(super) window: Window,
    /// Where messages go: the window itself, or its proxy.
    pub(super) to: Window,
    /// The version both sides speak.
    pub(super) version: u32,
}

/// The window under a point of a screen (in pixels of its root) that takes drops: the outermost that says so. None
/// when the point is inside `own`, since the window around it may take drops of others.
pub(super) fn find(
    link: &Link,
    atoms: &Atoms,
    own: Window,
    root: Window,
    (x, y): (i16, i16),
) -> Result<Option<Found>, Broken> {
    let mut found = None;
    let mut window = root;
    for _ in 0..DEEPEST {
        let Some(reply) = maybe(link.translate_coordinates(root, window, x, y)?.reply())? else {
            break;
        };
        window = reply.child;
        if window == x11rb::NONE {
            break;
        }
        if window == own {
            return Ok(None);
        }
        if found.is_none() {
            found = takes_drops(link, atoms, window)?;
        }
    }
    // The bare desktop: some desktops have a proxy on the root window.
    if found.is_none() && maybe(link.query_pointer(root)?.reply())?.is_some_and(|at| at.child == x11rb::NONE) {
        found = takes_drops(link, atoms, root)?;
    }
    Ok(found)
}

/// What a window says of itself, or its proxy of it.
fn takes_drops(link: &Link, atoms: &Atoms, window: Window) -> Result<Option<Found>, Broken> {
    let proxy = match number(link, window, atoms.XdndProxy, AtomEnum::WINDOW)? {
        // A proxy must point at itself; otherwise it is left over from a program that crashed.
        Some(proxy) if number(link, proxy, atoms.XdndProxy, AtomEnum::WINDOW)? == Some(proxy) => Some(proxy),
        _ => None,
    };
    let to = proxy.unwrap_or(window);
    let version = number(link, to, atoms.XdndAware, AtomEnum::ATOM)?;
    Ok(version.and_then(common).map(|version| Found { window, to, version }))
}

/// The version to speak with a target of that version.
fn common(theirs: u32) -> Option<u32> {
    (theirs >= OLDEST).then_some(theirs.min(NEWEST))
}

/// The first number of a property.
fn number(link: &Link, window: Window, property: u32, kind: AtomEnum) -> Result<Option<u32>, Broken> {
    let reply = maybe(link.get_property(false, window, property, kind, 0, 1)?.reply())?;
    Ok(reply.and_then(|reply| reply.value32()?.next()))
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn versions() {
        assert_eq!(
            [0, 2, 3, 4, 5, 6, u32::MAX].map(common),
            [None, None, Some(3), Some(4), Some(5), Some(5), Some(5)]
        );
    }
}
