//! The contract on PostgreSQL, and what only a server can do to us.

use crate::{config, opened};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use doorward_domain::{Change, UserId};
use doorward_storage::testing::{Gate, a_user, begun, instant, read, write};
use doorward_storage::{FeedPosition, Store, StoreError};
use doorward_storage_diesel::testing::TestDatabase;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, StoreConfig};
use std::sync::Arc;
use std::time::Duration;

doorward_storage::store_contract!(|| opened(TestDatabase::postgres()));

/// The number of a row is taken when it is written, and the row is seen when its transaction commits.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_committed_late_is_found() {
    let (_guard, store) = opened(TestDatabase::postgres());
    let [early, late, between] = [(); 3].map(|()| Change::UserChanged(UserId::new(instant(0))));
    let start = read(&*store, |tx| tx.feed_end()).await;
    let (is_written, go_on) = (Gate::default(), Gate::default());
    let committing_late = {
        let (is_written, go_on) = (is_written.clone(), go_on.clone());
        begun(write(&*store, move |tx| {
            tx.record_change(late, instant(0))?;
            tx.feed_end()?; // writes it
            is_written.open();
            go_on.pass();
            Ok(())
        }))
        .await
    };
    is_written.passed().await;
    write(&*store, move |tx| tx.record_change(early, instant(0))).await;

    let after = |position: FeedPosition| {
        let store = Arc::clone(&store);
        async move { read(&*store, move |tx| tx.changes_after(&position)).await }
    };
    let first = after(start.clone()).await;
    assert_eq!(first.changes, [early]);
    // While it stays open, the others are read once each.
    write(&*store, move |tx| tx.record_change(between, instant(0))).await;
    let second = after(first.next).await;
    assert_eq!(second.changes, [between]);
    go_on.open();
    committing_late.await;
    let third = after(second.next).await;
    assert_eq!(third.changes, [late]);
    assert_eq!(after(third.next).await.changes, []);
    assert_eq!(after(start).await.changes.len(), 3);
}

/// Another server counts its transactions from elsewhere: so does one that was put back to an earlier time.
#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_is_ahead_of_the_server_is_lost_and_what_a_backup_brought_is_emptied() {
    let (database, store) = opened(TestDatabase::postgres());
    let position = read(&*store, |tx| tx.feed_end()).await;
    let after = |position: FeedPosition| {
        let store = Arc::clone(&store);
        async move { read(&*store, move |tx| tx.changes_after(&position)).await }
    };
    assert!(!after(position.clone()).await.is_lost);
    let ahead = FeedPosition {
        floor: position.floor + 1_000_000_000,
        ..position.clone()
    };
    let lost = after(ahead).await;
    assert!(lost.is_lost);
    assert!(!after(lost.next).await.is_lost);

    database.execute(
        "INSERT INTO changes (seq, xid, kind, recorded_at) OVERRIDING SYSTEM VALUE \
         VALUES (900, 4000000000000, 'user_list_changed', now())",
    );
    let again = [after(position.clone()).await, after(position).await];
    assert!(
        again
            .iter()
            .all(|page| page.changes == [Change::UserListChanged]),
        "at every look"
    );
    write(&*store, |tx| tx.set_session_cutoff(instant(0).into())).await;
    let start = read(&*store, |tx| tx.feed_end()).await;
    assert_eq!(after(start.clone()).await.changes, []);
    let change = Change::UserChanged(UserId::new(instant(0)));
    write(&*store, move |tx| tx.record_change(change, instant(0))).await;
    assert_eq!(after(start).await.changes, [change]);
}

/// A store whose connections bear a name, by which a test can cut them.
struct Named {
    database: TestDatabase,
    store: Arc<dyn Store>,
    name: &'static str,
}

impl Named {
    fn open(name: &'static str, config: &StoreConfig) -> Self {
        let database = TestDatabase::postgres();
        let url = format!("{}&application_name={name}", database.url());
        let url = DatabaseUrl::parse(&url).unwrap();
        Self {
            store: Arc::new(DieselStore::open(&url, config).unwrap()),
            database,
            name,
        }
    }

    fn cut(&self) {
        PgConnection::establish(self.database.url())
            .unwrap()
            .batch_execute(&format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '{}'",
                self.name
            ))
            .unwrap();
    }
}

/// As after a restart of the server: nothing has run on the connection yet, so another one serves.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_broke_while_it_was_idle_is_replaced_unnoticed() {
    let named = Named::open("doorward_idle", &config());
    for name in ["ada", "bob", "eve"] {
        named.cut();
        for i in 0..8 {
            let user = a_user(&format!("{name}{i}"));
            let id = user.id;
            write(&*named.store, move |tx| tx.insert_user(&user)).await;
            let found = read(&*named.store, move |tx| tx.user(id)).await;
            assert!(found.is_some());
        }
    }
    named.store.close().await;
}

/// And the thread serves again.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_in_a_transaction_is_an_outage() {
    let named = Named::open("doorward_busy", &config());
    let (has_begun, go_on) = (Gate::default(), Gate::default());
    let user = a_user("ada");
    let id = user.id;
    let writing = {
        let (has_begun, go_on) = (has_begun.clone(), go_on.clone());
        begun(named.store.write(move |tx| {
            tx.insert_user(&user)?;
            has_begun.open();
            go_on.pass();
            tx.user(id)
        }))
        .await
    };
    has_begun.passed().await;
    named.cut();
    go_on.open();
    let lost: Result<_, StoreError> = writing.await;
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    let found = read(&*named.store, move |tx| tx.user(id)).await;
    assert_eq!(found, None);
    named.store.close().await;
}

/// The time limits of a transaction are in force.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_a_lock_is_refused() {
    let database = TestDatabase::postgres();
    let store: Arc<dyn Store> = Arc::new(database.open_with(&StoreConfig {
        finish_within: Duration::from_secs(1),
        ..config()
    }));
    let user = a_user("ada");
    let id = user.id;
    write(&*store, move |tx| tx.insert_user(&user)).await;
    let (is_locked, go_on) = (Gate::default(), Gate::default());
    let locking = {
        let (is_locked, go_on) = (is_locked.clone(), go_on.clone());
        begun(store.write(move |tx| {
            tx.lock_user(id)?;
            is_locked.open();
            go_on.pass();
            Ok::<_, StoreError>(())
        }))
        .await
    };
    is_locked.passed().await;
    let refused: Result<_, StoreError> = store.write(move |tx| tx.lock_user(id)).await;
    let Err(StoreError::Unavailable(source)) = refused else {
        panic!("{refused:?}");
    };
    // It is the server that refused, in whichever language.
    assert!(source.is::<diesel::result::Error>(), "{source}");
    go_on.open();
    locking.await.unwrap();
    store.close().await;
}

/// A server says in its own language why it has ended a statement. That it came when a limit was reached tells enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_when_its_time_is_over_is_an_outage_in_any_language() {
    let database = TestDatabase::postgres();
    let store: Arc<dyn Store> = Arc::new(database.open_with(&StoreConfig {
        finish_within: Duration::from_secs(1),
        ..config()
    }));
    let in_time = "";
    let late = "PERFORM pg_sleep(0.55);";
    for (sleep, is_outage) in [(in_time, false), (late, true)] {
        database.execute(&format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN {sleep} RAISE EXCEPTION 'storniere Anfrage'; END $$; \
             DROP TRIGGER IF EXISTS refuse ON users; CREATE TRIGGER refuse BEFORE INSERT ON users EXECUTE FUNCTION refuse()"
        ));
        let user = a_user("ada");
        let refused: Result<(), _> = store.write(move |tx| tx.insert_user(&user)).await;
        match refused {
            Err(StoreError::Unavailable(_)) if is_outage => {}
            Err(StoreError::Backend(_)) if !is_outage => {}
            other => panic!("{sleep} {other:?}"),
        }
    }
    store.close().await;
}
