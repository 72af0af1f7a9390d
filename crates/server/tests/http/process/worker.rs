//! `doorward worker`, and the worker inside of `doorward serve`.

use super::{Place, Process, login, wait};
use crate::support::{PATIENCE, User, until};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::Command;

/// Longer than any test: a time at which nothing happens here.
const NEVER: &str = "2099-01-01T00:00:00Z";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

async fn make(user: &User, scheduled_at: &str) -> String {
    let task = json!({"name": "a name for me alone", "scheduled_at": scheduled_at, "payload": {"a": "private thing"}});
    let made = user.post("/api/v1/tasks", task).await.expect(201);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn status(user: &User, id: &str) -> Value {
    let path = format!("/api/v1/tasks/{id}/status");
    user.get(&path).await.expect(200).json()["status"].clone()
}

async fn completes(user: &User, id: &str) {
    until("it is run", PATIENCE, || async {
        status(user, id).await == "completed"
    })
    .await;
}

async fn ada_at(server: &Process) -> User {
    server.client().register("ada").await.expect(201);
    login(&server.client(), "ada").await
}

#[tokio::test]
async fn a_server_runs_tasks_by_itself() {
    let place = Place::of_this_run();
    let mut server = place.serve();
    let ada = ada_at(&server).await;
    let (now, later) = (make(&ada, LONG_AGO).await, make(&ada, NEVER).await);
    completes(&ada, &now).await;
    assert_eq!(status(&ada, &later).await, "pending");
    server.signal("-TERM");
    assert_eq!(server.ends().0, Some(0));
}

#[tokio::test]
async fn a_worker_runs_what_a_server_without_one_has_taken_and_tells_a_line_of_each() {
    let place = Place::of_this_run().with("LOG_FORMAT", "json");
    let server = Process::start(place.command(&["serve", "--no-worker"]));
    let ada = ada_at(&server).await;
    let before = make(&ada, LONG_AGO).await;
    assert_eq!(status(&ada, &before).await, "pending");

    let mut log = tempfile::tempfile().unwrap();
    let mut command = place.command(&["worker", "--worker-concurrency", "3"]);
    let mut worker = command.stderr(log.try_clone().unwrap()).spawn().unwrap();
    let mut said = BufReader::new(worker.stdout.take().unwrap()).lines();
    let mut line = || said.next().unwrap().unwrap();
    assert!(line().ends_with("runs tasks, up to 3 at once"));
    assert!(line().ends_with("kinds       noop, webhook"));
    completes(&ada, &before).await;
    // It is told of one that is made while it waits.
    let after = make(&ada, LONG_AGO).await;
    completes(&ada, &after).await;
    let id = worker.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
    assert_eq!(wait(&mut worker), Some(0));

    let lines = lines_of(&mut log);
    for id in [before, after] {
        let told: Vec<_> = lines.iter().filter(|line| line["task"] == *id).collect();
        assert_eq!(told.len(), 1, "{lines:?}");
        let expected = json!(["noop", 1, "completed"]);
        let line = told[0];
        assert_eq!(
            json!([line["kind"], line["attempt"], line["outcome"]]),
            expected
        );
        assert!(line["took"].is_string(), "{line}");
    }
    let text = format!("{lines:?}");
    assert!(!text.contains("for me alone") && !text.contains("private thing"));
}

fn lines_of(log: &mut File) -> Vec<Value> {
    let mut text = String::new();
    log.rewind().unwrap();
    log.read_to_string(&mut text).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_worker_refuses_what_a_server_refuses() {
    let place = Place::of_this_run();
    place
        .run(&["worker", "--no-migrate"])
        .fails(&["lacks migrations"]);
    let weak = Place::of_this_run().with("SECRET_KEY", "short");
    weak.run(&["worker"]).fails(&["SECRET_KEY"]);
    let none = Place::of_this_run().with("WORKER_CONCURRENCY", "0");
    none.run(&["worker"]).fails(&["WORKER_CONCURRENCY"]);
}
