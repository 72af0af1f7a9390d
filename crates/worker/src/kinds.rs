//! The kinds that a program knows, by name.

use crate::kind::{CheckError, Kind, Run, RunError};
use async_trait::async_trait;
use doorward_domain::UserId;
use doorward_domain::task::{ParseTaskKindError, TaskKind, TaskPayload};
use doorward_services::FieldErrors;
use doorward_services::tasks::TaskKinds;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The kinds of tasks that can be made and run here.
///
/// The services check against them what is made, and a worker runs them, so both are given the same: a task of a kind that
/// a worker does not know waits for one that does.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<TaskKind, Arc<dyn AnyKind>>);

impl Kinds {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and one more. It replaces an earlier one of the same name.
    ///
    /// # Errors
    /// When [`Kind::NAME`] cannot name a kind.
    pub fn with<K: Kind>(mut self, kind: K) -> Result<Self, ParseTaskKindError> {
        let name = TaskKind::parse(K::NAME)?;
        self.0.insert(name, Arc::new(Typed(kind)));
        Ok(self)
    }

    /// The names of all of them.
    pub(crate) fn all(&self) -> Arc<[TaskKind]> {
        self.0.keys().cloned().collect()
    }

    pub(crate) fn get(&self, name: &TaskKind) -> Option<Arc<dyn AnyKind>> {
        self.0.get(name).cloned()
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.keys().map(TaskKind::as_str);
        f.debug_set().entries(names).finish()
    }
}

#[async_trait]
impl TaskKinds for Kinds {
    fn names(&self) -> Vec<TaskKind> {
        self.0.keys().cloned().collect()
    }

    async fn validate(
        &self,
        kind: &TaskKind,
        payload: &TaskPayload,
        owner: UserId,
    ) -> Result<(), CheckError> {
        match self.get(kind) {
            Some(kind) => kind.check(owner, object(payload)).await,
            None => Err(CheckError::Invalid(FieldErrors::one(
                "kind",
                "There is no such kind.",
            ))),
        }
    }
}

/// The payload, as kinds read it.
pub(crate) fn object(payload: &TaskPayload) -> Value {
    Value::Object(payload.as_object().clone())
}

/// A kind whose type is forgotten.
#[async_trait]
pub(crate) trait AnyKind: Send + Sync {
    fn time_limit(&self) -> Duration;
    async fn check(&self, owner: UserId, payload: Value) -> Result<(), CheckError>;
    async fn run(&self, run: &Run, payload: Value) -> Result<Value, RunError>;
}

struct Typed<K>(K);

#[async_trait]
impl<K: Kind> AnyKind for Typed<K> {
    fn time_limit(&self) -> Duration {
        K::TIME_LIMIT
    }

    async fn check(&self, owner: UserId, payload: Value) -> Result<(), CheckError> {
        let payload = K::Payload::deserialize(payload)
            .map_err(|error| CheckError::Invalid(FieldErrors::one("payload", sentence(&error))))?;
        self.0.check(owner, payload).await
    }

    async fn run(&self, run: &Run, payload: Value) -> Result<Value, RunError> {
        let payload = K::Payload::deserialize(payload).map_err(|error| {
            RunError::permanent(format_args!("The payload does not fit its kind: {error}."))
        })?;
        self.0.run(run, payload).await
    }
}

/// What serde says, as the other messages about fields are written.
fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noop::Noop;
    use chrono::DateTime;
    use doorward_domain::TaskId;
    use serde_json::json;
    use uuid::Uuid;

    struct Greet;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Greeting {
        name: String,
        times: u8,
    }

    impl Kind for Greet {
        const NAME: &'static str = "greet";
        type Payload = Greeting;

        async fn check(&self, _: UserId, payload: Greeting) -> Result<(), CheckError> {
            if payload.times > 3 {
                let errors = FieldErrors::one("payload.times", "Three times is enough.");
                return Err(CheckError::Invalid(errors));
            }
            Ok(())
        }

        async fn run(&self, run: &Run, payload: Greeting) -> Result<Value, RunError> {
            Ok(json!([run.attempt, payload.name, payload.times]))
        }
    }

    fn owner() -> UserId {
        UserId::from_uuid(Uuid::from_u128(1))
    }

    fn run() -> Run {
        Run {
            task: TaskId::from_uuid(Uuid::from_u128(2)),
            attempt: 1,
            name: "mine".to_owned(),
            owner: owner(),
            scheduled_at: DateTime::UNIX_EPOCH,
            started_at: DateTime::UNIX_EPOCH,
        }
    }

    fn kinds() -> Kinds {
        Kinds::new().with(Noop).unwrap().with(Greet).unwrap()
    }

    fn kind(name: &str) -> Option<Arc<dyn AnyKind>> {
        kinds().get(&TaskKind::parse(name).unwrap())
    }

    async fn refused(name: &str, payload: Value) -> Vec<(String, Vec<String>)> {
        let kind = TaskKind::parse(name).unwrap();
        let payload = TaskPayload::parse(&payload.to_string()).unwrap();
        match kinds().validate(&kind, &payload, owner()).await {
            Ok(()) => Vec::new(),
            Err(CheckError::Invalid(errors)) => errors
                .iter()
                .map(|(field, messages)| (field.to_owned(), messages.to_vec()))
                .collect(),
            Err(CheckError::Internal(error)) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn a_payload_is_parsed_and_then_looked_at_when_a_task_is_made() {
        let expect =
            |field: &str, message: &str| vec![(field.to_owned(), vec![message.to_owned()])];
        assert_eq!(
            refused("greet", json!({"name": "Ada", "times": 3})).await,
            []
        );
        for (kind, payload, field, message) in [
            ("greet", json!({}), "payload", "Missing field `name`."),
            (
                "greet",
                json!({"name": "Ada", "times": 256}),
                "payload",
                "Invalid value: integer `256`, expected u8.",
            ),
            (
                "greet",
                json!({"name": "Ada", "times": 4}),
                "payload.times",
                "Three times is enough.",
            ),
            ("other", json!({}), "kind", "There is no such kind."),
        ] {
            assert_eq!(refused(kind, payload).await, expect(field, message));
        }
    }

    #[tokio::test]
    async fn a_run_gets_the_typed_payload_and_one_that_does_not_fit_fails_for_good() {
        let kind = kind("greet").unwrap();
        let result = kind.run(&run(), json!({"name": "Ada", "times": 2})).await;
        assert_eq!(result, Ok(json!([1, "Ada", 2])));
        let error = kind.run(&run(), json!({"name": "Ada"})).await.unwrap_err();
        assert_eq!(error.then(), crate::kind::Then::GiveUp);
        assert_eq!(
            error.message(),
            "The payload does not fit its kind: missing field `times`."
        );
    }

    #[tokio::test]
    async fn noop_takes_anything_and_completes() {
        assert_eq!(format!("{:?}", kinds()), r#"{"greet", "noop"}"#);
        assert!(kind("other").is_none());
        let noop = kind("noop").unwrap();
        for payload in [json!({}), json!({"a": [1]})] {
            assert!(noop.check(owner(), payload.clone()).await.is_ok());
            assert_eq!(noop.run(&run(), payload).await, Ok(Value::Null));
        }
    }

    #[test]
    fn a_kind_whose_name_cannot_be_one_is_refused() {
        struct Nameless;
        impl Kind for Nameless {
            const NAME: &'static str = "No Name";
            type Payload = Value;
            async fn run(&self, _: &Run, _: Value) -> Result<Value, RunError> {
                Ok(Value::Null)
            }
        }
        assert!(Kinds::new().with(Nameless).is_err());
    }
}
