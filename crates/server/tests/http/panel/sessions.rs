//! Who is in the panel, and for how long.

use crate::support::{Browser, PASSWORD, TestApp, set_cookies, until};
use chrono::TimeDelta;
use doorward_domain::Role;
use serde_json::json;
use std::time::Duration;

const COOKIE: &str = "doorward_admin";

#[tokio::test]
async fn a_stranger_is_asked_to_log_in_and_led_back() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::new(&app);
    let asked = browser.get("/admin/users?role=admin").await.expect(303);
    let login = asked.header("location").unwrap();
    assert_eq!(login, "/admin/login?next=/admin/users%3Frole%3Dadmin");
    let page = browser.get(login).await.expect(200);
    assert!(
        page.body.contains("value=\"/admin/users?role=admin\""),
        "{page}"
    );
    let fields = [
        ("username", "owner"),
        ("password", PASSWORD),
        ("next", "/admin/users?role=admin"),
    ];
    let inside = browser.post("/admin/login", &fields).await.expect(303);
    assert_eq!(inside.header("location"), Some("/admin/users?role=admin"));
    browser.get("/admin/users?role=admin").await.expect(200);
    let again = browser.get("/admin/login?next=//evil.example").await;
    assert_eq!(again.expect(303).header("location"), Some("/admin/"));
}

#[tokio::test]
async fn the_cookie_is_for_this_panel_alone() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::new(&app);
    browser.get("/admin/login").await;
    let inside = browser.log_in("owner", PASSWORD).await.expect(303);
    let cookies = set_cookies(&inside);
    let flags = "; Path=/admin; HttpOnly; SameSite=Strict";
    assert_eq!(cookies.len(), 1, "{inside}");
    assert!(cookies[0].starts_with("doorward_admin="), "{inside}");
    assert!(cookies[0].ends_with(flags), "{inside}");
}

#[tokio::test]
async fn behind_tls_the_cookie_is_for_tls_and_this_host_alone() {
    let app = crate::support::Setup::new().tls().start().await;
    app.owner().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/admin/login").await;
    let inside = browser.log_in("owner", PASSWORD).await.expect(303);
    for cookie in set_cookies(&page).into_iter().chain(set_cookies(&inside)) {
        assert!(cookie.starts_with("__Host-doorward_"), "{cookie}");
        assert!(
            cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"),
            "{cookie}"
        );
    }
    browser.get("/admin/").await.expect(200);
}

#[tokio::test]
async fn who_cannot_log_in_learns_no_more_than_that() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let gone = app.somebody("gone", Role::Admin).await;
    let path = format!("/api/v1/users/{}", gone.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    let mut bodies = Vec::new();
    for (name, password) in [
        ("nobody", PASSWORD),
        ("owner", "Not-the-password-7"),
        ("gone", PASSWORD),
        ("owner", ""),
    ] {
        let mut browser = Browser::new(&app);
        let refused = browser.log_in(name, password).await.expect(401);
        assert_eq!(browser.cookies.get(COOKIE), None);
        let body = refused.body.replace(&format!("value=\"{name}\""), "");
        bodies.push(body.replace(&browser.form_token, ""));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
}

#[tokio::test]
async fn a_plain_user_is_turned_away_and_has_no_session() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::new(&app);
    let refused = browser.log_in("ada", PASSWORD).await.expect(403);
    assert!(refused.body.contains("for admins and owners"), "{refused}");
    assert_eq!(browser.cookies.get(COOKIE), None);
    assert_eq!(ada.get("/api/v1/user/sessions").await.items().len(), 1);
    browser.get("/admin/").await.expect(303);
}

#[tokio::test]
async fn a_login_begins_anew_whatever_cookie_was_there() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let mut before = browser.clone();
    browser.log_in("owner", PASSWORD).await.expect(303);
    assert_ne!(browser.cookies[COOKIE], before.cookies[COOKIE]);
    browser.get("/admin/").await.expect(200);
    before.get("/admin/").await.expect(303);
    assert_eq!(owner.get("/api/v1/user/sessions").await.items().len(), 2);
}

#[tokio::test]
async fn a_forged_or_cut_cookie_is_nobodys() {
    let app = TestApp::start().await;
    app.owner().await;
    let browser = Browser::of(&app, "owner").await;
    let good = browser.cookies[COOKIE].clone();
    let mut changed = good.clone().into_bytes();
    changed[5] = if changed[5] == b'A' { b'B' } else { b'A' };
    let visit = browser.cookies["doorward_visit"].clone();
    let long = format!("{good}AAAA");
    for forged in [
        "",
        "x",
        &good[..good.len() - 2],
        &long,
        str::from_utf8(&changed).unwrap(),
        &visit,
        "é",
    ] {
        let mut other = browser.clone();
        other.cookies.insert(COOKIE.into(), forged.into());
        other.get("/admin/").await.expect(303);
    }
    let as_token = app.anon().with_token(&good);
    as_token.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_for_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(14));
        let page = browser.get("/admin/").await.expect(200);
        assert_eq!(set_cookies(&page).len(), 1, "{page}");
    }
    let page = browser.get("/admin/").await.expect(200);
    assert_eq!(set_cookies(&page).len(), 0, "{page}");
    app.clock.advance(TimeDelta::minutes(15));
    let asked = browser.get("/admin/").await.expect(303);
    assert_eq!(asked.header("location"), Some("/admin/login?next=/admin"));
}

#[tokio::test]
async fn a_session_ends_after_eight_hours_however_busy_it_is() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    for _ in 0..47 {
        app.clock.advance(TimeDelta::minutes(10));
        browser.get("/admin/").await.expect(200);
    }
    app.clock.advance(TimeDelta::minutes(10));
    browser.get("/admin/").await.expect(303);
}

#[tokio::test]
async fn a_logout_ends_the_session_for_whoever_has_the_cookie() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let mut thief = browser.clone();
    let out = browser.post("/admin/logout", &[]).await.expect(303);
    assert_eq!(out.header("location"), Some("/admin/login?done=logged-out"));
    assert_eq!(browser.cookies.get(COOKIE), None);
    thief.get("/admin/").await.expect(303);
}

#[tokio::test]
async fn whatever_ends_sessions_ends_that_of_the_panel_at_once() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for way in ["all", "one", "password", "inactive", "demoted", "deleted"] {
        let admin = app.somebody(&format!("admin-{way}"), Role::Admin).await;
        let mut browser = Browser::of(&app, &admin.username).await;
        let path = format!("/api/v1/users/{}", admin.id);
        match way {
            "all" => admin
                .post("/api/v1/user/logout-all", json!({}))
                .await
                .expect(200),
            "one" => {
                let sessions = admin.get("/api/v1/user/sessions").await.items();
                let id = sessions
                    .iter()
                    .find(|session| session["current"] == false)
                    .and_then(|session| session["id"].as_str());
                let path = format!("/api/v1/user/sessions/{}", id.unwrap());
                admin.delete(&path).await.expect(204)
            }
            "password" => {
                let body =
                    json!({ "current_password": PASSWORD, "new_password": "Eiffel-1889-gustav" });
                admin.post("/api/v1/user/password", body).await.expect(200)
            }
            "inactive" => owner
                .patch(&path, json!({ "is_active": false }))
                .await
                .expect(200),
            "demoted" => owner
                .patch(&path, json!({ "role": "user" }))
                .await
                .expect(200),
            _ => owner.delete(&path).await.expect(204),
        };
        let asked = browser.get("/admin/users").await;
        assert_eq!(asked.status, 303, "{way}: {asked}");
    }
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_is_over_on_another_within_a_second() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let other = app.second_node().await;
    let browser = Browser::of(&app, "owner").await.at(&other);
    browser.clone().get("/admin/").await.expect(200);
    owner
        .post("/api/v1/user/logout-all", json!({}))
        .await
        .expect(200);
    until("the session is over", Duration::from_secs(1), || {
        let mut browser = browser.clone();
        async move { browser.get("/admin/").await.status == 303 }
    })
    .await;
}
