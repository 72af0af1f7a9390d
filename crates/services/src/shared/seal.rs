//! Seals what is given to others to keep: AES-256-GCM, bound to the name of the entry.

use crate::keys::{expand, expand_seal, root};
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use std::fmt;

/// Bytes of the moment before the value.
const MOMENT: usize = size_of::<i64>();

pub(crate) struct Seal {
    entries: RandomizedNonceKey,
    names: hmac::Key,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    pub(crate) fn derive(secret_key: &SecretString) -> Self {
        let root = root(secret_key);
        Self {
            entries: expand_seal(&root, b"shared cache entry v1"),
            names: expand(&root, b"shared cache name v1"),
        }
    }

    /// A digest of what is not to be read by others.
    pub(crate) fn digest(&self, kind: &str, what: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.names);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(what);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    pub(crate) fn close(&self, name: &str, at: DateTime<Utc>, value: &[u8]) -> Option<Bytes> {
        let mut text = Vec::with_capacity(MOMENT + value.len() + 32);
        text.extend_from_slice(&at.timestamp_micros().to_be_bytes());
        text.extend_from_slice(value);
        let aad = Aad::from(name.as_bytes());
        let nonce = self.entries.seal_in_place_append_tag(aad, &mut text).ok()?;
        text.extend_from_slice(nonce.as_ref());
        Some(text.into())
    }

    /// The moment and the value. None when it is not ours, or of another name.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Option<(DateTime<Utc>, Bytes)> {
        let (text, nonce) = sealed.split_last_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let nonce = Nonce::from(nonce);
        let aad = Aad::from(name.as_bytes());
        let opened = self.entries.open_in_place(nonce, aad, &mut text).ok()?;
        let length = opened.len();
        text.truncate(length);
        let at = i64::from_be_bytes(*text.first_chunk()?);
        let value = Bytes::from(text).slice(MOMENT..);
        Some((DateTime::from_timestamp_micros(at)?, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seal() -> Seal {
        Seal::derive(&"a key for tests, 32 bytes and more".into())
    }

    #[test]
    fn what_was_sealed_opens_under_its_name_and_key_alone() {
        let (seal, at) = (seal(), DateTime::UNIX_EPOCH);
        let sealed = seal.close("ada", at, b"value").unwrap();
        let opened = seal.open("ada", &sealed);
        assert_eq!(opened, Some((at, Bytes::from_static(b"value"))));
        assert_eq!(seal.open("eve", &sealed), None);
        let other = Seal::derive(&"another key for tests, 32 bytes too".into());
        assert_eq!(other.open("ada", &sealed), None);
        assert!(!sealed.windows(5).any(|bytes| bytes == b"value"));
        assert_ne!(sealed, seal.close("ada", at, b"value").unwrap());
    }

    #[test]
    fn a_changed_or_shortened_entry_does_not_open() {
        let seal = seal();
        let sealed = seal.close("ada", DateTime::UNIX_EPOCH, b"value").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[at] ^= 1;
            assert_eq!(seal.open("ada", &changed), None, "{at}");
            assert_eq!(seal.open("ada", sealed.get(..at).unwrap()), None, "{at}");
        }
    }

    #[test]
    fn a_digest_tells_kinds_apart() {
        let seal = seal();
        assert_eq!(seal.digest("a", b"b"), seal.digest("a", b"b"));
        assert_ne!(seal.digest("a", b"b"), seal.digest("b", b"b"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(seal().open("ada", &bytes), None);
        }
    }
}
