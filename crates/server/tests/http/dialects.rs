//! What holds for every route of the older services: the shape of failures, and the patience with their clients.

use crate::support::{Fault, PASSWORD, Response, Setup, TestApp};
use serde_json::json;

#[tokio::test]
async fn failures_have_the_shape_and_the_words_of_django_rest_framework() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let json = |body: &str| {
        let request = app.anon().request("POST", "/api/login/");
        request.body("application/json", body)
    };
    let answer = app.anon().get("/api/login/").await;
    let detail = answer.detail(405, "method_not_allowed");
    assert_eq!(detail, "Method \"GET\" not allowed.");
    assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    let answer = app.anon().get("/api/nothing/").await;
    assert_eq!(answer.detail(404, "not_found"), "Not found.");
    let answer = app.anon().get("/api/me/").await;
    let detail = answer.detail(401, "not_authenticated");
    assert_eq!(detail, "Authentication credentials were not provided.");
    let answer = ada.get("/api/users/").await;
    let detail = answer.detail(403, "permission_denied");
    assert_eq!(detail, "You do not have permission to perform this action.");
    let form = app.anon().request("POST", "/api/login/");
    let answer = form
        .body("application/x-www-form-urlencoded", "username=ada")
        .await;
    assert_eq!(
        answer.detail(415, "unsupported_media_type"),
        "Unsupported media type \"application/x-www-form-urlencoded\" in request."
    );
    let answer = json("{").await;
    let detail = answer.detail(400, "malformed_request");
    assert_eq!(detail, "The body is not valid JSON.");
    json(&" ".repeat(65_537))
        .await
        .detail(413, "payload_too_large");
    let answer = app.anon().get("/api/me/").header("host", "evil.example");
    answer.await.detail(421, "misdirected_request");
    let filler = "x".repeat(17_000);
    let answer = app.anon().get("/api/me/").header("x-filler", filler);
    answer.await.detail(431, "headers_too_large");
}

#[tokio::test]
async fn a_path_with_encoded_letters_is_the_same_path() {
    let app = TestApp::start().await;
    for path in ["/%61pi/me", "/ap%69/me/", "/%61pi/nothing"] {
        let answer = app.anon().get(path).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let answer = app.anon().get("/api/%761/user/me").await;
    answer.problem(401, "not_authenticated");
    let login = json!({ "username": "ada", "password": "wrong", "extra": 1 });
    let answer = app.anon().post("/%61pi/login", login).await;
    assert_eq!(answer.status, 401, "{answer}");
}

/// What every answer has, whatever its shape.
#[track_caller]
fn assert_edged(answer: &Response) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    assert!(answer.header("x-request-id").is_some(), "{answer}");
}

#[tokio::test]
async fn the_rules_of_the_edge_hold() {
    let app = TestApp::start().await;
    app.user("ada").await;
    let login = json!({ "username": "ada", "password": PASSWORD });
    let by_address = json!({ "email": "ada@example.com", "password": PASSWORD });
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    for answer in [
        app.anon().post("/api/login", login).await.expect(200),
        app.anon().post("/api/login", by_address).await.expect(200),
        app.anon().post("/api/login", wrong).await.expect(401),
        app.anon().post("/api/logout", json!({})).await.expect(400),
        app.anon().get("/api/profile").await.expect(401),
        app.anon().get("/api/nothing").await.expect(404),
    ] {
        assert_edged(&answer);
    }
    let answer = app.anon().get("/api/me").header("x-request-id", "job-7");
    assert_eq!(answer.await.header("x-request-id"), Some("job-7"));
}

#[tokio::test]
async fn an_outage_is_503_and_never_bad_credentials_or_a_bad_token() {
    let (app, store) = Setup::new().start_faulty().await;
    let ada = app.user("ada").await;
    store.fail(Fault::Outage);
    for (path, body) in [
        (
            "/api/login/",
            json!({ "username": "ada", "password": PASSWORD }),
        ),
        (
            "/api/login/",
            json!({ "email": "ada@example.com", "password": PASSWORD }),
        ),
        ("/api/refresh/", json!({ "refresh_token": ada.refresh })),
        ("/api/logout/", json!({ "refresh_token": ada.refresh })),
        ("/api/token/refresh/", json!({ "refresh": ada.refresh })),
    ] {
        let answer = app.anon().post(path, body).await;
        answer.detail(503, "unavailable");
        assert!(answer.header("retry-after").is_some(), "{answer}");
    }
    for path in ["", "/refresh", "/verify", "/blacklist"] {
        let path = format!("/api/v1/auth/token{path}");
        let body = match path.rsplit('/').next() {
            Some("token") => json!({ "username": "ada", "password": PASSWORD }),
            Some("verify") => json!({ "token": ada.refresh }),
            Some(_) | None => json!({ "refresh": ada.refresh }),
        };
        let answer = app.anon().post(&path, body).await;
        answer.problem(503, "unavailable");
    }
}

#[tokio::test]
async fn fields_that_nobody_knows_are_ignored() {
    let app = TestApp::start().await;
    let with = |mut body: serde_json::Value| {
        body["csrfmiddlewaretoken"] = json!("x");
        body["remember_me"] = json!(true);
        body
    };
    let post = |path: &str, body| app.anon().post(path, with(body));
    let body = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    post("/api/register", body).await.expect(201);
    let body = json!({ "username": "eve", "email": "eve@example.com", "password": PASSWORD });
    post("/api/account/create", body).await.expect(201);
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    post("/api/register", body).await.expect(201);
    let body = json!({ "username": "ada", "password": PASSWORD });
    let login = post("/api/login", body).await.expect(200);
    let ada = app.anon().with_token(&login.text("access"));
    let body = with(json!({ "username": "lovelace" }));
    ada.put("/api/me", body).await.expect(200);
    let body = json!({ "refresh": login.text("refresh") });
    let pair = post("/api/token/refresh", body).await.expect(200);
    let body = json!({ "refresh_token": pair.text("refresh") });
    let pair = post("/api/refresh", body).await.expect(200);
    let body = json!({ "refresh_token": pair.text("refresh_token") });
    post("/api/logout", body).await.expect(200);
}

#[tokio::test]
async fn a_closed_registration_is_closed_here_too() {
    let closed = Setup::new().settings(|settings| settings.registration_open = false);
    let app = closed.start().await;
    let body = json!({ "username": "ada", "email": "ada@example.com", "password": PASSWORD });
    for path in ["/api/register/", "/api/account/create/"] {
        let answer = app.anon().post(path, body.clone()).await;
        answer.detail(403, "registration_closed");
    }
}
