//! Ids and instants: native `uuid` and `timestamptz` in PostgreSQL, BLOB and INTEGER (µs) in SQLite.
//!
//! Both keep instants to the microsecond; what is finer is cut off. The explicit oids spare a look-up query.

use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{self, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};
use doorward_domain::{ApiKeyId, AuditEventId, SessionId, SettingChangeId, TaskId, UserId};
use uuid::Uuid;

/// The SQL type of ids.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(
    postgres_type(oid = 2950, array_oid = 2951),
    sqlite_type(name = "Binary")
)]
pub struct Id;

/// The SQL type of instants.
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[diesel(
    postgres_type(oid = 1184, array_oid = 1185),
    sqlite_type(name = "Long")
)]
pub struct Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Id)]
pub(crate) struct DbId(pub(crate) Uuid);

#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub(crate) struct DbInstant(pub(crate) DateTime<Utc>);

impl From<UserId> for DbId {
    fn from(id: UserId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<SettingChangeId> for DbId {
    fn from(id: SettingChangeId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<SessionId> for DbId {
    fn from(id: SessionId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<ApiKeyId> for DbId {
    fn from(id: ApiKeyId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<AuditEventId> for DbId {
    fn from(id: AuditEventId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<TaskId> for DbId {
    fn from(id: TaskId) -> Self {
        Self(*id.as_uuid())
    }
}

impl From<DateTime<Utc>> for DbInstant {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at)
    }
}

impl FromSql<Id, Pg> for DbId {
    fn from_sql(raw: PgValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(raw).map(Self)
    }
}

impl ToSql<Id, Pg> for DbId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Id, Sqlite> for DbId {
    fn from_sql(raw: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<sql_types::Binary, Sqlite>>::from_sql(raw)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl ToSql<Id, Sqlite> for DbId {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl FromSql<Instant, Pg> for DbInstant {
    fn from_sql(raw: PgValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<sql_types::Timestamptz, Pg>>::from_sql(raw).map(Self)
    }
}

impl ToSql<Instant, Pg> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <DateTime<Utc> as ToSql<sql_types::Timestamptz, Pg>>::to_sql(&self.0, &mut out.reborrow())
    }
}

impl FromSql<Instant, Sqlite> for DbInstant {
    fn from_sql(raw: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<sql_types::BigInt, Sqlite>>::from_sql(raw)?;
        Ok(Self(
            DateTime::from_timestamp_micros(micros).ok_or("timestamp out of range")?,
        ))
    }
}

impl ToSql<Instant, Sqlite> for DbInstant {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.timestamp_micros());
        Ok(IsNull::No)
    }
}
