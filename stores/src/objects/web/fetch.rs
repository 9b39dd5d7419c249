//! Requests over HTTP that outlast what passes: broken connections, servers that are overrun, moved files.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use loopwright_core::config::Stores;
use loopwright_core::progress::{Cancelled, Progress};
use loopwright_core::store::{Entry, StoreErrorKind};
use ureq::http::Request;
use ureq::http::header::{HeaderName, HeaderValue};
use ureq::http::response::Parts;
use url::Url;

use super::address::{Site, shown};
use crate::objects::POLL;
use crate::objects::transport::{Failure, FailureKind, Piece, Transport, host};

/// Most addresses that one leads to after another.
const MOST_MOVES: usize = 10;

/// Pieces of a body that wait to be taken.
const AHEAD: usize = 8;

/// Pause before the second attempt, which doubles with each further one, and the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Longest time that a server may ask to wait.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Bytes that, once they have arrived, make up for the attempts before.
const HEADWAY: usize = 64 << 10;

/// Sends requests to one server.
#[derive(Debug)]
pub(super) struct Fetcher {
    transport: Transport,
    root: Url,
    authorization: Option<HeaderValue>,
    retries: u32,
}

/// Why the next piece does not come.
enum Stop {
    Cancelled(Cancelled),
    Failed(Failure),
}

impl Stop {
    fn kind(self) -> StoreErrorKind {
        match self {
            Self::Cancelled(cancelled) => cancelled.into(),
            Self::Failed(failure) => StoreErrorKind::Unreachable(failure.to_string()),
        }
    }
}

/// An answer whose head is there.
pub(super) struct Answer {
    /// Where it came from in the end.
    pub(super) url: Url,
    head: Box<Parts>,
    pieces: Receiver<Piece>,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// Whether it is HTML.
    pub(super) fn is_page(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml+xml")
    }

    /// The length of the body, where it arrives as it was sent.
    fn length(&self) -> Option<u64> {
        let whole = self
            .header("content-encoding")
            .is_none_or(|e| e.eq_ignore_ascii_case("identity"));
        self.header("content-length").filter(|_| whole)?.parse().ok()
    }

    /// What changes with the content, as `If-Range` takes it.
    fn validator(&self) -> Option<&str> {
        let strong = self.header("etag").filter(|t| t.starts_with('"'));
        strong.or_else(|| self.header("last-modified"))
    }

    fn fingerprint(&self) -> Option<String> {
        if let Some(tag) = self.header("etag").filter(|t| t.starts_with('"')) {
            return Some(format!("etag:{}", tag.trim_matches('"')));
        }
        // To the second only, and set back by some copying programs: the length helps.
        Some(format!("modified:{};{}", self.header("last-modified")?, self.length()?))
    }

    fn next(&mut self, progress: &dyn Progress) -> Result<Option<Bytes>, Stop> {
        match take(&self.pieces, progress)? {
            Piece::Body(bytes) => Ok(Some(bytes)),
            Piece::End => Ok(None),
            Piece::Failed(failure) => Err(Stop::Failed(failure)),
            Piece::Head(_) => Err(Stop::Failed(gone())),
        }
    }

    /// The rest of the body of at most `most` bytes.
    pub(super) fn rest(&mut self, most: u64, progress: &dyn Progress) -> Result<Vec<u8>, StoreErrorKind> {
        let mut body = Vec::new();
        while let Some(piece) = self.next(progress).map_err(Stop::kind)? {
            if body.len() as u64 + piece.len() as u64 > most {
                return Err(too_long(most));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

impl Fetcher {
    pub(super) fn new(site: &Site, settings: &Stores) -> Result<Self, String> {
        let trust = std::env::var("SSL_CERT_FILE").ok().filter(|v| !v.is_empty());
        let authorization = match site.authorization().map(HeaderValue::from_str) {
            Some(Ok(mut value)) => {
                value.set_sensitive(true);
                Some(value)
            }
            Some(Err(_)) => return Err("the name or the password has a character that none may have".into()),
            None => None,
        };
        Ok(Self {
            transport: Transport::new(settings, &host(site.root().as_str()), trust.as_deref())?,
            root: site.root().clone(),
            authorization,
            retries: settings.retries,
        })
    }

    /// Asks, follows where that leads, and asks again what may succeed then.
    pub(super) fn ask(
        &self,
        method: &str,
        url: &Url,
        headers: &[(HeaderName, &str)],
        progress: &dyn Progress,
    ) -> Result<Answer, StoreErrorKind> {
        let mut tries = 0;
        loop {
            let pause = match self.follow(method, url, headers, progress)? {
                Ok(answer) if !matches!(answer.status(), 408 | 429 | 500 | 502..=504) => return Ok(answer),
                Ok(answer) => {
                    if tries >= self.retries {
                        let status = answer.status();
                        return Err(StoreErrorKind::Unreachable(format!(
                            "the server fails or is overrun (status {status}), however often it is asked"
                        )));
                    }
                    wanted(&answer)?
                }
                Err(failure) if !failure.passes() || tries >= self.retries => {
                    return Err(StoreErrorKind::Unreachable(failure.to_string()));
                }
                Err(_) => None,
            };
            self.pause(pause, tries, progress)?;
            tries += 1;
        }
    }

    /// One attempt, over as many addresses as it takes.
    fn follow(
        &self,
        method: &str,
        url: &Url,
        headers: &[(HeaderName, &str)],
        progress: &dyn Progress,
    ) -> Result<Result<Answer, Failure>, StoreErrorKind> {
        let mut url = url.clone();
        for _ in 0..=MOST_MOVES {
            progress.check()?;
            let answer = match self.once(method, url, headers, progress) {
                Ok(answer) => answer,
                Err(Stop::Failed(failure)) => return Ok(Err(failure)),
                Err(stop) => return Err(stop.kind()),
            };
            let to = answer
                .header("location")
                .filter(|_| matches!(answer.status(), 301 | 302 | 303 | 307 | 308));
            let Some(to) = to else { return Ok(Ok(answer)) };
            let next = answer
                .url
                .join(to)
                .ok()
                .filter(|u| matches!(u.scheme(), "http" | "https"));
            let Some(mut next) = next else {
                return Err(StoreErrorKind::Refused("leads to what is no address".into()));
            };
            if answer.url.scheme() == "https" && next.scheme() == "http" {
                let why = format!("leads from a safe connection to an unsafe one, {}", shown(&next));
                return Err(StoreErrorKind::Refused(why));
            }
            // A login that an answer names is none of ours.
            let _ = next.set_username("");
            let _ = next.set_password(None);
            next.set_fragment(None);
            url = next;
        }
        Err(StoreErrorKind::Refused(
            "leads from one address to another without end".into(),
        ))
    }

    fn once(
        &self,
        method: &str,
        url: Url,
        headers: &[(HeaderName, &str)],
        progress: &dyn Progress,
    ) -> Result<Answer, Stop> {
        let mut request = Request::builder().method(method).uri(url.as_str());
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        // Only the server that was named is told who asks.
        if let Some(value) = &self.authorization
            && url.origin() == self.root.origin()
        {
            request = request.header("authorization", value);
        }
        let request = request.body(Vec::new());
        let request =
            request.map_err(|_| Stop::Failed(Failure::new(FailureKind::Lasting, "the request cannot be made")))?;
        let (sender, pieces) = sync_channel(AHEAD);
        self.transport.send(request, move |piece| sender.send(piece).is_ok());
        match take(&pieces, progress)? {
            Piece::Head(head) => Ok(Answer { url, head, pieces }),
            Piece::Failed(failure) => Err(Stop::Failed(failure)),
            Piece::Body(_) | Piece::End => Err(Stop::Failed(gone())),
        }
    }

    /// The whole content of the file at `url`, which must be in the state `fingerprint` where one is given. What has arrived
    /// before a connection broke is not fetched again, where the server can tell that it still holds.
    pub(super) fn content(
        &self,
        url: &Url,
        fingerprint: Option<&str>,
        most: u64,
        progress: &dyn Progress,
    ) -> Result<Vec<u8>, StoreErrorKind> {
        let mut body: Vec<u8> = Vec::new();
        let mut validator: Option<String> = None;
        let mut total: Option<u64> = None;
        let mut tries = 0;
        loop {
            let range = format!("bytes={}-", body.len());
            let mut headers = Vec::new();
            match &validator {
                Some(validator) if !body.is_empty() => {
                    headers.push((HeaderName::from_static("range"), range.as_str()));
                    headers.push((HeaderName::from_static("if-range"), validator.as_str()));
                }
                _ => body.clear(),
            }
            let mut answer = self.ask("GET", url, &headers, progress)?;
            let goes_on = answer.status() == 206
                && !body.is_empty()
                && answer.validator() == validator.as_deref()
                && begins(answer.header("content-range")) == Some(body.len() as u64);
            match answer.status() {
                206 if goes_on => {}
                200 => {
                    if fingerprint.is_some() && answer.fingerprint().as_deref() != fingerprint {
                        return Err(StoreErrorKind::Changed);
                    }
                    body.clear();
                    total = answer.length();
                    validator = answer.length().and(answer.validator()).map(str::to_owned);
                }
                // Not what was asked for: all of it, then.
                206 | 416 if !headers.is_empty() => {
                    validator = None;
                    if tries >= self.retries {
                        let why = "the server sends other parts of the file than those asked for";
                        return Err(StoreErrorKind::Refused(why.into()));
                    }
                    tries += 1;
                    continue;
                }
                status => return Err(status_kind(status, self.authorization.is_some())),
            }
            if total.is_some_and(|t| t > most) {
                return Err(too_long(most));
            }
            let before = body.len();
            let failure = loop {
                match answer.next(progress) {
                    Ok(Some(piece)) if body.len() as u64 + piece.len() as u64 > most => return Err(too_long(most)),
                    Ok(Some(piece)) => body.extend_from_slice(&piece),
                    Ok(None) if total.is_none_or(|t| t == body.len() as u64) => return Ok(body),
                    Ok(None) => break Failure::new(FailureKind::Broken, "the file ended early"),
                    Err(Stop::Failed(failure)) => break failure,
                    Err(stop) => return Err(stop.kind()),
                }
            };
            if body.len() - before >= HEADWAY {
                tries = 0;
            }
            if !failure.passes() || tries >= self.retries {
                return Err(StoreErrorKind::Unreachable(failure.to_string()));
            }
            self.pause(None, tries, progress)?;
            tries += 1;
        }
    }

    /// Waits as long as the server wants, or longer with each attempt.
    fn pause(&self, wanted: Option<Duration>, tries: u32, progress: &dyn Progress) -> Result<(), Cancelled> {
        let pause = wanted.unwrap_or_else(|| PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE));
        let until = Instant::now() + pause;
        loop {
            progress.check()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL));
        }
    }
}

fn take(pieces: &Receiver<Piece>, progress: &dyn Progress) -> Result<Piece, Stop> {
    loop {
        progress.check().map_err(Stop::Cancelled)?;
        match pieces.recv_timeout(POLL) {
            Ok(piece) => return Ok(piece),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Stop::Failed(gone())),
        }
    }
}

fn gone() -> Failure {
    Failure::new(FailureKind::Broken, "there is no thread for the request")
}

/// How long a server wants to be left alone, in seconds; dates are not understood, and are as good as nothing.
fn wanted(answer: &Answer) -> Result<Option<Duration>, StoreErrorKind> {
    let seconds = answer.header("retry-after").and_then(|v| v.parse().ok());
    let wait = seconds.map(Duration::from_secs);
    if let Some(wait) = wait.filter(|w| *w > LONGEST_WAIT) {
        let why = format!(
            "the server wants to be asked again in {} s: run again then",
            wait.as_secs()
        );
        return Err(StoreErrorKind::Unreachable(why));
    }
    Ok(wait)
}

/// The first byte of a `Content-Range`.
fn begins(range: Option<&str>) -> Option<u64> {
    range?.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

fn too_long(most: u64) -> StoreErrorKind {
    StoreErrorKind::Refused(format!("is longer than {} MiB, or has no end", most >> 20))
}

/// What a status says that is no success.
pub(super) fn status_kind(status: u16, login: bool) -> StoreErrorKind {
    match status {
        404 | 410 => StoreErrorKind::NotFound,
        401 if login => StoreErrorKind::Denied("the server does not know this name and password (status 401)".into()),
        401 => StoreErrorKind::Denied(
            "the server wants a name and a password: write them before the host, https://name:password@host/".into(),
        ),
        403 => {
            StoreErrorKind::Denied("the server does not let this be seen (status 403): does it list folders?".into())
        }
        status => StoreErrorKind::Refused(format!("the server refuses with status {status}")),
    }
}

/// What an answer tells of a file.
pub(super) fn entry_of(key: String, answer: &Answer) -> Entry {
    Entry {
        key,
        bytes: answer.length(),
        fingerprint: answer.fingerprint(),
    }
}
