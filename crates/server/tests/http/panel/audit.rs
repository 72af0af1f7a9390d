//! The audit log in the panel.

use crate::support::{Browser, Database, PASSWORD, TestApp};
use chrono::TimeDelta;
use doorward_services::Clock;

#[tokio::test]
async fn events_are_found_by_person_action_and_time() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    app.clock.advance(TimeDelta::hours(1));
    app.anon()
        .login("ada", "wrong-Password-1")
        .await
        .expect(401);
    let mut browser = Browser::of(&app, "owner").await;
    browser
        .post(&format!("/admin/users/{}/sessions/end", ada.id), &[])
        .await
        .expect(303);
    let mut shown = async |query: &str| {
        let page = browser
            .get(&format!("/admin/audit?{query}"))
            .await
            .expect(200);
        let row = |action: &&str| page.body.contains(&format!("<code>{action}</code>"));
        let actions = [
            "user.registered",
            "login.succeeded",
            "login.failed",
            "session.all_ended",
        ];
        actions.into_iter().filter(row).collect::<Vec<_>>()
    };
    let all = [
        "user.registered",
        "login.succeeded",
        "login.failed",
        "session.all_ended",
    ];
    assert_eq!(shown("").await, all);
    assert_eq!(shown("action=login.failed").await, ["login.failed"]);
    assert_eq!(shown("person=ada").await, ["login.succeeded"]);
    assert_eq!(shown("person=ADA%40example.com&part=subject").await, all);
    assert_eq!(
        shown(&format!(
            "person={}&part=subject&action=session.all_ended",
            ada.id
        ))
        .await,
        ["session.all_ended"]
    );
    assert_eq!(shown("person=nobody").await, [""; 0]);
    assert_eq!(shown("since=x").await, [""; 0]);
    let later = app.clock.now().format("%Y-%m-%dT%H:%M").to_string();
    assert_eq!(
        shown(&format!("until={later}&person=ada")).await,
        ["login.succeeded"]
    );
    assert_eq!(
        shown(&format!("since={later}&action=user.registered")).await,
        [""; 0]
    );
}

#[tokio::test]
async fn what_the_panel_does_stands_in_the_log_with_its_actor() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let ada = app.user("ada").await;
    Browser::new(&app).log_in("ada", PASSWORD).await.expect(403);
    let mut browser = Browser::of(&app, "owner").await;
    let path = format!("/admin/users/{}", ada.id);
    browser
        .post(&format!("{path}/password-link"), &[])
        .await
        .expect(200);
    browser
        .post(&format!("{path}/deactivate"), &[])
        .await
        .expect(303);
    browser.post("/admin/logout", &[]).await.expect(303);
    let events = owner.get("/api/v1/audit?limit=20").await.items();
    for (action, detail) in [
        ("login.failed", "role_too_low"),
        ("user.password_link_made", "expires_at"),
        ("user.deactivated", "sessions_ended"),
        ("session.logged_out", "session"),
    ] {
        let event = events.iter().find(|event| event["action"] == action);
        let event = event.unwrap_or_else(|| panic!("no {action} in {events:?}"));
        assert!(event["details"].to_string().contains(detail), "{event}");
        assert_eq!(event["ip_address"], "127.0.0.1", "{event}");
        assert!(event["request_id"].is_string(), "{event}");
        if action != "login.failed" {
            assert_eq!(event["actor_id"], owner.id.as_str(), "{event}");
        }
    }
}

#[tokio::test]
async fn the_export_has_every_page_and_no_formula() {
    let app = TestApp::start().await;
    app.owner().await;
    app.user("ada").await;
    for _ in 0..3 {
        let login = app
            .anon()
            .login("ada", PASSWORD)
            .header("user-agent", "=cmd|' /C calc'!A0");
        login.await.expect(200);
    }
    let (id, at) = match Database::of_this_run() {
        Database::Sqlite => ("randomblob(16)", "1700000000000000"),
        Database::Postgres => ("gen_random_uuid()", "timestamptz '2023-11-14'"),
    };
    app.database.execute(&format!(
        "INSERT INTO audit_events (id, at, action, details) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
         SELECT {id}, {at}, 'login.failed', '{{}}' FROM n",
    ));
    let mut browser = Browser::of(&app, "owner").await;
    let csv = browser.get("/admin/audit.csv").await.expect(200);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"audit.csv\"")
    );
    assert_eq!(csv.header("cache-control"), Some("no-store"));
    assert!(
        csv.body.starts_with("id,at,action,actor_id,"),
        "{:.99}",
        csv.body
    );
    assert!(
        csv.body.lines().count() > 2500,
        "{}",
        csv.body.lines().count()
    );
    assert_eq!(csv.body.matches("\"'=cmd|").count(), 3);
    assert_eq!(csv.body.matches("\"=cmd|").count(), 0);
    let some = browser.get("/admin/audit.csv?action=user.registered").await;
    assert_eq!(some.body.lines().count(), 2, "{some}");
    let none = browser.get("/admin/audit.csv?person=nobody").await;
    assert_eq!(none.body.lines().count(), 1, "{none}");
}
