//! PostgreSQL: a few threads that read and a few that write, each with a connection of its own.
//!
//! Nothing is kept in the session of a connection but prepared statements, so that `PgBouncer` may stand between in
//! transaction mode: the time limits come with the `BEGIN`, in the same round trip.

use crate::backend::Backend;
use crate::config::StoreConfig;
use crate::database_url::PostgresUrl;
use crate::error::{Moment, from_diesel};
use crate::job::Job;
use crate::listeners::Listeners;
use crate::open_error::{OpenError, on_one_line};
use crate::store::{Intake, Threads, spawn};
use crate::tls::Tunnel;
use crate::unit::{self, Ending};
use crossbeam_channel::Receiver;
use diesel::connection::SimpleConnection;
use diesel::{Connection, ConnectionError, PgConnection};
use doorward_storage::{Mode, StoreError};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An unreachable server is given up after this many seconds, a silent one after these milliseconds.
const DEFAULTS: [(&str, &str); 5] = [
    ("application_name", "doorward"),
    ("connect_timeout", "5"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("tcp_user_timeout", "10000"),
];

/// Starts the threads.
pub(crate) fn start(
    url: &PostgresUrl,
    config: &StoreConfig,
    intake: &Intake,
) -> Result<Threads, OpenError> {
    let server = Server::at(url)?;
    let start = |name, mode, count: NonZeroUsize, jobs: &Receiver<Job>| {
        (0..count.get())
            .map(|_| {
                let link = Link {
                    server: server.clone(),
                    begin: begin_sql(mode, config.finish_within),
                    lock_limit: lock_limit(config.finish_within),
                    mode,
                    connection: None,
                };
                let (jobs, listeners) = (jobs.clone(), intake.listeners.clone());
                spawn(name, move || serve(link, &jobs, &listeners))
            })
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Threads {
        readers: start(
            "postgres reader",
            Mode::Read,
            config.postgres_readers,
            &intake.readers,
        )?,
        writers: start(
            "postgres writer",
            Mode::Write,
            config.postgres_writers,
            &intake.writers,
        )?,
    })
}

/// A server, and the way there.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    url: PostgresUrl,
    tunnel: Option<Arc<Tunnel>>,
}

impl Server {
    /// # Errors
    /// [`OpenError`] when the URL asks for TLS in a way that cannot be had.
    pub(crate) fn at(url: &PostgresUrl) -> Result<Self, OpenError> {
        Ok(Self {
            url: url.clone(),
            tunnel: Tunnel::for_url(url)?.map(Arc::new),
        })
    }

    /// How it is named to an operator, without the password.
    pub(crate) fn name(&self) -> String {
        self.url.to_string()
    }

    /// # Errors
    /// [`OpenError`] that says why, without the password.
    pub(crate) fn connect(&self) -> Result<PgConnection, OpenError> {
        let mut url = self.url.with_defaults(&DEFAULTS);
        if let Some(tunnel) = &self.tunnel {
            url.push_str(&tunnel.parameters());
        }
        PgConnection::establish(&url).map_err(|error| refused(&self.url, &error))
    }
}

fn refused(url: &PostgresUrl, error: &ConnectionError) -> OpenError {
    let server = url.to_string();
    let reason = url.redact(&on_one_line(error));
    // Which socket it was says nothing to an operator.
    let reason = match reason.split_once("failed: ") {
        Some((_, reason)) => reason.to_owned(),
        None => reason,
    };
    let says = |what: &[&str]| what.iter().any(|what| reason.contains(what));
    if says(&[
        "password authentication failed",
        "no password supplied",
        "authentication failed",
        "pg_hba.conf",
        "role \"",
    ]) {
        OpenError::AuthenticationFailed { server, reason }
    } else if says(&["database \""]) && says(&["does not exist"]) {
        OpenError::NoDatabase { server }
    } else {
        OpenError::Unreachable { server, reason }
    }
}

/// Time limits come with every transaction; they end what a caller has stopped waiting for.
fn begin_sql(mode: Mode, finish_within: Duration) -> String {
    let begin = match mode {
        Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    };
    let limit = finish_within.as_millis().max(2);
    let lock_limit = lock_limit(finish_within).as_millis();
    format!(
        "{begin}; SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {lock_limit}; \
         SET LOCAL idle_in_transaction_session_timeout = {limit}"
    )
}

/// The shortest of the limits that a statement has.
fn lock_limit(finish_within: Duration) -> Duration {
    (finish_within / 2).max(Duration::from_millis(1))
}

/// A thread's connection, which is replaced when it breaks.
struct Link {
    server: Server,
    begin: String,
    lock_limit: Duration,
    mode: Mode,
    connection: Option<PgConnection>,
}

impl Link {
    /// Opens a transaction. A connection that has broken since the last one, as after a restart of the server, is
    /// replaced: nothing has run on it yet.
    fn begin(&mut self) -> Result<PgConnection, StoreError> {
        if let Some(mut connection) = self.connection.take()
            && connection.batch_execute(&self.begin).is_ok()
        {
            return Ok(connection);
        }
        let mut connection = self.connect()?;
        self.execute(&mut connection, &self.begin)?;
        Ok(connection)
    }

    fn connect(&self) -> Result<PgConnection, StoreError> {
        self.server
            .connect()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// Ends the transaction; the connection is kept only if that works.
    fn end(&mut self, mut connection: PgConnection, sql: &str) -> Result<(), StoreError> {
        self.execute(&mut connection, sql)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn execute(&self, connection: &mut PgConnection, sql: &str) -> Result<(), StoreError> {
        connection
            .batch_execute(sql)
            .map_err(|error| from_diesel(error, self.mode, Moment::InTime))
    }
}

fn serve(mut link: Link, jobs: &Receiver<Job>, listeners: &Listeners) {
    match link.connect() {
        Ok(connection) => link.connection = Some(connection),
        Err(error) => tracing::warn!(%error, "not connected yet"),
    }
    for job in jobs.iter().filter_map(Job::in_time) {
        match link.begin() {
            Ok(connection) => in_transaction(&mut link, connection, job, listeners),
            Err(error) => job.refuse(error),
        }
    }
}

fn in_transaction(link: &mut Link, mut connection: PgConnection, job: Job, listeners: &Listeners) {
    let Some((work, reply)) = job.begin() else {
        let _ = link.end(connection, "ROLLBACK");
        return;
    };
    let limited_at = Some(Instant::now() + link.lock_limit);
    let backend = Backend::Postgres(&mut connection);
    let answer = match unit::run(work, backend, link.mode, limited_at) {
        Ending::Commit(changes) => link
            .end(connection, "COMMIT")
            .inspect(|()| listeners.tell(&changes)),
        // When the rollback fails the connection is gone, and with it the transaction.
        Ending::Rollback(answer) => {
            let _ = link.end(connection, "ROLLBACK");
            answer
        }
    };
    reply.send(answer);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database_url::DatabaseUrl;

    fn reason(message: &str) -> OpenError {
        let Ok(DatabaseUrl::Postgres(url)) = DatabaseUrl::parse("postgres://ada:s3cret@db/door")
        else {
            panic!("it is a URL of PostgreSQL");
        };
        refused(&url, &ConnectionError::BadConnection(message.to_owned()))
    }

    #[test]
    fn what_libpq_says_is_sorted_for_the_operator() {
        for message in [
            "FATAL:  password authentication failed for user \"ada\"\n",
            "fe_sendauth: no password supplied",
            "FATAL:  no pg_hba.conf entry for host \"10.0.0.1\", user \"ada\"",
            "FATAL:  role \"ada\" does not exist",
        ] {
            let error = reason(message);
            assert!(
                matches!(error, OpenError::AuthenticationFailed { .. }),
                "{error}"
            );
        }
        let error = reason("FATAL:  database \"door\" does not exist");
        assert!(matches!(error, OpenError::NoDatabase { .. }), "{error}");
        for message in [
            "connection refused\n\tIs the server running?\n",
            "could not translate host name \"db\" to address",
            "FATAL:  sorry, too many clients already",
            "timeout expired",
        ] {
            let error = reason(message);
            assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
            assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
