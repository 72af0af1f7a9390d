//! The audit log.

use crate::answer::Answer;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::pages::people::{People, Person};
use crate::pages::users::Choice;
use crate::shell::{Section, Shell};
use crate::words::Time;
use askama::Template;
use chrono::{DateTime, NaiveDateTime, Utc};
use doorward_domain::audit::AuditAction;
use doorward_domain::folding::fold;
use doorward_domain::{AuditEvent, User, UserId};
use doorward_services::audit::AuditQuery;
use doorward_services::users::UserQuery;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

const PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    person: String,
    person_problem: Option<&'static str>,
    parts: Vec<Choice>,
    actions: Vec<Choice>,
    since: String,
    until: String,
    time_problem: Option<&'static str>,
    events: Vec<EventRow>,
    is_filtered: bool,
    is_first: bool,
    first: String,
    csv: String,
    next: Option<String>,
}

/// An event, as a page shows it.
pub(crate) struct EventRow {
    pub(crate) at: Time,
    pub(crate) action: String,
    pub(crate) about: &'static str,
    pub(crate) actor: Person,
    pub(crate) subject: Person,
    pub(crate) address: String,
    pub(crate) details: Vec<(String, String)>,
    pub(crate) request_id: String,
    pub(crate) user_agent: String,
}

/// What the filters ask for.
pub(crate) struct Wanted {
    pub(crate) query: AuditQuery,
    person_problem: Option<&'static str>,
    time_problem: Option<&'static str>,
}

/// `GET /admin/audit`
pub(crate) async fn list(desk: Desk) -> Answer {
    let fields = &desk.query;
    let wanted = read(&desk, PAGE).await?;
    let is_first = wanted.query.before.is_none();
    let action = wanted.query.action.clone();
    let found = desk
        .services()
        .audit
        .list(desk.caller(), wanted.query)
        .await?;
    let filters = filters(fields);
    let joint = if filters.is_empty() { "?" } else { "&" };
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let part = fields.get("part").unwrap_or_default();
    let page = AuditPage {
        shell: desk.shell(Section::Audit, "Audit log"),
        person: text("person"),
        person_problem: wanted.person_problem,
        parts: [("", "did it"), ("subject", "it concerns")]
            .map(|(value, label)| choice(value, label, part == value))
            .into(),
        actions: std::iter::once(choice("", "Everything", action.is_none()))
            .chain(AuditAction::ALL.iter().map(|it| {
                let name = it.as_str();
                choice(name, name, action.as_deref() == Some(name))
            }))
            .collect(),
        since: text("since"),
        until: text("until"),
        time_problem: wanted.time_problem,
        events: rows(&desk, found.events).await?,
        is_filtered: !filters.is_empty(),
        is_first,
        csv: format!("/admin/audit.csv{filters}"),
        next: found
            .next
            .map(|next| format!("/admin/audit{filters}{joint}cursor={next}")),
        first: format!("/admin/audit{filters}"),
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

/// What the address asks for. Who is nobody, or a time that is none, finds nothing rather than everything.
pub(crate) async fn read(desk: &Desk, limit: u32) -> Result<Wanted, Failure> {
    let fields = &desk.query;
    let mut wanted = Wanted {
        query: AuditQuery {
            action: fields.text("action"),
            before: fields.get("cursor").and_then(|text| text.parse().ok()),
            limit,
            ..AuditQuery::default()
        },
        person_problem: None,
        time_problem: None,
    };
    if let Some(name) = fields.get("person") {
        let id = person(desk, name).await?;
        if id.is_none() {
            wanted.person_problem = Some("Nobody has this username, email address or id.");
            wanted.query.limit = 0;
        }
        match fields.get("part") {
            Some("subject") => wanted.query.subject = id,
            Some(_) | None => wanted.query.actor = id,
        }
    }
    for (name, place) in [
        ("since", &mut wanted.query.since),
        ("until", &mut wanted.query.until),
    ] {
        let Some(text) = fields.get(name) else {
            continue;
        };
        *place = time(text);
        if place.is_none() {
            wanted.time_problem = Some("Enter times like 2030-01-31T12:00; they are in UTC.");
            wanted.query.limit = 0;
        }
    }
    Ok(wanted)
}

/// Somebody by his whole username, email address or id; by his id also when he is gone.
async fn person(desk: &Desk, name: &str) -> Result<Option<UserId>, Failure> {
    if let Ok(id) = name.parse() {
        return Ok(Some(id));
    }
    let key = fold(name);
    let is_meant = |user: &User| {
        let email = user.email.as_ref().map(ToString::to_string);
        fold(user.username.as_str()) == key || email.is_some_and(|email| fold(&email) == key)
    };
    let query = UserQuery {
        prefix: Some(key.clone()),
        limit: 100,
        ..UserQuery::default()
    };
    let found = desk.services().users.page(desk.caller(), query).await?;
    Ok(found.users.into_iter().find(is_meant).map(|user| user.id))
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let naive = |format: &&str| NaiveDateTime::parse_from_str(text, format).ok();
    formats.iter().find_map(naive).map(|naive| naive.and_utc())
}

/// The filters, as an address has them.
fn filters(fields: &Fields) -> String {
    let mut query = String::new();
    for name in ["person", "part", "action", "since", "until"] {
        if let Some(value) = fields.get(name) {
            query.push(if query.is_empty() { '?' } else { '&' });
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    query
}

/// The events of a page, with the names of those whom they mean.
pub(crate) async fn rows(desk: &Desk, events: Vec<AuditEvent>) -> Result<Vec<EventRow>, Failure> {
    let ids = events
        .iter()
        .flat_map(|event| [event.actor_id, event.subject_id]);
    let people = People::load(desk, ids.flatten()).await?;
    Ok(events
        .into_iter()
        .map(|event| row(event, &people))
        .collect())
}

fn row(event: AuditEvent, people: &People) -> EventRow {
    let known = AuditAction::ALL
        .iter()
        .find(|it| it.as_str() == event.action);
    EventRow {
        at: event.at.into(),
        about: known.map(|it| it.about()).unwrap_or_default(),
        action: event.action,
        actor: people.of(event.actor_id),
        subject: people.of(event.subject_id),
        address: event.ip_address.unwrap_or_default(),
        details: details(&event.details),
        request_id: event.request_id.unwrap_or_default(),
        user_agent: event.user_agent.unwrap_or_default(),
    }
}

/// What else is known, as pairs; what is no object is shown as it is.
fn details(json: &str) -> Vec<(String, String)> {
    match serde_json::from_str(json) {
        Ok(Value::Object(fields)) => fields
            .into_iter()
            .map(|(name, value)| (name, plain(&value)))
            .collect(),
        Ok(_) | Err(_) => vec![("details".to_owned(), json.to_owned())],
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => match (fields.get("from"), fields.get("to")) {
            (Some(from), Some(to)) => format!("{} → {}", plain(from), plain(to)),
            (Some(_) | None, _) => value.to_string(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_shown_as_pairs_whatever_they_are() {
        let shown = |json| {
            let pairs = details(json).into_iter();
            pairs
                .map(|(name, value)| format!("{name}: {value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            shown(r#"{"X":{"from":"1","to":"2"},"list":["a","b"],"n":3,"y":{"z":1}}"#),
            ["X: 1 → 2", "list: a, b", "n: 3", "y: {\"z\":1}"]
        );
        assert_eq!(shown("damaged"), ["details: damaged"]);
    }

    #[test]
    fn a_time_is_one_of_utc() {
        assert_eq!(time("2030-01-31T12:00").unwrap().timestamp(), 1_896_091_200);
        assert_eq!(time("2030-01-31"), None);
    }
}
