//! Showing files in the system's file manager.

use std::path::Path;
use std::process::{Command, Stdio};

/// The program that shows `path`: the file in its folder with `select`, else the folder. Paths are arguments of their own:
/// no shell reads them.
pub(super) fn command(path: &Path, select: bool) -> Command {
    let mut command;
    if cfg!(target_os = "macos") {
        command = Command::new("open");
        if select {
            command.arg("-R");
        }
        command.arg(path);
    } else if cfg!(windows) {
        command = Command::new("explorer");
        if select {
            let mut argument = std::ffi::OsString::from("/select,");
            argument.push(path);
            command.arg(argument);
        } else {
            command.arg(path);
        }
    } else {
        // No way to select a file is common to all desktops.
        command = Command::new("xdg-open");
        command.arg(if select { path.parent().unwrap_or(path) } else { path });
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn paths_are_arguments_of_their_own() {
        let odd = Path::new("/tmp/a; rm -rf \"$HOME\"/b.wav");
        let shown = command(odd, true);
        assert_eq!(shown.get_program(), "xdg-open");
        assert_eq!(
            shown.get_args().collect::<Vec<_>>(),
            [odd.parent().unwrap().as_os_str()]
        );
    }
}
