//! Where users have logged in before.

use crate::backend::on_backend;
use crate::schema::known_places;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::place::MAX_PLACES_PER_USER;
use doorward_domain::{PlaceDigest, UserId};
use doorward_storage::{PlaceRepository, StoreError};

/// No user has more, unless a release before this one let him.
const MOST_SURPLUS: i64 = 1000;

impl PlaceRepository for DieselTransaction<'_> {
    fn place_seen_at(
        &mut self,
        user_id: UserId,
        digests: &[PlaceDigest],
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let digests: Vec<_> = digests.iter().map(|digest| digest.0.as_slice()).collect();
        let known = known_places::table
            .filter(known_places::digest.eq_any(digests))
            .filter(known_places::user_id.eq(DbId::from(user_id)))
            .select(known_places::seen_at);
        let seen: Vec<DbInstant> = on_backend!(self, |c| known.load(c))?;
        Ok(seen.into_iter().map(|at| at.0).max())
    }

    fn note_place(
        &mut self,
        user_id: UserId,
        digest: PlaceDigest,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.check_writable()?;
        let user_id = DbId::from(user_id);
        let row = (
            known_places::digest.eq(digest.0.as_slice()),
            known_places::user_id.eq(user_id),
            known_places::seen_at.eq(DbInstant(at)),
        );
        let seen = known_places::seen_at.eq(DbInstant(at));
        let count = on_backend!(self, |c| diesel::insert_into(known_places::table)
            .values(row)
            .on_conflict(known_places::digest)
            .do_update()
            .set(seen)
            .execute(c))?;
        if count != 1 {
            return Err(unexpected_count(count, "known_places"));
        }
        let surplus = known_places::table
            .filter(known_places::user_id.eq(user_id))
            .order(known_places::seen_at.desc())
            .offset(MAX_PLACES_PER_USER.into())
            .limit(MOST_SURPLUS)
            .select(known_places::digest);
        let surplus: Vec<Vec<u8>> = on_backend!(self, |c| surplus.load(c))?;
        self.delete_places(surplus).map(drop)
    }

    fn sweep_places(&mut self, before: DateTime<Utc>, limit: u32) -> Result<usize, StoreError> {
        let old = known_places::table
            .filter(known_places::seen_at.lt(DbInstant(before)))
            .limit(limit.into())
            .select(known_places::digest);
        let digests: Vec<Vec<u8>> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        self.delete_places(digests)
    }
}

impl DieselTransaction<'_> {
    fn delete_places(&mut self, digests: Vec<Vec<u8>>) -> Result<usize, StoreError> {
        if digests.is_empty() {
            return Ok(0);
        }
        let target = known_places::table.filter(known_places::digest.eq_any(digests));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}
