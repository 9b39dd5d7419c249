//! Genres by what files and folders are called: whole words only, whatever stands between them.
//!
//! A name is taken apart at every character that is no letter or digit, between letters and digits, and where a small letter
//! is followed by a capital; `&` is the word `n`. So `DeepHouse_128`, `deep-house` and `Deep House` are the same two words,
//! and `warehouse` holds no `house`.

/// A genre and the sequences of words that name it.
#[derive(Debug)]
pub struct Genre {
    /// The tag.
    pub tag: &'static str,
    /// What names it.
    pub names: &'static [&'static [&'static str]],
    /// Tags that a file of this genre has too.
    pub implies: &'static [&'static str],
}

/// The genres that are known.
pub static GENRES: [Genre; 17] = [
    genre(
        "ambient",
        &[
            &["ambient"],
            &["downtempo"],
            &["chillout"],
            &["chill", "out"],
            &["drone"],
        ],
    ),
    genre(
        "breaks",
        &[
            &["breaks"],
            &["breakbeat"],
            &["breakbeats"],
            &["break", "beat"],
            &["break", "beats"],
        ],
    ),
    genre("disco", &[&["disco"], &["nudisco"]]),
    Genre {
        tag: "dnb",
        names: &[
            &["dnb"],
            &["drumnbass"],
            &["drum", "n", "bass"],
            &["drum", "and", "bass"],
            &["d", "n", "b"],
            &["jungle"],
            &["neurofunk"],
            &["liquid", "funk"],
        ],
        implies: &["breaks"],
    },
    genre("dubstep", &[&["dubstep"], &["dub", "step"], &["brostep"], &["riddim"]]),
    genre("funk", &[&["funk"], &["funky"], &["breakfunk"]]),
    genre("garage", &[&["garage"], &["ukg"], &["2", "step"], &["speedgarage"]]),
    genre(
        "hiphop",
        &[
            &["hiphop"],
            &["hip", "hop"],
            &["boombap"],
            &["boom", "bap"],
            &["rap"],
            &["lofi"],
            &["lo", "fi"],
        ],
    ),
    genre(
        "house",
        &[
            &["house"],
            &["deephouse"],
            &["techhouse"],
            &["acidhouse"],
            &["progressivehouse"],
        ],
    ),
    genre("jazz", &[&["jazz"], &["jazzy"], &["swing"], &["bebop"], &["bossa"]]),
    genre(
        "latin",
        &[
            &["latin"],
            &["latino"],
            &["salsa"],
            &["samba"],
            &["reggaeton"],
            &["cumbia"],
            &["bachata"],
        ],
    ),
    genre("pop", &[&["pop"], &["synthpop"], &["electropop"], &["kpop"]]),
    genre(
        "reggae",
        &[&["reggae"], &["dub"], &["ska"], &["dancehall"], &["rocksteady"]],
    ),
    genre("rock", &[&["rock"], &["metal"], &["punk"], &["grunge"], &["indie"]]),
    genre("techno", &[&["techno"], &["minimaltechno"], &["hardtechno"]]),
    genre("trance", &[&["trance"], &["psytrance"], &["goa"]]),
    genre("trap", &[&["trap"]]),
];

const fn genre(tag: &'static str, names: &'static [&'static [&'static str]]) -> Genre {
    Genre {
        tag,
        names,
        implies: &[],
    }
}

/// Genres named in `text` (a path from the folder that was searched: names of folders count), each once, by name.
pub fn of(text: &str) -> Vec<&'static str> {
    let mut tags: Vec<&'static str> = Vec::new();
    for part in text.split(['/', '\\']) {
        let ways = [words(part, true), words(part, false)];
        for genre in &GENRES {
            if ways.iter().any(|words| genre.is_named(words)) {
                tags.push(genre.tag);
                tags.extend(genre.implies);
            }
        }
    }
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Whether a word is part of a genre's name; such words say nothing of where a file comes from.
pub(super) fn is_genre_word(word: &str) -> bool {
    GENRES.iter().any(|g| g.names.iter().any(|name| name.contains(&word)))
}

impl Genre {
    fn is_named(&self, words: &[String]) -> bool {
        let at = |name: &&[&str]| {
            words
                .windows(name.len())
                .any(|w| w.iter().zip(*name).all(|(a, b)| a == b))
        };
        self.names.iter().any(at)
    }
}

/// The words of a name in small letters; with `humps`, a capital after a small letter begins a word.
pub(super) fn words(text: &str, humps: bool) -> Vec<String> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Small,
        Other,
        Digit,
    }
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = None;
    for c in text.chars() {
        let kind = match c {
            c if c.is_numeric() => Some(Kind::Digit),
            c if c.is_lowercase() => Some(Kind::Small),
            c if c.is_alphabetic() => Some(Kind::Other),
            _ => None,
        };
        let begins = match (before, kind) {
            (Some(Kind::Digit), Some(k)) => k != Kind::Digit,
            (Some(_), Some(Kind::Digit)) => true,
            (Some(Kind::Small), Some(Kind::Other)) => humps,
            (_, k) => k.is_none(),
        };
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if kind.is_some() {
            word.extend(c.to_lowercase());
        } else if c == '&' || c == '\u{ff06}' {
            words.push("n".to_owned());
        }
        before = kind;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_name_genres_however_they_are_written() {
        for (name, tags) in [
            ("DeepHouse_128.wav", &["house"][..]),
            ("deep-house 01.wav", &["house"]),
            ("DEEP HOUSE.wav", &["house"]),
            ("warehouse.wav", &[]),
            ("popcorn rocket jazzercise trapeze.wav", &[]),
            ("Drum & Bass/amen.wav", &["breaks", "dnb"]),
            ("D&B 174.wav", &["breaks", "dnb"]),
            ("DnB_174.wav", &["breaks", "dnb"]),
            ("drum_and_bass.wav", &["breaks", "dnb"]),
            ("drumandbase.wav", &[]),
            ("Hip-Hop/boom bap 90.wav", &["hiphop"]),
            ("hiphop90.wav", &["hiphop"]),
            ("techno/loop_001.wav", &["techno"]),
            ("2step.wav", &["garage"]),
            ("jazz/funky drummer.wav", &["funk", "jazz"]),
            ("loop_break_01.wav", &[]),
            ("Ｔechno.wav", &[]),
            ("", &[]),
            ("éàü/日本語.wav", &[]),
        ] {
            assert_eq!(of(name), tags, "{name}");
        }
    }

    #[test]
    fn the_table_is_in_order_and_implies_what_it_holds() {
        assert!(GENRES.windows(2).all(|w| w[0].tag < w[1].tag));
        for genre in &GENRES {
            for name in genre.names {
                assert!(
                    !name.is_empty() && name.iter().all(|w| words(w, true) == [*w]),
                    "{name:?}"
                );
                assert!(genre.is_named(&name.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()));
            }
            assert!(genre.implies.iter().all(|i| GENRES.iter().any(|g| g.tag == *i)));
        }
    }
}
