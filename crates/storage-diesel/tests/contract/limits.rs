//! The bounds of queues and of waiting.

use crate::{config, databases};
use doorward_storage::testing::{Gate, a_user, begun, write};
use doorward_storage::{Store, StoreError};
use doorward_storage_diesel::StoreConfig;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once() {
    for database in databases() {
        let one = NonZeroUsize::MIN;
        let patient = Duration::from_secs(20);
        let store: Arc<dyn Store> = Arc::new(database.open_with(&StoreConfig {
            postgres_writers: one,
            queue_length: one,
            begin_within: patient,
            ..config()
        }));
        let (has_begun, go_on) = (Gate::default(), Gate::default());
        let running = {
            let (has_begun, go_on) = (has_begun.clone(), go_on.clone());
            begun(write(&*store, move |_| {
                has_begun.open();
                go_on.pass();
                Ok(())
            }))
            .await
        };
        has_begun.passed().await;
        let waiting = begun(write(&*store, |_| Ok(()))).await;
        let begin = Instant::now();
        let refused: Result<(), StoreError> = store.write(|_| Ok(())).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        assert!(begin.elapsed() < patient / 2);
        go_on.open();
        running.await;
        waiting.await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_has_begun_may_take_longer_than_it_may_wait() {
    for database in databases() {
        let store: Arc<dyn Store> = Arc::new(database.open_with(&StoreConfig {
            postgres_writers: NonZeroUsize::MIN,
            // The first connection through a pooler takes its time.
            begin_within: Duration::from_secs(1),
            ..config()
        }));
        let (has_begun, go_on) = (Gate::default(), Gate::default());
        let user = a_user("ada");
        let running = {
            let (has_begun, go_on) = (has_begun.clone(), go_on.clone());
            begun(write(&*store, move |tx| {
                has_begun.open();
                go_on.pass();
                tx.insert_user(&user)
            }))
            .await
        };
        has_begun.passed().await;
        // The other one is refused after the time that both of them have to begin.
        let late: Result<(), StoreError> = store.write(|_| Ok(())).await;
        assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
        go_on.open();
        running.await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_waits_no_longer_than_he_must() {
    for database in databases() {
        let store: Arc<dyn Store> = Arc::new(database.open_with(&StoreConfig {
            begin_within: Duration::from_millis(100),
            finish_within: Duration::from_millis(200),
            ..config()
        }));
        let go_on = Gate::default();
        let unknown: Result<(), StoreError> = {
            let go_on = go_on.clone();
            store
                .write(move |_| {
                    go_on.pass();
                    Ok(())
                })
                .await
        };
        assert!(
            matches!(unknown, Err(StoreError::Unavailable(_))),
            "{unknown:?}"
        );
        go_on.open();
        store.close().await;
    }
}
