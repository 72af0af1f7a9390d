//! What an operator is told when a database cannot be opened.

use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, OpenError, StoreConfig, migration_status};

fn refused(url: &str) -> OpenError {
    let url = DatabaseUrl::parse(url).unwrap();
    let error = DieselStore::open(&url, &StoreConfig::default()).unwrap_err();
    let status = migration_status(&url).map(drop);
    // Both name the place in one line; a SQLite file that is not there lacks all migrations.
    assert!(url.file().is_some() || status.unwrap_err().to_string() == error.to_string());
    assert_eq!(error.to_string().lines().count(), 1);
    error
}

#[test]
fn a_server_that_is_not_there_is_named_without_the_password() {
    let error = refused("postgres://ada:s3cret@127.0.0.1:1/doorward");
    assert!(matches!(&error, OpenError::Unreachable { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("postgres://ada@127.0.0.1:1/doorward cannot be reached: "));
    assert!(text.contains("refused"), "{text}");
    assert!(!text.contains("s3cret"));
}

#[test]
fn a_url_that_libpq_does_not_understand_does_not_betray_the_password() {
    for url in [
        "postgres://ada:s3cret%zz@127.0.0.1/doorward",
        "postgres://ada:s3cret@127.0.0.1:none/doorward",
        "postgres://ada:x@127.0.0.1/doorward?password=s3cret%zz",
    ] {
        let text = refused(url).to_string();
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_user_whom_the_server_does_not_know_is_told_so() {
    let database = TestDatabase::postgres();
    let error = refused(&format!("{}&user=nobody_of_that_name", database.url()));
    assert!(
        matches!(&error, OpenError::AuthenticationFailed { .. }),
        "{error}"
    );
}

#[test]
fn a_database_that_the_server_does_not_have_is_told() {
    let database = TestDatabase::postgres();
    let error = refused(&format!("{}&dbname=none_of_that_name", database.url()));
    assert!(matches!(&error, OpenError::NoDatabase { .. }), "{error}");
}

#[test]
fn a_file_whose_folder_is_missing_is_told() {
    let database = TestDatabase::sqlite();
    let file = database.file();
    let missing = file.with_file_name("missing").join("doorward.db");
    std::fs::write(&file, "").unwrap();
    for place in [missing, file.join("doorward.db")] {
        let error = refused(&format!("sqlite://{}", place.display()));
        assert!(matches!(&error, OpenError::NoFolder(_)), "{error}");
        assert!(!place.exists());
    }
}

/// Nobody can make files in `/sys`, not even root.
#[test]
fn a_folder_that_is_read_only_is_told() {
    let error = refused("sqlite:///sys/doorward.db");
    assert!(matches!(&error, OpenError::ReadOnly(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "/sys/doorward.db: the file or its folder is read-only"
    );
}

#[test]
fn a_folder_in_place_of_the_file_is_told() {
    let database = TestDatabase::sqlite();
    std::fs::create_dir(database.file()).unwrap();
    let error = refused(database.url());
    assert!(matches!(&error, OpenError::Inaccessible { .. }), "{error}");
}
