//! The audit log.

use crate::backend::on_backend;
use crate::rows::inconsistent;
use crate::schema::{audit_chain, audit_events, audit_hours};
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant, Id};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use diesel::dsl::sql_query;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Text};
use diesel::upsert::excluded;
use doorward_domain::audit::{AuditKeyId, AuditMac, ChainHead, SealedEvent};
use doorward_domain::{AuditEvent, AuditEventId, UserId};
use doorward_storage::{AuditQuery, AuditRepository, HourlyCount, StoreError};
use std::collections::BTreeMap;

/// The only row of its table.
const HEAD_ID: i64 = 1;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_events, treat_none_as_default_value = false)]
struct EventRow {
    id: DbId,
    at: DbInstant,
    action: String,
    actor_id: Option<DbId>,
    subject_id: Option<DbId>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    details: String,
}

impl From<&AuditEvent> for EventRow {
    fn from(event: &AuditEvent) -> Self {
        Self {
            id: event.id.into(),
            at: event.at.into(),
            action: event.action.clone(),
            actor_id: event.actor_id.map(DbId::from),
            subject_id: event.subject_id.map(DbId::from),
            ip_address: event.ip_address.clone(),
            user_agent: event.user_agent.clone(),
            request_id: event.request_id.clone(),
            details: event.details.clone(),
        }
    }
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        let user = |id: Option<DbId>| id.map(|id| UserId::from_uuid(id.0));
        Self {
            id: AuditEventId::from_uuid(row.id.0),
            at: row.at.0,
            action: row.action,
            actor_id: user(row.actor_id),
            subject_id: user(row.subject_id),
            ip_address: row.ip_address,
            user_agent: row.user_agent,
            request_id: row.request_id,
            details: row.details,
        }
    }
}

/// What the seal adds to an event.
type Seal = (Option<i64>, Option<Vec<u8>>, Option<String>);

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_chain)]
struct HeadRow {
    last_sequence: i64,
    last_mac: Vec<u8>,
    base_sequence: i64,
    base_mac: Vec<u8>,
    key_id: String,
    seal: Vec<u8>,
}

impl TryFrom<HeadRow> for ChainHead {
    type Error = StoreError;

    fn try_from(row: HeadRow) -> Result<Self, StoreError> {
        let mac = |bytes, column| {
            AuditMac::try_from(bytes).map_err(|_length| inconsistent("audit_chain", column))
        };
        Ok(Self {
            last_sequence: row.last_sequence,
            last_mac: mac(row.last_mac, "last_mac")?,
            base_sequence: row.base_sequence,
            base_mac: mac(row.base_mac, "base_mac")?,
            key_id: AuditKeyId(row.key_id),
            seal: row.seal,
        })
    }
}

/// The query of a page; a macro, since its type is another one for each database.
macro_rules! matching {
    ($query:expr) => {{
        let mut events = audit_events::table
            .select(EventRow::as_select())
            .order(audit_events::id.desc())
            .limit($query.limit.into())
            .into_boxed();
        if let Some(actor) = $query.actor {
            events = events.filter(audit_events::actor_id.eq(DbId::from(actor)));
        }
        if let Some(subject) = $query.subject {
            events = events.filter(audit_events::subject_id.eq(DbId::from(subject)));
        }
        if let Some(action) = &$query.action {
            events = events.filter(audit_events::action.eq(action));
        }
        if let Some(since) = $query.since {
            // The ids are in the order of time, to the millisecond: so one index serves both.
            let first = AuditEventId::first_at(since);
            events = events
                .filter(audit_events::id.ge(DbId::from(first)))
                .filter(audit_events::at.ge(DbInstant(since)));
        }
        if let Some(until) = $query.until {
            let next = AuditEventId::first_at(until + TimeDelta::milliseconds(1));
            events = events
                .filter(audit_events::id.lt(DbId::from(next)))
                .filter(audit_events::at.lt(DbInstant(until)));
        }
        if let Some(before) = $query.before {
            events = events.filter(audit_events::id.lt(DbId::from(before)));
        }
        events
    }};
}

impl AuditRepository for DieselTransaction<'_> {
    fn append_event(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        self.check_writable()?;
        let row = EventRow::from(event);
        let count = on_backend!(self, |c| diesel::insert_into(audit_events::table)
            .values(&row)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "audit_events")),
        }
    }

    fn list_events(&mut self, query: &AuditQuery) -> Result<Vec<AuditEvent>, StoreError> {
        let rows: Vec<EventRow> = on_backend!(
            self,
            postgres = |c| matching!(query).load(c),
            sqlite = |c| matching!(query).load(c)
        )?;
        Ok(rows.into_iter().map(AuditEvent::from).collect())
    }

    fn audit_chain(&mut self) -> Result<ChainHead, StoreError> {
        let wanted = audit_chain::table.find(HEAD_ID);
        let row = on_backend!(self, |c| wanted
            .select(HeadRow::as_select())
            .first(c)
            .optional())?;
        row.map_or_else(|| Ok(ChainHead::default()), ChainHead::try_from)
    }

    fn lock_audit_chain(&mut self) -> Result<Option<ChainHead>, StoreError> {
        self.check_writable()?;
        let wanted = audit_chain::table.find(HEAD_ID);
        let row = on_backend!(
            self,
            postgres = |c| wanted
                .select(HeadRow::as_select())
                .for_update()
                .skip_locked()
                .first(c)
                .optional(),
            sqlite = |c| wanted.select(HeadRow::as_select()).first(c).optional() // there is one writer
        )?;
        row.map(ChainHead::try_from).transpose()
    }

    fn unsealed_events(&mut self, limit: u32) -> Result<Vec<AuditEvent>, StoreError> {
        let wanted = audit_events::table
            .filter(audit_events::sequence.is_null())
            .order(audit_events::id)
            .limit(limit.into());
        let rows: Vec<EventRow> =
            on_backend!(self, |c| wanted.select(EventRow::as_select()).load(c))?;
        Ok(rows.into_iter().map(AuditEvent::from).collect())
    }

    fn count_unsealed_events(&mut self) -> Result<usize, StoreError> {
        let unsealed = audit_events::table.filter(audit_events::sequence.is_null());
        let count: i64 = on_backend!(self, |c| unsealed.count().get_result(c))?;
        usize::try_from(count).map_err(|error| StoreError::Backend(error.into()))
    }

    fn seal_events(&mut self, sealed: &[SealedEvent], head: &ChainHead) -> Result<(), StoreError> {
        let count = on_backend!(
            self,
            postgres = |c| seal_on_postgres(c, sealed),
            sqlite = |c| seal_on_sqlite(c, sealed)
        )?;
        if count != sealed.len() {
            return Err(unexpected_count(count, "audit_events"));
        }
        self.count_hours(sealed)?;
        self.write_audit_chain(head)
    }

    fn sealed_events(&mut self, after: i64, limit: u32) -> Result<Vec<SealedEvent>, StoreError> {
        let columns = (
            audit_events::sequence,
            audit_events::mac,
            audit_events::key_id,
        );
        let wanted = audit_events::table
            .filter(audit_events::sequence.gt(after))
            .order(audit_events::sequence)
            .limit(limit.into());
        let rows: Vec<(EventRow, Seal)> = on_backend!(self, |c| wanted
            .select((EventRow::as_select(), columns))
            .load(c))?;
        rows.into_iter().map(sealed_event).collect()
    }

    fn last_sequence(&mut self) -> Result<i64, StoreError> {
        let wanted = audit_events::table
            .filter(audit_events::sequence.is_not_null())
            .order(audit_events::sequence.desc())
            .select(audit_events::sequence);
        let last: Option<Option<i64>> = on_backend!(self, |c| wanted.first(c).optional())?;
        Ok(last.flatten().unwrap_or_default())
    }

    fn delete_sealed_events(&mut self, up_to: i64, head: &ChainHead) -> Result<usize, StoreError> {
        let target = audit_events::table.filter(audit_events::sequence.le(up_to));
        let count = on_backend!(self, |c| diesel::delete(target).execute(c))?;
        self.write_audit_chain(head)?;
        Ok(count)
    }

    fn write_audit_chain(&mut self, head: &ChainHead) -> Result<(), StoreError> {
        let fields = (
            audit_chain::last_sequence.eq(head.last_sequence),
            audit_chain::last_mac.eq(head.last_mac.0.as_slice()),
            audit_chain::base_sequence.eq(head.base_sequence),
            audit_chain::base_mac.eq(head.base_mac.0.as_slice()),
            audit_chain::key_id.eq(&head.key_id.0),
            audit_chain::seal.eq(&head.seal),
        );
        let row = (audit_chain::id.eq(HEAD_ID), fields);
        let count = on_backend!(self, |c| diesel::insert_into(audit_chain::table)
            .values(row)
            .on_conflict(audit_chain::id)
            .do_update()
            .set(fields)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "audit_chain")),
        }
    }

    fn activity(&mut self, since: DateTime<Utc>) -> Result<Vec<HourlyCount>, StoreError> {
        let wanted = audit_hours::table
            .filter(audit_hours::hour.ge(DbInstant(since)))
            .order((audit_hours::hour, audit_hours::action));
        let rows: Vec<(DbInstant, String, i64)> = on_backend!(self, |c| wanted.load(c))?;
        Ok(rows
            .into_iter()
            .map(|(hour, action, count)| HourlyCount {
                hour: hour.0,
                action,
                count,
            })
            .collect())
    }

    fn sweep_activity(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        let target = audit_hours::table.filter(audit_hours::hour.lt(DbInstant(before)));
        on_backend!(self, |c| diesel::delete(target).execute(c))
    }
}

impl DieselTransaction<'_> {
    /// Each event is sealed once, and so counted once.
    fn count_hours(&mut self, sealed: &[SealedEvent]) -> Result<(), StoreError> {
        let mut hours: BTreeMap<(DateTime<Utc>, &str), i64> = BTreeMap::new();
        for SealedEvent { event, .. } in sealed {
            let hour = event.at.duration_trunc(TimeDelta::hours(1));
            let hour = hour.unwrap_or(event.at);
            *hours.entry((hour, &event.action)).or_default() += 1;
        }
        for ((hour, action), count) in hours {
            let row = (
                audit_hours::hour.eq(DbInstant(hour)),
                audit_hours::action.eq(action),
                audit_hours::count.eq(count),
            );
            let sum = audit_hours::count.eq(audit_hours::count + excluded(audit_hours::count));
            on_backend!(self, |c| diesel::insert_into(audit_hours::table)
                .values(row)
                .on_conflict((audit_hours::hour, audit_hours::action))
                .do_update()
                .set(sum)
                .execute(c))?;
        }
        Ok(())
    }
}

fn sealed_event((row, seal): (EventRow, Seal)) -> Result<SealedEvent, StoreError> {
    let bad = |column| inconsistent("audit_events", column);
    let (sequence, mac, key_id) = seal;
    let mac = mac.and_then(|bytes| AuditMac::try_from(bytes).ok());
    Ok(SealedEvent {
        sequence: sequence.ok_or_else(|| bad("sequence"))?,
        // What is no hash fits no event.
        mac: mac.unwrap_or_default(),
        key_id: AuditKeyId(key_id.unwrap_or_default()),
        event: row.into(),
    })
}

fn seal_on_sqlite(connection: &mut SqliteConnection, sealed: &[SealedEvent]) -> QueryResult<usize> {
    let mut count = 0;
    for place in sealed {
        let target = audit_events::table
            .find(DbId::from(place.event.id))
            .filter(audit_events::sequence.is_null());
        let fields = (
            audit_events::sequence.eq(place.sequence),
            audit_events::mac.eq(place.mac.0.as_slice()),
            audit_events::key_id.eq(&place.key_id.0),
        );
        count += diesel::update(target).set(fields).execute(connection)?;
    }
    Ok(count)
}

/// In one round trip.
fn seal_on_postgres(connection: &mut PgConnection, sealed: &[SealedEvent]) -> QueryResult<usize> {
    let ids: Vec<DbId> = sealed.iter().map(|it| it.event.id.into()).collect();
    let sequences: Vec<i64> = sealed.iter().map(|it| it.sequence).collect();
    let macs: Vec<&[u8]> = sealed.iter().map(|it| it.mac.0.as_slice()).collect();
    let keys: Vec<&str> = sealed.iter().map(|it| &*it.key_id.0).collect();
    sql_query(SEAL)
        .bind::<Array<Id>, _>(ids)
        .bind::<Array<BigInt>, _>(sequences)
        .bind::<Array<Binary>, _>(macs)
        .bind::<Array<Text>, _>(keys)
        .execute(connection)
}

/// Not a join, for which the planner might scan the table.
const SEAL: &str = "UPDATE audit_events SET sequence = ($2::bigint[])[array_position($1::uuid[], id)], \
     mac = ($3::bytea[])[array_position($1::uuid[], id)], key_id = ($4::text[])[array_position($1::uuid[], id)] \
     WHERE id = ANY($1::uuid[]) AND sequence IS NULL";
