//! Where users have logged in before.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::{PlaceDigest, UserId};

/// The places in which users have logged in. A digest belongs to one user; nobody keeps places in memory, so that the
/// feed says nothing of them.
pub trait PlaceRepository {
    /// When the user was last seen in the place that has one of these digests. None: never.
    fn place_seen_at(
        &mut self,
        user_id: UserId,
        digests: &[PlaceDigest],
    ) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Notes the place, and forgets the user's places beyond the newest
    /// [`MAX_PLACES_PER_USER`](doorward_domain::place::MAX_PLACES_PER_USER). The caller has locked the user.
    fn note_place(
        &mut self,
        user_id: UserId,
        digest: PlaceDigest,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Deletes up to `limit` places that nobody was seen in since `before`. How many it were.
    fn sweep_places(&mut self, before: DateTime<Utc>, limit: u32) -> Result<usize, StoreError>;
}
