//! The rotation of refresh tokens: the contract's section 5.1.

use crate::support::{
    NOON, PASSWORD, Setup, TestApp, assert_fields, at_once, claims, count, forgeries,
};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// After the grace period, by the default settings.
const LATER: TimeDelta = TimeDelta::seconds(11);

#[tokio::test]
async fn a_refresh_answers_with_the_next_pair() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let answer = app.anon().refresh(&ada.refresh).await.expect(200);
    let body = answer.json();
    assert_fields(
        &body,
        &["access_token", "refresh_token", "token_type", "expires_in"],
    );
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_ne!(answer.text("refresh_token"), ada.refresh);
    let renewed = app.anon().with_token(&answer.text("access_token"));
    renewed.me().await.expect(200);
    ada.me().await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_comes_in_the_header_or_in_the_body_under_either_name() {
    let app = TestApp::start().await;
    let mut token = app.user("ada").await.refresh;
    for place in ["refresh_token", "refresh", "header", "header and body"] {
        let route = "/api/v1/user/refresh";
        let request = match place {
            "header" => app.anon().request("POST", route),
            "header and body" => app.anon().post(route, json!({ "refresh_token": token })),
            field => app.anon().post(route, json!({ field: token })),
        };
        let request = if place.contains("header") {
            request.header("x-refresh-token", &token)
        } else {
            request
        };
        token = request.await.expect(200).text("refresh_token");
    }
}

#[tokio::test]
async fn two_different_refresh_tokens_are_400_and_use_nothing_up() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let other = ada.login_again().await;
    let both = app.anon().refresh(&ada.refresh);
    both.header("x-refresh-token", &other.refresh)
        .await
        .problem(400, "different_tokens");
    let twice = app.anon().request("POST", "/api/v1/user/refresh");
    twice
        .header("x-refresh-token", &ada.refresh)
        .header("x-refresh-token", &other.refresh)
        .await
        .problem(400, "different_tokens");
    let both = json!({ "refresh_token": ada.refresh, "refresh": other.refresh });
    let both = app.anon().post("/api/v1/user/refresh", both);
    both.await.problem(400, "different_tokens");
    app.clock.advance(LATER);
    for token in [&ada.refresh, &other.refresh] {
        app.anon().refresh(token).await.expect(200);
    }
}

#[tokio::test]
async fn a_refresh_without_a_token_names_the_field() {
    let app = TestApp::start().await;
    let answer = app.anon().post("/api/v1/user/refresh", json!({})).await;
    let required = json!({ "refresh_token": ["This field is required."] });
    assert_eq!(answer.errors(), required);
}

#[tokio::test]
async fn thirty_two_refreshes_at_once_all_get_the_same_successor() {
    let app = TestApp::start().await;
    let mut token = app.user("ada").await.refresh;
    for round in 0..20 {
        let answers = at_once((0..32).map(|_| app.anon().refresh(&token))).await;
        let successors: BTreeSet<_> = answers
            .into_iter()
            .map(|answer| answer.expect(200).text("refresh_token"))
            .collect();
        assert_eq!(successors.len(), 1, "round {round}: {successors:?}");
        token = successors.into_iter().next().unwrap();
    }
    app.anon().refresh(&token).await.expect(200);
}

#[tokio::test]
async fn both_forms_of_one_token_at_once_get_the_same_successor() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let pair = app.pair("ada").await;
    let forms = [pair.refresh_token, pair.refresh_uuid.to_string()];
    let requests = (0..16).map(|number| app.anon().refresh(&forms[number % 2]));
    let successors: BTreeSet<_> = at_once(requests)
        .await
        .into_iter()
        .map(|answer| answer.expect(200).text("refresh_token"))
        .collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_the_grace_period() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let first = app.anon().refresh(&ada.refresh).await.expect(200);
    app.clock.advance(TimeDelta::seconds(10));
    let again = app.anon().refresh(&ada.refresh).await.expect(200);
    assert_eq!(again.text("refresh_token"), first.text("refresh_token"));
    assert_eq!(again.json()["expires_in"], 300);
    let renewed = app.anon().with_token(&again.text("access_token"));
    renewed.me().await.expect(200);
}

#[tokio::test]
async fn a_replay_after_the_grace_period_ends_the_session_and_its_access_tokens() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let elsewhere = ada.login_again().await;
    let next = app.anon().refresh(&ada.refresh).await.expect(200);
    app.clock.advance(LATER);
    let replay = app.anon().refresh(&ada.refresh).await;
    replay.problem(401, "token_not_valid");
    for token in [&ada.access, &next.text("access_token")] {
        let me = app.anon().with_token(token).me().await;
        me.problem(401, "token_not_valid");
    }
    let successor = app.anon().refresh(&next.text("refresh_token")).await;
    successor.problem(401, "token_not_valid");
    elsewhere.me().await.expect(200);
}

#[tokio::test]
async fn a_token_that_came_before_the_one_in_use_ends_the_session_even_within_the_grace_period() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let second = app.anon().refresh(&ada.refresh).await.expect(200);
    let second = second.text("refresh_token");
    let third = app.anon().refresh(&second).await.expect(200);
    app.anon().refresh(&ada.refresh).await.expect(401);
    ada.me().await.problem(401, "token_not_valid");
    let third = app.anon().refresh(&third.text("refresh_token")).await;
    third.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_very_old_token_ends_the_session_too() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut token = ada.refresh.clone();
    for _ in 0..5 {
        let next = app.anon().refresh(&token).await.expect(200);
        token = next.text("refresh_token");
    }
    app.anon().refresh(&ada.refresh).await.expect(401);
    app.anon().refresh(&token).await.expect(401);
}

#[tokio::test]
async fn a_uuid_is_refreshed_as_the_signed_form_is_and_repeated_within_the_grace_period() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let pair = app.pair("ada").await;
    let uuid = pair.refresh_uuid.to_string();
    let first = app.anon().refresh(&uuid).await.expect(200);
    let again = app.anon().refresh(&uuid).await.expect(200);
    assert_eq!(again.text("refresh_token"), first.text("refresh_token"));
    app.clock.advance(LATER);
    app.anon().refresh(&uuid).await.expect(401);
    let next = app.anon().refresh(&first.text("refresh_token")).await;
    next.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_uuid_older_than_the_last_two_is_merely_unknown() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    let first = app.pair("ada").await;
    let second = app.next_pair(&first).await;
    let third = app.next_pair(&second).await;
    let unknown = app.anon().refresh(&first.refresh_uuid.to_string()).await;
    unknown.problem(401, "token_not_valid");
    let present = app.anon().refresh(&third.refresh_uuid.to_string()).await;
    present.expect(200);
}

#[tokio::test]
async fn the_jti_sent_as_a_uuid_is_unknown_and_so_is_any_other_uuid() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let jti = claims(&ada.refresh)["jti"].as_str().unwrap().to_owned();
    let hyphenated = Uuid::try_parse(&jti).unwrap().to_string();
    let session = claims(&ada.refresh)["sid"].as_str().unwrap().to_owned();
    for uuid in [
        jti,
        hyphenated,
        session,
        Uuid::nil().to_string(),
        Uuid::new_v4().to_string(),
    ] {
        let answer = app.anon().refresh(&uuid).await;
        answer.problem(401, "token_not_valid");
    }
    app.anon().refresh(&ada.refresh).await.expect(200);
}

#[tokio::test]
async fn an_access_token_is_no_refresh_token_and_the_reverse() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let answer = app.anon().refresh(&ada.access).await;
    answer.problem(401, "token_not_valid");
    let answer = app.anon().with_token(&ada.refresh).me().await;
    answer.problem(401, "token_not_valid");
    ada.logout(&ada.access)
        .await
        .problem(401, "token_not_valid");
    ada.me().await.expect(200);
    app.anon().refresh(&ada.refresh).await.expect(200);
}

#[tokio::test]
async fn forged_tokens_are_refused_and_end_nothing() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (trick, token) in forgeries(&ada.refresh) {
        let answer = app.anon().refresh(&token).await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
        let answer = ada.logout(&token).await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
    }
    for (trick, token) in forgeries(&ada.access) {
        let answer = app.anon().with_token(&token).me().await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
    }
    ada.me().await.expect(200);
    app.anon().refresh(&ada.refresh).await.expect(200);
}

#[tokio::test]
async fn a_token_of_a_server_with_another_key_is_refused() {
    let app = TestApp::start().await;
    let other_key = "Zq8vXw2RkT5yLm9PbN4cJh7GfDsA1eUo3iKz6VtM";
    let other = app.setup().secret_key(other_key).start().await;
    let ada = app.user("ada").await;
    ada.at(&other.anon())
        .me()
        .await
        .problem(401, "token_not_valid");
    other.anon().refresh(&ada.refresh).await.expect(401);
    let pair = app.pair("ada").await;
    let uuid = pair.refresh_uuid.to_string();
    other.anon().refresh(&uuid).await.expect(401);
    app.anon().refresh(&uuid).await.expect(200);
}

#[tokio::test]
async fn without_a_grace_period_one_wins_and_the_others_are_401() {
    let setup = Setup::new().settings(|s| s.refresh_grace_period = TimeDelta::zero());
    let app = setup.start().await;
    let mut token = app.user("ada").await.refresh;
    for _ in 0..5 {
        let answers = at_once((0..8).map(|_| app.anon().refresh(&token))).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status == 200);
        assert_eq!((won.len(), lost.len()), (1, 7), "{answers:?}");
        for answer in lost {
            answer.problem(401, "token_not_valid");
        }
        token = won[0].text("refresh_token");
    }
    let next = app.anon().refresh(&token).await.expect(200);
    app.clock.advance(TimeDelta::milliseconds(1));
    app.anon().refresh(&token).await.expect(401);
    app.anon()
        .refresh(&next.text("refresh_token"))
        .await
        .expect(401);
}

#[tokio::test]
async fn a_chain_of_a_thousand_refreshes_leaves_one_row() {
    let app = TestApp::start().await;
    let mut token = app.user("ada").await.refresh;
    for _ in 0..1000 {
        let next = app.anon().refresh(&token).await.expect(200);
        token = next.text("refresh_token");
    }
    assert_eq!(count(&app.database, "sessions"), 1);
}

#[tokio::test]
async fn the_end_of_a_session_is_fixed_at_login() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let end = (NOON + TimeDelta::days(30)).timestamp();
    app.clock.advance(TimeDelta::days(29));
    let next = app.anon().refresh(&ada.refresh).await.expect(200);
    let next = next.text("refresh_token");
    for token in [&ada.refresh, &next] {
        assert_eq!(claims(token)["exp"], end);
    }
    app.clock
        .advance(TimeDelta::hours(23) + TimeDelta::minutes(59));
    let last = app.anon().refresh(&next).await.expect(200);
    assert_eq!(
        last.json()["expires_in"],
        60,
        "no token outlives its session"
    );
    app.clock.advance(TimeDelta::minutes(1));
    let over = app.anon().refresh(&last.text("refresh_token")).await;
    over.problem(401, "token_not_valid");
    let sessions = app.login("ada").await.get("/api/v1/user/sessions").await;
    assert_eq!(sessions.items().len(), 1);
}

#[tokio::test]
async fn an_access_token_ends_after_its_lifetime_and_a_leeway_of_five_seconds_at_the_most() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    app.clock.advance(TimeDelta::seconds(299));
    ada.me().await.expect(200);
    app.clock.advance(TimeDelta::seconds(7));
    let answer = ada.me().await;
    answer.problem(401, "token_not_valid");
    let challenge = r#"Bearer realm="api", error="invalid_token""#;
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
    app.anon().refresh(&ada.refresh).await.expect(200);
}

#[tokio::test]
async fn the_claims_are_those_of_simplejwt_with_session_and_role() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let access = claims(&ada.access);
    assert_fields(
        &access,
        &["token_type", "exp", "iat", "jti", "user_id", "sid", "role"],
    );
    assert_eq!(access["token_type"], "access");
    assert_eq!(access["user_id"], ada.id);
    assert_eq!(access["iat"], NOON.timestamp());
    assert_eq!(access["exp"], NOON.timestamp() + 300);
    assert_eq!(access["role"], "user");
    let refresh = claims(&ada.refresh);
    assert_eq!(refresh["token_type"], "refresh");
    assert_eq!(refresh["sid"], access["sid"]);
    assert_ne!(refresh["jti"], access["jti"]);
}

#[tokio::test]
async fn a_deactivated_account_or_one_with_another_password_has_no_refresh() {
    let app = TestApp::start().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    let other = ada.login_again().await;
    let change = json!({ "current_password": PASSWORD, "new_password": "Eiffel-gustav-1889-b" });
    ada.post("/api/v1/user/password", change).await.expect(200);
    app.anon().refresh(&other.refresh).await.expect(401);
    let next = app.anon().refresh(&ada.refresh).await.expect(200);
    let path = format!("/api/v1/users/{}", ada.id);
    owner
        .patch(&path, json!({ "is_active": false }))
        .await
        .expect(200);
    let next = app.anon().refresh(&next.text("refresh_token")).await;
    next.problem(401, "token_not_valid");
}
