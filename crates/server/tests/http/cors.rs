//! Which pages of others may call.

use crate::support::{Response, Setup, TestApp};

const PAGE: &str = "https://app.example";

#[track_caller]
fn assert_not_shared(answer: &Response) {
    let names = answer
        .headers
        .keys()
        .map(reqwest::header::HeaderName::as_str);
    let told: Vec<_> = names
        .filter(|name| name.starts_with("access-control"))
        .collect();
    assert!(told.is_empty(), "{answer}");
}

fn varies_with_origin(answer: &Response) -> bool {
    let mut vary = answer.headers.get_all("vary").iter();
    vary.any(|value| value.as_bytes().eq_ignore_ascii_case(b"origin"))
}

#[tokio::test]
async fn a_listed_page_reads_answers_and_failures_with_their_headers() {
    let app = Setup::new()
        .cors(&[PAGE, "http://localhost:3000"])
        .start()
        .await;
    for (path, status) in [
        ("/api/v1/users", 200),
        ("/api/v1/user/me", 401),
        ("/nothing", 404),
        ("/api/users/", 401),
    ] {
        let answer = app
            .anon()
            .get(path)
            .header("origin", PAGE)
            .await
            .expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for name in [
            "Link",
            "ETag",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "X-Request-ID",
        ] {
            assert!(
                exposed.split(", ").any(|it| it == name),
                "{name}: {exposed}"
            );
        }
        assert!(varies_with_origin(&answer));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    let refused = app
        .anon()
        .get("/api/v1/users")
        .header("host", "evil.example");
    let refused = refused.header("origin", PAGE).await.expect(421);
    assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn a_preflight_names_methods_and_headers() {
    let app = Setup::new().cors(&[PAGE]).start().await;
    let preflight = |path: &str| {
        let request = app.anon().request("OPTIONS", path).header("origin", PAGE);
        request.header("access-control-request-method", "PATCH")
    };
    let answer = preflight("/api/v1/user/me").await.expect(204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert_eq!(Some(methods), answer.header("allow"));
    assert!(methods.contains("PATCH"), "{methods}");
    let headers = answer.header("access-control-allow-headers").unwrap();
    for name in [
        "Authorization",
        "Content-Type",
        "X-API-Key",
        "X-Refresh-Token",
        "If-Match",
    ] {
        assert!(headers.contains(name), "{name}: {headers}");
    }
    assert_eq!(answer.header("access-control-max-age"), Some("600"));
    let nothing = preflight("/nothing").await.expect(404);
    assert_eq!(nothing.header("access-control-allow-methods"), None);
}

#[tokio::test]
async fn every_other_page_is_told_nothing() {
    let app = Setup::new().cors(&[PAGE]).start().await;
    for origin in [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.example:444",
        "http://app.example",
        "https://APP.example",
        "null",
        "*",
        "",
    ] {
        let answer = app
            .anon()
            .get("/api/v1/users")
            .header("origin", origin)
            .await;
        assert_not_shared(&answer);
        assert!(varies_with_origin(&answer), "{origin}");
    }
    let two = app.anon().get("/api/v1/users").header("origin", PAGE);
    assert_not_shared(&two.header("origin", "https://evil.example").await);
    let closed = TestApp::start().await;
    let answer = closed
        .anon()
        .get("/api/v1/users")
        .header("origin", PAGE)
        .await;
    assert_not_shared(&answer);
    assert!(!varies_with_origin(&answer));
}
