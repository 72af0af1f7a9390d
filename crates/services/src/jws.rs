//! Signed tokens in the compact form of RFC 7515: HS256 under the secret key, or under a key pair.
//!
//! A token of ours has exactly the header of the key that signs it, byte for byte: one for the secret key, one for each
//! pair. Whatever else a header could ask for (another algorithm, no signature, a key of its own or by a name that is
//! not ours, extensions) is refused before anything is parsed, as RFC 8725 recommends. Each header stands for one key
//! and one algorithm, so that no public key is ever used as a shared one.

use crate::keys::KeyRing;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// `{"alg":"HS256","typ":"JWT"}`, as simplejwt writes it.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// `{"typ":"JWT","alg":"HS256"}`, as older releases of `PyJWT` let simplejwt write it.
const OLDER_HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9";
/// Longer than any token that we make.
const MAX_LENGTH: usize = 2048;

/// What has signed a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedBy {
    /// The secret key, which others may hold too.
    SecretKey,
    /// A key pair, which is ours alone.
    KeyPair,
}

/// The token that says `claims`. None when the signature cannot be made, which only a lack of memory or of random
/// numbers can cause.
pub(crate) fn sign<T: Serialize>(ring: &KeyRing, claims: &T) -> Option<String> {
    let claims = serde_json::to_vec(claims).ok()?;
    let pairs = ring.pairs.load();
    let signer = pairs.signer();
    let mut token = String::with_capacity(1024);
    token.push_str(signer.map_or(HEADER, |pair| pair.header.as_str()));
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = match signer {
        None => URL_SAFE_NO_PAD.encode(hmac::sign(&ring.present.token, token.as_bytes())),
        Some(pair) => URL_SAFE_NO_PAD.encode(pair.sign(token.as_bytes()).ok()?),
    };
    token.push('.');
    token.push_str(&signature);
    Some(token)
}

/// What the token says, if one of our keys has signed it, and which kind of key.
pub(crate) fn verify<T: DeserializeOwned>(ring: &KeyRing, token: &str) -> Option<(SignedBy, T)> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let parts = Parts::of(token)?;
    let signed_by = if parts.header == HEADER {
        parts
            .is_of_secret_key(ring)
            .then_some(SignedBy::SecretKey)?
    } else {
        ring.pairs
            .load()
            .of_header(parts.header)?
            .has_signed(parts.signed.as_bytes(), &parts.signature)
            .then_some(SignedBy::KeyPair)?
    };
    Some((signed_by, parts.claims()?))
}

/// What a token of simplejwt says, if a secret key of ours has signed it.
pub(crate) fn verify_foreign<T: DeserializeOwned>(ring: &KeyRing, token: &str) -> Option<T> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let parts = Parts::of(token)?;
    let is_good = [HEADER, OLDER_HEADER].contains(&parts.header) && parts.is_of_secret_key(ring);
    is_good.then(|| parts.claims()).flatten()
}

struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            header,
            claims,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn is_of_secret_key(&self, ring: &KeyRing) -> bool {
        ring.iter()
            .any(|keys| hmac::verify(&keys.token, self.signed.as_bytes(), &self.signature).is_ok())
    }

    fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests;
