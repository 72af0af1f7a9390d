//! Whether somebody has logged in before where he is now.

use crate::keys::KeyRing;
use aws_lc_rs::hmac;
use chrono::{DateTime, Utc};
use doorward_domain::place::PLACE_INTERVAL;
use doorward_domain::{Origin, Place, PlaceDigest, UserId};
use doorward_storage::{StoreError, Transaction};
use uuid::Uuid;

/// Where somebody is, and since when he is known there.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    /// Under the present key; none where the address is not known.
    digest: Option<PlaceDigest>,
    seen_at: Option<DateTime<Utc>>,
}

impl Whereabouts {
    /// Asks the database, about somebody or about nobody, which takes as long.
    pub(crate) fn find(
        tx: &mut dyn Transaction,
        keys: &KeyRing,
        user: Option<UserId>,
        origin: &Origin,
    ) -> Result<Self, StoreError> {
        let user = user.unwrap_or_else(|| UserId::from_uuid(Uuid::nil()));
        let Some(place) = origin.ip_address.map(Place::of) else {
            return Ok(Self {
                digest: None,
                seen_at: None,
            });
        };
        let digests = keys.iter().map(|keys| digest(&keys.place, user, place));
        let digests: Vec<_> = digests.collect();
        Ok(Self {
            seen_at: tx.place_seen_at(user, &digests)?,
            digest: digests.first().copied(),
        })
    }

    /// Whether he has logged in there.
    pub(crate) fn is_known(&self) -> bool {
        self.seen_at.is_some()
    }

    /// Notes that he has, once a day. The caller has locked the user.
    pub(crate) fn note(
        &self,
        tx: &mut dyn Transaction,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let is_new = self.seen_at.is_none_or(|at| now - at >= PLACE_INTERVAL);
        match self.digest {
            Some(digest) if is_new => tx.note_place(user, digest, now),
            Some(_) | None => Ok(()),
        }
    }
}

fn digest(key: &hmac::Key, user: UserId, place: Place) -> PlaceDigest {
    let mut context = hmac::Context::with_key(key);
    context.update(user.as_uuid().as_bytes());
    context.update(place.to_string().as_bytes());
    let digest = context.sign();
    let digest = digest.as_ref().first_chunk().copied();
    PlaceDigest(digest.unwrap_or_default())
}
