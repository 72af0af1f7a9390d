//! What strangers send is read or refused, whatever it is: nothing panics, and what is taken is what was signed.

use crate::jws;
use crate::keys::KeyRing;
use crate::refresh_secret::PresentedSecret;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use std::sync::LazyLock;
use uuid::Uuid;

static RING: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new(&"a key for tests, 32 bytes and more".into(), &[]));

const NOW: i64 = 1_700_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn claims(token_type: &str) -> Value {
    json!({
        "token_type": token_type, "exp": NOW + 300, "iat": NOW, "jti": Uuid::nil().simple().to_string(),
        "user_id": Uuid::max().to_string(), "sid": Uuid::nil().to_string(), "role": "user",
    })
}

/// What nobody would put into a claim, and what somebody would.
fn a_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW - 400..NOW + 400).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<u128>().prop_map(|bits| Value::from(Uuid::from_u128(bits).to_string())),
        prop::sample::select(vec!["access", "refresh", "Access", "owner"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,4}", inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Good claims of which some are others, or missing.
fn some_claims() -> impl Strategy<Value = Value> {
    let names = vec!["token_type", "exp", "iat", "jti", "user_id", "sid", "role"];
    let changes = prop::collection::vec(
        (prop::sample::select(names), prop::option::of(a_value())),
        0..4,
    );
    let kind = prop::sample::select(vec!["access", "refresh"]);
    (kind, changes).prop_map(|(kind, changes)| {
        let mut claims = claims(kind);
        for (name, value) in changes {
            let claims = claims.as_object_mut().unwrap();
            match value {
                Some(value) => claims.insert(name.to_owned(), value),
                None => claims.remove(name),
            };
        }
        claims
    })
}

/// Whether the claims are good for now, by the words of the contract.
fn is_in_time(claims: &Value) -> bool {
    let (exp, iat) = (
        claims["exp"].as_i64().unwrap(),
        claims["iat"].as_i64().unwrap(),
    );
    NOW < exp.saturating_add(5) && iat <= NOW + 5
}

/// One character of a text is another, is missing or is there too much.
fn changed(text: &str, at: Index, other: char, how: u8) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let at = at.index(chars.len());
    match how % 4 {
        0 => chars[at] = other,
        1 => drop(chars.remove(at)),
        2 => chars.insert(at, other),
        _ => chars.truncate(at),
    }
    chars.into_iter().collect()
}

fn is_read(token: &str) -> bool {
    RING.read_access(token, now()).is_some()
        || matches!(
            RING.read_refresh(token, now()),
            Some(PresentedSecret::Token { .. })
        )
        || RING.read_foreign(token, now()).is_some()
}

proptest! {
    #[test]
    fn signed_claims_are_taken_only_when_each_of_them_is_good(claims in some_claims()) {
        let token = jws::sign(&RING, &claims).unwrap();
        let is_id = |name: &str| claims[name].as_str().is_some_and(|text| Uuid::try_parse(text).is_ok());
        if let Some(access) = RING.read_access(&token, now()) {
            prop_assert!(claims["token_type"] == "access" && is_in_time(&claims), "{claims}");
            let user = claims["user_id"].as_str().unwrap().parse();
            prop_assert_eq!(Ok(access.user), user);
            prop_assert!(is_id("sid") && is_id("jti"), "{claims}");
        }
        if RING.read_refresh(&token, now()).is_some() {
            prop_assert!(claims["token_type"] == "refresh" && is_in_time(&claims), "{claims}");
        }
        if RING.read_foreign(&token, now()).is_some() {
            prop_assert!(claims["token_type"] == "access" && is_in_time(&claims), "{claims}");
            prop_assert!(claims.get("sid").is_none_or(Value::is_null), "{claims}");
        }
    }

    #[test]
    fn a_changed_token_is_refused(
        kind in prop::sample::select(vec!["access", "refresh", "foreign"]),
        at in any::<Index>(),
        other in prop_oneof![any::<char>(), prop::char::ranges(vec!['0'..='9', 'A'..='z', '-'..='.'].into())],
        how in any::<u8>(),
    ) {
        let mut good = claims(if kind == "foreign" { "access" } else { kind });
        if kind == "foreign" {
            good.as_object_mut().unwrap().remove("sid");
        }
        let good = jws::sign(&RING, &good).unwrap();
        prop_assert!(is_read(&good), "{kind}");
        let changed = changed(&good, at, other, how);
        prop_assert_eq!(is_read(&changed), changed == good, "{}", changed);
    }

    #[test]
    fn what_looks_like_a_token_is_refused(
        text in "(eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9)?[A-Za-z0-9_=.-]{0,200}|.{0,200}",
    ) {
        prop_assert!(!is_read(&text), "{text}");
        let is_uuid = Uuid::try_parse(&text).is_ok();
        prop_assert_eq!(RING.read_refresh(&text, now()).is_some(), is_uuid);
    }
}
