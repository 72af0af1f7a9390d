//! The tasks in the document.

use super::{StatusResponse, TaskResponse};
use crate::extract::TaskListQuery;
use crate::openapi::{Body, Field, Header, Operation, Reply, Tag, id, path_parameter, text};
use crate::problem::Code;
use actix_web::http::StatusCode;
use doorward_domain::TaskStatus;
use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};

pub(in crate::routes) fn list_described() -> Operation {
    Operation::new(Tag::Tasks, "listTasks", "List one's own tasks")
        .about(
            "The newest come first. A page is shorter than `limit` where its payloads are large; as always, `Link` leads on \
             until nothing is left.",
        )
        .for_users()
        .parameters(TaskListQuery::described())
        .answer(
            Reply::list::<TaskResponse<'_>>(StatusCode::OK, "A page of tasks.")
                .example("One task", json!([example()]))
                .header(Header::Link),
        )
        .codes(&[Code::ValidationFailed])
}

pub(in crate::routes) fn create_described() -> Operation {
    let body = Body::new(
        "NewTask",
        [
            Field::text("name", "What it is for, in 1 to 100 characters.").required(),
            Field::new("scheduled_at", SCHEDULED_AT, moment()),
            Field::text("kind", KIND),
            Field::new("payload", PAYLOAD, nullable(ObjectBuilder::new()).build()),
            Field::new("max_attempts", MAX_ATTEMPTS, attempts()),
            Field::new("repeat", REPEAT, repeat()),
        ],
    );
    let once = json!({ "name": "My Task", "scheduled_at": "2027-03-30T12:00:00Z" });
    let again = json!({
        "name": "nightly", "repeat": { "cron": "30 2 * * *", "timezone": "Europe/Berlin" }, "max_attempts": 3,
    });
    Operation::new(Tag::Tasks, "createTask", "Make a task")
        .about(
            "It happens at its time, once, whatever dies meanwhile; what fails is tried again after 5 s, then three times \
             as long each time, at most an hour.",
        )
        .for_users()
        .body(body.example("Once", once).example("Every night", again))
        .answer(
            Reply::json::<TaskResponse<'_>>(StatusCode::CREATED, "The task is made.")
                .example("A task", example()),
        )
        .codes(&[Code::TooManyTasks])
}

pub(in crate::routes) fn show_described() -> Operation {
    of_one("showTask", "Show a task").answer(task("The task."))
}

pub(in crate::routes) fn status_described() -> Operation {
    let example = json!({
        "id": ID, "status": "pending", "attempts": 0, "result": null, "error": null,
    });
    of_one("showTaskStatus", "Ask how far a task is").answer(
        Reply::json::<StatusResponse<'_>>(StatusCode::OK, "How far it is.")
            .example("It waits", example),
    )
}

pub(in crate::routes) fn cancel_described() -> Operation {
    of_one("cancelTask", "Call off a task")
        .about(
            "One that is pending, also one that waits for its next attempt, never runs then; one that repeats does not \
             happen again. What has begun or ended is 409.",
        )
        .answer(task("The task, cancelled."))
        .codes(&[Code::TaskNotPending])
}

pub(in crate::routes) fn delete_described() -> Operation {
    of_one("deleteTask", "Delete a task")
        .about("One that is pending never runs then, nor again. One that is running is 409.")
        .answer(Reply::empty(StatusCode::NO_CONTENT, "The task is gone."))
        .codes(&[Code::TaskRunning])
}

/// How far a task is.
pub(super) fn status() -> Object {
    text()
        .enum_values(Some(TaskStatus::ALL.map(TaskStatus::as_str)))
        .description(Some("How far it is."))
        .build()
}

const ID: &str = "01a1fac8-772b-76f8-8b87-aa860a220012";
const SCHEDULED_AT: &str = "When it runs, with a zone; at once if that is past. One that repeats may leave it out, and first runs when its \
     expression says so.";
const KIND: &str = "What it does: `noop`, which only completes, without a word. An unknown kind is refused with the names of those that there are.";
const PAYLOAD: &str = "What its kind is told: an object, nested up to 32 levels.";
const MAX_ATTEMPTS: &str = "How often it is tried; 5 times without a word.";
const REPEAT: &str = "When it happens again after its time. Each firing is a task of its own, made when the one before has ended; \
     what was missed meanwhile happens once.";

fn of_one(name: &'static str, summary: &'static str) -> Operation {
    Operation::new(Tag::Tasks, name, summary)
        .for_users()
        .parameter(path_parameter("id", "The id of the task.", id()))
        .codes(&[Code::NotFound])
}

fn task(about: &'static str) -> Reply {
    Reply::json::<TaskResponse<'_>>(StatusCode::OK, about).example("A task", example())
}

fn moment() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    text().format(Some(format)).build()
}

fn nullable(object: ObjectBuilder) -> ObjectBuilder {
    object.schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
}

fn attempts() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(20))
        .build()
}

fn repeat() -> Object {
    let cron = text().description(Some("A cron expression of five fields."));
    let timezone = text().description(Some(
        "A zone of the IANA database, whose clocks it goes by; UTC without a word.",
    ));
    nullable(ObjectBuilder::new())
        .property("cron", cron)
        .property("timezone", timezone)
        .required("cron")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .build()
}

fn example() -> Value {
    json!({
        "id": ID, "name": "My Task", "kind": "noop", "payload": {}, "status": "pending",
        "scheduled_at": "2027-03-30T12:00:00Z", "repeat": null, "max_attempts": 5,
        "created_at": "2026-11-20T21:06:44.139569Z", "started_at": null, "finished_at": null, "attempts": 0,
        "result": null, "error": null,
    })
}
