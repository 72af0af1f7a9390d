//! The OpenAPI document against the answers of the server.

mod document;
mod keys;
mod tasks;

use crate::support::{Client, Fault, PASSWORD, Response, Setup, TestApp, User};
use document::Document;
use doorward_domain::ApiKeySecret;
use serde_json::{Value, json};
use std::time::Duration;

/// What cannot be made to happen on purpose here.
const UNREACHED: [&str; 4] = [
    "internal_error",
    "request_timeout",
    "overloaded",
    "host_not_valid",
];

/// A path with an id that is there, or that nobody has.
fn filled(path: &str, id: &str) -> String {
    path.replace("{id}", id)
        .replace("{key_id}", NOBODY)
        .replace("{file}", "page.css")
}

const SETTINGS: &str = "/api/v1/settings";
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Sends what every operation of the kind refuses, and holds each answer against the document.
async fn refuse_everything(document: &mut Document, app: &TestApp, owner: &User) {
    let key = owner.issue(&["tasks:read"]).await.key;
    for (path, method) in document.operations() {
        let path = filled(&path, NOBODY);
        let ask = |client: &Client| client.request(&method, &path);
        let anon = app.anon();
        document.check(&ask(&anon).await);
        document.check(&ask(&anon.with_token("x")).await);
        document.check(&ask(&anon.with_key("x")).await);
        document.check(&ask(&anon.with_key(&key)).await);
        document.check(&ask(owner).header("x-api-key", "x").await);
        document.check(&ask(&anon).header("host", "evil.example").await);
        document.check(&ask(&anon).header("x-filler", "x".repeat(17_000)).await);
        for (kind, body) in [
            ("application/json", "{".to_owned()),
            ("application/json", r#"{"surprise": 1}"#.to_owned()),
            ("text/plain", "x".to_owned()),
            ("application/json", "{".repeat(65_537)),
        ] {
            if document.takes_a_body(&method, &path) {
                document.check(&ask(owner).body(kind, body).await);
            }
        }
    }
}

/// What succeeds, and what is refused for reasons of its own.
async fn walk(app: &TestApp, owner: &User) -> Vec<Response> {
    let anon = app.anon();
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (ada_path, owner_path) = (
        format!("/api/v1/users/{}", ada.id),
        format!("/api/v1/users/{}", owner.id),
    );
    let nobody = format!("/api/v1/users/{NOBODY}");
    let password = json!({ "current_password": PASSWORD });
    let list = anon.get("/api/v1/users?limit=1").await;
    let second = ada.login_again().await;
    let sessions = second.get("/api/v1/user/sessions").await;
    let mut other = sessions.items().into_iter();
    let other = other.find(|session| session["current"] == false);
    let other = other.unwrap()["id"].as_str().unwrap().to_owned();
    let bob = app.user("rob").await;
    let users = owner.get("/api/users").await;
    let new = |name: &str| json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
    let credentials = json!({ "username": "rob", "password": PASSWORD });
    let old_login = anon.post("/api/login", credentials.clone()).await;
    let simple = anon.post("/api/v1/auth/token", credentials).await;
    let refresh = simple.text("refresh");
    let by_address = json!({ "email": "rob@example.com", "password": PASSWORD });
    let pair = anon.post("/api/login", by_address).await;
    let uuid = pair.text("refresh_token");
    let openapi = anon.get("/api/openapi.json").await;
    let version = openapi.header("etag").unwrap().to_owned();
    vec![
        sessions,
        openapi,
        anon.get("/api/openapi.json")
            .header("if-none-match", version)
            .await,
        anon.get("/api").await,
        anon.get("/api/docs").await,
        anon.get("/api/docs/page.js").await,
        anon.get("/api/docs/nothing").await,
        anon.get("/.well-known/jwks.json").await,
        anon.get("/.well-known/jwks.json")
            .header("if-none-match", "*")
            .await,
        ada.get("/api/v1/webhook-secret").await,
        ada.request("POST", "/api/v1/webhook-secret").await,
        ada.get("/api/v1/webhook-secret").await,
        anon.get("/livez").await,
        anon.get("/readyz").await,
        anon.get("/metrics").header("via", "1.1 proxy").await,
        anon.get("/api/v1/health").await,
        anon.register("bob").await,
        anon.register("bob").await,
        anon.post("/api/v1/user/create", json!({ "role": "owner" }))
            .await,
        anon.login("bob", PASSWORD).await,
        anon.login("bob", "wrong").await,
        ada.me().await,
        ada.put("/api/v1/user/me", json!({ "username": "ada.1" }))
            .await,
        ada.patch("/api/v1/user/me", json!({ "username": "ada.2" }))
            .await,
        ada.patch("/api/v1/user/me", json!({ "email": "no address" }))
            .await,
        list,
        anon.get("/api/v1/users?limit=1")
            .header("if-none-match", "*")
            .await,
        anon.get("/api/v1/users?limit=0").await,
        owner.get("/api/v1/users?search=a&role=user").await,
        owner.get("/api/v1/audit?limit=1").await,
        owner.get("/api/v1/audit?since=x").await,
        ada.get("/api/v1/audit").await,
        owner.get(&ada_path).await,
        ada.get(&ada_path).await,
        owner.get(&nobody).await,
        owner.patch(&ada_path, json!({ "is_active": true })).await,
        owner.patch(&ada_path, json!({ "email": "x" })).await,
        ada.patch(&ada_path, json!({})).await,
        owner.patch(&nobody, json!({})).await,
        owner.patch(&owner_path, json!({ "role": "user" })).await,
        owner.delete(&owner_path).await,
        owner.delete(&nobody).await,
        ada.delete(&ada_path).await,
        owner.delete("/api/v1/user/me").json(&password).await,
        eve.refresh(&eve.refresh)
            .header("x-refresh-token", "x")
            .await,
        eve.logout(&ada.refresh).await,
        eve.logout("x").await,
        anon.refresh("x").await,
        anon.refresh(&eve.refresh).await,
        ada.delete(&format!("/api/v1/user/sessions/{NOBODY}")).await,
        second
            .delete(&format!("/api/v1/user/sessions/{other}"))
            .await,
        second.logout(&second.refresh).await,
        eve.post(
            "/api/v1/user/password",
            json!({ "current_password": PASSWORD, "new_password": "another-Tower-1930" }),
        )
        .await,
        eve.post("/api/v1/user/logout-all", json!({})).await,
        anon.get("/api/health").await,
        bob.get("/api/me").await,
        bob.get("/api/profile").await,
        bob.put("/api/me", json!({ "username": "rob.1" })).await,
        bob.get("/api/users").await,
        users,
        owner.get("/api/users").header("if-none-match", "*").await,
        owner.get("/api/users?cursor=x").await,
        anon.post("/api/account/create", json!({})).await,
        anon.post("/api/account/create", new("old.1")).await,
        anon.post("/api/account/create", json!({ "role": "owner" }))
            .await,
        anon.post("/api/register", new("old.2")).await,
        anon.post(
            "/api/register",
            json!({ "email": "o3@example.com", "password": PASSWORD }),
        )
        .await,
        anon.post("/api/register", json!({ "username": "x", "role": "owner" }))
            .await,
        old_login,
        anon.post(
            "/api/login",
            json!({ "username": "rob", "password": "wrong" }),
        )
        .await,
        anon.post("/api/login", json!({ "username": "rob" })).await,
        anon.post("/api/login", json!({})).await,
        pair,
        anon.post("/api/refresh", json!({ "refresh_token": uuid }))
            .await,
        anon.post("/api/refresh", json!({})).await,
        anon.post("/api/logout", json!({ "refresh_token": uuid }))
            .await,
        anon.post("/api/logout", json!({})).await,
        simple,
        anon.post(
            "/api/v1/auth/token",
            json!({ "username": "rob", "password": "x" }),
        )
        .await,
        anon.post("/api/v1/auth/token/verify", json!({ "token": refresh }))
            .await,
        anon.post("/api/v1/auth/token/verify", json!({ "token": "x" }))
            .await,
        anon.post("/api/token/refresh", json!({ "refresh": refresh }))
            .await,
        anon.post("/api/token/refresh", json!({ "refresh": "x" }))
            .await,
        anon.post("/api/v1/auth/token/refresh", json!({ "refresh": refresh }))
            .await,
        anon.post("/api/v1/auth/token/refresh", json!({ "refresh": "x" }))
            .await,
        anon.post(
            "/api/v1/auth/token/blacklist",
            json!({ "refresh": refresh }),
        )
        .await,
        anon.post("/api/v1/auth/token/blacklist", json!({ "refresh": "x" }))
            .await,
        owner.get(SETTINGS).await,
        owner.get(SETTINGS).header("if-none-match", "*").await,
        bob.get(SETTINGS).await,
        owner
            .patch(SETTINGS, json!({ "STEP_UP_WINDOW": 301 }))
            .await,
        owner
            .patch(SETTINGS, json!({}))
            .header("if-match", "\"0\"")
            .await,
        bob.patch(SETTINGS, json!({})).await,
        owner.delete(&ada_path).await,
    ]
}

/// A key that has the form of one, and is nobody's.
fn a_key_of_nobody(number: u32) -> String {
    let mut rest = number;
    let key = ApiKeySecret::generate(|| {
        let digit = u8::try_from(rest % 62).expect("under 62");
        rest /= 62;
        digit
    });
    key.expose().to_owned()
}

/// Sends to every operation that counts more than it allows.
async fn try_too_often(document: &mut Document) {
    let once = "1/min".parse().expect("a limit");
    let app = Setup::new().settings(|settings| {
        settings.login_rate_limit = once;
        settings.register_rate_limit = once;
        settings.step_up_window = chrono::TimeDelta::zero();
    });
    let app = app.start().await;
    let ada = app.user("ada").await;
    app.clock.advance(chrono::TimeDelta::seconds(5));
    let anon = app.anon();
    for _ in 0..20 {
        document.check(&anon.refresh("x").await);
    }
    let (wrong, new) = ("wrong-Password-1", "another-Tower-1930");
    for (method, path, body) in [
        (
            "POST",
            "/api/v1/user/login",
            json!({ "username": "ada", "password": wrong }),
        ),
        (
            "POST",
            "/api/v1/auth/token",
            json!({ "username": "ada", "password": wrong }),
        ),
        (
            "POST",
            "/api/login",
            json!({ "username": "ada", "password": wrong }),
        ),
        (
            "POST",
            "/api/v1/user/refresh",
            json!({ "refresh_token": "x" }),
        ),
        (
            "POST",
            "/api/v1/auth/token/refresh",
            json!({ "refresh": "x" }),
        ),
        ("POST", "/api/token/refresh", json!({ "refresh": "x" })),
        ("POST", "/api/refresh", json!({ "refresh_token": "x" })),
        (
            "POST",
            "/api/v1/user/create",
            json!({ "email": "x@example.com", "password": PASSWORD }),
        ),
        (
            "POST",
            "/api/account/create",
            json!({ "email": "x@example.com", "password": PASSWORD }),
        ),
        (
            "POST",
            "/api/register",
            json!({ "email": "x@example.com", "password": PASSWORD }),
        ),
    ] {
        document.check(&anon.request(method, path).json(&body).await.expect(429));
    }
    for (method, path, body) in [
        (
            "POST",
            "/api/v1/user/password",
            json!({ "current_password": wrong, "new_password": new }),
        ),
        (
            "PUT",
            "/api/v1/user/me",
            json!({ "email": "x@example.com", "current_password": wrong }),
        ),
        (
            "PATCH",
            "/api/v1/user/me",
            json!({ "email": "x@example.com", "current_password": wrong }),
        ),
        (
            "PUT",
            "/api/me",
            json!({ "email": "x@example.com", "current_password": wrong }),
        ),
        (
            "DELETE",
            "/api/v1/user/me",
            json!({ "current_password": wrong }),
        ),
    ] {
        document.check(&ada.request(method, path).json(&body).await.expect(429));
    }
    for number in 0..300 {
        let junk = anon.with_key(&a_key_of_nobody(number));
        junk.get("/api/v1/user/me").await.expect(401);
    }
    for (number, (path, method)) in (1000..).zip(document.operations()) {
        let junk = a_key_of_nobody(number);
        let path = filled(&path, NOBODY);
        let request = if path.ends_with("/api-keys/verify") {
            anon.post(&path, json!({ "key": junk }))
        } else {
            anon.with_key(&junk).request(&method, &path)
        };
        document.check(&request.await);
    }
}

async fn delete_oneself(app: &TestApp) -> Response {
    let password = json!({ "current_password": PASSWORD });
    let carl = app.user("carl").await;
    carl.delete("/api/v1/user/me").json(&password).await
}

#[tokio::test]
async fn every_answer_is_as_the_document_says_and_every_one_that_it_tells_of_comes() {
    let mut document = Document::read();
    let (app, store) = Setup::new().start_faulty().await;
    let owner = app.owner().await;
    refuse_everything(&mut document, &app, &owner).await;
    for answer in Box::pin(walk(&app, &owner)).await {
        document.check(&answer);
    }
    document.check(&delete_oneself(&app).await);
    for answer in keys::walk(&app, &owner).await {
        document.check(&answer);
    }
    for answer in tasks::walk(&app).await {
        document.check(&answer);
    }
    try_too_often(&mut document).await;
    let closed = Setup::new().settings(|settings| {
        settings.registration_open = false;
        settings.public_user_list = false;
    });
    let closed = closed.start().await;
    document.check(&closed.anon().register("ada").await);
    document.check(&closed.anon().get("/api/v1/users").await);

    let watched = Setup::new().metrics_token("0123456789abcdef").start().await;
    document.check(&watched.anon().get("/metrics").await);
    let wrong = watched.anon().with_token("x");
    document.check(&wrong.get("/metrics").await);

    let ada = app.user("dora").await;
    let unused = ada.issue(&["profile:read"]).await.key;
    store.fail(Fault::Outage);
    app.clock.age(Duration::from_secs(10));
    for (path, method) in document.operations() {
        let path = filled(&path, NOBODY);
        let body = json!({ "username": "dora", "email": "d@example.com", "password": PASSWORD });
        let request = match (method.as_str(), path.as_str()) {
            ("POST", "/api/v1/user/login") => app.anon().login("dora", PASSWORD),
            ("POST", "/api/v1/user/refresh") => app.anon().refresh(&ada.refresh),
            ("POST", "/api/v1/user/create" | "/api/register" | "/api/account/create") => {
                app.anon().post(&path, body)
            }
            ("POST", "/api/login" | "/api/v1/auth/token") => app
                .anon()
                .post(&path, json!({ "username": "dora", "password": PASSWORD })),
            ("POST", "/api/refresh" | "/api/logout") => app
                .anon()
                .post(&path, json!({ "refresh_token": ada.refresh })),
            ("POST", "/api/v1/api-keys/verify") => app.anon().post(&path, json!({ "key": unused })),
            ("POST", path) if path.ends_with("/verify") => {
                app.anon().post(path, json!({ "token": ada.refresh }))
            }
            ("POST", path) if path.contains("/token/") => {
                app.anon().post(path, json!({ "refresh": ada.refresh }))
            }
            _ => ada.request(&method, &path),
        };
        document.check(&request.await);
    }
    app.on_server(|application| Box::pin(async move { application.drain() }))
        .await;
    document.check(&app.anon().get("/readyz").await);
    assert_eq!(document.unseen(&UNREACHED), Vec::<String>::new());
}

#[test]
fn every_example_is_as_its_schema_says() {
    let document = Document::read();
    assert!(document.check_examples() > 100);
}

/// Every field of a request that the document tells of is known, with the type that it tells of.
#[tokio::test]
async fn every_field_that_the_document_tells_of_is_known() {
    let document = Document::read();
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let key = owner.issue(&["tasks:read"]).await;
    for (path, method) in document.operations() {
        if !path.starts_with("/api/v1/") {
            continue;
        }
        for field in document.fields(&method, &path) {
            let of_keys = path.starts_with("/api/v1/api-keys");
            let target = filled(&path, if of_keys { &key.id } else { &owner.id });
            // A list is no text, and a text no list.
            let wrong = if field == "scopes" {
                json!("x")
            } else {
                json!([])
            };
            let body = json!({ field.as_str(): wrong });
            let errors = owner.request(&method, &target).json(&body).await.errors();
            let unknown = json!(["Unknown field."]);
            assert!(errors[&field].is_array(), "{method} {path} {field}");
            assert_ne!(errors[&field], unknown, "{method} {path} {field}");
        }
    }
}

#[tokio::test]
async fn the_document_is_kept_until_it_changes_and_is_what_the_program_prints() {
    let app = TestApp::start().await;
    let answer = app.anon().get("/api/openapi.json").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"))
        .arg("openapi")
        .env("BIND", "nonsense")
        .env("DATABASE_URL", "nonsense")
        .output()
        .expect("the program runs");
    assert!(printed.status.success());
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), answer.body);
    let etag = answer.header("etag").unwrap();
    let again = app.anon().get("/api/openapi.json/");
    let again = again.header("if-none-match", etag).await.expect(304);
    assert_eq!(again.body, "");
    let other = app.anon().get("/api/openapi.json");
    other.header("if-none-match", "\"x\"").await.expect(200);
    let body: Value = answer.json();
    assert_eq!(body["openapi"], "3.1.0");
}
