//! Which hosts are served, and what ends a connection.

use crate::support::TestApp;

/// A request whose headers are these alone.
fn get(path: &str, headers: &[&str]) -> String {
    let headers = [headers, &["Connection: close", "\r\n"]]
        .concat()
        .join("\r\n");
    format!("GET {path} HTTP/1.1\r\n{headers}")
}

#[tokio::test]
async fn a_listed_host_is_served_in_any_case_with_any_port() {
    let app = TestApp::start().await;
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:8000"] {
        let answer = app.anon().get("/api/v1/health").header("host", host).await;
        answer.expect(200);
    }
}

#[tokio::test]
async fn a_foreign_host_is_421_and_a_missing_or_double_one_400() {
    let app = TestApp::start().await;
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.2",
        "localhost:80:80",
        "localhost,evil",
    ] {
        let answer = app.anon().get("/api/v1/health").header("host", host).await;
        answer.problem(421, "misdirected_request");
    }
    for headers in [
        vec![],
        vec!["Host: localhost", "Host: localhost"],
        vec!["Host: localhost", "Host: evil.example"],
    ] {
        let answer = app.raw(get("/api/v1/health", &headers)).await;
        assert_eq!(answer.statuses(), [400], "{headers:?}: {answer:?}");
    }
    for headers in [
        vec!["Host:"],
        vec!["Host: \u{e9}"],
        vec!["Host: localhost/x"],
        vec!["Host: user@localhost"],
    ] {
        let answer = app.raw(get("/api/v1/health", &headers)).await;
        let refused = answer.statuses();
        assert!(
            refused == [400] || refused == [421],
            "{headers:?}: {answer:?}"
        );
    }
}

/// In HTTP/1.0, where the parser lets a request without a host pass.
#[tokio::test]
async fn a_refusal_for_the_host_is_a_problem_like_any_other() {
    let app = TestApp::start().await;
    let request = get("/api/v1/health", &["X-Request-ID: r-7"]);
    let answer = app.raw(request.replace("HTTP/1.1", "HTTP/1.0")).await;
    for part in [
        " 400 ",
        "application/problem+json",
        "host_not_valid",
        "x-request-id: r-7",
        "\"request_id\":\"r-7\"",
        "nosniff",
    ] {
        assert!(answer.as_str().contains(part), "{part}: {answer:?}");
    }
}

/// But for none or two in HTTP/1.1, which the parser refuses, as RFC 9112, section 3.2, demands.
#[tokio::test]
async fn probes_are_answered_whatever_host_they_name() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz", "/livez/"] {
        for request in [
            get(path, &["Host: 10.0.0.7:8000"]),
            get(path, &[]).replace("HTTP/1.1", "HTTP/1.0"),
        ] {
            let answer = app.raw(request.clone()).await;
            assert!(answer.as_str().contains(" 200 OK"), "{request}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_host_in_the_target_counts_too() {
    let app = TestApp::start().await;
    let absolute = |host: &str| {
        get(
            &format!("http://{host}/api/v1/health"),
            &["Host: localhost"],
        )
    };
    assert_eq!(app.raw(absolute("localhost")).await.statuses(), [200]);
    assert_eq!(app.raw(absolute("evil.example")).await.statuses(), [421]);
}

#[tokio::test]
async fn what_could_smuggle_a_second_request_ends_the_connection() {
    let app = TestApp::start().await;
    let smuggled = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let length = smuggled.len();
    for (trick, headers) in [
        (
            "two lengths",
            format!("Content-Length: 2\r\nContent-Length: {length}\r\n"),
        ),
        (
            "two equal lengths",
            "Content-Length: 2\r\nContent-Length: 2\r\n".to_owned(),
        ),
        (
            "a list of lengths",
            format!("Content-Length: 2, {length}\r\n"),
        ),
        (
            "length with chunked",
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        ),
        (
            "chunked with length",
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n".to_owned(),
        ),
        (
            "chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n".to_owned(),
        ),
        (
            "not chunked last",
            "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        ),
        (
            "unknown coding",
            "Transfer-Encoding: xchunked\r\n".to_owned(),
        ),
        ("a negative length", "Content-Length: -2\r\n".to_owned()),
        ("a signed length", "Content-Length: +2\r\n".to_owned()),
        (
            "space before the colon",
            "Content-Length : 2\r\n".to_owned(),
        ),
        (
            "a folded header",
            "X-A: b\r\n c\r\nContent-Length: 2\r\n".to_owned(),
        ),
    ] {
        let request = format!(
            "POST /api/v1/user/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n\
             {{}}{smuggled}"
        );
        let answer = app.raw(request).await;
        let statuses = answer.statuses();
        assert!(
            statuses.len() <= 1 && !statuses.contains(&200),
            "{trick}: {answer:?}"
        );
    }
    app.anon().get("/livez").await.expect(200);
}

#[tokio::test]
async fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let app = TestApp::start().await;
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /livez HTTP/9.9\r\n\r\n".to_vec(),
        b"GET /li vez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /livez HTTP/1.1\r\nHo\x00st: localhost\r\n\r\n".to_vec(),
        format!(
            "GET /livez HTTP/1.1\r\nX-Long: {}\r\n\r\n",
            "x".repeat(1_000_000)
        )
        .into_bytes(),
    ] {
        let answer = app.raw(bytes).await;
        assert!(!answer.statuses().contains(&200), "{answer:?}");
    }
    app.anon().get("/livez").await.expect(200);
}
