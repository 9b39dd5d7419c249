//! Trying again what may succeed then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loopwright_core::progress::{Cancelled, Progress};
use loopwright_core::store::StoreErrorKind;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::secret::Secret;
use super::wire::{Ask, Broken, Head, POLL, Stream, Wire, read_all};

/// First pause where the server does not say how long; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// Longest such pause.
const LONGEST: Duration = Duration::from_secs(30);
/// Longest pause that a server may ask for.
const PATIENCE: Duration = Duration::from_secs(900);

/// Why something did not come about in the end. Holds no secrets.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Denied(String),
    #[error("{0}")]
    Refused(String),
}

impl From<Trouble> for StoreErrorKind {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Cancelled(c) => Self::Cancelled(c),
            Trouble::Unreachable(why) => Self::Unreachable(why),
            Trouble::Denied(why) => Self::Denied(why),
            Trouble::Refused(why) => Self::Refused(why),
        }
    }
}

/// Counts attempts and pauses between them.
#[derive(Debug)]
pub(super) struct Tries {
    made: u32,
    most: u32,
}

impl Tries {
    /// One attempt and `retries` more.
    pub(super) fn new(retries: u32) -> Self {
        Self { made: 0, most: retries }
    }

    /// Something came about: failures count from the start again.
    pub(super) fn reset(&mut self) {
        self.made = 0;
    }

    /// An attempt failed: pauses for as long as was `told`, or ever longer.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unreachable`] where that was the last attempt; [`Trouble::Cancelled`].
    pub(super) fn pause(&mut self, told: Option<Duration>, why: &str, progress: &dyn Progress) -> Result<(), Trouble> {
        self.made += 1;
        if self.made > self.most {
            let tried = if self.made > 1 {
                format!(", tried {} times", self.made)
            } else {
                String::new()
            };
            return Err(Trouble::Unreachable(format!("Dropbox: {why}{tried}")));
        }
        let pause = match told {
            Some(told) if told > PATIENCE => {
                let minutes = told.as_secs() / 60;
                return Err(Trouble::Unreachable(format!(
                    "Dropbox: {why}, for {minutes} minutes from now"
                )));
            }
            Some(told) => told,
            None => spread(FIRST.saturating_mul(1 << (self.made - 1).min(16)).min(LONGEST)),
        };
        let end = Instant::now() + pause;
        loop {
            progress.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(POLL));
        }
    }
}

/// Up to a half longer, so that what failed together does not come back together.
fn spread(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without chance they do come back together, which is no reason to fail.
    let _ = SystemRandom::new().fill(&mut byte);
    pause.mul_f64(1.0 + f64::from(byte[0]) / 512.0)
}

/// An answer that is final.
pub(super) enum Reply {
    /// Of a request for a file, where it was granted.
    Stream(Head, Stream),
    Whole(Head, Vec<u8>),
}

/// Sends `ask` until there is an answer that trying again would not change. With `stream` a body that is a file comes as a
/// stream.
pub(super) fn persist(
    wire: &Wire,
    ask: &Ask,
    token: Option<&Arc<Secret>>,
    stream: bool,
    tries: &mut Tries,
    progress: &dyn Progress,
) -> Result<Reply, Trouble> {
    loop {
        let (told, why) = match attempt(wire, ask, token, stream, progress) {
            Ok(Reply::Whole(head, body)) => match again(&head, &body) {
                None => return Ok(Reply::Whole(head, body)),
                Some(why) => why,
            },
            Ok(reply) => return Ok(reply),
            Err(Broken::Cancelled(c)) => return Err(c.into()),
            Err(Broken::Connection(why)) => (None, why),
        };
        tries.pause(told, &why, progress)?;
    }
}

fn attempt(
    wire: &Wire,
    ask: &Ask,
    token: Option<&Arc<Secret>>,
    stream: bool,
    progress: &dyn Progress,
) -> Result<Reply, Broken> {
    let (head, mut body) = wire.send(ask, token.cloned(), progress)?;
    if stream && (200..300).contains(&head.status) {
        return Ok(Reply::Stream(head, body));
    }
    let whole = read_all(&mut body, progress)?;
    Ok(Reply::Whole(head, whole))
}

/// For an answer that may be another the next time: how long to wait, where that was told, and why, in words.
fn again(head: &Head, body: &[u8]) -> Option<(Option<Duration>, String)> {
    let json = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    match head.status {
        429 => {
            let json = json();
            let told = json["error"]["retry_after"].as_u64().max(head.retry_after);
            let why = match json["error"]["reason"][".tag"].as_str() {
                Some("too_many_write_operations") => "there are too many writes at once",
                _ => "it limits how often it is asked",
            };
            Some((told.map(Duration::from_secs), why.to_owned()))
        }
        // Such answers are JSON by the documentation: one that is none was spoilt on its way.
        401 | 403 | 409 if serde_json::from_slice::<Value>(body).is_err() => {
            Some((None, format!("its answer cannot be read (status {})", head.status)))
        }
        409 => {
            let json = json();
            let summary = json["error_summary"].as_str().unwrap_or_default();
            summary
                .contains("too_many_write_operations")
                .then(|| (None, "there are too many writes at once".to_owned()))
        }
        status @ (408 | 500..600) => {
            let told = head.retry_after.map(Duration::from_secs);
            Some((told, format!("it fails (status {status})")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use loopwright_core::progress::Silent;

    use super::*;

    fn head(status: u16, retry_after: Option<u64>) -> Head {
        Head {
            status,
            retry_after,
            ..Head::default()
        }
    }

    #[test]
    fn the_longer_of_two_times_is_waited() {
        let body = br#"{"error_summary": "too_many_requests/..", "error": {"reason": {".tag": "too_many_requests"}, "retry_after": 7}}"#;
        let told = |h: Option<u64>, b: &[u8]| again(&head(429, h), b).unwrap().0.map(|d| d.as_secs());
        assert_eq!(
            (told(Some(3), body), told(Some(9), body), told(None, body)),
            (Some(7), Some(9), Some(7))
        );
        assert_eq!((told(Some(3), b"<html>"), told(None, b"")), (Some(3), None));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let writes = br#"{"error_summary": "path/too_many_write_operations/..", "error": {}}"#;
        assert!(again(&head(409, None), writes).is_some());
        assert!(again(&head(503, Some(1)), b"").is_some());
        for status in [200, 206, 400, 401, 403, 404, 409, 416] {
            assert!(again(&head(status, None), b"{}").is_none(), "{status}");
        }
        for (status, passes) in [(401, true), (409, true), (400, false), (404, false)] {
            assert_eq!(again(&head(status, None), b"no JSON").is_some(), passes, "{status}");
        }
    }

    #[test]
    fn pauses_end_with_the_attempts_or_with_the_caller() {
        let mut tries = Tries::new(1);
        tries.pause(Some(Duration::ZERO), "no", &Silent).unwrap();
        let Err(Trouble::Unreachable(why)) = tries.pause(None, "no", &Silent) else {
            panic!("goes on");
        };
        assert!(why.contains("tried 2 times"), "{why}");
        let tires = Tires(AtomicUsize::new(3));
        let hour = Some(Duration::from_secs(600));
        assert!(matches!(
            Tries::new(9).pause(hour, "no", &tires),
            Err(Trouble::Cancelled(_))
        ));
        let day = Some(Duration::from_secs(86_400));
        assert!(matches!(
            Tries::new(9).pause(day, "no", &Silent),
            Err(Trouble::Unreachable(_))
        ));
    }

    struct Tires(AtomicUsize);

    impl Progress for Tires {
        fn is_cancelled(&self) -> bool {
            self.0.fetch_sub(1, Ordering::Relaxed) == 1
        }
    }
}
