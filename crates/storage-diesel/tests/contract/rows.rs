//! Rows that no version of ours has written.

use crate::{config, databases};
use doorward_domain::{ApiKey, Change, Session, User};
use doorward_storage::testing::{a_session, a_user, an_api_key, instant, read, write};
use doorward_storage::{FeedPosition, Store, StoreError, UserQuery};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_user_is_inconsistent_and_harms_no_other() {
    for (column, value) in [
        ("username", "'two  spaces'"),
        ("email", "'nowhere'"),
        ("password", "'plain'"),
        ("role", "'king'"),
    ] {
        for database in databases() {
            let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
            let (ada, bob) = (a_user("ada"), a_user("bob"));
            let (good, bad) = (ada.id, bob.id);
            write(&*store, move |tx| {
                tx.insert_user(&ada)?;
                tx.insert_user(&bob)
            })
            .await;
            database.execute(&format!(
                "UPDATE users SET {column} = {value} WHERE username_key = 'bob'"
            ));
            let found: Result<Option<User>, StoreError> = store.read(move |tx| tx.user(bad)).await;
            let Err(StoreError::Inconsistent {
                table: "users",
                column: named,
            }) = found
            else {
                panic!("{column}: {found:?}");
            };
            assert_eq!(named, column);
            assert!(read(&*store, move |tx| tx.user(good)).await.is_some());
            let query = UserQuery {
                limit: 10,
                ..UserQuery::default()
            };
            let listed = read(&*store, move |tx| tx.list_users(&query)).await;
            assert_eq!(listed.len(), 1);
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_session_is_inconsistent_and_harms_no_other() {
    for (column, value) in [
        ("generation", "-1"),
        ("salt", "'abc'"),
        ("previous_digest", "'abc'"),
        ("digest", "'abc'"),
        ("ip_address", "'nowhere'"),
        ("end_reason", "'boredom', ended_at = created_at"),
    ] {
        for database in databases() {
            let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
            let ada = a_user("ada");
            let user_id = ada.id;
            let good = a_session(&ada);
            let bad = Session {
                generation: 7,
                ..a_session(&ada)
            };
            let (good_id, bad_id) = (good.id, bad.id);
            write(&*store, move |tx| {
                tx.insert_user(&ada)?;
                tx.insert_session(&good)?;
                tx.insert_session(&bad)
            })
            .await;
            let is_bytes = ["salt", "previous_digest", "digest"].contains(&column);
            let value = match (database.database_url().file(), is_bytes) {
                (Some(_), true) => format!("CAST({value} AS BLOB)"),
                (Some(_) | None, _) => value.to_owned(),
            };
            database.execute(&format!(
                "UPDATE sessions SET {column} = {value} WHERE generation = 7"
            ));
            let found: Result<Option<Session>, StoreError> =
                store.read(move |tx| tx.session(bad_id)).await;
            let Err(StoreError::Inconsistent {
                table: "sessions",
                column: named,
            }) = found
            else {
                panic!("{column}: {found:?}");
            };
            assert_eq!(named, column);
            assert!(read(&*store, move |tx| tx.session(good_id)).await.is_some());
            let live = read(&*store, move |tx| tx.live_sessions_of(user_id, instant(0))).await;
            assert_eq!(live.len(), 1);
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_api_key_is_inconsistent_and_harms_no_other() {
    for (column, value) in [
        ("name", "''"),
        ("prefix", "'dwk_'"),
        ("digest", "abc"),
        ("previous_digest", "abc"),
        ("scopes", "'profile:read king'"),
    ] {
        for database in databases() {
            let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
            let ada = a_user("ada");
            let user_id = ada.id;
            let (good, bad) = (an_api_key(&ada), an_api_key(&ada));
            let bad = ApiKey {
                created_at: instant(7),
                ..bad
            };
            let (good_id, bad_id) = (good.id, bad.id);
            write(&*store, move |tx| {
                tx.insert_user(&ada)?;
                tx.insert_api_key(&good)?;
                tx.insert_api_key(&bad)
            })
            .await;
            let is_sqlite = database.database_url().file().is_some();
            let value = match (is_sqlite, column.ends_with("digest")) {
                (true, true) => format!("CAST('{value}' AS BLOB), previous_until = 1"),
                (false, true) => format!("'{value}', previous_until = now()"),
                (_, false) => value.to_owned(),
            };
            // Both parts of a previous secret are there or neither is.
            let previous = if column == "digest" {
                ", previous_digest = digest"
            } else {
                ""
            };
            let newest = "(SELECT max(created_at) FROM api_keys)";
            database.execute(&format!(
                "UPDATE api_keys SET {column} = {value}{previous} WHERE created_at = {newest}"
            ));
            let found: Result<Option<ApiKey>, StoreError> =
                store.read(move |tx| tx.api_key(bad_id)).await;
            let Err(StoreError::Inconsistent {
                table: "api_keys",
                column: named,
            }) = found
            else {
                panic!("{column}: {found:?}");
            };
            assert_eq!(named, column);
            assert!(read(&*store, move |tx| tx.api_key(good_id)).await.is_some());
            let listed = read(&*store, move |tx| tx.list_api_keys_of(user_id, None, 9)).await;
            assert_eq!(listed.len(), 1);
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_unknown_kind_is_left_out() {
    for database in databases() {
        let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
        for _ in 0..3 {
            write(&*store, |tx| {
                tx.record_change(Change::UserListChanged, instant(0))
            })
            .await;
        }
        database.execute("UPDATE changes SET kind = 'moon_risen' WHERE seq = 2");
        let page = read(&*store, |tx| tx.changes_after(&FeedPosition::default())).await;
        assert_eq!(page.changes, [Change::UserListChanged; 2]);
        store.close().await;
    }
}
