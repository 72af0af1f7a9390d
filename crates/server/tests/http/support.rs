//! What the tests are written with.

mod app;
mod browser;
mod client;
mod database;
mod raw;
mod response;
mod store;
mod tls;
mod tokens;
mod trace;

pub(crate) use app::{NOON, SECRET_KEY, Setup, TestApp};
pub(crate) use browser::{Browser, set_cookies};
pub(crate) use client::{ApiKey, Client, PASSWORD, Request, User};
pub(crate) use database::{Database, count};
pub(crate) use response::Response;
pub(crate) use store::Fault;
pub(crate) use tls::Session;
pub(crate) use tokens::{claims, forgeries};

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Where the clients live, so that a test that waits for its server's end does not hold them up.
static CLIENTS: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("client")
        .enable_all()
        .build()
        .expect("threads for the clients")
});

/// The longest that anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs all at once and gives what they give, in order.
pub(crate) async fn at_once<F>(requests: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: IntoFuture,
    F::IntoFuture: Send + 'static,
    F::Output: Send + 'static,
{
    let running: Vec<_> = requests
        .into_iter()
        .map(|request| CLIENTS.spawn(request.into_future()))
        .collect();
    let mut answers = Vec::with_capacity(running.len());
    for request in running {
        answers.push(request.await.expect("the request does not panic"));
    }
    answers
}

/// Asks again and again until the answer is there; how long it took.
pub(crate) async fn until<F: Future<Output = bool>>(
    what: &str,
    within: Duration,
    mut is_so: impl FnMut() -> F,
) -> Duration {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// The names of an object's fields.
pub(crate) fn fields(value: &serde_json::Value) -> BTreeSet<&str> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("{value} is no object"));
    object.keys().map(String::as_str).collect()
}

/// Exactly these fields, in whatever order.
#[track_caller]
pub(crate) fn assert_fields(value: &serde_json::Value, names: &[&str]) {
    assert_eq!(fields(value), names.iter().copied().collect(), "{value}");
}
