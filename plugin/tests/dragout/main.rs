//! Files are dragged out of a window into programs that take them, well or badly, on a display of the test's own.
#![cfg(target_os = "linux")]

mod gtk;
mod stage;
mod stub;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use loopwright_plugin::dragout::x11::start_on;
use loopwright_plugin::dragout::{Drag, DragError, Outcome, uri};
use stage::{Stage, drag_threads, outcome};
use stub::{Heard, Manners, Stub};
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, PropMode, Window};
use x11rb::wrapper::ConnectionExt as _;

/// Two files, one with a name that has everything, in a folder of their own.
struct Files {
    _folder: tempfile::TempDir,
    paths: Vec<PathBuf>,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = ["äöü #%+ '.wav", "second.wav"]
            .iter()
            .map(|name| folder.path().join(name))
            .collect();
        for path in &paths {
            std::fs::write(path, content(path)).unwrap();
        }
        Self { _folder: folder, paths }
    }
}

fn content(path: &std::path::Path) -> Vec<u8> {
    format!("RIFF of {}", path.display()).into_bytes().repeat(1000)
}

/// Where the window that is dragged out of lies.
const OWN: (i16, i16, u16, u16) = (20, 20, 200, 200);

/// A window with the button pressed in it, and a drag of the files begun.
fn drag(stage: &Stage, files: &Files) -> (Window, Drag) {
    let own = stage.window(stage.root, OWN);
    (own, drag_from(stage, own, files))
}

fn drag_from(stage: &Stage, own: Window, files: &Files) -> Drag {
    stage.move_to(100, 100);
    stage.press();
    start_on(Some(&stage.name), own, &files.paths).unwrap()
}

fn paths_of(data: &[u8]) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    uri::paths(data)
        .into_iter()
        .map(|path| std::ffi::OsString::from_vec(path).into())
        .collect()
}

/// Drags over the stub and drops there, slowly enough to be seen on the way.
fn drop_on(stage: &Stage, stub: &Stub, files: &Files) -> Outcome {
    let (own, drag) = drag(stage, files);
    stage.move_to(500, 200);
    while !matches!(stub.next(), Heard::Position { .. }) {}
    stage.move_to(520, 220);
    stage.release();
    let outcome = outcome(&drag);
    stage.link.destroy_window(own).unwrap();
    outcome
}

#[test]
fn the_target_gets_the_files_complete_and_closed() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let asks = vec!["TARGETS", "text/uri-list", "text/plain", "image/png", "MULTIPLE"];
    let stub = Stub::new(
        &stage,
        Manners {
            asks,
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    assert_eq!(drag.outcome(), None);
    stage.move_to(300, 200);
    stage.move_to(450, 150);
    let types = vec!["text/uri-list".to_owned(), "text/plain".to_owned()];
    assert_eq!(
        stub.next(),
        Heard::Enter {
            version: 5,
            more: false,
            types
        }
    );
    assert_eq!(
        stub.next(),
        Heard::Position {
            x: 450,
            y: 150,
            copy: true
        }
    );
    stage.move_to(500, 250);
    assert_eq!(
        stub.next(),
        Heard::Position {
            x: 500,
            y: 250,
            copy: true
        }
    );
    stage.release();
    assert_eq!(stub.next(), Heard::Drop);
    let Heard::Data("TARGETS", Some(targets)) = stub.next() else {
        panic!("no targets")
    };
    let targets: Vec<u32> = targets
        .chunks_exact(4)
        .map(|four| u32::from_ne_bytes(four.try_into().unwrap()))
        .collect();
    assert_eq!(
        targets,
        ["TARGETS", "TIMESTAMP", "text/uri-list", "text/plain"].map(|name| stage.atom(name))
    );
    let Heard::Data("text/uri-list", Some(uris)) = stub.next() else {
        panic!("no files")
    };
    let got = paths_of(&uris);
    assert_eq!(got, files.paths);
    for path in &got {
        assert_eq!(std::fs::read(path).unwrap(), content(path));
        let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
        assert!(
            open.filter_map(|fd| std::fs::read_link(fd.path()).ok())
                .all(|of| of != *path),
            "still open"
        );
    }
    let plain = format!("{}\n{}", files.paths[0].display(), files.paths[1].display()).into_bytes();
    assert_eq!(stub.next(), Heard::Data("text/plain", Some(plain)));
    assert_eq!(stub.next(), Heard::Data("image/png", None));
    assert_eq!(stub.next(), Heard::Data("MULTIPLE", None));
    assert_eq!(outcome(&drag), Outcome::Dropped);
    drop(drag);
    assert_eq!(drag_threads(), 0);
    assert!(got.iter().all(|path| path.is_file()), "nothing is deleted");
    assert_eq!(stub.all(), []);
}

#[test]
fn a_flick_is_a_drop() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    // Slow to answer: the release comes first.
    let stub = Stub::new(
        &stage,
        Manners {
            thinks: Duration::from_millis(100),
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Dropped);
    let heard = stub.all();
    assert!(matches!(heard[0], Heard::Enter { .. }), "{heard:?}");
    assert_eq!(
        heard[1..3],
        [
            Heard::Position {
                x: 500,
                y: 200,
                copy: true
            },
            Heard::Drop
        ]
    );
}

#[test]
fn twenty_drags_in_a_row() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(&stage, Manners::default());
    for _ in 0..20 {
        assert_eq!(drop_on(&stage, &stub, &files), Outcome::Dropped);
        let rest: Vec<_> = stub.heard.try_iter().collect();
        let Some(Heard::Data(_, Some(uris))) = rest.last() else {
            panic!("{rest:?}")
        };
        assert_eq!(paths_of(uris), files.paths);
    }
    assert_eq!(drag_threads(), 0);
}

#[test]
fn escape_cancels() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(&stage, Manners::default());
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    while !matches!(stub.next(), Heard::Position { .. }) {}
    stage.escape(true);
    assert_eq!(outcome(&drag), Outcome::Cancelled);
    stage.escape(false);
    stage.release();
    assert_eq!(stub.next_event(), Heard::Leave);
    assert_eq!(stub.all(), []);
}

#[test]
fn escape_that_was_down_before_does_not_cancel() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let stub = Stub::new(&stage, Manners::default());
    stage.escape(true);
    assert_eq!(drop_on(&stage, &stub, &files), Outcome::Dropped);
}

#[test]
fn release_over_nothing_cancels() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(&stage, Manners::default());
    let (_, drag) = drag(&stage, &Files::new());
    stage.move_to(500, 200);
    while !matches!(stub.next(), Heard::Position { .. }) {}
    stage.move_to(300, 500);
    assert_eq!(stub.next_event(), Heard::Leave);
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Cancelled);
    assert_eq!(stub.all(), []);
}

#[test]
fn the_own_window_is_no_target_nor_is_the_one_around_it() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    // As in a host: its window takes drops, the editor lies in it, and takes drops of its own.
    let stub = Stub::new(&stage, Manners::default());
    let (x, y, _, _) = stub::PLACE;
    let host = stage
        .link
        .translate_coordinates(stage.root, stage.root, x + 5, y + 5)
        .unwrap()
        .reply()
        .unwrap()
        .child;
    let own = stage.window(host, (50, 50, 100, 100));
    let (aware, kind) = (stage.atom("XdndAware"), AtomEnum::ATOM);
    stage
        .link
        .change_property32(PropMode::REPLACE, own, aware, kind, &[5])
        .unwrap();
    let inner = stage.window(own, (0, 0, 100, 100));
    stage.move_to(x + 100, y + 100);
    stage.press();
    let drag = start_on(Some(&stage.name), own, &files.paths).unwrap();
    stage.move_to(x + 120, y + 120);
    std::thread::sleep(Duration::from_millis(300));
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Cancelled);
    // The host's own surface beside the editor is one.
    stage.link.destroy_window(inner).unwrap();
    stage.move_to(x + 100, y + 100);
    stage.press();
    let drag = start_on(Some(&stage.name), own, &files.paths).unwrap();
    stage.move_to(x + 10, y + 10);
    stage.release();
    assert_eq!(outcome(&drag), Outcome::Dropped);
    let enters = stub
        .all()
        .into_iter()
        .filter(|heard| matches!(heard, Heard::Enter { .. }))
        .count();
    assert_eq!(enters, 1);
}

#[test]
fn a_drag_ends_with_its_owner() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    for answers in [true, false] {
        let stub = Stub::new(
            &stage,
            Manners {
                answers,
                ..Manners::default()
            },
        );
        let (own, drag) = drag(&stage, &files);
        stage.move_to(500, 200);
        while !matches!(stub.next(), Heard::Position { .. }) {}
        assert_eq!(drag_threads(), 1);
        drop(drag);
        assert_eq!(drag_threads(), 0);
        assert_eq!(stub.next_event(), Heard::Leave);
        stage.release();
        stage.link.destroy_window(own).unwrap();
    }
    // Between the drop and its end.
    let stub = Stub::new(
        &stage,
        Manners {
            finishes: None,
            ..Manners::default()
        },
    );
    let (_, drag) = drag(&stage, &files);
    stage.move_to(500, 200);
    stage.release();
    while !matches!(stub.next(), Heard::Drop) {}
    drop(drag);
    assert_eq!(drag_threads(), 0);
    assert!(
        matches!(stub.next(), Heard::Data(_, Some(_))),
        "what was dropped is still handed over"
    );
}

#[test]
fn a_drag_ends_with_its_window() {
    let Some(stage) = Stage::new() else { return };
    let stub = Stub::new(&stage, Manners::default());
    let (own, drag) = drag(&stage, &Files::new());
    stage.move_to(500, 200);
    while !matches!(stub.next(), Heard::Position { .. }) {}
    stage.link.destroy_window(own).unwrap();
    stage.link.sync().unwrap();
    assert_eq!(outcome(&drag), Outcome::Cancelled);
    assert_eq!(stub.next_event(), Heard::Leave);
}

#[test]
fn a_drag_ends_with_the_display() {
    let Some(stage) = Stage::new() else { return };
    let (_, drag) = drag(&stage, &Files::new());
    drop(stage);
    assert_eq!(outcome(&drag), Outcome::Failed);
    drop(drag);
}

#[test]
fn another_drag_takes_over() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let (own, first) = drag(&stage, &files);
    let second = start_on(Some(&stage.name), own, &files.paths).unwrap();
    assert_eq!(outcome(&first), Outcome::Cancelled);
    assert_eq!(second.outcome(), None);
    stage.release();
    assert_eq!(outcome(&second), Outcome::Cancelled);
}

#[test]
fn what_cannot_begin_says_why() {
    let Some(stage) = Stage::new() else { return };
    let files = Files::new();
    let error = start_on(Some(&stage.name), 0x7fff_fff0, &files.paths).unwrap_err();
    assert!(matches!(error, DragError::Window), "{error}");
    let error = start_on(Some(":5999"), stage.root, &files.paths).unwrap_err();
    assert!(matches!(error, DragError::System(_)), "{error}");
    assert!(error.to_string().contains("Export"), "{error}");
    assert_eq!(drag_threads(), 0);
}
