//! An open transaction.

use crate::backend::Backend;
use crate::error::{Moment, from_diesel};
use crate::users::ListedAs;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::result::Error;
use doorward_domain::Change;
use doorward_storage::{Mode, StoreError};
use std::time::Instant;

/// An open transaction: implements every repository.
pub(crate) struct DieselTransaction<'c> {
    pub(crate) backend: Backend<'c>,
    mode: Mode,
    /// When the first of the limits of time is reached that the server watches.
    limited_at: Option<Instant>,
    has_failed: bool,
    /// Recorded, not yet written: the changes of a unit of work are written together.
    pub(crate) unwritten: Vec<(Change, DateTime<Utc>)>,
    /// Recorded and written.
    pub(crate) written: Vec<Change>,
    /// What the list of users shows of the one that was locked last.
    pub(crate) locked_user: Option<ListedAs>,
}

impl<'c> DieselTransaction<'c> {
    pub(crate) fn new(backend: Backend<'c>, mode: Mode, limited_at: Option<Instant>) -> Self {
        Self {
            backend,
            mode,
            limited_at,
            has_failed: false,
            unwritten: Vec::new(),
            written: Vec::new(),
            locked_user: None,
        }
    }

    /// After a failed statement PostgreSQL refuses all others, and SQLite may have rolled back already and would commit
    /// each by itself. So nothing more is sent to either.
    pub(crate) fn check_usable(&self) -> Result<(), StoreError> {
        if self.has_failed {
            return Err(StoreError::Backend(
                "the transaction is of no use after a statement that failed".into(),
            ));
        }
        Ok(())
    }

    /// # Errors
    /// When the transaction may only read.
    pub(crate) fn check_writable(&self) -> Result<(), StoreError> {
        match self.mode {
            Mode::Write => self.check_usable(),
            Mode::Read => Err(StoreError::Backend(
                "a read transaction must not write".into(),
            )),
        }
    }

    /// Notes whether a statement failed, and gives its error in the words of the ports.
    pub(crate) fn noted<T>(&mut self, result: QueryResult<T>) -> Result<T, StoreError> {
        result.map_err(|error| {
            // What cannot be read from a row has not failed in the database.
            self.has_failed |= !matches!(error, Error::DeserializationError(_));
            from_diesel(error, self.mode, self.moment())
        })
    }

    fn moment(&self) -> Moment {
        match self.limited_at {
            Some(limit) if Instant::now() >= limit => Moment::Overdue,
            Some(_) | None => Moment::InTime,
        }
    }
}

/// What a write says whose row count is not the one that it must be.
pub(crate) fn unexpected_count(count: usize, table: &'static str) -> StoreError {
    StoreError::Backend(format!("a write to {table} met {count} rows").into())
}
