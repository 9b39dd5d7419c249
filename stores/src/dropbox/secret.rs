//! Text that nobody is to see.

use std::fmt;

use zeroize::Zeroizing;

/// A token, a code or a key. Never printed, not even for debugging; zeroed when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` over, without what surrounds it. None where it is empty, or holds what no token does: anything but
    /// visible ASCII.
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        let inner = text.trim();
        let fit = !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_graphic());
        fit.then(|| Self(Zeroizing::new(inner.to_owned())))
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// `text` without any of `secrets`: servers repeat what they refuse.
pub(super) fn without(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.reveal(), "***");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let secret = Secret::new(" sl.canary\n".into()).unwrap();
        assert_eq!(secret.reveal(), "sl.canary");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("canary").count(), 0);
        assert_eq!(without("Bearer sl.canary?", &[&secret]), "Bearer ***?");
    }

    #[test]
    fn what_no_header_can_hold_is_no_secret() {
        for text in ["", "  ", "a b", "a\nb", "ä"] {
            assert!(Secret::new(text.into()).is_none(), "{text:?}");
        }
    }
}
