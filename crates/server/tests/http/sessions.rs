//! One's own sessions.

use crate::support::{PASSWORD, TestApp, assert_fields, at_once, claims, count};
use chrono::TimeDelta;
use serde_json::json;

const SESSIONS: &str = "/api/v1/user/sessions";

#[tokio::test]
async fn the_list_tells_of_each_session_and_which_one_asks() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let login = json!({ "username": "ada", "password": PASSWORD });
    let login = app.anon().post("/api/v1/user/login", login);
    let login = login.header("user-agent", "Lynx/2.9").await.expect(200);
    app.clock.advance(TimeDelta::seconds(60));
    let ada = app.login("ada").await;
    app.clock.advance(TimeDelta::seconds(60));
    app.anon()
        .refresh(&login.text("refresh_token"))
        .await
        .expect(200);
    let list = ada.get(SESSIONS).await.expect(200);
    assert_eq!(list.header("cache-control"), Some("no-store"));
    let [first, second] = &list.items()[..] else {
        panic!("two sessions: {list}");
    };
    assert_eq!(
        first,
        &json!({
            "id": claims(&login.text("access_token"))["sid"],
            "created_at": "2025-06-15T15:06:40Z",
            "last_used_at": "2025-06-15T15:08:40Z",
            "expires_at": "2025-07-15T15:06:40Z",
            "ip_address": "127.0.0.1",
            "user_agent": "Lynx/2.9",
            "current": false,
        })
    );
    assert_fields(
        second,
        &[
            "id",
            "created_at",
            "last_used_at",
            "expires_at",
            "ip_address",
            "user_agent",
            "current",
        ],
    );
    assert_eq!(second["current"], true);
    assert_eq!(second["id"], claims(&ada.access)["sid"]);
}

#[tokio::test]
async fn a_session_is_ended_by_its_id_and_its_tokens_with_it() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let other = ada.login_again().await;
    let id = claims(&other.access)["sid"].as_str().unwrap().to_owned();
    let path = format!("{SESSIONS}/{id}");
    let answer = ada.delete(&path).await.expect(204);
    assert_eq!(answer.body, "");
    other.me().await.problem(401, "token_not_valid");
    app.anon().refresh(&other.refresh).await.expect(401);
    ada.delete(&path).await.problem(404, "not_found");
    assert_eq!(ada.get(SESSIONS).await.items().len(), 1);
    let own = claims(&ada.access)["sid"].as_str().unwrap().to_owned();
    ada.delete(&format!("{SESSIONS}/{own}")).await.expect(204);
    ada.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn another_persons_session_is_the_same_404_as_one_that_does_not_exist() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let id = claims(&ada.access)["sid"].as_str().unwrap().to_owned();
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    let mut bodies = [id.as_str(), unknown, "1", "not-a-uuid"].map(|_| json!(null));
    for (id, body) in [id.as_str(), unknown, "1", "not-a-uuid"]
        .into_iter()
        .zip(&mut bodies)
    {
        let answer = eve.delete(&format!("{SESSIONS}/{id}")).await;
        *body = answer.problem(404, "not_found");
        body["request_id"] = json!(null);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    ada.me().await.expect(200);
}

#[tokio::test]
async fn fifty_one_logins_leave_fifty_sessions_and_the_oldest_has_ended() {
    let app = TestApp::start().await;
    let first = app.user("ada").await;
    let mut last = first.clone();
    for _ in 0..50 {
        app.clock.advance(TimeDelta::milliseconds(10));
        last = first.login_again().await;
    }
    let sessions = last.get(SESSIONS).await.expect(200).items();
    assert_eq!(sessions.len(), 50);
    let oldest = &claims(&first.access)["sid"];
    assert!(sessions.iter().all(|session| session["id"] != *oldest));
    first.me().await.problem(401, "token_not_valid");
    app.anon().refresh(&first.refresh).await.expect(401);
}

#[tokio::test]
async fn sixty_logins_at_once_leave_fifty_sessions() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let logins = (0..60).map(|_| app.anon().login("ada", PASSWORD));
    for login in at_once(logins).await {
        login.expect(200);
    }
    let last = app.login("ada").await;
    assert_eq!(last.get(SESSIONS).await.items().len(), 50);
    assert_eq!(count(&app.database, "sessions WHERE ended_at IS NULL"), 50);
}

#[tokio::test]
async fn sessions_that_are_over_are_swept_and_stay_over() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let other = ada.login_again().await;
    ada.logout(&ada.refresh).await.expect(200);
    app.clock.advance(TimeDelta::days(31));
    let swept = app.on_server(|application| {
        Box::pin(async move { application.services().sweeper.sweep().await })
    });
    assert_eq!(swept.await.unwrap().sessions, 2);
    assert_eq!(count(&app.database, "sessions"), 0);
    for login in [&ada, &other] {
        app.anon().refresh(&login.refresh).await.expect(401);
        login.me().await.problem(401, "token_not_valid");
    }
    app.login("ada").await.me().await.expect(200);
}
