//! A program that takes drops, well or badly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode, Window};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::stage::{self, PATIENCE, Stage};

/// How the program behaves.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Version of XDND that it speaks.
    pub(crate) version: u32,
    /// Answers positions.
    pub(crate) answers: bool,
    /// Its answers say that it takes the files.
    pub(crate) accepts: bool,
    /// How long it thinks before each answer.
    pub(crate) thinks: Duration,
    /// Says in its answers that it needs no further positions in the whole of its window.
    pub(crate) calm: bool,
    /// Destroys its window on the first position.
    pub(crate) vanishes: bool,
    /// Destroys its window on the drop, taking nothing.
    pub(crate) dies: bool,
    /// What it asks for after the drop, in order.
    pub(crate) asks: Vec<&'static str>,
    /// Says that it is finished, and whether that it succeeded.
    pub(crate) finishes: Option<bool>,
    /// Another window takes its messages.
    pub(crate) proxy: bool,
    /// A proxy that is no more is still named.
    pub(crate) stale_proxy: bool,
    /// Lies in a frame, as a window manager makes it.
    pub(crate) framed: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            version: 5,
            answers: true,
            accepts: true,
            thinks: Duration::ZERO,
            calm: false,
            vanishes: false,
            dies: false,
            asks: vec!["text/uri-list"],
            finishes: Some(true),
            proxy: false,
            stale_proxy: false,
            framed: false,
        }
    }
}

/// What the program was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Enter {
        version: u32,
        more: bool,
        types: Vec<String>,
    },
    Position {
        x: u16,
        y: u16,
        copy: bool,
    },
    /// A position before the last was answered.
    Hurried,
    Leave,
    Drop,
    /// What it asked for, and got (`None`: refused).
    Data(&'static str, Option<Vec<u8>>),
    /// A message named another window than the one it is for.
    Misled,
}

pub(crate) struct Stub {
    pub(crate) heard: Receiver<Heard>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Where it is on the stage.
pub(crate) const PLACE: (i16, i16, u16, u16) = (400, 100, 300, 300);

impl Stub {
    pub(crate) fn new(stage: &Stage, manners: Manners) -> Self {
        let (tell, heard) = channel();
        let (ready, wait) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (name, stopped) = (stage.name.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut actor = Actor::new(&name, manners, tell);
            ready.send(()).unwrap();
            while !stopped.load(Ordering::Relaxed) {
                actor.turn();
            }
        });
        wait.recv_timeout(PATIENCE).unwrap();
        Self {
            heard,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn next(&self) -> Heard {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    /// The next that is no position.
    pub(crate) fn next_event(&self) -> Heard {
        loop {
            match self.next() {
                Heard::Position { .. } => {}
                other => return other,
            }
        }
    }

    /// All that was heard until it is stopped.
    pub(crate) fn all(mut self) -> Vec<Heard> {
        self.halt();
        self.heard.try_iter().collect()
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.halt();
        }
    }
}

struct Actor {
    link: RustConnection,
    manners: Manners,
    tell: Sender<Heard>,
    window: Window,
    to: Window,
    source: Window,
    time: u32,
    due: Option<Instant>,
    asked: usize,
}

impl Actor {
    fn new(name: &str, manners: Manners, tell: Sender<Heard>) -> Self {
        let (link, screen) = x11rb::connect(Some(name)).unwrap();
        let root = link.setup().roots[screen].root;
        let parent = if manners.framed {
            stage::window(&link, root, PLACE)
        } else {
            root
        };
        let place = if manners.framed {
            (0, 0, PLACE.2, PLACE.3)
        } else {
            PLACE
        };
        let window = stage::window(&link, parent, place);
        let proxy = manners.proxy.then(|| stage::window(&link, root, (-50, -50, 1, 1)));
        let actor = Self {
            link,
            manners,
            tell,
            window,
            to: proxy.unwrap_or(window),
            source: 0,
            time: 0,
            due: None,
            asked: 0,
        };
        let version = actor.manners.version;
        actor.property(actor.to, "XdndAware", AtomEnum::ATOM, version);
        if let Some(proxy) = proxy {
            actor.property(window, "XdndProxy", AtomEnum::WINDOW, proxy);
            actor.property(proxy, "XdndProxy", AtomEnum::WINDOW, proxy);
        }
        if actor.manners.stale_proxy {
            let other = stage::window(&actor.link, root, (-50, -50, 1, 1));
            actor.property(window, "XdndProxy", AtomEnum::WINDOW, other);
            actor.property(other, "XdndAware", AtomEnum::ATOM, 5);
        }
        actor.link.sync().unwrap();
        actor
    }

    fn property(&self, window: Window, name: &str, kind: AtomEnum, value: u32) {
        self.link
            .change_property32(PropMode::REPLACE, window, self.atom(name), kind, &[value])
            .unwrap();
    }

    fn atom(&self, name: &str) -> u32 {
        self.link
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .atom
    }

    fn name(&self, atom: u32) -> String {
        String::from_utf8(self.link.get_atom_name(atom).unwrap().reply().unwrap().name).unwrap()
    }

    fn tell(&self, heard: Heard) {
        // The test may be over.
        let _ = self.tell.send(heard);
    }

    fn say(&self, what: &str, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, self.source, self.atom(what), data);
        self.link
            .send_event(false, self.source, EventMask::NO_EVENT, message)
            .unwrap();
        self.link.flush().unwrap();
    }

    fn turn(&mut self) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = None;
            let (x, y, width, height) = PLACE;
            let (corner, size) = (
                u32::from(x as u16) << 16 | u32::from(y as u16),
                u32::from(width) << 16 | u32::from(height),
            );
            let flags = u32::from(self.manners.accepts) | if self.manners.calm { 0 } else { 2 };
            let action = if self.manners.accepts {
                self.atom("XdndActionCopy")
            } else {
                0
            };
            self.say("XdndStatus", [self.window, flags, corner, size, action]);
        }
        match self.link.poll_for_event().unwrap() {
            Some(Event::ClientMessage(message)) => {
                if message.window != self.window {
                    self.tell(Heard::Misled);
                }
                self.told(&self.name(message.type_), message.data.as_data32());
            }
            Some(Event::SelectionNotify(answer)) => {
                let data = (answer.property != 0).then(|| {
                    let most = 1 << 20;
                    let any = AtomEnum::ANY;
                    self.link
                        .get_property(true, self.to, answer.property, any, 0, most)
                        .unwrap()
                        .reply()
                        .unwrap()
                        .value
                });
                self.tell(Heard::Data(self.manners.asks[self.asked], data));
                self.asked += 1;
                self.ask();
            }
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }

    fn told(&mut self, what: &str, data: [u32; 5]) {
        match what {
            "XdndEnter" => {
                self.source = data[0];
                self.due = None;
                let types = data[2..]
                    .iter()
                    .filter(|&&kind| kind != 0)
                    .map(|&kind| self.name(kind))
                    .collect();
                self.tell(Heard::Enter {
                    version: data[1] >> 24,
                    more: data[1] & 1 != 0,
                    types,
                });
            }
            "XdndPosition" => {
                if self.due.is_some() {
                    self.tell(Heard::Hurried);
                }
                let copy = data[4] == self.atom("XdndActionCopy");
                self.tell(Heard::Position {
                    x: (data[2] >> 16) as u16,
                    y: data[2] as u16,
                    copy,
                });
                if self.manners.vanishes {
                    self.vanish();
                } else if self.manners.answers {
                    self.due = Some(Instant::now() + self.manners.thinks);
                }
            }
            "XdndLeave" => {
                self.due = None;
                self.tell(Heard::Leave);
            }
            "XdndDrop" => {
                self.time = data[2];
                self.tell(Heard::Drop);
                if self.manners.dies {
                    self.vanish();
                } else {
                    self.asked = 0;
                    self.ask();
                }
            }
            _ => {}
        }
    }

    fn vanish(&self) {
        self.link.destroy_window(self.window).unwrap();
        self.link.sync().unwrap();
    }

    fn ask(&self) {
        match self.manners.asks.get(self.asked) {
            Some(kind) => {
                let (selection, kind, property) = (self.atom("XdndSelection"), self.atom(kind), self.atom("STUB"));
                self.link
                    .convert_selection(self.to, selection, kind, property, self.time)
                    .unwrap();
                self.link.flush().unwrap();
            }
            None => {
                if let Some(succeeded) = self.manners.finishes {
                    let action = if succeeded { self.atom("XdndActionCopy") } else { 0 };
                    self.say("XdndFinished", [self.window, succeeded.into(), action, 0, 0]);
                }
            }
        }
    }
}
