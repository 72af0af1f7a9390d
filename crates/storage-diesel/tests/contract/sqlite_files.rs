//! SQLite files: which of them are ours, and what becomes of the others.

use crate::config;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use doorward_storage::Store;
use doorward_storage::testing::{a_user, read, write};
use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, OpenError};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The folder's files and their bytes.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn open(file: &Path) -> Result<DieselStore, OpenError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", file.display())).unwrap();
    DieselStore::open(&url, &config())
}

/// Opening fails with the error, and everything is as before.
fn refuses_untouched(file: &Path, is_expected: impl Fn(&OpenError) -> bool) {
    let before = contents(file.parent().unwrap());
    let error = open(file).unwrap_err();
    assert!(is_expected(&error), "{error:?}");
    assert!(error.to_string().contains(&*file.to_string_lossy()));
    assert_eq!(contents(file.parent().unwrap()), before);
}

fn is_damaged(error: &OpenError) -> bool {
    matches!(error, OpenError::Damaged { .. })
}

fn is_foreign(error: &OpenError) -> bool {
    matches!(error, OpenError::Foreign(_))
}

fn with_foreign_tables(file: &Path, sql: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    connection.batch_execute(sql).unwrap();
    connection
}

async fn insert(store: &dyn Store, name: &str) {
    let user = a_user(name);
    write(store, move |tx| tx.insert_user(&user)).await;
}

async fn is_there(store: &dyn Store, name: &str) -> bool {
    let name = a_user(name).username;
    read(store, move |tx| Ok(tx.user_by_username(&name)?.is_some())).await
}

#[test]
fn a_file_that_is_no_database_is_refused_untouched() {
    let database = TestDatabase::sqlite();
    for bytes in ["a letter\n".repeat(1000), "short".to_owned()] {
        fs::write(database.file(), bytes).unwrap();
        refuses_untouched(&database.file(), is_damaged);
    }
}

#[tokio::test]
async fn a_damaged_file_of_ours_is_refused_untouched() {
    let database = TestDatabase::sqlite();
    let file = database.file();
    database.open().close().await;
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..5000]).unwrap();
    refuses_untouched(&file, is_damaged);
    let mut scribbled = bytes;
    scribbled[..1000].fill(b'x');
    fs::write(&file, scribbled).unwrap();
    refuses_untouched(&file, is_damaged);
}

#[test]
fn a_file_of_another_application_is_refused_untouched() {
    for sql in [
        "CREATE TABLE users (id INTEGER)",
        "PRAGMA application_id = 42; CREATE TABLE users (id INTEGER)",
        "PRAGMA application_id = 42",
    ] {
        let database = TestDatabase::sqlite();
        drop(with_foreign_tables(&database.file(), sql));
        refuses_untouched(&database.file(), is_foreign);
    }
}

/// What it has may be in its WAL alone.
#[test]
fn a_file_that_another_application_has_open_is_refused_untouched() {
    let database = TestDatabase::sqlite();
    let file = database.file();
    let sql = "PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER)";
    let _open = with_foreign_tables(&file, sql);
    assert!(file.with_file_name("doorward.db-wal").exists());
    refuses_untouched(&file, is_foreign);
}

#[tokio::test]
async fn an_empty_file_becomes_ours() {
    let database = TestDatabase::sqlite();
    fs::write(database.file(), "").unwrap();
    let store = database.open();
    insert(&store, "ada").await;
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let database = TestDatabase::sqlite();
    let store = database.open();
    insert(&store, "ada").await;
    for entry in fs::read_dir(database.file().parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    store.close().await;
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_that_opens_again() {
    let database = TestDatabase::sqlite();
    for round in 0..3 {
        let store = database.open();
        insert(&store, &format!("user{round}")).await;
        store.close().await;
        let files = contents(database.file().parent().unwrap());
        assert_eq!(files.len(), 1, "{:?}", files.keys());
        let store = database.open();
        assert!(is_there(&store, &format!("user{round}")).await);
        store.close().await;
    }
}

/// A path is taken as it is, whatever it means in a URI or to SQLite.
#[tokio::test]
async fn a_path_may_have_any_characters() {
    let database = TestDatabase::sqlite();
    for name in ["a b.db", "100%25?mode=ro#x.db", ":memory:", "file:x.db"] {
        let file = database.file().with_file_name(name);
        let store = open(&file).unwrap();
        insert(&store, "ada").await;
        store.close().await;
        assert!(file.exists(), "{name}");
    }
}

/// As `kill -9` leaves it: the newest writes are in the WAL.
#[tokio::test]
async fn a_store_starts_again_after_a_crash() {
    let database = TestDatabase::sqlite();
    let crashed = TestDatabase::sqlite();
    let store = database.open();
    insert(&store, "ada").await;
    for suffix in ["", "-wal"] {
        let name = format!("doorward.db{suffix}");
        fs::copy(
            database.file().with_file_name(&name),
            crashed.file().with_file_name(&name),
        )
        .unwrap();
    }
    store.close().await;
    let store = crashed.open();
    assert!(is_there(&store, "ada").await);
    store.close().await;
}

/// The first page, which tells the size of the file, is there, and the pages at its end are not yet.
#[tokio::test]
async fn a_store_starts_again_after_a_crash_in_the_middle_of_a_checkpoint() {
    let database = TestDatabase::sqlite();
    let file = database.file();
    let wal = file.with_file_name("doorward.db-wal");
    let store: Arc<dyn Store> = Arc::new(database.open());
    let before = fs::read(&file).unwrap();
    for i in 0..100 {
        insert(&*store, &format!("user{i}")).await;
    }
    let log = fs::read(&wal).unwrap();
    database.execute("PRAGMA wal_checkpoint(PASSIVE)");
    let after = fs::read(&file).unwrap();
    assert!(before.len() < after.len());
    store.close().await;

    let crashed = TestDatabase::sqlite();
    let torn = [&after[..4096], &before[4096..]].concat();
    fs::write(crashed.file(), torn).unwrap();
    fs::write(crashed.file().with_file_name("doorward.db-wal"), log).unwrap();
    let store = crashed.open();
    for i in 0..100 {
        assert!(is_there(&store, &format!("user{i}")).await);
    }
    store.close().await;
}
