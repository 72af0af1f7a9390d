//! What Prometheus reads, and what traces are told.

use crate::support::{PASSWORD, PATIENCE, Setup, TestApp, until};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const TOKEN: &str = "b7Kq-metrics-5xWn";
const NOBODY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

async fn page(app: &TestApp) -> String {
    app.anon().get("/metrics").await.expect(200).body
}

/// The value of the one series that begins so.
#[track_caller]
/// What a series of whole numbers says.
fn count(page: &str, series: &str) -> u64 {
    text(page, series).parse().expect("a whole number")
}

fn value(page: &str, series: &str) -> f64 {
    text(page, series).parse().expect("a number")
}

fn text<'a>(page: &'a str, series: &str) -> &'a str {
    let mut lines = page.lines().filter_map(|line| line.strip_prefix(series));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("no {series} in {page}"));
    line.trim()
}

#[tokio::test]
async fn metrics_are_for_the_machine_itself_and_not_through_a_proxy() {
    let app = TestApp::start().await;
    let answer = app.anon().get("/metrics").await.expect(200);
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let other_host = app.anon().get("/metrics").header("host", "10.0.0.7:9");
    other_host.await.expect(200);
    for name in ["x-forwarded-for", "forwarded", "x-forwarded-proto", "via"] {
        let proxied = app.anon().get("/metrics").header(name, "127.0.0.1");
        assert_eq!(proxied.await.expect(403).text("code"), "permission_denied");
    }
}

#[tokio::test]
async fn a_token_opens_the_metrics_and_nothing_else_does() {
    let app = Setup::new().metrics_token(TOKEN).start().await;
    let owner = app.owner().await;
    let anon = app.anon();
    let none = anon.get("/metrics").await.expect(401);
    assert_eq!(
        none.header("www-authenticate"),
        Some("Bearer realm=\"api\"")
    );
    for wrong in ["x", TOKEN.get(1..).unwrap(), &owner.access] {
        let refused = anon.with_token(wrong).get("/metrics").await.expect(401);
        assert_eq!(refused.text("code"), "token_not_valid");
        assert!(!refused.body.contains(TOKEN));
    }
    let proxied = anon.with_token(TOKEN).get("/metrics");
    let page = proxied
        .header("x-forwarded-for", "192.0.2.9")
        .await
        .expect(200);
    assert!(!page.body.contains(TOKEN) && !page.body.contains(&owner.access));
}

#[tokio::test]
async fn what_happens_is_counted_under_the_names_of_the_documentation() {
    let app = Setup::new().running_tasks().start().await;
    let ada = app.user("ada").await;
    app.anon().login("ada", "wrong").await.expect(401);
    for _ in 0..3 {
        ada.me().await.expect(200);
    }
    app.anon().get("/api/v1/users").await.expect(200);
    app.anon().get("/api/v1/users").await.expect(200);
    let page = page(&app).await;
    let requests = |rest: &str| count(&page, &format!("doorward_http_requests_total{rest}"));
    assert_eq!(
        requests(r#"{method="GET",route="/api/v1/user/me",status="200"}"#),
        3
    );
    assert_eq!(
        requests(r#"{method="POST",route="/api/v1/user/login",status="401"}"#),
        1
    );
    let times =
        r#"doorward_http_request_duration_seconds_count{method="GET",route="/api/v1/user/me"}"#;
    assert_eq!(count(&page, times), 3);
    for (series, expected) in [
        (r#"doorward_logins_total{outcome="succeeded"}"#, 1),
        (r#"doorward_logins_total{outcome="refused"}"#, 1),
        (r#"doorward_cache_hits_total{cache="user_lists"}"#, 1),
        (r#"doorward_cache_misses_total{cache="user_lists"}"#, 1),
        ("doorward_hashing_wait_seconds_count", 3),
        (r#"doorward_users{state="active"}"#, 1),
        ("doorward_sessions_live", 1),
        (r#"doorward_tasks{state="pending"}"#, 0),
        (r#"doorward_task_attempts_total{outcome="given_back"}"#, 0),
        ("doorward_database_up", 1),
        ("doorward_store_refused_total", 0),
    ] {
        assert_eq!(count(&page, series), expected, "{series}");
    }
    for series in [
        r#"doorward_cache_hits_total{cache="principals"}"#,
        "doorward_store_wait_seconds_count",
        "doorward_connections_open",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
    ] {
        assert!(value(&page, series) > 0.0, "{series}");
    }
}

/// What anybody can write into a path, a method or a header makes no series, and no id is in any.
#[tokio::test]
async fn nobody_makes_series_and_no_id_is_in_one() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    for number in 0..20 {
        let path = format!("/nowhere/{number}-{NOBODY}?token={}", owner.access);
        app.anon().get(&path).await.expect(404);
        owner
            .get(&format!("/api/v1/users/{NOBODY}"))
            .await
            .expect(404);
        let method = format!("M{number}");
        app.anon().request(&method, "/livez").await.expect(405);
        app.anon().get(&format!("/admin/{number}")).await;
    }
    app.anon()
        .get("/api/v1/users")
        .header("host", "evil.example")
        .await
        .expect(421);
    let page = page(&app).await;
    let unmatched = r#"doorward_http_requests_total{method="GET",route="unmatched",status="404"}"#;
    assert_eq!(count(&page, unmatched), 40);
    let other = r#"doorward_http_requests_total{method="other",route="/livez",status="405"}"#;
    assert_eq!(count(&page, other), 20);
    let by_id =
        r#"doorward_http_requests_total{method="GET",route="/api/v1/users/{id}",status="404"}"#;
    assert_eq!(count(&page, by_id), 20);
    for hidden in [
        NOBODY,
        &owner.id,
        &owner.access,
        "nowhere",
        "evil",
        "owner",
        "M1",
    ] {
        assert!(!page.contains(hidden), "{hidden} in {page}");
    }
}

#[tokio::test]
async fn without_the_database_the_metrics_say_so() {
    let (app, store) = Setup::new().start_faulty().await;
    store.fail(crate::support::Fault::Outage);
    app.clock.age(std::time::Duration::from_secs(11));
    let page = page(&app).await;
    assert_eq!(count(&page, "doorward_database_up"), 0);
    assert!(value(&page, "doorward_change_feed_lag_seconds") > 10.0);
    assert!(!page.contains("doorward_users"));
}

/// Whoever gathers traces: keeps what it is sent, and answers each with 200.
fn receiver() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::<Mutex<Vec<u8>>>::default();
    let kept = Arc::clone(&received);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let request = read_request(&mut stream.unwrap());
            kept.lock().unwrap().extend(request);
        }
    });
    (endpoint, received)
}

fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).unwrap();
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let length = text.split_once("content-length: ").and_then(|(_, rest)| {
            let length = rest.split_once("\r\n")?.0;
            length.parse::<usize>().ok()
        });
        let head = request.windows(4).position(|four| four == b"\r\n\r\n");
        let is_whole = head
            .zip(length)
            .is_some_and(|(head, length)| request.len() >= head + 4 + length);
        if is_whole || read == 0 {
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer.as_bytes()).unwrap();
            return request;
        }
    }
}

#[tokio::test]
async fn a_trace_goes_on_through_the_server_and_holds_no_secret() {
    let (endpoint, received) = receiver();
    let app = Setup::new().traces_to(endpoint).start().await;
    let ada = app.user("ada").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let target = format!("/api/v1/users/{NOBODY}?token={}", ada.access);
    let answer = ada
        .get(&target)
        .header("traceparent", &parent)
        .await
        .expect(403);
    let request_id = answer.header("x-request-id").unwrap().to_owned();
    app.anon()
        .get("/livez")
        .header("traceparent", "nonsense")
        .await
        .expect(200);
    app.on_server(|application| Box::pin(async move { application.flush_traces().await }))
        .await;
    let arrived = || async {
        let received = received.lock().unwrap();
        received.windows(5).any(|five| five == b"livez")
    };
    until("the traces arrive", PATIENCE, arrived).await;
    let bytes = received.lock().unwrap().clone();
    let has = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{text}");
    for name in [
        "GET /api/v1/users/{id}",
        "POST /api/v1/user/login",
        "GET /livez",
        &request_id,
    ] {
        assert!(has(name.as_bytes()), "{name}");
    }
    let id = u128::from_str_radix(trace, 16).unwrap().to_be_bytes();
    assert!(has(&id), "the client's trace goes on");
    for secret in [
        PASSWORD,
        &ada.access,
        &ada.refresh,
        NOBODY,
        &ada.id,
        "ada@example.com",
    ] {
        assert!(!has(secret.as_bytes()), "{secret}");
    }
    let body = json!({ "refresh_token": ada.refresh });
    app.anon()
        .post("/api/v1/user/refresh", body)
        .await
        .expect(200);
}
