//! OAuth 2 with PKCE (RFC 6749, RFC 7636), as Dropbox does it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loopwright_core::progress::Progress;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use zeroize::Zeroizing;

use super::credentials::Refresh;
use super::hosts::Hosts;
use super::retry::{Reply, Tries, Trouble, persist};
use super::secret::Secret;
use super::wire::{Ask, Wire};

/// What must be allowed to list and read files.
const READ: &str = "files.metadata.read files.content.read";
/// What must be allowed to write them too.
const WRITE: &str = "files.content.write";

/// A request for access that is under way.
#[derive(Debug)]
pub(super) struct Authorisation {
    key: String,
    verifier: Secret,
    state: Secret,
    redirect: Option<String>,
    scope: String,
}

/// What a server gave.
pub(super) struct Granted {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) scope: Option<String>,
}

/// `bytes` of chance as text.
fn chance(bytes: usize) -> Result<Secret, Trouble> {
    let mut buffer = Zeroizing::new(vec![0; bytes]);
    let filled = SystemRandom::new().fill(&mut buffer);
    filled.map_err(|_| Trouble::Refused("the system gives no random numbers".into()))?;
    let text = Secret::new(URL_SAFE_NO_PAD.encode(&*buffer));
    text.ok_or_else(|| Trouble::Refused("the system gives no random numbers".into()))
}

impl Authorisation {
    /// For the app `key`, to read, and with `write` to write. The answer comes to `redirect`, or is shown to be copied where
    /// that is none.
    pub(super) fn new(key: &str, redirect: Option<String>, write: bool) -> Result<Self, Trouble> {
        Ok(Self {
            key: key.to_owned(),
            verifier: chance(64)?,
            state: chance(32)?,
            redirect,
            scope: if write {
                format!("{READ} {WRITE}")
            } else {
                READ.to_owned()
            },
        })
    }

    /// What only the right answer repeats.
    pub(super) fn state(&self) -> &Secret {
        &self.state
    }

    /// What is asked for.
    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    /// The page that asks the user.
    pub(super) fn url(&self, hosts: &Hosts) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.reveal().as_bytes()).as_ref());
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", self.key.as_str()),
            ("token_access_type", "offline"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("scope", self.scope.as_str()),
        ];
        if let Some(to) = &self.redirect {
            pairs.push(("redirect_uri", to));
            pairs.push(("state", self.state.reveal()));
        }
        format!("{}?{}", hosts.authorize(), *form(&pairs))
    }

    /// Turns the answer into tokens.
    pub(super) fn finish(
        &self,
        code: &Secret,
        wire: &Wire,
        hosts: &Hosts,
        retries: u32,
        progress: &dyn Progress,
    ) -> Result<Granted, Trouble> {
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code.reveal()),
            ("client_id", self.key.as_str()),
            ("code_verifier", self.verifier.reveal()),
        ];
        if let Some(to) = &self.redirect {
            pairs.push(("redirect_uri", to));
        }
        grant(&pairs, wire, hosts, retries, progress)
    }
}

/// A new access token.
pub(super) fn refresh(
    with: &Refresh,
    wire: &Wire,
    hosts: &Hosts,
    retries: u32,
    progress: &dyn Progress,
) -> Result<Arc<Secret>, Trouble> {
    let mut pairs = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", with.token.reveal()),
        ("client_id", with.app_key.as_str()),
    ];
    if let Some(secret) = &with.app_secret {
        pairs.push(("client_secret", secret.reveal()));
    }
    grant(&pairs, wire, hosts, retries, progress).map(|g| Arc::new(g.access))
}

fn grant(
    pairs: &[(&str, &str)],
    wire: &Wire,
    hosts: &Hosts,
    retries: u32,
    progress: &dyn Progress,
) -> Result<Granted, Trouble> {
    let ask = Ask {
        url: hosts.token(),
        headers: vec![("Content-Type".into(), "application/x-www-form-urlencoded".into())],
        body: Arc::new(Zeroizing::new(form(pairs).as_bytes().to_vec())),
    };
    let reply = persist(wire, &ask, None, false, &mut Tries::new(retries), progress)?;
    let Reply::Whole(head, body) = reply else {
        return Err(Trouble::Refused("Dropbox answers otherwise than documented".into()));
    };
    let body = Zeroizing::new(body);
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    if head.status != 200 {
        return Err(refused(head.status, json["error"].as_str().unwrap_or_default()));
    }
    let secret = |name: &str| json[name].as_str().and_then(|t| Secret::new(t.to_owned()));
    let access = secret("access_token");
    Ok(Granted {
        access: access.ok_or_else(|| Trouble::Refused("Dropbox gives no access token".into()))?,
        refresh: secret("refresh_token"),
        scope: json["scope"].as_str().map(str::to_owned),
    })
}

/// Of what the server says only the code is repeated, and only where it is one that is known.
fn refused(status: u16, error: &str) -> Trouble {
    let why = match error {
        "invalid_grant" => {
            "Dropbox takes this code or refresh token no more: run `loopwright dropbox login` again, or renew \
             DROPBOX_REFRESH_TOKEN"
        }
        "invalid_client" | "unauthorized_client" | "invalid_client_id" => {
            "Dropbox does not know this app, or wants its secret: check the app key (--app-key, DROPBOX_APP_KEY, [stores] \
             dropbox_app_key) and DROPBOX_APP_SECRET"
        }
        "invalid_scope" => {
            "this app may not be given what is asked for: tick files.metadata.read, files.content.read and \
             files.content.write among its permissions at dropbox.com/developers/apps, or log in with --read-only"
        }
        _ => return Trouble::Denied(format!("Dropbox gives no access (status {status})")),
    };
    Trouble::Denied(why.into())
}

/// A form's text.
pub(super) fn form(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(1024));
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                text.push('%');
                text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                text.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_asked_for_by_a_challenge_and_not_by_what_it_is_made_of() {
        let hosts = Hosts::new(None).unwrap();
        let asks = Authorisation::new("key", Some("http://127.0.0.1:9/".into()), false).unwrap();
        let url = asks.url(&hosts);
        assert!(url.starts_with("https://www.dropbox.com/oauth2/authorize?response_type=code&client_id=key"));
        for part in [
            "token_access_type=offline",
            "code_challenge_method=S256",
            "scope=files.metadata.read%20files.content.read&",
            "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F",
            asks.state().reveal(),
        ] {
            assert!(url.contains(part), "{part}: {url}");
        }
        assert!(!url.contains(asks.verifier.reveal()) && !format!("{asks:?}").contains(asks.verifier.reveal()));
        let other = Authorisation::new("key", None, true).unwrap();
        assert_ne!(other.verifier, asks.verifier);
        assert!(other.url(&hosts).ends_with("files.content.write"));
    }
}
