//! One user.

use crate::answer::Answer;
use crate::desk::{Change, Desk};
use crate::failure::Failure;
use crate::fields::{Field, Fields, messages};
use crate::pages::audit::{EventRow, rows};
use crate::pages::users::Choice;
use crate::shell::{Section, Shell};
use crate::words::Time;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use doorward_domain::{ApiKey, Role, Session, User, UserId};
use doorward_services::FieldErrors;
use doorward_services::audit::AuditQuery;
use doorward_services::users::{AdministerError, UserUpdate};

/// So many keys are shown; nobody has more.
const MOST_KEYS: u32 = 1000;
/// And so many of the last events.
const EVENTS: u32 = 10;

#[derive(Template)]
#[template(path = "user.html")]
pub(crate) struct UserPage {
    shell: Shell,
    id: String,
    username: String,
    role: Role,
    is_active: bool,
    is_self: bool,
    /// Whether the operator may change anything here.
    may_manage: bool,
    date_joined: Time,
    last_login: Option<Time>,
    fields: Vec<Field>,
    roles: Vec<Choice>,
    role_errors: Vec<String>,
    sessions: Vec<SessionRow>,
    keys: Vec<KeyRow>,
    events: Vec<EventRow>,
}

struct SessionRow {
    id: String,
    is_present: bool,
    address: String,
    user_agent: String,
    created_at: Time,
    last_used_at: Time,
    expires_at: Time,
}

struct KeyRow {
    id: String,
    name: String,
    prefix: String,
    scopes: String,
    created_at: Time,
    last_used_at: Option<Time>,
    expires_at: Option<Time>,
}

/// `GET /admin/users/{id}`
pub(crate) async fn show(desk: Desk, id: Path<String>) -> Answer {
    let page = load(
        &desk,
        parsed(&id)?,
        &Fields::default(),
        &FieldErrors::default(),
    )
    .await?;
    desk.page(&page)
}

/// `POST /admin/users/{id}`
pub(crate) async fn update(change: Change, id: Path<String>) -> Answer {
    let (Change { desk, fields, .. }, id) = (change, parsed(&id)?);
    let update = UserUpdate {
        username: fields.raw("username").map(|text| text.trim().to_owned()),
        email: fields.text("email"),
        role: fields.text("role"),
        is_active: None,
        errors: FieldErrors::default(),
    };
    match desk
        .services()
        .users
        .update(desk.caller(), id, update)
        .await
    {
        Ok(_) => Ok(desk.to(&format!("/admin/users/{id}?done=saved"))),
        Err(AdministerError::Invalid(errors)) => {
            let page = load(&desk, id, &fields, &errors).await?;
            desk.refused(StatusCode::BAD_REQUEST, &page)
        }
        Err(error) => Err(error.into()),
    }
}

/// An id of the address; what is none is nobody's.
pub(crate) fn parsed<I: std::str::FromStr>(text: &str) -> Result<I, Failure> {
    text.parse().map_err(|_no_id| Failure::NotFound)
}

async fn load(
    desk: &Desk,
    id: UserId,
    sent: &Fields,
    errors: &FieldErrors,
) -> Result<UserPage, Failure> {
    let (services, caller) = (desk.services(), desk.caller());
    let user = services.users.user(caller, id).await?;
    let sessions = services.auth.sessions_of(caller, id).await?;
    let keys = services
        .api_keys
        .list_of(caller, id, None, MOST_KEYS)
        .await?;
    let about_him = AuditQuery {
        subject: Some(id),
        limit: EVENTS,
        ..AuditQuery::default()
    };
    let events = services.audit.list(caller, about_him).await?.events;
    let present = caller.session();
    let session_rows = sessions.into_iter().rev().map(|session| {
        let is_present = Some(session.id) == present;
        session_row(session, is_present)
    });
    Ok(UserPage {
        shell: desk.shell(Section::Users, user.username.to_string()),
        id: id.to_string(),
        role: user.role,
        is_active: user.is_active,
        is_self: caller.principal.id == id,
        may_manage: desk.role().may_manage(user.role),
        date_joined: user.date_joined.into(),
        last_login: user.last_login.map(Time::from),
        fields: fields(&user, sent, errors),
        roles: roles(desk, &user, sent),
        role_errors: messages(errors, "role"),
        sessions: session_rows.collect(),
        keys: keys.keys.iter().map(key_row).collect(),
        events: rows(desk, events).await?,
        username: user.username.to_string(),
    })
}

fn fields(user: &User, sent: &Fields, errors: &FieldErrors) -> Vec<Field> {
    let email = user.email.as_ref().map(ToString::to_string);
    let username = user.username.to_string();
    let value = |name: &str, stored: &str| sent.raw(name).unwrap_or(stored).to_owned();
    let fields = [
        Field::text("username", "Username", &value("username", &username)).required(),
        Field::text(
            "email",
            "Email address",
            &value("email", &email.unwrap_or_default()),
        )
        .kind("email"),
    ];
    fields.map(|field| field.judged(errors)).into()
}

/// Owners alone give roles.
fn roles(desk: &Desk, user: &User, sent: &Fields) -> Vec<Choice> {
    if desk.role() < Role::Owner {
        return Vec::new();
    }
    let chosen = sent.get("role").unwrap_or(user.role.as_str());
    let choice = |role: Role| Choice {
        value: role.as_str(),
        label: role.as_str(),
        is_chosen: role.as_str() == chosen,
    };
    Role::ALL.map(choice).into()
}

fn session_row(session: Session, is_present: bool) -> SessionRow {
    let address = session.origin.ip_address;
    SessionRow {
        id: session.id.to_string(),
        is_present,
        address: address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        user_agent: session.origin.user_agent.unwrap_or_default(),
        created_at: session.created_at.into(),
        last_used_at: session.rotated_at.into(),
        expires_at: session.expires_at.into(),
    }
}

fn key_row(key: &ApiKey) -> KeyRow {
    let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.to_string()).collect();
    KeyRow {
        id: key.id.to_string(),
        name: key.name.as_str().to_owned(),
        prefix: key.prefix.as_str().to_owned(),
        scopes: scopes.join(", "),
        created_at: key.created_at.into(),
        last_used_at: key.last_used_at.map(Time::from),
        expires_at: key.expires_at.map(Time::from),
    }
}
