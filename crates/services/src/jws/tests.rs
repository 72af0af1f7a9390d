use super::*;
use crate::key_pair::KeyPair;
use crate::pairs::Pairs;
use doorward_domain::{KeyAlgorithm, KeyId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

const SECRET: &str = "a key for tests, 32 bytes and more";

fn ring(secret: &str) -> KeyRing {
    KeyRing::new(&secret.to_owned().into(), &[])
}

fn sign_ada(ring: &KeyRing) -> String {
    sign(ring, &json!({ "user_id": "ada", "exp": 4_000_000_000_u64 })).unwrap()
}

/// One of each algorithm: RSA takes its time.
static PAIRS: LazyLock<[Arc<KeyPair>; 3]> =
    LazyLock::new(|| KeyAlgorithm::ALL.map(|it| Arc::new(KeyPair::generate(it).unwrap())));

fn oracle(pair: &KeyPair) -> (Algorithm, DecodingKey) {
    let text = |name: &str| {
        let jwk: Value = serde_json::from_str(&pair.jwk.canonical()).unwrap();
        jwk[name].as_str().unwrap().to_owned()
    };
    let (algorithm, key) = match pair.algorithm {
        KeyAlgorithm::EdDsa => (
            Algorithm::EdDSA,
            DecodingKey::from_ed_components(&text("x")),
        ),
        KeyAlgorithm::Es256 => (
            Algorithm::ES256,
            DecodingKey::from_ec_components(&text("x"), &text("y")),
        ),
        KeyAlgorithm::Rs256 => (
            Algorithm::RS256,
            DecodingKey::from_rsa_components(&text("n"), &text("e")),
        ),
    };
    (algorithm, key.unwrap())
}

/// A ring that signs with the pair and knows no other.
fn signing_with(pair: &Arc<KeyPair>) -> KeyRing {
    let ring = ring(SECRET);
    let signer = Some(Arc::clone(pair));
    ring.pairs
        .store(Arc::new(Pairs::new(vec![Arc::clone(pair)], signer, None)));
    ring
}

fn is_refused(ring: &KeyRing, token: &str) -> bool {
    verify::<Value>(ring, token).is_none()
}

/// The same claims under this header, signed by the pair.
fn signed_under(header: &str, pair: &KeyPair) -> String {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"user_id":"eve"}"#);
    let signed = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
    let signature = pair.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn the_header_under_the_secret_key_is_that_of_simplejwt_to_the_byte() {
    let header = token()
        .split('.')
        .next()
        .map(|it| URL_SAFE_NO_PAD.decode(it).unwrap());
    assert_eq!(header.unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
    let read = verify::<Value>(&ring(SECRET), &token()).unwrap();
    assert_eq!(read.0, SignedBy::SecretKey);
}

#[test]
fn a_pair_has_one_header_and_an_independent_library_verifies_its_tokens() {
    for pair in &*PAIRS {
        let ring = signing_with(pair);
        let token = sign_ada(&ring);
        let header = URL_SAFE_NO_PAD
            .decode(token.split('.').next().unwrap())
            .unwrap();
        let expected = format!(
            r#"{{"alg":"{}","typ":"JWT","kid":"{}"}}"#,
            pair.algorithm, pair.kid
        );
        assert_eq!(String::from_utf8(header).unwrap(), expected);
        let (by, read) = verify::<Value>(&ring, &token).unwrap();
        assert_eq!((by, &read["user_id"]), (SignedBy::KeyPair, &json!("ada")));

        let (algorithm, key) = oracle(pair);
        let read = jsonwebtoken::decode::<Value>(&token, &key, &Validation::new(algorithm));
        assert_eq!(read.unwrap().claims["user_id"], "ada");
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(header.kid.as_deref(), Some(pair.kid.as_str()));
    }
}

#[test]
fn a_token_of_a_pair_that_is_not_known_is_refused() {
    for pair in &*PAIRS {
        let token = sign_ada(&signing_with(pair));
        assert!(is_refused(&ring(SECRET), &token));
        let stranger = Arc::new(KeyPair::generate(KeyAlgorithm::EdDsa).unwrap());
        assert!(is_refused(&signing_with(&stranger), &token));
    }
}

#[test]
fn the_secret_key_is_known_beside_a_pair_and_told_from_it() {
    let ring = signing_with(&PAIRS[0]);
    let (by, _) = verify::<Value>(&ring, &token()).unwrap();
    assert_eq!(by, SignedBy::SecretKey);
}

#[test]
fn any_other_header_is_refused_even_when_a_known_pair_has_signed_it() {
    for pair in &*PAIRS {
        let (ring, alg, kid) = (signing_with(pair), pair.algorithm, &pair.kid);
        let good = format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}"}}"#);
        assert!(!is_refused(&ring, &signed_under(&good, pair)));
        let unknown = KeyId::parse("A".repeat(43)).unwrap();
        for header in [
            format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#),
            format!(r#"{{"alg":"none","typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"RS512","typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{unknown}"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"../../dev/null"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"' OR 1=1 --"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":["{kid}"]}}"#),
            format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"JWT"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}","kid":"{unknown}"}}"#),
            format!(r#"{{"alg":"{alg}", "typ":"JWT","kid":"{kid}"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}","jku":"http://127.0.0.1/keys"}}"#),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}","x5u":"http://127.0.0.1/keys"}}"#),
            format!(
                r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}","jwk":{}}}"#,
                pair.jwk.canonical()
            ),
            format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"{kid}","crit":["exp"]}}"#),
        ] {
            assert!(is_refused(&ring, &signed_under(&header, pair)), "{header}");
        }
    }
}

#[test]
fn a_public_key_is_no_shared_key() {
    for pair in &*PAIRS {
        let ring = signing_with(pair);
        let jwk = pair.jwk.canonical();
        let members: Value = serde_json::from_str(&jwk).unwrap();
        let mut publicly_known = vec![jwk.clone().into_bytes(), pair.kid.as_str().into()];
        for member in ["x", "n"] {
            if let Some(text) = members[member].as_str() {
                publicly_known.push(text.into());
                publicly_known.push(URL_SAFE_NO_PAD.decode(text).unwrap());
            }
        }
        for secret in publicly_known {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            for header in [HEADER, pair.header.as_str()] {
                let claims = URL_SAFE_NO_PAD.encode(r#"{"user_id":"eve"}"#);
                let signed = format!("{header}.{claims}");
                let tag = hmac::sign(&key, signed.as_bytes());
                let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag));
                assert!(is_refused(&ring, &token), "{header}");
            }
        }
    }
}

#[test]
fn a_header_does_not_go_with_the_signature_of_another_key() {
    let ring = ring(SECRET);
    let signer = Some(Arc::clone(&PAIRS[0]));
    ring.pairs
        .store(Arc::new(Pairs::new(PAIRS.to_vec(), signer, None)));
    let tokens: Vec<_> = PAIRS
        .iter()
        .map(|pair| sign_ada(&signing_with(pair)))
        .chain([token()])
        .collect();
    for (i, one) in tokens.iter().enumerate() {
        assert!(!is_refused(&ring, one));
        for (j, other) in tokens.iter().enumerate() {
            let (text, _) = one.rsplit_once('.').unwrap();
            let (_, signature) = other.rsplit_once('.').unwrap();
            let mixed = format!("{text}.{signature}");
            assert_eq!(is_refused(&ring, &mixed), i != j, "{i} {j}");
            let (_, rest) = one.split_once('.').unwrap();
            let (header, _) = other.split_once('.').unwrap();
            let mixed = format!("{header}.{rest}");
            assert_eq!(is_refused(&ring, &mixed), i != j, "{i} {j}");
        }
    }
}

#[test]
fn every_truncation_of_a_token_of_a_pair_is_refused() {
    for pair in &*PAIRS {
        let ring = signing_with(pair);
        let token = sign_ada(&ring);
        for length in 0..token.len() {
            assert!(is_refused(&ring, token.get(..length).unwrap()), "{length}");
        }
        assert!(is_refused(&ring, &format!("{token}A")));
        assert!(is_refused(&ring, &format!("{token}.")));
    }
}

fn token() -> String {
    sign_ada(&ring(SECRET))
}

#[test]
fn a_token_says_what_was_signed() {
    assert_eq!(
        verify::<Value>(&ring(SECRET), &token()).unwrap().1["user_id"],
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
    fn a_changed_byte_of_a_pairs_token_is_noticed(at in any::<usize>(), with in any::<u8>()) {
        for pair in &*PAIRS {
            let ring = signing_with(pair);
            let mut bytes = sign_ada(&ring).into_bytes();
            let at = at % bytes.len();
            if bytes[at] != with {
                bytes[at] = with;
                let text = String::from_utf8_lossy(&bytes);
                prop_assert!(is_refused(&ring, &text), "{at} {with}");
            }
        }
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
