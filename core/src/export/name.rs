//! What files are called, whatever the tags hold.
//!
//! A template such as `{artist} - {title} - {bpm}bpm{exact} - {key} - {bars}bar - {nn}` is filled and then made a legal
//! name on every system: Unicode NFC, no controls, no `<>:"/\|?*`, no direction overrides, no leading or trailing dot or
//! space, no device names of Windows, at most [`MAX_BYTES`] bytes. What is cut short is the artist and the title, never
//! what tells one loop from another.
//!
//! Programs read the tempo from the name (Audacity by a pattern that wants an integer set off by separators), so the
//! tempo is an integer there, tags lose a tempo of their own, and a tempo that is no integer is added as `_124p50`, which
//! no pattern takes for another.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

/// Longest name of a file or folder in bytes, extension included: half of what file systems take, so that there is room
/// for suffixes and for systems that store decomposed characters.
pub const MAX_BYTES: usize = 120;
/// A tempo farther than this from an integer is also given exactly.
const INTEGER_BPM: f64 = 0.05;

/// What the template's fields stand for.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// `{artist}`: the tag. Untrusted.
    pub artist: Option<&'a str>,
    /// `{title}`: the tag, or else the file's stem. Untrusted.
    pub title: Option<&'a str>,
    /// `{stem}`: the file's stem. Untrusted.
    pub stem: &'a str,
    /// `{key}`.
    pub key: Option<&'a str>,
    /// `{bpm}`, an integer, and `{exact}`, empty where the integer tells all.
    pub bpm: f64,
    /// `{bars}`.
    pub bars: u32,
    /// `{beats}`.
    pub beats: u32,
    /// `{nn}`: the loop's number.
    pub number: u32,
    /// How many digits numbers have, 2 at least.
    pub digits: usize,
}

impl Fields<'_> {
    /// The text of a field; `None` for fields that do not exist, empty text for values that are not known.
    fn value(&self, field: &str, artist: &str, title: &str) -> Option<String> {
        let clean = |text: &str| without_tempo(&sanitise(text));
        // To hundredths first: a loop of 121.499 98 and one of 121.500 02 are of one tempo, and go by one name.
        let hundredths = (self.bpm * 100.0).round();
        let integer = (hundredths / 100.0).round();
        Some(match field {
            "artist" => artist.to_owned(),
            "title" => title.to_owned(),
            "stem" => clean(self.stem),
            "key" => self.key.map(sanitise).unwrap_or_default(),
            "bpm" => format!("{integer:.0}"),
            "exact" if (self.bpm - integer).abs() > INTEGER_BPM => {
                let hundredths = hundredths as u64;
                format!("_{}p{:02}", hundredths / 100, hundredths % 100)
            }
            "exact" => String::new(),
            "bars" => self.bars.to_string(),
            "beats" => self.beats.to_string(),
            "nn" => format!("{:0width$}", self.number, width = self.digits.max(2)),
            _ => return None,
        })
    }
}

/// The fields that a template may hold.
pub const FIELDS: [&str; 9] = ["artist", "title", "stem", "key", "bpm", "exact", "bars", "beats", "nn"];

/// The first thing wrong with `template`, in words; `None` if it can be used.
pub fn template_error(template: &str) -> Option<String> {
    parse(template).into_iter().find_map(|p| match p {
        Part::Field(f) if !FIELDS.contains(&f) => Some(format!("no field {{{f}}}; there are {}", FIELDS.join(", "))),
        Part::Literal(l) if l.contains(['/', '\\']) => Some("names cannot hold / or \\".into()),
        _ => None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part<'a> {
    Literal(&'a str),
    Field(&'a str),
}

fn parse(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        if open > 0 {
            parts.push(Part::Literal(&rest[..open]));
        }
        parts.push(Part::Field(&rest[open + 1..open + close]));
        rest = &rest[open + close + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest));
    }
    parts
}

/// Fills `template` and makes it a legal name without extension, with room for one. A field that is not known takes the
/// separator after it along (the last one, the separator before it). An extension of a known audio format in the template
/// is dropped: the formats bring their own.
pub fn render(template: &str, fields: &Fields<'_>) -> String {
    const ROOM: usize = MAX_BYTES - 24;
    let template = [".wav", ".flac", ".mp3"]
        .iter()
        .fold(template, |t, ext| t.strip_suffix(ext).unwrap_or(t));
    let mut artist = fields.artist.map(|a| without_tempo(&sanitise(a))).unwrap_or_default();
    let mut title = fields.title.map(|t| without_tempo(&sanitise(t))).unwrap_or_default();
    if title.is_empty() {
        title = without_tempo(&sanitise(fields.stem));
    }
    loop {
        let name = tidy(&fill(template, fields, &artist, &title));
        let longest = if artist.len() > title.len() {
            &mut artist
        } else {
            &mut title
        };
        if name.len() <= ROOM || longest.is_empty() {
            return sanitise(&truncate(&name, ROOM));
        }
        let keep = longest.len().saturating_sub((name.len() - ROOM).max(1));
        *longest = tidy(&truncate(longest, keep));
    }
}

fn fill(template: &str, fields: &Fields<'_>, artist: &str, title: &str) -> String {
    let mut out = String::new();
    let mut pending: Option<&str> = None; // a separator that waits for what follows
    let mut drop_next = false;
    for part in parse(template) {
        match part {
            Part::Literal(l) if drop_next && is_separator(l) => drop_next = false,
            Part::Literal(l) => {
                drop_next = false;
                if is_separator(l) {
                    pending = Some(l);
                } else {
                    out.push_str(pending.take().unwrap_or_default());
                    out.push_str(l);
                }
            }
            Part::Field(f) => {
                let value = fields.value(f, artist, title).unwrap_or_default();
                if value.is_empty() {
                    drop_next = f != "exact";
                } else {
                    out.push_str(pending.take().unwrap_or_default());
                    out.push_str(&value);
                    drop_next = false;
                }
            }
        }
    }
    out
}

fn is_separator(literal: &str) -> bool {
    literal.chars().all(|c| matches!(c, ' ' | '-' | '_' | '.' | ','))
}

/// `text` without every number that is followed by `bpm`, so that a tag cannot bring in a second tempo.
fn without_tempo(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lower = |i: usize| chars.get(i).map(char::to_ascii_lowercase);
    let mut keep = vec![true; chars.len()];
    for i in 0..chars.len() {
        if (lower(i), lower(i + 1), lower(i + 2)) != (Some('b'), Some('p'), Some('m')) {
            continue;
        }
        let mut from = i;
        while from > 0 && matches!(chars[from - 1], ' ' | '_' | '-' | '.') {
            from -= 1;
        }
        let digits_end = from;
        while from > 0 && (chars[from - 1].is_numeric() || (from < digits_end && matches!(chars[from - 1], '.' | ',')))
        {
            from -= 1;
        }
        if from < digits_end {
            keep[from..i + 3].fill(false);
        }
    }
    let kept: String = chars.iter().zip(&keep).filter(|(_, k)| **k).map(|(c, _)| *c).collect();
    // Taking a tempo out may put a number before another `bpm`.
    if keep.contains(&false) {
        without_tempo(&tidy(&kept))
    } else {
        kept
    }
}

/// Removes empty brackets, doubled separators, and separators at the ends.
fn tidy(text: &str) -> String {
    let mut out = text.to_owned();
    loop {
        let mut next = out.replace("()", "").replace("[]", "").replace("  ", " ");
        next = next.replace("- -", "-").replace("__", "_");
        if next == out {
            break;
        }
        out = next;
    }
    out.trim_matches([' ', '-', '_', '.', ',']).to_owned()
}

/// The longest beginning of `text` of at most `bytes` bytes that does not cut a character.
fn truncate(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}

/// Makes `text` one legal part of a path on every system; `untitled-` and a hash of the text where nothing is left.
pub fn component(text: &str) -> String {
    let name = sanitise(text);
    if !name.is_empty() {
        return name;
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("untitled-{}", &hash[..8])
}

/// As [`component`], but possibly empty.
fn sanitise(text: &str) -> String {
    let mut out = String::new();
    for c in text.nfc() {
        match c {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => out.push('_'),
            // Direction marks and overrides, invisible marks, line separators, non-characters.
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}' => {}
            '\u{FFF0}'..='\u{FFFF}' => {}
            c if c.is_control() => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    // What was removed may have stood between a character and its accent.
    let mut name: String = trimmed(&out).nfc().collect();
    name = trimmed(&truncate(&name, MAX_BYTES)).to_owned();
    if is_device(&name) {
        name.insert(0, '_');
        name = trimmed(&truncate(&name, MAX_BYTES)).to_owned();
    }
    name
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '.' || c.is_whitespace())
}

/// True for the names that Windows keeps for devices, with or without an extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let mut chars = stem.chars();
    let port: String = chars.by_ref().take(3).collect();
    ["COM", "LPT"].contains(&port.as_str())
        && chars
            .next()
            .is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'))
        && chars.next().is_none()
}

/// What two names have in common where they are the same file to a system that ignores case.
pub(crate) fn folded(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Names given out in one folder, each once.
#[derive(Debug, Clone, Default)]
pub struct Unique {
    taken: BTreeSet<String>,
}

impl Unique {
    /// With names that are taken from the start.
    pub fn new<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            taken: taken.into_iter().map(folded).collect(),
        }
    }

    /// Claims `stem` with each of `suffixes`, or the first of `stem (2)`, `stem (3)`, ... that is free with all of them.
    pub fn claim(&mut self, stem: &str, suffixes: &[String]) -> Vec<String> {
        let longest = suffixes.iter().map(String::len).max().unwrap_or(0);
        let mut number = 1u64;
        loop {
            let mut mark = String::new();
            if number > 1 {
                let _ = write!(mark, " ({number})");
            }
            let stem = component(&truncate(stem, MAX_BYTES.saturating_sub(longest + mark.len())));
            let names: Vec<String> = suffixes.iter().map(|s| format!("{stem}{mark}{s}")).collect();
            if names.iter().all(|n| !self.taken.contains(&folded(n))) {
                self.taken.extend(names.iter().map(|n| folded(n)));
                return names;
            }
            number += 1;
        }
    }
}

/// The tempo that Audacity reads from a file name, by the rule of its pattern
/// `(?:.*(?:_|-|\s|\.|/|\\))?(\d+)(?:_|-|\s|\.)?bpm(?:(?:_|-|\s|\.).*)?`, case ignored, 30 to 300 only.
pub fn audacity_tempo(name: &str) -> Option<u32> {
    let text = name.to_ascii_lowercase();
    let bytes = text.as_bytes();
    let separates = |b: u8| matches!(b, b'_' | b'-' | b'.') || b.is_ascii_whitespace();
    // The leading part is greedy, so the last place that fits is the one taken.
    let places: Vec<usize> = text.match_indices("bpm").map(|(i, _)| i).collect();
    places
        .into_iter()
        .rev()
        .find_map(|at| {
            if bytes.get(at + 3).is_some_and(|&b| !separates(b)) {
                return None;
            }
            let mut end = at;
            if end > 0 && separates(bytes[end - 1]) {
                end -= 1;
            }
            let mut from = end;
            while from > 0 && bytes[from - 1].is_ascii_digit() {
                from -= 1;
            }
            let bounded = from == 0 || separates(bytes[from - 1]) || matches!(bytes[from - 1], b'/' | b'\\');
            let bpm: u32 = text.get(from..end).filter(|d| !d.is_empty() && bounded)?.parse().ok()?;
            Some(bpm)
        })
        .filter(|bpm| (30..=300).contains(bpm))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "{artist} - {title} - {bpm}bpm{exact} - {key} - {bars}bar - {nn}";

    fn fields<'a>(artist: Option<&'a str>, title: &'a str, key: Option<&'a str>, bpm: f64) -> Fields<'a> {
        Fields {
            artist,
            title: Some(title),
            stem: "stem",
            key,
            bpm,
            bars: 8,
            beats: 32,
            number: 1,
            digits: 1,
        }
    }

    #[test]
    fn the_default_template() {
        let render = |f| render(DEFAULT, &f);
        assert_eq!(
            render(fields(Some("Artist"), "Title", Some("Am"), 123.99995)),
            "Artist - Title - 124bpm - Am - 8bar - 01"
        );
        assert_eq!(render(fields(None, "Title", None, 124.0)), "Title - 124bpm - 8bar - 01");
        assert_eq!(
            render(fields(None, "Title", None, 124.5)),
            "Title - 125bpm_124p50 - 8bar - 01"
        );
        assert_eq!(
            render(fields(None, "Title", None, 124.4999)),
            "Title - 125bpm_124p50 - 8bar - 01"
        );
        assert_eq!(render(fields(None, "", None, 90.0)), "stem - 90bpm - 8bar - 01");
        assert_eq!(
            render(fields(None, "90bpm mix (174 BPM)", None, 174.0)),
            "mix - 174bpm - 8bar - 01"
        );
        assert_eq!(super::render("{nn} {key}", &fields(None, "x", None, 90.0)), "01");
        assert_eq!(
            super::render("{title}_{nn}.wav", &fields(None, "x", None, 90.0)),
            "x_01"
        );
        let long = "é".repeat(300);
        let name = render(fields(Some(&long), &long, Some("F#m"), 87.0));
        assert!(
            name.ends_with(" - 87bpm - F#m - 8bar - 01") && name.len() <= MAX_BYTES - 20,
            "{name}"
        );
        assert_eq!(template_error(DEFAULT), None);
        assert!(template_error("{tempo}").is_some() && template_error("a/{nn}").is_some());
    }

    #[test]
    fn audacity_reads() {
        for (name, bpm) in [
            ("Artist - Title - 124bpm - Am - 8bar - 01.wav", Some(124)),
            ("Artist_Title_124bpm_Am_8bar_01.wav", Some(124)),
            ("Artist Title 124 BPM Am.wav", Some(124)),
            ("loop_123.98bpm_Am.wav", Some(98)),
            ("loop_124.50bpm.wav", Some(50)),
            ("loop 087.5bpm.wav", None),
            ("Title [124bpm] Am", None),
            ("(124bpm)", None),
            ("124_Am", None),
            ("bpm124", None),
            ("loop124bpm", None),
            ("128bpmAm", None),
            ("Artist - 90bpm mix - 174bpm - Fm.wav", Some(174)),
        ] {
            assert_eq!(audacity_tempo(name), bpm, "{name}");
        }
    }

    #[test]
    fn hostile_texts() {
        for (text, want) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\x", "C__x"),
            ("a:b", "a_b"),
            ("con", "_con"),
            ("Com1.txt", "_Com1.txt"),
            ("LPT².x", "_LPT².x"),
            ("console", "console"),
            (" .hidden. ", "hidden"),
            ("a\u{202E}gpj.wav\u{0}\n", "agpj.wav"),
            ("e\u{301}", "é"),
        ] {
            assert_eq!(component(text), want, "{text:?}");
        }
        assert!(component("...").starts_with("untitled-") && component("").starts_with("untitled-"));
        assert_ne!(component("."), component(".."));
        assert!(component(&"日".repeat(100)).len() <= MAX_BYTES);
    }

    #[test]
    fn same_names_are_numbered() {
        let mut names = Unique::new(["table.csv"]);
        let wav = [".wav".to_owned()];
        assert_eq!(names.claim("A", &wav), ["A.wav"]);
        assert_eq!(names.claim("a", &wav), ["a (2).wav"]);
        assert_eq!(names.claim("É", &wav), ["É.wav"]);
        assert_eq!(names.claim("e\u{301}", &wav), ["é (2).wav"]);
        assert_eq!(names.claim("table", &[".csv".to_owned()]), ["table (2).csv"]);
    }

    /// Microsoft's rules for a file name, written down apart from the code above.
    fn windows_accepts(name: &str) -> bool {
        let reserved = [
            "CON", "PRN", "AUX", "NUL", "COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
            "COM¹", "COM²", "COM³", "LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
            "LPT¹", "LPT²", "LPT³",
        ];
        let base = name.split('.').next().unwrap().trim_end_matches(' ').to_uppercase();
        !name.is_empty()
            && name.encode_utf16().count() <= 255
            && name.len() <= MAX_BYTES
            && !name.chars().any(|c| (c as u32) < 32 || "<>:\"/\\|?*".contains(c))
            && !name.ends_with(['.', ' '])
            && !name.starts_with(['.', ' '])
            && !reserved.contains(&base.as_str())
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn any_tags_make_a_legal_name(artist in "\\PC{0,80}|.{0,80}", title in ".{0,200}|[A-Za-z0-9 .]{0,9}",
                                      stem in ".{0,40}", bpm in 30.0f64..300.0, digits in 1usize..7) {
            let f = Fields { artist: Some(&artist), stem: &stem, digits, ..fields(None, &title, Some("Am"), bpm) };
            let mut names = Unique::default();
            let name = &names.claim(&render(DEFAULT, &f), &[".flac".to_owned()])[0];
            proptest::prop_assert!(windows_accepts(name), "{name:?}");
            proptest::prop_assert!(name.ends_with(&format!("{:0w$}.flac", 1, w = digits.max(2))), "{name:?}");
            proptest::prop_assert_eq!(audacity_tempo(name), Some(((bpm * 100.0).round() / 100.0).round() as u32), "{:?}", name);
            let path = std::path::Path::new("/some/root").join(name);
            proptest::prop_assert_eq!(path.parent().unwrap(), std::path::Path::new("/some/root"));
            let again = component(name);
            proptest::prop_assert_eq!(&again, name);
        }

        #[test]
        fn any_text_makes_a_legal_part(text in ".{0,300}|(con|aux|com1|\\.|/|\u{202e}| ){0,9}") {
            let name = component(&text);
            proptest::prop_assert!(windows_accepts(&name), "{name:?}");
            proptest::prop_assert_eq!(component(&name), name);
        }
    }
}
