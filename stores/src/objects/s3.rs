//! S3-compatible stores.

mod connect;
mod words;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use loopwright_core::config::Stores;
use loopwright_core::progress::{Progress, Silent};
use loopwright_core::store::{Entry, Location, Store, StoreError, StoreErrorKind};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, GetOptions, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig};

use super::transport::{Transport, host};
use super::{MOST_BYTES, POLL, error};

/// Longest time that a request is tried again and again.
const PATIENCE: Duration = Duration::from_secs(600);

/// Content beyond this is written in parts of this size. S3 takes 10 000 parts of at least 5 MiB, and at most 5 GiB at once.
const PART: usize = 32 << 20;

/// Longest time to clear away the parts of what could not be written.
const CLEARING: Duration = Duration::from_secs(10);

/// Opens the place at `address`.
pub(super) fn open(
    address: &str,
    settings: &Stores,
    environment: &BTreeMap<String, String>,
) -> Result<Location, StoreError> {
    let refuse = |why: String| error(address.to_owned(), StoreErrorKind::Unsupported(why));
    let rest = address.strip_prefix("s3://").unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if bucket.is_empty() || !bucket.chars().all(plain) {
        return Err(refuse("is no address of a bucket: write s3://bucket/folder".into()));
    }
    let store = Bucket::new(bucket, settings, environment).map_err(refuse)?;
    Ok(Location {
        store: Arc::new(store),
        key: key.trim_matches('/').to_owned(),
    })
}

/// One bucket.
#[derive(Debug)]
struct Bucket {
    name: String,
    inner: AmazonS3,
    /// Whether requests are signed.
    signed: bool,
}

impl Bucket {
    fn new(name: &str, settings: &Stores, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let set = |name: &str| environment.get(name).map(String::as_str).filter(|v| !v.is_empty());
        let mut builder = AmazonS3Builder::new();
        for (variable, value) in environment {
            // The bucket is the address's, and the client is ours.
            let known = variable.starts_with("AWS_") && !value.is_empty();
            let key = known.then(|| variable.to_ascii_lowercase().parse().ok()).flatten();
            match key {
                Some(AmazonS3ConfigKey::Bucket | AmazonS3ConfigKey::Client(_)) | None => {}
                Some(key) => builder = builder.with_config(key, value),
            }
        }
        let endpoint = settings.s3_endpoint.as_deref();
        let endpoint = endpoint.or(set("AWS_ENDPOINT_URL_S3")).or(set("AWS_ENDPOINT_URL"));
        let endpoint = endpoint.or(set("AWS_ENDPOINT"));
        if let Some(url) = endpoint {
            if !(url.starts_with("http://") || url.starts_with("https://")) || host(url).is_empty() || url.contains('@')
            {
                return Err(
                    "the endpoint is no address: write [stores] s3_endpoint, or AWS_ENDPOINT_URL, as \
                            https://host:port; a key goes into AWS_ACCESS_KEY_ID"
                        .into(),
                );
            }
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, url);
        }
        if let Some(region) = &settings.s3_region {
            builder = builder.with_region(region);
        }
        // Without any of these, `object_store` asks an address that only Amazon's machines have, and waits.
        let signed = set("AWS_SKIP_SIGNATURE").is_none()
            && [
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_METADATA_ENDPOINT",
            ]
            .into_iter()
            .any(|name| set(name).is_some());
        if !signed {
            builder = builder.with_skip_signature(true);
        }
        let trust = set("AWS_CA_BUNDLE").or(set("SSL_CERT_FILE"));
        let transport = Transport::new(settings, &host(endpoint.unwrap_or_default()), trust)?;
        let retry = RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(15),
                base: 2.0,
            },
            max_retries: settings.retries as usize,
            retry_timeout: PATIENCE,
        };
        let inner = builder
            .with_bucket_name(name)
            .with_retry(retry)
            // One object is removed by one request, which needs no further permission.
            .with_disable_bulk_delete(true)
            .with_http_connector(connect::Connector(transport))
            .build()
            .map_err(|e| words::of_setup(&e))?;
        let name = name.to_owned();
        Ok(Self { name, inner, signed })
    }

    /// Where `key` lies; an error where `object_store` has no such paths.
    fn path(&self, key: &str) -> Result<Path, StoreError> {
        // A `/` at either end would be dropped, and another object meant.
        let path = Path::parse(key).ok().filter(|p| p.as_ref() == key);
        path.ok_or_else(|| {
            let why = "the key has an empty part, one that is `.` or `..`, or a control character: rename the object";
            error(self.uri(key), StoreErrorKind::Unsupported(why.into()))
        })
    }

    /// Waits for what concerns `key`, as long as somebody wants it.
    fn wait<T>(
        &self,
        key: &str,
        progress: &dyn Progress,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        let failed = |e: std::io::Error| {
            let why = format!("no thread to wait on: {e}");
            error(self.uri(key), StoreErrorKind::Unreachable(why))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map_err(failed)?.block_on(async {
            let mut work = pin!(work);
            loop {
                progress.check().map_err(|e| error(self.uri(key), e.into()))?;
                if let Ok(done) = tokio::time::timeout(POLL, work.as_mut()).await {
                    return done.map_err(|e| error(self.uri(key), words::of(&e, self.signed)));
                }
            }
        })
    }

    /// What is known of the object `key`; none where there is none.
    fn head(&self, key: &str, progress: &dyn Progress) -> Result<Option<Entry>, StoreError> {
        let path = self.path(key)?;
        match self.wait(key, progress, self.inner.head(&path)) {
            Ok(meta) => Ok(Some(entry(key.to_owned(), meta.size, meta.e_tag.as_deref()))),
            Err(e) if matches!(e.kind, StoreErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn fetch(&self, key: &str, if_match: Option<String>, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        let path = self.path(key)?;
        let options = GetOptions {
            if_match,
            ..GetOptions::default()
        };
        let content = self.wait(key, progress, async {
            let result = self.inner.get_opts(&path, options).await?;
            if result.meta.size > MOST_BYTES {
                return Ok(None);
            }
            result.bytes().await.map(Some)
        })?;
        match content {
            Some(content) => Ok(content.into()),
            None => {
                let why = format!("is larger than {} GiB: name a shorter recording", MOST_BYTES >> 30);
                Err(error(self.uri(key), StoreErrorKind::Refused(why)))
            }
        }
    }

    fn put_in_parts(&self, key: &str, content: &[u8], progress: &dyn Progress) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let mut upload = self.wait(key, progress, self.inner.put_multipart(&path))?;
        let mut write = || {
            for part in content.chunks(PART) {
                let payload = PutPayload::from_bytes(Bytes::copy_from_slice(part));
                let sent = upload.put_part(payload);
                self.wait(key, progress, sent)?;
            }
            self.wait(key, progress, upload.complete())?;
            Ok(())
        };
        let written = write();
        if written.is_err() {
            // Parts that nobody joins cost their owner money. What went wrong first is what is told.
            let clearing = async {
                let _ = tokio::time::timeout(CLEARING, upload.abort()).await;
                Ok(())
            };
            let _ = self.wait(key, &Silent, clearing);
        }
        written
    }
}

impl Store for Bucket {
    fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    fn list(&self, key: &str, progress: &dyn Progress) -> Result<Vec<Entry>, StoreError> {
        let path = self.path(key)?;
        let folder = (!key.is_empty()).then_some(&path);
        let metas: Vec<_> = self.wait(key, progress, self.inner.list(folder).try_collect())?;
        // By key, and once: the folder marker `a/` arrives as `a`, as if it were a file.
        let mut found: BTreeMap<String, Entry> = BTreeMap::new();
        for meta in metas {
            let name = meta.location.as_ref().to_owned();
            let beneath = name.len() > key.len();
            let entry = entry(name.clone(), meta.size, meta.e_tag.as_deref());
            // A file of the name of a marker has something in it, or is asked for below.
            if beneath && found.get(&name).is_none_or(|e| e.bytes == Some(0)) {
                found.insert(name, entry);
            }
        }
        let empty: Vec<String> = found
            .values()
            .filter(|e| e.bytes == Some(0))
            .map(|e| e.key.clone())
            .collect();
        for name in empty {
            match self.head(&name, progress)? {
                Some(entry) => found.insert(name, entry),
                None => found.remove(&name),
            };
        }
        if found.is_empty() && !key.is_empty() {
            return match self.head(key, progress)? {
                Some(entry) => Ok(vec![entry]),
                None => Err(error(self.uri(key), StoreErrorKind::NotFound)),
            };
        }
        Ok(found.into_values().collect())
    }

    fn read(&self, entry: &Entry, progress: &dyn Progress) -> Result<Vec<u8>, StoreError> {
        let tag = entry.fingerprint.as_deref().and_then(|f| f.strip_prefix("etag:"));
        self.fetch(&entry.key, tag.map(|t| format!("\"{t}\"")), progress)
    }

    fn get(&self, key: &str, progress: &dyn Progress) -> Result<Option<Vec<u8>>, StoreError> {
        match self.fetch(key, None, progress) {
            Ok(content) => Ok(Some(content)),
            Err(e) if matches!(e.kind, StoreErrorKind::NotFound) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn put(&self, key: &str, content: &[u8], progress: &dyn Progress) -> Result<(), StoreError> {
        if content.len() > PART {
            return self.put_in_parts(key, content, progress);
        }
        let path = self.path(key)?;
        let payload = PutPayload::from_bytes(Bytes::copy_from_slice(content));
        self.wait(key, progress, self.inner.put(&path, payload)).map(|_| ())
    }

    fn remove(&self, key: &str, progress: &dyn Progress) -> Result<(), StoreError> {
        let path = self.path(key)?;
        match self.wait(key, progress, self.inner.delete(&path)) {
            Err(e) if matches!(e.kind, StoreErrorKind::NotFound) => Ok(()),
            done => done,
        }
    }
}

fn entry(key: String, bytes: u64, tag: Option<&str>) -> Entry {
    let strong = tag.filter(|t| !t.starts_with("W/")).map(|t| t.trim_matches('"'));
    Entry {
        key,
        bytes: Some(bytes),
        fingerprint: strong.filter(|t| !t.is_empty()).map(|t| format!("etag:{t}")),
    }
}
