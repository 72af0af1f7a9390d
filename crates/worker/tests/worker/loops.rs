//! The worker by itself: what wakes it, and what it does while the store is away.

use crate::on_both_databases;
use crate::support::{Bench, completed};
use chrono::TimeDelta;
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::{JwtAlgorithm, Settings};
use doorward_services::hashing::HashingLimits;
use doorward_services::testing::until;
use doorward_services::{Services, ServicesConfig};
use doorward_storage_diesel::testing::TestDatabase;
use doorward_worker::{Worker, WorkerConfig};
use serde_json::json;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

on_both_databases! {
    a_worker_is_woken_by_a_task_that_is_made,
    a_worker_goes_on_when_the_store_is_back,
    what_has_ended_while_the_store_was_away_is_written_later,
    a_worker_that_is_stopped_without_work_ends_at_once,
}

async fn services(bench: &Bench) -> Services {
    Services::start(ServicesConfig {
        store: Arc::<crate::support::FaultyStore>::clone(&bench.store),
        clock: Arc::<doorward_services::clock::FakeClock>::clone(&bench.clock),
        secret_key: "a key for tests, 32 bytes and more".into(),
        secret_key_fallbacks: Vec::new(),
        jwt_algorithm: JwtAlgorithm::Hs256,
        bcrypt_cost: 4,
        hashing: HashingLimits::default(),
        password_policy: PasswordPolicy::DJANGO,
        settings: Settings::default(),
        accept_foreign_tokens: false,
        shared: None,
        task_kinds: Arc::new(bench.kinds()),
    })
    .await
    .unwrap()
}

async fn a_worker_is_woken_by_a_task_that_is_made(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let alarm = Arc::clone(&services(&bench).await.task_alarm);
    let worker = Worker::new(WorkerConfig {
        alarm,
        ..bench.config(bench.kinds(), 8)
    });
    let working = tokio::spawn({
        let worker = worker.clone();
        async move { worker.run(pending()).await }
    });
    // The first look is over when this has completed, and the next one by itself is ten seconds away.
    for _ in 0..3 {
        let id = bench.task("noop", json!({})).await;
        let run = timeout(
            Duration::from_secs(5),
            until("it is run", async || {
                bench.find(id).await.status.has_ended()
            }),
        );
        assert!(run.await.is_ok());
        assert_eq!(bench.told(id).await, completed(1, None));
    }
    // Nothing that is due later than what it waits for wakes it, but it is not forgotten.
    let later = bench
        .task_with("noop", json!({}), |task| {
            task.due_at = task.due_at.map(|at| at + TimeDelta::seconds(1));
        })
        .await;
    bench.pass(1);
    until("it is run", async || {
        bench.find(later).await.status.has_ended()
    })
    .await;
    working.abort();
}

async fn a_worker_goes_on_when_the_store_is_back(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let id = bench.task("noop", json!({})).await;
    bench.store.go(true);
    assert!(worker.run_due().await.is_err());
    let working = tokio::spawn(async move { worker.run(pending()).await });
    until("it has asked twice", async || bench.store.refused() > 2).await;
    bench.store.go(false);
    until("it is run", async || {
        bench.find(id).await.status.has_ended()
    })
    .await;
    assert_eq!(bench.told(id).await, completed(1, None));
    working.abort();
}

async fn what_has_ended_while_the_store_was_away_is_written_later(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let worker = bench.worker();
    let id = bench.task("gated", json!({})).await;
    let running = bench.begin(&worker, 1).await;
    bench.store.go(true);
    bench.gate.open(1);
    until("it was refused", async || bench.store.refused() > 0).await;
    bench.store.go(false);
    running.await.unwrap().unwrap();
    assert_eq!(bench.told(id).await, completed(1, Some(json!(1))));
}

async fn a_worker_that_is_stopped_without_work_ends_at_once(database: TestDatabase) {
    let bench = Bench::on(database).await;
    let later = bench
        .task_with("noop", json!({}), |task| {
            task.due_at = task.due_at.map(|at| at + TimeDelta::hours(1));
        })
        .await;
    bench.worker().run(async {}).await;
    assert_eq!(bench.find(later).await.attempts, 0);
}
