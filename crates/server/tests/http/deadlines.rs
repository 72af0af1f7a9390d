//! Slow clients are cut off. No clock of ours moves their ten seconds, so all of them are slow at once.

use crate::support::{Session, Setup, TestApp};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LOGIN: &str =
    "POST /api/v1/user/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// Sends the first part and reads what comes, then the second; how long it lasts until the server closes.
async fn lasts(address: SocketAddr, first: String, second: &str) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64 * 1024];
    let length = stream.read(&mut answer).await.unwrap();
    assert!(length > 0, "an answer to the first part");
    let began = Instant::now();
    stream.write_all(second.as_bytes()).await.unwrap();
    let rest = stream.read_to_end(&mut answer);
    let _ = timeout(Duration::from_secs(20), rest)
        .await
        .expect("the server closes");
    began.elapsed()
}

#[tokio::test]
async fn a_head_or_a_body_that_does_not_come_in_time_ends_the_connection() {
    let (app, tls) = (TestApp::start().await, Setup::new().tls().start().await);
    let whole = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let chunked = format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\n");
    let refused = format!("PUT{}", chunked.strip_prefix("POST").unwrap());
    let session = Session::open(tls.address).await;
    let slow = http::Request::post("https://localhost/api/v1/user/login")
        .header("content-type", "application/json")
        .body(())
        .unwrap();
    let (answer, mut body) = session.send.clone().send_request(slow, false).unwrap();
    body.send_data("{".into(), false).unwrap();
    let began = Instant::now();
    let (head, length, chunks, second, unread, hello, http2) = tokio::join!(
        app.raw("GET /livez HTTP/1.1\r\nHo"),
        app.raw(format!("{LOGIN}Content-Length: 50\r\n\r\n{{")),
        app.raw(format!("{chunked}1\r\n{{\r\n")),
        lasts(app.address, whole.to_owned(), "GET /livez HTTP/1.1\r\nHo"),
        lasts(app.address, refused, "5\r\n{"),
        tls.raw("\x16\x03\x01"),
        answer,
    );
    assert_eq!(head.statuses(), [408], "{head:?}");
    for body in [length, chunks] {
        assert_eq!(body.statuses(), [408], "{body:?}");
        assert!(body.as_str().contains("request_timeout"), "{body:?}");
    }
    assert_eq!(http2.unwrap().status(), 408);
    assert!(!hello.as_str().contains("HTTP/"));
    for lasted in [second, unread, began.elapsed()] {
        assert!(lasted >= Duration::from_secs(9), "{lasted:?}");
    }
    app.anon().get("/livez").await.expect(200);
    tls.anon().get("/livez").await.expect(200);
}
