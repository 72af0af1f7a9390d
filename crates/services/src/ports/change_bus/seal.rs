//! What shows that an announcement is one of ours.

use crate::keys::{expand, root};
use aws_lc_rs::hmac;
use secrecy::SecretString;
use std::fmt;

/// The bytes of a mark.
pub const MARK_BYTES: usize = 32;

/// Marks announcements with an HMAC-SHA256 under a key of its own, so that whoever can write to what carries them cannot
/// make one up. An old one may come again: it names what had ended or changed then, and is harmless.
pub struct AnnouncementSeal {
    present: hmac::Key,
    earlier: Vec<hmac::Key>,
}

impl fmt::Debug for AnnouncementSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnnouncementSeal(…)")
    }
}

impl AnnouncementSeal {
    /// The present secret key marks; the earlier ones are believed as well, while nodes move over.
    pub fn derive(secret_key: &SecretString, fallbacks: &[SecretString]) -> Self {
        let key = |secret: &SecretString| expand(&root(secret), b"announcement v1");
        Self {
            present: key(secret_key),
            earlier: fallbacks.iter().map(key).collect(),
        }
    }

    /// The mark of these words, said in this place.
    pub fn mark(&self, place: &[u8], words: &[u8]) -> [u8; MARK_BYTES] {
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(hmac::sign(&self.present, &together(place, words)).as_ref());
        mark
    }

    /// Whether one of us has said these words in this place.
    pub fn is_ours(&self, place: &[u8], words: &[u8], mark: &[u8; MARK_BYTES]) -> bool {
        let said = together(place, words);
        std::iter::once(&self.present)
            .chain(&self.earlier)
            .any(|key| hmac::verify(key, &said, mark).is_ok())
    }
}

/// With the length of the place in front, so that nothing moves from one to the other.
fn together(place: &[u8], words: &[u8]) -> Vec<u8> {
    let length = u64::try_from(place.len()).unwrap_or(u64::MAX);
    [&length.to_be_bytes(), place, words].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "a key for tests, 32 bytes and more";
    const NEW: &str = "another key for tests, 32 bytes too";

    fn seal(present: &str, earlier: &[&str]) -> AnnouncementSeal {
        let earlier: Vec<SecretString> = earlier.iter().map(|key| (*key).into()).collect();
        AnnouncementSeal::derive(&present.into(), &earlier)
    }

    #[test]
    fn a_mark_fits_its_words_and_its_place_alone() {
        let seal = seal(OLD, &[]);
        let mark = seal.mark(b"here", b"words");
        assert!(seal.is_ours(b"here", b"words", &mark));
        for (place, words) in [
            (&b"there"[..], &b"words"[..]),
            (b"here", b"word"),
            (b"herew", b"ords"),
        ] {
            assert!(!seal.is_ours(place, words, &mark));
        }
        let mut other = mark;
        other[31] ^= 1;
        assert!(!seal.is_ours(b"here", b"words", &other));
    }

    #[test]
    fn earlier_keys_are_believed_and_others_are_not() {
        let mark = seal(OLD, &[]).mark(b"here", b"words");
        assert!(seal(NEW, &[OLD]).is_ours(b"here", b"words", &mark));
        assert!(!seal(NEW, &[]).is_ours(b"here", b"words", &mark));
        let newer = seal(NEW, &[OLD]).mark(b"here", b"words");
        assert!(!seal(OLD, &[]).is_ours(b"here", b"words", &newer));
    }
}
