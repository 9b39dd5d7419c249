//! S3 and HTTP listings as stores, against real servers.
#![cfg(feature = "objects")]
#![allow(missing_docs)]

mod http;
mod s3;
mod servers;

use loopwright_core::config::Stores;
use loopwright_core::store::StoreError;

/// Settings that do not take long to give up.
fn settings(retries: u32) -> Stores {
    Stores {
        timeout_seconds: 20.0,
        retries,
        ..Stores::default()
    }
}

/// All that an error says, to whoever asks.
fn said(error: &StoreError) -> String {
    format!("{error} {error:?} {}", error.kind.remedy().unwrap_or_default())
}

/// Bytes that nothing compresses or repeats.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}
