//! Tasks of the kind `webhook`, from the route to a receiver on loopback.

use crate::support::{PATIENCE, Setup, TestApp, User, until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward_domain::task::{MaxAttempts, TaskKind, TaskPayload};
use doorward_domain::{ScheduledTask, TaskId, UserId};
use doorward_storage::Store;
use doorward_storage::testing::{a_task, a_user, write};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const TASKS: &str = "/api/v1/tasks";
const SECRET: &str = "/api/v1/webhook-secret";
const REFUSED: &str = "The address is not allowed or cannot be found.";
const HOSTILE: &str = include_str!("../../../worker/tests/hostile_addresses.txt");

/// Notes each request and answers 204. It ends with the process.
struct Receiver {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                noting.lock().unwrap().push(hear(stream.unwrap()));
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn hear(mut stream: TcpStream) -> String {
    let (mut text, mut chunk) = (String::new(), [0; 4096]);
    while !text.ends_with('}') {
        let count = stream.read(&mut chunk).unwrap();
        if count == 0 {
            return text;
        }
        text += str::from_utf8(&chunk[..count]).unwrap();
    }
    let done = b"HTTP/1.1 204 No Content\r\n\r\n";
    stream.write_all(done).unwrap();
    text
}

fn hostile(port: u16) -> Vec<String> {
    let lines = HOSTILE.lines().filter(|line| !line.starts_with("# "));
    lines
        .map(|line| line.replace("{port}", &port.to_string()))
        .collect()
}

fn webhook(url: &str) -> Value {
    json!({
        "name": "invoice.due", "scheduled_at": "2020-01-31T12:00:00Z", "kind": "webhook",
        "payload": { "url": url, "body": { "invoice": 7 } },
    })
}

async fn ended(user: &User, id: &str) -> Value {
    let path = format!("{TASKS}/{id}");
    until("the task has ended", PATIENCE, || async {
        let task = user.get(&path).await.expect(200).json();
        task["finished_at"] != Value::Null
    })
    .await;
    user.get(&path).await.expect(200).json()
}

#[tokio::test]
async fn a_webhook_is_delivered_signed_with_its_owners_secret() {
    let setup = Setup::new().webhook_allow("127.0.0.1").running_tasks();
    let app = setup.start().await;
    let (ada, receiver) = (app.user("ada").await, Receiver::start());
    let secret = ada.request("POST", SECRET).await.expect(201).text("secret");
    let url = format!("http://{}/hook", receiver.address);
    let made = ada.post(TASKS, webhook(&url)).await.expect(201);
    let task = ended(&ada, &made.text("id")).await;
    assert_eq!(
        (&task["status"], &task["result"], &task["error"]),
        (&json!("completed"), &json!({ "status": 204 }), &Value::Null)
    );
    let heard = receiver.heard();
    let [request] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    let (headers, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(headers.starts_with("POST /hook HTTP/1.1\r\n"), "{headers}");
    assert_eq!(body, r#"{"invoice":7}"#);
    assert!(headers.contains(&format!("webhook-id: msg_{}\r\n", made.text("id"))));
    assert!(headers.contains("webhook-timestamp: 1750000000\r\n"));
    assert!(headers.contains("webhook-signature: v1,"));
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
    assert_eq!(key.unwrap().len(), 32);
    assert!(!format!("{task} {headers}").contains(&secret));
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let app = Setup::new().webhook_allow("127.0.0.1").start().await;
    let ada = app.user("ada").await;
    let refused = ada.post(TASKS, webhook("http://127.0.0.1:8000/")).await;
    let errors = refused.expect(400).errors();
    let expected = "There is no webhook secret: make one with POST /api/v1/webhook-secret first.";
    assert_eq!(errors["payload"], json!([expected]));
    ada.request("POST", SECRET).await.expect(201);
    ada.post(TASKS, webhook("http://127.0.0.1:8000/"))
        .await
        .expect(201);
}

#[tokio::test]
async fn no_hostile_address_is_taken() {
    let app = TestApp::start().await;
    let (ada, receiver) = (app.user("ada").await, Receiver::start());
    ada.request("POST", SECRET).await.expect(201);
    let addresses = hostile(receiver.address.port());
    assert!(addresses.len() >= 200);
    for url in addresses {
        let refused = ada.post(TASKS, webhook(&url)).await.expect(400);
        let errors = refused.errors();
        assert_eq!(errors, json!({ "payload.url": [REFUSED] }), "{url}");
    }
    assert_eq!(ada.get(TASKS).await.expect(200).json(), json!([]));
    assert_eq!(receiver.heard(), Vec::<String>::new());
}

/// They come from the database, past the route.
#[tokio::test]
async fn no_hostile_address_is_delivered_to() {
    let app = Setup::new().running_tasks().start().await;
    let (ada, receiver) = (app.user("ada").await, Receiver::start());
    ada.request("POST", SECRET).await.expect(201);
    let owner: UserId = ada.id.parse().unwrap();
    let addresses = hostile(receiver.address.port());
    let tasks: Vec<_> = addresses.iter().map(|url| task(owner, url)).collect();
    let ids: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
    let store: Arc<dyn Store> = Arc::new(app.database.open());
    write(&*store, move |tx| {
        let at = tasks[0].created_at;
        tasks.iter().try_for_each(|task| tx.insert_task(task, at))
    })
    .await;
    for (id, url) in ids.into_iter().zip(addresses) {
        let task = ended(&ada, &id.to_string()).await;
        assert_eq!(task["status"], "failed", "{url}");
        assert_eq!(task["error"], REFUSED, "{url}");
    }
    assert_eq!(receiver.heard(), Vec::<String>::new());
    store.close().await;
}

fn task(owner: UserId, url: &str) -> ScheduledTask {
    let payload = json!({ "url": url }).to_string();
    let long_ago = "2025-01-01T00:00:00Z".parse().unwrap();
    ScheduledTask {
        user_id: owner,
        kind: TaskKind::parse("webhook").unwrap(),
        payload: TaskPayload::parse(&payload).unwrap(),
        max_attempts: MaxAttempts::new(1).unwrap(),
        scheduled_at: long_ago,
        due_at: Some(long_ago),
        created_at: long_ago,
        ..a_task(&a_user("nobody"))
    }
}
