//! Rows that no version of ours has written.

use crate::{config, databases};
use doorward_domain::{ApiKey, Change, ScheduledTask, Session, TaskId, TaskStatus, User};
use doorward_storage::testing::{
    KINDS, a_series, a_session, a_task, a_user, an_api_key, instant, read, write,
};
use doorward_storage::{FeedPosition, Store, StoreError, TaskQuery, UserQuery};
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

/// What is beyond reading has failed; what was claimed with it runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_task_fails_alone() {
    for damage in [
        "status = 'moonlit'",
        "name = ''",
        "payload = '[]'",
        "payload = '{'",
        "cron = 'now and then'",
        "timezone = 'Middle-Earth/Shire'",
        "max_attempts = 0",
        "attempts = -1",
        "attempts = 9223372036854775807",
        "result = '{'",
        "created_at = BEYOND",
        "scheduled_at = BEYOND",
    ] {
        for database in databases() {
            let is_sqlite = database.database_url().file().is_some();
            let beyond = if is_sqlite {
                "9223372036854775807"
            } else {
                "'infinity'"
            };
            let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
            let ada = a_user("ada");
            let good = a_task(&ada);
            let bad = ScheduledTask {
                series: Some(a_series("* * * * *", "UTC")),
                ..a_task(&ada)
            };
            let (good_id, bad_id) = (good.id, bad.id);
            write(&*store, move |tx| {
                tx.insert_user(&ada)?;
                tx.insert_task(&bad, instant(0))?;
                tx.insert_task(&good, instant(0))
            })
            .await;
            let damage = damage.replace("BEYOND", beyond);
            let is_bad = "series_id IS NOT NULL";
            database.execute(&format!("UPDATE tasks SET {damage} WHERE {is_bad}"));
            let found: Result<Option<ScheduledTask>, StoreError> =
                store.read(move |tx| tx.task(bad_id)).await;
            assert!(found.is_err(), "{damage}");
            let claim = || {
                write(&*store, |tx| {
                    tx.claim_due_tasks(KINDS, instant(1), instant(30), 9)
                })
            };
            let claimed = claim().await;
            let ids: Vec<_> = claimed.tasks.iter().map(|task| task.id).collect();
            assert_eq!((ids, claimed.ended), (vec![good_id], 1), "{damage}");
            assert_eq!(claim().await.seen(), 0);
            // The status was one of the words that another release may have; now it is readable.
            database.execute(&format!(
                "UPDATE tasks SET kind = 'noop', name = 'x', payload = '{{}}', cron = '* * * * *', timezone = 'UTC', \
                 max_attempts = 5, attempts = 0, result = NULL, created_at = finished_at, \
                 scheduled_at = finished_at WHERE {is_bad}"
            ));
            let failed = read(&*store, move |tx| tx.task(bad_id)).await.unwrap();
            assert_eq!(failed.status, TaskStatus::Failed, "{damage}");
            assert!(failed.error.is_some() && failed.finished_at == Some(instant(1)));
            store.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_tasks_goes_on_behind_a_bad_one() {
    for database in databases() {
        let store: Arc<dyn Store> = Arc::new(database.open_with(&config()));
        let ada = a_user("ada");
        let tasks = [0, 1, 2].map(|seconds| ScheduledTask {
            id: TaskId::new(instant(seconds)),
            ..a_task(&ada)
        });
        let [oldest, bad, _] = tasks.clone();
        write(&*store, move |tx| {
            tx.insert_user(&ada)?;
            tasks
                .iter()
                .try_for_each(|task| tx.insert_task(task, instant(0)))
        })
        .await;
        database.execute("UPDATE tasks SET kind = 'No Kind'");
        let look = |before| {
            let query = TaskQuery {
                before,
                limit: 2,
                ..TaskQuery::default()
            };
            read(&*store, move |tx| tx.list_tasks(&query))
        };
        let first = look(None).await;
        assert_eq!((first.tasks.len(), first.last), (0, Some(bad.id)));
        database.execute("UPDATE tasks SET kind = 'noop'");
        let second = look(first.last).await;
        assert_eq!((second.tasks, second.last), (vec![oldest], None));
        store.close().await;
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
