//! API keys: what their owners do with them, and whether one is good.

mod administer;
mod holder;
mod memory;
mod uses;

pub(crate) use holder::KeyHolder;
pub(crate) use memory::{ApiKeyMemory, Found, KnownApiKey};
pub(crate) use uses::KeyUses;

use crate::auth::Caller;
use crate::error::{Internal, from_internal};
use crate::fields::FieldErrors;
use crate::services::Core;
use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::api_key::{ApiKeyName, MAX_API_KEYS_PER_USER, MAX_OVERLAP, Validity};
use doorward_domain::task::parse_instant;
use doorward_domain::{
    ApiKey, ApiKeyDigest, ApiKeyId, ApiKeySecret, Origin, Scope, Scopes, SecurityEvent, UserId,
};
use doorward_storage::{StoreError, Transaction};
use rand::RngExt;
use std::sync::Arc;

/// A key to be made.
#[derive(Debug, Default)]
pub struct NewApiKey {
    /// What its owner calls it. Required.
    pub name: Option<String>,
    /// What it may be used for, by name; without any, [`Scopes::READING`].
    pub scopes: Option<Vec<String>>,
    /// When it expires; it never does where nothing is said.
    pub expiry: Expiry,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// New values for a key; what is not given stays.
#[derive(Debug, Default)]
pub struct ApiKeyUpdate {
    /// A new name.
    pub name: Option<String>,
    /// Other scopes, by name: those and no others.
    pub scopes: Option<Vec<String>>,
    /// Another end.
    pub expiry: Expiry,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// What somebody says of the end of a key.
#[derive(Debug, Clone, Default)]
pub enum Expiry {
    /// Nothing.
    #[default]
    Unsaid,
    /// It does not expire.
    Never,
    /// When, as RFC 3339 writes it.
    At(String),
}

/// A new secret for a key.
#[derive(Debug, Default)]
pub struct Regenerate {
    /// For how long the one before is good beside it, in seconds, up to [`MAX_OVERLAP`]; not at all where nothing is
    /// said.
    pub overlap_seconds: Option<i64>,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// A key with a secret that is told now and never again.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret.
    pub secret: ApiKeySecret,
}

/// Some of somebody's keys, the oldest first.
#[derive(Debug)]
pub struct ApiKeyPage {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// After which one the next page begins; none on the last page.
    pub next: Option<ApiKeyId>,
}

/// For whom a good key acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedApiKey {
    /// Its owner.
    pub user_id: UserId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// When it ceases to be good, unless that is changed.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Why there is no new key.
#[derive(Debug, thiserror::Error)]
pub enum CreateApiKeyError {
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// The caller has [`MAX_API_KEYS_PER_USER`] of them.
    #[error("the caller has as many keys as he may have")]
    TooMany,
    /// The account has gone or was deactivated in the meantime.
    #[error("the account is not there any more")]
    Gone,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

/// Why a key is not shown or not changed.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The caller has no such key.
    #[error("no such API key")]
    NotFound,
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(CreateApiKeyError, ApiKeyError);

/// API keys. Whoever serves requests lets no key manage keys: that is for callers with a session.
#[derive(Debug)]
pub struct ApiKeyService {
    core: Arc<Core>,
}

impl ApiKeyService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a key for the caller.
    ///
    /// # Errors
    /// [`CreateApiKeyError::Invalid`] names all bad fields at once.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewApiKey,
    ) -> Result<IssuedApiKey, CreateApiKeyError> {
        let (user_id, now) = (caller.principal.id, self.core.clock.now());
        let mut errors = new.errors;
        let name = errors.require("name", new.name);
        let name = name.and_then(|name| errors.take("name", ApiKeyName::parse(&name)));
        let scopes = read_scopes(new.scopes, &mut errors).unwrap_or(Scopes::READING);
        let expires_at = read_expiry(new.expiry, now, &mut errors).flatten();
        let (Some(name), true) = (name, errors.is_empty()) else {
            return Err(CreateApiKeyError::Invalid(errors));
        };
        let secret = new_secret();
        let key = ApiKey {
            id: ApiKeyId::new(now),
            user_id,
            name,
            prefix: secret.prefix(),
            digest: digest_of(&secret),
            previous: None,
            scopes,
            created_at: now,
            expires_at,
            last_used_at: None,
        };
        let event = SecurityEvent::ApiKeyCreated {
            api_key: key.id,
            scopes,
            expires_at,
        };
        let event = caller.event(now, &event);
        self.core
            .store
            .write(move |tx| {
                // Two at once are counted one after the other.
                tx.lock_user(user_id)?
                    .filter(|user| user.is_active)
                    .ok_or(CreateApiKeyError::Gone)?;
                if tx.count_api_keys_of(user_id)? >= MAX_API_KEYS_PER_USER {
                    return Err(CreateApiKeyError::TooMany);
                }
                tx.insert_api_key(&key)?;
                tx.append_event(&event)?;
                Ok(IssuedApiKey { key, secret })
            })
            .await
    }

    /// The caller's keys, expired ones too.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(
        &self,
        caller: &Caller,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<ApiKeyPage, Internal> {
        let user = caller.principal.id;
        self.core
            .store
            .read(move |tx| Ok(page_of(tx, user, after, limit)?))
            .await
    }

    /// One of the caller's keys.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] when it is another's or never was.
    pub async fn show(&self, caller: &Caller, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let user = caller.principal.id;
        let key = self.core.store.read(move |tx| tx.api_key(id)).await?;
        key.filter(|key| key.user_id == user)
            .ok_or(ApiKeyError::NotFound)
    }

    /// Changes one of the caller's keys.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] when it is another's or never was.
    pub async fn update(
        &self,
        caller: &Caller,
        id: ApiKeyId,
        update: ApiKeyUpdate,
    ) -> Result<ApiKey, ApiKeyError> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        let mut errors = update.errors;
        let name = update.name;
        let name = name.and_then(|name| errors.take("name", ApiKeyName::parse(&name)));
        let scopes = read_scopes(update.scopes, &mut errors);
        let expires_at = read_expiry(update.expiry, now, &mut errors);
        let by = caller.clone();
        self.core
            .store
            .write(move |tx| {
                let before = lock(tx, user, id)?;
                if !errors.is_empty() {
                    return Err(ApiKeyError::Invalid(errors));
                }
                let after = ApiKey {
                    name: name.unwrap_or_else(|| before.name.clone()),
                    scopes: scopes.unwrap_or(before.scopes),
                    expires_at: expires_at.unwrap_or(before.expires_at),
                    ..before.clone()
                };
                if after != before {
                    tx.update_api_key(&after, now)?;
                    let event = SecurityEvent::ApiKeyChanged {
                        api_key: id,
                        fields: changed_fields(&before, &after),
                    };
                    tx.append_event(&by.event(now, &event))?;
                }
                Ok(after)
            })
            .await
    }

    /// Gives one of the caller's keys another secret.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] when it is another's or never was; [`ApiKeyError::Invalid`] also for one that has
    /// expired, whose new secret would be of no use.
    pub async fn regenerate(
        &self,
        caller: &Caller,
        id: ApiKeyId,
        regenerate: Regenerate,
    ) -> Result<IssuedApiKey, ApiKeyError> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        let mut errors = regenerate.errors;
        let overlap = read_overlap(regenerate.overlap_seconds, &mut errors);
        let secret = new_secret();
        let api_key = id;
        let event = SecurityEvent::ApiKeyRegenerated { api_key, overlap };
        let event = caller.event(now, &event);
        self.core
            .store
            .write(move |tx| {
                let before = lock(tx, user, id)?;
                if before.is_expired(now) {
                    errors.add(
                        "expires_at",
                        "The key has expired: give it a later end first.",
                    );
                }
                if !errors.is_empty() {
                    return Err(ApiKeyError::Invalid(errors));
                }
                let next = (secret.prefix(), digest_of(&secret));
                let key = before.regenerated(next, overlap, now);
                tx.update_api_key(&key, now)?;
                tx.append_event(&event)?;
                Ok(IssuedApiKey { key, secret })
            })
            .await
    }

    /// Deletes one of the caller's keys.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] when it is another's or never was.
    pub async fn delete(&self, caller: &Caller, id: ApiKeyId) -> Result<(), ApiKeyError> {
        let (user, now) = (caller.principal.id, self.core.clock.now());
        let event = caller.event(now, &SecurityEvent::ApiKeyDeleted { api_key: id });
        self.core
            .store
            .write(move |tx| {
                lock(tx, user, id)?;
                tx.delete_api_key(id, now)?;
                Ok(tx.append_event(&event)?)
            })
            .await
    }

    /// Whether a key is good, and for what; none where it is not. To ask is a use of the key.
    ///
    /// # Errors
    /// When neither memory can be trusted nor the database answers.
    pub async fn verify(
        &self,
        key: &str,
        origin: &Origin,
    ) -> Result<Option<VerifiedApiKey>, Internal> {
        let holder = self.core.key_holder(key, origin).await?;
        Ok(holder.map(|holder| VerifiedApiKey {
            user_id: holder.principal.id,
            scopes: holder.scopes,
            expires_at: match holder.validity {
                Validity::Until(end) => Some(end),
                Validity::Unlimited | Validity::Over => None,
            },
        }))
    }
}

/// For the audit log.
fn changed_fields(before: &ApiKey, after: &ApiKey) -> Vec<&'static str> {
    let is_changed = [
        ("name", before.name != after.name),
        ("scopes", before.scopes != after.scopes),
        ("expires_at", before.expires_at != after.expires_at),
    ];
    let changed = is_changed.iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(name, _)| *name).collect()
}

fn new_secret() -> ApiKeySecret {
    let mut random = rand::rng();
    ApiKeySecret::generate(|| random.random_range(0..62))
}

/// What is kept of a secret.
fn digest_of(secret: &ApiKeySecret) -> ApiKeyDigest {
    let mut bytes = [0; 32];
    let sha = digest(&SHA256, secret.expose().as_bytes());
    for (byte, of_sha) in bytes.iter_mut().zip(sha.as_ref()) {
        *byte = *of_sha;
    }
    ApiKeyDigest(bytes)
}

fn lock(tx: &mut dyn Transaction, user: UserId, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
    let key = tx.lock_api_key(id)?;
    key.filter(|key| key.user_id == user)
        .ok_or(ApiKeyError::NotFound)
}

fn page_of(
    tx: &mut dyn Transaction,
    user: UserId,
    after: Option<ApiKeyId>,
    limit: u32,
) -> Result<ApiKeyPage, StoreError> {
    let mut keys = tx.list_api_keys_of(user, after, limit + 1)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    let next = keys.last().map(|key| key.id).filter(|_| has_more);
    Ok(ApiKeyPage { keys, next })
}

fn read_scopes(names: Option<Vec<String>>, errors: &mut FieldErrors) -> Option<Scopes> {
    let names = names?;
    if names.is_empty() {
        errors.add("scopes", "This list may not be empty.");
    }
    let scopes: Result<Scopes, _> = names.iter().map(|name| name.parse::<Scope>()).collect();
    errors.take("scopes", scopes)
}

/// The outer none: it stays as it is.
#[expect(
    clippy::option_option,
    reason = "no word and the word never are two things"
)]
fn read_expiry(
    expiry: Expiry,
    now: DateTime<Utc>,
    errors: &mut FieldErrors,
) -> Option<Option<DateTime<Utc>>> {
    let text = match expiry {
        Expiry::Unsaid => return None,
        Expiry::Never => return Some(None),
        Expiry::At(text) => text,
    };
    let at = parse_instant(&text).map_err(|error| error.to_string());
    let at = at.and_then(|at| {
        (at > now)
            .then_some(at)
            .ok_or_else(|| "Must be in the future.".to_owned())
    });
    errors.take("expires_at", at).map(Some)
}

fn read_overlap(seconds: Option<i64>, errors: &mut FieldErrors) -> TimeDelta {
    let overlap = TimeDelta::try_seconds(seconds.unwrap_or(0))
        .filter(|overlap| (TimeDelta::zero()..=MAX_OVERLAP).contains(overlap))
        .ok_or("Must be a whole number from 0 to 86400.");
    errors.take("overlap_seconds", overlap).unwrap_or_default()
}

#[cfg(test)]
mod tests;
