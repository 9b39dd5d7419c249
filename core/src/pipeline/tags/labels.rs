//! Where labels come from: names, sound, tables of the user's own, a contact map.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{Heard, Input};
use crate::guard::undisarmed;
use crate::learn::multilabel::audio_tags::FAMILIES;
use crate::learn::multilabel::examples::Label;
use crate::learn::multilabel::genres::{self, GENRES};
use crate::model::multilabel::{CONTACT, TAGS};

/// The table of a contact map's labels.
pub const CONTACT_LABELS: &str = "contact_map_labels.csv";
/// Most characters of a tag of the user's own.
const LONGEST: usize = 100;
/// Most tags of a table.
const MOST_TAGS: usize = 4096;

/// What says which tags a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// What it and its folders are called.
    Filename,
    /// How it sounds.
    Audio,
    /// Both.
    Hybrid,
}

impl Source {
    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filename => "filename",
            Self::Audio => "audio",
            Self::Hybrid => "hybrid",
        }
    }
}

/// Why labels cannot be read. Lines are counted from 1, with the header as line 1.
#[derive(Debug, thiserror::Error)]
pub enum LabelsError {
    /// The file cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It is no such table.
    #[error("{}: {problem}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
}

/// A table of files with their tags, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The file as the table has it, and its tags, sorted.
    pub rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Reads the user's own tags: a CSV of columns `file` and `tags`, tags separated by `|` or `;`. A file that stands there
    /// again adds to its tags; a file without tags has none of them.
    ///
    /// # Errors
    ///
    /// [`LabelsError`] names the column or the line.
    pub fn of_tags(path: &Path) -> Result<Self, LabelsError> {
        Self::read(path, &["tags"], |_, text| split(text, &['|', ';']))
    }

    /// Reads the labels of a contact map: `file`, `contact_bin` (`cm_bin_0` or its number), `contact_tags`.
    ///
    /// # Errors
    ///
    /// [`LabelsError`] names the column or the line.
    pub fn of_contact(path: &Path) -> Result<Self, LabelsError> {
        Self::read(path, &["contact_bin", "contact_tags"], |column, text| {
            if column == "contact_bin" && text.trim().parse::<u32>().is_ok() {
                return vec![format!("cm_bin_{}", text.trim())];
            }
            split(text, &['|', ';', ',', ' '])
        })
    }

    fn read(path: &Path, columns: &[&str], tags: impl Fn(&str, &str) -> Vec<String>) -> Result<Self, LabelsError> {
        let broken = |problem: String| LabelsError::Broken {
            path: path.into(),
            problem,
        };
        let text = std::fs::read(path).map_err(|source| LabelsError::Io {
            path: path.into(),
            source,
        })?;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
        let header: Vec<String> = reader
            .headers()
            .map_err(|e| broken(e.to_string()))?
            .iter()
            .map(|h| h.trim().to_owned())
            .collect();
        let at = |name: &str| {
            header.iter().position(|h| h == name).ok_or_else(|| {
                broken(format!(
                    "no column `{name}`; it needs file,{} (found: {})",
                    columns.join(","),
                    header.join(", ")
                ))
            })
        };
        let file_at = at("file")?;
        let tags_at = columns
            .iter()
            .map(|c| Ok((*c, at(c)?)))
            .collect::<Result<Vec<_>, LabelsError>>()?;
        let mut rows: Vec<(String, BTreeSet<String>)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut all: BTreeSet<String> = BTreeSet::new();
        for record in reader.records() {
            let record = record.map_err(|e| broken(e.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let file = undisarmed(record.get(file_at).unwrap_or_default()).to_owned();
            if file.is_empty() {
                return Err(broken(format!("line {line}: no name in the column `file`")));
            }
            let index = *known.entry(file.clone()).or_insert(rows.len());
            if index == rows.len() {
                rows.push((file, BTreeSet::new()));
            }
            for (column, at) in &tags_at {
                for tag in tags(column, undisarmed(record.get(*at).unwrap_or_default())) {
                    if tag.chars().count() > LONGEST || tag.chars().any(char::is_control) {
                        let start: String = tag.chars().filter(|c| !c.is_control()).take(30).collect();
                        return Err(broken(format!(
                            "line {line}: `{start}…` in the column `{column}` is no tag: at most {LONGEST} characters, none of \
                             them for control"
                        )));
                    }
                    all.insert(tag.clone());
                    rows[index].1.insert(tag);
                }
            }
            if all.len() > MOST_TAGS {
                return Err(broken(format!("line {line}: more than {MOST_TAGS} different tags")));
            }
        }
        Ok(Self {
            rows: rows.into_iter().map(|(f, t)| (f, t.into_iter().collect())).collect(),
        })
    }

    /// All its tags, sorted.
    pub fn tags(&self) -> Vec<&str> {
        let all: BTreeSet<&str> = self.rows.iter().flat_map(|r| r.1.iter().map(String::as_str)).collect();
        all.into_iter().collect()
    }

    /// The row of a file: by its path as tables have it, else by the path that it leads to, else by a name that one row and
    /// one of `files` alone have. One answer for each of `files`.
    fn rows_of(&self, files: &[(&Input, &Heard)]) -> Vec<Option<usize>> {
        let mut exact: BTreeMap<String, usize> = BTreeMap::new();
        let mut by_name: BTreeMap<String, Option<usize>> = BTreeMap::new();
        for (i, (file, _)) in self.rows.iter().enumerate() {
            exact.insert(slashes(file), i);
            exact.entry(whole(Path::new(file))).or_insert(i);
            by_name
                .entry(last(file))
                .and_modify(|row| *row = None)
                .or_insert(Some(i));
        }
        let mut twice: BTreeMap<String, usize> = BTreeMap::new();
        for (input, _) in files {
            *twice.entry(last(&input.name)).or_insert(0) += 1;
        }
        files
            .iter()
            .map(|(input, _)| {
                let ways = [slashes(&input.file), slashes(&input.name), whole(input.place.path())];
                let found = ways.iter().find_map(|way| exact.get(way)).copied();
                let name = last(&input.name);
                found.or_else(|| {
                    by_name
                        .get(&name)
                        .copied()
                        .flatten()
                        .filter(|_| twice.get(&name) == Some(&1))
                })
            })
            .collect()
    }
}

fn split(text: &str, at: &[char]) -> Vec<String> {
    let tags = text.split(|c| at.contains(&c)).map(str::trim);
    tags.filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

fn slashes(path: &str) -> String {
    path.replace('\\', "/")
}

fn whole(path: &Path) -> String {
    let path = path.canonicalize().or_else(|_| std::path::absolute(path));
    path.map_or_else(|_| String::new(), |p| p.to_string_lossy().into_owned())
}

fn last(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// What says which tags the files have.
#[derive(Debug, Clone)]
pub enum Labels {
    /// Names, sound, and a table of the user's own.
    Tags {
        /// Which of the first two.
        source: Source,
        /// The third.
        own: Option<Table>,
    },
    /// A contact map.
    Contact(Table),
}

/// Labels with what is known of each file.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// The labels.
    pub labels: Vec<Label>,
    /// Of each file, whether it has each label; `None` where nobody knows.
    pub truth: Vec<Vec<Option<bool>>>,
}

impl Labels {
    /// What the model's file says it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tags { .. } => TAGS,
            Self::Contact(_) => CONTACT,
        }
    }

    /// The source's name, for records.
    pub fn source(&self) -> &'static str {
        match self {
            Self::Tags { source, .. } => source.name(),
            Self::Contact(_) => "contact_map",
        }
    }

    /// The same in words, for cards.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Tags { source, own } => match (source, own.is_some()) {
                (Source::Filename, false) => "genres named in the names of files and folders",
                (Source::Audio, false) => "properties measured of the audio (tempo, beat, rhythm)",
                (Source::Hybrid, false) => {
                    "genres named in the names of files and folders, and properties measured of the audio"
                }
                (Source::Filename, true) => "a table of the user's, and genres named in the names of files and folders",
                (Source::Audio, true) => "a table of the user's, and properties measured of the audio",
                (Source::Hybrid, true) => {
                    "a table of the user's, genres named in the names of files and folders, and properties measured of the audio"
                }
            },
            Self::Contact(_) => "the pseudo-labels of one contact map (bins of its order, signs of its eigenvectors)",
        }
    }

    /// Whether files have to be measured.
    pub fn wants_measures(&self) -> bool {
        matches!(
            self,
            Self::Tags {
                source: Source::Audio | Source::Hybrid,
                ..
            }
        )
    }

    /// Labels of `files`.
    ///
    /// A file whose name tells no genre may be of any: its genres are unknown. So are the tags of a table in which a file does
    /// not stand. A tag of a family is unknown where its measure is.
    pub fn of(&self, files: &[(&Input, &Heard)]) -> Labelled {
        let mut out = Labelled {
            labels: Vec::new(),
            truth: vec![Vec::new(); files.len()],
        };
        match self {
            Self::Tags { source, own } => {
                if matches!(source, Source::Audio | Source::Hybrid) {
                    out.add_audio(files);
                }
                if matches!(source, Source::Filename | Source::Hybrid) {
                    out.add_genres(files);
                }
                if let Some(table) = own {
                    out.add_table(table, files, |_| None);
                }
            }
            Self::Contact(table) => out.add_table(table, files, contact_family),
        }
        out
    }
}

/// The family of a contact map's label: its bins exclude each other, and so do the signs of an eigenvector.
fn contact_family(tag: &str) -> Option<String> {
    if tag.starts_with("cm_bin_") {
        return Some("cm_bin".into());
    }
    let of = |end: &str| tag.strip_suffix(end).map(str::to_owned);
    of("_pos").or_else(|| of("_neg"))
}

impl Labelled {
    fn add_audio(&mut self, files: &[(&Input, &Heard)]) {
        for family in &FAMILIES {
            self.labels
                .extend(family.tags.iter().map(|t| Label::of(t, family.name)));
            for (truth, (_, heard)) in self.truth.iter_mut().zip(files) {
                let tag = heard.described.measures.as_ref().and_then(|m| family.tag(m));
                truth.extend(family.tags.iter().map(|t| tag.map(|own| own == *t)));
            }
        }
    }

    fn add_genres(&mut self, files: &[(&Input, &Heard)]) {
        self.labels.extend(GENRES.iter().map(|g| Label::alone(g.tag)));
        for (truth, (input, _)) in self.truth.iter_mut().zip(files) {
            let own = genres::of(&input.name);
            let known = |tag: &str| (!own.is_empty()).then(|| own.contains(&tag));
            truth.extend(GENRES.iter().map(|g| known(g.tag)));
        }
    }

    /// A tag of the table that has a label already says more of the files that stand there.
    fn add_table(&mut self, table: &Table, files: &[(&Input, &Heard)], family: impl Fn(&str) -> Option<String>) {
        let rows = table.rows_of(files);
        for tag in table.tags() {
            let known = self.labels.iter().position(|l| l.name == tag);
            let at = known.unwrap_or(self.labels.len());
            if known.is_none() {
                self.labels.push(Label {
                    name: tag.to_owned(),
                    family: family(tag),
                });
            }
            for (truth, row) in self.truth.iter_mut().zip(&rows) {
                let own = row.map(|r| table.rows[r].1.iter().any(|t| t == tag));
                match truth.get_mut(at) {
                    // The user's word counts.
                    Some(before) if own.is_some() => *before = own,
                    Some(_) => {}
                    None => truth.push(own),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::multilabel::Described;
    use crate::track::TrackId;

    fn input(name: &str) -> Input {
        Input {
            place: PathBuf::from(name).into(),
            file: name.to_owned(),
            name: name.to_owned(),
        }
    }

    fn heard(index: usize) -> Heard {
        Heard {
            index,
            id: TrackId([index as u8; 32]),
            described: Described {
                features: Vec::new(),
                measures: None,
            },
        }
    }

    fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn tables_of_tags_are_read_and_their_faults_named() {
        let (_folder, path) = written("\u{feff}tags,file\nwarm | loud,a.wav\n,b.wav\ndark;warm,a.wav\n'=x,'=c.wav\n");
        let table = Table::of_tags(&path).unwrap();
        assert_eq!(table.tags(), ["=x", "dark", "loud", "warm"]);
        assert_eq!(
            table.rows[0],
            ("a.wav".into(), vec!["dark".into(), "loud".into(), "warm".into()])
        );
        assert_eq!(table.rows[1], ("b.wav".into(), vec![]));
        assert_eq!(table.rows[2].0, "=c.wav");
        for (text, named) in [
            ("file,tag\na,b\n", "no column `tags`"),
            ("tags\nx\n", "no column `file`"),
            ("file,tags\n,x\n", "line 2"),
            ("file,tags\na,b\u{7}\n", "line 2"),
            ("", "no column"),
        ] {
            let (_folder, path) = written(text);
            let error = Table::of_tags(&path).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("t.csv"), "{error}");
        }
        assert!(matches!(
            Table::of_tags(Path::new("/none.csv")),
            Err(LabelsError::Io { .. })
        ));
    }

    #[test]
    fn labels_of_a_contact_map_are_families() {
        let (_folder, path) = written(
            "file,contact_bin,contact_tags,fiedler_value\na.wav,cm_bin_0,lap_e1_pos|lap_e2_neg,-0.5\nb.wav,3,\"lap_e1_neg,lap_e2_neg\",0.5\n",
        );
        let table = Table::of_contact(&path).unwrap();
        assert_eq!(
            table.tags(),
            ["cm_bin_0", "cm_bin_3", "lap_e1_neg", "lap_e1_pos", "lap_e2_neg"]
        );
        let (a, b, h) = (input("a.wav"), input("b.wav"), heard(0));
        let labelled = Labels::Contact(table).of(&[(&a, &h), (&b, &h)]);
        let families: Vec<Option<&str>> = labelled.labels.iter().map(|l| l.family.as_deref()).collect();
        assert_eq!(
            families,
            [
                Some("cm_bin"),
                Some("cm_bin"),
                Some("lap_e1"),
                Some("lap_e1"),
                Some("lap_e2")
            ]
        );
        assert_eq!(labelled.truth[0], [true, false, false, true, true].map(Some));
    }

    #[test]
    fn what_a_name_does_not_say_is_unknown_and_the_user_is_right() {
        let (_folder, path) = written("file,tags\nx/techno_1.wav,warm|house\n");
        let labels = Labels::Tags {
            source: Source::Filename,
            own: Some(Table::of_tags(&path).unwrap()),
        };
        let inputs = [input("x/techno_1.wav"), input("x/other.wav"), input("y/house 2.wav")];
        let h = heard(0);
        let files: Vec<(&Input, &Heard)> = inputs.iter().map(|i| (i, &h)).collect();
        let labelled = labels.of(&files);
        let at = |name: &str| labelled.labels.iter().position(|l| l.name == name).unwrap();
        let of = |file: usize, name: &str| labelled.truth[file][at(name)];
        assert_eq!(
            (of(0, "techno"), of(1, "techno"), of(2, "techno")),
            (Some(true), None, Some(false))
        );
        assert_eq!(
            (of(0, "house"), of(1, "house"), of(2, "house")),
            (Some(true), None, Some(true))
        );
        assert_eq!((of(0, "warm"), of(1, "warm"), of(2, "warm")), (Some(true), None, None));
        assert_eq!(labelled.labels.len(), 18);
    }

    #[test]
    fn files_find_their_rows_by_path_then_by_a_name_that_is_theirs_alone() {
        let table = Table {
            rows: ["a/x.wav", "b/x.wav", "old/y.wav", "z.wav"]
                .map(|f| (f.to_owned(), vec![]))
                .to_vec(),
        };
        let inputs = ["a/x.wav", "c/x.wav", "new/y.wav", "p/z.wav", "q/z.wav", "none.wav"].map(input);
        let h = heard(0);
        let files: Vec<(&Input, &Heard)> = inputs.iter().map(|i| (i, &h)).collect();
        assert_eq!(table.rows_of(&files), [Some(0), None, Some(2), None, None, None]);
    }
}
