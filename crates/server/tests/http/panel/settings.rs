//! The settings in the panel.

use crate::support::{Browser, Response, TestApp, until};
use serde_json::json;
use std::time::Duration;

/// What the form says that its page was seen with.
fn seen(page: &Response) -> String {
    let rest = page.body.split("name=\"seen\" value=\"").nth(1).unwrap();
    rest.split_once("\">").unwrap().0.replace("&#34;", "\"")
}

#[tokio::test]
async fn a_setting_is_changed_told_of_and_undone() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let page = browser.get("/admin/settings").await.expect(200);
    for (name, value) in owner
        .get("/api/v1/settings")
        .await
        .json()
        .as_object()
        .unwrap()
    {
        assert!(
            page.body.contains(&format!("<code>{name}</code>")),
            "{name}"
        );
        let about = value["description"].as_str().unwrap();
        assert!(page.body.contains(&about.replace('\'', "&#39;")), "{about}");
    }
    let fields = [
        ("seen", &*seen(&page)),
        ("ACCESS_TOKEN_LIFETIME", "30"),
        ("REGISTRATION_OPEN", "false"),
    ];
    let saved = browser.post("/admin/settings", &fields).await.expect(303);
    assert_eq!(saved.header("location"), Some("/admin/settings?done=saved"));
    let now = owner.get("/api/v1/settings").await.json();
    assert_eq!(now["ACCESS_TOKEN_LIFETIME"]["value"], 30);
    assert_eq!(now["REGISTRATION_OPEN"]["value"], false);
    let page = browser.get("/admin/settings").await.expect(200);
    for part in [
        "Changed <time",
        "by owner",
        "as configured",
        "<td>30</td>",
        "Undo the change of ACCESS_TOKEN_LIFETIME",
    ] {
        assert!(page.body.contains(part), "{part} in {page}");
    }
    let change = page.body.split("name=\"change\" value=\"").nth(1).unwrap();
    let change = change.split('"').next().unwrap().to_owned();
    browser
        .post("/admin/settings/undo", &[("change", &change)])
        .await
        .expect(303);
    let again = browser
        .post("/admin/settings/undo", &[("change", &change)])
        .await;
    again.expect(409);
    browser
        .post("/admin/settings/undo", &[("change", "x")])
        .await
        .expect(404);
}

#[tokio::test]
async fn a_bad_value_is_explained_beside_its_field_and_nothing_is_saved() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let page = browser.get("/admin/settings").await.expect(200);
    let fields = [
        ("seen", &*seen(&page)),
        ("ACCESS_TOKEN_LIFETIME", "4"),
        ("LOGIN_RATE_LIMIT", "<b>"),
        ("STEP_UP_WINDOW", "60"),
    ];
    let refused = browser.post("/admin/settings", &fields).await.expect(400);
    for part in [
        "id=\"ACCESS_TOKEN_LIFETIME-error\"><li>Must be a whole number of seconds from 5 to 86400.",
        "id=\"LOGIN_RATE_LIMIT-error\"><li>",
        "value=\"60\"",
        "In force: 300",
    ] {
        assert!(refused.body.contains(part), "{part} in {refused}");
    }
    assert!(!refused.body.contains("<b>\""), "{refused}");
    let now = owner.get("/api/v1/settings").await.json();
    assert_eq!(now["STEP_UP_WINDOW"]["value"], 300);
}

#[tokio::test]
async fn what_somebody_else_has_changed_meanwhile_is_not_overwritten() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut browser = Browser::of(&app, "owner").await;
    let page = browser.get("/admin/settings").await.expect(200);
    let body = json!({ "ACCESS_TOKEN_LIFETIME": 60 });
    owner.patch("/api/v1/settings", body).await.expect(200);
    let fields = [
        ("seen", &*seen(&page)),
        ("ACCESS_TOKEN_LIFETIME", "300"),
        ("STEP_UP_WINDOW", "60"),
    ];
    let refused = browser.post("/admin/settings", &fields).await.expect(409);
    assert!(
        refused
            .body
            .contains("Somebody else has changed the settings"),
        "{refused}"
    );
    assert!(refused.body.contains("In force: 60"), "{refused}");
    let fields = [("seen", &*seen(&refused)), ("STEP_UP_WINDOW", "60")];
    browser.post("/admin/settings", &fields).await.expect(303);
    let now = owner.get("/api/v1/settings").await.json();
    assert_eq!(now["ACCESS_TOKEN_LIFETIME"]["value"], 60);
    assert_eq!(now["STEP_UP_WINDOW"]["value"], 60);
}

#[tokio::test]
async fn what_is_set_on_one_node_is_in_force_on_another_within_two_seconds() {
    let app = TestApp::start().await;
    app.owner().await;
    let other = app.second_node().await;
    let mut browser = Browser::of(&app, "owner").await;
    let page = browser.get("/admin/settings").await.expect(200);
    let fields = [("seen", &*seen(&page)), ("ACCESS_TOKEN_LIFETIME", "30")];
    browser.post("/admin/settings", &fields).await.expect(303);
    until("30 seconds", Duration::from_secs(2), || async {
        let login = other.anon().login("owner", crate::support::PASSWORD).await;
        login.expect(200).json()["expires_in"] == 30
    })
    .await;
}

#[tokio::test]
async fn the_place_of_an_older_panel_leads_to_the_settings() {
    let app = TestApp::start().await;
    for path in ["/admin/constance/config/", "/admin/constance/config"] {
        let moved = app.anon().get(path).await.expect(308);
        assert_eq!(moved.header("location"), Some("/admin/settings"));
    }
}
