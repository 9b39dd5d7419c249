//! The editor inside a CLAP host's window, on a display of its own.
//!
//! Each test runs in a process of its own, with the display in its environment: what crashes there fails the test, and
//! threads, memory and files can be counted.
#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "common/clap_host.rs"]
mod clap_host;
#[allow(dead_code)]
#[path = "common/script.rs"]
mod script;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window as ClapWindow};
use clack_host::events::spaces::CoreEventSpace;
use clack_host::prelude::*;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, ImageFormat,
    MOTION_NOTIFY_EVENT, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use clap_host::{Host, Instance, load};
use script::Clock;

/// Set in the processes that do the work.
const INSIDE: &str = "LOOPWRIGHT_TEST_DISPLAY";
/// After this long something hangs.
const HANGS: Duration = Duration::from_secs(240);
const RATE: f64 = 48_000.0;

/// An X server.
struct Server {
    child: Child,
    name: String,
}

impl Server {
    fn start() -> Option<Self> {
        let started = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1400x1000x24",
                "-nolisten",
                "tcp",
                "-noreset",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = started.ok()?;
        let mut number = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut number).ok()?;
        let name = format!(":{}", number.trim());
        Some(Self { child, name })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the test of this name in a process with a display, or, in that process, `work`.
fn on_a_display(test: &str, work: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        work();
        return;
    }
    let Some(server) = Server::start() else {
        println!("skipped: no Xvfb here");
        return;
    };
    let own = std::env::current_exe().expect("a test knows where it is");
    let mut child = Command::new(own)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .env("DISPLAY", &server.name)
        .env_remove("WAYLAND_DISPLAY")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        // Each window's threads would begin a pool of the allocator's own, which hides whether anything leaks.
        .env("MALLOC_ARENA_MAX", "1")
        .spawn()
        .expect("a process");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("its state") {
            break status;
        }
        if begun.elapsed() > HANGS {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{test} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{test} ended with {status}");
}

/// The host's side of the display.
struct Stage {
    link: RustConnection,
    screen: usize,
}

impl Stage {
    fn new() -> Self {
        let (link, screen) = RustConnection::connect(None).expect("the display");
        Self { link, screen }
    }

    /// A window of the host's.
    fn window(&self, x: i16, width: u16, height: u16) -> Window {
        let screen = &self.link.setup().roots[self.screen];
        let window = self.link.generate_id().expect("an id");
        let look = CreateWindowAux::new().background_pixel(screen.black_pixel);
        self.link
            .create_window(
                screen.root_depth,
                window,
                screen.root,
                x,
                0,
                width,
                height,
                0,
                WindowClass::INPUT_OUTPUT,
                screen.root_visual,
                &look,
            )
            .expect("a window");
        self.link.map_window(window).expect("mapped");
        self.link.flush().expect("flushed");
        window
    }

    fn destroy(&self, window: Window) {
        self.link.destroy_window(window).expect("destroyed");
        self.link.flush().expect("flushed");
        self.link.sync();
    }

    fn children(&self, window: Window) -> Vec<Window> {
        let asked = self.link.query_tree(window).expect("asked");
        asked.reply().map(|tree| tree.children).unwrap_or_default()
    }

    fn size(&self, window: Window) -> Option<(u16, u16)> {
        let asked = self.link.get_geometry(window).ok()?;
        asked.reply().ok().map(|g| (g.width, g.height))
    }

    /// The pointer moves to a place on the screen.
    fn move_to(&self, x: i16, y: i16) {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y);
    }

    /// The pointer's first button goes down or up.
    fn button(&self, down: bool) {
        self.fake(if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, 1, 0, 0);
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) {
        let root = self.link.setup().roots[self.screen].root;
        let sent = self.link.xtest_fake_input(kind, detail, 0, root, x, y, 0);
        sent.expect("sent").check().expect("done");
        // A frame or two of the window's.
        std::thread::sleep(Duration::from_millis(60));
    }

    /// How many colours there are in a window, and the share of the most frequent one.
    fn colours(&self, window: Window) -> Option<(usize, f64)> {
        let (width, height) = self.size(window)?;
        let asked = self
            .link
            .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, !0)
            .ok()?;
        let image = asked.reply().ok()?;
        let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
        let pixels = image.data.chunks_exact(4);
        let total = pixels.len();
        for pixel in pixels {
            *counts.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
        let most = counts.values().max().copied().unwrap_or_default();
        Some((counts.len(), most as f64 / total.max(1) as f64))
    }
}

trait Sync {
    fn sync(&self);
}

impl Sync for RustConnection {
    /// Waits until the server has done all that was asked.
    fn sync(&self) {
        if let Ok(asked) = self.get_input_focus() {
            let _ = asked.reply();
        }
    }
}

/// An open editor.
struct Editor {
    gui: PluginGui,
}

impl Editor {
    fn open(instance: &mut PluginInstance<Host>, parent: Window) -> Self {
        let handle = instance.plugin_handle();
        let gui: PluginGui = handle.get_extension().expect("it has an editor");
        let embedded = GuiConfiguration {
            api_type: GuiApiType::X11,
            is_floating: false,
        };
        assert!(gui.is_api_supported(&handle, embedded));
        gui.create(&handle, embedded).expect("the editor is made");
        let size = gui.get_size(&handle).expect("it has a size");
        assert!(size.width >= 300 && size.height >= 200, "{size:?}");
        assert!(gui.can_resize(&handle));
        // SAFETY: the parent lives until the editor is closed, or the test is about what happens when it does not.
        unsafe { gui.set_parent(&handle, ClapWindow::from_x11_handle(parent.into())) }.expect("it moves in");
        let _ = gui.show(&handle);
        Self { gui }
    }

    fn close(self, instance: &mut PluginInstance<Host>) {
        let handle = instance.plugin_handle();
        let _ = self.gui.hide(&handle);
        self.gui.destroy(&handle);
    }
}

/// Waits until something is so; false after a long time.
fn until(mut so: impl FnMut() -> bool, seconds: u64) -> bool {
    let begun = Instant::now();
    loop {
        if so() {
            return true;
        }
        if begun.elapsed() > Duration::from_secs(seconds) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn entries(of: &str) -> usize {
    std::fs::read_dir(of).map_or(0, Iterator::count)
}

/// Private memory of this process in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

#[test]
fn it_draws_in_the_hosts_window() {
    on_a_display("it_draws_in_the_hosts_window", || {
        let stage = Stage::new();
        let entry = load();
        // A window can stay black on this kind of server, whose answer to a request for the next frame is lost at times.
        let drawn = (0..5).any(|_| {
            let mut instance = Instance::active(&entry, RATE, 512);
            let parent = stage.window(0, 1000, 700);
            let editor = Editor::open(instance.raw(), parent);
            let colourful = || {
                let child = stage.children(parent).first().copied();
                let colours = child.and_then(|child| stage.colours(child));
                colours.is_some_and(|(count, share)| count >= 16 && share < 0.98)
            };
            let drawn = until(colourful, 10);
            editor.close(instance.raw());
            stage.destroy(parent);
            drawn
        });
        assert!(drawn, "five windows stayed empty");
    });
}

#[test]
fn a_hundred_times_open_and_closed_leaves_nothing_behind() {
    on_a_display("a_hundred_times_open_and_closed_leaves_nothing_behind", || {
        let stage = Stage::new();
        let entry = load();
        let mut instance = Instance::active(&entry, RATE, 512);
        let mut clock = Clock::new(RATE, 120.0);
        let sound = script::odd_sound(512, 1);
        let mut round = |number: usize| {
            let parent = stage.window(0, 1000, 700);
            let editor = Editor::open(instance.raw(), parent);
            assert!(
                until(|| !stage.children(parent).is_empty(), 30),
                "round {number}: no window"
            );
            // Some are closed before they have drawn, some after a few frames.
            for _ in 0..number % 5 {
                let step = clock.block(512);
                instance.process(&step, [&sound[0], &sound[1]]);
                std::thread::sleep(Duration::from_millis(15));
            }
            editor.close(instance.raw());
            instance.raw().call_on_main_thread_callback();
            stage.destroy(parent);
        };
        (0..10).for_each(&mut round);
        let counts = || (entries("/proc/self/task"), entries("/proc/self/fd"));
        let (before, memory_before) = (counts(), memory());
        (0..100).for_each(&mut round);
        let settled = until(|| counts().0 <= before.0 && counts().1 <= before.1, 20);
        assert!(settled, "threads and files were {before:?} and are {:?}", counts());
        // A window that leaks its pictures takes several times this.
        let grown = memory().saturating_sub(memory_before);
        assert!(grown < 32 << 20, "100 windows left {grown} bytes behind");
        println!("100 windows: {grown} bytes more, threads and files as before: {before:?}");
    });
}

#[test]
fn two_editors_at_once_and_resized_by_the_host() {
    on_a_display("two_editors_at_once_and_resized_by_the_host", || {
        let stage = Stage::new();
        let entry = load();
        let mut instances = [Instance::active(&entry, RATE, 512), Instance::active(&entry, RATE, 512)];
        let parents = [stage.window(0, 1000, 700), stage.window(300, 1000, 700)];
        let editors: Vec<Editor> = instances
            .iter_mut()
            .zip(parents)
            .map(|(instance, parent)| Editor::open(instance.raw(), parent))
            .collect();
        for parent in parents {
            assert!(until(|| !stage.children(parent).is_empty(), 30), "no window");
        }
        for size in [(800, 500), (620, 420), (1200, 800)] {
            for ((instance, editor), parent) in instances.iter_mut().zip(&editors).zip(parents) {
                let handle = instance.raw().plugin_handle();
                let wanted = GuiSize {
                    width: size.0,
                    height: size.1,
                };
                let given = editor.gui.adjust_size(&handle, wanted).unwrap_or(wanted);
                editor.gui.set_size(&handle, given).expect("it is resized");
                let child = stage.children(parent)[0];
                let there = until(
                    || stage.size(child) == Some((given.width as u16, given.height as u16)),
                    20,
                );
                assert!(there, "{given:?} was given, {:?} is there", stage.size(child));
            }
        }
        for ((instance, editor), parent) in instances.iter_mut().zip(editors).zip(parents) {
            editor.close(instance.raw());
            stage.destroy(parent);
        }
    });
}

/// As where it is zoomed in a host that makes no room: the buttons that make it smaller would be out of reach.
#[test]
fn it_is_no_larger_than_what_shows_it() {
    on_a_display("it_is_no_larger_than_what_shows_it", || {
        let stage = Stage::new();
        let entry = load();
        let shrunk = (0..5).any(|_| {
            let mut instance = Instance::active(&entry, RATE, 512);
            let parent = stage.window(0, 1000, 700);
            let editor = Editor::open(instance.raw(), parent);
            assert!(until(|| !stage.children(parent).is_empty(), 30), "no window");
            let child = stage.children(parent)[0];
            // The host never hears of it: its main thread is not called.
            let larger = ConfigureWindowAux::new().width(1200).height(600);
            stage.link.configure_window(child, &larger).expect("sent");
            stage.link.sync();
            assert_eq!(stage.size(child), Some((1200, 600)));
            let shrunk = until(|| stage.size(child) == Some((1000, 600)), 10);
            editor.close(instance.raw());
            stage.destroy(parent);
            // As above, a window can stay black, and draws no frame then.
            shrunk
        });
        assert!(shrunk, "five windows stayed larger");
    });
}

#[test]
fn it_opens_and_closes_while_sound_runs() {
    on_a_display("it_opens_and_closes_while_sound_runs", || {
        let stage = Stage::new();
        let entry = load();
        let mut instance = Instance::active(&entry, RATE, 64);
        let (main, mut block) = instance.split();
        let over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let mut clock = Clock::new(RATE, 120.0);
                let sound = script::odd_sound(64, 3);
                while !over.load(Ordering::Relaxed) {
                    let out = block(&clock.block(64), [&sound[0], &sound[1]]);
                    assert!(out[0].iter().zip(&sound[0]).all(|(a, b)| a.to_bits() == b.to_bits()));
                    std::thread::sleep(Duration::from_micros(500));
                }
            });
            for number in 0..10 {
                let parent = stage.window(0, 1000, 700);
                let editor = Editor::open(main, parent);
                std::thread::sleep(Duration::from_millis(30 * number));
                editor.close(main);
                stage.destroy(parent);
            }
            over.store(true, Ordering::Relaxed);
        });
    });
}

#[test]
fn a_window_that_the_host_destroys_first_harms_nobody() {
    on_a_display("a_window_that_the_host_destroys_first_harms_nobody", || {
        let stage = Stage::new();
        let entry = load();
        let mut instance = Instance::active(&entry, RATE, 512);
        for number in 0..6 {
            let parent = stage.window(0, 1000, 700);
            let editor = Editor::open(instance.raw(), parent);
            assert!(until(|| !stage.children(parent).is_empty(), 30), "no window");
            std::thread::sleep(Duration::from_millis(60 * (number % 3)));
            stage.destroy(parent);
            std::thread::sleep(Duration::from_millis(100));
            editor.close(instance.raw());
        }
        // And an instance that goes with its editor open.
        let parent = stage.window(0, 1000, 700);
        let _editor = Editor::open(instance.raw(), parent);
        drop(instance);
        stage.destroy(parent);
    });
}

#[test]
fn its_slider_turns_the_hosts_parameter() {
    on_a_display("its_slider_turns_the_hosts_parameter", || {
        let stage = Stage::new();
        let entry = load();
        let turned = (0..5).any(|_| {
            let mut instance = Instance::active(&entry, RATE, 512);
            let level = instance.parameters()[1];
            let before = instance.value(level);
            let parent = stage.window(0, 1000, 700);
            let editor = Editor::open(instance.raw(), parent);
            assert!(until(|| !stage.children(parent).is_empty(), 30), "no window");
            std::thread::sleep(Duration::from_millis(500));
            let height = stage.children(parent).first().and_then(|child| stage.size(*child));
            let y = height.map_or(0, |(_, height)| height as i16 - 44);
            // The slider of the lowest bar but one: from its middle to its right end.
            stage.move_to(277, y);
            stage.button(true);
            stage.move_to(300, y);
            stage.move_to(330, y);
            stage.button(false);
            let told = instance.flush(&[]);
            let mut words = Vec::new();
            for event in told.iter() {
                match event.as_core_event() {
                    Some(CoreEventSpace::ParamGestureBegin(_)) => words.push("begin"),
                    Some(CoreEventSpace::ParamValue(event)) => {
                        assert_eq!(event.param_id(), Some(level));
                        words.push("value");
                    }
                    Some(CoreEventSpace::ParamGestureEnd(_)) => words.push("end"),
                    other => panic!("{other:?}"),
                }
            }
            let after = instance.value(level);
            editor.close(instance.raw());
            stage.destroy(parent);
            println!("{words:?}, {before} to {after}");
            // As above, a window can stay black, and deaf.
            if words.is_empty() {
                return false;
            }
            assert_eq!((words.first(), words.last()), (Some(&"begin"), Some(&"end")));
            assert_eq!(words.iter().filter(|word| **word == "begin").count(), 1, "one gesture");
            assert_eq!(after, 1.0, "+12 dB");
            true
        });
        assert!(turned, "five windows did not hear the pointer");
    });
}
