//! What is done to accounts in the panel.

use crate::support::{Browser, PASSWORD, TestApp};
use chrono::TimeDelta;
use doorward_domain::Role;
use serde_json::json;

const NEW: &str = "Eiffel-gustav-1889-b";

#[tokio::test]
async fn users_are_found_by_name_role_and_state_page_by_page() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.somebody("helper", Role::Admin).await;
    let gone = app.user("gone").await;
    let path = format!("/api/v1/users/{}", gone.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    for number in 0..51 {
        app.clock.advance(TimeDelta::milliseconds(1));
        app.anon()
            .register(&format!("many{number:02}"))
            .await
            .expect(201);
    }
    let mut browser = Browser::of(&app, "owner").await;
    let names = ["owner", "helper", "gone", "many00", "many49", "many50"];
    let mut shown = async |path: &str| {
        let page = browser.get(path).await.expect(200);
        let shown = |name: &&str| page.body.contains(&format!("\">{name}</a></th>"));
        let found: Vec<_> = names.into_iter().filter(shown).collect();
        let next = page.body.split("rel=\"next\" href=\"").nth(1);
        let next = next
            .and_then(|rest| rest.split('"').next())
            .map(str::to_owned);
        (found, next)
    };
    assert_eq!(shown("/admin/users?role=admin").await.0, ["helper"]);
    assert_eq!(shown("/admin/users?state=inactive").await.0, ["gone"]);
    assert_eq!(shown("/admin/users?search=GO").await.0, ["gone"]);
    assert_eq!(shown("/admin/users?search=helper%40ex").await.0, ["helper"]);
    assert_eq!(shown("/admin/users?search=nobody").await.0, [""; 0]);
    let (found, next) = shown("/admin/users?search=many&state=active").await;
    assert_eq!(found, ["many00", "many49"]);
    let next = next.unwrap().replace("&#38;", "&");
    assert!(
        next.starts_with("/admin/users?search=many&state=active&cursor="),
        "{next}"
    );
    let (found, next) = shown(&next).await;
    assert_eq!((found, next), (vec!["many50"], None));
}

#[tokio::test]
async fn an_account_is_edited_and_every_bad_field_explained() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    app.user("bob").await;
    let mut browser = Browser::of(&app, "owner").await;
    let path = format!("/admin/users/{}", ada.id);
    let bad = [("username", "bob"), ("email", "nowhere"), ("role", "admin")];
    let refused = browser.post(&path, &bad).await.expect(400);
    for part in [
        "id=\"username-error\"><li>A user with that username already exists.",
        "id=\"email-error\"><li>Enter a valid email address.",
        "aria-invalid=\"true\" aria-describedby=\"username-error\"",
        "value=\"nowhere\"",
    ] {
        assert!(refused.body.contains(part), "{part} in {refused}");
    }
    assert_eq!(ada.me().await.text("role"), "user");
    let good = [
        ("username", "countess"),
        ("email", "c@example.com"),
        ("role", "admin"),
    ];
    let saved = browser.post(&path, &good).await.expect(303);
    let page = browser.get(saved.header("location").unwrap()).await;
    assert!(page.body.contains("The changes are saved."), "{page}");
    let me = ada.me().await;
    assert_eq!(
        (me.text("username"), me.text("role")),
        ("countess".into(), "admin".into())
    );
}

#[tokio::test]
async fn an_account_is_deactivated_and_activated() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::of(&app, "owner").await;
    let path = format!("/admin/users/{}", ada.id);
    browser
        .post(&format!("{path}/deactivate"), &[])
        .await
        .expect(303);
    ada.me().await.problem(401, "token_not_valid");
    let page = browser.get(&path).await.expect(200);
    assert!(
        page.body.contains("<span class=\"state bad\">deactivated"),
        "{page}"
    );
    browser
        .post(&format!("{path}/activate"), &[])
        .await
        .expect(303);
    ada.login_again().await;
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let path = format!("/admin/users/{}/deactivate", owner.id);
    let refused = browser.post(&path, &[]).await.expect(409);
    assert!(
        refused
            .body
            .contains("There must always be an active owner")
    );
}

#[tokio::test]
async fn sessions_and_keys_of_others_are_seen_and_ended() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    let second = ada.login_again().await;
    let key = ada.issue(&["profile:read"]).await;
    let mut browser = Browser::of(&app, "owner").await;
    let path = format!("/admin/users/{}", ada.id);
    let page = browser.get(&path).await.expect(200);
    let claims = crate::support::claims(&second.access);
    let session = claims["sid"].as_str().unwrap();
    let end = format!("{path}/sessions/{session}/end");
    let delete = format!("{path}/api-keys/{}/delete", key.id);
    for part in [&end, &delete, "backup", key.key.get(..8).unwrap()] {
        assert!(page.body.contains(part), "{part} in {page}");
    }
    browser.post(&end, &[]).await.expect(303);
    second.me().await.problem(401, "token_not_valid");
    ada.me().await.expect(200);
    browser.post(&end, &[]).await.expect(404);
    browser.post(&delete, &[]).await.expect(303);
    let gone = app.anon().with_key(&key.key).me().await;
    gone.problem(401, "api_key_not_valid");
    browser
        .post(&format!("{path}/sessions/end"), &[])
        .await
        .expect(303);
    ada.me().await.problem(401, "token_not_valid");
}

/// The link that a page shows.
fn link(page: &crate::support::Response, app: &TestApp) -> String {
    let start = format!("value=\"http://{}/admin/password?token=", app.address);
    let rest = page.body.split(&start).nth(1);
    let token = rest.and_then(|rest| rest.split('"').next());
    format!(
        "/admin/password?token={}",
        token.unwrap_or_else(|| panic!("no link in {page}"))
    )
}

/// Sets the password behind the link.
async fn set(app: &TestApp, link: &str, password: &str) -> crate::support::Response {
    let mut browser = Browser::new(app);
    browser.get(link).await;
    let token = link.split_once('=').unwrap().1.to_owned();
    let fields = [
        ("token", token.as_str()),
        ("new_password", password),
        ("again", password),
    ];
    browser.post("/admin/password", &fields).await
}

#[tokio::test]
async fn a_link_sets_one_new_password_and_ends_every_session() {
    let app = TestApp::start().await;
    app.owner().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::of(&app, "owner").await;
    let make = format!("/admin/users/{}/password-link", ada.id);
    let page = browser.post(&make, &[]).await.expect(200);
    let link = link(&page, &app);
    let asked = Browser::new(&app).get(&link).await.expect(200);
    assert!(asked.body.contains("<strong>ada</strong>"), "{asked}");
    let weak = set(&app, &link, "12345").await.expect(400);
    assert!(weak.body.contains("This password is too short."), "{weak}");
    assert!(
        weak.body.contains("This password is entirely numeric."),
        "{weak}"
    );
    let token = link.split_once('=').unwrap().1;
    let mut other = Browser::new(&app);
    other.get(&link).await;
    let fields = [
        ("token", token),
        ("new_password", NEW),
        ("again", "another"),
    ];
    let refused = other.post("/admin/password", &fields).await.expect(400);
    assert!(refused.body.contains("are not the same"), "{refused}");
    ada.me().await.expect(200);
    set(&app, &link, NEW).await.expect(200);
    ada.me().await.problem(401, "token_not_valid");
    ada.login_with(NEW).await;
    let fields = [
        ("token", token),
        ("new_password", PASSWORD),
        ("again", PASSWORD),
    ];
    other.post("/admin/password", &fields).await.expect(404);
    other.get(&link).await.expect(404);
    browser.get("/admin/").await.expect(200);
}

#[tokio::test]
async fn a_link_dies_with_a_login_a_day_or_the_account() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::of(&app, "owner").await;
    let make = format!("/admin/users/{}/password-link", ada.id);
    let first = link(&browser.post(&make, &[]).await, &app);
    app.clock.advance(TimeDelta::seconds(1));
    ada.login_again().await;
    Browser::new(&app).get(&first).await.expect(404);
    let second = link(&browser.post(&make, &[]).await, &app);
    for forged in [
        second.get(..second.len() - 3).unwrap(),
        "/admin/password?token=",
        "/admin/password",
    ] {
        Browser::new(&app).get(forged).await.expect(404);
    }
    let path = format!("/api/v1/users/{}", ada.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    set(&app, &second, NEW).await.expect(403);
    owner
        .patch(&path, json!({ "is_active": true }))
        .await
        .expect(200);
    app.clock.advance(TimeDelta::hours(24));
    Browser::new(&app).get(&second).await.expect(404);
}

#[tokio::test]
async fn a_link_dies_with_a_promotion() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let ada = app.user("ada").await;
    let mut browser = Browser::of(&app, "owner").await;
    let make = format!("/admin/users/{}/password-link", ada.id);
    let link = link(&browser.post(&make, &[]).await, &app);
    Browser::new(&app).get(&link).await.expect(200);
    let path = format!("/api/v1/users/{}", ada.id);
    owner
        .patch(&path, json!({ "role": "owner" }))
        .await
        .expect(200);
    Browser::new(&app).get(&link).await.expect(404);
    set(&app, &link, NEW).await.expect(403);
}

#[tokio::test]
async fn an_account_is_made_with_a_password_or_with_a_link() {
    let app = TestApp::start().await;
    app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let fields = [
        ("email", "ada@example.com"),
        ("username", "ada"),
        ("password", PASSWORD),
        ("role", "admin"),
    ];
    let made = browser.post("/admin/users/new", &fields).await.expect(303);
    let page = browser
        .get(made.header("location").unwrap())
        .await
        .expect(200);
    assert!(page.body.contains("The account is made."), "{page}");
    Browser::of(&app, "ada").await;
    let fields = [
        ("email", "bob@example.com"),
        ("username", ""),
        ("role", "user"),
    ];
    let page = browser.post("/admin/users/new", &fields).await.expect(200);
    set(&app, &link(&page, &app), NEW).await.expect(200);
    app.anon().login("bob", NEW).await.expect(200);
}
