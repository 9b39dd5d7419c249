//! The bytes of `CF_HDROP`, the list of files that Windows programs take. Here, and not beside their use, so that they
//! are tested on every system.

/// Bytes of the `DROPFILES` header: the offset of the names, a point, whether that point is outside the client area, and
/// whether the names are UTF-16.
const HEADER: u32 = 20;

/// `DROPFILES`, followed by each path as UTF-16 and a NUL, followed by one more NUL. Little-endian, as on every Windows.
///
/// A path ends at its first NUL, if it had one.
pub fn drop_files<'a>(paths: impl IntoIterator<Item = &'a [u16]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&HEADER.to_le_bytes());
    // Where they were dropped: the target knows better.
    bytes.extend_from_slice(&[0; 12]);
    bytes.extend_from_slice(&1_u32.to_le_bytes());
    let units = |path: &'a [u16]| ordinary(path).into_iter().take_while(|&unit| unit != 0).chain([0]);
    for unit in paths.into_iter().flat_map(units).chain([0]) {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    bytes
}

/// The path without `\\?\`, which few programs understand in a drop; `\\?\UNC\server` becomes `\\server`. Device paths
/// (`\\?\Volume{…}`) stay, since they have no other form.
fn ordinary(path: &[u16]) -> Vec<u16> {
    let wide = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    let Some(rest) = path.strip_prefix(wide(r"\\?\").as_slice()) else {
        return path.to_owned();
    };
    if let Some(share) = rest.strip_prefix(wide(r"UNC\").as_slice()) {
        return [wide(r"\\").as_slice(), share].concat();
    }
    match rest {
        [drive, colon, ..]
            if char::from_u32((*drive).into()).is_some_and(|c| c.is_ascii_alphabetic()) && *colon == 58 =>
        {
            rest.to_owned()
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let units: Vec<u16> = bytes[20..]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        units
            .split(|&unit| unit == 0)
            .map(|name| String::from_utf16(name).unwrap())
            .collect()
    }

    #[test]
    fn header_and_names() {
        let bytes = drop_files([wide(r"C:\a.wav").as_slice(), &wide(r"C:\ä 𝄞.wav")]);
        assert_eq!(bytes[..4], [20, 0, 0, 0]);
        assert_eq!(bytes[4..16], [0; 12]);
        assert_eq!(bytes[16..20], [1, 0, 0, 0]);
        // Two ends at the end: of the last name, and of the list.
        assert_eq!(names(&bytes), [r"C:\a.wav", r"C:\ä 𝄞.wav", "", ""]);
        assert_eq!(bytes.len(), 20 + 2 * (8 + 1 + 11 + 1 + 1));
    }

    #[test]
    fn no_names() {
        assert_eq!(drop_files([]).len(), 22);
    }

    #[test]
    fn verbatim_paths_become_ordinary() {
        for (verbatim, expected) in [
            (r"\\?\C:\x.wav", r"C:\x.wav"),
            (r"\\?\UNC\server\share\x.wav", r"\\server\share\x.wav"),
            (r"\\server\share\x.wav", r"\\server\share\x.wav"),
            (r"\\?\Volume{b75e}\x.wav", r"\\?\Volume{b75e}\x.wav"),
        ] {
            assert_eq!(names(&drop_files([wide(verbatim).as_slice()]))[0], expected);
        }
    }

    #[test]
    fn a_nul_ends_a_name() {
        let bytes = drop_files([wide("a\0b").as_slice(), &wide("c")]);
        assert_eq!(names(&bytes), ["a", "c", "", ""]);
    }
}
