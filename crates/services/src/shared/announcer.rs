//! Tells the other nodes what this one has committed.

use super::Shared;
use crate::ports::ChangeBus;
use crate::tokens::LEEWAY;
use chrono::{DateTime, Utc};
use doorward_domain::{Change, SessionId};
use doorward_storage::CommitListener;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Ended sessions that wait to be told. When there are more, the others learn of them from the feed.
const MOST_WAITING: usize = 4096;

type Ended = (SessionId, DateTime<Utc>);

/// Hears every commit of this node, on a thread of the store: it only fills queues.
#[derive(Debug)]
pub(crate) struct Announcer {
    bus: Arc<dyn ChangeBus>,
    ended: mpsc::Sender<Ended>,
}

impl Announcer {
    /// Begins a task that ends with the last announcer.
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        let (ended, waiting) = mpsc::channel(MOST_WAITING);
        tokio::spawn(deny(Arc::clone(shared), waiting));
        Self {
            bus: Arc::clone(&shared.ports.change_bus),
            ended,
        }
    }
}

impl CommitListener for Announcer {
    fn committed(&self, changes: &[Change]) {
        self.bus.announce(changes);
        for change in changes {
            if let Change::SessionEnded { session, until } = *change {
                let _ = self.ended.try_send((session, until));
            }
        }
    }
}

async fn deny(shared: Arc<Shared>, mut waiting: mpsc::Receiver<Ended>) {
    let mut ended = Vec::new();
    while waiting.recv_many(&mut ended, MOST_WAITING).await > 0 {
        let now = shared.clock.now();
        let denied: Vec<_> = ended
            .drain(..)
            .map(|(session, until)| {
                let left = (until + LEEWAY - now).to_std().unwrap_or_default();
                (shared.denied(session), left)
            })
            .collect();
        shared.ports.denylist.deny(&denied).await;
    }
}
