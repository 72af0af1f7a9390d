//! API keys.

use crate::error::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{ApiKey, ApiKeyDigest, ApiKeyId, UserId};

/// API keys. Whatever changes or deletes one records `ApiKeyChanged` in the same transaction; those that go with their
/// user are spoken for by `UserChanged`.
pub trait ApiKeyRepository {
    /// Adds a key. Nobody has to learn of it: its secret is new, too.
    fn insert_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// The key, expired or not.
    fn api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// The same, and until the end of the transaction nobody else changes it.
    fn lock_api_key(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// The key one of whose two digests it is, whether or not that secret is good.
    fn api_key_by_digest(&mut self, digest: ApiKeyDigest) -> Result<Option<ApiKey>, StoreError>;

    /// How many keys the user has.
    fn count_api_keys_of(&mut self, user_id: UserId) -> Result<usize, StoreError>;

    /// Up to `limit` of the user's keys, in the order of their ids and only those `after` one.
    fn list_api_keys_of(
        &mut self,
        user_id: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, StoreError>;

    /// Writes the name, the secrets, the scopes and the expiry. `false` when there is no such key.
    fn update_api_key(&mut self, key: &ApiKey, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// `false` when there is no such key.
    fn delete_api_key(&mut self, id: ApiKeyId, at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Notes that the key was used, unless a use is noted that is less than `interval` before. Nothing is recorded: what
    /// anybody remembers of the key stays right.
    fn note_api_key_use(
        &mut self,
        id: ApiKeyId,
        at: DateTime<Utc>,
        interval: TimeDelta,
    ) -> Result<bool, StoreError>;
}
