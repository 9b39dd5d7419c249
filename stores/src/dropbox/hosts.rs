//! Where Dropbox is.

use std::net::IpAddr;

use super::retry::Trouble;

/// Dropbox's own hosts, or one address in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hosts {
    base: Option<String>,
}

impl Hosts {
    /// With the setting `dropbox_url`, which must be on this machine: settings are read from the current folder too, and a
    /// folder from somewhere else must not have tokens sent to somewhere else.
    pub(super) fn new(url: Option<&str>) -> Result<Self, Trouble> {
        let Some(url) = url.map(str::trim).filter(|u| !u.is_empty()) else {
            return Ok(Self { base: None });
        };
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let authority = rest.and_then(|r| r.split(['/', '?', '#']).next()).unwrap_or_default();
        if !is_here(authority) {
            return Err(Trouble::Refused(
                "[stores] dropbox_url is for a test server on this machine, as http://127.0.0.1:8080; leave it out for Dropbox \
                 itself"
                    .into(),
            ));
        }
        Ok(Self {
            base: Some(url.trim_end_matches('/').to_owned()),
        })
    }

    /// True where one address on this machine stands for Dropbox.
    pub(super) fn is_local(&self) -> bool {
        self.base.is_some()
    }

    /// That address.
    pub(super) fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// The page that asks for consent.
    pub(super) fn authorize(&self) -> String {
        format!("{}/oauth2/authorize", self.base().unwrap_or("https://www.dropbox.com"))
    }

    /// Where codes become tokens.
    pub(super) fn token(&self) -> String {
        format!("{}/oauth2/token", self.base().unwrap_or("https://api.dropboxapi.com"))
    }

    /// A route of Dropbox's interface.
    pub(super) fn route(&self, route: &str) -> String {
        format!("{}/2/{route}", self.base().unwrap_or("https://api.dropboxapi.com"))
    }

    /// `url`, which is at one of Dropbox's hosts, where it is really.
    pub(super) fn place(&self, url: &str) -> String {
        match &self.base {
            None => url.to_owned(),
            Some(base) => {
                let rest = url.split_once("://").map_or(url, |(_, r)| r);
                let path = rest.find('/').map_or("", |at| &rest[at..]);
                format!("{base}{path}")
            }
        }
    }
}

/// True for a loopback address with perhaps a port.
fn is_here(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        Some((host, port)) if port.is_empty() || port.starts_with(':') => host,
        Some(_) => return false,
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_stands_for_all_hosts() {
        let hosts = Hosts::new(Some("http://127.0.0.1:80/")).unwrap();
        let place = hosts.place("https://content.dropboxapi.com/2/files/upload");
        assert_eq!(place, "http://127.0.0.1:80/2/files/upload");
        assert_eq!(hosts.token(), "http://127.0.0.1:80/oauth2/token");
        let own = Hosts::new(None).unwrap();
        assert_eq!(
            own.place("https://content.dropboxapi.com/2/x"),
            "https://content.dropboxapi.com/2/x"
        );
        assert_eq!(own.authorize(), "https://www.dropbox.com/oauth2/authorize");
    }

    #[test]
    fn tokens_go_to_no_other_machine() {
        for url in ["http://localhost:1", "http://[::1]:8/x", "https://127.1.2.3"] {
            assert!(Hosts::new(Some(url)).is_ok(), "{url}");
        }
        for url in [
            "http://example.org",
            "https://127.0.0.1.example.org",
            "http://127.0.0.1@example.org",
            "http://localhost.example.org",
            "ftp://127.0.0.1",
            "127.0.0.1",
            "http://[::1].example.org",
        ] {
            assert!(Hosts::new(Some(url)).is_err(), "{url}");
        }
    }
}
