//! Access and refresh tokens: the claims of simplejwt, and `sid` and `role`.

use crate::jws::{self, SignedBy};
use crate::keys::KeyRing;
use crate::principals::Principal;
use crate::refresh_secret::{PresentedSecret, RefreshSecret};
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{Session, SessionId, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// How far the clocks of two nodes may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// What somebody gets who has logged in or refreshed. Secrets: they are sent once and never logged.
#[derive(Clone)]
pub struct TokenPair {
    /// The token for requests.
    pub access_token: String,
    /// The token for the next pair, in its signed form.
    pub refresh_token: String,
    /// The same in its short form.
    pub refresh_uuid: Uuid,
    /// For how long the access token is good.
    pub expires_in: TimeDelta,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenPair(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TokenType {
    Access,
    Refresh,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    token_type: TokenType,
    exp: i64,
    iat: i64,
    jti: uuid::fmt::Simple,
    user_id: uuid::fmt::Hyphenated,
    sid: uuid::fmt::Hyphenated,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
}

#[derive(Deserialize)]
struct Claims {
    token_type: TokenType,
    exp: i64,
    iat: i64,
    jti: Uuid,
    user_id: Uuid,
    sid: Uuid,
}

/// What a good access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl KeyRing {
    /// The pair for the present generation of the session. None when the key under which it was made is gone, or nothing
    /// can be signed.
    pub(crate) fn issue(
        &self,
        session: &Session,
        principal: &Principal,
        now: DateTime<Utc>,
        lifetime: TimeDelta,
    ) -> Option<TokenPair> {
        let secret = self.secret_of(session)?;
        let expires_at = (now + lifetime).min(session.access_expires_at);
        let access_token = jws::sign(
            self,
            &NewClaims {
                token_type: TokenType::Access,
                exp: expires_at.timestamp(),
                iat: now.timestamp(),
                jti: Uuid::new_v4().simple(),
                user_id: session.user_id.as_uuid().hyphenated(),
                sid: session.id.as_uuid().hyphenated(),
                role: Some(principal.role.as_str()),
            },
        )?;
        Some(TokenPair {
            access_token,
            refresh_token: self.refresh_token(session, secret)?,
            refresh_uuid: secret.uuid,
            expires_in: TimeDelta::seconds(expires_at.timestamp() - now.timestamp()),
        })
    }

    /// Nothing in it but what the session row says, so that a repeated answer is the same to the byte (with ES256, whose
    /// signatures are random, but for the signature).
    fn refresh_token(&self, session: &Session, secret: RefreshSecret) -> Option<String> {
        jws::sign(
            self,
            &NewClaims {
                token_type: TokenType::Refresh,
                exp: session.expires_at.timestamp(),
                iat: session.rotated_at.timestamp(),
                jti: secret.jti.simple(),
                user_id: session.user_id.as_uuid().hyphenated(),
                sid: session.id.as_uuid().hyphenated(),
                role: None,
            },
        )
    }

    /// What an access token says, if it is one of ours and neither expired nor from the future.
    pub(crate) fn read_access(&self, token: &str, now: DateTime<Utc>) -> Option<Access> {
        let claims = self.claims(token, TokenType::Access, now)?;
        Some(Access {
            user: UserId::from_uuid(claims.user_id),
            session: SessionId::from_uuid(claims.sid),
        })
    }

    /// A refresh token in either form. None is forged, expired or malformed: it costs no query.
    pub(crate) fn read_refresh(&self, text: &str, now: DateTime<Utc>) -> Option<PresentedSecret> {
        if let Ok(uuid) = Uuid::try_parse(text) {
            return Some(PresentedSecret::Uuid(uuid));
        }
        let claims = self.claims(text, TokenType::Refresh, now)?;
        Some(PresentedSecret::Token {
            session: SessionId::from_uuid(claims.sid),
            jti: claims.jti,
        })
    }

    fn claims(&self, token: &str, token_type: TokenType, now: DateTime<Utc>) -> Option<Claims> {
        let (signed_by, claims): (_, Claims) = jws::verify(self, token)?;
        let is_taken = self.is_taken(signed_by, token_type, now);
        let (now, leeway) = (now.timestamp(), LEEWAY.num_seconds());
        let is_good = is_taken
            && claims.token_type == token_type
            && now < claims.exp.saturating_add(leeway)
            && claims.iat <= now.saturating_add(leeway);
        is_good.then_some(claims)
    }

    /// Others may hold the secret key too, and when a pair signs they shall not be able to make access tokens. A refresh
    /// token is good under every key that is known: its `jti` is worth nothing unless it is the session's secret.
    fn is_taken(&self, signed_by: SignedBy, token_type: TokenType, now: DateTime<Utc>) -> bool {
        match (signed_by, token_type) {
            (SignedBy::KeyPair, _) | (SignedBy::SecretKey, TokenType::Refresh) => true,
            (SignedBy::SecretKey, TokenType::Access) => self.pairs.load().takes_shared_access(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_domain::session::Salt;
    use doorward_domain::{Origin, Role, Username};
    use serde_json::{Value, json};

    fn ring() -> KeyRing {
        KeyRing::new(&"a key for tests, 32 bytes and more".to_owned().into(), &[])
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn pair(ring: &KeyRing) -> (Session, TokenPair) {
        let (id, salt) = (SessionId::new(at(0)), Salt([9; 16]));
        let secret = RefreshSecret::derive(&ring.present, id, 0, salt);
        let session = Session {
            id,
            user_id: UserId::new(at(0)),
            generation: 0,
            salt,
            digest: secret.digest(&ring.present),
            previous_digest: None,
            created_at: at(0),
            rotated_at: at(0),
            expires_at: at(1000),
            access_expires_at: at(310),
            origin: Origin::default(),
            end: None,
        };
        let principal = Principal {
            id: session.user_id,
            username: Username::parse("ada").unwrap(),
            email: None,
            role: Role::Admin,
            is_active: true,
            date_joined: at(0),
            last_login: None,
        };
        let pair = ring
            .issue(&session, &principal, at(0), TimeDelta::seconds(300))
            .unwrap();
        (session, pair)
    }

    #[test]
    fn an_access_token_names_the_user_and_the_session_until_it_expires() {
        let ring = ring();
        let (session, pair) = pair(&ring);
        let access = Access {
            user: session.user_id,
            session: session.id,
        };
        assert_eq!(ring.read_access(&pair.access_token, at(0)), Some(access));
        assert_eq!(ring.read_access(&pair.access_token, at(304)), Some(access));
        assert_eq!(ring.read_access(&pair.access_token, at(305)), None);
        assert_eq!(ring.read_access(&pair.access_token, at(-5)), Some(access));
        assert_eq!(ring.read_access(&pair.access_token, at(-6)), None);
        assert_eq!(pair.expires_in, TimeDelta::seconds(300));
    }

    #[test]
    fn the_claims_are_those_of_simplejwt() {
        let ring = ring();
        let (session, pair) = pair(&ring);
        let (_, claims): (_, Value) = jws::verify(&ring, &pair.access_token).unwrap();
        assert_eq!(claims["token_type"], "access");
        assert_eq!(claims["user_id"], session.user_id.to_string());
        assert_eq!(claims["role"], "admin");
        let (_, claims): (_, Value) = jws::verify(&ring, &pair.refresh_token).unwrap();
        assert_eq!(claims["token_type"], "refresh");
        assert_eq!(claims["exp"], at(1000).timestamp());
    }

    #[test]
    fn one_kind_of_token_is_not_the_other() {
        let ring = ring();
        let (_, pair) = pair(&ring);
        assert_eq!(ring.read_access(&pair.refresh_token, at(0)), None);
        assert_eq!(ring.read_refresh(&pair.access_token, at(0)), None);
        assert!(ring.read_refresh(&pair.refresh_token, at(0)).is_some());
        assert!(
            ring.read_refresh(&pair.refresh_uuid.to_string(), at(0))
                .is_some()
        );
    }

    #[test]
    fn the_same_generation_gives_the_same_refresh_token() {
        let ring = ring();
        let (session, pair) = pair(&ring);
        let again = ring.refresh_token(&session, ring.secret_of(&session).unwrap());
        assert_eq!(again, Some(pair.refresh_token));
    }

    #[test]
    fn signed_claims_of_a_wrong_type_or_missing_are_refused() {
        let ring = ring();
        let good = json!({
            "token_type": "access", "exp": at(300).timestamp(), "iat": at(0).timestamp(),
            "jti": Uuid::nil().simple().to_string(), "user_id": Uuid::nil().to_string(), "sid": Uuid::nil().to_string(),
        });
        assert!(
            ring.read_access(&jws::sign(&ring, &good).unwrap(), at(0))
                .is_some()
        );
        for (claim, value) in [
            ("exp", json!("soon")),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("exp", json!(i64::MIN)),
            ("iat", json!(i64::MAX)),
            ("token_type", json!("Access")),
            ("token_type", json!(["access"])),
            ("user_id", json!(1)),
            ("user_id", json!("1")),
            ("sid", json!({})),
            ("jti", json!("x")),
        ] {
            let mut claims = good.clone();
            claims[claim] = value.clone();
            assert_eq!(
                ring.read_access(&jws::sign(&ring, &claims).unwrap(), at(0)),
                None,
                "{claim} {value}"
            );
            claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(
                ring.read_access(&jws::sign(&ring, &claims).unwrap(), at(0)),
                None,
                "no {claim}"
            );
        }
    }
}
