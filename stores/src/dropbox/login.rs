//! Logging in: the page that asks the user, and the answer that comes to this machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use loopwright_core::config::Stores;
use loopwright_core::progress::Progress;
use loopwright_core::store::StoreErrorKind;

use super::client::wire;
use super::hosts::Hosts;
use super::keep::Kept;
use super::oauth::Authorisation;
use super::retry::Trouble;
use super::secret::Secret;
use super::wire::POLL;

/// The port that answers come to where no other is asked for: Dropbox sends them only to addresses that the app has listed,
/// ports included.
pub const PORT: u16 = 17_823;

/// Longest time for a browser to say what it wants.
const READ: Duration = Duration::from_secs(5);

/// A login that is under way.
#[derive(Debug)]
pub struct Login {
    key: String,
    hosts: Hosts,
    asks: Arc<Authorisation>,
}

impl Login {
    /// For the app `key`, to read files, and with `write` to write them too. With `listener` the answer comes there; else
    /// the user copies it.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind`].
    pub fn new(settings: &Stores, key: &str, write: bool, listener: Option<&Listener>) -> Result<Self, StoreErrorKind> {
        let redirect = listener.map(Listener::address).transpose()?;
        Ok(Self {
            key: key.to_owned(),
            hosts: Hosts::new(settings.dropbox_url.as_deref())?,
            asks: Arc::new(Authorisation::new(key, redirect, write)?),
        })
    }

    /// The page to open.
    pub fn url(&self) -> String {
        self.asks.url(&self.hosts)
    }

    /// Turns the answer into a login to keep.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind`].
    pub fn finish(&self, code: &Secret, settings: &Stores, progress: &dyn Progress) -> Result<Kept, StoreErrorKind> {
        let wire = wire(settings, &self.hosts);
        let granted = self.asks.finish(code, &wire, &self.hosts, settings.retries, progress)?;
        let none = || StoreErrorKind::Refused("Dropbox gives no refresh token".into());
        Ok(Kept {
            app_key: self.key.clone(),
            refresh_token: granted.refresh.ok_or_else(none)?,
            scope: granted.scope.unwrap_or_else(|| self.asks.scope().to_owned()),
            server: self.hosts.base().map(str::to_owned),
        })
    }
}

/// Where the answer comes to: a port of this machine that no other machine reaches.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens at `port`; at a free one for 0.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Refused`] where the port is taken.
    pub fn bind(port: u16) -> Result<Self, StoreErrorKind> {
        let taken = |e| {
            StoreErrorKind::Refused(format!(
                "cannot listen at 127.0.0.1:{port} ({e}): give another --port, or use --paste"
            ))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        Ok(Self(listener))
    }

    /// The address that the app must list.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Refused`].
    pub fn address(&self) -> Result<String, StoreErrorKind> {
        let address = self.0.local_addr();
        let address = address.map_err(|e| StoreErrorKind::Refused(format!("no port to listen at: {e}")))?;
        Ok(format!("http://127.0.0.1:{}/", address.port()))
    }

    /// Waits for the answer to `login`, at most for `patience`. Whatever else comes gets an error page, and is forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::Denied`] where the user refused or did nothing.
    pub fn wait(&self, login: &Login, patience: Duration, progress: &dyn Progress) -> Result<Secret, StoreErrorKind> {
        let end = Instant::now() + patience;
        let (sender, answers) = channel::<Option<Secret>>();
        loop {
            progress.check()?;
            if let Ok(answer) = answers.try_recv() {
                let refused = || StoreErrorKind::Denied("access was refused on Dropbox's page".into());
                return answer.ok_or_else(refused);
            }
            if Instant::now() > end {
                let why = "no answer came from the browser: run it again, or use --paste";
                return Err(Trouble::Denied(why.into()).into());
            }
            match self.0.accept() {
                Ok((stream, _)) => {
                    let (asks, sender) = (login.asks.clone(), sender.clone());
                    // One that says nothing must not keep the others waiting. Without a thread for it, it goes unanswered.
                    let visitor = std::thread::Builder::new().name("login".into());
                    let _ = visitor.spawn(move || receive(&stream, &asks, &sender));
                }
                // Nobody there yet, or a visitor that left.
                Err(_) => std::thread::sleep(POLL),
            }
        }
    }
}

/// What a visitor said.
enum Visit {
    Code(Secret),
    Refused,
    Stray,
}

/// Reads one request and answers it; passes on what it says if it is the answer that is waited for.
fn receive(mut stream: &TcpStream, asks: &Authorisation, to: &Sender<Option<Secret>>) {
    let visit = understand(stream, asks).unwrap_or(Visit::Stray);
    let (status, text) = match &visit {
        Visit::Code(_) => (
            "200 OK",
            "Loopwright may use your Dropbox now. You can close this page.",
        ),
        Visit::Refused => ("200 OK", "Access was refused. You can close this page."),
        Visit::Stray => ("400 Bad Request", "This is not the answer that is waited for."),
    };
    let body = format!("<!doctype html><title>Loopwright</title><p>{text}</p>\n");
    let page = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n\r\n\
         {body}",
        body.len(),
    );
    // The browser may be gone; what it said counts all the same. Nor is an answer of use that nobody waits for.
    let _ = stream.write_all(page.as_bytes());
    let _ = match visit {
        Visit::Code(code) => to.send(Some(code)),
        Visit::Refused => to.send(None),
        Visit::Stray => Ok(()),
    };
}

fn understand(stream: &TcpStream, asks: &Authorisation) -> Option<Visit> {
    stream.set_nonblocking(false).ok()?;
    stream.set_read_timeout(Some(READ)).ok()?;
    stream.set_write_timeout(Some(READ)).ok()?;
    let mut reader = BufReader::new(stream.take(1 << 14));
    let mut first = zeroize::Zeroizing::new(String::with_capacity(1 << 14));
    reader.read_line(&mut first).ok()?;
    // The rest of the request is read, so that closing does not cut the answer off.
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    let target = first.strip_prefix("GET /?")?.split(' ').next()?;
    let get = |name: &str| {
        let pair = target
            .split('&')
            .find_map(|p| p.strip_prefix(name)?.strip_prefix('='))?;
        Secret::new(decode(pair)?)
    };
    if get("state").as_ref() != Some(asks.state()) {
        return None;
    }
    if get("error").is_some() {
        return Some(Visit::Refused);
    }
    get("code").map(Visit::Code)
}

/// Text of a query, without its escapes.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digit = |b: Option<u8>| char::from(b?).to_digit(16);
        out.push(match byte {
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(out).ok()
}
