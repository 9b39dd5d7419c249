//! A connection to the display on which nothing waits for ever.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use x11rb::errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::reexports::x11rb_protocol::xauth::get_auth;
use x11rb::rust_connection::{DefaultStream, PollMode, RustConnection, Stream};
use x11rb::utils::RawFdContainer;

/// How long the display may take to answer. Another program may hold it for itself for a moment.
const ANSWER: Duration = Duration::from_secs(3);

/// Why a drag cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("no X display: {0}")]
    Connect(#[from] ConnectError),
    #[error("the X display went away: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X display refused: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X display is out of numbers: {0}")]
    Id(#[from] ReplyOrIdError),
    #[error("the window is not on this display")]
    NoWindow,
    #[error("another program is dragging")]
    NotOwner,
}

/// The connection of one drag.
pub(super) type Link = RustConnection<Patient>;

/// The socket of the display, with a bound on every wait.
#[derive(Debug)]
pub(super) struct Patient(DefaultStream);

impl Patient {
    /// Waits until there is something to read, or the time is up.
    pub(super) fn readable(&self, most: Duration) -> io::Result<bool> {
        self.wait(PollFlags::IN, most)
    }

    fn wait(&self, flags: PollFlags, most: Duration) -> io::Result<bool> {
        let most = Timespec {
            tv_sec: most.as_secs().try_into().unwrap_or(1),
            tv_nsec: most.subsec_nanos().into(),
        };
        match rustix::event::poll(&mut [PollFd::new(&self.0, flags)], Some(&most)) {
            Ok(ready) => Ok(ready > 0),
            // As good as ready: whoever waits looks again.
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

impl Stream for Patient {
    fn poll(&self, mode: PollMode) -> io::Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        if self.wait(flags, ANSWER)? {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }

    fn read(&self, buf: &mut [u8], fd_storage: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.0.read(buf, fd_storage)
    }

    fn write(&self, buf: &[u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.0.write(buf, fds)
    }

    fn write_vectored(&self, bufs: &[io::IoSlice<'_>], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.0.write_vectored(bufs, fds)
    }
}

/// Connects to the display of this name, or of `$DISPLAY`; also gives the number of its screen.
pub(super) fn open(name: Option<&str>) -> Result<(Link, usize), Broken> {
    let display = parse_display(name).map_err(ConnectError::from)?;
    let screen = usize::from(display.screen);
    let mut last = ConnectError::from(io::Error::from(io::ErrorKind::NotFound));
    for address in display.connect_instruction() {
        match DefaultStream::connect(&address) {
            Ok((stream, (family, peer))) => {
                // Without a key the display may still let us in.
                let (kind, key) = get_auth(family, &peer, display.display)
                    .ok()
                    .flatten()
                    .unwrap_or_default();
                let link = Link::connect_to_stream_with_auth_info(Patient(stream), screen, kind, key)?;
                return Ok((link, screen));
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last.into())
}

/// A reply, or `None` when the display refused: what was asked about went away meanwhile.
pub(super) fn maybe<T>(reply: Result<T, ReplyError>) -> Result<Option<T>, Broken> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
