use super::*;
use chrono::DateTime;
use doorward_domain::KeyState;
use serde_json::{Value, json};

fn ring(secret: &str, earlier: &[&str]) -> KeyRing {
    let earlier: Vec<_> = earlier.iter().map(|key| (*key).into()).collect();
    KeyRing::new(&secret.into(), &earlier)
}

const SECRET: &str = "a key for tests, 32 bytes and more";
const OTHER: &str = "another key for tests, 32 bytes too";

fn stored(pair: &KeyPair, ring: &KeyRing) -> SigningKey {
    SigningKey {
        kid: pair.kid.clone(),
        algorithm: pair.algorithm,
        public_key: pair.jwk.canonical(),
        sealed_key: Some(pair.seal(&ring.present).unwrap()),
        state: KeyState::Active,
        created_at: DateTime::UNIX_EPOCH,
        activated_at: None,
        deactivated_at: None,
        retired_at: None,
    }
}

#[test]
fn a_pair_is_opened_again_under_its_secret_key_and_verifies_what_it_has_signed() {
    let ring = ring(SECRET, &[]);
    for algorithm in KeyAlgorithm::ALL {
        let pair = KeyPair::generate(algorithm).unwrap();
        let opened = KeyPair::open(&ring, &stored(&pair, &ring)).unwrap();
        assert!(!opened.is_sealed_under_earlier);
        let opened = opened.pair;
        assert_eq!((&opened.kid, &opened.jwk), (&pair.kid, &pair.jwk));
        assert_eq!(opened.header, pair.header);
        let signature = opened.sign(b"text").unwrap();
        assert!(pair.has_signed(b"text", &signature), "{algorithm}");
        assert!(!pair.has_signed(b"Text", &signature), "{algorithm}");
        let other = KeyPair::generate(algorithm).unwrap();
        assert!(!other.has_signed(b"text", &signature), "{algorithm}");
        assert_ne!(other.kid, pair.kid);
    }
}

#[test]
fn what_an_earlier_key_has_sealed_is_opened_and_known_as_such() {
    let pair = KeyPair::generate(KeyAlgorithm::EdDsa).unwrap();
    let key = stored(&pair, &ring(SECRET, &[]));
    let moved = KeyPair::open(&ring(OTHER, &[SECRET]), &key).unwrap();
    assert!(moved.is_sealed_under_earlier);
    assert!(KeyPair::open(&ring(OTHER, &[]), &key).is_err());
}

#[test]
fn a_row_that_was_changed_is_not_opened() {
    let ring = ring(SECRET, &[]);
    let pair = KeyPair::generate(KeyAlgorithm::EdDsa).unwrap();
    let other = KeyPair::generate(KeyAlgorithm::EdDsa).unwrap();
    let (good, others) = (stored(&pair, &ring), stored(&other, &ring));
    let mut flipped = good.clone();
    flipped.sealed_key.as_mut().unwrap()[20] ^= 1;
    let cut = |length: usize| {
        let mut key = good.clone();
        key.sealed_key.as_mut().unwrap().truncate(length);
        key
    };
    for (what, row) in [
        (
            "no private part",
            good.clone().retired(DateTime::UNIX_EPOCH),
        ),
        ("a changed byte", flipped),
        ("nothing", cut(0)),
        ("a nonce", cut(12)),
        ("a cut one", cut(50)),
        (
            "the private part of another",
            SigningKey {
                sealed_key: others.sealed_key.clone(),
                ..good.clone()
            },
        ),
        (
            "the kid of another",
            SigningKey {
                kid: others.kid.clone(),
                ..good.clone()
            },
        ),
        (
            "the public part of another",
            SigningKey {
                public_key: others.public_key.clone(),
                ..good.clone()
            },
        ),
        (
            "another algorithm",
            SigningKey {
                algorithm: KeyAlgorithm::Es256,
                ..good.clone()
            },
        ),
    ] {
        assert!(KeyPair::open(&ring, &row).is_err(), "{what}");
    }
    assert!(KeyPair::open(&ring, &good).is_ok());
}

#[test]
fn sealing_twice_gives_two_texts_and_nothing_of_the_key_shows() {
    let ring = ring(SECRET, &[]);
    let pair = KeyPair::generate(KeyAlgorithm::EdDsa).unwrap();
    let sealed = pair.seal(&ring.present).unwrap();
    assert_ne!(sealed, pair.seal(&ring.present).unwrap());
    let clear = pair.to_pkcs8().unwrap();
    for window in clear.expose_secret().windows(8) {
        assert!(!sealed.windows(8).any(|it| it == window));
    }
    let shown = format!("{pair:?}");
    assert!(shown.contains(pair.kid.as_str()) && !shown.contains("private"));
}

#[test]
fn the_thumbprint_is_that_of_the_rfcs() {
    // RFC 8037, A.3.
    let okp = PublicJwk::Okp {
        crv: "Ed25519",
        kty: "OKP",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
    };
    let kid = okp.thumbprint().unwrap();
    assert_eq!(kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    // RFC 7638, 3.1.
    let rsa = PublicJwk::Rsa {
        e: "AQAB".to_owned(),
        kty: "RSA",
        n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned(),
    };
    let kid = rsa.thumbprint().unwrap();
    assert_eq!(kid.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_public_key_is_told_with_all_its_members_and_without_a_private_one() {
    for (algorithm, members) in [
        (KeyAlgorithm::EdDsa, vec!["crv", "kty", "x"]),
        (KeyAlgorithm::Es256, vec!["crv", "kty", "x", "y"]),
        (KeyAlgorithm::Rs256, vec!["e", "kty", "n"]),
    ] {
        let pair = KeyPair::generate(algorithm).unwrap();
        let jwk: Value = serde_json::from_str(&pair.jwk.canonical()).unwrap();
        let told: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
        assert_eq!(told, members);
        if algorithm == KeyAlgorithm::Rs256 {
            let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
            assert_eq!(modulus.len() * 8, 3072);
            assert_eq!(jwk["e"], json!("AQAB"));
        }
    }
}

#[test]
fn no_kid_looks_like_a_flag() {
    for _ in 0..500 {
        let pair = KeyPair::generate(KeyAlgorithm::EdDsa).unwrap();
        assert!(!pair.kid.as_str().starts_with('-'));
    }
}
