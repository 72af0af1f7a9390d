//! Who may do what in the panel: one row for each page and action, one column for each role.

use crate::support::{Browser, PASSWORD, TestApp, User};
use doorward_domain::Role;
use serde_json::json;
use std::collections::BTreeSet;

/// What a stranger, an admin and an owner get, and whom it is about: somebody of the role behind `#`, else a user.
#[rustfmt::skip]
const TABLE: [(&str, &str, [u16; 3]); 35] = [
    ("GET",  "/admin",                                       [303, 200, 200]),
    ("GET",  "/admin/login",                                 [200, 303, 303]),
    ("POST", "/admin/login",                                 [303, 403, 403]),
    ("POST", "/admin/logout",                                [303, 303, 303]),
    ("GET",  "/admin/password",                              [404, 404, 404]),
    ("POST", "/admin/password",                              [404, 403, 403]),
    ("GET",  "/admin/users",                                 [303, 200, 200]),
    ("GET",  "/admin/users/new",                             [303, 200, 200]),
    ("POST", "/admin/users/new",                             [303, 303, 303]),
    ("POST", "/admin/users/new#admin",                       [303, 403, 303]),
    ("GET",  "/admin/users/{id}",                            [303, 200, 200]),
    ("GET",  "/admin/users/{id}#owner",                      [303, 200, 200]),
    ("POST", "/admin/users/{id}",                            [303, 303, 303]),
    ("POST", "/admin/users/{id}#owner",                      [303, 403, 303]),
    ("POST", "/admin/users/{id}/activate",                   [303, 303, 303]),
    ("POST", "/admin/users/{id}/deactivate",                 [303, 303, 303]),
    ("POST", "/admin/users/{id}/deactivate#owner",           [303, 403, 303]),
    ("POST", "/admin/users/{id}/password-link",              [303, 200, 200]),
    ("POST", "/admin/users/{id}/password-link#owner",        [303, 403, 200]),
    ("POST", "/admin/users/{id}/sessions/end",               [303, 303, 303]),
    ("POST", "/admin/users/{id}/sessions/end#owner",         [303, 403, 303]),
    ("POST", "/admin/users/{id}/sessions/{session}/end",     [303, 303, 303]),
    ("POST", "/admin/users/{id}/api-keys/{key}/delete",      [303, 303, 303]),
    ("GET",  "/admin/tasks",                                 [303, 200, 200]),
    ("GET",  "/admin/tasks/{id}",                            [303, 200, 200]),
    ("POST", "/admin/tasks/{id}/cancel",                     [303, 303, 303]),
    ("POST", "/admin/tasks/{id}/cancel#owner",               [303, 403, 303]),
    ("POST", "/admin/tasks/{id}/run-again",                  [303, 409, 409]),
    ("GET",  "/admin/settings",                              [303, 403, 200]),
    ("POST", "/admin/settings",                              [303, 403, 409]),
    ("POST", "/admin/settings/undo",                         [303, 404, 404]),
    ("GET",  "/admin/constance/config",                      [308, 308, 308]),
    ("GET",  "/admin/audit",                                 [303, 200, 200]),
    ("GET",  "/admin/audit.csv",                             [303, 200, 200]),
    ("GET",  "/admin/assets/panel.css",                      [200, 200, 200]),
];

/// One who is new for each try.
struct Try {
    browser: Browser,
    target: User,
    key: String,
    task: String,
}

impl Try {
    async fn new(app: &TestApp, name: &str, role: Option<Role>, of_target: Role) -> Self {
        let target = app.somebody(&format!("target-{name}"), of_target).await;
        let key = target.issue(&["profile:read"]).await.id;
        let body = json!({ "name": "later", "scheduled_at": "2099-01-01T00:00:00Z" });
        let task = target.post("/api/v1/tasks", body).await.expect(201);
        let mut browser = Browser::new(app);
        browser.get("/admin/login").await;
        if let Some(role) = role {
            app.somebody(&format!("caller-{name}"), role).await;
            browser = Browser::of(app, &format!("caller-{name}")).await;
        }
        Self {
            browser,
            target,
            key,
            task: task.text("id"),
        }
    }
}

#[tokio::test]
async fn every_page_and_action_answers_every_role_as_the_table_says() {
    let app = TestApp::start().await;
    app.owner().await;
    for (row, (method, route, statuses)) in TABLE.into_iter().enumerate() {
        let of_target = match route.split_once('#') {
            Some((_, "owner")) => Role::Owner,
            Some(_) | None => Role::User,
        };
        let callers = [None, Some(Role::Admin), Some(Role::Owner)];
        for (caller, expected) in callers.into_iter().zip(statuses) {
            let name = format!("{row}{}", caller.map_or("stranger", Role::as_str));
            let mut it = Try::new(&app, &name, caller, of_target).await;
            let claims = crate::support::claims(&it.target.access);
            let path = route
                .replace(
                    "{id}",
                    if route.contains("/tasks") {
                        &it.task
                    } else {
                        &it.target.id
                    },
                )
                .replace("{session}", claims["sid"].as_str().unwrap())
                .replace("{key}", &it.key);
            let path = path.split('#').next().unwrap();
            let email = format!("new-{name}@example.com");
            let role = if route.ends_with("#admin") {
                "admin"
            } else {
                ""
            };
            let fields = match route.split('#').next().unwrap() {
                "/admin/login" => vec![("username", "owner"), ("password", PASSWORD)],
                "/admin/users/new" => {
                    vec![("email", &*email), ("password", PASSWORD), ("role", role)]
                }
                "/admin/users/{id}" => vec![("email", &*email)],
                _ => vec![],
            };
            let answer = match method {
                "GET" => it.browser.get(path).await,
                _ => it.browser.post(path, &fields).await,
            };
            assert_eq!(answer.status, expected, "{caller:?}: {answer}");
            if caller.is_none() && expected == 303 && path != "/admin/login" {
                let login = answer.header("location").unwrap();
                assert!(login.starts_with("/admin/login"), "{answer}");
            }
        }
    }
}

#[test]
fn every_page_has_a_row() {
    let mut pages = BTreeSet::new();
    for (path, methods) in doorward_admin::routes() {
        for method in methods.iter().filter(|method| *method != "HEAD") {
            pages.insert((method.to_string(), path.clone()));
        }
    }
    let rows = TABLE.iter().filter(|(_, route, _)| !route.contains('#'));
    let rows = rows.map(|(method, route, _)| ((*method).to_owned(), (*route).to_owned()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), pages);
}
