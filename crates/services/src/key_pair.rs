//! A key pair that signs tokens: made, sealed under the secret key, opened again, and told to the world as a JSON Web
//! Key (RFC 7517).

use crate::keys::{KeyRing, Keys};
use crate::sealing;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_domain::{KeyAlgorithm, KeyId, SigningKey};
use secrecy::{ExposeSecret, SecretBox};
use serde::Serialize;
use std::fmt;

/// 128 bits of security (OWASP ASVS 5.0, 11.2.3; NIST SP 800-57).
const RSA_SIZE: KeySize = KeySize::Rsa3072;

/// A key pair in the hands of this node. It does not print its private part.
pub(crate) struct KeyPair {
    pub(crate) kid: KeyId,
    pub(crate) algorithm: KeyAlgorithm,
    /// The one header that its tokens have, in base64url.
    pub(crate) header: String,
    pub(crate) jwk: PublicJwk,
    private: PrivateKey,
    public: ParsedPublicKey,
}

enum PrivateKey {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// The public part: the members that the thumbprint is made of, in the order that it wants (RFC 7638, 3; RFC 8037, 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum PublicJwk {
    Okp {
        crv: &'static str,
        kty: &'static str,
        x: String,
    },
    Ec {
        crv: &'static str,
        kty: &'static str,
        x: String,
        y: String,
    },
    Rsa {
        e: String,
        kty: &'static str,
        n: String,
    },
}

/// A stored key pair that is opened.
pub(crate) struct Opened {
    pub(crate) pair: KeyPair,
    /// It was sealed under an earlier secret key.
    pub(crate) is_sealed_under_earlier: bool,
}

/// Why a stored key pair is of no use: it was sealed under a secret key that is not known, or the row was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unopenable;

impl KeyPair {
    /// A new one. With RSA this takes a second or two. Its kid does not begin with a dash, so that it can be typed after
    /// a command.
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, Unspecified> {
        loop {
            let pair = Self::generate_any(algorithm)?;
            if !pair.kid.as_str().starts_with('-') {
                return Ok(pair);
            }
        }
    }

    fn generate_any(algorithm: KeyAlgorithm) -> Result<Self, Unspecified> {
        let private = match algorithm {
            KeyAlgorithm::EdDsa => PrivateKey::EdDsa(Ed25519KeyPair::generate()?),
            KeyAlgorithm::Es256 => {
                PrivateKey::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?)
            }
            KeyAlgorithm::Rs256 => PrivateKey::Rs256(RsaKeyPair::generate(RSA_SIZE)?),
        };
        Self::of(private)
    }

    /// The pair of a row. The public part is what the private one says, and the row's has to be the same: who can only
    /// write to the database makes no token that is accepted.
    pub(crate) fn open(secrets: &KeyRing, key: &SigningKey) -> Result<Opened, Unopenable> {
        let sealed = key.sealed_key.as_deref().ok_or(Unopenable)?;
        let name = key.kid.as_str().as_bytes();
        let opened = sealing::open_by_any(secrets, |keys| &keys.signing_key_seal, name, sealed)
            .ok_or(Unopenable)?;
        let pkcs8 = opened.value.expose_secret();
        let pair = Self::from_pkcs8(key.algorithm, pkcs8).ok_or(Unopenable)?;
        if pair.kid != key.kid || pair.jwk.canonical() != key.public_key {
            return Err(Unopenable);
        }
        Ok(Opened {
            pair,
            is_sealed_under_earlier: opened.is_sealed_under_earlier,
        })
    }

    /// The private part, encrypted and bound to its kid.
    pub(crate) fn seal(&self, keys: &Keys) -> Result<Vec<u8>, Unspecified> {
        let pkcs8 = self.to_pkcs8()?;
        let name = self.kid.as_str().as_bytes();
        keys.signing_key_seal.seal(name, pkcs8.expose_secret())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match &self.private {
            PrivateKey::EdDsa(key) => Ok(key.try_sign(message)?.as_ref().to_vec()),
            PrivateKey::Es256(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            PrivateKey::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }

    fn of(private: PrivateKey) -> Result<Self, Unspecified> {
        let (algorithm, public, jwk) = match &private {
            PrivateKey::EdDsa(key) => {
                let bytes = key.public_key().as_ref();
                let jwk = PublicJwk::Okp {
                    crv: "Ed25519",
                    kty: "OKP",
                    x: URL_SAFE_NO_PAD.encode(bytes),
                };
                (
                    KeyAlgorithm::EdDsa,
                    ParsedPublicKey::new(&ED25519, bytes),
                    jwk,
                )
            }
            PrivateKey::Es256(key) => {
                let bytes = key.public_key().as_ref();
                // The uncompressed point: 4, x and y (SEC 1, 2.3.3).
                let (x, y) = bytes
                    .get(1..)
                    .and_then(|it| it.split_at_checked(32))
                    .ok_or(Unspecified)?;
                let jwk = PublicJwk::Ec {
                    crv: "P-256",
                    kty: "EC",
                    x: URL_SAFE_NO_PAD.encode(x),
                    y: URL_SAFE_NO_PAD.encode(y),
                };
                (
                    KeyAlgorithm::Es256,
                    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
                    jwk,
                )
            }
            PrivateKey::Rs256(key) => {
                let bytes = key.public_key().as_ref();
                let (n, e) = modulus_and_exponent(bytes).ok_or(Unspecified)?;
                let jwk = PublicJwk::Rsa {
                    e: URL_SAFE_NO_PAD.encode(e),
                    kty: "RSA",
                    n: URL_SAFE_NO_PAD.encode(n),
                };
                (
                    KeyAlgorithm::Rs256,
                    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bytes),
                    jwk,
                )
            }
        };
        let kid = jwk.thumbprint()?;
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{kid}"}}"#);
        Ok(Self {
            header: URL_SAFE_NO_PAD.encode(header),
            public: public.map_err(|_rejected| Unspecified)?,
            kid,
            algorithm,
            jwk,
            private,
        })
    }

    fn from_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        let private = match algorithm {
            KeyAlgorithm::EdDsa => PrivateKey::EdDsa(Ed25519KeyPair::from_pkcs8(pkcs8).ok()?),
            KeyAlgorithm::Es256 => PrivateKey::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?,
            ),
            KeyAlgorithm::Rs256 => PrivateKey::Rs256(RsaKeyPair::from_pkcs8(pkcs8).ok()?),
        };
        Self::of(private).ok()
    }

    fn to_pkcs8(&self) -> Result<SecretBox<Vec<u8>>, Unspecified> {
        let bytes = match &self.private {
            PrivateKey::EdDsa(key) => key.to_pkcs8()?.as_ref().to_vec(),
            PrivateKey::Es256(key) => key.to_pkcs8v1()?.as_ref().to_vec(),
            PrivateKey::Rs256(key) => AsDer::<Pkcs8V1Der<'_>>::as_der(key)?.as_ref().to_vec(),
        };
        Ok(SecretBox::new(Box::new(bytes)))
    }
}

impl PublicJwk {
    /// The input of the thumbprint (RFC 7638, 3.3), which is also how the public part is kept.
    pub(crate) fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn thumbprint(&self) -> Result<KeyId, Unspecified> {
        let digest = digest(&SHA256, self.canonical().as_bytes());
        KeyId::parse(URL_SAFE_NO_PAD.encode(digest)).map_err(|_never| Unspecified)
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// The two numbers of an `RSAPublicKey` in DER (RFC 8017, A.1.1), without leading zeros (RFC 7518, 6.3.1).
fn modulus_and_exponent(der: &[u8]) -> Option<(&[u8], &[u8])> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let (numbers, _) = element(SEQUENCE, der)?;
    let (modulus, rest) = element(INTEGER, numbers)?;
    let (exponent, _) = element(INTEGER, rest)?;
    let trim = |number: &'_ [u8]| number.iter().take_while(|byte| **byte == 0).count();
    Some((
        modulus.get(trim(modulus)..)?,
        exponent.get(trim(exponent)..)?,
    ))
}

/// The content of the first element, and what follows it.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    if found != tag {
        return None;
    }
    match length {
        ..=0x7f => rest.split_at_checked(length.into()),
        0x81 => {
            let (&[length], rest) = rest.split_first_chunk()?;
            rest.split_at_checked(length.into())
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            rest.split_at_checked(u16::from_be_bytes(*length).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
