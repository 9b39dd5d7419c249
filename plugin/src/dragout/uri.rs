//! Lists of files as text: `text/uri-list` (RFC 2483) and plain paths.

/// `paths` as a `text/uri-list`: one `file://` URI a line, in order, each line ended by CR LF.
///
/// A path is absolute, as the bytes that the file system has, in whatever encoding. Every byte but RFC 3986's unreserved
/// ones and `/` is percent-encoded, so that a name survives whatever is in it: spaces, `#`, `%`, line ends, Latin-1.
pub fn uri_list<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut list = Vec::new();
    for path in paths {
        list.extend_from_slice(b"file://");
        for &byte in path {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                list.push(byte);
            } else {
                let digit = |half: u8| HEX.get(usize::from(half)).copied().unwrap_or(b'0');
                list.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        list.extend_from_slice(b"\r\n");
    }
    list
}

/// `paths` as they are, one a line, without an end after the last: what a text field is given.
pub fn plain<'a>(paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let paths: Vec<_> = paths.into_iter().collect();
    paths.join(&b'\n')
}

/// The paths in a `text/uri-list`, the reverse of [`uri_list`]: comments and what is no local file are left out.
///
/// A host name between `file://` and the path is dropped, since the programs that write one mean this machine.
pub fn paths(list: &[u8]) -> Vec<Vec<u8>> {
    list.split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter_map(|line| line.strip_prefix(b"file://"))
        .filter_map(|rest| rest.iter().position(|&byte| byte == b'/').and_then(|at| rest.get(at..)))
        .map(decoded)
        .collect()
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        rest = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    after
                }
                _ => {
                    bytes.push(b'%');
                    tail
                }
            },
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_anything_in_them() {
        let list = uri_list([
            "/tmp/äöü #%+ '.wav".as_bytes(),
            b"/a b/line\nend\r.wav",
            b"/latin-\xe4\xff.wav",
        ]);
        assert_eq!(
            String::from_utf8(list).unwrap(),
            "file:///tmp/%C3%A4%C3%B6%C3%BC%20%23%25%2B%20%27.wav\r\n\
             file:///a%20b/line%0Aend%0D.wav\r\n\
             file:///latin-%E4%FF.wav\r\n"
        );
    }

    #[test]
    fn what_needs_no_code_has_none() {
        let plain = b"/AZ/az/09-._~/x.wav".as_slice();
        assert_eq!(uri_list([plain]), b"file:///AZ/az/09-._~/x.wav\r\n");
    }

    #[test]
    fn every_byte_comes_back() {
        let name: Vec<u8> = std::iter::once(b'/').chain(1..=255).collect();
        let names = [name.as_slice(), b"/second.wav", b"/third%41.wav"];
        assert_eq!(paths(&uri_list(names)), names);
    }

    #[test]
    fn lists_of_others() {
        let list = b"# comment\r\nfile://host/a%20b\nhttp://x/y\r\nfile:///100%\r\nfile:///%zz%4";
        assert_eq!(paths(list), [b"/a b".as_slice(), b"/100%", b"/%zz%4"]);
    }

    #[test]
    fn plain_paths_are_lines() {
        assert_eq!(plain([b"/a b".as_slice(), b"/c"]), b"/a b\n/c");
        assert_eq!(plain([]), b"");
    }
}
