//! A display without a window manager, and hands on its mouse.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use loopwright_plugin::dragout::{Drag, Outcome};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, CreateWindowAux, EventMask, KEY_PRESS_EVENT,
    KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How long something that must happen may take on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One stage at a time: threads are counted.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) struct Stage {
    server: Child,
    pub(crate) name: String,
    pub(crate) link: RustConnection,
    pub(crate) root: Window,
    _alone: MutexGuard<'static, ()>,
}

impl Stage {
    /// `None`, with a printed line, where there is no Xvfb.
    pub(crate) fn new() -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "800x600x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut server = match server {
            Ok(server) => server,
            Err(error) => {
                println!("skipped: no Xvfb ({error})");
                return None;
            }
        };
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let name = format!(":{}", number.trim());
        let (link, screen) = x11rb::connect(Some(&name)).unwrap();
        let root = link.setup().roots[screen].root;
        Some(Self {
            server,
            name,
            link,
            root,
            _alone: alone,
        })
    }

    /// A mapped window at a place, in another or the root.
    pub(crate) fn window(&self, parent: Window, (x, y, width, height): (i16, i16, u16, u16)) -> Window {
        window(&self.link, parent, (x, y, width, height))
    }

    pub(crate) fn atom(&self, name: &str) -> u32 {
        self.link
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .atom
    }

    pub(crate) fn move_to(&self, x: i16, y: i16) {
        self.link
            .xtest_fake_input(MOTION_NOTIFY_EVENT, 0, 0, self.root, x, y, 0)
            .unwrap();
        self.link.sync().unwrap();
    }

    fn fake(&self, kind: u8, detail: u8) {
        self.link.xtest_fake_input(kind, detail, 0, self.root, 0, 0, 0).unwrap();
        self.link.sync().unwrap();
    }

    pub(crate) fn press(&self) {
        self.fake(BUTTON_PRESS_EVENT, 1);
    }

    pub(crate) fn release(&self) {
        self.fake(BUTTON_RELEASE_EVENT, 1);
    }

    /// Escape, held until it has had its effect.
    pub(crate) fn escape(&self, down: bool) {
        let setup = self.link.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self
            .link
            .get_keyboard_mapping(first, last - first + 1)
            .unwrap()
            .reply()
            .unwrap();
        let at = map
            .keysyms
            .chunks(map.keysyms_per_keycode.into())
            .position(|symbols| symbols[0] == 0xff1b)
            .unwrap();
        self.fake(
            if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT },
            first + u8::try_from(at).unwrap(),
        );
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The window selects presses, as a toolkit's does, so that a pressed button grabs the pointer for it.
pub(crate) fn window(link: &impl Connection, parent: Window, (x, y, width, height): (i16, i16, u16, u16)) -> Window {
    let window = link.generate_id().unwrap();
    let mask = EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE | EventMask::BUTTON_MOTION;
    let aux = CreateWindowAux::new().event_mask(mask).override_redirect(1);
    link.create_window(
        0,
        window,
        parent,
        x,
        y,
        width,
        height,
        0,
        WindowClass::INPUT_OUTPUT,
        0,
        &aux,
    )
    .unwrap();
    link.map_window(window).unwrap();
    link.sync().unwrap();
    window
}

/// Waits until it is so.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn outcome(drag: &Drag) -> Outcome {
    until("the drag ended", || drag.outcome())
}

/// How many threads of drags this process has.
pub(crate) fn drag_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    names
        .filter_map(Result::ok)
        .map(name)
        .filter(|name| name.trim() == "loopwright-drag")
        .count()
}
