//! What is refused, when a task is made and when it runs.

use super::receiver::Receiver;
use super::*;
use crate::kind::Then;

const HOSTILE: &str = include_str!("../../../tests/hostile_addresses.txt");
const REFUSED: &str = "The address is not allowed or cannot be found.";
const DONE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn hostile(port: u16) -> Vec<String> {
    let lines = HOSTILE.lines().filter(|line| !line.starts_with("# "));
    lines
        .map(|line| line.replace("{port}", &port.to_string()))
        .collect()
}

/// Every name is one of loopback here.
#[tokio::test]
async fn no_hostile_address_is_taken_nor_delivered_to() {
    let sender = Sender::allowing("").await;
    let receiver = Receiver::saying(DONE).await;
    let addresses = hostile(receiver.port());
    assert!(addresses.len() >= 200, "{}", addresses.len());
    for url in addresses {
        let payload = json!({ "url": url });
        let expected = [("payload.url".to_owned(), vec![REFUSED.to_owned()])];
        assert_eq!(sender.check(payload.clone()).await, expected, "{url}");
        let error = sender.run(payload).await.unwrap_err();
        assert_eq!(error, RunError::retry(REFUSED), "{url}");
    }
    assert_eq!(receiver.connections(), 0);
}

/// Else the test above could not fail.
#[tokio::test]
async fn the_receiver_of_hostile_addresses_can_be_reached() {
    let receiver = Receiver::saying(DONE).await;
    let sender = Sender::allowing("127.0.0.0/8").await;
    for host in ["127.0.0.1", "2130706433", "0177.1", "any.name.at.all"] {
        let payload = json!({ "url": format!("http://{host}:{}/", receiver.port()) });
        assert_eq!(sender.check(payload.clone()).await, []);
        assert!(sender.run(payload).await.is_ok());
    }
    assert_eq!(receiver.requests().len(), 4);
}

/// DNS rebinding: the name has a public address when the task is made, and one of loopback when it runs.
#[tokio::test]
async fn a_name_that_has_become_one_of_loopback_gets_nothing() {
    let receiver = Receiver::saying(DONE).await;
    for then in [&["127.0.0.1"][..], &["8.8.8.8", "127.0.0.1"], &["::1"], &[]] {
        let resolver = says(&[&["8.8.8.8"], then]);
        let sender = Sender::new("", resolver, RootCertStore::empty()).await;
        let payload = json!({ "url": format!("http://hooks.example.com:{}/", receiver.port()) });
        assert_eq!(sender.check(payload.clone()).await, []);
        assert_eq!(sender.run(payload).await, Err(RunError::retry(REFUSED)));
    }
    assert_eq!(receiver.connections(), 0);
}

/// What was vetted is what is connected to.
#[tokio::test]
async fn an_attempt_looks_a_name_up_once() {
    let receiver = Receiver::saying(DONE).await;
    let resolver = says(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let sender = Sender::new("127.0.0.1", resolver, RootCertStore::empty()).await;
    let payload = json!({ "url": format!("http://hooks.example.com:{}/", receiver.port()) });
    assert!(sender.run(payload.clone()).await.is_ok());
    assert_eq!(sender.run(payload).await, Err(RunError::retry(REFUSED)));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_payload_is_told_at_once() {
    let sender = Sender::allowing("").await;
    let stranger = UserId::from_uuid(Uuid::from_u128(7));
    let payload = json!({ "url": "http://localhost/", "headers": { "Host": "evil" } });
    let errors = sender.check_for(stranger, payload).await;
    let told: Vec<_> = errors
        .iter()
        .map(|(field, messages)| (field.as_str(), messages[0].as_str()))
        .collect();
    let expected = [
        ("payload", NO_SECRET),
        ("payload.headers", "host cannot be set."),
        ("payload.url", REFUSED),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn who_has_no_secret_any_more_is_not_signed_for() {
    let sender = Sender::allowing("127.0.0.0/8").await;
    let receiver = Receiver::saying(DONE).await;
    let strangers = run(UserId::from_uuid(Uuid::from_u128(7)));
    let payload = read(json!({ "url": receiver.url() }));
    let error = sender.webhook.run(&strangers, payload).await.unwrap_err();
    assert_eq!((error.message(), error.then()), (NO_SECRET, Then::GiveUp));
    assert_eq!(receiver.connections(), 0);
}
