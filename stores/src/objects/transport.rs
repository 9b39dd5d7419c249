//! Requests that do not hold up who sends them.
//!
//! `ureq` blocks. Each request therefore runs on a thread of its own, which tells of the answer piece by piece; who waits for
//! the pieces can look meanwhile whether anybody still wants them, and a thread whose pieces nobody takes ends by itself.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use loopwright_core::config::Stores;
use ureq::Agent;
use ureq::http::response::Parts;
use ureq::http::{Request, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// Longest time for a connection to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// Bytes that are told at once.
const PIECE: usize = 128 << 10;

/// A part of an answer, in the order in which they come.
pub(super) enum Piece {
    /// Status and headers.
    Head(Box<Parts>),
    /// Some of the body.
    Body(Bytes),
    /// The body was whole.
    End,
    /// It broke off.
    Failed(Failure),
}

/// Why there is no answer, or not all of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    words: String,
}

/// What [`Failure`] may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// There was no connection: nothing was sent.
    Connect,
    /// Too long without a byte.
    Silence,
    /// Broken off.
    Broken,
    /// Would fail again.
    Lasting,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, words: impl Into<String>) -> Self {
        let words = words.into();
        Self { kind, words }
    }

    /// Whether it may be gone at the next attempt.
    pub(super) fn passes(&self) -> bool {
        self.kind != FailureKind::Lasting
    }
}

/// An HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    agent: Agent,
}

impl Transport {
    /// A client for the server at `host`, which trusts the certificates in the file `trust` where one is named, and else
    /// those that come with the program. Redirects are told, not followed; nothing is decompressed.
    pub(super) fn new(settings: &Stores, host: &str, trust: Option<&str>) -> Result<Self, String> {
        let silence = Duration::try_from_secs_f64(settings.timeout_seconds)
            .ok()
            .filter(|d| !d.is_zero())
            .ok_or("[stores] timeout_seconds must be above 0")?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT.min(silence)))
            .timeout_connect(Some(CONNECT.min(silence)))
            .timeout_per_read(Some(silence))
            .timeout_per_write(Some(silence))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections_per_host(8)
            // Audio is compressed already, and offsets into a compressed body are of no use.
            .accept_encoding("identity")
            .user_agent(concat!("loopwright/", env!("CARGO_PKG_VERSION")));
        if is_loopback(host) {
            config = config.proxy(None);
        }
        if let Some(path) = trust {
            let roots = certificates(path)?;
            config = config.tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::new_with_certs(&roots))
                    .build(),
            );
        }
        Ok(Self {
            agent: config.build().into(),
        })
    }

    /// Sends a request from a thread of its own, which hands each piece of the answer to `tell` until that says no.
    pub(super) fn send(&self, request: Request<Vec<u8>>, mut tell: impl FnMut(Piece) -> bool + Send + 'static) {
        let agent = self.agent.clone();
        // Shared, so that what cannot be started can still be told.
        let run = move || {
            if let Err(failure) = exchange(&agent, request, &mut tell) {
                tell(Piece::Failed(failure));
            }
        };
        // Where there is no thread to be had, `tell` is dropped, which its other end notices.
        let _ = std::thread::Builder::new().name("loopwright-http".into()).spawn(run);
    }
}

fn exchange(agent: &Agent, request: Request<Vec<u8>>, tell: &mut impl FnMut(Piece) -> bool) -> Result<(), Failure> {
    let bodiless = request.body().is_empty() && !matches!(request.method().as_str(), "PUT" | "POST");
    let response = if bodiless {
        agent.run(request.map(|_| ()))
    } else {
        agent.run(request)
    };
    let (head, body) = response.map_err(|e| failure(&e))?.into_parts();
    if !tell(Piece::Head(Box::new(head))) {
        return Ok(());
    }
    let mut reader = body.into_with_config().limit(u64::MAX).reader();
    let mut piece = vec![0; PIECE];
    loop {
        match reader.read(&mut piece) {
            Ok(0) => {
                tell(Piece::End);
                return Ok(());
            }
            Ok(n) => {
                if !tell(Piece::Body(Bytes::copy_from_slice(&piece[..n]))) {
                    return Ok(());
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failure(&ureq::Error::from(e))),
        }
    }
}

/// What went wrong, in words that repeat nothing of the request.
fn failure(error: &ureq::Error) -> Failure {
    use std::io::ErrorKind;
    let (kind, words) = match error {
        ureq::Error::Io(e) => match e.kind() {
            ErrorKind::ConnectionRefused => (FailureKind::Connect, "nothing answers there".to_owned()),
            ErrorKind::TimedOut | ErrorKind::WouldBlock => (FailureKind::Silence, "no answer in time".into()),
            _ => (FailureKind::Broken, format!("the connection broke off ({e})")),
        },
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            (FailureKind::Connect, "no connection in time".into())
        }
        ureq::Error::Timeout(_) => (
            FailureKind::Silence,
            "no answer in time ([stores] timeout_seconds)".into(),
        ),
        ureq::Error::ConnectionFailed => (FailureKind::Connect, "no connection".into()),
        ureq::Error::HostNotFound => (FailureKind::Lasting, "there is no such host".into()),
        ureq::Error::Protocol(_) | ureq::Error::BodyStalled => (FailureKind::Broken, "the answer is no HTTP".into()),
        ureq::Error::Tls(e) => (FailureKind::Lasting, format!("no safe connection: {e}")),
        ureq::Error::Rustls(e) => (
            FailureKind::Lasting,
            format!("no safe connection: {e}; name the certificates to trust with SSL_CERT_FILE"),
        ),
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
            (FailureKind::Lasting, "the proxy does not let it through".into())
        }
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => (FailureKind::Lasting, "the request cannot be made".into()),
        ureq::Error::LargeResponseHeader(..) => (FailureKind::Lasting, "the answer's headers are too long".into()),
        _ => (FailureKind::Lasting, "the request failed".into()),
    };
    Failure::new(kind, words)
}

/// The host of an address, without brackets or port.
pub(super) fn host(address: &str) -> String {
    let uri: Option<Uri> = address.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    host.trim_matches(['[', ']']).to_owned()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn certificates(path: &str) -> Result<Vec<Certificate<'static>>, String> {
    let read = std::fs::read(path).map_err(|e| format!("the certificates to trust, {path}, cannot be read: {e}"))?;
    let found: Vec<_> = parse_pem(&read)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(format!("the certificates to trust, {path}: there is none (PEM) in it"));
    }
    Ok(found)
}
