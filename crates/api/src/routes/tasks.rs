//! Scheduled tasks of one's own.

mod described;

pub(super) use described::{
    cancel_described, create_described, delete_described, list_described, show_described,
    status_described,
};

use super::users::next_link;
use super::{Answer, json, ok};
use crate::extract::{CurrentUser, JsonBody, TaskListQuery};
use crate::problem::{Code, Problem};
use actix_web::http::header::LINK;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use doorward_domain::task::{Series, TaskFailure};
use doorward_domain::{ScheduledTask, TaskId};
use doorward_services::Services;
use doorward_services::tasks::{NewRepeat, NewTask};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// A scheduled task.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
struct TaskResponse<'a> {
    id: &'a Uuid,
    name: &'a str,
    /// What it does.
    kind: &'a str,
    /// What its kind is told.
    #[schema(value_type = Object)]
    payload: &'a Map<String, Value>,
    #[schema(schema_with = described::status)]
    status: &'static str,
    scheduled_at: DateTime<Utc>,
    #[schema(required = true)]
    repeat: Option<RepeatResponse<'a>>,
    max_attempts: u32,
    created_at: DateTime<Utc>,
    /// When its latest attempt began.
    #[schema(required = true)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    attempts: u32,
    /// What came of it, in the words of its kind.
    #[schema(value_type = Value, required = true)]
    result: Option<&'a Value>,
    /// What went wrong in its latest attempt.
    #[schema(required = true)]
    error: Option<&'a str>,
}

/// When a task happens again.
#[derive(Serialize, ToSchema)]
#[schema(as = Repeat)]
struct RepeatResponse<'a> {
    /// A cron expression of five fields.
    cron: &'a str,
    /// The zone whose clocks it goes by.
    timezone: &'a str,
}

/// How far a task is.
#[derive(Serialize, ToSchema)]
#[schema(as = TaskStatus)]
struct StatusResponse<'a> {
    id: &'a Uuid,
    #[schema(schema_with = described::status)]
    status: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// What came of it, in the words of its kind.
    #[schema(value_type = Value, required = true)]
    result: Option<&'a Value>,
    /// What went wrong in its latest attempt.
    #[schema(required = true)]
    error: Option<&'a str>,
}

impl<'a> From<&'a ScheduledTask> for TaskResponse<'a> {
    fn from(task: &'a ScheduledTask) -> Self {
        let status = StatusResponse::from(task);
        Self {
            id: status.id,
            name: task.name.as_str(),
            kind: task.kind.as_str(),
            payload: task.payload.as_object(),
            status: status.status,
            scheduled_at: task.scheduled_at,
            repeat: task.series.as_ref().map(RepeatResponse::from),
            max_attempts: task.max_attempts.get(),
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
            attempts: status.attempts,
            result: status.result,
            error: status.error,
        }
    }
}

impl<'a> From<&'a Series> for RepeatResponse<'a> {
    fn from(series: &'a Series) -> Self {
        Self {
            cron: series.repeat.cron(),
            timezone: series.repeat.timezone(),
        }
    }
}

impl<'a> From<&'a ScheduledTask> for StatusResponse<'a> {
    fn from(task: &'a ScheduledTask) -> Self {
        Self {
            id: task.id.as_uuid(),
            status: task.status.as_str(),
            attempts: task.attempts,
            result: task.result.as_ref(),
            error: task.error.as_ref().map(TaskFailure::as_str),
        }
    }
}

/// `GET /api/v1/tasks`
pub(super) async fn list(
    services: web::Data<Services>,
    caller: CurrentUser,
    query: TaskListQuery,
    request: HttpRequest,
) -> Answer {
    let (before, limit) = (query.page.after, query.page.limit);
    let page = services
        .tasks
        .list(&caller.0, query.status, before, limit)
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(next) = page.next {
        response.insert_header((LINK, next_link(&request, next)));
    }
    let tasks: Vec<_> = page.tasks.iter().map(TaskResponse::from).collect();
    json(response, &tasks)
}

/// `POST /api/v1/tasks`
pub(super) async fn create(
    services: web::Data<Services>,
    caller: CurrentUser,
    mut body: JsonBody,
) -> Answer {
    let new = NewTask {
        name: body.text("name"),
        scheduled_at: body.text("scheduled_at"),
        kind: body.text("kind"),
        payload: body.optional_object("payload"),
        max_attempts: body.whole("max_attempts"),
        repeat: body.optional_within("repeat", |repeat| NewRepeat {
            cron: repeat.text("cron"),
            timezone: repeat.text("timezone"),
        }),
        errors: body.finish(),
    };
    let task = services.tasks.create(&caller.0, new).await?;
    json(HttpResponse::Created(), &TaskResponse::from(&task))
}

/// `GET /api/v1/tasks/{id}`
pub(super) async fn show(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let task = services.tasks.show(&caller.0, parse(&id)?).await?;
    ok(&TaskResponse::from(&task))
}

/// `GET /api/v1/tasks/{id}/status`
pub(super) async fn status(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let task = services.tasks.show(&caller.0, parse(&id)?).await?;
    ok(&StatusResponse::from(&task))
}

/// `POST /api/v1/tasks/{id}/cancel`
pub(super) async fn cancel(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    let task = services.tasks.cancel(&caller.0, parse(&id)?).await?;
    ok(&TaskResponse::from(&task))
}

/// `DELETE /api/v1/tasks/{id}`
pub(super) async fn delete(
    services: web::Data<Services>,
    caller: CurrentUser,
    id: web::Path<String>,
) -> Answer {
    services.tasks.delete(&caller.0, parse(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse(id: &str) -> Result<TaskId, Problem> {
    id.parse().map_err(|_no_uuid| Problem::new(Code::NotFound))
}
