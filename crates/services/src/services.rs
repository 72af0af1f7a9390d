//! All services, wired together once.

use crate::accounts::AccountService;
use crate::api_keys::{ApiKeyService, Found, KeyUses, KnownApiKey};
use crate::audit::{AuditKeys, AuditService, Sealer, Told};
use crate::auth::AuthService;
use crate::clock::Clock;
use crate::error::Internal;
use crate::feed::{ChangeFeed, Ear, Memory};
use crate::figures::{Counts, FiguresService};
use crate::foreign_tokens::ForeignAccounts;
use crate::hashing::{HashingLimits, HashingPool};
use crate::health::HealthService;
use crate::keys::KeyRing;
use crate::overview::OverviewService;
use crate::panel::PanelService;
use crate::passwords::Passwords;
use crate::ports::{InProcessRateLimiter, RateLimiter, SharedPorts};
use crate::principals::Principal;
use crate::settings::{RuntimeSettings, SettingsService};
use crate::shared::{Announcer, Shared, Unsettled};
use crate::signing_keys::{SigningKeys, Unopenable};
use crate::sweeper::Sweeper;
use crate::tasks::{TaskAlarm, TaskKinds, TaskService};
use crate::throttle::{MOST_KEYS, Throttle};
use crate::users::UserService;
use crate::webhook_secrets::WebhookSecrets;
use arc_swap::ArcSwap;
use bcrypt_batch::{Cost, CostOutOfRange};
use chrono::TimeDelta;
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::{ApiKeyDigest, JwtAlgorithm, Origin, Settings, UserId};
use doorward_storage::{Store, StoreError};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

/// What the services need.
#[derive(Debug)]
pub struct ServicesConfig {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Signs tokens; every other key is derived from it.
    pub secret_key: SecretString,
    /// Earlier keys that still verify.
    pub secret_key_fallbacks: Vec<SecretString>,
    /// How tokens are signed.
    pub jwt_algorithm: JwtAlgorithm,
    /// The cost of new password hashes, 4 to 31: one more doubles the work. OWASP asks for 10 or more.
    pub bcrypt_cost: u32,
    /// How the hashing pool is built.
    pub hashing: HashingLimits,
    /// What new passwords have to pass.
    pub password_policy: PasswordPolicy,
    /// The values of the runtime settings that nobody has changed.
    pub settings: Settings,
    /// Accept access tokens that simplejwt signed with the secret key, for users who come from Django.
    pub accept_foreign_tokens: bool,
    /// What this node shares with others beside the database, where there is something.
    pub shared: Option<SharedPorts>,
    /// Which kinds of tasks users may ask for.
    pub task_kinds: Arc<dyn TaskKinds>,
}

/// The use cases.
#[derive(Debug)]
pub struct Services {
    /// Login, refresh, logout, and who makes a request.
    pub auth: AuthService,
    /// Registration, and what a user does with his own account.
    pub accounts: AccountService,
    /// The list of users, and their administration.
    pub users: UserService,
    /// API keys.
    pub api_keys: ApiKeyService,
    /// Sessions of the admin panel.
    pub panel: PanelService,
    /// The runtime settings.
    pub settings: SettingsService,
    /// Scheduled tasks.
    pub tasks: TaskService,
    /// The secrets with which webhooks are signed.
    pub webhook_secrets: WebhookSecrets,
    /// Wakes the worker of this node.
    pub task_alarm: Arc<TaskAlarm>,
    /// The audit log.
    pub audit: AuditService,
    /// Chains the audit log; [`Sealer::run`] it for as long as requests are served.
    pub sealer: Sealer,
    /// The key pairs that sign tokens.
    pub signing_keys: Arc<SigningKeys>,
    /// How the service fares, in figures.
    pub overview: OverviewService,
    /// What this node has done and how busy it is, in figures.
    pub figures: FiguresService,
    /// Whether the service works.
    pub health: HealthService,
    /// Deletes what nobody needs any more.
    pub sweeper: Sweeper,
    /// What other nodes have changed; [`ChangeFeed::follow`] it for as long as requests are served.
    pub feed: Arc<ChangeFeed>,
}

impl Services {
    /// Wires the services and learns from the database what still matters.
    ///
    /// # Errors
    /// When the cost is none of bcrypt's, the feed cannot be read, or no thread can be started.
    pub async fn start(config: ServicesConfig) -> Result<Self, StartError> {
        let cost = Cost::new(config.bcrypt_cost)?;
        let unsettled = Arc::new(Unsettled::new(Arc::clone(&config.clock)));
        let shared = config.shared.clone().map(|ports| {
            Arc::new(Shared::new(
                ports,
                &config.secret_key,
                Arc::clone(&config.clock),
                Arc::clone(&unsettled),
            ))
        });
        let memory = Arc::new(Memory::new(shared.is_some().then_some(unsettled)));
        let runtime = Arc::new(RuntimeSettings::new(&config));
        let signing_keys = Arc::new(SigningKeys::new(&config, &runtime));
        signing_keys.begin().await?;
        let webhook_secrets = WebhookSecrets::new(
            Arc::clone(&config.store),
            Arc::clone(&config.clock),
            &config.secret_key,
            &config.secret_key_fallbacks,
        );
        webhook_secrets.begin().await?;
        let feed = Arc::new(ChangeFeed::new(
            Arc::clone(&config.store),
            Arc::clone(&config.clock),
            Arc::clone(&memory),
            Arc::clone(&signing_keys),
            Arc::clone(&runtime),
        ));
        if let Some(shared) = &shared {
            join(shared, &*config.store, &memory, &feed);
        }
        feed.catch_up().await?;
        let pool = HashingPool::start(config.hashing)?;
        let audit_keys = AuditKeys::new(&config.secret_key, &config.secret_key_fallbacks);
        let core = Arc::new(Core {
            throttle: throttle(&config),
            audit_keys: Arc::new(audit_keys),
            throttled: Told::default(),
            keys: signing_keys.ring(),
            passwords: Passwords::new(pool, cost, config.password_policy),
            settings: runtime.present(),
            runtime,
            store: config.store,
            clock: config.clock,
            feed: Arc::clone(&feed),
            memory: Arc::clone(&memory),
            shared,
            foreign_accounts: config.accept_foreign_tokens.then(ForeignAccounts::new),
            key_uses: KeyUses::default(),
            counts: Counts::default(),
        });
        Ok(Self {
            auth: AuthService::new(Arc::clone(&core)),
            accounts: AccountService::new(Arc::clone(&core)),
            users: UserService::new(Arc::clone(&core)),
            api_keys: ApiKeyService::new(Arc::clone(&core)),
            panel: PanelService::new(Arc::clone(&core)),
            overview: OverviewService::new(Arc::clone(&core)),
            settings: SettingsService::new(Arc::clone(&core)),
            tasks: TaskService::new(Arc::clone(&core), config.task_kinds),
            webhook_secrets,
            task_alarm: Arc::clone(&memory.alarm),
            audit: AuditService::new(Arc::clone(&core)),
            sealer: Sealer::new(Arc::clone(&core)),
            figures: FiguresService::new(Arc::clone(&core)),
            health: HealthService::new(Arc::clone(&core)),
            sweeper: Sweeper::new(core),
            signing_keys,
            feed,
        })
    }
}

/// Counts over all nodes where they share something, else on this one.
fn throttle(config: &ServicesConfig) -> Throttle {
    let own = || InProcessRateLimiter::new(Arc::clone(&config.clock), MOST_KEYS);
    let limiter: Arc<dyn RateLimiter> = match &config.shared {
        Some(shared) => Arc::clone(&shared.rate_limiter),
        None => Arc::new(own()),
    };
    Throttle::new(limiter, own(), &config.secret_key)
}

/// Lets the other nodes hear what this one commits, and this one what they do.
fn join(shared: &Arc<Shared>, store: &dyn Store, memory: &Arc<Memory>, feed: &Arc<ChangeFeed>) {
    store.subscribe(Arc::new(Announcer::start(shared)));
    shared.ports().change_bus.subscribe(Arc::new(Ear {
        memory: Arc::clone(memory),
        feed: Arc::downgrade(feed),
        clock: Arc::clone(shared.clock()),
    }));
}

/// Why the services do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such cost of bcrypt.
    #[error(transparent)]
    Cost(#[from] CostOutOfRange),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key pair cannot be opened.
    #[error(transparent)]
    Unopenable(#[from] Unopenable),
    /// The system gives no thread.
    #[error("no thread for hashing passwords: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the services share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The settings that are in force.
    pub(crate) settings: Arc<ArcSwap<Settings>>,
    pub(crate) runtime: Arc<RuntimeSettings>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) audit_keys: Arc<AuditKeys>,
    /// Which refusals of logins the audit log has been told of.
    pub(crate) throttled: Told,
    pub(crate) passwords: Passwords,
    pub(crate) memory: Arc<Memory>,
    pub(crate) feed: Arc<ChangeFeed>,
    pub(crate) shared: Option<Arc<Shared>>,
    /// None where tokens of Django are not accepted.
    pub(crate) foreign_accounts: Option<ForeignAccounts>,
    pub(crate) key_uses: KeyUses,
    pub(crate) throttle: Throttle,
    pub(crate) counts: Counts,
}

/// The feed is read four times a second. When it has been silent for so long, a session may have ended without this node
/// knowing.
const DOUBT: Duration = Duration::from_secs(1);

impl Core {
    /// Those who may know of an ended session what the feed has not told: asked only while the database is silent.
    pub(crate) fn shared_in_doubt(&self) -> Option<&Shared> {
        let shared = self.shared.as_deref()?;
        (self.feed.age() >= DOUBT).then_some(shared)
    }

    /// The principal, if memory has him.
    pub(crate) fn remembered(&self, id: UserId) -> Option<Arc<Principal>> {
        let ttl = self.session_cache_ttl().to_std().unwrap_or_default();
        let found = self.memory.principals.get(&id, self.clock.uptime(), ttl)?;
        self.counts.principals.hit();
        Some(found)
    }

    /// The principal, from memory, from what nodes share, or from the database. None when there is no such user.
    pub(crate) async fn principal(&self, id: UserId) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(principal) = self.remembered(id) {
            return Ok(Some(principal));
        }
        self.counts.principals.miss();
        let (ticket, uptime) = (self.memory.principals.ticket(), self.clock.uptime());
        let keep = |principal: Principal, loaded_at: Duration| {
            let principal = Arc::new(principal);
            let kept = Arc::clone(&principal);
            self.memory.principals.insert(ticket, id, kept, loaded_at);
            principal
        };
        let (loaded_at, ttl) = (self.clock.now(), self.session_cache_ttl());
        if let Some(shared) = &self.shared
            && let Some(found) = shared.principal(id, ttl).await
        {
            let age = found.age.to_std().unwrap_or_default();
            return Ok(Some(keep(found.value, uptime.saturating_sub(age))));
        }
        let Some(user) = self.store.read(move |tx| tx.user(id)).await? else {
            return Ok(None);
        };
        let principal = keep(user.into(), uptime);
        if let Some(shared) = &self.shared {
            shared.put_principal(&principal, loaded_at, ttl).await;
        }
        Ok(Some(principal))
    }

    /// What memory says of the key with this secret; none where it says nothing.
    pub(crate) fn remembered_key(&self, digest: &ApiKeyDigest) -> Option<Found> {
        let ttl = self.session_cache_ttl().to_std().unwrap_or_default();
        let found = self.memory.api_keys.get(digest, self.clock.uptime(), ttl)?;
        self.counts.api_keys.hit();
        Some(found)
    }

    /// The key with this secret, good or not, from memory or from the database. Who has asked for too many that there are
    /// not is not looked up any more.
    pub(crate) async fn api_key(
        &self,
        digest: ApiKeyDigest,
        origin: &Origin,
    ) -> Result<Option<Arc<KnownApiKey>>, Internal> {
        if let Some(found) = self.remembered_key(&digest) {
            return Ok(found.key());
        }
        self.counts.api_keys.miss();
        self.throttle.may_look_for_key(origin)?;
        let (keys, uptime) = (&self.memory.api_keys, self.clock.uptime());
        let ticket = keys.ticket();
        let loaded = self
            .store
            .read(move |tx| tx.api_key_by_digest(digest))
            .await?;
        if loaded.is_none() {
            self.throttle.found_no_key(origin);
        }
        Ok(keys.insert(ticket, digest, loaded, uptime))
    }

    fn session_cache_ttl(&self) -> TimeDelta {
        self.settings.load().session_cache_ttl
    }
}
