//! Doorward as a library, without HTTP: somebody registers and schedules a task of a kind that this program brings, and a
//! worker runs it.
//!
//! `cargo run -p doorward-example-library FOLDER` keeps its SQLite file in the folder, and runs tasks until Ctrl-C.

mod report;

use anyhow::Context;
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::{JwtAlgorithm, Origin, ScheduledTask, Settings};
use doorward_services::accounts::Register;
use doorward_services::auth::{Caller, Login};
use doorward_services::hashing::HashingLimits;
use doorward_services::tasks::NewTask;
use doorward_services::{Clock, Services, ServicesConfig, SystemClock};
use doorward_storage::Store;
use doorward_storage_diesel::{DatabaseUrl, DieselStore, StoreConfig};
use doorward_worker::noop::Noop;
use doorward_worker::worker::GRACE;
use doorward_worker::{Kinds, Worker, WorkerConfig};
use report::WriteReport;
use serde_json::json;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PASSWORD: &str = "correct horse 42";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("a folder is missing")?;
    let house = House::open(&PathBuf::from(folder)).await?;
    let ada = house.ada().await?;
    let task = house.schedule(&ada).await?;
    writeln!(
        std::io::stdout(),
        "The task {} is due now. Ctrl-C ends this.",
        task.id
    )?;
    tokio::select! {
        // Tells the worker of tasks that other processes have made.
        () = house.services.feed.follow() => {}
        () = house.worker.run(async { let _ = tokio::signal::ctrl_c().await; }) => {}
    }
    let task = house.services.tasks.show(&ada, task.id).await?;
    writeln!(
        std::io::stdout(),
        "It is {}: {:?}",
        task.status,
        task.result
    )?;
    Ok(())
}

/// The services, and a worker beside them.
struct House {
    services: Services,
    worker: Worker,
}

impl House {
    async fn open(folder: &Path) -> anyhow::Result<Self> {
        let url = format!("sqlite://{}", folder.join("doorward.db").display());
        let store = DieselStore::open(&DatabaseUrl::parse(&url)?, &StoreConfig::default())?;
        let store: Arc<dyn Store> = Arc::new(store);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        // The services look at what is made, and the worker runs it: both know the same kinds.
        let folder = folder.to_owned();
        let kinds = Kinds::new().with(Noop)?.with(WriteReport { folder })?;
        let services = Services::start(ServicesConfig {
            store: Arc::clone(&store),
            clock: Arc::clone(&clock),
            secret_key: "32 bytes or more, from a random source".into(),
            secret_key_fallbacks: Vec::new(),
            jwt_algorithm: JwtAlgorithm::Hs256,
            bcrypt_cost: 10,
            hashing: HashingLimits::default(),
            password_policy: PasswordPolicy::DJANGO,
            settings: Settings::default(),
            accept_foreign_tokens: false,
            shared: None,
            task_kinds: Arc::new(kinds.clone()),
        })
        .await?;
        let worker = Worker::new(WorkerConfig {
            store,
            clock,
            kinds,
            concurrency: NonZeroUsize::MIN.saturating_add(3),
            grace: GRACE,
            alarm: Arc::clone(&services.task_alarm),
        });
        Ok(Self { services, worker })
    }

    /// Ada, logged in, and registered before where she is not known.
    async fn ada(&self) -> anyhow::Result<Caller> {
        let register = Register {
            email: Some("ada@example.com".to_owned()),
            password: Some(PASSWORD.into()),
            ..Register::default()
        };
        // The second time the name is taken.
        let _ = self.services.accounts.register(None, register).await;
        let login = Login {
            username: Some("ada".to_owned()),
            email: None,
            password: PASSWORD.into(),
            origin: Origin::default(),
        };
        let tokens = self.services.auth.login(login).await?.tokens;
        Ok(self
            .services
            .auth
            .authenticate(&tokens.access_token)
            .await?)
    }

    /// A report, due at once, as its time is past.
    async fn schedule(&self, caller: &Caller) -> anyhow::Result<ScheduledTask> {
        let payload = json!({"title": "Today", "lines": ["Nothing happened."]});
        let new = NewTask {
            name: Some("report of today".to_owned()),
            kind: Some("write-report".to_owned()),
            scheduled_at: Some("2026-01-01T00:00:00Z".to_owned()),
            payload: payload.as_object().cloned(),
            ..NewTask::default()
        };
        Ok(self.services.tasks.create(caller, new).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_services::tasks::CreateTaskError;

    #[tokio::test]
    async fn a_task_of_the_own_kind_is_made_checked_and_run() {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path()).await.unwrap();
        let ada = house.ada().await.unwrap();
        let id = house.schedule(&ada).await.unwrap().id;
        assert_eq!(house.worker.run_due().await.unwrap(), 1);
        let task = house.services.tasks.show(&ada, id).await.unwrap();
        let file = format!("{id}.txt");
        assert_eq!(task.status.as_str(), "completed");
        assert_eq!(task.result, Some(json!({ "file": file })));
        let report = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert_eq!(report, "Today\n\nNothing happened.\n");
    }

    #[tokio::test]
    async fn what_the_kind_does_not_take_is_refused_when_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(folder.path()).await.unwrap();
        let ada = house.ada().await.unwrap();
        for (payload, field) in [
            (json!({"title": "Today"}), "payload"),
            (json!({"title": "Today", "lines": []}), "payload.lines"),
        ] {
            let new = NewTask {
                name: Some("report".to_owned()),
                kind: Some("write-report".to_owned()),
                scheduled_at: Some("2026-01-01T00:00:00Z".to_owned()),
                payload: payload.as_object().cloned(),
                ..NewTask::default()
            };
            let refused = house.services.tasks.create(&ada, new).await;
            let Err(CreateTaskError::Invalid(errors)) = refused else {
                panic!("{refused:?}");
            };
            assert!(errors.mentions(field), "{errors:?}");
        }
    }
}
