//! Addresses of HTTP, keys beneath them, and what of them may be shown.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// What is escaped in a part of a path: all but what RFC 3986 lets stand there (`pchar`).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Parameters whose values let somebody in: signatures, tokens, keys.
const SECRETS: &[&str] = &[
    "sig", "token", "key", "secret", "pass", "pw", "auth", "cred", "session", "code",
];

/// A server, and who asks it.
pub(super) struct Site {
    /// With the path `/`, without login, query or fragment.
    root: Url,
    /// The header that logs in.
    authorization: Option<String>,
    /// The query of the one key that was named with one.
    query: Option<(String, String)>,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("root", &self.root.as_str())
            .finish_non_exhaustive()
    }
}

impl Site {
    /// The server of an address, and the key that the address stands for.
    pub(super) fn parse(address: &str) -> Result<(Self, String), String> {
        let no_address = || "is no address: write https://host/folder/".to_owned();
        let mut url = Url::parse(address).map_err(|_| no_address())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(no_address());
        }
        let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let mut login: Vec<u8> = percent_decode_str(url.username()).collect();
            login.push(b':');
            login.extend(percent_decode_str(url.password().unwrap_or_default()));
            format!("Basic {}", STANDARD.encode(login))
        });
        let mut key = Vec::new();
        for part in url.path().split('/').filter(|p| !p.is_empty()) {
            let decoded = decode(part).ok_or("has a part that is no text when decoded: name the folder above")?;
            key.push(decoded);
        }
        let key = key.join("/");
        let query = url
            .query()
            .filter(|q| !q.is_empty())
            .map(|q| (key.clone(), q.to_owned()));
        let bare = url.set_username("").and_then(|()| url.set_password(None));
        bare.map_err(|()| no_address())?;
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        let site = Self {
            root: url,
            authorization,
            query,
        };
        Ok((site, key))
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    pub(super) fn has_login(&self) -> bool {
        self.authorization.is_some()
    }

    /// The address of a key; none for keys that none leads to.
    pub(super) fn url(&self, key: &str) -> Option<Url> {
        let mut url = self.root.clone();
        if !key.is_empty() {
            let parts = key.split('/').map(|part| {
                // As addresses are read, these are no names.
                let name = !matches!(part, "" | "." | "..") && !part.contains('\0');
                name.then(|| utf8_percent_encode(part, ESCAPED).to_string())
            });
            url.set_path(&parts.collect::<Option<Vec<String>>>()?.join("/"));
        }
        if let Some((of, query)) = &self.query
            && of == key
        {
            url.set_query(Some(query));
        }
        Some(url)
    }
}

/// A part of a path as text; none where it is none, or would be two parts.
pub(super) fn decode(part: &str) -> Option<String> {
    let text = percent_decode_str(part).decode_utf8().ok()?;
    let name = !matches!(&*text, "" | "." | "..") && !text.contains(['/', '\0']);
    name.then(|| text.into_owned())
}

/// An address without its login and without what a query may hide.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only where there can be none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if let Some(query) = url.query() {
        let shown: Vec<String> = query
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, _)) if SECRETS.iter().any(|s| name.to_ascii_lowercase().contains(s)) => format!("{name}=…"),
                Some(_) => pair.to_owned(),
                // A lone value has no name that would tell what it is.
                None => "…".into(),
            })
            .collect();
        let shown = shown.join("&");
        url.set_query(None);
        return format!("{url}?{shown}");
    }
    url.to_string()
}

/// What was meant as an address, without anything that may be a login.
pub(super) fn without_login(text: &str) -> String {
    if let Ok(url) = Url::parse(text) {
        return shown(&url);
    }
    let scheme = text.split(':').next().unwrap_or_default();
    format!("{scheme}://…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_and_go_back_to_the_same_addresses() {
        for (address, key) in [
            ("http://host/", ""),
            ("http://host/a%20b/100%25.wav", "a b/100%.wav"),
            ("http://host/a+b&c;d=e.wav", "a+b&c;d=e.wav"),
            ("http://host/%C3%BC.wav", "ü.wav"),
            ("http://host/q%3Fx%23.wav", "q?x#.wav"),
        ] {
            let (site, found) = Site::parse(address).unwrap();
            assert_eq!(found, key);
            assert_eq!(site.url(&found).unwrap().as_str(), address);
        }
        let (site, _) = Site::parse("http://host/").unwrap();
        for none in ["a/../b", "a//b", ".", "a/"] {
            assert!(site.url(none).is_none(), "{none}");
        }
        assert!(Site::parse("http://").is_err());
        assert!(Site::parse("http://host/%FF").is_err());
    }

    #[test]
    fn a_query_belongs_to_what_was_named_with_it() {
        let (site, key) = Site::parse("https://host/get/a.wav?id=5&v=2").unwrap();
        assert_eq!(site.url(&key).unwrap().as_str(), "https://host/get/a.wav?id=5&v=2");
        assert_eq!(site.url("get/b.wav").unwrap().as_str(), "https://host/get/b.wav");
    }

    #[test]
    fn what_lets_somebody_in_is_not_shown() {
        let (site, key) = Site::parse("https://me:canary@host/a.wav?id=5&X-Amz-Signature=canary&canary").unwrap();
        let url = site.url(&key).unwrap();
        assert_eq!(shown(&url), "https://host/a.wav?id=5&X-Amz-Signature=…&…");
        assert!(!format!("{site:?}").contains("canary"));
        assert_eq!(site.authorization(), Some("Basic bWU6Y2FuYXJ5"));
        for broken in ["http://me:canary@", "http://me:canary@:80/", "https://me:canary@[::/x"] {
            assert!(!without_login(broken).contains("canary"), "{broken}");
        }
    }
}
