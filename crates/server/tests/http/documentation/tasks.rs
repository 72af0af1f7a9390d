//! The walk through the routes of tasks.

use super::NOBODY;
use crate::support::{Response, TestApp, User};
use crate::tasks::{LIST, later, make, take, write};
use doorward_domain::task::MAX_LIVE_TASKS_PER_USER;
use doorward_domain::{ScheduledTask, TaskId};
use serde_json::json;

/// What succeeds, and what is refused for reasons of its own.
pub(super) async fn walk(app: &TestApp) -> Vec<Response> {
    let tess = app.user("tess").await;
    let (own, none) = (make(&tess).await, format!("{LIST}/{NOBODY}"));
    let running = make(&tess).await;
    take(app, &running).await; // and whatever else there is
    let waiting = format!("{LIST}/{}", make(&tess).await);
    let (own, running) = (format!("{LIST}/{own}"), format!("{LIST}/{running}"));
    let writer = app.anon().with_key(&tess.issue(&["tasks:write"]).await.key);
    let again = json!({ "name": "again", "repeat": { "cron": "0 0 1 1 *", "timezone": "UTC" } });
    let mut answers = vec![
        tess.post(LIST, later()).await,
        tess.post(LIST, again).await,
        tess.post(LIST, json!({ "name": "x", "scheduled_at": "soon" }))
            .await,
        tess.get(LIST).await,
        tess.get(&format!("{LIST}?limit=1&status=running")).await,
        tess.get(&format!("{LIST}?status=done")).await,
        writer.get(LIST).await,
        writer.get(&own).await,
        writer.get(&format!("{own}/status")).await,
        tess.get(&own).await,
        tess.get(&none).await,
        tess.get(&format!("{own}/status")).await,
        tess.get(&format!("{none}/status")).await,
        tess.request("POST", &format!("{waiting}/cancel")).await,
        tess.request("POST", &format!("{waiting}/cancel")).await,
        tess.request("POST", &format!("{none}/cancel")).await,
        tess.delete(&waiting).await,
        tess.delete(&running).await,
        tess.delete(&none).await,
    ];
    fill(app, &tess).await;
    answers.push(tess.post(LIST, later()).await);
    answers
}

/// Gives somebody as many tasks as he may have.
async fn fill(app: &TestApp, user: &User) {
    let id: TaskId = make(user).await.parse().expect("an id");
    write(app, move |tx| {
        let task = tx.task(id)?.expect("the task");
        let count = tx.count_live_tasks_of(task.user_id)?;
        (count..MAX_LIVE_TASKS_PER_USER).try_for_each(|_| {
            let id = TaskId::new(task.created_at);
            let another = ScheduledTask { id, ..task.clone() };
            tx.insert_task(&another, task.created_at)
        })
    })
    .await;
}
