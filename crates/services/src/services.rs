//! All services, wired together once.

use crate::accounts::AccountService;
use crate::auth::AuthService;
use crate::clock::Clock;
use crate::feed::{ChangeFeed, Memory};
use crate::hashing::{HashingLimits, HashingPool};
use crate::health::HealthService;
use crate::keys::KeyRing;
use crate::passwords::Passwords;
use crate::principals::Principal;
use crate::signing_keys::{SigningKeys, Unopenable};
use crate::sweeper::Sweeper;
use crate::users::UserService;
use arc_swap::ArcSwap;
use doorward_domain::password_policy::PasswordPolicy;
use doorward_domain::{JwtAlgorithm, Settings, UserId};
use doorward_storage::{Store, StoreError};
use secrecy::SecretString;
use std::sync::Arc;

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
    /// The cost of new password hashes, as a power of two.
    pub bcrypt_cost: u32,
    /// How the hashing pool is built.
    pub hashing: HashingLimits,
    /// What new passwords have to pass.
    pub password_policy: PasswordPolicy,
    /// The runtime settings.
    pub settings: Settings,
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
    /// The key pairs that sign tokens.
    pub signing_keys: Arc<SigningKeys>,
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
    /// When the feed cannot be read or no thread can be started.
    pub async fn start(config: ServicesConfig) -> Result<Self, StartError> {
        let signing_keys = Arc::new(SigningKeys::new(&config));
        signing_keys.begin().await?;
        let memory = Arc::new(Memory::new());
        let feed = Arc::new(ChangeFeed::new(
            Arc::clone(&config.store),
            Arc::clone(&config.clock),
            Arc::clone(&memory),
            Arc::clone(&signing_keys),
        ));
        feed.catch_up().await?;
        let pool = HashingPool::start(config.hashing)?;
        let core = Arc::new(Core {
            keys: signing_keys.ring(),
            passwords: Passwords::new(pool, config.bcrypt_cost, config.password_policy),
            settings: ArcSwap::from_pointee(config.settings),
            store: config.store,
            clock: config.clock,
            feed: Arc::clone(&feed),
            memory,
        });
        Ok(Self {
            auth: AuthService::new(Arc::clone(&core)),
            accounts: AccountService::new(Arc::clone(&core)),
            users: UserService::new(Arc::clone(&core)),
            health: HealthService::new(Arc::clone(&core)),
            sweeper: Sweeper::new(core),
            signing_keys,
            feed,
        })
    }
}

/// Why the services do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
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
    pub(crate) settings: ArcSwap<Settings>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) passwords: Passwords,
    pub(crate) memory: Arc<Memory>,
    pub(crate) feed: Arc<ChangeFeed>,
}

impl Core {
    /// The principal, if memory has him.
    pub(crate) fn remembered(&self, id: UserId) -> Option<Arc<Principal>> {
        let ttl = self
            .settings
            .load()
            .session_cache_ttl
            .to_std()
            .unwrap_or_default();
        self.memory.principals.get(id, self.clock.uptime(), ttl)
    }

    /// The principal, from memory or from the database. None when there is no such user.
    pub(crate) async fn principal(&self, id: UserId) -> Result<Option<Arc<Principal>>, StoreError> {
        if let Some(principal) = self.remembered(id) {
            return Ok(Some(principal));
        }
        let (ticket, uptime) = (self.memory.principals.ticket(), self.clock.uptime());
        let Some(user) = self.store.read(move |tx| tx.user(id)).await? else {
            return Ok(None);
        };
        let principal = Arc::new(Principal::from(user));
        self.memory
            .principals
            .insert(ticket, Arc::clone(&principal), uptime);
        Ok(Some(principal))
    }
}
