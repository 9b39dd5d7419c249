//! From paths to links and names.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// The path of `path` from `root` with `/` between its parts, for people and tables.
pub(super) fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = path.components().map(|c| c.as_os_str().to_string_lossy()).collect();
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}

/// `path` without links, whose last part need not be there yet.
pub(super) fn real(path: &Path) -> PathBuf {
    let above = || {
        let whole = std::path::absolute(path).ok()?;
        Some(std::fs::canonicalize(whole.parent()?).ok()?.join(whole.file_name()?))
    };
    std::fs::canonicalize(path)
        .ok()
        .or_else(above)
        .unwrap_or_else(|| path.to_path_buf())
}

/// A link from a page in the folder `from` to the file `to`, both absolute, percent-encoded. None where there is no way
/// between them, as between drives, or where a name is no Unicode.
pub(super) fn href(from: &Path, to: &Path) -> Option<String> {
    let mut from = from.components().peekable();
    let mut to = to.components().peekable();
    let mut shared = 0;
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
        shared += 1;
    }
    if shared == 0 {
        return None;
    }
    let mut out = String::new();
    for part in from {
        match part {
            Component::Normal(_) => out.push_str("../"),
            _ => return None,
        }
    }
    let mut lead = "";
    for part in to {
        let Component::Normal(name) = part else {
            return None;
        };
        out.push_str(lead);
        encode(name.to_str()?, &mut out);
        lead = "/";
    }
    // A name with a colon is no scheme.
    Some(if out.starts_with("../") {
        out
    } else {
        format!("./{out}")
    })
}

/// RFC 3986: all but unreserved characters are encoded.
fn encode(name: &str, out: &mut String) {
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_up_and_down_and_are_encoded() {
        let link = |from: &str, to: &str| href(Path::new(from), Path::new(to));
        assert_eq!(link("/a/report", "/a/x/y.wav").as_deref(), Some("../x/y.wav"));
        assert_eq!(
            link("/a/b/r", "/a/ö <b>/#1?.wav").as_deref(),
            Some("../../%C3%B6%20%3Cb%3E/%231%3F.wav")
        );
        assert_eq!(
            link("/a", "/a/javascript:x.wav").as_deref(),
            Some("./javascript%3Ax.wav")
        );
        assert_eq!(relative(Path::new("/a"), Path::new("/a/b/c")), "b/c");
        assert_eq!(relative(Path::new("/a"), Path::new("/a")), ".");
    }
}
