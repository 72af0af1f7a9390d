//! The key and the signature of the Standard Webhooks specification: HMAC-SHA256 over the id, the time and the body with
//! points between.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use doorward_storage::StoreError;
use secrecy::zeroize::Zeroize;
use std::fmt;

/// How every secret begins.
const MARK: &str = "whsec_";
/// The specification wants 24 to 64 bytes.
const KEY_BYTES: usize = 32;

/// A secret as its owner has it. It is shown once, and never printed.
pub struct WebhookKey([u8; KEY_BYTES]);

impl WebhookKey {
    pub(super) fn generate() -> Result<Self, StoreError> {
        let mut key = Self([0; KEY_BYTES]);
        SystemRandom::new()
            .fill(&mut key.0)
            .map_err(|error| StoreError::Backend(error.into()))?;
        Ok(key)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text that receivers are configured with: `whsec_` and the key in base64.
    pub fn expose(&self) -> String {
        format!("{MARK}{}", STANDARD.encode(self.0))
    }
}

impl Drop for WebhookKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

/// The keys that sign a webhook, and when it is signed.
#[derive(Debug)]
pub struct Signers {
    keys: Vec<hmac::Key>,
    at: DateTime<Utc>,
}

impl Signers {
    /// None where there is no key.
    pub(super) fn new(keys: impl Iterator<Item = WebhookKey>, at: DateTime<Utc>) -> Option<Self> {
        let keys: Vec<_> = keys
            .map(|key| hmac::Key::new(HMAC_SHA256, key.as_bytes()))
            .collect();
        (!keys.is_empty()).then_some(Self { keys, at })
    }

    /// The header `webhook-timestamp`: whole seconds since 1970.
    pub fn timestamp(&self) -> i64 {
        self.at.timestamp()
    }

    /// The header `webhook-signature` of a message: a signature by each key with a space between, that of the present
    /// one first.
    pub fn sign(&self, id: &str, body: &[u8]) -> String {
        let signed = self.keys.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{id}.{}.", self.timestamp()).as_bytes());
            context.update(body);
            format!("v1,{}", STANDARD.encode(context.sign()))
        });
        signed.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn signers(secrets: &[&str]) -> Signers {
        let at = DateTime::from_timestamp(1_614_265_330, 999_999_000).unwrap();
        let keys = secrets
            .iter()
            .map(|secret| hmac::Key::new(HMAC_SHA256, &STANDARD.decode(secret).unwrap()));
        Signers {
            keys: keys.collect(),
            at,
        }
    }

    #[test]
    fn the_vector_of_the_specification_is_signed_as_it_says() {
        let signers = signers(&[SECRET]);
        assert_eq!(signers.timestamp(), 1_614_265_330);
        assert_eq!(
            signers.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn each_key_signs_and_the_present_one_comes_first() {
        let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let both = signers(&[SECRET, other]).sign("msg_1", b"{}");
        let (first, second) = both.split_once(' ').unwrap();
        assert_eq!(first, signers(&[SECRET]).sign("msg_1", b"{}"));
        assert_eq!(second, signers(&[other]).sign("msg_1", b"{}"));
    }

    #[test]
    fn the_id_and_the_body_are_signed() {
        let signers = signers(&[SECRET]);
        let signature = signers.sign("msg_1", b"{}");
        assert_ne!(signature, signers.sign("msg_2", b"{}"));
        assert_ne!(signature, signers.sign("msg_1", b"{ }"));
    }

    #[test]
    fn a_key_has_the_form_of_the_specification_and_is_another_each_time() {
        let (key, other) = (
            WebhookKey::generate().unwrap(),
            WebhookKey::generate().unwrap(),
        );
        let text = key.expose();
        let bytes = STANDARD.decode(text.strip_prefix("whsec_").unwrap());
        assert_eq!(bytes.unwrap(), key.as_bytes());
        assert_ne!(text, other.expose());
        assert_eq!(format!("{key:?}"), "WebhookKey(…)");
    }
}
