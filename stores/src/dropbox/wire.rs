//! One request and its answer, over HTTP.
//!
//! A request runs on a thread of its own, so that whoever asked can give up at any moment; a thread that nobody waits for
//! ends with its connection, at the latest after the longest time without a byte.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use loopwright_core::progress::{Cancelled, Progress};
use ureq::{Agent, Body};
use zeroize::Zeroizing;

use super::secret::Secret;

/// How often is asked whether to give up.
pub(super) const POLL: Duration = Duration::from_millis(40);
/// Longest time to connect.
const CONNECT: Duration = Duration::from_secs(20);
/// Bytes of an answer that are passed on at once.
const CHUNK: usize = 1 << 16;
/// Longest answer that is not a file.
const MOST: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Broken {
    Cancelled(Cancelled),
    /// In words.
    Connection(String),
}

/// A request, less who asks.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Arc<Zeroizing<Vec<u8>>>,
}

/// The beginning of an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    /// `Dropbox-API-Result`.
    pub(super) result: Option<String>,
    /// `Retry-After`, where it is a number of seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) length: Option<u64>,
}

enum Part {
    Head(Head),
    Chunk(Vec<u8>),
    End,
    Broken(String),
}

/// The body of an answer as it comes. Reading fails with [`ErrorKind::WouldBlock`] where nothing came for a while, so that the
/// reader can think again; it may then go on.
pub(super) struct Stream {
    parts: Receiver<Part>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            if self.ended {
                return Ok(0);
            }
            match self.parts.recv_timeout(POLL) {
                Ok(Part::Chunk(chunk)) => (self.chunk, self.at) = (chunk, 0),
                Ok(Part::Broken(why)) => return Err(io::Error::new(ErrorKind::ConnectionAborted, why)),
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) if !self.ended => return Err(ErrorKind::ConnectionAborted.into()),
                Ok(_) | Err(_) => self.ended = true,
            }
        }
        let part = &self.chunk[self.at..];
        let bytes = part.len().min(out.len());
        out[..bytes].copy_from_slice(&part[..bytes]);
        self.at += bytes;
        Ok(bytes)
    }
}

/// Reads on where nothing came for a while, as long as `progress` lets it. 0 at the end.
pub(super) fn read_on(stream: &mut dyn Read, out: &mut [u8], progress: &dyn Progress) -> Result<usize, Broken> {
    loop {
        progress.check().map_err(Broken::Cancelled)?;
        match stream.read(out) {
            Ok(bytes) => return Ok(bytes),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(e) => return Err(Broken::Connection(e.to_string())),
        }
    }
}

/// All of `stream`, which is no file.
pub(super) fn read_all(stream: &mut Stream, progress: &dyn Progress) -> Result<Vec<u8>, Broken> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; CHUNK]);
    loop {
        match read_on(stream, &mut buffer, progress)? {
            0 => return Ok(all),
            bytes => all.extend_from_slice(&buffer[..bytes]),
        }
        if all.len() > MOST {
            return Err(Broken::Connection("the answer is too long".into()));
        }
    }
}

/// Sends requests.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    agent: Agent,
}

impl Wire {
    /// Patient for `timeout` without a byte. A server on this machine is not reached through a proxy.
    pub(super) fn new(timeout: Duration, local: bool) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(timeout.min(CONNECT)))
            .timeout_per_read(Some(timeout))
            .timeout_per_write(Some(timeout))
            // A token is for one server.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .https_only(!local)
            .user_agent(concat!("loopwright/", env!("CARGO_PKG_VERSION")));
        if local {
            config = config.proxy(None);
        }
        Self {
            agent: config.build().into(),
        }
    }

    /// Sends `ask` once, in the name of who has `token`.
    pub(super) fn send(
        &self,
        ask: &Ask,
        token: Option<Arc<Secret>>,
        progress: &dyn Progress,
    ) -> Result<(Head, Stream), Broken> {
        progress.check().map_err(Broken::Cancelled)?;
        let (sender, parts) = sync_channel(8);
        let (agent, ask) = (self.agent.clone(), ask.clone());
        let worker = std::thread::Builder::new().name("dropbox".into());
        let started = worker.spawn(move || work(&agent, &ask, token.as_deref(), &sender));
        started.map_err(|e| Broken::Connection(format!("no thread for it: {e}")))?;
        loop {
            match parts.recv_timeout(POLL) {
                Ok(Part::Head(head)) => {
                    let stream = Stream {
                        parts,
                        chunk: Vec::new(),
                        at: 0,
                        ended: false,
                    };
                    return Ok((head, stream));
                }
                Ok(Part::Broken(why)) => return Err(Broken::Connection(why)),
                Err(RecvTimeoutError::Timeout) => progress.check().map_err(Broken::Cancelled)?,
                Ok(_) | Err(_) => return Err(Broken::Connection("there is no answer".into())),
            }
        }
    }
}

/// Sends and receives; ends early where nobody listens any more.
fn work(agent: &Agent, ask: &Ask, token: Option<&Secret>, to: &SyncSender<Part>) {
    let mut request = agent.post(&ask.url);
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    if let Some(token) = token {
        let value = Zeroizing::new(format!("Bearer {}", token.reveal()));
        request = request.header("Authorization", value.as_str());
    }
    let body: &[u8] = &ask.body;
    let answer = if body.is_empty() {
        request.send_empty()
    } else {
        request.send(body)
    };
    // An error of sending is of no use where nobody listens.
    let _ = match answer {
        Ok(answer) => receive(answer, to),
        Err(e) => to.send(Part::Broken(words(&e))),
    };
}

fn receive(answer: ureq::http::Response<Body>, to: &SyncSender<Part>) -> Result<(), std::sync::mpsc::SendError<Part>> {
    let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok());
    let length = header("content-length").and_then(|v| v.parse().ok());
    to.send(Part::Head(Head {
        status: answer.status().as_u16(),
        result: header("dropbox-api-result").map(str::to_owned),
        retry_after: header("retry-after").and_then(|v| v.trim().parse().ok()),
        length,
    }))?;
    let mut reader = answer.into_body().into_reader();
    let mut came = 0;
    loop {
        let mut chunk = vec![0; CHUNK];
        match reader.read(&mut chunk) {
            Ok(0) if length.is_some_and(|l| came < l) => {
                return to.send(Part::Broken("the connection broke off".into()));
            }
            Ok(0) => return to.send(Part::End),
            Ok(bytes) => {
                came += bytes as u64;
                chunk.truncate(bytes);
                to.send(Part::Chunk(chunk))?;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return to.send(Part::Broken(format!("the connection broke off ({})", e.kind()))),
        }
    }
}

/// In words that repeat nothing of what was sent.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => "nothing answers there".into(),
        ureq::Error::Io(e) => format!("the connection broke off ({})", e.kind()),
        ureq::Error::HostNotFound => "there is no such host: is this machine connected?".into(),
        ureq::Error::ConnectionFailed => "no connection comes about".into(),
        ureq::Error::Timeout(_) => "no answer in time".into(),
        ureq::Error::Protocol(_) => "the answer is no HTTP".into(),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => "no secure connection comes about".into(),
        ureq::Error::InvalidProxyUrl => "the proxy that the environment names is no address".into(),
        _ => "the request cannot be made".into(),
    }
}
