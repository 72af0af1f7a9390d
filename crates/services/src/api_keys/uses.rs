//! When keys were last used: written behind the requests, many at once, and at most once a minute for each key.

use super::ApiKeyService;
use chrono::{DateTime, Utc};
use doorward_domain::ApiKeyId;
use doorward_domain::api_key::USE_INTERVAL;
use doorward_storage::StoreError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// For how long uses are gathered.
const GATHER_FOR: Duration = Duration::from_millis(500);
/// After a failure.
const RETRY_AFTER: Duration = Duration::from_mins(1);
/// How many one transaction writes at the most.
const BATCH: usize = 500;

/// Uses that are not yet written. What a process has not written when it ends is lost.
#[derive(Debug, Default)]
pub(crate) struct KeyUses {
    waiting: Mutex<HashMap<ApiKeyId, DateTime<Utc>>>,
    hint: Notify,
}

impl KeyUses {
    pub(crate) fn note(&self, id: ApiKeyId, at: DateTime<Utc>) {
        self.put([(id, at)]);
        self.hint.notify_one();
    }

    fn put(&self, uses: impl IntoIterator<Item = (ApiKeyId, DateTime<Utc>)>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in uses {
            let noted = waiting.entry(id).or_insert(at);
            *noted = at.max(*noted);
        }
    }

    /// Up to [`BATCH`] of them, in one order on all nodes, so that none waits for another in a circle.
    fn take(&self) -> Vec<(ApiKeyId, DateTime<Utc>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<_> = waiting.keys().copied().collect();
        ids.sort_unstable();
        ids.truncate(BATCH);
        ids.into_iter()
            .filter_map(|id| waiting.remove_entry(&id))
            .collect()
    }
}

impl ApiKeyService {
    /// Writes down which keys were used since the last call. How many rows were written.
    ///
    /// # Errors
    /// The store's; what was not written is kept for the next call.
    pub async fn record_uses(&self) -> Result<usize, StoreError> {
        let mut written = 0;
        loop {
            let uses = self.core.key_uses.take();
            if uses.is_empty() {
                return Ok(written);
            }
            let batch = uses.clone();
            let noted = self.core.store.write(move |tx| {
                let mut noted = 0;
                for (id, at) in batch {
                    noted += usize::from(tx.note_api_key_use(id, at, USE_INTERVAL)?);
                }
                Ok::<_, StoreError>(noted)
            });
            match noted.await {
                Ok(noted) => written += noted,
                Err(error) => {
                    self.core.key_uses.put(uses);
                    return Err(error);
                }
            }
        }
    }

    /// Writes down again and again which keys are used, for ever.
    pub async fn run(&self) {
        loop {
            self.core.key_uses.hint.notified().await;
            tokio::time::sleep(GATHER_FOR).await;
            if let Err(error) = self.record_uses().await {
                tracing::warn!(%error, "the use of API keys is written down in a minute");
                tokio::time::sleep(RETRY_AFTER).await;
                self.core.key_uses.hint.notify_one();
            }
        }
    }
}
