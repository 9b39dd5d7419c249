//! Keeps the graphics driver's libraries in memory once a window has drawn with them.
//!
//! On Linux the window's library loads OpenGL for a window and unloads it with the last one. But the driver leaves values
//! with each thread that it was used from, and the thread frees them by the driver's code when it ends, a moment after its
//! window: where another window closes meanwhile, that code is gone by then, and the host with it.
//!
//! The one place where a library is opened by hand, hence the one `unsafe` of the editor.

/// Keeps what is loaded. From a thread that draws, once its context stands; costs some microseconds.
pub(super) fn keep() {
    #[cfg(target_os = "linux")]
    for name in [c"libEGL.so.1", c"libEGL.so", c"libGL.so.1", c"libGL.so"] {
        // SAFETY: the name ends in a zero, and RTLD_NOLOAD runs no code of the library: it is loaded already, or nothing
        // happens. The handle is not closed, nor would that unload it.
        unsafe {
            libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}
