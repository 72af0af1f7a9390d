//! Scheduled tasks over the socket.

use crate::support::{NOON, TestApp, User, assert_fields};
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::task::TaskOutcome;
use doorward_domain::{ScheduledTask, TaskId};
use doorward_storage::testing::KINDS;
use doorward_storage::{Store, StoreError, Transaction};
use serde_json::{Value, json};

pub(crate) const LIST: &str = "/api/v1/tasks";

/// The fields of contract 5.3.
const FIELDS: [&str; 14] = [
    "id",
    "name",
    "kind",
    "payload",
    "status",
    "scheduled_at",
    "repeat",
    "max_attempts",
    "created_at",
    "started_at",
    "finished_at",
    "attempts",
    "result",
    "error",
];

/// A body of a task that nobody runs during a test.
pub(crate) fn later() -> Value {
    json!({ "name": "My Task", "scheduled_at": "2099-03-30T12:00:00Z" })
}

/// Makes a task that nobody runs during a test; its id.
pub(crate) async fn make(user: &User) -> String {
    user.post(LIST, later()).await.expect(201).text("id")
}

/// Writes as another node does.
pub(crate) async fn write<T: Send + 'static>(
    app: &TestApp,
    work: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
) -> T {
    let store: &dyn Store = &app.database.open();
    let written = store.write(work).await.expect("it is written");
    store.close().await;
    written
}

/// Lets a worker of another node take this task, whenever it is due.
pub(crate) async fn take(app: &TestApp, id: &str) -> ScheduledTask {
    let id: TaskId = id.parse().expect("an id");
    let then = NOON + TimeDelta::days(365 * 200);
    let claim = write(app, move |tx| {
        tx.claim_due_tasks(KINDS, then, then + TimeDelta::days(1), 1000)
    })
    .await;
    let mut tasks = claim.tasks.into_iter();
    tasks.find(|task| task.id == id).expect("it is taken")
}

async fn finish(app: &TestApp, task: ScheduledTask, outcome: TaskOutcome) {
    let done = write(app, move |tx| tx.finish_task(&task, &outcome, NOON)).await;
    assert!(done, "it is running");
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a text").parse().expect("a time")
}

#[tokio::test]
async fn a_task_is_made_shown_and_listed_with_the_fields_of_the_contract() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let made = ada.post(LIST, later()).await.expect(201);
    let task = made.json();
    assert_fields(&task, &FIELDS);
    let expected = json!({
        "id": task["id"], "name": "My Task", "kind": "noop", "payload": {}, "status": "pending",
        "scheduled_at": "2099-03-30T12:00:00Z", "repeat": null, "max_attempts": 5, "created_at": task["created_at"],
        "started_at": null, "finished_at": null, "attempts": 0, "result": null, "error": null,
    });
    assert_eq!(task, expected);
    assert_eq!(time(&task["created_at"]), NOON);
    let path = format!("{LIST}/{}", made.text("id"));
    assert_eq!(ada.get(&path).await.expect(200).json(), task);
    let status = ada.get(&format!("{path}/status")).await.expect(200).json();
    let expected = json!({
        "id": task["id"], "status": "pending", "attempts": 0, "result": null, "error": null,
    });
    assert_eq!(status, expected);
    assert_eq!(ada.get(LIST).await.expect(200).json(), json!([task]));
}

#[tokio::test]
async fn everything_that_may_be_said_of_a_task_is_kept() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let body = json!({
        "name": "nightly", "scheduled_at": "2099-03-30T14:00:00+02:00", "kind": "noop",
        "payload": { "z": [1, { "a": "ü" }], "n": null }, "max_attempts": 20,
        "repeat": { "cron": " 30  2 * * MON-FRI", "timezone": "Europe/Berlin" },
    });
    let task = ada.post(LIST, body).await.expect(201).json();
    assert_eq!(task["scheduled_at"], "2099-03-30T12:00:00Z");
    assert_eq!(
        task["payload"],
        json!({ "z": [1, { "a": "ü" }], "n": null })
    );
    assert_eq!(task["max_attempts"], 20);
    let repeat = json!({ "cron": "30 2 * * MON-FRI", "timezone": "Europe/Berlin" });
    assert_eq!(task["repeat"], repeat);
    let body = json!({
        "name": "x", "repeat": { "cron": "0 0 1 1 *" }, "payload": null, "scheduled_at": "0001-01-01T00:00:00Z",
    });
    let task = ada.post(LIST, body).await.expect(201).json();
    assert_eq!(
        task["repeat"],
        json!({ "cron": "0 0 1 1 *", "timezone": "UTC" })
    );
    assert_eq!(task["scheduled_at"], "0001-01-01T00:00:00Z");
}

#[tokio::test]
async fn what_is_wrong_with_a_task_is_told_of_every_field() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let body = json!({
        "name": " ", "scheduled_at": "2099-03-30T12:00:00", "kind": "launch", "payload": [], "max_attempts": 21,
        "repeat": { "cron": "* * * * * *", "timezone": 1, "until": "x" }, "status": "running",
    });
    let errors = ada.post(LIST, body).await.errors();
    let named: Vec<_> = errors.as_object().unwrap().keys().collect();
    assert_eq!(
        named,
        [
            "kind",
            "max_attempts",
            "name",
            "payload",
            "repeat.cron",
            "repeat.timezone",
            "repeat.until",
            "scheduled_at",
            "status",
        ]
    );
    let kinds = errors["kind"][0].as_str().unwrap();
    assert!(kinds.starts_with("Must be one of noop"), "{kinds}");
    for scheduled_at in [
        json!("10000-01-01T00:00:00Z"),
        json!("9999-12-31T23:59:59-01:00"),
        json!("tomorrow"),
        json!(1_750_000_000),
        json!(null),
    ] {
        let body = json!({ "name": "x", "scheduled_at": scheduled_at });
        let errors = ada.post(LIST, body).await.errors();
        assert!(
            errors["scheduled_at"].is_array(),
            "{scheduled_at}: {errors}"
        );
    }
}

#[tokio::test]
async fn a_task_is_cancelled_before_it_begins_and_not_after() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let (waiting, running) = (make(&ada).await, make(&ada).await);
    let cancel = |id: &str| ada.request("POST", &format!("{LIST}/{id}/cancel"));
    let cancelled = cancel(&waiting).await.expect(200).json();
    assert_fields(&cancelled, &FIELDS);
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(time(&cancelled["finished_at"]), NOON);
    cancel(&waiting).await.problem(409, "task_not_pending");
    let taken = take(&app, &running).await;
    let path = format!("{LIST}/{running}");
    let shown = ada.get(&path).await.expect(200).json();
    assert_eq!(shown["status"], "running");
    assert_eq!(shown["attempts"], 1);
    cancel(&running).await.problem(409, "task_not_pending");
    ada.delete(&path).await.problem(409, "task_running");
    let result = Some(json!({ "status": 204 }));
    finish(&app, taken, TaskOutcome::Completed(result)).await;
    let status = ada.get(&format!("{path}/status")).await.expect(200).json();
    let expected = json!({
        "id": running, "status": "completed", "attempts": 1, "result": { "status": 204 }, "error": null,
    });
    assert_eq!(status, expected);
    cancel(&running).await.problem(409, "task_not_pending");
    ada.delete(&path).await.expect(204);
    ada.get(&path).await.problem(404, "not_found");
    ada.delete(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn anothers_task_answers_as_none() {
    let app = TestApp::start().await;
    let (ada, owner) = (app.user("ada").await, app.owner().await);
    let id = make(&ada).await;
    let none = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (method, rest) in [
        ("GET", ""),
        ("GET", "/status"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ] {
        let ask = |id: &str| owner.request(method, &format!("{LIST}/{id}{rest}"));
        let mut answers = Vec::new();
        for id in [&*id, none, "x"] {
            let answer = ask(id).await;
            answer.clone().problem(404, "not_found");
            let mut body = answer.json();
            body["request_id"] = Value::Null;
            answers.push(body);
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    }
    assert_eq!(owner.get(LIST).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn the_list_has_pages_and_can_be_asked_for_a_status() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(make(&ada).await);
        app.clock.advance(TimeDelta::seconds(1));
    }
    let path = format!("{LIST}/{}/cancel", made[2]);
    ada.request("POST", &path).await.expect(200);
    made.reverse();
    let ids = |tasks: Vec<Value>| -> Vec<String> {
        let id = |task: &Value| task["id"].as_str().unwrap().to_owned();
        tasks.iter().map(id).collect()
    };
    let mut next = Some(format!("{LIST}?status=pending&limit=2"));
    let mut listed = Vec::new();
    while let Some(path) = next {
        let page = ada.get(&path).await.expect(200);
        let link = page.header("link").map(|link| {
            let target = link.strip_prefix('<').and_then(|link| link.split_once('>'));
            target.expect("a link").0.to_owned()
        });
        listed.push(ids(page.items()));
        next = link;
    }
    assert_eq!(listed, [&made[..2], &made[3..]]);
    let cancelled = ada.get(&format!("{LIST}?status=cancelled")).await;
    assert_eq!(ids(cancelled.expect(200).items()), made[2..3]);
    let bad = ada
        .get(&format!("{LIST}?status=done&limit=0&cursor=x"))
        .await;
    let errors = bad.errors();
    let named: Vec<_> = errors.as_object().unwrap().keys().collect();
    assert_eq!(named, ["cursor", "limit", "status"]);
}

#[tokio::test]
async fn a_key_does_with_tasks_what_its_scopes_say() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let with = async |scope: &str| app.anon().with_key(&ada.issue(&[scope]).await.key);
    let (reader, writer) = (with("tasks:read").await, with("tasks:write").await);
    let id = writer.post(LIST, later()).await.expect(201).text("id");
    let path = format!("{LIST}/{id}");
    reader.get(&path).await.expect(200);
    reader.get(LIST).await.expect(200);
    for refused in [
        writer.get(&path).await,
        writer.get(LIST).await,
        reader.post(LIST, later()).await,
        reader.delete(&path).await,
    ] {
        refused.problem(403, "insufficient_scope");
    }
    let cancel = format!("{path}/cancel");
    writer.request("POST", &cancel).await.expect(200);
    writer.delete(&path).await.expect(204);
}

#[tokio::test]
async fn tasks_go_with_their_user() {
    let app = TestApp::start().await;
    let (ada, owner) = (app.user("ada").await, app.owner().await);
    make(&ada).await;
    let count = || crate::support::count(&app.database, "tasks");
    assert_eq!(count(), 1);
    let path = format!("/api/v1/users/{}", ada.id);
    owner.delete(&path).await.expect(204);
    assert_eq!(count(), 0);
}
