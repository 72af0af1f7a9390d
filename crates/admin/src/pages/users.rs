//! The list of users, and a new one.

use crate::answer::Answer;
use crate::desk::{Change, Desk};
use crate::failure::Failure;
use crate::fields::{Field, Fields};
use crate::pages::user_actions::link_page;
use crate::shell::{Section, Shell};
use crate::words::Time;
use actix_web::http::StatusCode;
use askama::Template;
use doorward_domain::folding::fold;
use doorward_domain::{Role, User, UserId};
use doorward_services::FieldErrors;
use doorward_services::accounts::{Register, RegisterError};
use doorward_services::users::UserQuery;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::RngExt;
use rand::distr::Alphanumeric;

const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    shell: Shell,
    search: String,
    roles: Vec<Choice>,
    states: Vec<Choice>,
    users: Vec<Row>,
    is_filtered: bool,
    is_first: bool,
    first: String,
    next: Option<String>,
}

/// One of the values of a filter.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_chosen: bool,
}

struct Row {
    id: String,
    username: String,
    email: String,
    role: Role,
    is_active: bool,
    date_joined: Time,
    last_login: Option<Time>,
}

impl From<User> for Row {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user
                .email
                .map(|email| email.to_string())
                .unwrap_or_default(),
            role: user.role,
            is_active: user.is_active,
            date_joined: user.date_joined.into(),
            last_login: user.last_login.map(Time::from),
        }
    }
}

/// `GET /admin/users`
pub(crate) async fn list(desk: Desk) -> Answer {
    let query = &desk.query;
    let role: Option<Role> = query.get("role").and_then(|text| text.parse().ok());
    let is_active = match query.get("state") {
        Some("active") => Some(true),
        Some("inactive") => Some(false),
        Some(_) | None => None,
    };
    let after: Option<UserId> = query.get("cursor").and_then(|text| text.parse().ok());
    let search = query.get("search").unwrap_or_default();
    let wanted = UserQuery {
        prefix: Some(fold(search)).filter(|prefix| !prefix.is_empty()),
        role,
        is_active,
        after,
        limit: PAGE,
    };
    let found = desk.services().users.page(desk.caller(), wanted).await?;
    let first = address(query);
    let joint = if first.contains('?') { '&' } else { '?' };
    let page = UsersPage {
        shell: desk.shell(Section::Users, "Users"),
        search: search.to_owned(),
        roles: [
            ("", "Every role", role.is_none()),
            ("user", "Users", role == Some(Role::User)),
            ("admin", "Admins", role == Some(Role::Admin)),
            ("owner", "Owners", role == Some(Role::Owner)),
        ]
        .map(choice)
        .into(),
        states: [
            ("", "Every state", is_active.is_none()),
            ("active", "Active", is_active == Some(true)),
            ("inactive", "Deactivated", is_active == Some(false)),
        ]
        .map(choice)
        .into(),
        users: found.users.into_iter().map(Row::from).collect(),
        is_filtered: !search.is_empty() || role.is_some() || is_active.is_some(),
        is_first: after.is_none(),
        next: found
            .next
            .map(|next| format!("{first}{joint}cursor={next}")),
        first,
    };
    desk.page(&page)
}

fn choice((value, label, is_chosen): (&'static str, &'static str, bool)) -> Choice {
    Choice {
        value,
        label,
        is_chosen,
    }
}

/// The first page under the same filters.
fn address(query: &Fields) -> String {
    let mut address = "/admin/users".to_owned();
    for name in ["search", "role", "state"] {
        if let Some(value) = query.get(name) {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(name);
            address.push('=');
            address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    address
}

#[derive(Template)]
#[template(path = "new_user.html")]
struct NewUserPage {
    shell: Shell,
    fields: Vec<Field>,
    roles: Vec<Choice>,
}

/// `GET /admin/users/new`
pub(crate) async fn new(desk: Desk) -> Answer {
    let page = new_user(&desk, &Fields::default(), &FieldErrors::default());
    desk.page(&page)
}

/// `POST /admin/users/new`
pub(crate) async fn create(change: Change) -> Answer {
    let Change { desk, fields, .. } = &change;
    let password = fields.raw("password").filter(|text| !text.is_empty());
    let register = Register {
        username: fields.text("username"),
        email: fields.text("email"),
        // Nobody knows it, and with the link the person sets his own.
        password: Some(password.map_or_else(unknown_password, str::to_owned).into()),
        role: fields.text("role"),
        origin: desk.caller().origin.clone(),
        errors: FieldErrors::default(),
    };
    let accounts = &desk.services().accounts;
    let user = match accounts.register(Some(desk.caller()), register).await {
        Ok(user) => user,
        Err(RegisterError::Invalid(errors)) => {
            let page = new_user(desk, fields, &errors);
            return desk.refused(StatusCode::BAD_REQUEST, &page);
        }
        Err(RegisterError::RoleNotAllowed | RegisterError::Closed) => {
            return Err(Failure::NotAllowed);
        }
        Err(RegisterError::Internal(error)) => return Err(error.into()),
    };
    if password.is_none() {
        return link_page(&change, user.id).await;
    }
    Ok(desk.to(&format!("/admin/users/{}?done=created", user.id)))
}

fn unknown_password() -> String {
    let random = rand::rng().sample_iter(Alphanumeric);
    random.take(40).map(char::from).collect()
}

fn new_user(desk: &Desk, sent: &Fields, errors: &FieldErrors) -> NewUserPage {
    let value = |name: &str| sent.get(name).unwrap_or_default();
    let chosen = value("role");
    let roles = if desk.role() == Role::Owner {
        Role::ALL.to_vec()
    } else {
        vec![Role::User]
    };
    let fields = [
        Field::text("email", "Email address", value("email"))
            .kind("email")
            .required(),
        Field::text("username", "Username", value("username"))
            .help("Left empty, it is made from the email address."),
        Field::password("password", "Password")
            .help("Left empty, you get a link by which the person sets one."),
    ];
    NewUserPage {
        shell: desk.shell(Section::Users, "New user"),
        fields: fields.map(|field| field.judged(errors)).into(),
        roles: roles
            .into_iter()
            .map(|role| choice((role.as_str(), role.as_str(), role.as_str() == chosen)))
            .collect(),
    }
}
