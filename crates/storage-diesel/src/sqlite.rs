//! SQLite: one thread that writes and some that read.
//!
//! The writer takes all work that waits into one transaction, with a savepoint for each, so that many durable writes
//! share one fsync. Nobody hears of success before that transaction is committed.

mod file;
mod statement;

use crate::backend::Backend;
use crate::config::StoreConfig;
use crate::error::{Moment, from_diesel};
use crate::job::{Job, Reply};
use crate::listeners::Listeners;
use crate::open_error::OpenError;
use crate::store::{Intake, Threads, spawn};
use crate::unit::{self, Ending};
use crossbeam_channel::Receiver;
use diesel::{RunQueryDsl, SqliteConnection};
use doorward_storage::{Mode, StoreError, Work};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use statement::Statement;

pub(crate) use file::{
    application_id_is_ours, connect, establish, is_ours, open_or_create, unusable,
};

/// More than that would let the first of them wait too long.
const MOST_PER_COMMIT: usize = 64;

/// Starts the threads on a file that is ours and migrated.
pub(crate) fn start(
    file: &Path,
    config: &StoreConfig,
    intake: &Intake,
) -> Result<Threads, OpenError> {
    let writer = Link::open(file, Mode::Write)?;
    let (jobs, listeners) = (intake.writers.clone(), intake.listeners.clone());
    let mut threads = Threads::default();
    threads.writers.push(spawn("sqlite writer", move || {
        write(writer, &jobs, &listeners);
    })?);
    for _ in 0..config.sqlite_readers.get() {
        let reader = Link::open(file, Mode::Read)?;
        let jobs = intake.readers.clone();
        let thread = spawn("sqlite reader", move || read(reader, &jobs))?;
        threads.readers.push(thread);
    }
    Ok(threads)
}

/// A thread's connection. After an error that leaves its state in doubt it is closed, which undoes whatever is open,
/// and opened anew.
struct Link {
    file: PathBuf,
    mode: Mode,
    connection: Option<SqliteConnection>,
}

impl Link {
    fn open(file: &Path, mode: Mode) -> Result<Self, OpenError> {
        Ok(Self {
            file: file.to_owned(),
            mode,
            connection: Some(connect(file, mode)?),
        })
    }

    fn begin(&mut self) -> Result<SqliteConnection, StoreError> {
        let begin = match self.mode {
            Mode::Read => Statement::BeginRead,
            Mode::Write => Statement::BeginWrite,
        };
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.file, self.mode)
                .map_err(|error| StoreError::Unavailable(Box::new(error)))?,
        };
        self.execute(&mut connection, begin)?;
        Ok(connection)
    }

    /// Ends the transaction; the connection is kept only if that works.
    fn end(&mut self, mut connection: SqliteConnection, end: Statement) -> Result<(), StoreError> {
        self.execute(&mut connection, end)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn execute(
        &self,
        connection: &mut SqliteConnection,
        statement: Statement,
    ) -> Result<(), StoreError> {
        statement
            .execute(connection)
            .map(drop)
            .map_err(|error| from_diesel(error, self.mode, Moment::InTime))
    }
}

fn read(mut link: Link, jobs: &Receiver<Job>) {
    for job in jobs.iter().filter_map(Job::in_time) {
        let mut connection = match link.begin() {
            Ok(connection) => connection,
            Err(error) => {
                job.refuse(error);
                continue;
            }
        };
        let Some((work, reply)) = job.begin() else {
            let _ = link.end(connection, Statement::Rollback);
            continue;
        };
        let answer = match unit::run(work, Backend::Sqlite(&mut connection), Mode::Read, None) {
            Ending::Commit(_) => link.end(connection, Statement::Commit),
            Ending::Rollback(answer) => {
                let _ = link.end(connection, Statement::Rollback);
                answer
            }
        };
        reply.send(answer);
    }
}

fn write(mut link: Link, jobs: &Receiver<Job>, listeners: &Listeners) {
    while let Ok(first) = jobs.recv() {
        let mut waiting: VecDeque<_> = std::iter::once(first)
            .chain(jobs.try_iter().take(MOST_PER_COMMIT - 1))
            .filter_map(Job::in_time)
            .collect();
        while !waiting.is_empty() {
            commit_together(&mut link, &mut waiting, listeners);
        }
    }
}

/// One transaction for all that waits, or, if it breaks, for those up to that point.
fn commit_together(link: &mut Link, waiting: &mut VecDeque<Job>, listeners: &Listeners) {
    let mut connection = match link.begin() {
        Ok(connection) => connection,
        Err(error) => {
            for job in waiting.drain(..) {
                job.refuse(same(&error));
            }
            return;
        }
    };
    let mut ran = Vec::with_capacity(waiting.len());
    let mut intact = Ok(());
    while intact.is_ok()
        && let Some(job) = waiting.pop_front()
    {
        if let Some((work, reply)) = job.begin() {
            let ending;
            (ending, intact) = in_savepoint(link, &mut connection, work);
            ran.push((reply, ending));
        }
    }
    // Unless it is committed, dropping the connection undoes what is left of the transaction.
    let committed = intact.and_then(|()| link.end(connection, Statement::Commit));
    answer(ran, &committed, listeners);
}

/// Runs one unit of work, and tells how it has to end and whether the transaction around it is intact. After
/// `SQLITE_FULL` or an I/O error SQLite may have rolled back all of it; the savepoint is gone then, too.
fn in_savepoint(
    link: &Link,
    connection: &mut SqliteConnection,
    work: Work,
) -> (Ending, Result<(), StoreError>) {
    if let Err(error) = link.execute(connection, Statement::Savepoint) {
        return (Ending::Rollback(Err(same(&error))), Err(error));
    }
    let ending = unit::run(work, Backend::Sqlite(connection), Mode::Write, None);
    let undone = match &ending {
        Ending::Commit(_) => Ok(()),
        Ending::Rollback(_) => link.execute(connection, Statement::RollbackToSavepoint),
    };
    let ended = undone.and_then(|()| link.execute(connection, Statement::Release));
    let intact = ended.map_err(|error| {
        StoreError::Unavailable(format!("the transaction was lost: {error}").into())
    });
    (ending, intact)
}

/// Tells the listeners, then the callers.
fn answer(ran: Vec<(Reply, Ending)>, committed: &Result<(), StoreError>, listeners: &Listeners) {
    if committed.is_ok() {
        let changes: Vec<_> = ran
            .iter()
            .filter_map(|(_, ending)| match ending {
                Ending::Commit(changes) => Some(changes.as_slice()),
                Ending::Rollback(_) => None,
            })
            .flatten()
            .copied()
            .collect();
        listeners.tell(&changes);
    }
    for (reply, ending) in ran {
        reply.send(match (ending, committed) {
            (Ending::Commit(_), Ok(())) => Ok(()),
            (Ending::Commit(_), Err(error)) => Err(same(error)),
            (Ending::Rollback(answer), _) => answer,
        });
    }
}

/// The error once more, for another caller whom it strikes.
fn same(error: &StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(cause) => StoreError::Unavailable(cause.to_string().into()),
        StoreError::Backend(cause) => StoreError::Backend(cause.to_string().into()),
        StoreError::Conflict(_) | StoreError::Inconsistent { .. } => {
            StoreError::Backend(error.to_string().into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Ticket;
    use crate::migrations::migrate;
    use crate::testing::TestDatabase;
    use diesel::connection::SimpleConnection;
    use doorward_domain::User;
    use doorward_storage::testing::a_user;
    use doorward_storage::{Transaction, Verdict};
    use std::sync::Arc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn writer(database: &TestDatabase) -> Link {
        migrate(&database.database_url()).unwrap();
        Link::open(&database.file(), Mode::Write).unwrap()
    }

    /// A unit of work which inserts the user.
    fn inserting(user: User) -> (Job, Ticket) {
        let work = move |tx: &mut dyn Transaction| match tx.insert_user(&user) {
            Ok(()) => Verdict::Commit,
            Err(_) => Verdict::Rollback,
        };
        Job::new(Box::new(work), PATIENCE, Arc::default())
    }

    /// The outcomes of inserting all of them in as few transactions as may be, and how many these were.
    async fn insert_together(
        link: &mut Link,
        users: Vec<User>,
    ) -> (Vec<Result<(), StoreError>>, usize) {
        let (mut waiting, tickets): (VecDeque<_>, Vec<_>) =
            users.into_iter().map(inserting).unzip();
        let mut transactions = 0;
        while !waiting.is_empty() {
            commit_together(link, &mut waiting, &Listeners::default());
            transactions += 1;
        }
        let mut outcomes = Vec::new();
        for ticket in tickets {
            outcomes.push(ticket.outcome(PATIENCE, PATIENCE).await);
        }
        (outcomes, transactions)
    }

    fn stored(link: &mut Link) -> Vec<String> {
        use crate::schema::users;
        use diesel::{QueryDsl, RunQueryDsl};
        let mut connection = link.begin().unwrap();
        let names = users::table
            .select(users::username)
            .order(users::username)
            .load(&mut connection);
        link.end(connection, Statement::Rollback).unwrap();
        names.unwrap()
    }

    fn execute(link: &mut Link, sql: &str) {
        link.connection
            .as_mut()
            .unwrap()
            .batch_execute(sql)
            .unwrap();
    }

    /// `SQLITE_FULL` rolls back the transaction with all its savepoints.
    #[tokio::test]
    async fn on_a_full_disk_everybody_hears_the_truth_and_the_rest_goes_on() {
        let database = TestDatabase::sqlite();
        let mut link = writer(&database);
        execute(&mut link, "PRAGMA max_page_count = 1"); // no more than there are
        let heavy = User {
            password: format!("plain${}", "x".repeat(1_000_000)).try_into().ok(),
            ..a_user("bob")
        };
        let users = vec![a_user("ada"), heavy, a_user("eve"), a_user("joe")];
        let (outcomes, transactions) = insert_together(&mut link, users).await;
        assert_eq!(transactions, 2);
        // The heavy one has its own error, and asked for no commit.
        assert!(
            matches!(
                outcomes.as_slice(),
                [Err(StoreError::Unavailable(_)), Ok(()), Ok(()), Ok(())]
            ),
            "{outcomes:?}"
        );
        assert_eq!(stored(&mut link), ["eve", "joe"]);
    }

    /// Another process has the file.
    #[tokio::test]
    async fn while_the_file_is_locked_by_others_writes_are_an_outage() {
        let database = TestDatabase::sqlite();
        let mut link = writer(&database);
        let mut other = connect(&database.file(), Mode::Write).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        execute(&mut link, "PRAGMA busy_timeout = 1");
        let (outcomes, _) = insert_together(&mut link, vec![a_user("ada")]).await;
        assert!(
            matches!(outcomes.as_slice(), [Err(StoreError::Unavailable(_))]),
            "{outcomes:?}"
        );
        other.batch_execute("ROLLBACK").unwrap();
        let (outcomes, _) = insert_together(&mut link, vec![a_user("ada")]).await;
        assert!(matches!(outcomes.as_slice(), [Ok(())]), "{outcomes:?}");
    }

    /// And no fresh one is made in its place.
    #[test]
    fn a_file_that_has_vanished_is_an_outage() {
        let database = TestDatabase::sqlite();
        let mut link = writer(&database);
        link.connection = None;
        std::fs::remove_file(database.file()).unwrap();
        assert!(matches!(link.begin(), Err(StoreError::Unavailable(_))));
        assert!(!database.file().exists());
    }
}
