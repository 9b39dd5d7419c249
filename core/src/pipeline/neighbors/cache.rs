//! What was heard of files, kept in one file so that they need not be heard again.
//!
//! The file: the bytes `LWNEIGH1`; the length of the header in bytes, a `u64`; the header, JSON; the profiles' numbers,
//! `f32`, in the header's order: rhythm, timbre, and harmony where there is one; the BLAKE3 of all that, 32 bytes. Numbers
//! are little-endian.
//!
//! A file of the collection is known again by its size and time of change together with its path, or by the BLAKE3 of its
//! content wherever it lies. An index of another version of this tool, or one that is damaged, is not used: it is made
//! anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::analysis::key::{Key, Mode};
use crate::analysis::loop_file::{Kind, LoopTempo};
use crate::export::ExportError;
use crate::export::destination::write_file;
use crate::similarity::profile::{Profile, RHYTHM, TIMBRE};
use crate::track::TrackId;

const MAGIC: &[u8; 8] = b"LWNEIGH1";
/// Goes up whenever profiles come to mean something else.
const PROFILE: u32 = 1;
const HARMONY: usize = 12;
const DIGEST: usize = 32;

/// What tells whether a file has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Its path, absolute.
    path: PathBuf,
    /// Its size in bytes.
    size: u64,
    /// When it was changed, in nanoseconds since 1970; 0 where the system does not say.
    changed: u64,
    /// BLAKE3 of its bytes.
    digest: [u8; DIGEST],
}

impl Stamp {
    /// Of the file at `path`. Its content is read unless `cache` knows the path with this size and time.
    pub(super) fn of(path: &Path, cache: &Cache) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let meta = fs::metadata(&path)?;
        if !meta.is_file() {
            return Err(io::Error::other("no regular file"));
        }
        let since = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
        let changed = since.map_or(0, |t| u64::try_from(t.as_nanos()).unwrap_or(0));
        let size = meta.len();
        if let Some(known) = cache.by_path.get(&path).and_then(|i| cache.stored[*i].stamp.as_ref())
            && changed != 0
            && (known.size, known.changed) == (size, changed)
        {
            return Ok(known.clone());
        }
        let mut hash = blake3::Hasher::new();
        hash.update_reader(fs::File::open(&path)?)?;
        let digest = *hash.finalize().as_bytes();
        Ok(Self {
            path,
            size,
            changed,
            digest,
        })
    }
}

/// A file that was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What was heard.
    pub entry: Entry,
    /// What tells whether it has changed; none where nothing is kept.
    pub stamp: Option<Stamp>,
}

/// Why an index is not used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The index.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is none, or damaged.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// What is known of files.
#[derive(Debug, Default)]
pub struct Cache {
    used: bool,
    stored: Vec<Stored>,
    by_path: BTreeMap<PathBuf, usize>,
    by_digest: BTreeMap<[u8; DIGEST], usize>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    tool: String,
    profile: u32,
    entries: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    path: String,
    name: String,
    given: String,
    size: u64,
    changed: u64,
    digest: String,
    id: String,
    kind: String,
    seconds: f64,
    tempo: Option<(f64, u32, u32, f32)>,
    key: Option<(u8, bool, f32)>,
    harmony: bool,
}

impl Cache {
    /// One that knows nothing yet but is to be kept.
    pub fn new() -> Self {
        Self::of(Vec::new())
    }

    fn of(stored: Vec<Stored>) -> Self {
        let stamps = || {
            stored
                .iter()
                .enumerate()
                .filter_map(|(i, s)| Some((i, s.stamp.as_ref()?)))
        };
        Self {
            used: true,
            by_path: stamps().map(|(i, s)| (s.path.clone(), i)).collect(),
            by_digest: stamps().map(|(i, s)| (s.digest, i)).collect(),
            stored,
        }
    }

    /// False for the default, which is kept nowhere: no stamps are taken then.
    pub fn is_used(&self) -> bool {
        self.used
    }

    /// What was heard of the file with this stamp.
    pub(super) fn find(&self, stamp: &Stamp) -> Option<&Entry> {
        self.by_digest.get(&stamp.digest).map(|i| &self.stored[*i].entry)
    }

    /// The files, in the order in which they were kept.
    pub fn into_entries(self) -> Vec<Entry> {
        self.stored.into_iter().map(|s| s.entry).collect()
    }

    /// Reads the index at `path`; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`CacheError`] where it cannot be read or is not to be trusted.
    pub fn read(path: &Path) -> Result<Option<Self>, CacheError> {
        let failed = |source| CacheError::Io {
            path: path.into(),
            source,
        };
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("no regular file")));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let stored = parse(&bytes).map_err(|why| CacheError::Unusable { path: path.into(), why })?;
        Ok(Some(Self::of(stored)))
    }
}

/// Writes what was heard to `path`, whole or not at all. Files whose path is not Unicode are left out.
///
/// # Errors
///
/// [`ExportError`].
pub fn write(path: &Path, stored: &[Stored]) -> Result<(), ExportError> {
    let kept: Vec<(&Entry, Row)> = stored.iter().filter_map(|s| Some((&s.entry, row(s)?))).collect();
    let entries: Vec<&Entry> = kept.iter().map(|(e, _)| *e).collect();
    let header = Header {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        profile: PROFILE,
        entries: kept.into_iter().map(|(_, row)| row).collect(),
    };
    let header = serde_json::to_vec(&header).unwrap_or_default();
    write_file(path, |out| -> io::Result<()> {
        let mut hash = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            out.write_all(bytes)
        };
        put(MAGIC)?;
        put(&(header.len() as u64).to_le_bytes())?;
        put(&header)?;
        for entry in &entries {
            let profile = &entry.profile;
            let numbers = profile.rhythm.iter().chain(&profile.timbre).chain(&profile.harmony);
            let bytes: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
            put(&bytes)?;
        }
        let digest = *hash.finalize().as_bytes();
        out.write_all(&digest)
    })
}

fn row(stored: &Stored) -> Option<Row> {
    let (entry, stamp) = (&stored.entry, stored.stamp.as_ref()?);
    let profile = &entry.profile;
    let whole = profile.rhythm.len() == RHYTHM && profile.timbre.len() == TIMBRE;
    if !whole || !matches!(profile.harmony.len(), 0 | HARMONY) {
        return None;
    }
    Some(Row {
        path: stamp.path.to_str()?.to_owned(),
        name: entry.name.clone(),
        given: entry.path.to_str()?.to_owned(),
        size: stamp.size,
        changed: stamp.changed,
        digest: TrackId(stamp.digest).to_string(),
        id: entry.id.to_string(),
        kind: entry.kind.name().to_owned(),
        seconds: profile.seconds,
        tempo: entry.tempo.map(|t| (t.bpm, t.beats, t.meter, t.confidence)),
        key: entry.key.map(|k| (k.tonic, k.mode == Mode::Major, k.confidence)),
        harmony: !profile.harmony.is_empty(),
    })
}

fn parse(bytes: &[u8]) -> Result<Vec<Stored>, &'static str> {
    const CUT: &str = "the index is cut off";
    let body = bytes.strip_prefix(MAGIC).ok_or("no index of this tool")?;
    let (inside, digest) = bytes
        .len()
        .checked_sub(DIGEST)
        .and_then(|at| bytes.split_at_checked(at))
        .ok_or(CUT)?;
    if blake3::hash(inside).as_bytes() != digest {
        return Err("the index is damaged: its digest does not fit");
    }
    let (length, rest) = body.split_first_chunk::<8>().ok_or(CUT)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| CUT)?;
    let (header, rest) = rest.split_at_checked(length).ok_or(CUT)?;
    let header: Header = serde_json::from_slice(header).map_err(|_| "the index has another form")?;
    if header.tool != env!("CARGO_PKG_VERSION") || header.profile != PROFILE {
        return Err("the index is of another version of this tool");
    }
    let numbers = rest.len().checked_sub(DIGEST).map(|n| &rest[..n]).ok_or(CUT)?;
    let mut numbers = numbers
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut take = |n: usize| -> Result<Vec<f32>, &'static str> {
        let values: Vec<f32> = numbers.by_ref().take(n).collect();
        let good = values.len() == n && values.iter().all(|x| x.is_finite());
        good.then_some(values).ok_or("the index holds no such profiles")
    };
    let mut stored = Vec::new();
    for row in header.entries {
        let profile = Profile {
            seconds: row.seconds,
            rhythm: take(RHYTHM)?,
            timbre: take(TIMBRE)?,
            harmony: take(if row.harmony { HARMONY } else { 0 })?,
        };
        stored.push(unpacked(row, profile).ok_or("the index holds values that make no sense")?);
    }
    Ok(stored)
}

fn unpacked(row: Row, profile: Profile) -> Option<Stored> {
    let kinds = [Kind::Loop, Kind::OneShot, Kind::Silence, Kind::Recording];
    let key = match row.key {
        Some((tonic, major, confidence)) if tonic < 12 => Some(Key {
            tonic,
            mode: if major { Mode::Major } else { Mode::Minor },
            confidence,
        }),
        Some(_) => return None,
        None => None,
    };
    let tempo = row.tempo.map(|(bpm, beats, meter, confidence)| LoopTempo {
        bpm,
        beats,
        meter,
        confidence,
    });
    Some(Stored {
        stamp: Some(Stamp {
            path: PathBuf::from(row.path),
            size: row.size,
            changed: row.changed,
            digest: from_hex(&row.digest)?,
        }),
        entry: Entry {
            path: PathBuf::from(row.given),
            name: row.name,
            id: TrackId(from_hex(&row.id)?),
            kind: kinds.into_iter().find(|k| k.name() == row.kind)?,
            tempo,
            key,
            profile,
        },
    })
}

fn from_hex(text: &str) -> Option<[u8; DIGEST]> {
    let mut out = [0; DIGEST];
    if text.len() != 2 * DIGEST || !text.is_ascii() {
        return None;
    }
    for (byte, at) in out.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}
