//! A real toolkit as the target.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::{Files, OWN, drag_from, outcome, paths_of};
use crate::stage::Stage;
use loopwright_plugin::dragout::Outcome;

/// Shows a window at 400, 100 and writes what is dropped on it.
const TARGET: &str = r#"
import gi
gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GLib, Gtk
window = Gtk.Window(type=Gtk.WindowType.TOPLEVEL, default_width=300, default_height=300)
window.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
window.drag_dest_add_uri_targets()
def received(_window, context, _x, _y, data, _info, time):
    print("DROP", *data.get_uris(), flush=True)
    GLib.timeout_add(200, Gtk.main_quit)
window.connect("drag-data-received", received)
window.move(400, 100)
window.show_all()
def ready():
    print("READY", flush=True)
GLib.timeout_add(300, ready)
GLib.timeout_add_seconds(60, Gtk.main_quit)
Gtk.main()
"#;

#[test]
fn gtk_takes_the_files() {
    let Some(stage) = Stage::new() else { return };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let check = "import gi; gi.require_version('Gtk', '3.0'); from gi.repository import Gtk";
        let mut python = Command::new(python);
        let python = python
            .args(["-c", check])
            .env("DISPLAY", &stage.name)
            .stderr(Stdio::null());
        python.status().is_ok_and(|status| status.success())
    });
    let Some(python) = python else {
        println!("skipped: no python3 with GTK 3 (python3-gi, gir1.2-gtk-3.0)");
        return;
    };
    let mut gtk = Command::new(python)
        .args(["-c", TARGET])
        .envs([
            ("DISPLAY", stage.name.as_str()),
            ("GDK_BACKEND", "x11"),
            ("NO_AT_BRIDGE", "1"),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(gtk.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "READY");

    let files = Files::new();
    let drag = drag_from(&stage, stage.window(stage.root, OWN), &files);
    for step in 0..20 {
        stage.move_to(300 + 10 * step, 200);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    stage.release();
    let line = lines.next().unwrap().unwrap();
    let uris = line.strip_prefix("DROP ").unwrap();
    assert_eq!(paths_of(uris.replace(' ', "\r\n").as_bytes()), files.paths);
    assert_eq!(outcome(&drag), Outcome::Dropped);
    gtk.wait().unwrap();
}
