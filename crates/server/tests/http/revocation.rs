//! What ends a session, ends it at once, everywhere, and for good.

use crate::support::{PASSWORD, Response, TestApp, User, at_once, until};
use serde_json::json;
use std::time::Duration;

const NEW_PASSWORD: &str = "Eiffel-gustav-1889-b";
/// How soon another node must have learnt of it.
const EVERYWHERE: Duration = Duration::from_secs(1);

/// Neither token of the login is good for anything.
async fn assert_over(app: &TestApp, login: &User) {
    let me = app.anon().with_token(&login.access).me().await;
    me.problem(401, "token_not_valid");
    let refresh = app.anon().refresh(&login.refresh).await;
    refresh.problem(401, "token_not_valid");
}

async fn assert_alive(app: &TestApp, login: &User) {
    app.anon().with_token(&login.access).me().await.expect(200);
    app.anon().refresh(&login.refresh).await.expect(200);
}

#[tokio::test]
async fn a_logout_ends_refresh_and_access_tokens_of_this_session_alone() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let elsewhere = ada.login_again().await;
    let renewed = app.anon().refresh(&ada.refresh).await.expect(200);
    let answer = ada.logout(&renewed.text("refresh_token")).await.expect(200);
    assert_eq!(answer.json(), json!({ "message": "Logout successful" }));
    assert_over(&app, &ada).await;
    let renewed = app.anon().with_token(&renewed.text("access_token"));
    renewed.me().await.problem(401, "token_not_valid");
    assert_alive(&app, &elsewhere).await;
}

#[tokio::test]
async fn a_logout_takes_the_token_from_the_header_and_in_its_short_form_too() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let logout = ada.request("POST", "/api/v1/user/logout");
    let logout = logout.header("x-refresh-token", &ada.refresh);
    logout.await.expect(200);
    assert_over(&app, &ada).await;
    let pair = app.pair("ada").await;
    let short = app.anon().with_token(&pair.access_token);
    short
        .logout(&pair.refresh_uuid.to_string())
        .await
        .expect(200);
    short.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_logout_with_tokens_of_different_sessions_is_400_and_neither_ends() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let elsewhere = ada.login_again().await;
    for other in [&elsewhere, &eve] {
        let answer = ada.logout(&other.refresh).await;
        answer.problem(400, "different_tokens");
        let answer = ada.logout(&ada.refresh);
        let answer = answer.header("x-refresh-token", &other.refresh).await;
        answer.problem(400, "different_tokens");
    }
    for login in [&ada, &eve, &elsewhere] {
        assert_alive(&app, login).await;
    }
}

#[tokio::test]
async fn a_logout_without_either_token_ends_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let answer = app.anon().logout(&ada.refresh).await;
    answer.problem(401, "not_authenticated");
    let answer = ada.post("/api/v1/user/logout", json!({})).await;
    let required = json!({ "refresh_token": ["This field is required."] });
    assert_eq!(answer.errors(), required);
    assert_alive(&app, &ada).await;
}

#[tokio::test]
async fn logout_all_ends_every_session_of_this_user_alone() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let elsewhere = ada.login_again().await;
    let answer = ada
        .request("POST", "/api/v1/user/logout-all")
        .await
        .expect(200);
    let said = json!({ "message": "Logout successful", "sessions_ended": 2 });
    assert_eq!(answer.json(), said);
    assert_over(&app, &ada).await;
    assert_over(&app, &elsewhere).await;
    assert_alive(&app, &eve).await;
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions_and_keeps_this_one() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let elsewhere = ada.login_again().await;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let answer = ada.post("/api/v1/user/password", change).await.expect(200);
    assert_eq!(answer.json(), json!({ "message": "Password changed" }));
    assert_over(&app, &elsewhere).await;
    assert_alive(&app, &ada).await;
    let old = app.anon().login("ada", PASSWORD).await;
    old.problem(401, "invalid_credentials");
    app.anon().login("ada", NEW_PASSWORD).await.expect(200);
}

#[tokio::test]
async fn whoever_is_deactivated_is_refused_with_his_next_request_and_for_good() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    ada.me().await.expect(200);
    let path = format!("/api/v1/users/{}", ada.id);
    let answer = admin
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    assert_eq!(answer.json()["is_active"], false);
    assert_over(&app, &ada).await;
    let login = app.anon().login("ada", PASSWORD).await;
    login.problem(401, "invalid_credentials");
    admin
        .patch(&path, json!({ "is_active": true }))
        .await
        .expect(200);
    assert_over(&app, &ada).await;
    app.login("ada").await.me().await.expect(200);
}

#[tokio::test]
async fn whoever_is_deleted_is_refused_with_his_next_request() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    ada.me().await.expect(200);
    admin
        .delete(&format!("/api/v1/users/{}", ada.id))
        .await
        .expect(204);
    assert_over(&app, &ada).await;
    let login = app.anon().login("ada", PASSWORD).await;
    login.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_whatever_the_token_says() {
    let app = TestApp::start().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    let path = format!("/api/v1/users/{}", ada.id);
    ada.get(&path).await.problem(403, "permission_denied");
    owner
        .patch(&path, json!({ "role": "admin" }))
        .await
        .expect(200);
    ada.get(&path).await.expect(200);
    assert_eq!(ada.me().await.text("role"), "admin");
    owner
        .patch(&path, json!({ "role": "user" }))
        .await
        .expect(200);
    ada.get(&path).await.problem(403, "permission_denied");
}

#[tokio::test]
async fn what_was_revoked_stays_so_over_a_restart_and_what_was_not_goes_on() {
    let app = TestApp::start().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let elsewhere = ada.login_again().await;
    ada.logout(&ada.refresh).await.expect(200);
    let app = app.restart().await;
    assert_over(&app, &ada).await;
    assert_alive(&app, &elsewhere).await;
    assert_alive(&app, &eve).await;
}

#[tokio::test]
async fn a_logout_at_one_node_is_known_to_the_other_within_a_second() {
    let app = TestApp::start().await;
    let other = app.second_node().await;
    for _ in 0..3 {
        let ada = match app.anon().register("ada").await.status {
            201 | 400 => app.login("ada").await,
            status => panic!("{status}"),
        };
        let there = ada.at(&other.anon());
        there.me().await.expect(200);
        ada.logout(&ada.refresh).await.expect(200);
        until("the other node refuses", EVERYWHERE, || async {
            there.me().await.status == 401
        })
        .await;
        assert_over(&other, &ada).await;
    }
}

#[tokio::test]
async fn deactivation_and_roles_are_known_to_the_other_node_within_a_second() {
    let app = TestApp::start().await;
    let other = app.second_node().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    let there = ada.at(&other.anon());
    there.me().await.expect(200);
    let path = format!("/api/v1/users/{}", ada.id);
    owner
        .patch(&path, json!({ "role": "admin" }))
        .await
        .expect(200);
    until("the role counts there", EVERYWHERE, || async {
        there.get(&path).await.status == 200
    })
    .await;
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    until("he is refused there", EVERYWHERE, || async {
        there.me().await.status == 401
    })
    .await;
    assert_over(&other, &ada).await;
}

#[tokio::test]
async fn refreshes_at_two_nodes_at_once_get_the_same_successor() {
    let app = TestApp::start().await;
    let other = app.second_node().await;
    let mut token = app.user("ada").await.refresh;
    for round in 0..10 {
        let requests = (0..16).map(|number| {
            let node = if number % 2 == 0 { &app } else { &other };
            node.anon().refresh(&token)
        });
        let mut successors: Vec<_> = at_once(requests)
            .await
            .into_iter()
            .map(|answer| answer.expect(200).text("refresh_token"))
            .collect();
        successors.dedup();
        assert_eq!(successors.len(), 1, "round {round}");
        token = successors.remove(0);
    }
}

/// Everything that these answers have minted is worth nothing.
async fn assert_minted_in_vain(app: &TestApp, answers: &[Response]) {
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        let access = answer.text("access_token");
        let me = app.anon().with_token(&access).me().await;
        me.problem(401, "token_not_valid");
        let next = app.anon().refresh(&answer.text("refresh_token")).await;
        next.problem(401, "token_not_valid");
    }
    let is_known = |answer: &Response| [200, 401].contains(&answer.status);
    assert!(answers.iter().all(is_known), "{answers:?}");
}

#[tokio::test]
async fn a_refresh_that_races_a_logout_mints_nothing_that_works_afterwards() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    for round in 0..25 {
        let ada = app.login("ada").await;
        let mut requests: Vec<_> = (0..6).map(|_| app.anon().refresh(&ada.refresh)).collect();
        requests.insert(round % 7, ada.logout(&ada.refresh));
        let mut answers = at_once(requests).await;
        let logout = answers.remove(round % 7);
        logout.expect(200);
        assert_minted_in_vain(&app, &answers).await;
        assert_over(&app, &ada).await;
    }
}

#[tokio::test]
async fn a_refresh_or_login_that_races_a_deactivation_mints_nothing_that_works_afterwards() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    let path = format!("/api/v1/users/{}", ada.id);
    for round in 0..12 {
        let ada = app.login("ada").await;
        let mut requests: Vec<_> = (0..4).map(|_| app.anon().refresh(&ada.refresh)).collect();
        requests.extend((0..4).map(|_| app.anon().login("ada", PASSWORD)));
        let end = admin.patch(&path, json!({ "is_active": false }));
        requests.insert(round % 9, end);
        let mut answers = at_once(requests).await;
        answers.remove(round % 9).expect(200);
        assert_minted_in_vain(&app, &answers).await;
        assert_over(&app, &ada).await;
        let again = json!({ "is_active": true });
        admin.patch(&path, again).await.expect(200);
        assert_minted_in_vain(&app, &answers).await;
    }
}

#[tokio::test]
async fn a_login_that_races_a_password_change_mints_nothing_that_works_afterwards() {
    let app = TestApp::start().await;
    let mut ada = app.user("ada").await;
    let (mut present, mut next) = (PASSWORD, NEW_PASSWORD);
    for round in 0..10 {
        let other = ada.login_with(present).await;
        let mut requests: Vec<_> = (0..3).map(|_| app.anon().login("ada", present)).collect();
        requests.extend((0..3).map(|_| app.anon().refresh(&other.refresh)));
        let change = json!({ "current_password": present, "new_password": next });
        let change = ada.post("/api/v1/user/password", change);
        requests.insert(round % 7, change);
        let mut answers = at_once(requests).await;
        answers.remove(round % 7).expect(200);
        assert_minted_in_vain(&app, &answers).await;
        std::mem::swap(&mut present, &mut next);
        ada.me().await.expect(200);
        ada = ada.login_with(present).await;
    }
}
