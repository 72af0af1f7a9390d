//! Who holds a task, and what is refused to those who do not any more.

use crate::on_both_databases;
use crate::support::{Bench, completed, not_done};
use doorward_services::testing::until;
use doorward_storage::testing::write;
use doorward_storage_diesel::testing::TestDatabase;
use doorward_worker::stats::Ended;
use serde_json::json;

on_both_databases! {
    what_runs_is_nobody_elses_while_its_lease_is_renewed,
    a_task_of_a_dead_worker_is_run_again_after_its_lease,
    what_is_written_after_the_lease_was_lost_is_refused,
    a_worker_that_learns_of_a_lost_lease_ends_the_attempt,
    a_worker_that_cannot_renew_ends_its_attempts_with_their_leases,
    a_task_whose_row_is_gone_ends_its_attempt,
    what_a_worker_gives_back_another_takes_at_once_and_no_attempt_is_lost,
    what_began_cannot_be_cancelled_and_what_was_cancelled_never_begins,
}

async fn what_runs_is_nobody_elses_while_its_lease_is_renewed(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let (first, second) = (bench.worker(), bench.worker());
    let id = bench.task("gated", json!({})).await;
    let running = bench.begin(&first, 1).await;
    for _ in 0..5 {
        bench.pass(29);
        assert_eq!(second.run_due().await.unwrap(), 0);
        first.beat().await.unwrap();
    }
    bench.gate.open(1);
    assert_eq!(running.await.unwrap().unwrap(), 1);
    assert_eq!(bench.told(id).await, completed(1, Some(json!(1))));
}

async fn a_task_of_a_dead_worker_is_run_again_after_its_lease(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let (first, second) = (bench.worker(), bench.worker());
    let id = bench.task("gated", json!({})).await;
    let running = bench.begin(&first, 1).await;
    running.abort();
    until("it is dead", async || bench.gate.inside() == 0).await;
    bench.pass(29);
    assert_eq!(second.run_due().await.unwrap(), 0);
    bench.pass(1);
    bench.gate.open(1);
    assert_eq!(second.run_due().await.unwrap(), 1);
    assert_eq!(bench.told(id).await, completed(2, Some(json!(2))));
}

async fn what_is_written_after_the_lease_was_lost_is_refused(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let (first, second) = (bench.worker(), bench.worker());
    let id = bench.task("gated", json!({})).await;
    let stopped = bench.begin(&first, 1).await;
    bench.pass(30);
    let taken_over = bench.begin(&second, 1).await;
    // The first one goes on as if nothing had happened; whoever waits longest is let through first.
    bench.gate.open(1);
    stopped.await.unwrap().unwrap();
    assert_eq!(bench.find(id).await.status.as_str(), "running");
    assert_eq!(first.stats().ended(Ended::Lost), 1);
    bench.gate.open(1);
    taken_over.await.unwrap().unwrap();
    assert_eq!(bench.told(id).await, completed(2, Some(json!(2))));
    assert_eq!(second.stats().ended(Ended::Completed), 1);
}

async fn a_worker_that_learns_of_a_lost_lease_ends_the_attempt(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let (first, second) = (bench.worker(), bench.worker());
    let id = bench.task("gated", json!({})).await;
    let stopped = bench.begin(&first, 1).await;
    // By the clock of the database alone: the first does not notice that it has been silent.
    bench.clock.advance(chrono::TimeDelta::seconds(30));
    let taken_over = bench.begin(&second, 1).await;
    first.beat().await.unwrap();
    stopped.await.unwrap().unwrap();
    assert_eq!(first.stats().ended(Ended::Lost), 1);
    assert_eq!(bench.gate.inside(), 1, "the first one was dropped");
    bench.gate.open(1);
    taken_over.await.unwrap().unwrap();
    assert_eq!(bench.told(id).await, completed(2, Some(json!(2))));
}

async fn a_worker_that_cannot_renew_ends_its_attempts_with_their_leases(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let id = bench.task("gated", json!({})).await;
    let running = bench.begin(&worker, 1).await;
    bench.store.go(true);
    bench.pass(29);
    assert!(worker.beat().await.is_err());
    assert_eq!((bench.gate.inside(), running.is_finished()), (1, false));
    bench.pass(1);
    assert!(worker.beat().await.is_err());
    until("it has ended", async || bench.gate.inside() == 0).await;
    running.await.unwrap().unwrap_err();
    bench.store.go(false);
    assert_eq!(worker.stats().ended(Ended::Lost), 1);
    assert_eq!(bench.find(id).await.status.as_str(), "running");
}

async fn a_task_whose_row_is_gone_ends_its_attempt(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let id = bench.task("gated", json!({})).await;
    let running = bench.begin(&worker, 1).await;
    let owner = bench.find(id).await.user_id;
    let now = doorward_storage::testing::instant(1);
    write(&*bench.store, move |tx| tx.delete_user(owner, now)).await;
    worker.beat().await.unwrap();
    assert_eq!(running.await.unwrap().unwrap(), 1);
    assert_eq!(worker.stats().ended(Ended::Lost), 1);
}

async fn what_a_worker_gives_back_another_takes_at_once_and_no_attempt_is_lost(
    database: TestDatabase,
) {
    let bench = Bench::on(database).await;
    let (first, second) = (bench.worker(), bench.worker());
    let id = bench
        .task_with("gated", json!({}), |task| {
            task.max_attempts = doorward_domain::task::MaxAttempts::new(1).unwrap();
        })
        .await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let working = tokio::spawn({
        let first = first.clone();
        async move {
            first
                .run(async {
                    let _ = stopped.await;
                })
                .await;
        }
    });
    until("it has begun", async || bench.gate.inside() == 1).await;
    stop.send(()).unwrap();
    working.await.unwrap();
    assert_eq!(bench.gate.inside(), 0);
    assert_eq!(first.stats().ended(Ended::GivenBack), 1);
    assert_eq!(bench.find(id).await.status.as_str(), "pending");
    let again = bench.begin(&second, 1).await;
    bench.gate.open(1);
    again.await.unwrap().unwrap();
    assert_eq!(bench.told(id).await, completed(2, Some(json!(2))));
}

async fn what_began_cannot_be_cancelled_and_what_was_cancelled_never_begins(
    database: TestDatabase,
) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let now = doorward_storage::testing::instant(0);
    let began = bench.task("gated", json!({})).await;
    let running = bench.begin(&worker, 1).await;
    let cancelled = bench.task("gated", json!({})).await;
    let cancel = async |id| write(&*bench.store, move |tx| tx.cancel_task(id, now)).await;
    assert!(!cancel(began).await);
    assert!(cancel(cancelled).await);
    bench.gate.open(2);
    running.await.unwrap().unwrap();
    assert_eq!(worker.run_due().await.unwrap(), 0);
    assert_eq!(bench.told(began).await, completed(1, Some(json!(1))));
    let (status, attempts, _, _) = bench.told(cancelled).await;
    assert_eq!((&*status, attempts), ("cancelled", 0));
    // One that waits for its next attempt has not begun, either.
    let waits = bench.task("does", json!({"what": "fail"})).await;
    worker.run_due().await.unwrap();
    assert_eq!(
        bench.told(waits).await,
        not_done("pending", 1, "It did not work.")
    );
    assert!(cancel(waits).await);
    bench.pass(60);
    assert_eq!(worker.run_due().await.unwrap(), 0);
}
