//! What operators do with key pairs.

use super::{PUBLISHED_FOR, SigningKeys, Unopenable, find};
use crate::error::{Internal, from_internal};
use crate::key_pair::KeyPair;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{
    AuditEvent, JwtAlgorithm, KeyAlgorithm, KeyId, KeyState, SecurityEvent, SigningKey,
};
use doorward_storage::{StoreError, Transaction};

/// Why no key pair is prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The secret key signs.
    #[error("{WITHOUT_PAIRS}")]
    WithoutPairs,
    /// There is one.
    #[error("the signing key {0} is prepared already: rotate, or retire it")]
    Prepared(KeyId),
    /// Somebody else was first.
    #[error("{OVERTAKEN}")]
    Overtaken,
    /// Another secret key than this one has sealed the pairs.
    #[error(transparent)]
    Unopenable(#[from] Unopenable),
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why another key pair does not sign from now on.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The secret key signs.
    #[error("{WITHOUT_PAIRS}")]
    WithoutPairs,
    /// There is no other.
    #[error(
        "no signing key is prepared: prepare one, and rotate when everybody who verifies has read it"
    )]
    NothingPrepared,
    /// Others may not have read it.
    #[error(
        "the signing key {kid} was published only {} s ago: others may keep what they have read of /.well-known/jwks.json, \
         and would refuse its tokens; wait another {} s, or rotate --now",
        since.num_seconds(), (PUBLISHED_FOR - *since).num_seconds()
    )]
    TooYoung {
        /// The pair.
        kid: KeyId,
        /// Since when it is published.
        since: TimeDelta,
    },
    /// Somebody else was first.
    #[error("{OVERTAKEN}")]
    Overtaken,
    /// Another secret key than this one has sealed the pairs.
    #[error(transparent)]
    Unopenable(#[from] Unopenable),
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a key pair is not retired.
#[derive(Debug, thiserror::Error)]
pub enum RetireError {
    /// There is no such pair.
    #[error("there is no signing key {0}")]
    Unknown(String),
    /// It signs.
    #[error(
        "the signing key {0} is active: rotate first; or retire --active, which refuses all tokens that it has signed"
    )]
    Active(KeyId),
    /// It is retired.
    #[error("the signing key {0} is retired already")]
    Retired(KeyId),
    /// Somebody else was first.
    #[error("{OVERTAKEN}")]
    Overtaken,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(PrepareError, RotateError, RetireError);

const OVERTAKEN: &str =
    "somebody else has changed the signing keys at the same time: list them, and see";

const WITHOUT_PAIRS: &str = "JWT_ALGORITHM is HS256, which signs with SECRET_KEY and has no key pairs: give this command the JWT_ALGORITHM \
                             that the server has, or will have";

/// A key pair that was retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The pair.
    pub kid: KeyId,
    /// Until when tokens of it might have lived: who still held one has to log in again. None where there was none.
    pub tokens_until: Option<DateTime<Utc>>,
}

impl SigningKeys {
    /// Makes the next key pair. It is published, and does not sign yet.
    ///
    /// # Errors
    /// [`PrepareError`], when there is one, or the secret key signs.
    pub async fn prepare(&self) -> Result<KeyId, PrepareError> {
        let algorithm = self.pair_algorithm().ok_or(PrepareError::WithoutPairs)?;
        let keys = self.read().await?;
        self.check_openable(&keys)?;
        if let Some(key) = find(&keys, algorithm, KeyState::Prepared) {
            return Err(PrepareError::Prepared(key.kid.clone()));
        }
        let next = self.make(algorithm).await?;
        let (kid, now) = (next.kid.clone(), self.clock.now());
        let inserted = self
            .store
            .write(move |tx| {
                tx.insert_signing_key(&next, now)?;
                let event = SecurityEvent::SigningKeyPrepared { kid: next.kid };
                tx.append_event(&AuditEvent::new(now, &event))
            })
            .await;
        match inserted {
            Ok(()) => {}
            Err(StoreError::Conflict(_)) => return Err(PrepareError::Overtaken),
            Err(error) => return Err(error.into()),
        }
        self.relearn().await?;
        tracing::info!(%kid, %algorithm, "a signing key is prepared");
        Ok(kid)
    }

    /// Lets the prepared key pair sign, and prepares the next. The one that has signed until now goes on verifying.
    /// `at_once` does so even if others may not have read the prepared one.
    ///
    /// # Errors
    /// [`RotateError`], when none is prepared, or not for [`PUBLISHED_FOR`], or the secret key signs.
    pub async fn rotate(&self, at_once: bool) -> Result<KeyId, RotateError> {
        let algorithm = self.pair_algorithm().ok_or(RotateError::WithoutPairs)?;
        let (keys, now) = (self.read().await?, self.clock.now());
        self.check_openable(&keys)?;
        let prepared = find(&keys, algorithm, KeyState::Prepared).cloned();
        let prepared = prepared.ok_or(RotateError::NothingPrepared)?;
        let since = now - prepared.created_at;
        if since < PUBLISHED_FOR && !at_once {
            let kid = prepared.kid;
            return Err(RotateError::TooYoung { kid, since });
        }
        let active = find(&keys, algorithm, KeyState::Active).cloned();
        let next = self.make(algorithm).await?;
        let kid = prepared.kid.clone();
        let event = SecurityEvent::SigningKeyRotated { kid: kid.clone() };
        self.store
            .write(move |tx| {
                succeed(tx, active, prepared, &next, now)?;
                Ok::<_, RotateError>(tx.append_event(&AuditEvent::new(now, &event))?)
            })
            .await?;
        self.relearn().await?;
        tracing::info!(%kid, %algorithm, "another signing key signs");
        Ok(kid)
    }

    /// Refuses the tokens of a key pair from now on, and forgets its private part.
    ///
    /// # Errors
    /// [`RetireError`], when there is no such pair, or it is the active one: that is retired only if no secret key opens
    /// it, or with `even_active`.
    pub async fn retire(&self, kid: &str, even_active: bool) -> Result<Retired, RetireError> {
        let keys = self.read().await?;
        let key = keys.iter().find(|key| key.kid.as_str() == kid);
        let key = key.ok_or_else(|| RetireError::Unknown(kid.to_owned()))?;
        let (from, kid, now) = (key.state, key.kid.clone(), self.clock.now());
        match from {
            KeyState::Retired => return Err(RetireError::Retired(kid)),
            KeyState::Active if !even_active && KeyPair::open(&self.ring, key).is_ok() => {
                return Err(RetireError::Active(kid));
            }
            KeyState::Active | KeyState::Prepared | KeyState::Retiring => {}
        }
        let last_signed = match from {
            KeyState::Active => Some(now),
            KeyState::Retiring => key.deactivated_at,
            KeyState::Prepared | KeyState::Retired => None,
        };
        let retired = key.clone().retired(now);
        let succession = match self.pair_algorithm() {
            Some(algorithm) if from == KeyState::Active && algorithm == key.algorithm => {
                Some(self.succession(&keys, algorithm).await?)
            }
            Some(_) | None => None,
        };
        let event = SecurityEvent::SigningKeyRetired { kid: kid.clone() };
        // In one transaction, so that no node finds itself without a pair that signs, and makes one.
        let written = self.store.write(move |tx| {
            let is_retired = tx.update_signing_key(&retired, from, now)?;
            if let (true, Some(succession)) = (is_retired, succession) {
                succession.begin(tx, now)?;
            }
            if is_retired {
                tx.append_event(&AuditEvent::new(now, &event))?;
            }
            Ok(is_retired)
        });
        match written.await {
            Ok(true) => {}
            Ok(false) | Err(StoreError::Conflict(_)) => return Err(RetireError::Overtaken),
            Err(error) => return Err(error.into()),
        }
        if from == KeyState::Active {
            self.reload().await?; // which makes a successor where somebody has taken the prepared pair away
        } else {
            self.relearn().await?;
        }
        tracing::warn!(%kid, "a signing key is retired: its tokens are refused");
        Ok(Retired {
            kid,
            tokens_until: self.alive_until(last_signed).filter(|until| now < *until),
        })
    }

    fn pair_algorithm(&self) -> Option<KeyAlgorithm> {
        match self.algorithm {
            JwtAlgorithm::Hs256 => None,
            JwtAlgorithm::KeyPair(algorithm) => Some(algorithm),
        }
    }
}

/// First the place of the active pair is cleared, then it is taken: there is one at the most at any time.
fn succeed(
    tx: &mut dyn Transaction,
    active: Option<SigningKey>,
    prepared: SigningKey,
    next: &SigningKey,
    now: DateTime<Utc>,
) -> Result<(), RotateError> {
    if let Some(active) = active
        && !tx.update_signing_key(&active.deactivated(now), KeyState::Active, now)?
    {
        return Err(RotateError::Overtaken);
    }
    if !tx.update_signing_key(&prepared.activated(now), KeyState::Prepared, now)? {
        return Err(RotateError::Overtaken);
    }
    match tx.insert_signing_key(next, now) {
        Err(StoreError::Conflict(_)) => Err(RotateError::Overtaken),
        inserted => Ok(inserted?),
    }
}
