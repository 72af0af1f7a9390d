//! For whom a key acts: the hot path asks no database.

use super::{KnownApiKey, digest_of};
use crate::error::Internal;
use crate::principals::Principal;
use crate::services::Core;
use doorward_domain::api_key::Validity;
use doorward_domain::{ApiKeyDigest, ApiKeyId, ApiKeySecret, Origin, Scopes};
use std::sync::Arc;

/// Who presents a good key.
#[derive(Debug)]
pub(crate) struct KeyHolder {
    pub(crate) principal: Arc<Principal>,
    pub(crate) id: ApiKeyId,
    pub(crate) scopes: Scopes,
    pub(crate) validity: Validity,
}

impl Core {
    /// Who presents this key, and none where it is not good, if memory is enough to tell.
    pub(crate) fn key_holder_from_memory(
        &self,
        key: &str,
    ) -> Option<Result<Option<KeyHolder>, Internal>> {
        let digest = match self.read_key(key) {
            Ok(Some(digest)) => digest,
            Ok(None) => return Some(Ok(None)),
            Err(error) => return Some(Err(error)),
        };
        let Some(known) = self.remembered_key(&digest)?.key() else {
            return Some(Ok(None));
        };
        let principal = self.remembered(known.key.user_id)?;
        Some(Ok(self.holder(&known, &digest, principal)))
    }

    /// Who presents this key; none where it is not good.
    pub(crate) async fn key_holder(
        &self,
        key: &str,
        origin: &Origin,
    ) -> Result<Option<KeyHolder>, Internal> {
        let Some(digest) = self.read_key(key)? else {
            return Ok(None);
        };
        let Some(known) = self.api_key(digest, origin).await? else {
            return Ok(None);
        };
        let Some(principal) = self.principal(known.key.user_id).await? else {
            // The key has gone with him: the next look-up remembers that it is nobody's.
            self.memory.api_keys.drop(known.key.id);
            return Ok(None);
        };
        Ok(self.holder(&known, &digest, principal))
    }

    /// What is looked for. A text that is no key ends here, and has cost next to nothing.
    fn read_key(&self, key: &str) -> Result<Option<ApiKeyDigest>, Internal> {
        self.feed.check_fresh()?;
        Ok(key.parse::<ApiKeySecret>().ok().as_ref().map(digest_of))
    }

    fn holder(
        &self,
        known: &KnownApiKey,
        digest: &ApiKeyDigest,
        principal: Arc<Principal>,
    ) -> Option<KeyHolder> {
        let now = self.clock.now();
        let validity = known.key.validity(digest, now);
        if validity == Validity::Over || !principal.is_active {
            return None;
        }
        if known.is_use_due(now) {
            self.key_uses.note(known.key.id, now);
        }
        Some(KeyHolder {
            principal,
            id: known.key.id,
            scopes: known.key.scopes,
            validity,
        })
    }
}
