//! Why a database cannot be opened: one line for an operator, which names the file or server and never a password.

use std::io;
use std::path::PathBuf;

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the SQLite file does not exist, or something in its path is no folder.
    #[error("{file}: its folder does not exist", file = .0.display())]
    NoFolder(PathBuf),
    /// The SQLite file cannot be made, read or written.
    #[error("{file} cannot be opened: {reason}", file = .file.display())]
    Inaccessible {
        /// The file.
        file: PathBuf,
        /// What the operating system or SQLite says.
        reason: String,
    },
    /// The SQLite file or its folder is read-only.
    #[error("{file}: the file or its folder is read-only", file = .0.display())]
    ReadOnly(PathBuf),
    /// The file is no SQLite database, or a damaged one. It was not touched.
    #[error("{file} is not a SQLite database or is damaged: {reason}", file = .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The SQLite database was made by another application. It was not touched.
    #[error("{file} belongs to another application", file = .0.display())]
    Foreign(PathBuf),
    /// The server cannot be reached or takes no connections.
    #[error("{server} cannot be reached: {reason}")]
    Unreachable {
        /// The server's URL without the password.
        server: String,
        /// What libpq says.
        reason: String,
    },
    /// The server does not let this user in.
    #[error("{server}: authentication failed: {reason}")]
    AuthenticationFailed {
        /// The server's URL without the password.
        server: String,
        /// What libpq says.
        reason: String,
    },
    /// The server has no such database.
    #[error("{server}: the database does not exist")]
    NoDatabase {
        /// The server's URL without the password.
        server: String,
    },
    /// A pooler answers for the server, and does not do what is needed of it.
    #[error("{server} cannot be used: {reason}")]
    Pooler {
        /// The server's URL without the password.
        server: String,
        /// What it must do, and how `PgBouncer` is made to.
        reason: &'static str,
    },
    /// A newer release has changed the database in a way that this one does not know.
    #[error(
        "{database} has the migration {migration}, which this release does not know: use a newer release"
    )]
    UnknownMigration {
        /// The database.
        database: String,
        /// The migration's version.
        migration: String,
    },
    /// Migrations are pending, and they are not to be run here.
    #[error("{database} lacks migrations: {}", .migrations.join(", "))]
    PendingMigrations {
        /// The database.
        database: String,
        /// The names of the migrations.
        migrations: Vec<String>,
    },
    /// A migration failed; none of the run counts.
    #[error("{database}: the migration {migration} failed: {reason}")]
    Migration {
        /// The database.
        database: String,
        /// The migration's name.
        migration: String,
        /// What the database says.
        reason: String,
    },
    /// The database answers, but with an error.
    #[error("{database} cannot be used: {reason}")]
    Unusable {
        /// The database.
        database: String,
        /// What the database says.
        reason: String,
    },
    /// The system gives no more threads.
    #[error("no thread for the database: {0}")]
    Threads(#[source] io::Error),
}

/// The text of an error on one line.
pub(crate) fn on_one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(" ")
}
