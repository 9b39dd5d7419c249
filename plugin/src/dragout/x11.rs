//! Dragging under X11: a source of XDND, which every toolkit takes.
//!
//! A drag has its own connection to the display and its own thread, so that neither the editor's frames nor the host's
//! event loop wait for it, and the other way round. The pointer is asked for, not grabbed: the toolkit of the editor holds
//! the implicit grab of the pressed button until it is released, and no second grab is to be had. Every wait in here is
//! bounded, so the thread ends within seconds of [`Drag`] being dropped, whatever other programs do.
//!
//! Source: <https://www.freedesktop.org/wiki/Specifications/XDND/>, version 5; versions 3 and 4 differ, for a source, in
//! nothing but the number sent.

mod icon;
mod link;
mod source;
mod target;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use raw_window_handle::{RawDisplayHandle, RawWindowHandle};

use super::{Drag, DragError, Leaving, MOST_BYTES, Outcome, State, ready, uri};
use source::Source;

/// The thread's name. Linux keeps 15 bytes.
const THREAD: &str = "loopwright-drag";

/// Like [`start`](super::start), on a display by its name (`:1`; `None` is `$DISPLAY`) and a window by its number.
///
/// # Errors
///
/// [`DragError`]; [`DragError::Window`] when the display has no such window.
pub fn start_on(display: Option<&str>, window: u32, files: &[PathBuf]) -> Result<Drag, DragError> {
    let state = Arc::<State>::default();
    let thread = begin_on(display, window, ready(files)?, &state)?;
    Ok(Drag {
        state,
        thread: Some(thread),
    })
}

pub(super) fn begin(
    window: RawWindowHandle,
    _display: RawDisplayHandle,
    files: Vec<PathBuf>,
    state: &Arc<State>,
) -> Result<Option<JoinHandle<()>>, DragError> {
    let window = match window {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).map_err(|_| DragError::Window)?,
        RawWindowHandle::Xcb(handle) => handle.window.get(),
        _ => return Err(DragError::Window),
    };
    // The toolkit connected by `$DISPLAY` as well; its handle would need Xlib to tell the name.
    begin_on(None, window, files, state).map(Some)
}

/// What is offered, in the forms that targets may ask for.
struct Offer {
    uris: Vec<u8>,
    plain: Vec<u8>,
    /// For the label at the pointer.
    label: String,
}

impl Offer {
    fn new(files: &[PathBuf]) -> Result<Self, DragError> {
        use std::os::unix::ffi::OsStrExt;
        let paths = || files.iter().map(|path| path.as_os_str().as_bytes());
        let uris = uri::uri_list(paths());
        if uris.len() > MOST_BYTES {
            return Err(DragError::TooMany { count: files.len() });
        }
        let label = match files {
            [file] => file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            files => format!("{} files", files.len()),
        };
        Ok(Self {
            uris,
            plain: uri::plain(paths()),
            label,
        })
    }
}

fn begin_on(
    display: Option<&str>,
    window: u32,
    files: Vec<PathBuf>,
    state: &Arc<State>,
) -> Result<JoinHandle<()>, DragError> {
    let offer = Offer::new(&files)?;
    let refused = |error: &dyn std::fmt::Display| DragError::System(error.to_string());
    let (link, screen) = link::open(display).map_err(|error| refused(&error))?;
    let mut source = Source::new(link, screen, window, offer, Arc::clone(state)).map_err(|error| match error {
        link::Broken::NoWindow => DragError::Window,
        error => refused(&error),
    })?;
    let leaving = Leaving(Arc::clone(state));
    std::thread::Builder::new()
        .name(THREAD.to_owned())
        .spawn(move || {
            let leaving = leaving;
            leaving.0.end(source.run().unwrap_or(Outcome::Failed));
            // The connection closes before the owner hears that the thread left.
            drop(source);
            drop(leaving);
        })
        .map_err(|error| refused(&error))
}

/// The thread looks often enough by itself.
pub(super) fn wake(_thread: &JoinHandle<()>) {}

/// Keeps the library in memory for good, for a thread that did not end in time: better a leak than a crash of the host.
pub(super) fn keep_loaded() {
    let here: fn() = keep_loaded;
    // SAFETY: `dladdr` fills `info` (plain pointers, so zero is valid) for an address of this library or fails, and
    // `dlopen` gets the NUL-terminated name from it, which the dynamic linker owns.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(here as *const libc::c_void, &mut info) != 0 && !info.dli_fname.is_null() {
            libc::dlopen(info.dli_fname, libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_names_one_file_and_counts_more() {
        assert_eq!(Offer::new(&["/a/b c.wav".into()]).unwrap().label, "b c.wav");
        assert_eq!(Offer::new(&["/a".into(), "/b".into()]).unwrap().label, "2 files");
    }

    #[test]
    fn lists_that_do_not_fit_into_a_request_are_refused() {
        let files = vec![PathBuf::from(format!("/{}", " ".repeat(1000))); 100];
        assert!(matches!(Offer::new(&files), Err(DragError::TooMany { count: 100 })));
    }

    #[test]
    fn windows_of_other_systems_are_refused() {
        use raw_window_handle::{WebDisplayHandle, WebWindowHandle, XlibWindowHandle};
        let display = RawDisplayHandle::Web(WebDisplayHandle::new());
        let state = Arc::default();
        for window in [
            RawWindowHandle::Web(WebWindowHandle::new(1)),
            RawWindowHandle::Xlib(XlibWindowHandle::new(libc::c_ulong::MAX)),
        ] {
            assert!(matches!(
                begin(window, display, Vec::new(), &state),
                Err(DragError::Window)
            ));
        }
    }

    #[test]
    fn keeping_loaded_does_no_harm() {
        keep_loaded();
    }
}
