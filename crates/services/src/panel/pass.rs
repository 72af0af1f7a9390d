//! What the cookies of the panel say, and the tokens in its forms.

use super::PANEL_IDLE;
use crate::keys::{KeyRing, Keys};
use crate::tokens::LEEWAY;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use doorward_domain::{SessionId, UserId};
use rand::RngExt;
use std::fmt;
use uuid::Uuid;

/// Two ids and two times, and behind them the signature.
const SAID: usize = 16 + 16 + 8 + 8;
const TAG: usize = 32;

/// What the cookie of a session says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) ends_at: DateTime<Utc>,
    pub(super) seen_at: DateTime<Utc>,
}

impl Pass {
    /// The value of the cookie. It holds no secret but its signature.
    pub(super) fn sealed(self, keys: &KeyRing) -> String {
        let mut bytes = Vec::with_capacity(SAID + TAG);
        bytes.extend_from_slice(self.user.as_uuid().as_bytes());
        bytes.extend_from_slice(self.session.as_uuid().as_bytes());
        bytes.extend_from_slice(&self.ends_at.timestamp_micros().to_be_bytes());
        bytes.extend_from_slice(&self.seen_at.timestamp_micros().to_be_bytes());
        let tag = hmac::sign(&keys.present.panel_cookie, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a cookie says that was signed here; none for any other text.
    pub(super) fn open(keys: &KeyRing, cookie: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (said, tag) = bytes.split_at_checked(SAID)?;
        keys.iter()
            .any(|keys| hmac::verify(&keys.panel_cookie, said, tag).is_ok())
            .then_some(())?;
        let (user, said) = said.split_first_chunk::<16>()?;
        let (session, said) = said.split_first_chunk::<16>()?;
        let (ends_at, said) = said.split_first_chunk::<8>()?;
        let (seen_at, _) = said.split_first_chunk::<8>()?;
        let time = |bytes: &[u8; 8]| DateTime::from_timestamp_micros(i64::from_be_bytes(*bytes));
        Some(Self {
            user: UserId::from_uuid(Uuid::from_bytes(*user)),
            session: SessionId::from_uuid(Uuid::from_bytes(*session)),
            ends_at: time(ends_at)?,
            seen_at: time(seen_at)?,
        })
    }

    /// Neither at its end nor idle for too long. Another node's clock may be a little ahead.
    pub(super) fn is_good(&self, now: DateTime<Utc>) -> bool {
        let idle = now - self.seen_at;
        now < self.ends_at && idle >= -LEEWAY && idle < PANEL_IDLE
    }
}

/// What the forms of somebody are bound to: his session, or before the login a number that only his browser has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    kind: u8,
    id: [u8; 16],
}

impl Visit {
    /// Of a browser that comes for the first time.
    pub fn new_stranger() -> Self {
        Self {
            kind: 0,
            id: rand::rng().random(),
        }
    }

    /// Of the browser that has this cookie, made by [`cookie`](Self::cookie).
    pub fn of_stranger(cookie: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        Some(Self {
            kind: 0,
            id: bytes.try_into().ok()?,
        })
    }

    /// The cookie of a stranger.
    pub fn cookie(self) -> String {
        URL_SAFE_NO_PAD.encode(self.id)
    }

    pub(super) fn of_session(session: SessionId) -> Self {
        Self {
            kind: 1,
            id: session.as_uuid().into_bytes(),
        }
    }
}

impl fmt::Debug for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Visit(…)")
    }
}

/// What a form sends to show that this server made it, for this browser.
#[derive(Clone, PartialEq, Eq)]
pub struct FormToken(String);

impl FormToken {
    pub(super) fn make(keys: &Keys, visit: Visit) -> Self {
        let mut bytes = [visit.kind; 17];
        for (byte, of_id) in bytes.iter_mut().skip(1).zip(visit.id) {
            *byte = of_id;
        }
        Self(URL_SAFE_NO_PAD.encode(hmac::sign(&keys.panel_form, &bytes)))
    }

    /// For the form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn is(&self, other: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormToken(…)")
    }
}
