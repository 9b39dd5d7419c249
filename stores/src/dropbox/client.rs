//! Dropbox's own crate over our own wire: who asks, tokens that ran out, what the answers mean.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use dropbox_sdk::client_trait::{HttpClient, HttpRequest, HttpRequestResultRaw, UserAuthClient};
use dropbox_sdk::types::auth::AuthError;
use loopwright_core::config::Stores;
use loopwright_core::progress::Progress;
use loopwright_core::store::StoreErrorKind;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::credentials::{Credentials, Refresh};
use super::hosts::Hosts;
use super::oauth;
use super::retry::{Reply, Tries, Trouble, persist};
use super::secret::{Secret, without};
use super::wire::{Ask, POLL, Wire};

/// The tokens in use.
#[derive(Debug)]
struct Held {
    access: Option<Arc<Secret>>,
    refresh: Option<Refresh>,
}

/// Asks Dropbox in somebody's name. Shared by threads.
#[derive(Debug)]
pub(super) struct Client {
    wire: Wire,
    hosts: Hosts,
    held: Mutex<Held>,
    retries: u32,
}

impl Client {
    pub(super) fn new(settings: &Stores, hosts: Hosts, credentials: Credentials) -> Self {
        Self {
            wire: wire(settings, &hosts),
            hosts,
            held: Mutex::new(Held {
                access: credentials.access.map(Arc::new),
                refresh: credentials.refresh,
            }),
            retries: settings.retries,
        }
    }

    pub(super) fn tries(&self) -> Tries {
        Tries::new(self.retries)
    }

    /// The tokens, once no other thread has them. One thread at a time gets a new one; the others wait for it.
    fn held(&self, progress: &dyn Progress) -> Result<MutexGuard<'_, Held>, Trouble> {
        loop {
            match self.held.try_lock() {
                Ok(held) => return Ok(held),
                Err(TryLockError::Poisoned(held)) => return Ok(held.into_inner()),
                Err(TryLockError::WouldBlock) => {
                    progress.check()?;
                    std::thread::sleep(POLL / 8);
                }
            }
        }
    }

    /// A token that is not `spent`; none where there is no other.
    fn token(&self, spent: Option<&Arc<Secret>>, progress: &dyn Progress) -> Result<Option<Arc<Secret>>, Trouble> {
        let mut held = self.held(progress)?;
        let is_spent = |t: &Arc<Secret>| spent.is_some_and(|s| Arc::ptr_eq(s, t));
        if let Some(token) = held.access.as_ref().filter(|t| !is_spent(t)) {
            return Ok(Some(token.clone()));
        }
        let Some(with) = &held.refresh else { return Ok(None) };
        let fresh = oauth::refresh(with, &self.wire, &self.hosts, self.retries, progress)?;
        held.access = Some(fresh.clone());
        Ok(Some(fresh))
    }

    /// Sends a request until there is an answer that trying again would not change, with a new token where the old one ran
    /// out. Answers that refuse hold none of our secrets, even if the server repeats them.
    fn ask(&self, ask: &Ask, stream: bool, progress: &dyn Progress) -> Result<Reply, Trouble> {
        let mut tries = self.tries();
        let mut token = self.token(None, progress)?;
        let mut renewed = false;
        loop {
            let reply = persist(&self.wire, ask, token.as_ref(), stream, &mut tries, progress)?;
            let Reply::Whole(head, body) = reply else {
                return Ok(reply);
            };
            if head.status == 401 && !renewed && has_expired(&body) {
                renewed = true;
                if let Some(fresh) = self.token(token.as_ref(), progress)? {
                    token = Some(fresh);
                    continue;
                }
            }
            if head.status < 300 {
                return Ok(Reply::Whole(head, body));
            }
            let text = String::from_utf8_lossy(&body).into_owned();
            let held = self.held(progress)?;
            let mut secrets: Vec<&Secret> = token.iter().chain(&held.access).map(Arc::as_ref).collect();
            if let Some(refresh) = &held.refresh {
                secrets.push(&refresh.token);
                secrets.extend(&refresh.app_secret);
            }
            return Ok(Reply::Whole(head, without(&text, &secrets).into_bytes()));
        }
    }

    /// Takes the access back that the tokens give.
    pub(super) fn revoke(&self, progress: &dyn Progress) -> Result<(), Trouble> {
        let ask = Ask {
            url: self.hosts.route("auth/token/revoke"),
            headers: Vec::new(),
            body: Arc::default(),
        };
        match self.ask(&ask, false, progress)? {
            Reply::Whole(head, _) if head.status == 401 => Err(Trouble::Denied("the access is gone already".into())),
            Reply::Whole(head, _) if head.status >= 300 => Err(Trouble::Refused(format!(
                "Dropbox does not take it back (status {})",
                head.status
            ))),
            _ => Ok(()),
        }
    }
}

/// A wire with the patience of `settings`.
pub(super) fn wire(settings: &Stores, hosts: &Hosts) -> Wire {
    let timeout = Duration::try_from_secs_f64(settings.timeout_seconds).unwrap_or(Duration::from_secs(60));
    Wire::new(timeout.max(Duration::from_millis(1)), hosts.is_local())
}

fn has_expired(body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    json["error"][".tag"] == "expired_access_token"
}

/// One call of a route, through the functions of Dropbox's crate.
pub(super) struct Call<'a> {
    client: &'a Client,
    progress: &'a dyn Progress,
    argument: Option<String>,
    status: AtomicU16,
}

impl<'a> Call<'a> {
    pub(super) fn new(client: &'a Client, progress: &'a dyn Progress) -> Self {
        Self {
            client,
            progress,
            argument: None,
            status: AtomicU16::new(0),
        }
    }

    /// With the argument of a route that takes it in a header. The crate writes characters beyond U+FFFF there as one escape
    /// of five digits, which means something else.
    pub(super) fn with(client: &'a Client, progress: &'a dyn Progress, argument: &impl Serialize) -> Self {
        Self {
            argument: serde_json::to_string(argument).ok().map(|json| header_safe(&json)),
            ..Self::new(client, progress)
        }
    }

    /// Of the last answer.
    pub(super) fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }
}

/// JSON with all but visible ASCII and spaces escaped.
fn header_safe(json: &str) -> String {
    let mut units = [0; 2];
    json.chars().fold(String::with_capacity(json.len()), |mut out, c| {
        if (' '..='~').contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
        out
    })
}

/// A request as Dropbox's crate puts it together.
pub(super) struct Draft {
    url: String,
    headers: Vec<(String, String)>,
    argument: Option<String>,
}

impl HttpRequest for Draft {
    fn set_header(mut self, name: &str, value: &str) -> Self {
        let value = match self.argument.take() {
            Some(argument) if name.eq_ignore_ascii_case("Dropbox-API-Arg") => argument,
            other => {
                self.argument = other;
                value.to_owned()
            }
        };
        self.headers.push((name.to_owned(), value));
        self
    }
}

impl HttpClient for Call<'_> {
    type Request = Draft;

    fn execute(&self, draft: Draft, body: &[u8]) -> Result<HttpRequestResultRaw, dropbox_sdk::Error> {
        let stream = draft.url.ends_with("/files/download");
        let ask = Ask {
            url: draft.url,
            headers: draft.headers,
            body: Arc::new(Zeroizing::new(body.to_vec())),
        };
        let reply = self.client.ask(&ask, stream, self.progress);
        let reply = reply.map_err(|trouble| dropbox_sdk::Error::HttpClient(Box::new(trouble)))?;
        let raw = match reply {
            Reply::Stream(head, stream) => HttpRequestResultRaw {
                status: head.status,
                result_header: head.result,
                content_length: head.length,
                body: Box::new(stream),
            },
            Reply::Whole(head, body) => HttpRequestResultRaw {
                status: head.status,
                result_header: None,
                content_length: head.length,
                body: Box::new(std::io::Cursor::new(body)),
            },
        };
        self.status.store(raw.status, Ordering::Relaxed);
        Ok(raw)
    }

    fn new_request(&self, url: &str) -> Draft {
        Draft {
            url: self.client.hosts.place(url),
            headers: Vec::new(),
            argument: self.argument.clone(),
        }
    }

    // The crate never sees a token: `Client::ask` adds it, and renews it, for the crate prints what it has for debugging.
}

impl UserAuthClient for Call<'_> {}

/// What an error of Dropbox's crate is to a store; `of` for what is the route's own.
pub(super) fn kind<E>(error: dropbox_sdk::Error<E>, of: impl FnOnce(E) -> StoreErrorKind) -> StoreErrorKind {
    use dropbox_sdk::Error;
    let denied = |why: &str| StoreErrorKind::Denied(why.to_owned());
    match error {
        Error::Api(e) => of(e),
        Error::HttpClient(e) => match e.downcast::<Trouble>() {
            Ok(trouble) => (*trouble).into(),
            Err(e) => StoreErrorKind::Unreachable(format!("Dropbox: {e}")),
        },
        Error::Authentication(AuthError::ExpiredAccessToken) => denied(
            "Dropbox's access token has run out, and there is no refresh token to make another: run `loopwright dropbox \
             login`, or set DROPBOX_REFRESH_TOKEN and DROPBOX_APP_KEY",
        ),
        Error::Authentication(AuthError::MissingScope(scope)) => {
            let scope: String = scope
                .required_scope
                .chars()
                .filter(char::is_ascii_graphic)
                .take(60)
                .collect();
            StoreErrorKind::Denied(format!(
                "the Dropbox app lacks {scope}: tick it among its permissions at dropbox.com/developers/apps, and run \
                 `loopwright dropbox login` again (without --read-only to write)"
            ))
        }
        Error::Authentication(_) => denied("Dropbox does not take the token: run `loopwright dropbox login`"),
        Error::AccessDenied(e) => StoreErrorKind::Denied(format!("Dropbox: {e}")),
        Error::BadRequest(text) => StoreErrorKind::Refused(format!("Dropbox refuses the request: {}", brief(&text))),
        Error::RateLimited { .. } | Error::ServerError(_) => StoreErrorKind::Unreachable("Dropbox is not well".into()),
        Error::UnexpectedHttpError { code, .. } => {
            StoreErrorKind::Refused(format!("Dropbox answers with status {code}"))
        }
        Error::Json(_) | Error::UnexpectedResponse(_) => {
            StoreErrorKind::Refused("Dropbox answers otherwise than documented".into())
        }
    }
}

/// The beginning of a text of strangers, on one line.
fn brief(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_any_path() {
        let json = serde_json::to_string("/Ü\u{1}\u{7f}\u{1f3b5} \"a\\").unwrap();
        let safe = header_safe(&json);
        assert!(safe.bytes().all(|b| (b' '..=b'~').contains(&b)), "{safe}");
        assert!(safe.contains("\\ud83c\\udfb5"), "{safe}");
        let back: String = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, "/Ü\u{1}\u{7f}\u{1f3b5} \"a\\");
    }
}
