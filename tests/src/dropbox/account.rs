//! Codes and tokens: the documented OAuth 2 with PKCE.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{ACCESS, APP_KEY, REFRESH};

/// What a code was given out for.
struct Code {
    key: String,
    challenge: String,
    redirect: Option<String>,
    offline: bool,
    scope: String,
}

pub(super) struct Account {
    pub(super) prefix: String,
    codes: BTreeMap<String, Code>,
    access: BTreeSet<String>,
    expired: BTreeSet<String>,
    /// The app's key and secret, by refresh token.
    refresh: BTreeMap<String, (String, Option<String>)>,
    /// The refresh token that an access token came from.
    parents: BTreeMap<String, String>,
    next: u64,
}

/// A status with its JSON.
pub(super) type Told = (u16, Value);

fn refused(error: &str, why: &str) -> Told {
    (400, json!({ "error": error, "error_description": why }))
}

impl Account {
    pub(super) fn new() -> Self {
        let mut account = Self {
            prefix: "issued".into(),
            codes: BTreeMap::new(),
            access: BTreeSet::new(),
            expired: BTreeSet::new(),
            refresh: BTreeMap::new(),
            parents: BTreeMap::new(),
            next: 0,
        };
        account.allow_access(ACCESS);
        account.allow_refresh(REFRESH, APP_KEY, None);
        account
    }

    pub(super) fn allow_access(&mut self, token: &str) {
        self.access.insert(token.to_owned());
    }

    pub(super) fn allow_refresh(&mut self, token: &str, key: &str, secret: Option<&str>) {
        let app = (key.to_owned(), secret.map(str::to_owned));
        self.refresh.insert(token.to_owned(), app);
    }

    pub(super) fn expire(&mut self) {
        self.expired.append(&mut self.access);
    }

    pub(super) fn expire_one(&mut self, token: &str) {
        if self.access.remove(token) {
            self.expired.insert(token.to_owned());
        }
    }

    pub(super) fn forget_refresh(&mut self) {
        self.refresh.clear();
    }

    pub(super) fn good(&self) -> (usize, usize) {
        (self.access.len(), self.refresh.len())
    }

    /// What is wrong with `token`, as Dropbox says it.
    pub(super) fn check(&self, token: Option<&str>) -> Result<(), &'static str> {
        match token {
            Some(t) if self.access.contains(t) => Ok(()),
            Some(t) if self.expired.contains(t) => Err("expired_access_token"),
            _ => Err("invalid_access_token"),
        }
    }

    fn fresh(&mut self, what: &str) -> String {
        self.next += 1;
        format!("{}-{what}-{}", self.prefix, self.next)
    }

    /// The code for a request for consent, which is always given.
    pub(super) fn consent(&mut self, said: &BTreeMap<String, String>) -> Result<String, &'static str> {
        let get = |name: &str| said.get(name).map(String::as_str);
        if get("response_type") != Some("code") {
            return Err("response_type must be code");
        }
        if get("client_id").is_none_or(str::is_empty) {
            return Err("no client_id");
        }
        if get("code_challenge_method") != Some("S256") || get("code_challenge").is_none_or(|c| c.len() != 43) {
            return Err("no PKCE challenge by S256");
        }
        let code = self.fresh("code");
        let given = Code {
            key: get("client_id").unwrap_or_default().to_owned(),
            challenge: get("code_challenge").unwrap_or_default().to_owned(),
            redirect: get("redirect_uri").map(str::to_owned),
            offline: get("token_access_type") == Some("offline"),
            scope: get("scope").unwrap_or_default().to_owned(),
        };
        self.codes.insert(code.clone(), given);
        Ok(code)
    }

    /// Answers `oauth2/token`.
    pub(super) fn token(&mut self, said: &BTreeMap<String, String>) -> Told {
        let get = |name: &str| said.get(name).map(String::as_str);
        match get("grant_type") {
            Some("authorization_code") => {
                // A code is good once.
                let Some(code) = get("code").and_then(|c| self.codes.remove(c)) else {
                    return refused("invalid_grant", "code doesn't exist or has expired");
                };
                let verifier = get("code_verifier").unwrap_or_default();
                let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()).as_ref());
                if !(43..=128).contains(&verifier.len()) || challenge != code.challenge {
                    return refused("invalid_grant", "invalid code verifier");
                }
                if get("client_id") != Some(code.key.as_str()) {
                    return refused("invalid_client", "client_id is not the code's");
                }
                if get("redirect_uri") != code.redirect.as_deref() {
                    return refused("invalid_grant", "redirect_uri mismatch");
                }
                let access = self.fresh("access");
                self.access.insert(access.clone());
                let mut told = json!({
                    "access_token": access, "token_type": "bearer", "expires_in": 14_400, "scope": code.scope,
                    "account_id": "dbid:test", "uid": "1",
                });
                if code.offline {
                    let refresh = self.fresh("refresh");
                    self.refresh.insert(refresh.clone(), (code.key, None));
                    self.parents.insert(access, refresh.clone());
                    told["refresh_token"] = refresh.into();
                }
                (200, told)
            }
            Some("refresh_token") => {
                let token = get("refresh_token").unwrap_or_default();
                let Some((key, secret)) = self.refresh.get(token) else {
                    return refused("invalid_grant", "refresh token is malformed or revoked");
                };
                if get("client_id") != Some(key.as_str()) || secret.as_deref() != get("client_secret") {
                    return refused("invalid_client", "Invalid client_id or client_secret");
                }
                let access = self.fresh("access");
                self.access.insert(access.clone());
                self.parents.insert(access.clone(), token.to_owned());
                let told = json!({ "access_token": access, "token_type": "bearer", "expires_in": 14_400 });
                (200, told)
            }
            _ => refused("unsupported_grant_type", "grant_type"),
        }
    }

    /// Takes `token` back, and the refresh token that it came from with all that came from that.
    pub(super) fn revoke(&mut self, token: &str) {
        self.access.remove(token);
        if let Some(parent) = self.parents.get(token).cloned() {
            self.refresh.remove(&parent);
            let parents = &self.parents;
            self.access.retain(|t| parents.get(t) != Some(&parent));
        }
    }
}
