//! The server under test: the very one that production runs, on a thread of its own.

use super::client::{Client, PASSWORD, User};
use super::database::Database;
use super::raw::RawResponse;
use super::store::FaultyStore;
use chrono::{DateTime, Utc};
use doorward::application::{Application, Options, WorkerOptions, kinds};
use doorward::config::{Observed, TlsSource};
use doorward::net::tls::{Tls, TlsFiles};
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::settings::RateLimit;
use doorward_domain::{JwtAlgorithm, Network, Origin, Role, Settings};
use doorward_redis::RedisConfig;
use doorward_services::accounts::Register;
use doorward_services::clock::FakeClock;
use doorward_services::hashing::HashingLimits;
use doorward_services::ports::{AnnouncementSeal, SharedPorts};
use doorward_services::{Clock, FieldErrors, ServicesConfig};
use doorward_storage::Store;
use doorward_storage_diesel::testing::TestDatabase;
use doorward_worker::webhook::AllowList;
use futures_util::future::LocalBoxFuture;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// When every test begins.
pub(crate) const NOON: DateTime<Utc> = DateTime::from_timestamp(1_750_000_000, 0).expect("a time");
/// What signs the tokens, unless a test says otherwise.
pub(crate) const SECRET_KEY: &str = "tN5wQ0cVb8yLr2HsKd7mXe4PzAj1GfUo9iTq6RnE";

fn tls(source: &TlsSource) -> Tls {
    match source {
        TlsSource::Files(files) => Tls::of_files(files.clone()).expect("a pair"),
        TlsSource::SelfSigned => {
            let names = ["localhost", "127.0.0.1"].map(str::to_owned);
            Tls::self_signed(names.into()).expect("a certificate")
        }
    }
}

type Task = Box<dyn for<'a> FnOnce(&'a Application) -> LocalBoxFuture<'a, ()> + Send>;

/// How a server is to be set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    database: Arc<TestDatabase>,
    clock: Arc<FakeClock>,
    settings: Settings,
    secret_key: &'static str,
    password_policy: PasswordPolicy,
    jwt_algorithm: JwtAlgorithm,
    allowed_hosts: Vec<String>,
    cors_allowed_origins: Vec<String>,
    tls: Option<TlsSource>,
    redis: Option<RedisConfig>,
    accept_foreign_tokens: bool,
    webhook_allow: &'static str,
    runs_tasks: bool,
    trusted_proxies: Vec<Network>,
    observed: Observed,
}

impl Setup {
    /// On an empty database.
    pub(crate) fn new() -> Self {
        Self {
            database: Arc::new(Database::of_this_run().create()),
            clock: Arc::new(FakeClock::at(NOON)),
            settings: Settings {
                login_rate_limit: RateLimit::OFF,
                register_rate_limit: RateLimit::OFF,
                ..Settings::default()
            },
            secret_key: SECRET_KEY,
            password_policy: PasswordPolicy::DJANGO,
            jwt_algorithm: JwtAlgorithm::Hs256,
            allowed_hosts: ["localhost", "127.0.0.1"].map(str::to_owned).into(),
            cors_allowed_origins: Vec::new(),
            tls: None,
            redis: Database::of_this_run().redis(),
            accept_foreign_tokens: false,
            webhook_allow: "",
            runs_tasks: false,
            trusted_proxies: Vec::new(),
            observed: Observed::default(),
        }
    }

    /// As with this `WEBHOOK_ALLOW`.
    pub(crate) fn webhook_allow(self, webhook_allow: &'static str) -> Self {
        Self {
            webhook_allow,
            ..self
        }
    }

    /// With a worker.
    pub(crate) fn running_tasks(self) -> Self {
        Self {
            runs_tasks: true,
            ..self
        }
    }

    /// What the worker runs, and the services offer.
    fn worker(&self, services: &ServicesConfig) -> WorkerOptions {
        let allow = match self.webhook_allow {
            "" => AllowList::default(),
            text => text.parse().expect("hosts and networks"),
        };
        WorkerOptions {
            kinds: kinds(services, allow).expect("TLS can be had"),
            concurrency: NonZeroUsize::MIN.saturating_add(3),
        }
    }

    /// With HTTPS, as with `TLS_SELF_SIGNED=true`.
    pub(crate) fn tls(self) -> Self {
        Self {
            tls: Some(TlsSource::SelfSigned),
            ..self
        }
    }

    /// With HTTPS and the pair in these files.
    pub(crate) fn tls_files(self, files: TlsFiles) -> Self {
        Self {
            tls: Some(TlsSource::Files(files)),
            ..self
        }
    }

    /// With pages of these origins as callers.
    pub(crate) fn cors(self, origins: &[&str]) -> Self {
        Self {
            cors_allowed_origins: origins.iter().map(ToString::to_string).collect(),
            ..self
        }
    }

    /// As with `JWT_ACCEPT_FOREIGN=true`.
    pub(crate) fn accepting_foreign_tokens(self) -> Self {
        Self {
            accept_foreign_tokens: true,
            ..self
        }
    }

    /// With this Redis, whatever the store.
    pub(crate) fn redis(self, redis: RedisConfig) -> Self {
        Self {
            redis: Some(redis),
            ..self
        }
    }

    /// Behind these proxies.
    pub(crate) fn behind(mut self, proxies: &[&str]) -> Self {
        let network = |text: &&str| text.parse().expect("a range of addresses");
        self.trusted_proxies = proxies.iter().map(network).collect();
        self
    }

    /// As with this `METRICS_TOKEN`.
    pub(crate) fn metrics_token(mut self, token: &str) -> Self {
        self.observed.metrics_token = Some(token.to_owned().into());
        self
    }

    /// With traces that go there.
    pub(crate) fn traces_to(mut self, endpoint: String) -> Self {
        self.observed.otlp_endpoint = Some(endpoint);
        self
    }

    /// What its nodes share.
    fn shared(&self) -> Option<SharedPorts> {
        let clock: Arc<dyn Clock> = Arc::<FakeClock>::clone(&self.clock);
        let redis = self.redis.as_ref()?;
        let seal = AnnouncementSeal::derive(&self.secret_key.to_owned().into(), &[]);
        Some(doorward_redis::connect(redis, clock, seal).expect("a Redis that can be meant"))
    }

    /// With other settings.
    pub(crate) fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// With another secret key.
    pub(crate) fn secret_key(self, secret_key: &'static str) -> Self {
        Self { secret_key, ..self }
    }

    /// As with `PASSWORD_VALIDATORS=none`.
    pub(crate) fn without_password_validators(self) -> Self {
        Self {
            password_policy: PasswordPolicy::NONE,
            ..self
        }
    }

    /// With another way to sign tokens.
    pub(crate) fn jwt_algorithm(self, jwt_algorithm: JwtAlgorithm) -> Self {
        Self {
            jwt_algorithm,
            ..self
        }
    }

    pub(crate) async fn start(self) -> TestApp {
        let store = Arc::new(self.database.open());
        TestApp::serve(self, store).await
    }

    /// With a store that fails when it is told to.
    pub(crate) async fn start_faulty(self) -> (TestApp, Arc<FaultyStore>) {
        let store = Arc::new(FaultyStore::around(Arc::new(self.database.open())));
        let shared: Arc<dyn Store> = Arc::<FaultyStore>::clone(&store);
        (TestApp::serve(self, shared).await, store)
    }
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct TestApp {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) database: Arc<TestDatabase>,
    setup: Setup,
    anon: Client,
    tasks: Option<mpsc::UnboundedSender<Task>>,
    thread: Option<JoinHandle<()>>,
}

impl TestApp {
    /// On an empty database, at [`NOON`].
    pub(crate) async fn start() -> Self {
        Setup::new().start().await
    }

    /// A second node on the same database, with the same clock.
    pub(crate) async fn second_node(&self) -> Self {
        self.setup.clone().start().await
    }

    /// Ends this one and starts another with the same configuration on the same database.
    pub(crate) async fn restart(self) -> Self {
        let setup = self.setup.clone();
        drop(self);
        setup.start().await
    }

    /// Lets every attempt that was counted be forgotten, and so much time pass for all the rest.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.age(time);
        if let Some(redis) = &self.setup.redis {
            doorward_redis::testing::forget_attempts(redis);
        }
    }

    /// How it was set up.
    pub(crate) fn setup(&self) -> Setup {
        self.setup.clone()
    }

    async fn serve(setup: Setup, store: Arc<dyn Store>) -> Self {
        super::trace::write_where_it_is_wanted();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let clock: Arc<dyn Clock> = Arc::<FakeClock>::clone(&setup.clock);
        let mut services = ServicesConfig {
            store,
            clock,
            secret_key: setup.secret_key.to_owned().into(),
            secret_key_fallbacks: Vec::new(),
            jwt_algorithm: setup.jwt_algorithm,
            bcrypt_cost: 4,
            hashing: HashingLimits {
                threads: 3,
                deadline: Duration::from_secs(10),
                queue: 256,
            },
            password_policy: setup.password_policy,
            settings: setup.settings.clone(),
            accept_foreign_tokens: setup.accept_foreign_tokens,
            shared: setup.shared(),
            task_kinds: Arc::new(doorward_services::tasks::NoopOnly),
        };
        let worker = setup.worker(&services);
        services.task_kinds = Arc::new(worker.kinds.clone());
        let options = Options {
            listener,
            services,
            allowed_hosts: setup.allowed_hosts.clone(),
            cors_allowed_origins: setup.cors_allowed_origins.clone(),
            tls: setup.tls.as_ref().map(tls),
            trusted_proxies: setup.trusted_proxies.clone(),
            environment: "test".to_owned(),
            observed: setup.observed.clone(),
            worker: Some(worker).filter(|_| setup.runs_tasks),
            workers: Some(2),
        };
        let (tasks, inbox) = mpsc::unbounded_channel();
        let (started, start) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || run(options, started, inbox))
            .expect("a thread");
        start.await.expect("the server starts");
        let client = if setup.tls.is_some() {
            Client::over_tls
        } else {
            Client::new
        };
        Self {
            address,
            clock: Arc::clone(&setup.clock),
            database: Arc::clone(&setup.database),
            setup,
            anon: client(address),
            tasks: Some(tasks),
            thread: Some(thread),
        }
    }

    /// Somebody without credentials.
    pub(crate) fn anon(&self) -> Client {
        self.anon.clone()
    }

    /// Registers somebody and logs him in.
    pub(crate) async fn user(&self, name: &str) -> User {
        self.anon.register(name).await.expect(201);
        self.login(name).await
    }

    pub(crate) async fn admin(&self) -> User {
        self.somebody("admin", Role::Admin).await
    }

    pub(crate) async fn owner(&self) -> User {
        self.somebody("owner", Role::Owner).await
    }

    /// Makes somebody with this role, as the command `createsuperuser` does, and logs him in.
    pub(crate) async fn somebody(&self, name: &str, role: Role) -> User {
        let register = Register {
            username: Some(name.to_owned()),
            email: Some(format!("{name}@example.com")),
            password: Some(PASSWORD.to_owned().into()),
            role: Some(role.to_string()),
            origin: Origin::default(),
            errors: FieldErrors::default(),
        };
        self.on_server(move |application| {
            Box::pin(async move {
                let created = application.services().accounts.create(register).await;
                created.expect("an account");
            })
        })
        .await;
        self.login(name).await
    }

    /// Logs in somebody whose password is [`PASSWORD`].
    pub(crate) async fn login(&self, name: &str) -> User {
        User::of_login(&self.anon, &self.anon.login(name, PASSWORD).await)
    }

    /// Does something with the application itself.
    pub(crate) async fn on_server<T: Send + 'static>(
        &self,
        task: impl for<'a> FnOnce(&'a Application) -> LocalBoxFuture<'a, T> + Send + 'static,
    ) -> T {
        let (answer, result) = oneshot::channel();
        let task: Task = Box::new(move |application| {
            let done = task(application);
            Box::pin(async move {
                let _ = answer.send(done.await);
            })
        });
        let tasks = self.tasks.as_ref().expect("the server runs");
        assert!(tasks.send(task).is_ok(), "the server runs");
        result.await.expect("the task ends")
    }

    /// Sends these bytes on a connection of their own.
    pub(crate) async fn raw(&self, bytes: impl Into<Vec<u8>>) -> RawResponse {
        RawResponse::to(self.address, bytes).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        wait_for_closed_connections(self.address);
        drop(self.tasks.take());
        let ended = self.thread.take().map(JoinHandle::join);
        let is_well = matches!(ended, Some(Ok(())));
        assert!(
            is_well || thread::panicking(),
            "the server's thread panicked"
        );
    }
}

/// Serves until there is nobody left who could give it a task.
fn run(options: Options, started: oneshot::Sender<()>, mut inbox: mpsc::UnboundedReceiver<Task>) {
    actix_web::rt::System::new().block_on(async move {
        let application = Application::start(options).await.expect("a server");
        let _ = started.send(());
        while let Some(task) = inbox.recv().await {
            task(&application).await;
        }
        application.stop().await;
    });
}

/// A server that stops looks at its last connections but once a second. They are about to close; so the test waits for
/// that, where the system tells.
fn wait_for_closed_connections(address: SocketAddr) {
    const ESTABLISHED: &str = "01";
    const CLOSE_WAIT: &str = "08";
    let port = format!(":{:04X}", address.port());
    let is_open = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        table.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (local, state) = (words.next(), words.nth(1));
            local.is_some_and(|local| local.ends_with(&port))
                && matches!(state, Some(ESTABLISHED | CLOSE_WAIT))
        })
    };
    let began = Instant::now();
    while is_open() && began.elapsed() < Duration::from_secs(1) {
        thread::sleep(Duration::from_millis(1));
    }
}
