//! Migrations, on both databases.

use crate::{config, databases};
use doorward_storage::Store;
use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{
    DieselStore, OnPending, OpenError, StoreConfig, migrate, migration_status,
};
use std::collections::BTreeSet;
use std::fs;
use std::sync::Barrier;
use std::thread;

fn names(database: &str) -> BTreeSet<String> {
    fs::read_dir(format!(
        "{}/migrations/{database}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
    .collect()
}

/// Which of them are applied.
fn applied(database: &TestDatabase) -> Vec<bool> {
    migration_status(&database.database_url())
        .unwrap()
        .into_iter()
        .map(|migration| migration.is_applied)
        .collect()
}

#[test]
fn both_databases_have_the_same_migrations() {
    assert_eq!(names("sqlite"), names("postgres"));
    for database in databases() {
        let status = migration_status(&database.database_url()).unwrap();
        let embedded: BTreeSet<_> = status.into_iter().map(|it| it.name).collect();
        assert_eq!(embedded, names("sqlite"));
    }
}

#[test]
fn migrations_run_once() {
    for database in databases() {
        let url = database.database_url();
        assert!(applied(&database).iter().all(|applied| !applied));
        let all: Vec<_> = names("sqlite").into_iter().collect();
        assert_eq!(migrate(&url).unwrap(), all);
        assert_eq!(migrate(&url).unwrap(), Vec::<String>::new());
        assert!(applied(&database).iter().all(|applied| *applied));
    }
}

#[test]
fn the_status_of_a_file_that_is_not_there_does_not_make_it() {
    let database = TestDatabase::sqlite();
    assert!(applied(&database).contains(&false));
    assert!(!database.file().exists());
}

#[tokio::test]
async fn pending_migrations_are_refused_where_they_are_not_to_be_run() {
    let config = StoreConfig {
        on_pending: OnPending::Refuse,
        ..config()
    };
    for database in databases() {
        let url = database.database_url();
        let error = DieselStore::open(&url, &config).unwrap_err();
        assert!(
            matches!(&error, OpenError::PendingMigrations { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("_accounts"), "{error}");
        migrate(&url).unwrap();
        DieselStore::open(&url, &config).unwrap().close().await;
    }
}

#[tokio::test]
async fn a_migration_of_a_newer_release_is_refused_unless_that_release_allows_it() {
    for database in databases() {
        let url = database.database_url();
        migrate(&url).unwrap();
        database
            .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
        for pending in [OnPending::Migrate, OnPending::Refuse] {
            let config = StoreConfig {
                on_pending: pending,
                ..config()
            };
            let error = DieselStore::open(&url, &config).unwrap_err();
            assert!(
                matches!(&error, OpenError::UnknownMigration { .. }),
                "{error}"
            );
            assert!(error.to_string().contains("29990101000000"), "{error}");
        }
        for (oldest_known, is_allowed) in [("29980101000000", false), ("20261120000000", true)] {
            database.execute("DELETE FROM compatible_migrations");
            database.execute(&format!(
                "INSERT INTO compatible_migrations VALUES ('29990101000000', '{oldest_known}')"
            ));
            let opened = DieselStore::open(&url, &config());
            assert_eq!(opened.is_ok(), is_allowed, "{oldest_known}");
            if let Ok(store) = opened {
                store.close().await;
            }
        }
    }
}

#[test]
fn many_may_start_at_once_on_an_empty_database() {
    for database in databases() {
        let url = database.database_url();
        let starters = 8;
        let barrier = Barrier::new(starters);
        let run: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..starters)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        migrate(&url).unwrap().len()
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).sum()
        });
        assert_eq!(run, names("sqlite").len(), "each ran once");
        assert!(applied(&database).iter().all(|applied| *applied));
    }
}
