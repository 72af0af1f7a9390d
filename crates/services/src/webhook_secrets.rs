//! The secrets with which the webhooks of a user are signed, after the Standard Webhooks specification: shown once when
//! they are made, kept sealed, and for a day after a rotation there are two.

mod signature;

pub use signature::{Signers, WebhookKey};

use crate::auth::Caller;
use crate::clock::Clock;
use crate::error::{Internal, from_internal};
use crate::keys::KeyRing;
use crate::sealing;
use chrono::{DateTime, Utc};
use doorward_domain::{SealedSecret, SecurityEvent, UserId, WebhookSecret};
use doorward_storage::{Store, StoreError, Transaction};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// How many secrets one transaction seals anew at the most.
const BATCH: u32 = 500;

/// A secret that is told now and never again.
#[derive(Debug)]
pub struct IssuedWebhookSecret {
    /// The secret.
    pub key: WebhookKey,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when the one before signs beside it; none where there was none.
    pub previous_until: Option<DateTime<Utc>>,
}

/// What is told of a secret later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookSecretInfo {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when the one before signs beside it; none where it does not, any more or at all.
    pub previous_until: Option<DateTime<Utc>>,
}

/// Why there is no new secret.
#[derive(Debug, thiserror::Error)]
pub enum RotateWebhookSecretError {
    /// The account has gone or was deactivated in the meantime.
    #[error("the account is not there any more")]
    Gone,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(RotateWebhookSecretError);

/// The secrets of all users.
#[derive(Debug, Clone)]
pub struct WebhookSecrets {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ring: Arc<KeyRing>,
}

impl WebhookSecrets {
    /// The secrets in the store, under the secret key and earlier ones. Who sends webhooks needs them before the services
    /// are there.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        secret_key: &SecretString,
        earlier: &[SecretString],
    ) -> Self {
        Self {
            store,
            clock,
            ring: Arc::new(KeyRing::new(secret_key, earlier)),
        }
    }

    /// Makes the caller's secret, or another one in its place, beside which it signs for a day.
    ///
    /// # Errors
    /// [`RotateWebhookSecretError::Gone`] when the caller's account is not there any more.
    pub async fn rotate(
        &self,
        caller: &Caller,
    ) -> Result<IssuedWebhookSecret, RotateWebhookSecretError> {
        let (user_id, now) = (caller.principal.id, self.clock.now());
        let event = caller.event(now, &SecurityEvent::WebhookSecretRotated);
        let key = WebhookKey::generate()?;
        let sealed = seal(&self.ring, user_id, &key)?;
        self.store
            .write(move |tx| {
                // Two at once are made one after the other.
                tx.lock_user(user_id)?
                    .filter(|user| user.is_active)
                    .ok_or(RotateWebhookSecretError::Gone)?;
                let secret = match tx.webhook_secret(user_id)? {
                    Some(before) => before.rotated(sealed, now),
                    None => WebhookSecret::new(user_id, sealed, now),
                };
                tx.put_webhook_secret(&secret)?;
                tx.append_event(&event)?;
                Ok(IssuedWebhookSecret {
                    key,
                    created_at: secret.created_at,
                    previous_until: secret.previous.map(|previous| previous.until),
                })
            })
            .await
    }

    /// When the caller's secret was made; none where he has none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn show(&self, caller: &Caller) -> Result<Option<WebhookSecretInfo>, Internal> {
        let now = self.clock.now();
        let secret = self.read(caller.principal.id).await?;
        Ok(secret.map(|secret| WebhookSecretInfo {
            created_at: secret.created_at,
            previous_until: secret.previous_at(now).map(|previous| previous.until),
        }))
    }

    /// Whether the user has a secret.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn exists(&self, user_id: UserId) -> Result<bool, Internal> {
        Ok(self.read(user_id).await?.is_some())
    }

    /// What signs the user's webhooks at this moment; none where he has no secret.
    ///
    /// # Errors
    /// When the database does not answer, and when the secret cannot be opened, which only an earlier secret key can
    /// that is not known here.
    pub async fn signers(&self, user_id: UserId) -> Result<Option<Signers>, Internal> {
        let Some(secret) = self.read(user_id).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let opened = secret
            .signing_at(now)
            .filter_map(|sealed| Some(open(&self.ring, user_id, sealed)?.0));
        match Signers::new(opened, now) {
            Some(signers) => Ok(Some(signers)),
            None => Err(Internal::from(StoreError::Backend(
                "SECRET_KEY does not open a webhook secret".into(),
            ))),
        }
    }

    async fn read(&self, user_id: UserId) -> Result<Option<WebhookSecret>, StoreError> {
        self.store.read(move |tx| tx.webhook_secret(user_id)).await
    }

    /// Seals anew what an earlier secret key has sealed. Without earlier ones there is nothing to look for.
    pub(crate) async fn begin(&self) -> Result<(), StoreError> {
        if !self.ring.has_earlier() {
            return Ok(());
        }
        let (mut after, mut resealed) = (None, 0);
        loop {
            let ring = Arc::clone(&self.ring);
            let batch = self
                .store
                .write(move |tx| reseal_batch(tx, &ring, after))
                .await?;
            resealed += batch.resealed;
            if batch.last.is_none() {
                break;
            }
            after = batch.last;
        }
        if resealed > 0 {
            tracing::info!(
                resealed,
                "webhook secrets are sealed under the present SECRET_KEY"
            );
        }
        Ok(())
    }
}

struct Batch {
    /// None: there was nothing left.
    last: Option<UserId>,
    resealed: usize,
}

fn reseal_batch(
    tx: &mut dyn Transaction,
    ring: &KeyRing,
    after: Option<UserId>,
) -> Result<Batch, StoreError> {
    let secrets = tx.lock_webhook_secrets(after, BATCH)?;
    let last = secrets.last().map(|secret| secret.user_id);
    let mut resealed = 0;
    for mut secret in secrets {
        let user_id = secret.user_id;
        let previous = secret.previous.as_mut().map(|it| &mut it.sealed);
        let mut is_changed = false;
        for sealed in std::iter::once(&mut secret.sealed).chain(previous) {
            match open(ring, user_id, sealed) {
                Some((key, true)) => {
                    *sealed = seal(ring, user_id, &key)?;
                    is_changed = true;
                }
                Some((_, false)) => {}
                None => {
                    tracing::error!(%user_id, "SECRET_KEY does not open a webhook secret: make another one");
                }
            }
        }
        if is_changed {
            tx.put_webhook_secret(&secret)?;
            resealed += 1;
        }
    }
    Ok(Batch { last, resealed })
}

fn seal(ring: &KeyRing, user_id: UserId, key: &WebhookKey) -> Result<SealedSecret, StoreError> {
    let seal = &ring.present.webhook_seal;
    let sealed = seal.seal(user_id.as_uuid().as_bytes(), key.as_bytes());
    sealed
        .map(SealedSecret)
        .map_err(|error| StoreError::Backend(error.into()))
}

/// The key, and whether an earlier secret key has sealed it.
fn open(ring: &KeyRing, user_id: UserId, sealed: &SealedSecret) -> Option<(WebhookKey, bool)> {
    let name = user_id.as_uuid().as_bytes();
    let opened = sealing::open_by_any(ring, |keys| &keys.webhook_seal, name, &sealed.0)?;
    let key = WebhookKey::from_bytes(opened.value.expose_secret())?;
    Some((key, opened.is_sealed_under_earlier))
}

#[cfg(test)]
mod tests;
