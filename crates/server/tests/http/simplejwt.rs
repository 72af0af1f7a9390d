//! What clients of djangorestframework-simplejwt ask for and read.

use crate::support::{PASSWORD, Response, TestApp, assert_fields, claims, forgeries};
use chrono::TimeDelta;
use serde_json::{Value, json};

const TOKEN: &str = "/api/v1/auth/token";

fn path(name: &str) -> String {
    format!("{TOKEN}/{name}")
}

/// Asserts what a client of simplejwt reads, and what a client of the canonical routes does.
#[track_caller]
fn assert_not_valid(answer: &Response, token_class: &str, token_type: &str) {
    assert_eq!(answer.status, 401, "{answer}");
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("application/problem+json"), "{answer}");
    let body = answer.json();
    assert_fields(
        &body,
        &[
            "type",
            "title",
            "status",
            "detail",
            "code",
            "request_id",
            "messages",
        ],
    );
    assert_eq!(body["code"], "token_not_valid");
    assert_eq!(body["detail"], "Token is invalid or expired");
    let message = json!({
        "token_class": token_class, "token_type": token_type, "message": "Token is invalid or expired",
    });
    assert_eq!(body["messages"], json!([message]));
    let challenge = Some(r#"Bearer realm="api", error="invalid_token""#);
    assert_eq!(answer.header("www-authenticate"), challenge);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_pair_is_given_for_a_username_or_an_address() {
    let app = TestApp::start().await;
    app.anon().register("ada").await.expect(201);
    for (field, value) in [
        ("username", "ada"),
        ("username", "ada@example.com"),
        ("email", "ADA@example.com"),
    ] {
        let body = json!({ field: value, "password": PASSWORD });
        let answer = app.anon().post(TOKEN, body).await.expect(200);
        assert_fields(&answer.json(), &["access", "refresh"]);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let user = app.anon().with_token(&answer.text("access"));
        assert_eq!(user.me().await.text("username"), "ada");
        let refresh = claims(&answer.text("refresh"));
        assert_eq!(refresh["token_type"], "refresh");
    }
}

#[tokio::test]
async fn bad_credentials_are_no_active_account_whatever_is_wrong() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    app.anon().register("idle").await.expect(201);
    let idle = app.login("idle").await;
    let user = format!("/api/v1/users/{}", idle.id);
    let deactivated = admin.patch(&user, json!({ "is_active": false }));
    deactivated.await.expect(200);
    for (username, password) in [("ada", "wrong"), ("nobody", PASSWORD), ("idle", PASSWORD)] {
        let body = json!({ "username": username, "password": password });
        let answer = app.anon().post(TOKEN, body).await;
        let problem = answer.problem(401, "no_active_account");
        let detail = "No active account found with the given credentials";
        assert_eq!(problem["detail"], detail);
        let challenge = Some(r#"Bearer realm="api""#);
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    ada.me().await.expect(200);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let app = TestApp::start().await;
    let required = json!(["This field is required."]);
    for (path, errors) in [
        (
            TOKEN.to_owned(),
            json!({ "username": required, "password": required }),
        ),
        (path("refresh"), json!({ "refresh": required })),
        (path("verify"), json!({ "token": required })),
        (path("blacklist"), json!({ "refresh": required })),
    ] {
        assert_eq!(
            app.anon().post(&path, json!({})).await.errors(),
            errors,
            "{path}"
        );
    }
    let answer = app.anon().post(&path("verify"), json!({ "token": null }));
    let expected = json!({ "token": ["This field may not be null."] });
    assert_eq!(answer.await.errors(), expected);
}

#[tokio::test]
async fn a_refresh_uses_the_token_up_and_gives_the_next_pair() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let refresh = |token: &str| {
        app.anon()
            .post(&path("refresh"), json!({ "refresh": token }))
    };
    let next = refresh(&ada.refresh).await.expect(200);
    assert_fields(&next.json(), &["access", "refresh"]);
    app.clock.advance(TimeDelta::seconds(11));
    let replayed = refresh(&ada.refresh).await;
    assert_not_valid(&replayed, "RefreshToken", "refresh");
    let ended = refresh(&next.text("refresh")).await;
    assert_not_valid(&ended, "RefreshToken", "refresh");
}

#[tokio::test]
async fn a_bad_token_is_not_valid_on_any_of_the_routes() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let mut bad = forgeries(&ada.refresh);
    bad.push(("an access token".to_owned(), ada.access.clone()));
    for (trick, token) in &bad {
        for name in ["refresh", "blacklist"] {
            let answer = app
                .anon()
                .post(&path(name), json!({ "refresh": token }))
                .await;
            assert_eq!(answer.status, 401, "{trick}: {answer}");
            assert_not_valid(&answer, "RefreshToken", "refresh");
        }
    }
    for (trick, token) in forgeries(&ada.refresh)
        .iter()
        .chain(&forgeries(&ada.access))
    {
        let answer = app
            .anon()
            .post(&path("verify"), json!({ "token": token }))
            .await;
        assert_eq!(answer.status, 401, "{trick}: {answer}");
        assert_not_valid(&answer, "UntypedToken", "untyped");
    }
    ada.me().await.expect(200);
}

#[tokio::test]
async fn a_token_is_verified_until_it_is_blacklisted() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let verify = |token: &str| app.anon().post(&path("verify"), json!({ "token": token }));
    for token in [&ada.access, &ada.refresh] {
        let answer = verify(token).await.expect(200);
        assert_eq!(answer.json(), Value::Object(serde_json::Map::new()));
    }
    let blacklist = || {
        app.anon()
            .post(&path("blacklist"), json!({ "refresh": ada.refresh }))
    };
    assert_eq!(blacklist().await.expect(200).json(), json!({}));
    for token in [&ada.access, &ada.refresh] {
        assert_not_valid(&verify(token).await, "UntypedToken", "untyped");
    }
    assert_not_valid(&blacklist().await, "RefreshToken", "refresh");
    ada.me().await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_token_expires() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let verify = |token: &str| app.anon().post(&path("verify"), json!({ "token": token }));
    app.clock.advance(TimeDelta::seconds(306));
    assert_not_valid(&verify(&ada.access).await, "UntypedToken", "untyped");
    verify(&ada.refresh).await.expect(200);
    app.clock.advance(TimeDelta::days(31));
    assert_not_valid(&verify(&ada.refresh).await, "UntypedToken", "untyped");
}

#[tokio::test]
async fn a_bad_bearer_token_is_refused_in_the_words_of_simplejwt() {
    let app = TestApp::start().await;
    let answer = app.anon().with_token("junk").me().await;
    let problem = answer.problem(401, "token_not_valid");
    assert_eq!(
        problem["detail"],
        "Given token not valid for any token type"
    );
}
