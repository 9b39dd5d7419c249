//! What goes wrong, where, and how often.

use std::time::Duration;

/// A fault: of what [`Kind`], on which requests, how often.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) route: Option<String>,
    pub(super) path: Option<String>,
    pub(super) skip: usize,
    pub(super) times: usize,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Kind {
    /// 429 `too_many_requests`, with how long to wait, in seconds, in the header `Retry-After` and in the body.
    RateLimit {
        /// In the header.
        header: Option<u64>,
        /// In the body.
        body: Option<u64>,
    },
    /// 429 `too_many_write_operations`, which tells no time to wait.
    TooManyWrites,
    /// 409 with this JSON as `error` and its words as `error_summary`.
    Conflict(serde_json::Value, String),
    /// This status, and a body that is no JSON.
    Status(u16),
    /// 401 `expired_access_token`, and the token of the request is good no more.
    Expired,
    /// 400 with the request's `Authorization` repeated in its text, as Dropbox does.
    Echo,
    /// The connection is closed before an answer; nothing was done.
    Drop,
    /// The connection is closed before an answer; what was asked for was done.
    DropAfter,
    /// The connection is closed after this many bytes of the answer's body.
    DropInBody(usize),
    /// The answer comes this late.
    Late(Duration),
    /// The answer's body stops after this many bytes, for this long, and then goes on.
    Stall(usize, Duration),
    /// The first byte of the answer's body is another.
    Corrupt,
    /// The file that is asked for gets this content first.
    Change(Vec<u8>),
    /// The file that is asked for gets this path first.
    Rename(String),
    /// The file that is asked for is removed first.
    Remove,
}

impl Fault {
    /// One fault, on whatever request comes next.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            route: None,
            path: None,
            skip: 0,
            times: 1,
        }
    }

    /// 429 with `seconds` in header and body.
    pub fn rate_limit(seconds: u64) -> Self {
        Self::new(Kind::RateLimit {
            header: Some(seconds),
            body: Some(seconds),
        })
    }

    /// The cursor of a listing is good no more.
    pub fn cursor_reset() -> Self {
        let tag = serde_json::json!({ ".tag": "reset" });
        Self::new(Kind::Conflict(tag, "reset/..".into())).on("files/list_folder/continue")
    }

    /// Only on requests for `route`, `files/download`.
    #[must_use]
    pub fn on(mut self, route: &str) -> Self {
        self.route = Some(route.to_owned());
        self
    }

    /// Only on requests whose argument names `path`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// So often.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Always.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    /// Only after this many requests that it would be on.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// True where it comes now, for a request for `route` whose argument names `path`; counts that.
    pub(super) fn strikes(&mut self, route: &str, path: Option<&str>) -> bool {
        let here = self.route.as_deref().is_none_or(|r| r == route)
            && self
                .path
                .as_deref()
                .is_none_or(|p| path.is_some_and(|q| q.to_lowercase() == p.to_lowercase()));
        if !here || self.times == 0 {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if self.times != usize::MAX {
            self.times -= 1;
        }
        true
    }
}
