//! The rows of one track on the disk, while a run is under way: so that it can go on where it was stopped, and so that no
//! more than a track is in memory at once.

use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 8] = b"LWROWS1\n";
const HASH: usize = 32;

/// One row but for its features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) bars: u32,
    pub(super) weight: f64,
    pub(super) kind: String,
    /// From 0; none outside all sections.
    pub(super) section: Option<usize>,
    pub(super) content: usize,
}

/// The rows of one track.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Shard {
    pub(super) rows: Vec<Row>,
    /// Why there are none.
    pub(super) detail: String,
    /// What was odd about the file.
    pub(super) warnings: Vec<String>,
    /// Candidates before any were left out.
    pub(super) candidates: usize,
    /// Tempo, where there are beats.
    pub(super) bpm: Option<f64>,
    /// Features, row by row.
    #[serde(skip)]
    pub(super) values: Vec<f32>,
}

impl Shard {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Plain data serialises; what did not would be refused on reading.
        let head = serde_json::to_vec(self).unwrap_or_default();
        let mut out = Vec::with_capacity(MAGIC.len() + 8 + head.len() + 4 * self.values.len() + HASH);
        out.extend(MAGIC);
        out.extend((head.len() as u64).to_le_bytes());
        out.extend(head);
        out.extend(self.values.iter().flat_map(|x| x.to_le_bytes()));
        let hash = blake3::hash(&out);
        out.extend(hash.as_bytes());
        out
    }

    /// `None` for anything but a whole shard with rows of `width` features.
    pub(super) fn from_bytes(bytes: &[u8], width: usize) -> Option<Self> {
        let (body, hash) = bytes.split_last_chunk::<HASH>()?;
        if blake3::hash(body).as_bytes() != hash {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let (head, values) = rest.split_at_checked(length)?;
        let mut shard: Self = serde_json::from_slice(head).ok()?;
        let (chunks, left) = values.as_chunks::<4>();
        shard.values = chunks.iter().map(|b| f32::from_le_bytes(*b)).collect();
        (left.is_empty() && shard.values.len() == shard.rows.len() * width).then_some(shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_reads_back_bit_by_bit_and_nothing_else_does() {
        let row = |start: f64| Row {
            start,
            end: start + 2.0,
            bars: 1,
            weight: 0.1 + 0.2,
            kind: "candidate".into(),
            section: None,
            content: 3,
        };
        let shard = Shard {
            rows: vec![row(0.1), row(1e-7)],
            values: vec![0.1, f32::MIN_POSITIVE, -0.0, 3e38],
            bpm: Some(123.456),
            ..Shard::default()
        };
        let bytes = shard.to_bytes();
        assert_eq!(Shard::from_bytes(&bytes, 2).as_ref(), Some(&shard));
        assert_eq!(Shard::from_bytes(&bytes, 3), None);
        for cut in 0..bytes.len() {
            assert_eq!(Shard::from_bytes(&bytes[..cut], 2), None);
        }
        let mut spoilt = bytes.clone();
        spoilt[bytes.len() / 2] ^= 1;
        assert_eq!(Shard::from_bytes(&spoilt, 2), None);
    }
}
