//! Links on a page that lists a folder.
//!
//! Servers write such pages each in its own way (nginx's autoindex a `<pre>`, Apache's and lighttpd's a table, Caddy's cards),
//! but all link to what lies in the folder, to the folder above, and some to the page itself in another order. So links are
//! all that is read: those to what lies right beneath the page, resolved as a browser resolves them.

use html5gum::{Token, Tokenizer};
use url::Url;

use super::address::decode;

/// A link to what lies beneath a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) url: Url,
    /// Its path relative to the folder, escaped, without `/` at the end.
    relative: String,
    /// Whether it is itself a folder: its path ends with `/`.
    pub(super) folder: bool,
}

impl Link {
    /// Its name relative to the folder, and whether the address can be had back from that.
    pub(super) fn key(&self) -> (String, bool) {
        let parts: Option<Vec<String>> = self.relative.split('/').map(decode).collect();
        match parts {
            Some(parts) => (parts.join("/"), true),
            None => (self.relative.clone(), false),
        }
    }
}

/// The folder of a page: its path up to `/`; a page without one at its end is its own folder.
pub(super) fn folder(page: &Url) -> Url {
    let mut folder = page.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", page.path()));
    }
    folder
}

/// True for what lies in a folder, however deep, on the same server.
pub(super) fn beneath(url: &Url, folder: &Url) -> bool {
    url.origin() == folder.origin() && url.path().len() > folder.path().len() && url.path().starts_with(folder.path())
}

/// The links of `html`, the page at `page`, to what lies beneath it, each once, in the order of the page. Links with a query
/// sort the page, or show the same file otherwise: they are left out.
pub(super) fn links(html: &str, page: &Url) -> Vec<Link> {
    let folder = folder(page);
    let mut base = page.clone();
    let mut based = false;
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    for token in Tokenizer::new(html) {
        let Ok(Token::StartTag(tag)) = token else { continue };
        let name: &[u8] = &tag.name;
        if !matches!(name, b"a" | b"base") {
            continue;
        }
        let Some(href) = tag.attributes.get(b"href".as_slice()) else {
            continue;
        };
        let href = String::from_utf8_lossy(href);
        let Ok(mut url) = base.join(href.trim()) else { continue };
        if name == b"base" {
            // Only the first counts.
            if !based {
                base = url;
                based = true;
            }
            continue;
        }
        url.set_fragment(None);
        if url.query().is_some() || !beneath(&url, &folder) {
            continue;
        }
        let relative = url.path()[folder.path().len()..].to_owned();
        let is_folder = relative.ends_with('/');
        let relative = relative.trim_matches('/').to_owned();
        if !relative.is_empty() && seen.insert(url.clone()) {
            found.push(Link {
                url,
                relative,
                folder: is_folder,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> Vec<String> {
        let page = Url::parse("http://host/music/").unwrap();
        let show = |l: &Link| format!("{}{}", l.key().0, if l.folder { "/" } else { "" });
        links(html, &page).iter().map(show).collect()
    }

    #[test]
    fn apache_sorts_by_links_to_itself_and_leads_up() {
        let html = r#"<table><tr><th><a href="?C=N;O=D">Name</a></th></tr>
            <tr><td><a href="/">Parent Directory</a></td></tr>
            <tr><td><A HREF='a%20b.wav'>a b.wav</A></td></tr>
            <tr><td><a href="sub/">sub/</a></td></tr></table>"#;
        assert_eq!(names(html), ["a b.wav", "sub/"]);
    }

    #[test]
    fn caddy_says_here_and_lighttpd_repeats() {
        let html = r#"<a href="../">..</a><a href="./a&amp;b.wav"><svg><path d="M0"/></svg>x</a><a href="./a&amp;b.wav">again</a>
            <a href="./?sort=name&order=desc">x</a><a href="/music/deep/c.wav?dl=1">c</a><a href="/music/d.wav#t">d</a>"#;
        assert_eq!(names(html), ["a&b.wav", "d.wav"]);
    }

    #[test]
    fn neither_other_hosts_nor_scripts_nor_comments_count() {
        let html = r#"<a href="http://other/music/a.wav">a</a><a href="https://host/music/a.wav">a</a>
            <a href="//other/music/b.wav">b</a><a href="javascript:x()">x</a><a href="mailto:a@b">m</a>
            <!-- <a href="c.wav">c</a> --><a href="%2e%2e/d.wav">up</a><a href="/musical/e.wav">e</a><a name="x">n</a>
            <a href="http://me:pw@host/music/f.wav">f</a>"#;
        assert_eq!(names(html), ["f.wav"]);
    }

    #[test]
    fn names_that_are_no_text_are_kept_as_they_are() {
        let page = Url::parse("http://host/music/").unwrap();
        let found = links(r#"<a href="%FF.wav">x</a><a href="a%2Fb.wav">x</a>"#, &page);
        let keys: Vec<_> = found.iter().map(Link::key).collect();
        assert_eq!(keys, [("%FF.wav".to_owned(), false), ("a%2Fb.wav".to_owned(), false)]);
        assert_eq!(found[0].url.as_str(), "http://host/music/%FF.wav");
    }

    #[test]
    fn a_page_may_say_what_its_links_are_relative_to() {
        assert_eq!(names(r#"<base href="/music/x/"><a href="a.wav">a</a>"#), ["x/a.wav"]);
    }
}
