//! HTTP/2: the same rules, and limits of its own.

use crate::support::{Session, Setup};
use http::Request;
use serde_json::Value;

fn login(body: Vec<u8>) -> Request<Vec<u8>> {
    Request::post("https://localhost/api/v1/user/login")
        .header("content-type", "application/json")
        .body(body)
        .unwrap()
}

fn code(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn over_http2_the_authority_is_checked_as_the_host_is() {
    let app = Setup::new().tls().start().await;
    let session = Session::open(app.address).await;
    for uri in [
        "https://localhost/api/v1/health",
        "https://127.0.0.1:1/api/v1/health",
    ] {
        assert_eq!(session.get(uri).await.0, 200, "{uri}");
    }
    let (status, body) = session.get("https://evil.example/api/v1/health").await;
    assert_eq!((status, &*code(&body)), (421, "misdirected_request"));
    let two = Request::get("https://localhost/api/v1/health").header("host", "evil.example");
    let (status, body) = session.ask(two.body(Vec::new()).unwrap()).await;
    assert_eq!((status, &*code(&body)), (421, "misdirected_request"));
    let probe = session.get("https://10.0.0.7/livez").await;
    assert_eq!(probe.0, 200);
}

#[tokio::test]
async fn over_http2_bodies_headers_and_nesting_have_the_same_limits() {
    let app = Setup::new().tls().start().await;
    let session = Session::open(app.address).await;
    let (status, body) = session.ask(login(vec![b'{'; 65_537])).await;
    assert_eq!((status, &*code(&body)), (413, "payload_too_large"));
    let deep = "[".repeat(65) + &"]".repeat(65);
    let (status, body) = session.ask(login(deep.into_bytes())).await;
    assert_eq!((status, &*code(&body)), (400, "malformed_request"));
    let (status, body) = session.ask(login(b"{\"a\": \"\xff\"}".to_vec())).await;
    assert_eq!((status, &*code(&body)), (400, "malformed_request"));
    let with = |length: usize| {
        let request =
            Request::get("https://localhost/livez").header("x-filler", "x".repeat(length));
        session.ask(request.body(Vec::new()).unwrap())
    };
    assert_eq!(with(15_000).await.0, 200);
    let (status, body) = with(17_000).await;
    assert_eq!((status, &*code(&body)), (431, "headers_too_large"));
    assert_eq!(with(40_000).await.0, 431);
    assert_eq!(with(10).await.0, 200);
}

#[tokio::test]
async fn a_client_that_begins_and_resets_without_end_is_cut_off_and_others_are_not() {
    let app = Setup::new().tls().start().await;
    let (rapid, other) = (
        Session::open(app.address).await,
        Session::open(app.address).await,
    );
    for _ in 0..10_000 {
        let Ok(mut send) = rapid.send.clone().ready().await else {
            break;
        };
        let request = Request::get("https://localhost/livez").body(()).unwrap();
        let Ok((_answer, mut stream)) = send.send_request(request, true) else {
            break;
        };
        stream.send_reset(h2::Reason::CANCEL);
    }
    assert!(!rapid.ends().await, "the server ends the connection");
    assert_eq!(other.get("https://localhost/livez").await.0, 200);
}

#[tokio::test]
async fn a_head_over_http2_has_no_body_and_the_length_of_one() {
    let app = Setup::new().tls().start().await;
    let whole = app.anon().get("/api/v1/users").await.expect(200);
    let head = app
        .anon()
        .request("HEAD", "/api/v1/users")
        .await
        .expect(200);
    assert_eq!(head.body, "");
    assert_eq!(
        head.header("content-length"),
        whole.header("content-length")
    );
    assert!(head.header("date").is_some() && head.header("connection").is_none());
}

#[tokio::test]
async fn at_the_end_a_client_of_http2_is_told_farewell() {
    let app = Setup::new().tls().start().await;
    let session = Session::open(app.address).await;
    assert_eq!(session.get("https://localhost/livez").await.0, 200);
    drop(app);
    assert!(session.ends().await, "with a farewell");
}
