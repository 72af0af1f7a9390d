//! What becomes of an attempt.

use crate::on_both_databases;
use crate::support::{Bench, completed, not_done};
use doorward_domain::task::MaxAttempts;
use doorward_storage_diesel::testing::TestDatabase;
use doorward_worker::Kinds;
use doorward_worker::noop::Noop;
use doorward_worker::stats::Ended;
use serde_json::{Value, json};

on_both_databases! {
    what_is_due_is_run_once_and_what_is_not_waits,
    a_run_is_told_whose_task_it_is_and_which_attempt,
    a_failure_is_tried_again_after_growing_pauses_until_no_attempt_is_left,
    a_longer_pause_is_kept_to_and_an_hour_is_the_most,
    what_no_attempt_would_help_fails_at_once,
    a_panic_fails_its_own_attempt_and_nothing_else,
    an_attempt_that_takes_too_long_fails,
    a_payload_that_does_not_fit_its_kind_fails_for_good,
    a_result_that_is_too_large_is_not_kept_and_the_task_has_completed,
    a_task_of_an_unknown_kind_waits_for_a_worker_that_knows_it,
    no_more_run_at_once_than_there_is_room_for,
}

async fn what_is_due_is_run_once_and_what_is_not_waits(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    assert_eq!(worker.run_due().await.unwrap(), 0);
    let now = bench.task("noop", json!({"anything": 1})).await;
    let result = json!({"what": "succeed", "result": {"n": [1, null, "\0"]}});
    let told = bench.task("does", result).await;
    let later = bench
        .task_with("noop", json!({}), |task| {
            task.due_at = task.due_at.map(|at| at + chrono::TimeDelta::seconds(60));
        })
        .await;
    assert_eq!(worker.run_due().await.unwrap(), 2);
    assert_eq!(bench.told(now).await, completed(1, None));
    assert_eq!(
        bench.told(told).await,
        completed(1, Some(json!({"n": [1, null, "\0"]})))
    );
    bench.pass(59);
    assert_eq!(worker.run_due().await.unwrap(), 0);
    assert_eq!(bench.find(later).await.attempts, 0);
    bench.pass(1);
    assert_eq!(worker.run_due().await.unwrap(), 1);
    assert_eq!(bench.told(later).await, completed(1, None));
    assert_eq!(worker.stats().ended(Ended::Completed), 3);
    assert_eq!(worker.stats().running(), 0);
}

async fn a_run_is_told_whose_task_it_is_and_which_attempt(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let id = bench
        .task_with("does", json!({"what": "tell"}), |task| task.attempts = 1)
        .await;
    bench.pass(9);
    bench.worker().run_due().await.unwrap();
    let task = bench.find(id).await;
    let expected = json!({
        "task": id.to_string(),
        "attempt": 2,
        "name": task.name.as_str(),
        "owner": task.user_id.to_string(),
        "scheduled_at": 0,
        "started_at": 9,
    });
    assert_eq!(task.result, Some(expected));
}

async fn a_failure_is_tried_again_after_growing_pauses_until_no_attempt_is_left(
    database: TestDatabase,
) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let id = bench.task("does", json!({"what": "fail"})).await;
    for (attempt, pause) in [(1, 5.0), (2, 15.0)] {
        assert_eq!(worker.run_due().await.unwrap(), 1);
        let expected = not_done("pending", attempt, "It did not work.");
        assert_eq!(bench.told(id).await, expected);
        let due_in = bench.due_in(id).await;
        assert!((pause * 0.9..=pause * 1.1).contains(&due_in), "{due_in}");
        assert_eq!(worker.run_due().await.unwrap(), 0);
        bench.pass(17);
    }
    assert_eq!(worker.run_due().await.unwrap(), 1);
    assert_eq!(
        bench.told(id).await,
        not_done("failed", 3, "It did not work.")
    );
    let stats = worker.stats();
    let ended = [Ended::Retried, Ended::Failed].map(|how| stats.ended(how));
    assert_eq!(ended, [2, 1]);
}

async fn a_longer_pause_is_kept_to_and_an_hour_is_the_most(database: TestDatabase) {
    let bench = Bench::on(database).await;
    for (asked, expected) in [(60, 60.0), (u64::MAX, 3600.0)] {
        let payload = json!({"what": "fail_for", "seconds": asked});
        let id = bench.task("does", payload).await;
        bench.worker().run_due().await.unwrap();
        let due_in = bench.due_in(id).await;
        assert!((due_in - expected).abs() < 1e-3, "{asked}: {due_in}");
    }
}

async fn what_no_attempt_would_help_fails_at_once(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let id = bench.task("does", json!({"what": "give_up"})).await;
    bench.worker().run_due().await.unwrap();
    assert_eq!(bench.told(id).await, not_done("failed", 1, "It is gone."));
}

async fn a_panic_fails_its_own_attempt_and_nothing_else(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let panics = bench.task("does", json!({"what": "panic"})).await;
    let others = [
        bench.task("noop", json!({})).await,
        bench.task("noop", json!({})).await,
    ];
    assert_eq!(worker.run_due().await.unwrap(), 3);
    let expected = not_done("pending", 1, "The kind of this task panicked.");
    assert_eq!(bench.told(panics).await, expected);
    for id in others {
        assert_eq!(bench.told(id).await, completed(1, None));
    }
}

async fn an_attempt_that_takes_too_long_fails(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let id = bench.task("endless", json!({})).await;
    bench.worker().run_due().await.unwrap();
    let expected = not_done("pending", 1, "It took longer than 0 s.");
    assert_eq!(bench.told(id).await, expected);
}

async fn a_payload_that_does_not_fit_its_kind_fails_for_good(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let id = bench.task("does", json!({"what": "fly"})).await;
    bench.worker().run_due().await.unwrap();
    let (status, attempts, _, error) = bench.told(id).await;
    assert_eq!((&*status, attempts), ("failed", 1));
    let error = error.unwrap();
    assert!(
        error.starts_with("The payload does not fit its kind: unknown variant `fly`"),
        "{error}"
    );
}

async fn a_result_that_is_too_large_is_not_kept_and_the_task_has_completed(database: TestDatabase) {
    let bench = Bench::on(database).await;
    // With its quotation marks.
    let most = 64 * 1024 - 2;
    for (bytes, result) in [
        (most, Some(Value::String("x".repeat(most)))),
        (most + 1, None),
    ] {
        let id = bench
            .task("does", json!({"what": "fill", "bytes": bytes}))
            .await;
        bench.worker().run_due().await.unwrap();
        assert_eq!(bench.told(id).await, completed(1, result));
    }
}

async fn a_task_of_an_unknown_kind_waits_for_a_worker_that_knows_it(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let older = bench.worker_with(Kinds::new().with(Noop).unwrap(), 8);
    let newer = bench.worker();
    let id = bench
        .task_with("does", json!({"what": "tell"}), |task| {
            task.max_attempts = MaxAttempts::new(1).unwrap();
        })
        .await;
    for _ in 0..3 {
        assert_eq!(older.run_due().await.unwrap(), 0);
        let task = bench.find(id).await;
        assert_eq!((task.status.as_str(), task.attempts), ("pending", 0));
        bench.pass(10);
    }
    assert_eq!(newer.run_due().await.unwrap(), 1);
    assert_eq!(bench.find(id).await.status.as_str(), "completed");
}

async fn no_more_run_at_once_than_there_is_room_for(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker_with(bench.kinds(), 2);
    for _ in 0..7 {
        bench.task("gated", json!({})).await;
    }
    let running = bench.begin(&worker, 2).await;
    assert_eq!(worker.stats().running(), 2);
    bench.gate.open(7);
    assert_eq!(running.await.unwrap().unwrap(), 7);
    assert_eq!(bench.gate.most(), 2);
    assert_eq!(worker.stats().ended(Ended::Completed), 7);
}
