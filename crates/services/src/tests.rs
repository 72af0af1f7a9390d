//! What the tests of the use cases share: nodes on a throw-away database, and a store that fails or lets others go first
//! as a test tells it. Then the tests of what holds for every use case.

use crate::accounts::{ChangePassword, ProfileError, ProfileUpdate, Register, RegisterError};
use crate::api_keys::{
    ApiKeyError, ApiKeyUpdate, CreateApiKeyError, IssuedApiKey, NewApiKey, Regenerate,
};
use crate::audit::AuditQuery;
use crate::auth::{
    AuthenticateError, Caller, EndSessionError, Login, LoginError, LogoutError, RefreshError,
    SignedIn,
};
use crate::clock::{Clock, FakeClock};
use crate::fields::FieldErrors;
use crate::hashing::HashingLimits;
use crate::panel::{EnterError, Operator, Visit};
use crate::services::StartError;
use crate::settings::{IfMatch, Proposed, SettingsError};
use crate::tasks::{CreateTaskError, ManageTaskError, NewTask, TaskError};
use crate::tokens::TokenPair;
use crate::user_list::{ListKey, ListPage, View};
use crate::users::{AdministerError, UserQuery, UserUpdate};
use crate::webhook_secrets::RotateWebhookSecretError;
use crate::{Internal, Principal, Services, ServicesConfig};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::session::Session;
use doorward_domain::settings::RateLimit;
use doorward_domain::{
    ApiKey, ApiKeyId, ApiKeySecret, Origin, Role, ScheduledTask, SessionId, Settings, TaskId, User,
    UserId, WebhookSecret,
};
use doorward_storage::testing::{instant, read, write};
use doorward_storage::{
    CommitListener, Constraint, FeedPosition, Mode, Store, StoreError, StoreFigures, TaskQuery,
    Verdict, Work,
};
use doorward_storage_diesel::testing::TestDatabase;
use secrecy::SecretString;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KEY: &str = "a key for tests, 32 bytes and more";
pub(crate) const PASSWORD: &str = "a fine Passphrase 7";

// --- A store that does as it is told ---------------------------------------------------------------------------------

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What happens to a unit of work.
pub(crate) enum Event {
    /// Nothing out of the ordinary.
    Pass,
    /// It does not begin.
    Unavailable,
    /// It runs, and its commit fails.
    CommitFails,
    /// The database refuses it.
    Broken,
    /// Another node has taken the username.
    Taken,
    /// Something else is done first.
    Before(Task),
    /// Something else is done after the commit, before the caller hears of it.
    After(Task),
}

/// A store with events for the units of work to come.
pub(crate) struct RiggedStore {
    inner: Arc<dyn Store>,
    events: Mutex<VecDeque<Event>>,
    units: AtomicUsize,
}

impl std::fmt::Debug for RiggedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RiggedStore")
    }
}

impl RiggedStore {
    fn around(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            events: Mutex::default(),
            units: AtomicUsize::new(0),
        }
    }

    /// Lets `event` happen to the unit of work that comes after `skipped` others.
    pub(crate) fn rig(&self, skipped: usize, event: Event) {
        let mut events = self.events.lock().unwrap();
        events.clear();
        events.extend((0..skipped).map(|_| Event::Pass));
        events.push_back(event);
    }

    /// As [`rig`](Self::rig): before that unit of work, `task` is done.
    pub(crate) fn before(&self, skipped: usize, task: impl Future<Output = ()> + Send + 'static) {
        self.rig(skipped, Event::Before(Box::pin(task)));
    }

    /// As [`rig`](Self::rig): after that unit of work, `task` is done.
    pub(crate) fn after(&self, skipped: usize, task: impl Future<Output = ()> + Send + 'static) {
        self.rig(skipped, Event::After(Box::pin(task)));
    }

    /// Whether an event has not happened.
    pub(crate) fn is_rigged(&self) -> bool {
        !self.events.lock().unwrap().is_empty()
    }

    /// How many units of work there were.
    pub(crate) fn units(&self) -> usize {
        self.units.load(Ordering::Acquire)
    }
}

/// As by default, but for the limits on attempts.
pub(crate) fn unlimited() -> Settings {
    Settings {
        login_rate_limit: RateLimit::OFF,
        register_rate_limit: RateLimit::OFF,
        ..Settings::default()
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("the test says so".into())
}

#[async_trait]
impl Store for RiggedStore {
    async fn run(&self, mode: Mode, work: Work) -> Result<(), StoreError> {
        self.units.fetch_add(1, Ordering::AcqRel);
        let event = self.events.lock().unwrap().pop_front();
        match event {
            None | Some(Event::Pass) => self.inner.run(mode, work).await,
            Some(Event::Unavailable) => Err(unavailable()),
            Some(Event::Broken) => Err(StoreError::Backend("the test says so".into())),
            Some(Event::Taken) => Err(StoreError::Conflict(Constraint::Username)),
            Some(Event::CommitFails) => {
                let undone: Work = Box::new(move |tx| {
                    work(tx);
                    Verdict::Rollback
                });
                self.inner.run(mode, undone).await?;
                Err(unavailable())
            }
            Some(Event::Before(task)) => {
                task.await;
                self.inner.run(mode, work).await
            }
            Some(Event::After(task)) => {
                let ran = self.inner.run(mode, work).await;
                task.await;
                ran
            }
        }
    }

    fn subscribe(&self, listener: Arc<dyn CommitListener>) {
        self.inner.subscribe(listener);
    }

    fn figures(&self) -> StoreFigures {
        self.inner.figures()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

// --- Nodes -----------------------------------------------------------------------------------------------------------

/// The services of one process, on a database that other nodes may share.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) services: Arc<Services>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: Arc<RiggedStore>,
    pub(crate) database: Arc<TestDatabase>,
}

impl Node {
    /// A node on a database of its own.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(adjust: impl FnOnce(&mut ServicesConfig)) -> Self {
        let database = Arc::new(TestDatabase::sqlite());
        Self::on(database, instant(0), adjust).await
    }

    /// Another node on the same database, or the same one after a restart.
    pub(crate) async fn beside(&self) -> Self {
        self.beside_with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn beside_with(&self, adjust: impl FnOnce(&mut ServicesConfig)) -> Self {
        Self::on(Arc::clone(&self.database), self.clock.now(), adjust).await
    }

    async fn on(
        database: Arc<TestDatabase>,
        now: DateTime<Utc>,
        adjust: impl FnOnce(&mut ServicesConfig),
    ) -> Self {
        Self::try_on(database, now, adjust).await.unwrap()
    }

    async fn try_on(
        database: Arc<TestDatabase>,
        now: DateTime<Utc>,
        adjust: impl FnOnce(&mut ServicesConfig),
    ) -> Result<Self, StartError> {
        let clock = Arc::new(FakeClock::at(now));
        let store = Arc::new(RiggedStore::around(Arc::new(database.open())));
        let mut config = ServicesConfig {
            store: Arc::<RiggedStore>::clone(&store),
            clock: Arc::<FakeClock>::clone(&clock),
            secret_key: SecretString::from(KEY),
            secret_key_fallbacks: Vec::new(),
            jwt_algorithm: doorward_domain::JwtAlgorithm::Hs256,
            bcrypt_cost: 4,
            hashing: HashingLimits {
                threads: 1,
                queue: 100,
                ..HashingLimits::default()
            },
            password_policy: PasswordPolicy::DJANGO,
            settings: unlimited(),
            accept_foreign_tokens: false,
            shared: None,
            task_kinds: Arc::new(crate::tasks::NoopOnly),
        };
        adjust(&mut config);
        let services = Arc::new(Services::start(config).await?);
        Ok(Self {
            services,
            clock,
            store,
            database,
        })
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// An account at example.com with [`PASSWORD`].
    pub(crate) async fn make(&self, name: &str, role: Role) -> User {
        let register = Register {
            username: Some(name.to_owned()),
            role: Some(role.to_string()),
            ..registration(&format!("{name}@example.com"))
        };
        self.services.accounts.create(register).await.unwrap()
    }

    pub(crate) async fn try_login(
        &self,
        name: &str,
        password: &str,
    ) -> Result<SignedIn, LoginError> {
        self.services.auth.login(login(name, password)).await
    }

    pub(crate) async fn login(&self, name: &str) -> TokenPair {
        self.try_login(name, PASSWORD).await.unwrap().tokens
    }

    /// Makes an account and logs in.
    pub(crate) async fn join(&self, name: &str, role: Role) -> (Caller, TokenPair) {
        self.make(name, role).await;
        let pair = self.login(name).await;
        (self.caller(&pair).await, pair)
    }

    pub(crate) async fn caller(&self, pair: &TokenPair) -> Caller {
        self.authenticate(pair).await.unwrap()
    }

    pub(crate) async fn authenticate(&self, pair: &TokenPair) -> Result<Caller, AuthenticateError> {
        self.services.auth.authenticate(&pair.access_token).await
    }

    /// Whether the access token is accepted.
    pub(crate) async fn accepts(&self, pair: &TokenPair) -> bool {
        match self.authenticate(pair).await {
            Ok(_) => true,
            Err(AuthenticateError::InvalidToken | AuthenticateError::InvalidKey) => false,
            Err(AuthenticateError::Internal(error)) => panic!("{error}"),
        }
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<TokenPair, RefreshError> {
        self.services.auth.refresh(token, Origin::default()).await
    }

    pub(crate) async fn session(&self, id: SessionId) -> Option<Session> {
        read(&*self.store, move |tx| tx.session(id)).await
    }

    pub(crate) async fn user(&self, id: UserId) -> Option<User> {
        read(&*self.store, move |tx| tx.user(id)).await
    }

    /// Changes a user behind the back of the services, though not of the change feed.
    pub(crate) async fn change(&self, id: UserId, change: fn(User) -> User) {
        let at = self.clock.now();
        let changed = write(&*self.store, move |tx| {
            let user = tx.lock_user(id)?.unwrap();
            tx.update_user(&change(user), at)
        });
        assert!(changed.await, "there is such a user");
    }

    /// The list as its names, one a line.
    pub(crate) async fn list(&self, view: View) -> Arc<ListPage> {
        let page = self.services.users.list(list_key(view), names).await;
        page.unwrap()
    }

    /// Makes a key for the caller that may do what is asked for without a word.
    pub(crate) async fn issue(&self, caller: &Caller) -> IssuedApiKey {
        let keys = &self.services.api_keys;
        keys.create(caller, new_key()).await.unwrap()
    }

    /// What the database holds of users, sessions, keys, webhook secrets, tasks and changes.
    async fn contents(&self) -> Contents {
        let long_ago = self.clock.now() - TimeDelta::days(1000);
        read(&*self.store, move |tx| {
            let everybody = UserQuery {
                limit: 1000,
                ..UserQuery::default()
            };
            let users = tx.list_users(&everybody)?;
            let (mut sessions, mut keys, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
            for user in &users {
                secrets.extend(tx.webhook_secret(user.id)?);
                sessions.extend(tx.live_sessions_of(user.id, long_ago)?);
                keys.extend(tx.list_api_keys_of(user.id, None, 1000)?);
            }
            let every_task = TaskQuery {
                limit: 1000,
                ..TaskQuery::default()
            };
            let tasks = tx.list_tasks(&every_task)?.tasks;
            Ok((users, sessions, keys, secrets, tasks, tx.feed_end()?))
        })
        .await
    }
}

/// What a database holds.
type Contents = (
    Vec<User>,
    Vec<Session>,
    Vec<ApiKey>,
    Vec<WebhookSecret>,
    Vec<ScheduledTask>,
    FeedPosition,
);

pub(crate) fn new_key() -> NewApiKey {
    NewApiKey {
        name: Some("backup".to_owned()),
        ..NewApiKey::default()
    }
}

pub(crate) fn new_task() -> NewTask {
    NewTask {
        name: Some("digest".to_owned()),
        scheduled_at: Some("2030-01-31T12:00:00Z".to_owned()),
        ..NewTask::default()
    }
}

pub(crate) fn registration(email: &str) -> Register {
    Register {
        email: Some(email.to_owned()),
        password: Some(PASSWORD.into()),
        ..Register::default()
    }
}

pub(crate) fn login(name: &str, password: &str) -> Login {
    Login {
        username: Some(name.to_owned()),
        email: None,
        password: password.into(),
        origin: Origin::default(),
    }
}

pub(crate) fn list_key(view: View) -> ListKey {
    ListKey {
        view,
        shape: "names",
        query: UserQuery {
            limit: 50,
            ..UserQuery::default()
        },
    }
}

pub(crate) fn names(users: &[User]) -> Vec<u8> {
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    names.join("\n").into_bytes()
}

pub(crate) fn text(body: &Bytes) -> &str {
    std::str::from_utf8(body).unwrap()
}

/// The messages by their fields.
pub(crate) fn said(errors: &FieldErrors) -> BTreeMap<&str, Vec<&str>> {
    errors
        .iter()
        .map(|(field, messages)| (field, messages.iter().map(String::as_str).collect()))
        .collect()
}

/// What a token says, taken as it is.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// When a token expires.
pub(crate) fn expiry(token: &str) -> DateTime<Utc> {
    DateTime::from_timestamp(claims(token)["exp"].as_i64().unwrap(), 0).unwrap()
}

// --- What holds for every use case -----------------------------------------------------------------------------------

/// The people of a test: a user with two sessions, another user, and an owner.
#[derive(Clone)]
struct People {
    ada: Caller,
    first: TokenPair,
    second: SessionId,
    key: ApiKeyId,
    task: TaskId,
    bob: UserId,
    owner: Caller,
}

impl People {
    async fn settle(node: &Node) -> Self {
        let (ada, first) = node.join("ada", Role::User).await;
        let second = node.login("ada").await;
        let second = node.caller(&second).await.session().unwrap();
        let key = node.issue(&ada).await.key.id;
        let task = node.services.tasks.create(&ada, new_task()).await;
        let task = task.unwrap().id;
        let bob = node.make("bob", Role::User).await.id;
        let (owner, _) = node.join("olga", Role::Owner).await;
        Self {
            ada,
            first,
            second,
            key,
            task,
            bob,
            owner,
        }
    }
}

type Ran = Pin<Box<dyn Future<Output = Result<(), Internal>> + Send>>;
type UseCase = fn(Node, People) -> Ran;

/// The error's inner failure; everything else fails the test.
macro_rules! internal {
    ($error:ident, $result:expr) => {
        match $result {
            Ok(_) => Ok(()),
            Err($error::Internal(internal)) => Err(internal),
            Err(other) => panic!("{other:?}"),
        }
    };
}

/// Every use case that asks the database, by name.
fn use_cases() -> Vec<(&'static str, UseCase)> {
    vec![
        ("login", |node, _| {
            Box::pin(async move { internal!(LoginError, node.try_login("ada", PASSWORD).await) })
        }),
        ("login of nobody", |node, _| {
            Box::pin(async move {
                match node.try_login("nobody", PASSWORD).await {
                    Err(LoginError::InvalidCredentials) => Ok(()),
                    other => internal!(LoginError, other),
                }
            })
        }),
        ("refresh", |node, people| {
            Box::pin(async move {
                internal!(
                    RefreshError,
                    node.refresh(&people.first.refresh_token).await
                )
            })
        }),
        ("logout", |node, people| {
            Box::pin(async move {
                let token = &people.first.refresh_token;
                internal!(
                    LogoutError,
                    node.services.auth.logout(&people.ada, token).await
                )
            })
        }),
        ("logout by refresh token", |node, people| {
            Box::pin(async move {
                let token = &people.first.refresh_token;
                internal!(
                    LogoutError,
                    node.services
                        .auth
                        .logout_by_refresh_token(token, Origin::default())
                        .await
                )
            })
        }),
        ("look at a refresh token", |node, people| {
            Box::pin(async move {
                let token = &people.first.refresh_token;
                internal!(AuthenticateError, node.services.auth.verify(token).await)
            })
        }),
        ("logout-all", |node, people| {
            Box::pin(async move { node.services.auth.logout_all(&people.ada).await.map(drop) })
        }),
        ("list of sessions", |node, people| {
            Box::pin(async move { node.services.auth.sessions(&people.ada).await.map(drop) })
        }),
        ("login at the panel", |node, _| {
            Box::pin(async move {
                match node.services.panel.log_in(login("olga", PASSWORD)).await {
                    Ok(_) => Ok(()),
                    Err(EnterError::Login(LoginError::Internal(internal))) => Err(internal),
                    Err(other) => panic!("{other:?}"),
                }
            })
        }),
        ("logout from the panel", |node, people| {
            Box::pin(async move {
                let operator = Operator {
                    caller: people.owner,
                    visit: Visit::new_stranger(),
                    cookie: None,
                };
                node.services.panel.log_out(&operator).await
            })
        }),
        ("overview", |node, people| {
            Box::pin(async move {
                let overview = &node.services.overview;
                internal!(AdministerError, overview.show(&people.owner).await)
            })
        }),
        ("link to a new password", |node, people| {
            Box::pin(async move {
                let accounts = &node.services.accounts;
                internal!(
                    AdministerError,
                    accounts.password_link(&people.owner, people.bob).await
                )
            })
        }),
        ("audit log", |node, people| {
            Box::pin(async move {
                let audit = &node.services.audit;
                let query = AuditQuery::default();
                internal!(AdministerError, audit.list(&people.owner, query).await)
            })
        }),
        ("figures of the audit log", |node, people| {
            Box::pin(async move {
                let audit = &node.services.audit;
                let read = audit.activity(&people.owner, instant(0)).await;
                internal!(AdministerError, read)
            })
        }),
        ("list of signing keys", |node, _| {
            Box::pin(async move { node.services.signing_keys.list().await.map(drop) })
        }),
        ("end of a session", |node, people| {
            Box::pin(async move {
                let auth = &node.services.auth;
                internal!(
                    EndSessionError,
                    auth.end_session(&people.ada, people.second).await
                )
            })
        }),
        ("registration", |node, _| {
            Box::pin(async move {
                let accounts = &node.services.accounts;
                internal!(
                    RegisterError,
                    accounts.register(None, registration("new@x.example")).await
                )
            })
        }),
        ("profile", |node, people| {
            Box::pin(async move {
                let update = ProfileUpdate {
                    username: Some("countess".to_owned()),
                    ..ProfileUpdate::default()
                };
                let accounts = &node.services.accounts;
                internal!(
                    ProfileError,
                    accounts.update_profile(&people.ada, update).await
                )
            })
        }),
        ("password", |node, people| {
            Box::pin(async move {
                let change = ChangePassword {
                    current_password: Some(PASSWORD.into()),
                    new_password: Some("another Passphrase 8".into()),
                    ..ChangePassword::default()
                };
                let accounts = &node.services.accounts;
                internal!(
                    ProfileError,
                    accounts.change_password(&people.ada, change).await
                )
            })
        }),
        ("deletion of the own account", |node, people| {
            Box::pin(async move {
                let accounts = &node.services.accounts;
                let (password, errors) = (Some(PASSWORD.into()), FieldErrors::default());
                internal!(
                    ProfileError,
                    accounts.delete_own(&people.ada, password, errors).await
                )
            })
        }),
        ("look at a user", |node, people| {
            Box::pin(async move {
                let users = &node.services.users;
                internal!(AdministerError, users.user(&people.owner, people.bob).await)
            })
        }),
        ("deactivation", |node, people| {
            Box::pin(async move {
                let update = UserUpdate {
                    is_active: Some(false),
                    ..UserUpdate::default()
                };
                let users = &node.services.users;
                let id = people.ada.principal.id;
                internal!(
                    AdministerError,
                    users.update(&people.owner, id, update).await
                )
            })
        }),
        ("deletion of a user", |node, people| {
            Box::pin(async move {
                let users = &node.services.users;
                internal!(
                    AdministerError,
                    users.delete(&people.owner, people.bob).await
                )
            })
        }),
        ("creation of a key", |node, people| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                internal!(CreateApiKeyError, keys.create(&people.ada, new_key()).await)
            })
        }),
        ("list of keys", |node, people| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                keys.list(&people.ada, None, 50).await.map(drop)
            })
        }),
        ("look at a key", |node, people| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                internal!(ApiKeyError, keys.show(&people.ada, people.key).await)
            })
        }),
        ("change of a key", |node, people| {
            Box::pin(async move {
                let update = ApiKeyUpdate {
                    name: Some("another".to_owned()),
                    ..ApiKeyUpdate::default()
                };
                let keys = &node.services.api_keys;
                internal!(
                    ApiKeyError,
                    keys.update(&people.ada, people.key, update).await
                )
            })
        }),
        ("regeneration of a key", |node, people| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                let regenerate = Regenerate::default();
                internal!(
                    ApiKeyError,
                    keys.regenerate(&people.ada, people.key, regenerate).await
                )
            })
        }),
        ("deletion of a key", |node, people| {
            Box::pin(async move {
                let keys = &node.services.api_keys;
                internal!(ApiKeyError, keys.delete(&people.ada, people.key).await)
            })
        }),
        ("list of another's keys", |node, people| {
            Box::pin(async move {
                let (keys, ada) = (&node.services.api_keys, people.ada.principal.id);
                internal!(
                    AdministerError,
                    keys.list_of(&people.owner, ada, None, 50).await
                )
            })
        }),
        ("deletion of another's key", |node, people| {
            Box::pin(async move {
                let (keys, ada) = (&node.services.api_keys, people.ada.principal.id);
                internal!(
                    AdministerError,
                    keys.delete_of(&people.owner, ada, people.key).await
                )
            })
        }),
        ("creation of a task", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(CreateTaskError, tasks.create(&people.ada, new_task()).await)
            })
        }),
        ("list of tasks", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                tasks.list(&people.ada, None, None, 50).await.map(drop)
            })
        }),
        ("look at a task", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(TaskError, tasks.show(&people.ada, people.task).await)
            })
        }),
        ("end of a task before it began", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(TaskError, tasks.cancel(&people.ada, people.task).await)
            })
        }),
        ("deletion of a task", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(TaskError, tasks.delete(&people.ada, people.task).await)
            })
        }),
        ("list of everybody's tasks", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                let all = TaskQuery::default();
                internal!(AdministerError, tasks.list_all(&people.owner, all).await)
            })
        }),
        ("count of everybody's tasks", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(AdministerError, tasks.count_all(&people.owner).await)
            })
        }),
        ("look at another's task", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(
                    ManageTaskError,
                    tasks.show_any(&people.owner, people.task).await
                )
            })
        }),
        ("end of another's task", |node, people| {
            Box::pin(async move {
                let tasks = &node.services.tasks;
                internal!(
                    ManageTaskError,
                    tasks.cancel_any(&people.owner, people.task).await
                )
            })
        }),
        ("look for a key that is nobody's", |node, _| {
            Box::pin(async move {
                let key = ApiKeySecret::generate(|| 5);
                node.services
                    .api_keys
                    .verify(key.expose(), &Origin::default())
                    .await
                    .map(|found| assert!(found.is_none()))
            })
        }),
        ("rotation of a webhook secret", |node, people| {
            Box::pin(async move {
                let secrets = &node.services.webhook_secrets;
                internal!(RotateWebhookSecretError, secrets.rotate(&people.ada).await)
            })
        }),
        ("look at a webhook secret", |node, people| {
            Box::pin(async move {
                let secrets = &node.services.webhook_secrets;
                secrets.show(&people.ada).await.map(drop)
            })
        }),
        ("search for what signs a webhook", |node, people| {
            Box::pin(async move {
                let secrets = &node.services.webhook_secrets;
                secrets.signers(people.ada.principal.id).await.map(drop)
            })
        }),
        ("page of the list", |node, _| {
            Box::pin(async move {
                let key = ListKey {
                    shape: "a shape that nobody has asked for",
                    ..list_key(View::Full)
                };
                node.services.users.list(key, names).await.map(drop)
            })
        }),
        ("list of settings", |node, people| {
            Box::pin(async move {
                let settings = &node.services.settings;
                internal!(SettingsError, settings.list(&people.owner).await)
            })
        }),
        ("change of a setting", |node, people| {
            Box::pin(async move {
                let settings = &node.services.settings;
                let proposed = vec![Proposed::from_text("STEP_UP_WINDOW", "7")];
                internal!(
                    SettingsError,
                    settings.change(&people.owner, proposed, IfMatch::Any).await
                )
            })
        }),
        ("list of changes of settings", |node, people| {
            Box::pin(async move {
                let settings = &node.services.settings;
                internal!(
                    SettingsError,
                    settings.changes(&people.owner, None, 50).await
                )
            })
        }),
        ("whether there is an owner", |node, _| {
            Box::pin(async move { node.services.users.has_owner().await.map(drop) })
        }),
    ]
}

#[tokio::test]
async fn every_failure_of_the_database_is_told_as_what_it_is_and_leaves_nothing_behind() {
    for (name, use_case) in use_cases() {
        for unit in 0.. {
            let node = Node::start().await;
            let people = People::settle(&node).await;
            let name = format!("{name}, unit of work {unit}");
            let before = Remembered::by(&node, &people.first).await;
            let contents = node.contents().await;

            node.store.rig(unit, Event::CommitFails);
            let result = use_case(node.clone(), people.clone()).await;
            if node.store.is_rigged() {
                assert!(result.is_ok(), "{name}: {result:?}");
                assert!(unit > 0, "{name} asks the database");
                break;
            }
            assert!(
                matches!(result, Err(Internal::Unavailable(_))),
                "{name}: {result:?}"
            );
            // A refresh has two units, and the first of them is kept.
            let is_kept = unit > 0 && name.starts_with("refresh");
            if !is_kept {
                assert_eq!(node.contents().await, contents, "{name}");
            }
            let after = Remembered::by(&node, &people.first).await;
            before.assert_same(&after, &name);

            node.store.rig(unit, Event::Unavailable);
            let result = use_case(node.clone(), people.clone()).await;
            assert!(
                matches!(result, Err(Internal::Unavailable(_))),
                "{name}: {result:?}"
            );
            node.store.rig(unit, Event::Broken);
            let result = use_case(node, people).await;
            assert!(
                matches!(result, Err(Internal::Failed(_))),
                "{name}: {result:?}"
            );
        }
    }
}

/// What a node has in memory.
struct Remembered {
    principal: Arc<Principal>,
    lists: [Arc<ListPage>; 2],
}

impl Remembered {
    async fn by(node: &Node, pair: &TokenPair) -> Self {
        Self {
            principal: node.caller(pair).await.principal,
            lists: [node.list(View::Public).await, node.list(View::Full).await],
        }
    }

    /// Nothing was dropped and loaded again.
    fn assert_same(&self, other: &Self, name: &str) {
        assert!(Arc::ptr_eq(&self.principal, &other.principal), "{name}");
        for (list, other) in self.lists.iter().zip(&other.lists) {
            assert!(Arc::ptr_eq(list, other), "{name}");
        }
    }
}

#[tokio::test]
async fn without_room_for_hashing_every_use_case_with_a_password_is_refused_alike() {
    let node = Node::start().await;
    let people = People::settle(&node).await;
    let full = node.beside_with(|config| config.hashing.threads = 0).await;
    let passworded = [
        "login",
        "login at the panel",
        "login of nobody",
        "registration",
        "password",
        "deletion of the own account",
    ];
    let contents = node.contents().await;
    for (name, use_case) in use_cases() {
        if passworded.contains(&name) {
            let result = use_case(full.clone(), people.clone()).await;
            let Err(Internal::Overloaded(overloaded)) = result else {
                panic!("{name}: {result:?}");
            };
            assert!(overloaded.retry_after >= Duration::from_secs(1), "{name}");
        }
    }
    assert_eq!(node.contents().await, contents);
}

#[tokio::test]
async fn a_cost_that_bcrypt_does_not_have_is_refused_at_the_start() {
    for (cost, is_one) in [(3, false), (4, true), (31, true), (32, false)] {
        let database = Arc::new(TestDatabase::sqlite());
        let started = Node::try_on(database, instant(0), |config| config.bcrypt_cost = cost).await;
        let is_refused = matches!(started, Err(StartError::Cost(_)));
        assert_eq!((started.is_ok(), is_refused), (is_one, !is_one), "{cost}");
    }
}
