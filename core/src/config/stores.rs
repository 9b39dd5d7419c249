//! Where files that are not on this machine are reached.

use serde::{Deserialize, Serialize};

/// Addresses and patience for Dropbox, S3 and HTTP. Holds no secrets: those come from the environment, `.env`, or what
/// `loopwright dropbox login` keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stores {
    /// One base address for all of Dropbox's interface, such as `http://127.0.0.1:8080` of a test server; Dropbox's own
    /// hosts where not set.
    pub dropbox_url: Option<String>,
    /// The key of the Dropbox app that asks for access. No secret.
    pub dropbox_app_key: Option<String>,
    /// Address of an S3-compatible server; Amazon's where not set (or the environment's `AWS_ENDPOINT_URL`).
    pub s3_endpoint: Option<String>,
    /// Region of the buckets (or the environment's `AWS_REGION`).
    pub s3_region: Option<String>,
    /// Longest time without a byte, in seconds.
    pub timeout_seconds: f64,
    /// How often a request is tried again that may succeed then.
    pub retries: u32,
}

impl Default for Stores {
    fn default() -> Self {
        Self {
            dropbox_url: None,
            dropbox_app_key: None,
            s3_endpoint: None,
            s3_region: None,
            timeout_seconds: 60.0,
            retries: 8,
        }
    }
}
