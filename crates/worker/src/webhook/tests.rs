mod delivery;
mod receiver;
mod refusal;
mod time;

use super::*;
use async_trait::async_trait;
use doorward_domain::User;
use doorward_services::auth::{Caller, Credential};
use doorward_services::clock::FakeClock;
use doorward_storage::Store;
use doorward_storage::testing::{a_user, instant, write};
use doorward_storage_diesel::testing::TestDatabase;
use secrecy::SecretString;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Mutex;
use target::Refused;
use uuid::Uuid;

const KEY: &str = "a key for tests, 32 bytes and more";

/// A sender on a throw-away database, and somebody with a secret.
struct Sender {
    webhook: Webhook,
    clock: Arc<FakeClock>,
    ada: Caller,
    _database: TestDatabase,
}

/// Says each in turn, and the last for ever.
struct Says(Mutex<VecDeque<Vec<IpAddr>>>);

#[async_trait]
impl Resolver for Says {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, Refused> {
        let mut answers = self.0.lock().unwrap();
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        next.ok_or(Refused)
    }
}

fn says(answers: &[&[&str]]) -> Says {
    let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
    Says(Mutex::new(answers.iter().map(parsed).collect()))
}

impl Sender {
    /// Allowed are these; every name is one of loopback.
    async fn allowing(allow: &str) -> Self {
        Self::new(allow, says(&[&["127.0.0.1"]]), RootCertStore::empty()).await
    }

    async fn new(allow: &str, resolver: Says, roots: RootCertStore) -> Self {
        let database = TestDatabase::sqlite();
        let store: Arc<dyn Store> = Arc::new(database.open());
        let clock = Arc::new(FakeClock::at(instant(0)));
        let ada = a_user("ada");
        let caller = caller(&ada);
        write(&*store, move |tx| tx.insert_user(&ada)).await;
        let clock_port: Arc<dyn Clock> = Arc::<FakeClock>::clone(&clock);
        let secrets = WebhookSecrets::new(
            store,
            Arc::clone(&clock_port),
            &SecretString::from(KEY),
            &[],
        );
        secrets.rotate(&caller).await.unwrap();
        let allow = match allow {
            "" => AllowList::default(),
            allow => allow.parse().unwrap(),
        };
        Self {
            webhook: Webhook {
                secrets,
                clock: clock_port,
                allow,
                resolver: Box::new(resolver),
                client: Client::new(roots).unwrap(),
            },
            clock,
            ada: caller,
            _database: database,
        }
    }

    async fn run(&self, payload: Value) -> Result<Value, RunError> {
        self.webhook.run(&run(self.owner()), read(payload)).await
    }

    async fn check(&self, payload: Value) -> Vec<(String, Vec<String>)> {
        self.check_for(self.owner(), payload).await
    }

    async fn check_for(&self, owner: UserId, payload: Value) -> Vec<(String, Vec<String>)> {
        match self.webhook.check(owner, read(payload)).await {
            Ok(()) => Vec::new(),
            Err(CheckError::Invalid(errors)) => errors
                .iter()
                .map(|(field, messages)| (field.to_owned(), messages.to_vec()))
                .collect(),
            Err(CheckError::Internal(error)) => panic!("{error}"),
        }
    }

    fn owner(&self) -> UserId {
        self.ada.principal.id
    }
}

fn caller(user: &User) -> Caller {
    Caller {
        principal: Arc::new(user.clone().into()),
        credential: Credential::Foreign,
        origin: doorward_domain::Origin::default(),
    }
}

fn read(payload: Value) -> WebhookPayload {
    serde_json::from_value(payload).unwrap()
}

fn run(owner: UserId) -> Run {
    Run {
        task: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001).into(),
        attempt: 1,
        name: "invoice.paid".to_owned(),
        owner,
        scheduled_at: instant(0),
        started_at: instant(3),
    }
}

#[test]
fn a_payload_has_a_url_and_perhaps_a_body_and_headers() {
    for (payload, is_good) in [
        (json!({ "url": "x" }), true),
        (
            json!({ "url": "x", "body": [1], "headers": { "a": "b" } }),
            true,
        ),
        (json!({ "url": "x", "body": null }), true),
        (json!({}), false),
        (json!({ "url": 7 }), false),
        (json!({ "url": "x", "method": "GET" }), false),
        (json!({ "url": "x", "headers": { "a": 1 } }), false),
        (json!({ "url": "x", "headers": ["a"] }), false),
        (json!("x"), false),
    ] {
        let read = serde_json::from_value::<WebhookPayload>(payload.clone());
        assert_eq!(read.is_ok(), is_good, "{payload}");
    }
}
