//! The secret with which a user's webhooks are signed, as it is kept: sealed, with the one before it for a while.

use crate::ids::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt;

/// For how long the secret before signs beside the present one, so that receivers can take over the new one.
pub const ROTATION_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// The secret of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    /// Whose it is.
    pub user_id: UserId,
    /// The secret itself, which only a holder of the secret key can open.
    pub sealed: SealedSecret,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The one that it has replaced.
    pub previous: Option<PreviousWebhookSecret>,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousWebhookSecret {
    /// The secret itself.
    pub sealed: SealedSecret,
    /// Until when it signs; not at that moment itself.
    pub until: DateTime<Utc>,
}

/// An encrypted secret. It prints nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}

impl WebhookSecret {
    /// The first secret of a user.
    pub fn new(user_id: UserId, sealed: SealedSecret, now: DateTime<Utc>) -> Self {
        Self {
            user_id,
            sealed,
            created_at: now,
            previous: None,
        }
    }

    /// Another one in its place, beside which it still signs for [`ROTATION_OVERLAP`]. There are two at the most: who
    /// rotates twice is rid of a secret at once.
    #[must_use]
    pub fn rotated(self, sealed: SealedSecret, now: DateTime<Utc>) -> Self {
        Self {
            previous: Some(PreviousWebhookSecret {
                sealed: self.sealed,
                until: now + ROTATION_OVERLAP,
            }),
            ..Self::new(self.user_id, sealed, now)
        }
    }

    /// The one before, while it signs.
    pub fn previous_at(&self, now: DateTime<Utc>) -> Option<&PreviousWebhookSecret> {
        self.previous
            .as_ref()
            .filter(|previous| now < previous.until)
    }

    /// What signs at that moment, the present one first.
    pub fn signing_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &SealedSecret> {
        let previous = self.previous_at(now).map(|previous| &previous.sealed);
        std::iter::once(&self.sealed).chain(previous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(number: u8) -> SealedSecret {
        SealedSecret(vec![number; 3])
    }

    fn signing(secret: &WebhookSecret, at: DateTime<Utc>) -> Vec<&SealedSecret> {
        secret.signing_at(at).collect()
    }

    #[test]
    fn for_a_day_after_a_rotation_both_sign() {
        let now = DateTime::UNIX_EPOCH;
        let first = WebhookSecret::new(UserId::new(now), sealed(1), now);
        assert_eq!(signing(&first, now), [&sealed(1)]);
        let at = now + TimeDelta::days(9);
        let second = first.rotated(sealed(2), at);
        assert_eq!(
            (second.created_at, second.user_id.as_uuid().is_nil()),
            (at, false)
        );
        let last = at + ROTATION_OVERLAP - TimeDelta::microseconds(1);
        assert_eq!(signing(&second, last), [&sealed(2), &sealed(1)]);
        assert_eq!(signing(&second, at + ROTATION_OVERLAP), [&sealed(2)]);
    }

    #[test]
    fn who_rotates_twice_is_rid_of_the_first_at_once() {
        let now = DateTime::UNIX_EPOCH;
        let first = WebhookSecret::new(UserId::new(now), sealed(1), now);
        let third = first.rotated(sealed(2), now).rotated(sealed(3), now);
        assert_eq!(signing(&third, now), [&sealed(3), &sealed(2)]);
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let secret = WebhookSecret::new(
            UserId::new(DateTime::UNIX_EPOCH),
            sealed(199),
            DateTime::UNIX_EPOCH,
        );
        assert!(!format!("{secret:?}").contains("199"));
    }
}
