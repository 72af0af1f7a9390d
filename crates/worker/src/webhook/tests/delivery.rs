//! What arrives at a receiver, and what its answers mean.

use super::receiver::{Receiver, Request};
use super::*;
use crate::kind::Then;
use chrono::TimeDelta;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

async fn sender() -> Sender {
    Sender::allowing("127.0.0.0/8").await
}

/// What the receiver's answer leads to.
async fn led_to(answer: impl Into<Vec<u8>>) -> Result<Value, RunError> {
    let (sender, receiver) = (sender().await, Receiver::saying(answer).await);
    let outcome = sender.run(json!({ "url": receiver.url() })).await;
    assert_eq!(receiver.connections(), 1, "nothing is sent twice");
    outcome
}

#[tokio::test]
async fn a_delivery_is_a_signed_post_with_the_body_that_was_given() {
    let (sender, receiver) = (sender().await, Receiver::saying(DONE).await);
    let payload = json!({
        "url": receiver.url(),
        "body": { "text": "grüß\r\ndich", "numbers": [1, 2.5, null] },
        "headers": { "X-Shop": "hats", "Authorization": "Bearer abc" },
    });
    assert_eq!(sender.run(payload).await, Ok(json!({ "status": 204 })));
    let request = receiver.request();
    assert_eq!(request.head.lines().next(), Some("POST /hook?a=b HTTP/1.1"));
    let body: Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(
        body,
        json!({ "text": "grüß\r\ndich", "numbers": [1, 2.5, null] })
    );
    let id = "msg_01900000-0000-7000-8000-000000000001";
    let signers = sender.webhook.secrets.signers(sender.owner()).await;
    let signature = signers.unwrap().unwrap().sign(id, request.body.as_bytes());
    let timestamp = instant(0).timestamp().to_string();
    let host = format!("127.0.0.1:{}", receiver.port());
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-type", "application/json"),
        ("user-agent", AGENT),
        ("host", host.as_str()),
        ("x-shop", "hats"),
        ("authorization", "Bearer abc"),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert!(signature.starts_with("v1,") && !signature.contains(' '));
}

#[tokio::test]
async fn without_a_body_the_task_itself_is_told() {
    let (sender, receiver) = (sender().await, Receiver::saying(DONE).await);
    sender.run(json!({ "url": receiver.url() })).await.unwrap();
    let body: Value = serde_json::from_str(&receiver.request().body).unwrap();
    let expected = json!({
        "type": "invoice.paid",
        "timestamp": "2027-01-15T08:00:00.123456Z",
        "data": { "task_id": "01900000-0000-7000-8000-000000000001" },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn all_attempts_have_one_id_and_body_and_each_its_own_time() {
    let (sender, receiver) = (sender().await, Receiver::saying(DONE).await);
    let payload = json!({ "url": receiver.url() });
    sender.run(payload.clone()).await.unwrap();
    sender.clock.advance(TimeDelta::seconds(60));
    let later = Run {
        attempt: 2,
        started_at: instant(60),
        ..run(sender.owner())
    };
    sender.webhook.run(&later, read(payload)).await.unwrap();
    let [first, second] = receiver.requests().try_into().unwrap();
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_ne!(
        first.header("webhook-timestamp"),
        second.header("webhook-timestamp")
    );
}

#[tokio::test]
async fn for_a_day_after_a_rotation_there_are_two_signatures() {
    let (sender, receiver) = (sender().await, Receiver::saying(DONE).await);
    let payload = json!({ "url": receiver.url() });
    sender.webhook.secrets.rotate(&sender.ada).await.unwrap();
    sender.run(payload.clone()).await.unwrap();
    sender.clock.advance(TimeDelta::hours(24));
    sender.run(payload).await.unwrap();
    let [both, one] = receiver.requests().try_into().unwrap();
    let count = |request: &Request| {
        let signatures = request.header("webhook-signature").unwrap();
        let signatures = signatures.split(' ');
        signatures.filter(|it| it.starts_with("v1,")).count()
    };
    assert_eq!((count(&both), count(&one)), (2, 1));
}

#[tokio::test]
async fn every_2xx_is_a_success_and_nothing_else_is() {
    for status in [200, 201, 202, 204, 299] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(led_to(answer).await, Ok(json!({ "status": status })));
    }
    for status in [301, 302, 307, 308, 304, 400, 401, 404, 429, 500, 503, 599] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let error = led_to(answer).await.unwrap_err();
        let expected = RunError::retry(format!("The receiver answered {status}."));
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (sender, inside) = (sender().await, Receiver::saying(DONE).await);
    for status in [301, 302, 303, 307, 308] {
        let to = inside.url();
        let answer = format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        let receiver = Receiver::saying(answer).await;
        let outcome = sender.run(json!({ "url": receiver.url() })).await;
        assert_eq!(outcome.unwrap_err().then(), Then::Retry(None));
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn gone_ends_the_task() {
    let error = led_to("HTTP/1.1 410 Gone\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n").await;
    let expected = RunError::permanent("The receiver answered 410.");
    assert_eq!(error, Err(expected));
}

#[tokio::test]
async fn a_receiver_says_when_it_wants_to_be_asked_again() {
    // The clock stands at 2027-01-15T08:00:00.123456Z.
    for (text, pause) in [
        ("120", Some(Duration::from_mins(2))),
        (
            "Fri, 15 Jan 2027 08:01:00 GMT",
            Some(Duration::from_micros(59_876_544)),
        ),
        ("later", None),
    ] {
        let answer = format!("HTTP/1.1 503 X\r\nretry-after: {text}\r\ncontent-length: 0\r\n\r\n");
        let error = led_to(answer).await.unwrap_err();
        assert_eq!(error.then(), Then::Retry(pause), "{text}");
    }
}

#[tokio::test]
async fn of_a_big_answer_no_more_than_64_kib_is_read() {
    // It would take for ever: the receiver says a gigabyte and sends a little more than is read.
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 70_000, b'x');
    assert_eq!(led_to(answer).await, Ok(json!({ "status": 200 })));
    let mut endless = b"HTTP/1.1 200 OK\r\nx-long: ".to_vec();
    endless.resize(300_000, b'x');
    let broken = RunError::retry("The receiver broke the connection off.");
    assert_eq!(led_to(endless).await, Err(broken));
}

#[tokio::test]
async fn nonsense_is_a_failure() {
    for answer in [
        "nonsense\r\n\r\n",
        "HTTP/1.1 2000 X\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let broken = RunError::retry("The receiver broke the connection off.");
        assert_eq!(led_to(answer).await, Err(broken), "{answer}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_tells_nothing_more() {
    let sender = sender().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let outcome = sender.run(json!({ "url": format!("http://{address}/") }));
    let expected = RunError::retry("The receiver could not be reached.");
    assert_eq!(outcome.await, Err(expected));
}

// --- TLS -------------------------------------------------------------------------------------------------------------

struct Certified {
    acceptor: TlsAcceptor,
    roots: RootCertStore,
}

fn certified(name: &str) -> Certified {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    Certified {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        roots,
    }
}

#[tokio::test]
async fn tls_verifies_the_name_although_its_address_was_found_before() {
    let Certified { acceptor, roots } = certified("hooks.example.com");
    let receiver = Receiver::with_tls(DONE, acceptor).await;
    let loopback = || says(&[&["127.0.0.1"]]);
    let sender = Sender::new("127.0.0.0/8", loopback(), roots).await;
    let payload = |host: &str| json!({ "url": format!("https://{host}:{}/", receiver.port()) });
    let delivered = sender.run(payload("hooks.example.com")).await;
    assert_eq!(delivered, Ok(json!({ "status": 204 })));
    let refused = Err(RunError::retry(
        "No TLS connection could be made with the receiver.",
    ));
    for other in ["other.example.com", "127.0.0.1"] {
        assert_eq!(sender.run(payload(other)).await, refused);
    }
    let strange = Sender::new("127.0.0.0/8", loopback(), RootCertStore::empty()).await;
    assert_eq!(strange.run(payload("hooks.example.com")).await, refused);
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_sender_can_be_had_with_the_authorities_of_the_system() {
    let sender = sender().await;
    let (secrets, clock) = (
        sender.webhook.secrets.clone(),
        Arc::clone(&sender.webhook.clock),
    );
    let webhook = Webhook::new(secrets, clock, "127.0.0.1".parse().unwrap()).unwrap();
    let receiver = Receiver::saying(DONE).await;
    let payload = read(json!({ "url": receiver.url() }));
    let delivered = webhook.run(&run(sender.owner()), payload).await;
    assert_eq!(delivered, Ok(json!({ "status": 204 })));
    assert!(format!("{webhook:?}").contains("127.0.0.1/32"));
}
