//! What nodes share beside the database, where there is something: a second level of the caches, the announcements of
//! changes, and the list of ended sessions.
//!
//! Whoever can write to that server must not be able to become somebody by it, and whoever can read it should learn
//! nothing: every entry is sealed under a key of ours, and names are digests.
//!
//! # Why an entry is never stale
//!
//! Nothing is ever taken out of the shared cache; a removal could fail, or come before a late write. Instead an entry
//! says when its load began, and is believed for [`LIFETIME`] from then. A load that missed a change began before that
//! change. So a node that has learnt of a change does not look for what it concerns until even such an entry is too old
//! ([`Unsettled`]). Before that it has learnt nothing, as with its own memory. The argument needs no order between the
//! database and the shared server, survives its restart from an old copy, and asks only that the clocks of two nodes
//! differ by no more than the leeway that tokens have.

mod announcer;
mod principal;
mod seal;
mod unsettled;
mod user_list;

pub(crate) use announcer::Announcer;
pub(crate) use unsettled::Unsettled;

use crate::clock::Clock;
use crate::ports::{Denied, SharedPorts};
use crate::tokens::LEEWAY;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::SessionId;
use doorward_metrics::{CacheFigures, HitsAndMisses};
use seal::Seal;
use secrecy::SecretString;
use std::sync::Arc;

/// For how long an entry is believed at the most, from the moment at which its load began.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// What this node shares with others.
#[derive(Debug)]
pub(crate) struct Shared {
    ports: SharedPorts,
    seal: Seal,
    clock: Arc<dyn Clock>,
    unsettled: Arc<Unsettled>,
    counts: HitsAndMisses,
}

/// Something out of the shared cache.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    /// How long ago its load began.
    pub(crate) age: TimeDelta,
}

impl Shared {
    pub(crate) fn new(
        ports: SharedPorts,
        secret_key: &SecretString,
        clock: Arc<dyn Clock>,
        unsettled: Arc<Unsettled>,
    ) -> Self {
        Self {
            ports,
            seal: Seal::derive(secret_key),
            clock,
            unsettled,
            counts: HitsAndMisses::default(),
        }
    }

    pub(crate) fn ports(&self) -> &SharedPorts {
        &self.ports
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Whether some node has told the others that this session has ended. `false` is no proof.
    pub(crate) async fn has_ended(&self, session: SessionId) -> bool {
        let denied = self.denied(session);
        self.ports.denylist.is_denied(&denied).await == Some(true)
    }

    fn denied(&self, session: SessionId) -> Denied {
        Denied::Session(self.seal.digest("session", session.as_uuid().as_bytes()))
    }

    /// What was found, and what was not.
    pub(crate) fn figures(&self) -> CacheFigures {
        self.counts.figures()
    }

    async fn get(&self, name: &str, lifetime: TimeDelta) -> Option<Found<Bytes>> {
        let found = self.look_for(name, lifetime).await;
        if found.is_some() {
            self.counts.hit();
        } else {
            self.counts.miss();
        }
        found
    }

    async fn look_for(&self, name: &str, lifetime: TimeDelta) -> Option<Found<Bytes>> {
        let sealed = self.ports.cache.get(name).await?;
        let (loaded_at, value) = self.seal.open(name, &sealed)?;
        let age = self.clock.now() - loaded_at;
        if age < -LEEWAY {
            return None;
        }
        // The loader's clock may be ahead; a lifetime of zero believes nothing all the same.
        let age = age.max(TimeDelta::zero());
        (age < lifetime.min(LIFETIME)).then_some(Found { value, age })
    }

    async fn put(&self, name: &str, loaded_at: DateTime<Utc>, value: &[u8], lifetime: TimeDelta) {
        let left = loaded_at + lifetime.min(LIFETIME) - self.clock.now();
        let (Ok(ttl), Some(sealed)) = (left.to_std(), self.seal.close(name, loaded_at, value))
        else {
            return;
        };
        self.ports.cache.put(name, sealed, ttl).await;
    }
}

#[cfg(test)]
mod tests;
