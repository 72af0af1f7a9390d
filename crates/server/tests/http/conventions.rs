//! What holds for every route: the contract's section 1.

use crate::support::{Fault, PASSWORD, Response, Setup, TestApp, assert_fields, forgeries};
use serde_json::json;

/// The headers of security and the request's id.
#[track_caller]
fn assert_guarded(answer: &Response) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer}");
    }
    assert!(answer.header("x-request-id").is_some(), "{answer}");
    assert!(answer.header("cache-control").is_some(), "{answer}");
    for name in ["server", "x-powered-by", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), None, "{answer}");
    }
}

/// A path to each route, with an id that nobody has.
fn paths() -> Vec<(String, Vec<String>)> {
    let routes = doorward_api::routes().into_iter();
    let shown = routes.map(|(path, methods)| {
        let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        (path, methods.iter().map(ToString::to_string).collect())
    });
    shown.collect()
}

#[tokio::test]
async fn every_route_answers_with_and_without_a_trailing_slash_alike() {
    let app = TestApp::start().await;
    for (path, methods) in paths() {
        for method in &methods {
            let bare = app.anon().request(method, &path).await;
            let slash = app.anon().request(method, &format!("{path}/")).await;
            assert_eq!(bare.status, slash.status, "{bare}\n{slash}");
            assert!(!(300..400).contains(&bare.status), "no redirect: {bare}");
            assert_ne!(bare.status, 405, "{bare}");
        }
    }
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.anon()
        .post("/api/v1/user/create/", body)
        .await
        .expect(201);
    let list = app.anon().get("/api/v1/users/?limit=1").await.expect(200);
    assert_eq!(list.items().len(), 1);
    let double = app.anon().get("/api/v1/users//").await;
    double.problem(404, "not_found");
}

#[tokio::test]
async fn another_method_is_405_and_names_those_that_are_allowed() {
    let app = TestApp::start().await;
    let all = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"];
    for (path, methods) in paths() {
        let others = all
            .iter()
            .filter(|method| !methods.contains(&(**method).to_owned()));
        for method in others {
            for path in [path.clone(), format!("{path}/")] {
                let answer = app.anon().request(method, &path).await;
                answer.refusal(405, "method_not_allowed");
                let mut allowed: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
                let mut expected: Vec<_> = methods.iter().map(String::as_str).collect();
                expected.push("OPTIONS");
                allowed.sort_unstable();
                expected.sort_unstable();
                assert_eq!(allowed, expected, "{answer}");
                assert_guarded(&answer);
            }
        }
    }
}

#[tokio::test]
async fn options_names_the_methods_and_head_is_get_without_a_body() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    for (path, methods) in paths() {
        let answer = app.anon().request("OPTIONS", &path).await.expect(204);
        let allowed = answer.header("allow").unwrap();
        assert!(
            methods
                .iter()
                .all(|method| allowed.contains(method.as_str())),
            "{answer}"
        );
        assert_guarded(&answer);
        if methods.iter().any(|method| method == "GET") {
            let get = ada.get(&path).await;
            let head = ada.request("HEAD", &path).await;
            assert_eq!(
                (head.status, head.body.as_str()),
                (get.status, ""),
                "{head}"
            );
            // The figures of the metrics have grown meanwhile.
            let is_steady = |name: &&str| *name != "content-length" || path != "/metrics";
            let names = ["content-type", "content-length", "etag"];
            for name in names.into_iter().filter(is_steady) {
                assert_eq!(head.header(name), get.header(name), "{name}: {head}\n{get}");
            }
            // Swagger UI needs a policy of its own.
            if path != "/api/docs" {
                assert_guarded(&head);
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/api/v1",
        "/api/v1/user",
        "/api/v1/user/me/x",
        "/api/v1/user/sessions/1/2",
        "/nothing",
        "//",
        "/api/v2/users",
        "/api/token",
        "/api/v1/auth",
        "/API/V1/users",
        "/api/v1/users%2F",
        "/%00",
        "/%ff",
        "/.env",
        "/../etc/passwd",
        "/*",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let answer = app.anon().request(method, path).await;
            answer.refusal(404, "not_found");
            assert_guarded(&answer);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_415() {
    let app = TestApp::start().await;
    let login = || app.anon().request("POST", "/api/v1/user/login");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
        "",
    ] {
        let answer = login().body(kind, "{}").await;
        answer.problem(415, "unsupported_media_type");
        assert_guarded(&answer);
    }
    for kind in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/merge-patch+json",
    ] {
        assert_eq!(login().body(kind, "{}").await.status, 400, "{kind}");
    }
}

#[tokio::test]
async fn headers_over_16_kib_are_431() {
    let app = TestApp::start().await;
    let with = |length: usize| {
        app.anon()
            .request("GET", "/api/v1/users")
            .header("x-filler", "x".repeat(length))
    };
    with(15_000).await.expect(200);
    let answer = with(17_000).await;
    answer.problem(431, "headers_too_large");
    assert_guarded(&answer);
}

#[tokio::test]
async fn a_body_over_64_kib_is_413_before_it_is_parsed() {
    let app = TestApp::start().await;
    let login = |body: String| {
        app.anon()
            .request("POST", "/api/v1/user/login")
            .body("application/json", body)
    };
    for length in [65_537, 100_000, 1_000_000] {
        let answer = login("{".repeat(length)).send().await;
        // The server may close the connection before such a client has sent all.
        if let Ok(answer) = answer {
            answer.problem(413, "payload_too_large");
            assert_guarded(&answer);
        } else {
            assert!(length > 65_537, "{answer:?}");
        }
    }
    let frame = r#"{"username":"ada","password":""}"#.len();
    let longest = format!(
        r#"{{"username":"ada","password":"{}"}}"#,
        "x".repeat(65_536 - frame)
    );
    login(longest).await.problem(401, "invalid_credentials");
    let chunks = format!(
        "POST /api/v1/user/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
        format!("2000\r\n{}\r\n", "x".repeat(0x2000)).repeat(9)
    );
    assert_eq!(app.raw(chunks).await.statuses(), [413]);
}

#[tokio::test]
async fn malformed_json_is_400_and_nothing_of_it_is_echoed() {
    let app = TestApp::start().await;
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    for body in [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        b"\"hunter2\"".to_vec(),
        b"{\"password\": hunter2}".to_vec(),
        b"{\"password\": \"hunter2\xff\"}".to_vec(),
        b"{\"password\": \"\\ud800\"}".to_vec(),
        b"{\"password\": \"a\nb\"}".to_vec(),
        b"{} {}".to_vec(),
        b"{\"a\": 1e999}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        deep(64).into_bytes(),
        deep(30_000).into_bytes(),
    ] {
        let shown = String::from_utf8_lossy(&body)
            .chars()
            .take(40)
            .collect::<String>();
        let request = app.anon().request("POST", "/api/v1/user/login");
        let answer = request.body("application/json", body).await;
        assert_eq!(answer.status, 400, "{shown}: {answer}");
        answer.problem(400, "malformed_request");
        assert!(!answer.body.contains("hunter2"), "{answer}");
        assert_guarded(&answer);
    }
    let request = app.anon().request("POST", "/api/v1/user/login");
    let answer = request.body("application/json", deep(63)).await;
    assert!(answer.errors()["a"].is_array());
}

#[tokio::test]
async fn unknown_fields_are_refused_on_every_route_that_takes_a_body() {
    let app = TestApp::start().await;
    let (owner, ada) = (app.owner().await, app.user("ada").await);
    let user = format!("/api/v1/users/{}", ada.id);
    for (method, path) in [
        ("POST", "/api/v1/user/create"),
        ("POST", "/api/v1/user/login"),
        ("POST", "/api/v1/user/refresh"),
        ("POST", "/api/v1/user/logout"),
        ("POST", "/api/v1/user/password"),
        ("POST", "/api/v1/auth/token"),
        ("POST", "/api/v1/auth/token/refresh"),
        ("POST", "/api/v1/auth/token/verify"),
        ("POST", "/api/v1/auth/token/blacklist"),
        ("PUT", "/api/v1/user/me"),
        ("PATCH", "/api/v1/user/me"),
        ("DELETE", "/api/v1/user/me"),
        ("PATCH", user.as_str()),
    ] {
        let request = owner.request(method, path).json(&json!({ "surprise": 1 }));
        let errors = request.await.errors();
        assert_eq!(
            errors["surprise"],
            json!(["Unknown field."]),
            "{method} {path}"
        );
    }
    owner.me().await.expect(200);
}

#[tokio::test]
async fn a_request_id_is_kept_where_it_is_harmless_and_made_where_it_is_not() {
    let app = TestApp::start().await;
    for id in [
        "a",
        "6f1c2f5e-6a3b-4d0e-9d3a-1b2c3d4e5f60",
        "job_7.retry-2",
        &"x".repeat(64),
    ] {
        let answer = app.anon().get("/livez").header("x-request-id", id).await;
        assert_eq!(answer.header("x-request-id"), Some(id));
        let answer = app.anon().me().header("x-request-id", id).await;
        assert_eq!(answer.problem(401, "not_authenticated")["request_id"], id);
    }
    let first = app.anon().get("/livez").await;
    let first = first.header("x-request-id").unwrap().to_owned();
    for id in ["", "a b", "x\"y", "<script>", &"x".repeat(65), "é"] {
        let answer = app.anon().me().header("x-request-id", id).await;
        answer.problem(401, "not_authenticated");
        let made = answer.header("x-request-id").unwrap();
        assert!(
            made != id && made != first && made.len() == 32,
            "{id:?}: {answer}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_security() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let post = |path, body| app.anon().post(path, body);
    for answer in [
        app.anon().get("/livez").await.expect(200),
        app.anon().get("/api/v1/health").await.expect(200),
        app.anon().get("/api/v1/users").await.expect(200),
        app.anon()
            .get("/api/v1/users")
            .header("if-none-match", "*")
            .await
            .expect(304),
        app.anon().register("eve").await.expect(201),
        ada.me().await.expect(200),
        ada.get("/api/v1/user/sessions").await.expect(200),
        post("/api/v1/user/login", json!({})).await.expect(400),
        app.anon().me().await.expect(401),
        ada.get(&format!("/api/v1/users/{}", ada.id))
            .await
            .expect(403),
        app.anon().get("/x").await.expect(404),
        app.anon()
            .get("/api/v1/users")
            .header("host", "evil.example")
            .await
            .expect(421),
        ada.logout(&ada.refresh).await.expect(200),
    ] {
        assert_guarded(&answer);
    }
}

/// Those of the framework and of the edge too; what the parser itself refuses may be bare (the contract, section 1).
#[tokio::test]
async fn every_failure_has_the_headers_of_security_and_says_nothing_of_the_server() {
    let (app, store) = Setup::new().start_faulty().await;
    let ask = |method: &str, path: &str| app.anon().request(method, path);
    let login = || ask("POST", "/api/v1/user/login");
    let deep = "[".repeat(65);
    let mut failures = vec![
        (400, login().body("application/json", "{")),
        (400, login().body("application/json", deep)),
        (
            400,
            login().body("application/json", b"{\"a\":\"\xff\"}".to_vec()),
        ),
        (401, ask("GET", "/api/v1/user/me")),
        (
            401,
            login().json(&json!({ "username": "x", "password": "y" })),
        ),
        (404, ask("GET", "/")),
        (404, ask("GET", "/api/v1/%2e%2e/%00")),
        (404, ask("DELETE", "/nothing")),
        (404, ask("GET", "/api/docs/nothing.js")),
        (405, ask("DELETE", "/livez")),
        (405, ask("TRACE", "/api/v1/user/me")),
        (405, ask("BREW", "/api/v1/user/login")),
        (413, login().body("application/json", "x".repeat(65_537))),
        (415, login().body("text/plain", "{}")),
        (
            421,
            ask("GET", "/api/v1/users").header("host", "evil.example"),
        ),
        (
            431,
            ask("GET", "/livez").header("x-long", "x".repeat(17_000)),
        ),
    ];
    for (status, request) in failures.drain(..) {
        let answer = request.await.expect(status);
        assert_guarded(&answer);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
        let told = answer.body.to_ascii_lowercase();
        for word in ["actix", "rust", "src/", "doorward/0"] {
            assert!(!told.contains(word), "{answer}");
        }
    }
    store.fail(Fault::PanicInHandler);
    assert_guarded(&app.anon().register("eve").await.expect(500));
    store.fail(Fault::Outage);
    assert_guarded(&app.anon().register("eve").await.expect(503));
}

#[tokio::test]
async fn answers_with_tokens_or_personal_data_are_for_nobodys_cache() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.user("ada").await);
    for answer in [
        app.anon().login("ada", PASSWORD).await.expect(200),
        app.anon().refresh(&ada.refresh).await.expect(200),
        ada.me().await.expect(200),
        ada.get("/api/v1/user/sessions").await.expect(200),
        admin.get("/api/v1/users").await.expect(200),
        admin
            .get(&format!("/api/v1/users/{}", ada.id))
            .await
            .expect(200),
        app.anon().me().await.expect(401),
    ] {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    }
    let open = app.anon().get("/api/v1/users").await.expect(200);
    assert_eq!(open.header("cache-control"), Some("private, no-cache"));
}

#[tokio::test]
async fn a_401_says_what_is_missing_and_whether_a_token_was_bad() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let bare = r#"Bearer realm="api""#;
    let bad = r#"Bearer realm="api", error="invalid_token""#;
    let answer = app.anon().me().await;
    answer.problem(401, "not_authenticated");
    assert_eq!(answer.header("www-authenticate"), Some(bare));
    let answer = app.anon().login("ada", "wrong").await;
    assert_eq!(answer.header("www-authenticate"), Some(bare));
    for header in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Basic {}", ada.access),
        format!("Token {}", ada.access),
        ada.access.clone(),
        format!("Bearer {} x", ada.access),
        format!("Bearer {}, Bearer {}", ada.access, ada.access),
        format!("Bearer {}", forgeries(&ada.access)[0].1),
        "é".to_owned(),
        "x".repeat(8000),
    ] {
        let answer = app.anon().me().header("authorization", &header).await;
        assert_eq!(answer.status, 401, "{header}: {answer}");
        answer.problem(401, "token_not_valid");
        assert_eq!(answer.header("www-authenticate"), Some(bad), "{header}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {}", ada.access);
        let request = app.anon().me().header("authorization", &header);
        request.await.expect(200);
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused_even_when_both_are_good() {
    let app = TestApp::start().await;
    let ada = app.user("ada").await;
    let request = ada
        .me()
        .header("authorization", format!("Bearer {}", ada.access));
    request.await.problem(401, "token_not_valid");
    let open = ada.get("/api/v1/users").header("authorization", "Bearer x");
    open.await.problem(401, "token_not_valid");
}

#[tokio::test]
async fn a_problem_has_exactly_the_fields_of_the_contract() {
    let app = TestApp::start().await;
    let body = app.anon().me().await.problem(401, "not_authenticated");
    assert_fields(
        &body,
        &["type", "title", "status", "detail", "code", "request_id"],
    );
    let answer = app.anon().post("/api/v1/user/login", json!({})).await;
    assert_fields(
        &answer.problem(400, "validation_failed"),
        &[
            "type",
            "title",
            "status",
            "detail",
            "code",
            "request_id",
            "errors",
        ],
    );
}

#[tokio::test]
async fn strangers_cannot_make_browsers_call() {
    let app = TestApp::start().await;
    let preflight = app.anon().request("OPTIONS", "/api/v1/user/login");
    let preflight = preflight.header("origin", "https://evil.example");
    let answer = preflight
        .header("access-control-request-method", "POST")
        .await;
    assert!(
        answer
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("access-control"))
    );
}
