//! The change feed.
//!
//! On SQLite there is one writer, so the numbers of the rows are in the order of the commits, and a position is the
//! next number. On PostgreSQL they are not: a transaction may take a lower number and commit later. There a row is read
//! by the transaction that wrote it, and a position is a snapshot: the first transaction that had not begun, and those
//! before it that were still open. Whatever is written by either kind has not been read.

use crate::backend::{Backend, on_backend};
use crate::rows::{inconsistent, readable};
use crate::schema::changes;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use chrono::{DateTime, Utc};
use diesel::dsl::{max, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use doorward_domain::{ApiKeyId, Change, SessionId, UserId};
use doorward_storage::{ChangeRepository, FeedPage, FeedPosition, SessionRepository, StoreError};

const SESSION_ENDED: &str = "session_ended";
const USER_CHANGED: &str = "user_changed";
const USER_LIST_CHANGED: &str = "user_list_changed";
const SIGNING_KEYS_CHANGED: &str = "signing_keys_changed";
const API_KEY_CHANGED: &str = "api_key_changed";
const SETTINGS_CHANGED: &str = "settings_changed";
const TASK_DUE: &str = "task_due";

/// So many are written by one statement: both databases bound the parameters of one.
const MOST_AT_ONCE: usize = 1000;

/// This transaction itself counts as open: what it writes later belongs behind the position.
const SNAPSHOT: &str = "SELECT pg_snapshot_xmax(snapshot)::text::bigint, array_remove( \
     ARRAY(SELECT xid::text::bigint FROM pg_snapshot_xip(snapshot) xid) \
     || pg_current_xact_id_if_assigned()::text::bigint, NULL) \
     FROM pg_current_snapshot() snapshot";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = changes, treat_none_as_default_value = false)]
struct ChangeRow {
    #[diesel(skip_insertion)] // the database numbers the rows
    seq: i64,
    kind: String,
    subject: Option<DbId>,
    until: Option<DbInstant>,
    recorded_at: DbInstant,
}

impl ChangeRow {
    fn new(change: Change, at: DateTime<Utc>) -> Self {
        let (kind, subject, until) = match change {
            Change::SessionEnded { session, until } => {
                (SESSION_ENDED, Some(session.into()), Some(until.into()))
            }
            Change::UserChanged(user) => (USER_CHANGED, Some(user.into()), None),
            Change::UserListChanged => (USER_LIST_CHANGED, None, None),
            Change::SigningKeysChanged => (SIGNING_KEYS_CHANGED, None, None),
            Change::ApiKeyChanged(key) => (API_KEY_CHANGED, Some(key.into()), None),
            Change::SettingsChanged => (SETTINGS_CHANGED, None, None),
            Change::TaskDue(at) => (TASK_DUE, None, Some(at.into())),
        };
        Self {
            seq: 0,
            kind: kind.to_owned(),
            subject,
            until,
            recorded_at: at.into(),
        }
    }
}

impl TryFrom<ChangeRow> for Change {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self, StoreError> {
        let bad = |column| inconsistent("changes", column);
        let subject = || row.subject.map(|id| id.0).ok_or_else(|| bad("subject"));
        match row.kind.as_str() {
            SESSION_ENDED => Ok(Self::SessionEnded {
                session: SessionId::from_uuid(subject()?),
                until: row.until.ok_or_else(|| bad("until"))?.0,
            }),
            USER_CHANGED => Ok(Self::UserChanged(UserId::from_uuid(subject()?))),
            USER_LIST_CHANGED => Ok(Self::UserListChanged),
            SIGNING_KEYS_CHANGED => Ok(Self::SigningKeysChanged),
            API_KEY_CHANGED => Ok(Self::ApiKeyChanged(ApiKeyId::from_uuid(subject()?))),
            SETTINGS_CHANGED => Ok(Self::SettingsChanged),
            TASK_DUE => Ok(Self::TaskDue(row.until.ok_or_else(|| bad("until"))?.0)),
            _ => Err(bad("kind")),
        }
    }
}

impl ChangeRepository for DieselTransaction<'_> {
    fn record_change(&mut self, change: Change, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.record(change, at)
    }

    fn feed_end(&mut self) -> Result<FeedPosition, StoreError> {
        self.write_changes()?;
        let (floor, open): (i64, Vec<i64>) = on_backend!(
            self,
            postgres = |c| sql::<(BigInt, Array<BigInt>)>(SNAPSHOT).get_result(c),
            sqlite = |c| changes::table
                .select(max(changes::seq))
                .get_result::<Option<i64>>(c)
                .map(|last| (last.map_or(0, |seq| seq + 1), Vec::new()))
        )?;
        Ok(FeedPosition {
            floor,
            open: open.into_iter().collect(),
            cutoff: self.session_cutoff()?,
        })
    }

    fn changes_after(&mut self, position: &FeedPosition) -> Result<FeedPage, StoreError> {
        // The end is taken first: what is committed between the two statements is read now and again, but never lost.
        let end = self.feed_end()?;
        if end.cutoff != position.cutoff || self.is_from_elsewhere(position, &end) {
            return Ok(FeedPage {
                next: end,
                is_lost: true,
                ..FeedPage::default()
            });
        }
        let rows: Vec<ChangeRow> = on_backend!(
            self,
            postgres = |c| {
                let open: Vec<i64> = position.open.iter().copied().collect();
                changes::table
                    .filter(
                        changes::xid
                            .ge(position.floor)
                            .or(changes::xid.eq_any(open)),
                    )
                    .order(changes::seq)
                    .select(ChangeRow::as_select())
                    .load(c)
            },
            sqlite = |c| changes::table
                .filter(changes::seq.ge(position.floor))
                .order(changes::seq)
                .select(ChangeRow::as_select())
                .load(c)
        )?;
        Ok(FeedPage {
            changes: readable(rows, |row: &ChangeRow| row.seq),
            // A swept SQLite table has no last row to tell the end by.
            next: FeedPosition {
                floor: end.floor.max(position.floor),
                ..end
            },
            is_lost: false,
        })
    }

    fn ended_sessions(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<(SessionId, DateTime<Utc>)>, StoreError> {
        self.write_changes()?;
        let wanted = changes::table
            .filter(changes::until.gt(DbInstant(now)))
            .filter(changes::kind.eq(SESSION_ENDED))
            .select((changes::subject, changes::until));
        let rows: Vec<(Option<DbId>, Option<DbInstant>)> = on_backend!(self, |c| wanted.load(c))?;
        Ok(rows
            .into_iter()
            .filter_map(|(id, until)| Some((SessionId::from_uuid(id?.0), until?.0)))
            .collect())
    }

    fn sweep_changes(
        &mut self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError> {
        self.write_changes()?;
        let matters_to_nobody = changes::until
            .is_null()
            .or(changes::until.le(DbInstant(now)))
            .or(changes::kind.eq(TASK_DUE).nullable());
        let old = changes::table
            .filter(changes::recorded_at.lt(DbInstant(before)))
            .filter(matters_to_nobody)
            .limit(limit.into())
            .select(changes::seq);
        let numbers: Vec<i64> = on_backend!(
            self,
            postgres = |c| old.for_update().skip_locked().load(c), // other nodes sweep, too
            sqlite = |c| old.load(c)
        )?;
        if numbers.is_empty() {
            return Ok(0);
        }
        let target = changes::table.filter(changes::seq.eq_any(numbers));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}

impl DieselTransaction<'_> {
    /// The transactions of one PostgreSQL server count upwards alone: who is ahead of it has counted another's.
    fn is_from_elsewhere(&self, position: &FeedPosition, end: &FeedPosition) -> bool {
        matches!(self.backend, Backend::Postgres(_)) && end.floor < position.floor
    }

    /// Records a change, to be written together with the others of this unit of work.
    pub(crate) fn record(&mut self, change: Change, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.check_writable()?;
        self.unwritten.push((change, at));
        Ok(())
    }

    /// Writes what is recorded and not yet written: before the commit, and before the feed is read.
    pub(crate) fn write_changes(&mut self) -> Result<(), StoreError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let recorded = std::mem::take(&mut self.unwritten);
        for some in recorded.chunks(MOST_AT_ONCE) {
            let rows: Vec<_> = some
                .iter()
                .map(|(change, at)| ChangeRow::new(*change, *at))
                .collect();
            let count = on_backend!(self, |c| diesel::insert_into(changes::table)
                .values(&rows)
                .execute(c))?;
            if count != rows.len() {
                return Err(unexpected_count(count, "changes"));
            }
        }
        self.written
            .extend(recorded.into_iter().map(|(change, _)| change));
        Ok(())
    }
}
