//! How every page looks, on a telephone and on a desk, by day and by night.

use crate::accessibility::assert_accessible;
use crate::chrome::{Chrome, Scheme};
use crate::server::Server;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};

/// People, sessions, keys and what they have done.
async fn furnish(server: &Server) -> (String, String) {
    server.create("grace", "admin");
    for name in [
        "alan",
        "barbara",
        "dorothy",
        "edsger",
        "john.von.neumann",
        "katherine",
    ] {
        server.user(name).await;
    }
    let ada = server.user("ada").await;
    for (name, scopes) in [
        ("Backup of the night", json!(["profile:read", "users:read"])),
        (
            "Deployment",
            json!(["profile:read", "profile:write", "tasks:read", "tasks:write"]),
        ),
    ] {
        let body = json!({ "name": name, "scopes": scopes });
        let (status, _) = server
            .ask("POST", "/api/v1/api-keys", Some(&ada), body)
            .await;
        assert_eq!(status, 201);
    }
    let (_, me) = server
        .ask("GET", "/api/v1/user/me", Some(&ada), Value::Null)
        .await;
    let owner = server.login("owner").await;
    let (_, users) = server
        .ask(
            "GET",
            "/api/v1/users?search=edsger",
            Some(&owner),
            Value::Null,
        )
        .await;
    let path = format!("/api/v1/users/{}", users[0]["id"].as_str().unwrap());
    server
        .ask("PATCH", &path, Some(&owner), json!({ "is_active": false }))
        .await;
    let failed = schedule(server, &ada).await;
    (me["id"].as_str().unwrap().to_owned(), failed)
}

/// A task of each status; the path of one that has failed.
async fn schedule(server: &Server, token: &str) -> String {
    let hook = "https://hooks.example.com/report";
    for (name, payload) in [
        ("Send the newsletter of December", json!({ "url": hook })),
        ("Warm the caches", json!({})),
        (
            "Nightly report",
            json!({ "url": hook, "body": { "of": "yesterday" } }),
        ),
        ("Close the books", json!({ "quarter": 4 })),
        ("Remind of the invoice", json!({ "invoice": "2026-1107" })),
    ] {
        let repeat = json!({ "cron": "30 2 * * MON-FRI", "timezone": "Europe/Berlin" });
        let body = json!({
            "name": name, "payload": payload, "scheduled_at": "2099-12-01T06:30:00Z",
            "repeat": (name == "Nightly report").then_some(repeat),
        });
        let (status, made) = server.ask("POST", "/api/v1/tasks", Some(token), body).await;
        assert_eq!(status, 201, "{made}");
    }
    let file = server.database();
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let run = "UPDATE tasks SET kind = 'webhook' WHERE payload LIKE '%hooks.example.com%'; \
         UPDATE tasks SET status = 'running', started_at = created_at, attempts = 1 WHERE name LIKE 'Warm%'; \
         UPDATE tasks SET due_at = NULL, finished_at = created_at + 2000000, started_at = created_at, attempts = 5, \
         status = 'failed', error = 'The answer was 503.' WHERE name LIKE 'Send%'; \
         UPDATE tasks SET due_at = NULL, finished_at = created_at + 2000000, started_at = created_at, attempts = 1, \
         status = 'completed', result = '{\"entries\":1204}' WHERE name LIKE 'Close%'; \
         UPDATE tasks SET due_at = NULL, finished_at = created_at, status = 'cancelled' WHERE name LIKE 'Remind%'";
    connection.batch_execute(run).unwrap();
    let (_, failed) = server
        .ask(
            "GET",
            "/api/v1/tasks?status=failed",
            Some(token),
            Value::Null,
        )
        .await;
    format!("/admin/tasks/{}", failed[0]["id"].as_str().unwrap())
}

/// Sign-ins and failures of a month, as the audit log counts them.
fn record(server: &Server) {
    let file = server.database();
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let month = "INSERT OR IGNORE INTO audit_hours (hour, action, count) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 720) \
         SELECT (unixepoch() / 3600 - i) * 3600000000, 'login.succeeded', \
         40 + 30 * (i % 24 BETWEEN 6 AND 15) + i * 7 % 23 FROM n UNION ALL \
         SELECT (unixepoch() / 3600 - i) * 3600000000, 'login.failed', i * 13 % 9 FROM n";
    connection.batch_execute(month).unwrap();
}

/// The present page in every way of looking at it.
async fn look(chrome: &Chrome, name: &str) {
    for width in [390, 1280] {
        for scheme in [Scheme::Light, Scheme::Dark] {
            chrome.look(width, scheme).await;
            let shown = format!("{name}-{width}-{}", scheme.name());
            chrome.picture(&shown).await;
            let wide = chrome
                .script("return document.documentElement.scrollWidth")
                .await;
            assert!(
                wide.as_u64().unwrap() <= width.into(),
                "{shown} is {wide} wide"
            );
            assert_accessible(chrome, &shown).await;
        }
    }
}

#[tokio::test]
async fn every_page_is_accessible_and_fits_a_telephone_and_a_desk() {
    let server = Server::start();
    let (ada, failed) = furnish(&server).await;
    let chrome = Chrome::start(&server).await;
    chrome.open("/admin/").await;
    look(&chrome, "login").await;
    chrome.fill("username", "owner").await;
    chrome.fill("password", "wrong").await;
    chrome.press("Log in").await;
    look(&chrome, "login-refused").await;
    chrome.assert_clean(&["status of 401"]).await;
    chrome.log_in("owner").await;
    record(&server);
    for (name, path) in [
        ("overview", "/admin/"),
        ("users", "/admin/users"),
        ("users-none", "/admin/users?search=nobody"),
        ("new-user", "/admin/users/new"),
        ("user", &format!("/admin/users/{ada}")),
        ("tasks", "/admin/tasks"),
        (
            "tasks-none",
            "/admin/tasks?user=00000000-0000-7000-8000-000000000000",
        ),
        ("task", &failed),
        ("settings", "/admin/settings"),
        ("audit", "/admin/audit"),
        ("audit-none", "/admin/audit?person=nobody"),
    ] {
        chrome.open(path).await;
        look(&chrome, name).await;
        chrome.assert_clean(&[]).await;
    }
    chrome.open("/admin/settings").await;
    chrome.fill("ACCESS_TOKEN_LIFETIME", "30").await;
    chrome.press("Save").await;
    chrome.fill("ACCESS_TOKEN_LIFETIME", "3").await;
    chrome.press("Save").await;
    look(&chrome, "settings-refused").await;
    chrome.open(&format!("/admin/users/{ada}")).await;
    chrome.press("Make a link").await;
    look(&chrome, "link").await;
    let link = chrome
        .script("return document.getElementById('link').value")
        .await;
    let link = link
        .as_str()
        .unwrap()
        .strip_prefix(&server.origin)
        .unwrap()
        .to_owned();
    chrome.open(&link).await;
    look(&chrome, "password").await;
    chrome.open(&format!("/admin/users/{ada}")).await;
    chrome.fill("username", "grace").await;
    chrome.press("Save").await;
    look(&chrome, "user-refused").await;
    chrome.assert_clean(&["status of 400"]).await;
    chrome.open("/admin/nothing").await;
    look(&chrome, "not-found").await;
    chrome.assert_clean(&["status of 404"]).await;
    chrome.quit().await;
}
