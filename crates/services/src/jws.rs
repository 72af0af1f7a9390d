//! Signed tokens in the compact form of RFC 7515, HS256.
//!
//! A token of ours has exactly our header, byte for byte. Whatever else a header could ask for (another algorithm, no
//! signature, a key of its own, extensions) is refused before anything is parsed, as RFC 8725 recommends.

use crate::keys::{KeyRing, Keys};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// `{"alg":"HS256","typ":"JWT"}`, as simplejwt writes it.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Longer than any token that we make.
const MAX_LENGTH: usize = 2048;

/// The token that says `claims`.
pub(crate) fn sign<T: Serialize>(keys: &Keys, claims: &T) -> String {
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let mut token = String::with_capacity(512);
    token.push_str(HEADER);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = hmac::sign(&keys.token, token.as_bytes());
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

/// What the token says, if one of our keys has signed it.
pub(crate) fn verify<T: DeserializeOwned>(keys: &KeyRing, token: &str) -> Option<T> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    keys.iter()
        .any(|keys| hmac::verify(&keys.token, signed.as_bytes(), &signature).is_ok())
        .then_some(())?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const SECRET: &str = "a key for tests, 32 bytes and more";

    fn ring(secret: &str) -> KeyRing {
        KeyRing::new(&secret.to_owned().into(), &[])
    }

    fn token() -> String {
        sign(
            &ring(SECRET).present,
            &json!({ "user_id": "ada", "exp": 4_000_000_000_u64 }),
        )
    }

    #[test]
    fn a_token_says_what_was_signed() {
        assert_eq!(
            verify::<Value>(&ring(SECRET), &token()).unwrap()["user_id"],
            "ada"
        );
    }

    #[test]
    fn an_independent_library_verifies_our_token() {
        let validation = Validation::new(Algorithm::HS256);
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let read = jsonwebtoken::decode::<Value>(token(), &key, &validation).unwrap();
        assert_eq!(read.claims["user_id"], "ada");
    }

    #[test]
    fn a_token_of_another_key_is_refused_unless_the_key_is_an_earlier_one() {
        let other = "another key for tests, 32 bytes too";
        assert!(verify::<Value>(&ring(other), &token()).is_none());
        let moved = KeyRing::new(&other.to_owned().into(), &[SECRET.to_owned().into()]);
        assert!(verify::<Value>(&moved, &token()).is_some());
    }

    #[test]
    fn a_header_that_is_not_ours_is_refused_even_when_it_is_signed_with_our_key() {
        let ring = ring(SECRET);
        for header in [
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"NONE","typ":"JWT"}"#,
            r#"{"alg":"HS512","typ":"JWT"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"../../dev/null"}"#,
            r#"{"alg":"HS256","typ":"JWT","jku":"http://127.0.0.1/keys"}"#,
            r#"{"alg":"HS256","typ":"JWT","crit":["exp"]}"#,
            r#"{"alg":"HS256","typ":"JWT","b64":false,"crit":["b64"]}"#,
        ] {
            let signed = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(header),
                URL_SAFE_NO_PAD.encode(r#"{"user_id":"eve"}"#)
            );
            let signature = hmac::sign(&ring.present.token, signed.as_bytes());
            for signature in [URL_SAFE_NO_PAD.encode(signature), String::new()] {
                assert!(
                    verify::<Value>(&ring, &format!("{signed}.{signature}")).is_none(),
                    "{header}"
                );
            }
        }
    }

    #[test]
    fn every_truncation_of_a_good_token_is_refused() {
        let (ring, token) = (ring(SECRET), token());
        for length in 0..token.len() {
            assert!(
                verify::<Value>(&ring, token.get(..length).unwrap()).is_none(),
                "{length}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(text in any::<String>()) {
            prop_assert!(verify::<Value>(&ring(SECRET), &text).is_none());
        }

        #[test]
        fn a_changed_byte_is_noticed(at in 0_usize..150, with in any::<u8>()) {
            let mut bytes = token().into_bytes();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != with);
            bytes[at] = with;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert!(verify::<Value>(&ring(SECRET), &text).is_none());
            }
        }
    }
}
