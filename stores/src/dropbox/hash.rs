//! Dropbox's hash of content.

use std::fmt::Write as _;
use std::io::{self, Read};

use ring::digest::{Context, SHA256, digest};

/// Bytes that are hashed together.
const BLOCK: usize = 4 << 20;

/// The content hash that Dropbox gives to a file: SHA-256 of the SHA-256s of its blocks of 4 MiB, in hexadecimal
/// (<https://www.dropbox.com/developers/reference/content-hash>).
pub fn content_hash(content: &[u8]) -> String {
    let mut outer = Context::new(&SHA256);
    for block in content.chunks(BLOCK) {
        outer.update(digest(&SHA256, block).as_ref());
    }
    hex(outer.finish().as_ref())
}

/// As [`content_hash`], of a file that need not fit in memory.
///
/// # Errors
///
/// What reading fails with.
pub fn content_hash_of(mut file: impl Read) -> io::Result<String> {
    let mut outer = Context::new(&SHA256);
    let mut block = Vec::new();
    loop {
        block.clear();
        if file.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0 {
            return Ok(hex(outer.finish().as_ref()));
        }
        outer.update(digest(&SHA256, &block).as_ref());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_hashed_on_their_own() {
        // SHA-256 of nothing, by the definition: no block, so the hash of no hashes.
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(content_hash(b""), nothing);
        // The hash of "abc" is known (FIPS 180-2), and so is the hash of that, by `sha256sum`.
        let abc = "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358";
        assert_eq!(content_hash(b"abc"), abc);
        for length in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 5] {
            let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            assert_eq!(content_hash(&content), content_hash_of(content.as_slice()).unwrap());
        }
    }
}
