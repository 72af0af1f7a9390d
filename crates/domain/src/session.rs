//! Sessions and the rotation of their refresh secrets.
//!
//! A session is one row, however often it is refreshed. Its refresh secret of generation *n* is a keyed hash of
//! (session, *n*, salt): it is derived when needed and kept nowhere, so the same successor can be given again to
//! parallel or repeated requests. What a replay does follows RFC 9700, section 4.14.2: the session ends.

use crate::ids::{SessionId, UserId};
use crate::origin::Origin;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// The most live sessions of one user; a further login ends the oldest.
pub const MAX_SESSIONS_PER_USER: usize = 50;

/// Someone logged in, from login to logout or expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` claim of its tokens.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How often it was refreshed.
    pub generation: u32,
    /// Makes the refresh secrets unpredictable even to one who knows the id.
    pub salt: Salt,
    /// The keyed digest by which the present refresh secret is found in its short form.
    pub digest: RefreshDigest,
    /// The digest of the secret before, for the grace period.
    pub previous_digest: Option<RefreshDigest>,
    /// When the login was.
    pub created_at: DateTime<Utc>,
    /// When the present generation began; the login counts.
    pub rotated_at: DateTime<Utc>,
    /// Fixed at login.
    pub expires_at: DateTime<Utc>,
    /// When the last access token minted for it expires.
    pub access_expires_at: DateTime<Utc>,
    /// Where the login came from.
    pub origin: Origin,
    /// None while it lives.
    pub end: Option<SessionEnd>,
}

/// When and why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its holder logged out.
    Logout,
    /// Its holder ended it from another session, or ended all.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// The account was deactivated.
    Deactivated,
    /// A refresh token that was used up came again: it was stolen.
    Replayed,
    /// The user logged in more often than [`MAX_SESSIONS_PER_USER`] allows.
    Displaced,
    /// The database was restored from a backup, which may not know that the session had ended.
    Restored,
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Logout,
        Self::Revoked,
        Self::PasswordChanged,
        Self::Deactivated,
        Self::Replayed,
        Self::Displaced,
        Self::Restored,
    ];

    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::PasswordChanged => "password_changed",
            Self::Deactivated => "deactivated",
            Self::Replayed => "replayed",
            Self::Displaced => "displaced",
            Self::Restored => "restored",
        }
    }
}

/// The text names no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no reason for the end of a session")]
pub struct ParseEndReasonError;

impl TryFrom<String> for EndReason {
    type Error = ParseEndReasonError;

    fn try_from(text: String) -> Result<Self, ParseEndReasonError> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or(ParseEndReasonError)
    }
}

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub [u8; $length]);

        impl TryFrom<Vec<u8>> for $name {
            type Error = WrongLength;

            fn try_from(bytes: Vec<u8>) -> Result<Self, WrongLength> {
                bytes.try_into().map(Self).map_err(|_bytes| WrongLength)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

bytes!(
    /// 16 random bytes.
    Salt,
    16
);
bytes!(
    /// What is stored of a refresh secret: a digest under a key that the database does not hold.
    RefreshDigest,
    32
);

/// Stored bytes are more or fewer than they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("wrong number of bytes")]
pub struct WrongLength;

/// Which of a session's refresh secrets somebody presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The one of the present generation.
    Current,
    /// The one of the generation before.
    Previous,
    /// One that we made still earlier.
    Older,
}

/// What a refresh leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// The secret is used up and the next generation begins.
    Advance,
    /// The answer was lost or the request came twice: the same successor is given again.
    Repeat,
    /// Another request with the same secret was first, and no repeat is answered: refused, and nothing more.
    Lost,
    /// A secret that was used up came again: refused, and the session ends.
    Replayed,
    /// The session is over.
    Over,
}

impl Session {
    /// Neither ended nor expired.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.end.is_none() && now < self.expires_at
    }

    /// Decides a refresh that was asked for at `asked_at`.
    ///
    /// Within `grace` after a rotation the secret before gives the same successor, until that one is used. Without a
    /// grace period a request that was under way while another one rotated is [`Refresh::Lost`].
    pub fn decide_refresh(
        &self,
        presented: Presented,
        asked_at: DateTime<Utc>,
        grace: TimeDelta,
    ) -> Refresh {
        if !self.is_live(asked_at) {
            return Refresh::Over;
        }
        match presented {
            Presented::Current => Refresh::Advance,
            Presented::Previous if !grace.is_zero() && asked_at - self.rotated_at <= grace => {
                Refresh::Repeat
            }
            Presented::Previous if asked_at <= self.rotated_at => Refresh::Lost,
            Presented::Previous | Presented::Older => Refresh::Replayed,
        }
    }

    /// The session in its next generation.
    #[must_use]
    pub fn advanced(
        self,
        digest: RefreshDigest,
        now: DateTime<Utc>,
        access_expires_at: DateTime<Utc>,
    ) -> Self {
        Self {
            generation: self.generation + 1,
            previous_digest: Some(self.digest),
            digest,
            rotated_at: now,
            access_expires_at: self.access_expires_at.max(access_expires_at),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn session() -> Session {
        Session {
            id: SessionId::new(at(0)),
            user_id: UserId::new(at(0)),
            generation: 3,
            salt: Salt([7; 16]),
            digest: RefreshDigest([1; 32]),
            previous_digest: Some(RefreshDigest([0; 32])),
            created_at: at(-100),
            rotated_at: at(0),
            expires_at: at(1000),
            access_expires_at: at(300),
            origin: Origin::default(),
            end: None,
        }
    }

    #[test]
    fn a_refresh_is_decided_by_the_secret_and_the_time() {
        let grace = TimeDelta::seconds(10);
        for (presented, asked_at, decided) in [
            (Presented::Current, 5, Refresh::Advance),
            (Presented::Current, 999, Refresh::Advance),
            (Presented::Previous, -1, Refresh::Repeat),
            (Presented::Previous, 10, Refresh::Repeat),
            (Presented::Previous, 11, Refresh::Replayed),
            (Presented::Older, 1, Refresh::Replayed),
            (Presented::Current, 1000, Refresh::Over),
            (Presented::Older, 1000, Refresh::Over),
        ] {
            assert_eq!(
                session().decide_refresh(presented, at(asked_at), grace),
                decided,
                "{presented:?} at {asked_at}"
            );
        }
    }

    #[test]
    fn without_a_grace_period_no_repeat_is_answered() {
        let decide = |asked_at| {
            session().decide_refresh(Presented::Previous, at(asked_at), TimeDelta::zero())
        };
        assert_eq!(decide(-1), Refresh::Lost);
        assert_eq!(decide(0), Refresh::Lost);
        assert_eq!(decide(1), Refresh::Replayed);
    }

    #[test]
    fn an_ended_session_is_over_whatever_is_presented() {
        let ended = Session {
            end: Some(SessionEnd {
                at: at(1),
                reason: EndReason::Logout,
            }),
            ..session()
        };
        for presented in [Presented::Current, Presented::Previous, Presented::Older] {
            assert_eq!(
                ended.decide_refresh(presented, at(2), TimeDelta::seconds(10)),
                Refresh::Over
            );
        }
    }

    #[test]
    fn the_next_generation_remembers_the_digest_before_and_the_longest_access_token() {
        let next = session().advanced(RefreshDigest([2; 32]), at(5), at(305));
        assert_eq!((next.generation, next.rotated_at), (4, at(5)));
        assert_eq!(next.previous_digest, Some(RefreshDigest([1; 32])));
        assert_eq!(next.access_expires_at, at(305));
        assert_eq!(
            next.clone()
                .advanced(RefreshDigest([3; 32]), at(6), at(10))
                .access_expires_at,
            at(305)
        );
        assert_eq!(next.expires_at, session().expires_at);
    }
}
