//! What went wrong with a bucket, in words of our own.
//!
//! The errors of `object_store` hold addresses, and whatever the server chose to say. Only the server's code and the first
//! line of its message get through here.

use std::error::Error as _;

use loopwright_core::store::StoreErrorKind;
use object_store::Error;
use object_store::client::HttpError;

use crate::objects::transport::Failure;

/// Why a store cannot be opened.
pub(super) fn of_setup(error: &Error) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let missing = |name: &str| format!("{name} is not set: both it and its other half are needed");
    if cause.contains("AccessKeyId") {
        missing("AWS_ACCESS_KEY_ID")
    } else if cause.contains("SecretAccessKey") {
        missing("AWS_SECRET_ACCESS_KEY")
    } else {
        "the variables AWS_… do not go together: check each of them".into()
    }
}

/// Why a request failed; `signed` tells whether there were credentials.
pub(super) fn of(error: &Error, signed: bool) -> StoreErrorKind {
    if let Some(failure) = failure(error) {
        return StoreErrorKind::Unreachable(failure);
    }
    let text = error.to_string();
    let code = inside(&text, "Code").unwrap_or_default();
    let message = inside(&text, "Message").map(|m| brief(&m)).unwrap_or_default();
    let said = match (code.is_empty(), message.is_empty()) {
        (false, false) => format!(" ({code}: {message})"),
        (false, true) => format!(" ({code})"),
        _ => String::new(),
    };
    let status = status(&text);
    match (code.as_str(), status) {
        ("NoSuchBucket", _) => StoreErrorKind::Refused("there is no such bucket: check its name and the endpoint".into()),
        ("SignatureDoesNotMatch", _) => StoreErrorKind::Denied(
            "the secret does not belong to the key: check AWS_SECRET_ACCESS_KEY and AWS_REGION (SignatureDoesNotMatch)"
                .into(),
        ),
        ("InvalidAccessKeyId", _) => {
            StoreErrorKind::Denied("there is no such key: check AWS_ACCESS_KEY_ID (InvalidAccessKeyId)".into())
        }
        ("ExpiredToken" | "InvalidToken", _) => {
            StoreErrorKind::Denied(format!("the session is over: renew AWS_SESSION_TOKEN ({code})"))
        }
        ("RequestTimeTooSkewed", _) => {
            StoreErrorKind::Denied("this machine's clock is wrong (RequestTimeTooSkewed): set it".into())
        }
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => {
            StoreErrorKind::Refused(format!(
                "the bucket lies elsewhere: set AWS_REGION, or [stores] s3_region, to its region{said}"
            ))
        }
        (_, Some(401 | 403)) if !signed => StoreErrorKind::Denied(format!(
            "is not public, and there is no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY{said}"
        )),
        (_, Some(401 | 403)) => StoreErrorKind::Denied(format!("this key may not: check what its owner may do{said}")),
        (_, Some(404)) => StoreErrorKind::NotFound,
        (_, Some(412)) => StoreErrorKind::Changed,
        (_, Some(429 | 500..=599)) => {
            StoreErrorKind::Unreachable(format!("the server fails or is overrun, however often it is asked{said}"))
        }
        (_, Some(300..=399)) => StoreErrorKind::Refused(
            "the server leads elsewhere: set AWS_REGION, or [stores] s3_region, to the bucket's region, and the endpoint to \
             the server's own address"
                .into(),
        ),
        (_, Some(status)) => StoreErrorKind::Refused(format!("the server refuses with status {status}{said}")),
        _ => match error {
            Error::NotFound { .. } => StoreErrorKind::NotFound,
            Error::Precondition { .. } => StoreErrorKind::Changed,
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                StoreErrorKind::Denied("this key may not: check what its owner may do".into())
            }
            Error::InvalidPath { .. } => StoreErrorKind::Refused(
                "holds an object whose key has an empty part, one that is `.` or `..`, or a control character: rename it, or \
                 name a folder beneath"
                    .into(),
            ),
            _ if text.contains("credential") => {
                StoreErrorKind::Denied("there are no credentials to be had: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".into())
            }
            _ => StoreErrorKind::Refused("the answer is none that S3 gives: check the endpoint".into()),
        },
    }
}

/// What the transport said, at the bottom of an error.
fn failure(error: &Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(e) = cause {
        if let Some(failure) = e.downcast_ref::<Failure>() {
            return Some(failure.to_string());
        }
        // An HTTP error hides what it comes from from `source` only where it has nothing.
        if let Some(http) = e.downcast_ref::<HttpError>() {
            cause = http.source();
            continue;
        }
        cause = e.source();
    }
    None
}

/// The status in an error's text.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// The text of the first element `name`, where it is short and holds no other.
fn inside(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    (!inside.contains('<') && inside.len() <= 400).then(|| inside.trim().to_owned())
}

/// The first line, without control characters, and no more than a line of it.
fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(160).collect()
}
