//! What the program connects to, and what it does not.

use super::{Place, login};
use crate::support::{PATIENCE, until};
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;

#[tokio::test]
async fn a_webhook_takes_no_proxy_out_of_the_environment() {
    let (proxy, receiver) = (listener(), listener());
    proxy.set_nonblocking(true).unwrap();
    let mut place = Place::of_this_run().with("WEBHOOK_ALLOW", "127.0.0.1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        place = place.with(name, format!("http://{}", proxy.local_addr().unwrap()));
    }
    let server = place.serve();
    let client = server.client();
    client.register("ada").await.expect(201);
    let ada = login(&client, "ada").await;
    let secret = "/api/v1/webhook-secret";
    ada.request("POST", secret).await.expect(201);
    let url = format!("http://{}/hook", receiver.local_addr().unwrap());
    let receiving = thread::spawn(move || {
        let (mut stream, _) = receiver.accept().unwrap();
        let mut head = [0; 4096];
        let count = stream.read(&mut head).unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&head[..count]).into_owned()
    });
    let task = json!({
        "name": "due", "scheduled_at": "2020-01-01T00:00:00Z", "kind": "webhook", "payload": { "url": url },
    });
    let made = ada.post("/api/v1/tasks", task).await.expect(201);
    let path = format!("/api/v1/tasks/{}", made.text("id"));
    until("it is delivered", PATIENCE, || async {
        ada.get(&path).await.expect(200).json()["status"] == "completed"
    })
    .await;
    let heard = receiving.join().unwrap();
    assert!(heard.starts_with("POST /hook "), "{heard}");
    let came = proxy.accept().map_err(|error| error.kind());
    assert_eq!(came.err(), Some(ErrorKind::WouldBlock));
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}
