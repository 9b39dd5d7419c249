//! The address of a tracking server, taken apart with care: passwords may stand in it.

/// An `http` or `https` address without name, password, query and trailing slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    scheme: String,
    /// Host and perhaps port.
    authority: String,
    /// With a leading slash, or empty.
    path: String,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Address {
    /// Reads an address, and the name and password in it; or what is wrong with it, in words that repeat neither.
    pub(crate) fn parse(text: &str) -> Result<(Self, Option<Login>), String> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            let scheme = text
                .split_once(':')
                .map(|(s, _)| s)
                .filter(|s| is_scheme(s) && s.len() > 1);
            return Err(match scheme {
                Some(scheme) if !scheme.eq_ignore_ascii_case("localhost") => not_a_server(scheme),
                _ => "not the address of a server: it begins with http:// or https://".into(),
            });
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(not_a_server(&scheme));
        }
        if rest.contains(['?', '#']) {
            return Err("the address of the server ends with its path: no ? and no #".into());
        }
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("there are spaces in the address".into());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => {
                let (name, password) = login.split_once(':').unwrap_or((login, ""));
                let (name, password) = (decode(name), decode(password));
                (Some(Login { name, password }), host)
            }
            None => (None, authority),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err("the address names no host".into());
        }
        let address = Self {
            scheme,
            authority: host.to_ascii_lowercase(),
            path: path.trim_end_matches('/').to_owned(),
        };
        Ok((address, login))
    }

    /// The address, fit to be shown.
    pub(crate) fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }

    /// `path`, which begins with a slash, below the address.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.shown())
    }

    /// Whether both are on the same server, so that what is meant for one may be told to the other.
    pub(crate) fn same_server(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.with_port() == other.with_port()
    }

    /// The path, with a leading slash, or empty.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The scheme: `http` or `https`.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether the server is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = match self.authority.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => self.authority.split(':').next().unwrap_or_default(),
        };
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    fn with_port(&self) -> String {
        let bare = self
            .authority
            .rsplit_once(':')
            .is_none_or(|(_, port)| port.contains(']'));
        match (bare, self.scheme.as_str()) {
            (true, "https") => format!("{}:443", self.authority),
            (true, _) => format!("{}:80", self.authority),
            (false, _) => self.authority.clone(),
        }
    }
}

fn not_a_server(scheme: &str) -> String {
    let scheme: String = scheme.chars().take(20).collect();
    format!(
        "{scheme}: is no server's scheme: runs are recorded over http and https (`mlflow server` serves any store; the \
         file run.jsonl is written without one)"
    )
}

/// Whether text could be a scheme (RFC 3986, 3.1).
pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// Takes percent-encoding away; what is none stays.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|h| h.iter().all(u8::is_ascii_hexdigit));
        let value = hex
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Address::parse(text).unwrap().0.shown()
    }

    #[test]
    fn addresses_lose_what_must_not_be_shown() {
        assert_eq!(shown("http://127.0.0.1:5000"), "http://127.0.0.1:5000");
        assert_eq!(
            shown(" HTTPS://Tracking.Example/mlflow// "),
            "https://tracking.example/mlflow"
        );
        let (address, login) = Address::parse("https://ann:s%40cret:x@host:1/p/").unwrap();
        assert_eq!(address.shown(), "https://host:1/p");
        let login = login.unwrap();
        assert_eq!((login.name.as_str(), login.password.as_str()), ("ann", "s@cret:x"));
        assert!(!format!("{login:?}").contains("cret"));
        assert_eq!(address.join("/api"), "https://host:1/p/api");
    }

    #[test]
    fn what_is_no_server_is_said() {
        for (text, said) in [
            ("file:///tmp/mlruns", "file: is no"),
            ("sqlite:///m.db", "sqlite: is no"),
            ("databricks", "http://"),
            ("databricks://profile", "databricks: is no"),
            ("localhost:5000", "http://"),
            ("./mlruns", "http://"),
            ("", "http://"),
            ("http://", "no host"),
            ("http://:80", "no host"),
            ("http://h/?token=secret", "no ?"),
            ("http://a b/", "spaces"),
            ("C:\\runs", "http://"),
        ] {
            let problem = Address::parse(text).unwrap_err();
            assert!(problem.contains(said), "{text}: {problem}");
            assert!(!problem.contains("secret"));
        }
    }

    #[test]
    fn servers_are_compared_with_their_ports() {
        let at = |text: &str| Address::parse(text).unwrap().0;
        assert!(at("http://h/a").same_server(&at("http://H:80/b")));
        assert!(at("https://h").same_server(&at("https://h:443")));
        assert!(!at("http://h").same_server(&at("https://h")));
        assert!(!at("http://h:1").same_server(&at("http://h:2")));
        assert!(at("http://[::1]").same_server(&at("http://[::1]:80")));
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://127.3.2.1", true),
            ("http://[::1]:5000", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(at(text).is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn percents_go_there_and_back() {
        for text in ["a b/ü?#%", "plain-._~", "", "100%", "%zz%4"] {
            assert_eq!(decode(&encode(text)), text);
        }
        assert_eq!(encode("a b/"), "a%20b%2F");
        assert_eq!(decode("100%"), "100%");
    }
}
