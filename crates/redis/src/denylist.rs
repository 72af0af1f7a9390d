//! The denylist that all nodes share.

use crate::cache::milliseconds;
use crate::link::Link;
use async_trait::async_trait;
use doorward_services::ports::{Denied, Denylist, InProcessDenylist};
use redis::{Pipeline, cmd};
use std::sync::Arc;
use std::time::Duration;

/// How many go in one pipeline.
const BATCH: usize = 500;

#[derive(Debug)]
pub(crate) struct RedisDenylist {
    pub(crate) link: Arc<Link>,
    /// What this node has denied itself: known whatever happens to the Redis, and without asking it.
    pub(crate) own: InProcessDenylist,
}

impl RedisDenylist {
    fn key(&self, denied: &Denied) -> Vec<u8> {
        match denied {
            Denied::Session(digest) => self.link.key("deny:s:", digest),
            Denied::RefreshToken(digest) => self.link.key("deny:r:", digest),
        }
    }
}

#[async_trait]
impl Denylist for RedisDenylist {
    async fn deny(&self, denied: &[(Denied, Duration)]) {
        self.own.add(denied);
        for batch in denied.chunks(BATCH) {
            let mut pipeline = Pipeline::with_capacity(batch.len());
            for (denied, ttl) in batch.iter().filter(|(_, ttl)| !ttl.is_zero()) {
                pipeline
                    .cmd("SET")
                    .arg(self.key(denied))
                    .arg(1)
                    .arg("PX")
                    .arg(milliseconds(*ttl))
                    .ignore();
            }
            if pipeline.is_empty() {
                continue;
            }
            if self.link.pipeline::<()>(&pipeline).await.is_err() {
                // The other nodes learn it from the feed.
                return;
            }
        }
    }

    async fn is_denied(&self, denied: &Denied) -> Option<bool> {
        if self.own.contains(denied) {
            return Some(true);
        }
        let mut exists = cmd("EXISTS");
        exists.arg(self.key(denied));
        self.link.command(&exists).await.ok()
    }
}
