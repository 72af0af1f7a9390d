//! Opens SQLite files, and only our own: nothing is written to a file, nor beside it, before it is recognised.

use crate::open_error::{OpenError, on_one_line};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::result::Error;
use diesel::sql_types::{BigInt, Integer};
use diesel::{Connection, QueryResult, RunQueryDsl, SqliteConnection};
use doorward_storage::Mode;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// `PRAGMA application_id` of our files, `Drwd` in ASCII.
const APPLICATION_ID: i32 = 0x4472_7764;

/// `synchronous = FULL` is what lets an acknowledged write survive a power cut.
const SETUP: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                     PRAGMA journal_size_limit = 67108864;";

/// While others have the file open, the switch to WAL fails at once instead of waiting.
const WAL_ATTEMPTS: u32 = 100;
const WAL_PAUSE: Duration = Duration::from_millis(20);

/// What a file turns out to be.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    Us,
    Nobody,
    Another,
}

/// Makes sure that the file is there and ours, and sets it up if it is new. Its folder must exist.
pub(crate) fn open_or_create(file: &Path) -> Result<(), OpenError> {
    create_if_missing(file)?;
    let owner = recognise(file)?;
    if owner == Owner::Another {
        return Err(OpenError::Foreign(file.to_owned()));
    }
    let mut connection = establish(file, "mode=rw")?;
    let execute = |connection: &mut SqliteConnection, sql: &str| {
        connection
            .batch_execute(sql)
            .map_err(|error| unusable(file, &error))
    };
    execute(&mut connection, "PRAGMA busy_timeout = 5000")?;
    if owner == Owner::Nobody {
        // Before the switch to WAL, so that the file itself says at all times whose it is.
        execute(
            &mut connection,
            &format!("PRAGMA application_id = {APPLICATION_ID}"),
        )?;
    }
    switch_to_wal(file, &mut connection)
}

/// Whether there is a file of ours, found out without a write. An empty one that is nobody's yet is as good as none.
pub(crate) fn is_ours(file: &Path) -> Result<bool, OpenError> {
    if !is_there(file)? {
        return Ok(false);
    }
    match recognise(file)? {
        Owner::Us => Ok(true),
        Owner::Nobody => Ok(false),
        Owner::Another => Err(OpenError::Foreign(file.to_owned())),
    }
}

/// A connection to a file that is ours. It is never made anew.
pub(crate) fn connect(file: &Path, mode: Mode) -> Result<SqliteConnection, OpenError> {
    let mut connection = establish(file, "mode=rw")?;
    let setup = match mode {
        Mode::Read => format!("{SETUP} PRAGMA query_only = ON;"),
        Mode::Write => SETUP.to_owned(),
    };
    connection
        .batch_execute(&setup)
        .map_err(|error| unusable(file, &error))?;
    Ok(connection)
}

fn is_there(file: &Path) -> Result<bool, OpenError> {
    let inaccessible = |reason: String| OpenError::Inaccessible {
        file: file.to_owned(),
        reason,
    };
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => Err(inaccessible("it is a folder".to_owned())),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(OpenError::NoFolder(file.to_owned()))
        }
        Err(error) => Err(inaccessible(error.to_string())),
    }
}

fn create_if_missing(file: &Path) -> Result<(), OpenError> {
    if is_there(file)? {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // SQLite gives the files beside it the same mode.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => Ok(()),
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(OpenError::NoFolder(file.to_owned()))
        }
        Err(error) if is_read_only(error.kind()) => Err(OpenError::ReadOnly(file.to_owned())),
        Err(error) => Err(OpenError::Inaccessible {
            file: file.to_owned(),
            reason: error.to_string(),
        }),
    }
}

fn is_read_only(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
    )
}

/// Reads whose file it is, without locks and without making a file beside it.
///
/// Not by reading the file's first bytes: to close it afterwards would drop the locks of every other connection that
/// this process has to it.
fn recognise(file: &Path) -> Result<Owner, OpenError> {
    let has_wal = fs::metadata(beside(file, "-wal")).is_ok_and(|wal| wal.len() > 0);
    let found = match ask(file, "mode=ro&immutable=1") {
        // A crash in the middle of a checkpoint leaves a file that is whole only together with its WAL.
        Err(Failure::Query(error)) if has_wal && is_damage(&error) => ask(file, "mode=ro"),
        found => found,
    };
    match found {
        Ok((APPLICATION_ID, _)) => Ok(Owner::Us),
        // A file of ours has its mark before it has a WAL.
        Ok((0, 0)) if !has_wal => Ok(Owner::Nobody),
        Ok(_) => Ok(Owner::Another),
        Err(Failure::Open(error)) => Err(error),
        Err(Failure::Query(error)) => Err(unusable(file, &error)),
    }
}

enum Failure {
    Open(OpenError),
    Query(Error),
}

/// The file's application id, and how many tables it has if that is 0.
fn ask(file: &Path, parameters: &str) -> Result<(i32, i64), Failure> {
    let mut connection = establish(file, parameters).map_err(Failure::Open)?;
    let id = application_id(&mut connection).map_err(Failure::Query)?;
    let tables = match id {
        0 => sql::<BigInt>("SELECT count(*) FROM sqlite_schema")
            .get_result(&mut connection)
            .map_err(Failure::Query)?,
        _ => 0,
    };
    Ok((id, tables))
}

fn application_id(connection: &mut SqliteConnection) -> QueryResult<i32> {
    sql::<Integer>("SELECT application_id FROM pragma_application_id").get_result(connection)
}

/// Whether an open database is ours.
pub(crate) fn application_id_is_ours(connection: &mut SqliteConnection) -> QueryResult<bool> {
    application_id(connection).map(|id| id == APPLICATION_ID)
}

fn switch_to_wal(file: &Path, connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let mut attempts = 1..=WAL_ATTEMPTS;
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Ok(()) => return Ok(()),
            Err(error) if is_locked(&error) && attempts.next().is_some() => sleep(WAL_PAUSE),
            Err(error) => return Err(unusable(file, &error)),
        }
    }
}

/// Opens by a URI, since that alone can forbid SQLite to make the file.
pub(crate) fn establish(file: &Path, parameters: &str) -> Result<SqliteConnection, OpenError> {
    let inaccessible = |reason: String| OpenError::Inaccessible {
        file: file.to_owned(),
        reason,
    };
    let absolute = std::path::absolute(file).map_err(|error| inaccessible(error.to_string()))?;
    let path = absolute
        .to_str()
        .ok_or_else(|| inaccessible("the path is not UTF-8".to_owned()))?;
    let path = path
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    SqliteConnection::establish(&format!("file:{path}?{parameters}"))
        .map_err(|error| inaccessible(on_one_line(&error)))
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_damage(error: &Error) -> bool {
    ["file is not a database", "database disk image is malformed"]
        .contains(&error.to_string().as_str())
}

fn is_locked(error: &Error) -> bool {
    error.to_string() == "database is locked"
}

/// Why an existing file cannot be used.
pub(crate) fn unusable(file: &Path, error: &Error) -> OpenError {
    let reason = on_one_line(error);
    let file = file.to_owned();
    if is_damage(error) {
        OpenError::Damaged { file, reason }
    } else if reason == "attempt to write a readonly database" {
        OpenError::ReadOnly(file)
    } else {
        OpenError::Inaccessible { file, reason }
    }
}
