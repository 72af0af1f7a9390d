//! Seals what the database keeps for us and must not know: AES-256-GCM, each value bound to a name.

use crate::keys::{KeyRing, Keys, expand_seal};
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::Prk;
use secrecy::{ExposeSecretMut, SecretBox};

/// A key that is derived from the secret key for one purpose.
pub(crate) struct SealingKey(RandomizedNonceKey);

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) value: SecretBox<Vec<u8>>,
    /// It is to be sealed anew.
    pub(crate) is_sealed_under_earlier: bool,
}

impl SealingKey {
    pub(crate) fn expand(root: &Prk, label: &[u8]) -> Self {
        Self(expand_seal(root, label))
    }

    /// A nonce, the ciphertext and the tag.
    pub(crate) fn seal(&self, name: &[u8], value: &[u8]) -> Result<Vec<u8>, Unspecified> {
        // In place, and without a move of the buffer: nothing is left in clear.
        let mut bytes = Vec::with_capacity(value.len() + self.0.algorithm().tag_len());
        bytes.extend_from_slice(value);
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name), &mut bytes)?;
        Ok([nonce.as_ref().as_slice(), &bytes].concat())
    }

    fn open(&self, name: &[u8], sealed: &[u8]) -> Option<SecretBox<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = SecretBox::new(Box::new(ciphertext.to_vec()));
        let length = self
            .0
            .open_in_place(nonce, Aad::from(name), bytes.expose_secret_mut())
            .ok()?
            .len();
        bytes.expose_secret_mut().truncate(length);
        Some(bytes)
    }
}

/// What one of the keys for a purpose has sealed under that name.
pub(crate) fn open_by_any(
    ring: &KeyRing,
    purpose: fn(&Keys) -> &SealingKey,
    name: &[u8],
    sealed: &[u8],
) -> Option<Opened> {
    ring.iter()
        .map(purpose)
        .enumerate()
        .find_map(|(place, key)| {
            Some(Opened {
                value: key.open(name, sealed)?,
                is_sealed_under_earlier: place > 0,
            })
        })
}
