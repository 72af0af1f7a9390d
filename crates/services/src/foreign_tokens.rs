//! Access tokens that a Django service signed with the shared key, while people move over.
//!
//! simplejwt knows no sessions: such a token names a user by his key in Django, and is good until it expires. What ends it
//! here is a moment that is kept with the account: tokens from before are refused. A logout everywhere, a new password
//! and a deactivation set it.

use crate::jws;
use crate::keys::KeyRing;
use crate::principals::Principal;
use crate::tokens::LEEWAY;
use chrono::{DateTime, Utc};
use moka::sync::Cache;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::sync::Arc;
use uuid::Uuid;

/// About 300 bytes each, beside the principal.
const MOST_ENTRIES: u64 = 20_000;

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignAccess {
    /// The user's primary key in Django, as the import writes it.
    pub(crate) django_id: String,
    pub(crate) issued_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Claims {
    token_type: String,
    exp: i64,
    iat: i64,
    #[serde(rename = "jti")]
    _jti: String,
    user_id: DjangoId,
    /// A token of ours is none of theirs.
    sid: Option<IgnoredAny>,
}

/// simplejwt wrote numbers as they are before its release 5.5, and as text since.
#[derive(Deserialize)]
#[serde(untagged)]
enum DjangoId {
    Number(i64),
    Text(String),
}

impl DjangoId {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => {
                Uuid::try_parse(&text).map_or(text, |uuid| uuid.hyphenated().to_string())
            }
        }
    }
}

impl KeyRing {
    /// What an access token of simplejwt says, if the shared key has signed it and it has not expired.
    pub(crate) fn read_foreign(&self, token: &str, now: DateTime<Utc>) -> Option<ForeignAccess> {
        let claims: Claims = jws::verify_foreign(self, token)?;
        let (now, leeway) = (now.timestamp(), LEEWAY.num_seconds());
        let is_good = claims.token_type == "access"
            && claims.sid.is_none()
            && now < claims.exp.saturating_add(leeway)
            && claims.iat <= now.saturating_add(leeway);
        let issued_at = DateTime::from_timestamp(claims.iat, 0)?;
        is_good.then(|| ForeignAccess {
            django_id: claims.user_id.text(),
            issued_at,
        })
    }
}

/// Whose tokens these are, in memory. An entry is good as long as its principal is the one that is remembered: whatever
/// drops that, drops this.
#[derive(Debug)]
pub(crate) struct ForeignAccounts {
    entries: Cache<String, ForeignAccount>,
}

/// Somebody who comes from Django.
#[derive(Debug, Clone)]
pub(crate) struct ForeignAccount {
    pub(crate) principal: Arc<Principal>,
    /// Tokens that were issued before are refused.
    pub(crate) tokens_from: Option<DateTime<Utc>>,
}

impl ForeignAccount {
    /// Whether what ended this user's tokens came before this one was issued. Of the second in which it happened, none is
    /// taken.
    pub(crate) fn accepts(&self, access: &ForeignAccess) -> bool {
        self.tokens_from.is_none_or(|from| from <= access.issued_at)
    }
}

impl ForeignAccounts {
    pub(crate) fn new() -> Self {
        Self {
            entries: Cache::new(MOST_ENTRIES),
        }
    }

    pub(crate) fn get(&self, django_id: &str) -> Option<ForeignAccount> {
        self.entries.get(django_id)
    }

    pub(crate) fn insert(&self, django_id: String, account: ForeignAccount) {
        self.entries.insert(django_id, account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use chrono::TimeDelta;
    use serde_json::{Value, json};

    fn ring() -> KeyRing {
        KeyRing::new(&"a key for tests, 32 bytes and more".into(), &[])
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap()
    }

    fn claims() -> Value {
        json!({
            "token_type": "access", "exp": 1_700_000_300, "iat": 1_700_000_000,
            "jti": "7d6b4b0c2f8e4f0e9d7c3a2b1c0d9e8f", "user_id": "7",
        })
    }

    fn read(claims: &Value) -> Option<ForeignAccess> {
        let ring = ring();
        ring.read_foreign(&jws::sign(&ring, claims).unwrap(), now())
    }

    #[test]
    fn a_token_of_simplejwt_names_the_user_by_his_key_in_django() {
        for (user_id, django_id) in [
            (json!(7), "7"),
            (json!("7"), "7"),
            (
                json!("018F6B4C-0000-7000-8000-00000000000A"),
                "018f6b4c-0000-7000-8000-00000000000a",
            ),
        ] {
            let mut claims = claims();
            claims["user_id"] = user_id;
            let expected = ForeignAccess {
                django_id: django_id.to_owned(),
                issued_at: now(),
            };
            assert_eq!(read(&claims), Some(expected));
        }
    }

    #[test]
    fn the_header_is_one_of_the_two_that_simplejwt_writes() {
        for (header, is_read) in [
            (json!({ "alg": "HS256", "typ": "JWT" }).to_string(), true),
            (r#"{"typ":"JWT","alg":"HS256"}"#.to_owned(), true),
            (r#"{"typ":"JWT","alg":"none"}"#.to_owned(), false),
            (r#"{"typ":"JWT","alg":"HS512"}"#.to_owned(), false),
            (r#"{"typ":"JWT","alg":"HS256","kid":"x"}"#.to_owned(), false),
        ] {
            let token = format!(
                "{}.{}",
                URL_SAFE_NO_PAD.encode(&header),
                URL_SAFE_NO_PAD.encode(claims().to_string())
            );
            let ring = ring();
            let signature = hmac::sign(&ring.present.token, token.as_bytes());
            let token = format!("{token}.{}", URL_SAFE_NO_PAD.encode(signature));
            let read = ring.read_foreign(&token, now());
            assert_eq!(read.is_some(), is_read, "{header}");
        }
    }

    #[test]
    fn what_is_expired_from_the_future_no_access_token_or_ours_is_refused() {
        for (claim, value) in [
            ("exp", json!(1_699_999_995)),
            ("exp", json!("soon")),
            ("iat", json!(1_700_000_006)),
            ("iat", json!(i64::MAX)),
            ("token_type", json!("refresh")),
            ("user_id", json!(7.5)),
            ("user_id", json!({ "id": 7 })),
            ("user_id", Value::Null),
            ("jti", json!(1)),
            ("sid", json!("018f6b4c-0000-7000-8000-00000000000a")),
        ] {
            let mut claims = claims();
            claims[claim] = value.clone();
            assert_eq!(read(&claims), None, "{claim} {value}");
        }
        for claim in ["exp", "iat", "token_type", "user_id", "jti"] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(read(&claims), None, "no {claim}");
        }
    }

    #[test]
    fn a_token_of_the_second_in_which_all_were_ended_is_refused() {
        let access = read(&claims()).unwrap();
        let principal = Arc::new(crate::principals::tests::ada());
        let accepts = |tokens_from| {
            let principal = Arc::clone(&principal);
            ForeignAccount {
                principal,
                tokens_from,
            }
            .accepts(&access)
        };
        assert!(accepts(None));
        assert!(accepts(Some(now())));
        assert!(accepts(Some(now() - TimeDelta::milliseconds(1))));
        assert!(!accepts(Some(now() + TimeDelta::milliseconds(1))));
    }
}
