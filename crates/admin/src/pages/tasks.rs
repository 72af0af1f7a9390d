//! Scheduled tasks.

use crate::answer::Answer;
use crate::desk::{Change, Desk};
use crate::failure::Failure;
use crate::pages::people::{People, Person};
use crate::pages::user::parsed;
use crate::pages::users::Choice;
use crate::shell::{Section, Shell};
use crate::words::Time;
use actix_web::web::Path;
use askama::Template;
use doorward_domain::{Role, ScheduledTask, TaskId, TaskStatus, UserId};
use doorward_services::tasks::TaskQuery;

const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "tasks.html")]
struct TasksPage {
    shell: Shell,
    statuses: Vec<Choice>,
    is_filtered: bool,
    tasks: Vec<TaskRow>,
    is_first: bool,
    first: String,
    next: Option<String>,
}

/// A task, as a page shows it.
struct TaskRow {
    id: String,
    name: String,
    kind: String,
    owner: Person,
    status: TaskStatus,
    scheduled_at: Time,
    attempts: String,
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    shell: Shell,
    task: TaskRow,
    created_at: Time,
    due_at: Option<Time>,
    started_at: Option<Time>,
    finished_at: Option<Time>,
    repeat: Option<String>,
    payload: String,
    result: Option<String>,
    error: Option<String>,
    may_cancel: bool,
    may_run_again: bool,
}

/// `GET /admin/tasks`
pub(crate) async fn list(desk: Desk) -> Answer {
    let status: Option<TaskStatus> = desk.query.get("status").and_then(|text| text.parse().ok());
    let user: Option<UserId> = desk.query.get("user").and_then(|text| text.parse().ok());
    let before: Option<TaskId> = desk.query.get("cursor").and_then(|text| text.parse().ok());
    let query = TaskQuery {
        user_id: user,
        status,
        before,
        limit: PAGE,
    };
    let found = desk.services().tasks.list_all(desk.caller(), query).await?;
    let people = People::load(&desk, found.tasks.iter().map(|task| task.user_id)).await?;
    let mut first = "/admin/tasks?".to_owned();
    for (name, value) in [
        ("status", status.map(|status| status.to_string())),
        ("user", user.map(|user| user.to_string())),
    ] {
        first.extend(value.map(|value| format!("{name}={value}&")));
    }
    let statuses = TaskStatus::ALL.map(|it| choice(it.as_str(), it.as_str(), status == Some(it)));
    let page = TasksPage {
        shell: desk.shell(Section::Tasks, "Tasks"),
        statuses: std::iter::once(choice("", "Every status", status.is_none()))
            .chain(statuses)
            .collect(),
        is_filtered: status.is_some() || user.is_some(),
        tasks: found.tasks.iter().map(|task| row(task, &people)).collect(),
        is_first: before.is_none(),
        next: found.next.map(|next| format!("{first}cursor={next}")),
        first: first.trim_end_matches(['?', '&']).to_owned(),
    };
    desk.page(&page)
}

fn choice(value: &'static str, label: &'static str, is_chosen: bool) -> Choice {
    Choice {
        value,
        label,
        is_chosen,
    }
}

/// `GET /admin/tasks/{id}`
pub(crate) async fn show(desk: Desk, id: Path<String>) -> Answer {
    let (services, caller) = (desk.services(), desk.caller());
    let task = services.tasks.show_any(caller, parsed(&id)?).await?;
    let owner = services.users.user(caller, task.user_id).await;
    let may_manage = owner.is_ok_and(|owner| may_manage(&desk, owner.role, owner.id));
    let people = People::load(&desk, std::iter::once(task.user_id)).await?;
    let has_ended = !matches!(task.status, TaskStatus::Pending | TaskStatus::Running);
    let time = |at: Option<_>| at.map(Time::from);
    let page = TaskPage {
        shell: desk.shell(Section::Tasks, task.name.as_str()),
        created_at: task.created_at.into(),
        due_at: time(task.due_at),
        started_at: time(task.started_at),
        finished_at: time(task.finished_at),
        repeat: task.series.as_ref().map(|series| {
            let repeat = &series.repeat;
            format!("{} ({})", repeat.cron(), repeat.timezone())
        }),
        payload: task.payload.to_json(),
        result: task.result.as_ref().map(ToString::to_string),
        error: task.error.as_ref().map(|error| error.as_str().to_owned()),
        may_cancel: may_manage && task.status == TaskStatus::Pending,
        may_run_again: may_manage && has_ended,
        task: row(&task, &people),
    };
    desk.page(&page)
}

fn may_manage(desk: &Desk, role: Role, owner: UserId) -> bool {
    desk.role().may_manage(role) || desk.caller().principal.id == owner
}

/// `POST /admin/tasks/{id}/cancel`
pub(crate) async fn cancel(change: Change, id: Path<String>) -> Answer {
    let (desk, id): (_, TaskId) = (change.desk, parsed(&id)?);
    desk.services().tasks.cancel_any(desk.caller(), id).await?;
    Ok(desk.to(&format!("/admin/tasks/{id}?done=cancelled")))
}

/// `POST /admin/tasks/{id}/run-again`
pub(crate) async fn run_again(change: Change, id: Path<String>) -> Answer {
    let (desk, id): (_, TaskId) = (change.desk, parsed(&id)?);
    desk.services().tasks.run_again(desk.caller(), id).await?;
    Ok(desk.to(&format!("/admin/tasks/{id}?done=again")))
}

/// How many there are of each status, each with its list.
pub(crate) async fn counts(desk: &Desk) -> Result<Vec<(TaskStatus, usize)>, Failure> {
    Ok(desk.services().tasks.count_all(desk.caller()).await?.into())
}

fn row(task: &ScheduledTask, people: &People) -> TaskRow {
    TaskRow {
        id: task.id.to_string(),
        name: task.name.as_str().to_owned(),
        kind: task.kind.to_string(),
        owner: people.of(Some(task.user_id)),
        status: task.status,
        scheduled_at: task.scheduled_at.into(),
        attempts: format!("{} of {}", task.attempts, task.max_attempts.get()),
    }
}
