//! The key pairs that sign tokens.

use crate::error::StoreError;
use chrono::{DateTime, Utc};
use doorward_domain::{KeyState, SigningKey};

/// Signing keys. Whatever adds or changes one records `SigningKeysChanged` in the same transaction.
pub trait SigningKeyRepository {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its algorithm has a key in this state, prepared or active, already.
    fn insert_signing_key(&mut self, key: &SigningKey, at: DateTime<Utc>)
    -> Result<(), StoreError>;

    /// All keys, retired ones too, the oldest first.
    fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;

    /// Compare and set: writes the private part, the state and the times if the stored state is still `from`. `false`
    /// when it is not; then nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] as above.
    fn update_signing_key(
        &mut self,
        key: &SigningKey,
        from: KeyState,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` keys that were retired before `before`, which nobody has to learn of. How many it were.
    fn sweep_signing_keys(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<usize, StoreError>;
}
