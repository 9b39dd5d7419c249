//! The source's side of XDND: what is said to whom, and when to stop waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
    KeyButMask, PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::super::{Outcome, State};
use super::Offer;
use super::icon::Icon;
use super::link::{Broken, Link, maybe};
use super::target::{self, Found};
use super::wire::{Quiet, enter, whole};

/// How often the pointer is looked at: as often as mice report.
const TICK: Duration = Duration::from_millis(8);

/// How often the windows under a resting pointer are looked at.
const LOOK: Duration = Duration::from_millis(120);

/// A position that a target left unanswered for so long is followed by the next all the same.
const RESEND: Duration = Duration::from_secs(1);

/// How long after the button was released a target may take to say whether it takes the files. A host may be busy.
const ANSWER: Duration = Duration::from_secs(4);

/// How long a target that was dropped on may be silent. Many never say that they are finished.
const FINISH: Duration = Duration::from_secs(10);

/// The same, once the owner wants the drag to end.
const GRACE: Duration = Duration::from_secs(1);

const ESCAPE: u32 = 0xff1b;

x11rb::atom_manager! {
    /// The names that are spoken of.
    pub(super) Atoms: AtomsCookie {
        XdndAware,
        XdndProxy,
        XdndSelection,
        XdndTypeList,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndActionCopy,
        TARGETS,
        TIMESTAMP,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_DND,
        URI_LIST: b"text/uri-list",
        PLAIN: b"text/plain",
    }
}

/// The window under the pointer, while it is there.
#[derive(Debug)]
struct Target {
    found: Found,
    accepts: bool,
    /// Since when its answer to a position is awaited.
    waiting: Option<Instant>,
    /// The last position sent.
    sent: Option<(i16, i16)>,
    /// Where it wants to hear of no further position.
    quiet: Quiet,
}

impl Target {
    /// Whether it knows what it must of this point.
    fn knows(&self, point: (i16, i16)) -> bool {
        self.sent
            .is_some_and(|sent| sent == point || self.quiet.contains(point))
    }

    fn is(&self, window: Window) -> bool {
        window != x11rb::NONE && (window == self.found.window || window == self.found.to)
    }
}

/// How far the drag is.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The button is down.
    Held,
    /// It was released; the target's last word is awaited.
    Released(Instant),
    /// The target was told to take the files.
    Dropped,
}

/// A drag.
pub(super) struct Source {
    link: Link,
    atoms: Atoms,
    state: Arc<State>,
    offer: Offer,
    /// The window that messages come from and to.
    window: Window,
    /// The window that is dragged out of.
    own: Window,
    root: Window,
    /// The display's time at `began`, in its milliseconds.
    time: u32,
    began: Instant,
    escapes: Vec<u8>,
    icon: Option<Icon>,
    /// The screen and the point on it.
    pointer: (Window, (i16, i16)),
    looked: Option<Instant>,
    target: Option<Target>,
    /// The target has been given the files.
    taken: bool,
    /// The target said that it is finished.
    finished: bool,
    /// When the target was last heard of, since the drop.
    heard: Instant,
    /// The window that is dragged out of is gone, or another program began to drag.
    lost: bool,
}

impl Source {
    /// Announces the drag. The caller's window must be on the display.
    pub(super) fn new(link: Link, screen: usize, own: Window, offer: Offer, state: Arc<State>) -> Result<Self, Broken> {
        let atoms = Atoms::new(&link)?.reply()?;
        let root = maybe(link.get_geometry(own)?.reply())?.ok_or(Broken::NoWindow)?.root;
        link.change_window_attributes(
            own,
            &ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY),
        )?;

        let window = link.generate_id()?;
        let hidden = CreateWindowAux::new()
            .override_redirect(1)
            .event_mask(EventMask::PROPERTY_CHANGE);
        let (parent, class) = (x11rb::COPY_FROM_PARENT, WindowClass::INPUT_ONLY);
        link.create_window(0, window, root, -10, -10, 1, 1, 0, class, parent, &hidden)?;
        let types = [atoms.URI_LIST, atoms.PLAIN];
        link.change_property32(PropMode::REPLACE, window, atoms.XdndTypeList, AtomEnum::ATOM, &types)?;
        let time = time_of(&link, window)?;
        let began = Instant::now();
        link.set_selection_owner(window, atoms.XdndSelection, time)?;
        if link.get_selection_owner(atoms.XdndSelection)?.reply()?.owner != window {
            return Err(Broken::NotOwner);
        }

        let setup = link.setup();
        let icon = match setup.roots.get(screen).filter(|screen| screen.root == root) {
            Some(screen) => Icon::new(&link, &atoms, screen, &offer.label)?,
            None => None,
        };
        let mut escapes = escape_keys(&link)?;
        // A key that is down already (or stuck) is no wish to cancel.
        let down = link.query_keymap()?.reply()?.keys;
        escapes.retain(|&key| !is_down(&down, key));
        Ok(Self {
            link,
            atoms,
            state,
            offer,
            window,
            own,
            root,
            time,
            began,
            escapes,
            icon,
            pointer: (root, (i16::MIN, i16::MIN)),
            looked: None,
            target: None,
            taken: false,
            finished: false,
            heard: began,
            lost: false,
        })
    }

    /// Follows the pointer until the files are taken or the drag is given up.
    pub(super) fn run(&mut self) -> Result<Outcome, Broken> {
        let outcome = self.drive()?;
        // What was said last arrives before the connection closes.
        self.link.sync()?;
        Ok(outcome)
    }

    fn drive(&mut self) -> Result<Outcome, Broken> {
        let mut phase = Phase::Held;
        loop {
            while let Some(event) = self.link.poll_for_event()? {
                self.heard(event)?;
            }
            let given_up = self.state.cancelled() || self.lost;
            match phase {
                Phase::Held => {
                    if given_up || self.escaped()? {
                        return self.cancelled();
                    }
                    if !self.follow()? {
                        if let Some(icon) = self.icon.take() {
                            icon.remove(&self.link)?;
                        }
                        phase = Phase::Released(Instant::now());
                        continue;
                    }
                }
                Phase::Released(since) => {
                    self.tell_position()?;
                    let point = self.pointer.1;
                    match &self.target {
                        None => return Ok(Outcome::Cancelled),
                        Some(_) if given_up || since.elapsed() > ANSWER => return self.cancelled(),
                        Some(target) if target.waiting.is_some() || !target.knows(point) => {}
                        Some(target) if !target.accepts => return self.cancelled(),
                        Some(target) => {
                            let data = [self.window, 0, self.now(), 0, 0];
                            self.say(target.found, self.atoms.XdndDrop, data)?;
                            self.heard = Instant::now();
                            phase = Phase::Dropped;
                        }
                    }
                }
                Phase::Dropped => {
                    let patience = if given_up { GRACE } else { FINISH };
                    let gone = self.target.is_none();
                    if self.finished || gone || self.heard.elapsed() > patience {
                        // Whether a target says that it succeeded means little (some always deny it); that it took the
                        // files means much.
                        return Ok(match (self.taken, self.finished) {
                            (true, _) => Outcome::Dropped,
                            (false, true) => Outcome::Cancelled,
                            (false, false) => Outcome::Failed,
                        });
                    }
                }
            }
            self.link.flush()?;
            self.link
                .stream()
                .readable(TICK)
                .map_err(x11rb::errors::ConnectionError::from)?;
        }
    }

    /// Looks where the pointer is and tells who is concerned. Whether the button is still down.
    fn follow(&mut self) -> Result<bool, Broken> {
        let at = self.link.query_pointer(self.root)?.reply()?;
        let pointer = (at.root, (at.root_x, at.root_y));
        let held = u16::from(at.mask) & u16::from(KeyButMask::BUTTON1) != 0;
        let rested = self.looked.is_some_and(|looked| looked.elapsed() < LOOK);
        if pointer != self.pointer || !rested || !held {
            self.pointer = pointer;
            self.looked = Some(Instant::now());
            let found = target::find(&self.link, &self.atoms, self.own, pointer.0, pointer.1)?;
            if found != self.target.as_ref().map(|target| target.found) {
                self.leave()?;
                if let Some(found) = found {
                    self.enter(found)?;
                }
            }
        }
        self.tell_position()?;
        if let Some(icon) = self.icon.as_mut().filter(|_| pointer.0 == self.root) {
            let takes = self.target.as_ref().is_some_and(|target| target.accepts);
            icon.show(&self.link, pointer.1, takes)?;
        }
        Ok(held)
    }

    fn enter(&mut self, found: Found) -> Result<(), Broken> {
        self.watch(found, EventMask::STRUCTURE_NOTIFY)?;
        let types = [self.atoms.URI_LIST, self.atoms.PLAIN];
        self.say(found, self.atoms.XdndEnter, enter(self.window, found.version, &types))?;
        self.target = Some(Target {
            found,
            accepts: false,
            waiting: None,
            sent: None,
            quiet: Quiet::default(),
        });
        self.taken = false;
        Ok(())
    }

    /// One position at a time: the next follows the answer.
    fn tell_position(&mut self) -> Result<(), Broken> {
        let (point, now) = (self.pointer.1, self.now());
        let Some(target) = &mut self.target else { return Ok(()) };
        if target.knows(point) || target.waiting.is_some_and(|since| since.elapsed() < RESEND) {
            return Ok(());
        }
        target.sent = Some(point);
        target.waiting = Some(Instant::now());
        let found = target.found;
        self.say(
            found,
            self.atoms.XdndPosition,
            [self.window, 0, whole(point), now, self.atoms.XdndActionCopy],
        )
    }

    fn leave(&mut self) -> Result<(), Broken> {
        let Some(target) = self.target.take() else {
            return Ok(());
        };
        self.say(target.found, self.atoms.XdndLeave, [self.window, 0, 0, 0, 0])?;
        self.watch(target.found, EventMask::NO_EVENT)
    }

    fn cancelled(&mut self) -> Result<Outcome, Broken> {
        self.leave()?;
        Ok(Outcome::Cancelled)
    }

    /// Hears, or not, of the end of a target.
    fn watch(&self, found: Found, mask: EventMask) -> Result<(), Broken> {
        let attributes = ChangeWindowAttributesAux::new().event_mask(mask);
        self.link.change_window_attributes(found.window, &attributes)?;
        if found.to != found.window {
            self.link.change_window_attributes(found.to, &attributes)?;
        }
        Ok(())
    }

    fn say(&self, to: Found, what: Atom, data: [u32; 5]) -> Result<(), Broken> {
        let message = ClientMessageEvent::new(32, to.window, what, data);
        self.link.send_event(false, to.to, EventMask::NO_EVENT, message)?;
        Ok(())
    }

    /// The display's time, a little late at the most.
    fn now(&self) -> u32 {
        self.time.wrapping_add(self.began.elapsed().as_millis() as u32).max(1)
    }

    fn escaped(&self) -> Result<bool, Broken> {
        let down = self.link.query_keymap()?.reply()?.keys;
        Ok(self.escapes.iter().any(|&key| is_down(&down, key)))
    }

    fn heard(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::ClientMessage(message) if message.window == self.window && message.format == 32 => {
                self.told(message.type_, message.data.as_data32());
            }
            Event::SelectionRequest(request) => self.give(&request)?,
            Event::SelectionClear(clear) if clear.selection == self.atoms.XdndSelection => self.lost = true,
            Event::DestroyNotify(gone) if gone.window == self.own => self.lost = true,
            Event::DestroyNotify(gone) => self.forget(gone.window),
            // A message to a window that is no more.
            Event::Error(error) => self.forget(error.bad_value),
            Event::Expose(expose) => {
                if let Some(icon) = &self.icon {
                    icon.exposed(&self.link, expose.window)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What the target says. Late words of a target that the pointer has left are not heard.
    fn told(&mut self, what: Atom, [from, flags, corner, size, _action]: [u32; 5]) {
        let Some(target) = self.target.as_mut().filter(|target| target.is(from)) else {
            return;
        };
        self.heard = Instant::now();
        if what == self.atoms.XdndStatus {
            target.waiting = None;
            target.accepts = flags & 1 != 0;
            target.quiet = Quiet::of_status(flags, corner, size);
        } else if what == self.atoms.XdndFinished {
            self.finished = true;
        }
    }

    /// The target went away.
    fn forget(&mut self, window: Window) {
        if self.target.as_ref().is_some_and(|target| target.is(window)) {
            self.target = None;
            self.looked = None;
        }
    }

    /// Gives what is asked for, or says that there is no such thing.
    fn give(&mut self, request: &SelectionRequestEvent) -> Result<(), Broken> {
        let atoms = &self.atoms;
        let (asker, kind) = (request.requestor, request.target);
        // Programs older than the convention name no property.
        let property = if request.property == x11rb::NONE {
            kind
        } else {
            request.property
        };
        let replace = PropMode::REPLACE;
        let files = match kind {
            _ if kind == atoms.URI_LIST => Some(&self.offer.uris),
            _ if kind == atoms.PLAIN => Some(&self.offer.plain),
            _ => None,
        };
        let known = if request.selection != atoms.XdndSelection {
            false
        } else if let Some(files) = files {
            self.link.change_property8(replace, asker, property, kind, files)?;
            self.taken = true;
            self.heard = Instant::now();
            true
        } else if kind == atoms.TARGETS {
            let all = [atoms.TARGETS, atoms.TIMESTAMP, atoms.URI_LIST, atoms.PLAIN];
            self.link
                .change_property32(replace, asker, property, AtomEnum::ATOM, &all)?;
            true
        } else if kind == atoms.TIMESTAMP {
            self.link
                .change_property32(replace, asker, property, AtomEnum::INTEGER, &[self.time])?;
            true
        } else {
            false
        };
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: asker,
            selection: request.selection,
            target: kind,
            property: if known { property } else { x11rb::NONE },
        };
        self.link.send_event(false, asker, EventMask::NO_EVENT, answer)?;
        Ok(())
    }
}

/// The display's time: that of a change of nothing.
fn time_of(link: &Link, window: Window) -> Result<u32, Broken> {
    link.change_property8(PropMode::APPEND, window, AtomEnum::WM_NAME, AtomEnum::STRING, &[])?;
    link.sync()?;
    // The event precedes the answer that was just waited for.
    while let Some(event) = link.poll_for_event()? {
        if let Event::PropertyNotify(change) = event {
            return Ok(change.time);
        }
    }
    Ok(x11rb::CURRENT_TIME)
}

/// The keys that are Escape in any layout.
fn escape_keys(link: &Link) -> Result<Vec<u8>, Broken> {
    let (first, last) = (link.setup().min_keycode, link.setup().max_keycode);
    let map = link
        .get_keyboard_mapping(first, last.saturating_sub(first).saturating_add(1))?
        .reply()?;
    let symbols = map.keysyms.chunks(usize::from(map.keysyms_per_keycode).max(1));
    Ok((first..=last)
        .zip(symbols)
        .filter(|(_, symbols)| symbols.contains(&ESCAPE))
        .map(|(key, _)| key)
        .collect())
}

fn is_down(keys: &[u8; 32], key: u8) -> bool {
    keys.get(usize::from(key / 8))
        .is_some_and(|byte| byte >> (key % 8) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::is_down;

    #[test]
    fn keys() {
        let mut keys = [0; 32];
        keys[9 / 8] = 1 << (9 % 8);
        assert!(is_down(&keys, 9));
        assert!(!is_down(&keys, 10) && !is_down(&keys, 255));
    }
}
