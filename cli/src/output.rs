//! How text reaches a terminal: tags, names and paths of strangers are printed without their control characters, which
//! could otherwise drive the terminal.

/// `text` with control characters and direction overrides replaced by `\u{FFFD}`; tabs and line ends become spaces.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// As [`plain`], but several lines stay several lines.
pub fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Minutes and seconds: `1:02.5`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// A count with its noun: `1 loop`, `3 loops`.
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A size in bytes, in the unit that suits it.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_drives_a_terminal_comes_through() {
        assert_eq!(
            plain("a\u{1b}[31mb\u{7}\u{202e}c\nd"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c d"
        );
        assert_eq!(plain_lines("a\nb\u{1b}"), "a\nb\u{fffd}");
    }

    #[test]
    fn quantities_read_well() {
        assert_eq!(clock(62.449), "1:02.4");
        assert_eq!(clock(59.96), "1:00.0");
        assert_eq!(
            (count(1, "loop"), count(0, "loop")),
            ("1 loop".into(), "0 loops".into())
        );
        assert_eq!((size(999), size(1_500_000)), ("999 bytes".into(), "1.5 MB".into()));
    }
}
