//! Who may do what: one row for each route, one column for each caller.

use crate::support::{ApiKey, Client, PASSWORD, TestApp, User};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Who calls.
const CALLERS: [&str; 6] = [
    "anonymous",
    "user",
    "admin",
    "owner",
    "deactivated",
    "garbage",
];

/// And the scope of an owner's API key, which calls after them. A key of more rights there is none.
const SCOPES: [&str; 5] = [
    "profile:read",
    "profile:write",
    "users:read",
    "tasks:read",
    "tasks:write",
];

/// The status that each of [`CALLERS`] gets, and the key of each of [`SCOPES`]. The body is such that a caller who may do
/// it succeeds.
#[rustfmt::skip]
const TABLE: [(&str, &str, [u16; 6], [u16; 5]); 69] = [
    ("GET",    "/api/v1/user/me",                            [401, 200, 200, 200, 401, 401], [200, 403, 403, 403, 403]),
    ("PUT",    "/api/v1/user/me",                            [401, 200, 200, 200, 401, 401], [403, 200, 403, 403, 403]),
    ("PATCH",  "/api/v1/user/me",                            [401, 200, 200, 200, 401, 401], [403, 200, 403, 403, 403]),
    ("DELETE", "/api/v1/user/me",                            [401, 204, 204, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/user/refresh",                       [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/v1/user/login",                         [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/v1/user/create",                        [201, 201, 201, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/user/logout",                        [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/user/logout-all",                    [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/user/password",                      [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/user/sessions",                      [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/user/sessions/{id}",                 [401, 204, 204, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/users",                              [200, 200, 200, 200, 401, 401], [403, 403, 200, 403, 403]),
    ("GET",    "/api/v1/users/{id}",                         [401, 403, 200, 200, 401, 401], [403, 403, 200, 403, 403]),
    ("PATCH",  "/api/v1/users/{id}",                         [401, 403, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/users/{id}",                         [401, 403, 204, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/api-keys",                           [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/api-keys",                           [401, 201, 201, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/api-keys/{id}",                     [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("PATCH",  "/api/v1/api-keys/{id}",                     [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/api-keys/{id}",                     [401, 204, 204, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/api-keys/{id}/regenerate",          [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/users/{id}/api-keys",                [401, 403, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/users/{id}/api-keys/{key_id}",       [401, 403, 204, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/api-keys/verify",                    [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/v1/webhook-secret",                     [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/webhook-secret",                     [401, 201, 201, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/auth/forward",                       [401, 200, 200, 200, 401, 401], [200, 200, 200, 200, 200]),
    ("GET",    "/api/v1/tasks",                              [401, 200, 200, 200, 401, 401], [403, 403, 403, 200, 403]),
    ("POST",   "/api/v1/tasks",                              [401, 201, 201, 201, 401, 401], [403, 403, 403, 403, 201]),
    ("GET",    "/api/v1/tasks/{id}",                         [401, 200, 200, 200, 401, 401], [403, 403, 403, 200, 403]),
    ("DELETE", "/api/v1/tasks/{id}",                         [401, 204, 204, 204, 401, 401], [403, 403, 403, 403, 204]),
    ("GET",    "/api/v1/tasks/{id}/status",                  [401, 200, 200, 200, 401, 401], [403, 403, 403, 200, 403]),
    ("POST",   "/api/v1/tasks/{id}/cancel",                  [401, 200, 200, 200, 401, 401], [403, 403, 403, 403, 200]),
    ("GET",    "/api/v1/settings",                           [401, 403, 403, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("PATCH",  "/api/v1/settings",                           [401, 403, 403, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/v1/audit",                              [401, 403, 200, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/auth/token",                         [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/v1/auth/token/refresh",                 [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/v1/auth/token/verify",                  [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/v1/auth/token/blacklist",               [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/me",                                    [401, 200, 200, 200, 401, 401], [200, 403, 403, 403, 403]),
    ("PUT",    "/api/me",                                    [401, 200, 200, 200, 401, 401], [403, 200, 403, 403, 403]),
    ("GET",    "/api/profile",                               [401, 200, 200, 200, 401, 401], [200, 403, 403, 403, 403]),
    ("POST",   "/api/refresh",                               [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/token/refresh",                         [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/login",                                 [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/logout",                                [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("POST",   "/api/register",                              [201, 201, 201, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/account/create",                        [201, 201, 201, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("GET",    "/api/users",                                 [401, 403, 200, 200, 401, 401], [403, 403, 200, 403, 403]),
    ("GET",    "/api/health",                                [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/v1/health",                             [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/.well-known/jwks.json",                     [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api",                       [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/docs",                  [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/docs/{file}",           [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/api/openapi.json",          [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/livez",                                     [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/readyz",                                    [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    ("GET",    "/metrics",                                   [200, 200, 200, 200, 200, 200], [200, 200, 200, 200, 200]),
    // What only owners do:
    ("DELETE", "/api/v1/users/{id}/api-keys/{key_id}#admin", [401, 403, 403, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/users/{id}/api-keys/{key_id}#owner", [401, 403, 403, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("POST",   "/api/v1/user/create#role",                   [403, 403, 403, 201, 401, 401], [403, 403, 403, 403, 403]),
    ("PATCH",  "/api/v1/users/{id}#role",                    [401, 403, 403, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("PATCH",  "/api/v1/users/{id}#admin",                   [401, 403, 403, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/users/{id}#admin",                   [401, 403, 403, 204, 401, 401], [403, 403, 403, 403, 403]),
    ("PATCH",  "/api/v1/users/{id}#owner",                   [401, 403, 403, 200, 401, 401], [403, 403, 403, 403, 403]),
    ("DELETE", "/api/v1/users/{id}#owner",                   [401, 403, 403, 204, 401, 401], [403, 403, 403, 403, 403]),
];

/// Those whom a row is tried with, all of them new.
struct Cast {
    callers: Vec<Client>,
    /// Of the caller, or of somebody else where the caller has none.
    refresh: Vec<String>,
    sessions: Vec<String>,
    keys: Vec<ApiKey>,
    logins: Vec<User>,
    victims_key: ApiKey,
    victim: User,
}

impl Cast {
    /// `stamp` makes their names new.
    async fn new(app: &TestApp, stamp: &str, victim: doorward_domain::Role) -> Self {
        use doorward_domain::Role;
        let name = |who: &str| format!("{who}{stamp}");
        let user = app.user(&name("user")).await;
        let admin = app.somebody(&name("admin"), Role::Admin).await;
        let owner = app.somebody(&name("owner"), Role::Owner).await;
        // Another owner: what the owner before has done must not count.
        let holder = app.somebody(&name("holder"), Role::Owner).await;
        let gone = app.user(&name("gone")).await;
        let victim = app.somebody(&name("victim"), victim).await;
        owner
            .patch(
                &format!("/api/v1/users/{}", gone.id),
                json!({ "is_active": false }),
            )
            .await
            .expect(200);
        let garbage = app.anon().with_token("garbage");
        let logins = [&victim, &user, &admin, &owner, &victim, &victim];
        let holders = std::iter::repeat_n(&holder, SCOPES.len());
        let logins: Vec<&User> = logins.into_iter().chain(holders).collect();
        let session = |login: &&User| {
            let claims = crate::support::claims(&login.access);
            claims["sid"].as_str().expect("a session").to_owned()
        };
        let mut keys = Vec::new();
        for login in &logins {
            keys.push(login.issue(&SCOPES).await);
        }
        let mut callers = vec![
            app.anon(),
            Client::clone(&user),
            Client::clone(&admin),
            Client::clone(&owner),
            Client::clone(&gone),
            garbage,
        ];
        for scope in SCOPES {
            callers.push(app.anon().with_key(&holder.issue(&[scope]).await.key));
        }
        Self {
            refresh: logins.iter().map(|login| login.refresh.clone()).collect(),
            sessions: logins.iter().map(session).collect(),
            victims_key: victim.issue(&SCOPES).await,
            keys,
            logins: logins.into_iter().cloned().collect(),
            callers,
            victim,
        }
    }

    /// A body with which a caller who may do it succeeds, if it takes one.
    fn body(&self, method: &str, route: &str, stamp: &str, column: usize) -> Option<Value> {
        let name = format!("new{stamp}x{column}");
        let address = format!("{name}@example.com");
        let body = match (method, route) {
            ("POST", "/api/v1/user/create" | "/api/register" | "/api/account/create") => {
                json!({ "email": address, "password": PASSWORD })
            }
            ("POST", "/api/v1/user/create#role") => {
                json!({ "email": address, "password": PASSWORD, "role": "owner" })
            }
            ("POST", "/api/v1/user/login" | "/api/v1/auth/token" | "/api/login") => {
                json!({ "username": self.victim.username, "password": PASSWORD })
            }
            (
                "POST",
                "/api/v1/user/refresh" | "/api/v1/user/logout" | "/api/refresh" | "/api/logout",
            ) => json!({ "refresh_token": self.refresh[column] }),
            ("POST", "/api/v1/auth/token/verify") => json!({ "token": self.refresh[column] }),
            (
                "POST",
                "/api/v1/auth/token/refresh"
                | "/api/v1/auth/token/blacklist"
                | "/api/token/refresh",
            ) => json!({ "refresh": self.refresh[column] }),
            ("POST", "/api/v1/user/password") => {
                json!({ "current_password": PASSWORD, "new_password": "Eiffel-gustav-1889-b" })
            }
            ("POST", "/api/v1/api-keys") | ("PATCH", "/api/v1/api-keys/{id}") => {
                json!({ "name": "another" })
            }
            ("POST", "/api/v1/tasks") => crate::tasks::later(),
            ("POST", "/api/v1/api-keys/verify") => json!({ "key": self.keys[column].key }),
            ("DELETE", "/api/v1/user/me") => json!({ "current_password": PASSWORD }),
            ("PATCH", "/api/v1/settings") => json!({ "STEP_UP_WINDOW": 300 }),
            ("PUT" | "PATCH", route) if route.ends_with("#role") => json!({ "role": "admin" }),
            ("PUT" | "PATCH", _) => json!({ "username": name }),
            _ => return None,
        };
        Some(body)
    }
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    use doorward_domain::Role;
    let app = TestApp::start().await;
    app.owner().await;
    for (row, (method, route, statuses, of_keys)) in TABLE.into_iter().enumerate() {
        let changes = !matches!(method, "GET") && !route.ends_with("/refresh");
        let mut cast = None;
        for (column, expected) in statuses.into_iter().chain(of_keys).enumerate() {
            // Whoever succeeds may leave nothing behind for the next one.
            if cast.is_none() || (changes && expected < 300) {
                let victim = match route.split_once('#') {
                    Some((_, "admin")) => Role::Admin,
                    Some((_, "owner")) => Role::Owner,
                    Some(_) | None => Role::User,
                };
                cast = Some(Cast::new(&app, &format!("{row}-{column}"), victim).await);
            }
            let cast = cast.as_ref().unwrap();
            let task;
            let id = if route.starts_with("/api/v1/tasks/") {
                task = crate::tasks::make(&cast.logins[column]).await;
                &task
            } else if route.contains("sessions") {
                &cast.sessions[column]
            } else if route.starts_with("/api/v1/api-keys") {
                &cast.keys[column].id
            } else {
                &cast.victim.id
            };
            let path = route.replace("{id}", id);
            let path = path
                .replace("{key_id}", &cast.victims_key.id)
                .replace("{file}", "page.js");
            let path = path.split('#').next().unwrap();
            let request = cast.callers[column].request(method, path);
            let answer = match cast.body(method, route, &format!("{row}"), column) {
                None => request.await,
                Some(body) => request.json(&body).await,
            };
            let who = CALLERS.iter().chain(&SCOPES).nth(column);
            assert_eq!(answer.status, expected, "{who:?}: {answer}");
        }
    }
}

#[test]
fn every_route_has_a_row() {
    let mut routes = BTreeSet::new();
    for (path, methods) in doorward_api::routes() {
        for method in methods.iter().map(ToString::to_string) {
            if !["HEAD", "OPTIONS"].contains(&method.as_str()) {
                routes.insert((method, path.clone()));
            }
        }
    }
    let rows = TABLE.iter().filter(|(_, route, ..)| !route.contains('#'));
    let rows = rows.map(|(method, route, ..)| ((*method).to_owned(), (*route).to_owned()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), routes);
}

/// What an answer means to who reads the table.
fn meaning(status: u16) -> &'static str {
    match status {
        200..300 => "yes",
        401 => "401",
        403 => "403",
        other => panic!("{other} has no word in the table"),
    }
}

/// The table as people read it.
fn published() -> String {
    let callers = CALLERS.iter().map(|who| (*who).to_owned());
    let scopes = SCOPES.iter().map(|scope| format!("key: {scope}"));
    let columns: Vec<String> = callers.chain(scopes).collect();
    let mut text = format!(
        "# Who may do what\n\n{ABOUT}\n\n| | | {} |\n|---|---|{}\n",
        columns.join(" | "),
        "---|".repeat(columns.len()),
    );
    for (method, route, statuses, of_keys) in TABLE {
        let (path, about) = route.split_once('#').unwrap_or((route, ""));
        let about = match about {
            "" => String::new(),
            "role" => " with a `role`".to_owned(),
            whose => format!(" of an {whose}"),
        };
        let cells: Vec<_> = statuses.into_iter().chain(of_keys).map(meaning).collect();
        writeln!(
            text,
            "| {method} | `{path}`{about} | {} |",
            cells.join(" | ")
        )
        .expect("room");
    }
    text
}

const ABOUT: &str = "\
What each route answers each kind of caller who sends what the route asks for: `yes`, or the status of the refusal.
`deactivated` has a token of an account that was deactivated, `garbage` one that is none; a key is an owner's with that
one scope. Routes that are for anyone do not look at credentials. The test `permissions` asks a server for every cell, fails
on a route that has no row, and holds this page against its table.";

#[test]
fn the_published_table_is_the_one_that_is_tested() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
    let (expected, found) = (
        published(),
        std::fs::read_to_string(page).unwrap_or_default(),
    );
    if found != expected {
        let made = concat!(env!("CARGO_TARGET_TMPDIR"), "/permissions.md");
        std::fs::write(made, expected).expect("room for the page");
        panic!("docs/permissions.md is not what the table says: copy {made} there");
    }
}
