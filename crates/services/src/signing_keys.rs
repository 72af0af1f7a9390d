//! The key pairs that sign tokens: the next one is made and published before it signs, and the one before goes on
//! verifying, so that nobody is logged out by a rotation.

mod change;

pub use crate::pairs::Jwks;
pub use change::{PrepareError, RetireError, Retired, RotateError};

use crate::clock::Clock;
use crate::error::Internal;
use crate::key_pair::KeyPair;
use crate::keys::KeyRing;
use crate::pairs::Pairs;
use crate::services::{ServicesConfig, StartError};
use crate::settings::RuntimeSettings;
use crate::tokens::LEEWAY;
use arc_swap::ArcSwap;
use aws_lc_rs::error::Unspecified;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{JwtAlgorithm, KeyAlgorithm, KeyId, KeyState, Settings, SigningKey};
use doorward_storage::{Store, StoreError, Transaction};
use std::sync::Arc;

/// For how long others may keep the public keys.
pub const JWKS_MAX_AGE: TimeDelta = TimeDelta::minutes(5);
/// For how long a pair has to be published before it signs: what others keep is out of date twice over by then.
pub const PUBLISHED_FOR: TimeDelta = TimeDelta::minutes(10);
/// For how long retired pairs are remembered. Longer than any access token lives, since the oldest pair tells when the
/// secret key has stopped signing.
pub(crate) const RETIRED_KEPT: TimeDelta = TimeDelta::days(30);
/// How often the first pair is tried for when others try, too.
const ATTEMPTS: usize = 5;

/// The key pairs of all nodes.
#[derive(Debug)]
pub struct SigningKeys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ring: Arc<KeyRing>,
    algorithm: JwtAlgorithm,
    settings: Arc<ArcSwap<Settings>>,
}

/// A key pair as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// The `kid` of its tokens.
    pub kid: KeyId,
    /// What it signs with.
    pub algorithm: KeyAlgorithm,
    /// What it is there for.
    pub state: KeyState,
    /// Since when it is there and published.
    pub created_at: DateTime<Utc>,
    /// Until when a token of it may live that neither expires nor is refused before; none while it may sign new ones,
    /// and where it never signed.
    pub tokens_until: Option<DateTime<Utc>>,
    /// Whether the secret key opens it.
    pub is_usable: bool,
}

/// Key pairs that no secret key opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "SECRET_KEY does not open the signing key {kids}, nor does any of SECRET_KEY_FALLBACKS: add the key under which it \
     was sealed to SECRET_KEY_FALLBACKS; if that is lost or stolen, `doorward keys retire {kids}` gives up the signing \
     key and all tokens that it has signed"
)]
pub struct Unopenable {
    kids: String,
}

impl SigningKeys {
    /// The key pairs in the store of `config`. They are not read yet.
    pub fn new(config: &ServicesConfig, settings: &RuntimeSettings) -> Self {
        Self {
            store: Arc::clone(&config.store),
            clock: Arc::clone(&config.clock),
            ring: Arc::new(KeyRing::new(
                &config.secret_key,
                &config.secret_key_fallbacks,
            )),
            algorithm: config.jwt_algorithm,
            settings: settings.present(),
        }
    }

    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring)
    }

    /// The public keys of all pairs whose tokens are accepted.
    pub fn jwks(&self) -> Arc<Jwks> {
        self.ring.pairs.load().jwks()
    }

    /// All key pairs, the oldest first; those retired for less than 30 days too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self) -> Result<Vec<ListedKey>, Internal> {
        let keys = self.read().await?;
        Ok(keys.iter().map(|key| self.listed(key)).collect())
    }

    /// Reads all pairs, makes the first ones where one is needed and there is none, and seals those anew that an earlier
    /// secret key has sealed.
    pub(crate) async fn begin(&self) -> Result<(), StartError> {
        let keys = self.read().await?;
        self.check_openable(&keys)?;
        for key in keys.iter().filter(|key| key.is_published()) {
            if let Ok(opened) = KeyPair::open(&self.ring, key)
                && opened.is_sealed_under_earlier
            {
                self.reseal(key, &opened.pair).await?;
            }
        }
        let keys = self.with_signer().await?;
        self.check_openable(&keys)?; // another node may have made them meanwhile
        self.learn(&keys);
        Ok(())
    }

    /// Learns what other nodes have changed, and makes a pair that signs where there is none any more.
    pub(crate) async fn reload(&self) -> Result<(), StoreError> {
        let keys = self.with_signer().await?;
        self.learn(&keys);
        Ok(())
    }

    /// Learns what this node has changed.
    async fn relearn(&self) -> Result<(), StoreError> {
        self.learn(&self.read().await?);
        Ok(())
    }

    fn check_openable(&self, keys: &[SigningKey]) -> Result<(), Unopenable> {
        let shut: Vec<_> = keys
            .iter()
            .filter(|key| key.is_published() && KeyPair::open(&self.ring, key).is_err())
            .map(|key| key.kid.as_str())
            .collect();
        if shut.is_empty() {
            Ok(())
        } else {
            let kids = shut.join(" ");
            Err(Unopenable { kids })
        }
    }

    async fn read(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.store.read(|tx| tx.signing_keys()).await
    }

    /// All pairs, among them one that signs if one is needed. When several nodes find none, the database decides whose
    /// is taken.
    async fn with_signer(&self) -> Result<Vec<SigningKey>, StoreError> {
        let mut keys = self.read().await?;
        let JwtAlgorithm::KeyPair(algorithm) = self.algorithm else {
            return Ok(keys);
        };
        for _attempt in 0..ATTEMPTS {
            if find(&keys, algorithm, KeyState::Active).is_some() {
                return Ok(keys);
            }
            self.make_first(&keys, algorithm).await?;
            keys = self.read().await?;
        }
        Err(StoreError::Backend(
            "no signing key can be made: a row of signing_keys is damaged".into(),
        ))
    }

    /// Lets the prepared pair sign, or a new one; and publishes the next.
    async fn make_first(
        &self,
        keys: &[SigningKey],
        algorithm: KeyAlgorithm,
    ) -> Result<(), StoreError> {
        let (succession, now) = (self.succession(keys, algorithm).await?, self.clock.now());
        let made = self.store.write(move |tx| succession.begin(tx, now)).await;
        match made {
            Ok(()) | Err(StoreError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Which pair is to sign where none does, and which one after it. Nothing is written yet, since with RSA it takes
    /// seconds to make them.
    async fn succession(
        &self,
        keys: &[SigningKey],
        algorithm: KeyAlgorithm,
    ) -> Result<Succession, StoreError> {
        let now = self.clock.now();
        let waiting = find(keys, algorithm, KeyState::Prepared);
        let prepared = waiting.filter(|key| KeyPair::open(&self.ring, key).is_ok());
        let next = match (waiting, prepared) {
            (Some(_), None) => None, // its place is taken until somebody retires it
            (_, _) => Some(self.make(algorithm).await?),
        };
        let (first, from) = match prepared {
            Some(prepared) => (prepared.clone().activated(now), Some(KeyState::Prepared)),
            None => (self.make(algorithm).await?.activated(now), None),
        };
        Ok(Succession { first, from, next })
    }

    /// A new pair, prepared. Not on this thread: RSA takes its time.
    async fn make(&self, algorithm: KeyAlgorithm) -> Result<SigningKey, StoreError> {
        let (ring, created_at) = (self.ring(), self.clock.now());
        let made = tokio::task::spawn_blocking(move || -> Result<SigningKey, Unspecified> {
            let pair = KeyPair::generate(algorithm)?;
            Ok(SigningKey {
                public_key: pair.jwk.canonical(),
                sealed_key: Some(pair.seal(&ring.present)?),
                kid: pair.kid,
                algorithm,
                state: KeyState::Prepared,
                created_at,
                activated_at: None,
                deactivated_at: None,
                retired_at: None,
            })
        });
        match made.await {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(_)) | Err(_) => Err(StoreError::Backend("no key pair can be made".into())),
        }
    }

    async fn reseal(&self, key: &SigningKey, pair: &KeyPair) -> Result<(), StoreError> {
        let sealed = pair
            .seal(&self.ring.present)
            .map_err(|error| StoreError::Backend(error.into()))?;
        let (from, now) = (key.state, self.clock.now());
        let resealed = SigningKey {
            sealed_key: Some(sealed),
            ..key.clone()
        };
        // Who has changed it meanwhile has done so too, or the next start does.
        self.store
            .write(move |tx| tx.update_signing_key(&resealed, from, now))
            .await?;
        tracing::info!(kid = %key.kid, "the signing key is sealed under the present SECRET_KEY");
        Ok(())
    }

    /// Takes these pairs for all there are. One that cannot be opened, since another node seals under another secret
    /// key, is kept if it is known, and else left out.
    fn learn(&self, keys: &[SigningKey]) {
        let known = self.ring.pairs.load();
        let opened = |key: &SigningKey| {
            KeyPair::open(&self.ring, key)
                .ok()
                .map(|it| Arc::new(it.pair))
        };
        let mut published = Vec::new();
        for key in keys.iter().filter(|key| key.is_published()) {
            match known.get(&key.kid).map(Arc::clone).or_else(|| opened(key)) {
                Some(pair) => published.push(pair),
                None => {
                    tracing::error!(kid = %key.kid, "SECRET_KEY does not open a signing key: its tokens are refused");
                }
            }
        }
        let signer = match self.algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::KeyPair(algorithm) => find(keys, algorithm, KeyState::Active)
                .and_then(|key| published.iter().find(|pair| pair.kid == key.kid))
                .or_else(|| known.signer())
                .map(Arc::clone),
        };
        let first_signed = keys.iter().filter_map(|key| key.activated_at).min();
        let lifetime = self.settings.load().access_token_lifetime;
        let shared_until = first_signed.map(|at| at + lifetime + LEEWAY);
        self.ring
            .pairs
            .store(Arc::new(Pairs::new(published, signer, shared_until)));
    }

    /// Until when the last token may live that a pair signed then.
    fn alive_until(&self, last_signed: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let lifetime = self.settings.load().refresh_token_lifetime;
        last_signed.map(|at| at + lifetime + LEEWAY)
    }

    fn listed(&self, key: &SigningKey) -> ListedKey {
        ListedKey {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            state: key.state,
            created_at: key.created_at,
            tokens_until: self.alive_until(key.deactivated_at),
            is_usable: KeyPair::open(&self.ring, key).is_ok(),
        }
    }
}

/// Who signs where nobody does.
struct Succession {
    first: SigningKey,
    /// None: it is new.
    from: Option<KeyState>,
    /// None where the place is taken.
    next: Option<SigningKey>,
}

impl Succession {
    /// Whoever has changed the prepared pair meanwhile has the last word.
    fn begin(self, tx: &mut dyn Transaction, now: DateTime<Utc>) -> Result<(), StoreError> {
        match self.from {
            None => tx.insert_signing_key(&self.first, now)?,
            Some(from) if tx.update_signing_key(&self.first, from, now)? => {}
            Some(_) => return Ok(()),
        }
        self.next
            .map_or(Ok(()), |next| tx.insert_signing_key(&next, now))
    }
}

fn find(keys: &[SigningKey], algorithm: KeyAlgorithm, state: KeyState) -> Option<&SigningKey> {
    keys.iter()
        .find(|key| key.algorithm == algorithm && key.state == state)
}

#[cfg(test)]
mod tests;
