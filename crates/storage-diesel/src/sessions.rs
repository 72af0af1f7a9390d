//! Sessions.

use crate::backend::on_backend;
use crate::rows::{inconsistent, readable};
use crate::schema::{changes, sessions, token_cutoff};
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use doorward_domain::session::{EndReason, RefreshDigest, Salt, Session, SessionEnd};
use doorward_domain::{Change, Origin, SessionCutoff, SessionId, UserId};
use doorward_storage::{SessionRepository, StoreError};
use std::net::IpAddr;

/// The only row of its table.
const CUTOFF_ID: i64 = 1;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
struct SessionRow {
    id: DbId,
    user_id: DbId,
    generation: i64,
    salt: Vec<u8>,
    digest: Vec<u8>,
    previous_digest: Option<Vec<u8>>,
    created_at: DbInstant,
    rotated_at: DbInstant,
    expires_at: DbInstant,
    access_expires_at: DbInstant,
    ip_address: Option<String>,
    user_agent: Option<String>,
    ended_at: Option<DbInstant>,
    end_reason: Option<String>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let end = session.end;
        Self {
            id: session.id.into(),
            user_id: session.user_id.into(),
            generation: session.generation.into(),
            salt: session.salt.0.to_vec(),
            digest: session.digest.0.to_vec(),
            previous_digest: session.previous_digest.map(|digest| digest.0.to_vec()),
            created_at: session.created_at.into(),
            rotated_at: session.rotated_at.into(),
            expires_at: session.expires_at.into(),
            access_expires_at: session.access_expires_at.into(),
            ip_address: session.origin.ip_address.map(|address| address.to_string()),
            user_agent: session.origin.user_agent.clone(),
            ended_at: end.map(|end| end.at.into()),
            end_reason: end.map(|end| end.reason.as_str().to_owned()),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let previous = row.previous_digest.map(RefreshDigest::try_from).transpose();
        let address = row.ip_address.map(|text| text.parse::<IpAddr>());
        let end = match (row.ended_at, row.end_reason) {
            (None, None) => None,
            (Some(at), Some(reason)) => Some(SessionEnd {
                at: at.0,
                reason: EndReason::try_from(reason).map_err(bad("end_reason"))?,
            }),
            (Some(_), None) | (None, Some(_)) => {
                return Err(inconsistent("sessions", "end_reason"));
            }
        };
        Ok(Self {
            id: SessionId::from_uuid(row.id.0),
            user_id: UserId::from_uuid(row.user_id.0),
            generation: row.generation.try_into().map_err(bad("generation"))?,
            salt: Salt::try_from(row.salt).map_err(bad("salt"))?,
            digest: RefreshDigest::try_from(row.digest).map_err(bad("digest"))?,
            previous_digest: previous.map_err(bad("previous_digest"))?,
            created_at: row.created_at.0,
            rotated_at: row.rotated_at.0,
            expires_at: row.expires_at.0,
            access_expires_at: row.access_expires_at.0,
            origin: Origin {
                ip_address: address.transpose().map_err(bad("ip_address"))?,
                user_agent: row.user_agent,
                request_id: None,
            },
            end,
        })
    }
}

fn bad<E>(column: &'static str) -> impl FnOnce(E) -> StoreError {
    move |_| inconsistent("sessions", column)
}

impl SessionRepository for DieselTransaction<'_> {
    fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        let row = SessionRow::from(session);
        let count = on_backend!(self, |c| diesel::insert_into(sessions::table)
            .values(&row)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "sessions")),
        }
    }

    fn session(&mut self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let wanted = sessions::table.find(DbId::from(id));
        let row = on_backend!(self, |c| wanted
            .select(SessionRow::as_select())
            .first(c)
            .optional())?;
        row.map(Session::try_from).transpose()
    }

    fn session_by_digest(
        &mut self,
        digests: &[RefreshDigest],
    ) -> Result<Option<Session>, StoreError> {
        let digests: Vec<&[u8]> = digests.iter().map(|digest| digest.0.as_slice()).collect();
        let is_current = sessions::digest.eq_any(digests.clone());
        let is_previous = sessions::previous_digest.eq_any(digests);
        let wanted = sessions::table.filter(is_current.nullable().or(is_previous));
        let row = on_backend!(self, |c| wanted
            .select(SessionRow::as_select())
            .first(c)
            .optional())?;
        row.map(Session::try_from).transpose()
    }

    fn advance_session(&mut self, next: &Session) -> Result<bool, StoreError> {
        let before = i64::from(next.generation) - 1;
        let target = sessions::table
            .find(DbId::from(next.id))
            .filter(sessions::generation.eq(before))
            .filter(sessions::ended_at.is_null());
        let previous_digest = next.previous_digest.as_ref().map(|it| it.0.as_slice());
        let fields = (
            sessions::generation.eq(before + 1),
            sessions::digest.eq(next.digest.0.as_slice()),
            sessions::previous_digest.eq(previous_digest),
            sessions::rotated_at.eq(DbInstant(next.rotated_at)),
            sessions::access_expires_at.eq(DbInstant(next.access_expires_at)),
        );
        let count = on_backend!(self, |c| diesel::update(target).set(fields).execute(c))?;
        Ok(count == 1)
    }

    fn end_session(
        &mut self,
        id: SessionId,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let target = sessions::table
            .find(DbId::from(id))
            .filter(sessions::ended_at.is_null());
        let until: Option<DbInstant> = on_backend!(self, |c| diesel::update(target)
            .set(ended(reason, at))
            .returning(sessions::access_expires_at)
            .get_result(c)
            .optional())?;
        let Some(until) = until else {
            return Ok(false);
        };
        self.record(
            Change::SessionEnded {
                session: id,
                until: until.0,
            },
            at,
        )?;
        Ok(true)
    }

    fn end_sessions_of(
        &mut self,
        user_id: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        // No session has the nil id.
        let except = except.map_or(DbId(uuid::Uuid::nil()), DbId::from);
        let target = sessions::table
            .filter(sessions::user_id.eq(DbId::from(user_id)))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(DbInstant(at)))
            .filter(sessions::id.ne(except));
        let rows: Vec<(DbId, DbInstant)> = on_backend!(self, |c| diesel::update(target)
            .set(ended(reason, at))
            .returning((sessions::id, sessions::access_expires_at))
            .get_results(c))?;
        for (id, until) in &rows {
            let change = Change::SessionEnded {
                session: SessionId::from_uuid(id.0),
                until: until.0,
            };
            self.record(change, at)?;
        }
        Ok(rows.len())
    }

    fn live_sessions_of(
        &mut self,
        user_id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<Session>, StoreError> {
        let wanted = sessions::table
            .filter(sessions::user_id.eq(DbId::from(user_id)))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(DbInstant(now)))
            .order((sessions::created_at, sessions::id));
        let rows = on_backend!(self, |c| wanted.select(SessionRow::as_select()).load(c))?;
        Ok(readable(rows, |row: &SessionRow| row.id.0))
    }

    fn count_live_sessions(&mut self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        // All but those that are over, who are few, since they are swept: each of the three is counted by an index alone,
        // or nearly so, while a million live ones would each be looked at.
        let all: i64 = on_backend!(self, |c| sessions::table.count().get_result(c))?;
        let ended = sessions::table
            .filter(sessions::ended_at.is_not_null())
            .count();
        let ended: i64 = on_backend!(self, |c| ended.get_result(c))?;
        let expired = sessions::table
            .filter(sessions::expires_at.le(DbInstant(now)))
            .filter(sessions::ended_at.is_null())
            .count();
        let expired: i64 = on_backend!(self, |c| expired.get_result(c))?;
        Ok((all - ended - expired).try_into().unwrap_or_default())
    }

    fn session_cutoff(&mut self) -> Result<Option<SessionCutoff>, StoreError> {
        let since: Option<DbInstant> = on_backend!(self, |c| token_cutoff::table
            .find(CUTOFF_ID)
            .select(token_cutoff::sessions_since)
            .first(c)
            .optional())?;
        Ok(since.map(|since| since.0.into()))
    }

    fn set_session_cutoff(&mut self, cutoff: SessionCutoff) -> Result<(), StoreError> {
        let since = token_cutoff::sessions_since.eq(DbInstant(cutoff.at()));
        on_backend!(self, |c| diesel::insert_into(token_cutoff::table)
            .values((token_cutoff::id.eq(CUTOFF_ID), since))
            .on_conflict(token_cutoff::id)
            .do_update()
            .set(since)
            .execute(c))?;
        on_backend!(self, |c| diesel::delete(changes::table).execute(c))?;
        Ok(())
    }

    fn end_sessions_before(
        &mut self,
        cutoff: SessionCutoff,
        after: Option<SessionId>,
        at: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        // No session has the nil id.
        let after = after.map_or(DbId(uuid::Uuid::nil()), DbId::from);
        let live = sessions::table
            .filter(sessions::id.gt(after))
            .filter(sessions::id.lt(DbId::from(cutoff.lowest_id())))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(DbInstant(at)))
            .order(sessions::id)
            .limit(limit.into())
            .select(sessions::id);
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| live.for_update().load(c),
            sqlite = |c| live.load(c)
        )?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let target = sessions::table.filter(sessions::id.eq_any(&ids));
        on_backend!(self, |c| diesel::update(target)
            .set(ended(EndReason::Restored, at))
            .execute(c))?;
        Ok(ids
            .into_iter()
            .map(|id| SessionId::from_uuid(id.0))
            .collect())
    }

    fn sweep_sessions(&mut self, before: DateTime<Utc>, limit: u32) -> Result<usize, StoreError> {
        let before = DbInstant(before);
        let is_over = sessions::ended_at
            .lt(before)
            .and(sessions::access_expires_at.lt(before).nullable());
        let old = sessions::table
            .filter(sessions::expires_at.lt(before).nullable().or(is_over))
            .limit(limit.into())
            .select(sessions::id);
        let ids: Vec<DbId> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        if ids.is_empty() {
            return Ok(0);
        }
        let target = sessions::table.filter(sessions::id.eq_any(ids));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}

type Ended = (
    diesel::dsl::Eq<sessions::ended_at, Option<DbInstant>>,
    diesel::dsl::Eq<sessions::end_reason, Option<&'static str>>,
);

fn ended(reason: EndReason, at: DateTime<Utc>) -> Ended {
    (
        sessions::ended_at.eq(Some(DbInstant(at))),
        sessions::end_reason.eq(Some(reason.as_str())),
    )
}
