//! Tells the other nodes of a change sooner than their next look at the feed.

mod in_process;
mod seal;

use doorward_domain::Change;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

pub use in_process::InProcessBus;
pub use seal::{AnnouncementSeal, MARK_BYTES};

/// What a node hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// These were committed by another node. They may be applied at once.
    Changes(Vec<Change>),
    /// There may be something in the feed: something was missed, or came in words that this release does not know.
    LookNow,
}

/// Hears what other nodes announce.
pub trait ChangeListener: Send + Sync + fmt::Debug {
    /// Called on a thread that others need: it must neither wait nor take long.
    fn heard(&self, news: &News);
}

/// Carries announcements between nodes: soon, mostly, and without any promise.
///
/// The feed is the authority and is read anyhow, so a lost announcement is harmless, as is one that comes twice or late.
/// A node does not hear what it announces itself.
///
/// It is not async: it is called on the store's thread, right after a commit, and only puts the changes into a queue.
pub trait ChangeBus: Send + Sync + fmt::Debug {
    /// Tells the other nodes what was committed. Never waits. Without changes it says only that there is something to
    /// look at.
    fn announce(&self, changes: &[Change]);

    /// Calls the listener at each announcement of another node from now on, and with [`News::LookNow`] whenever
    /// announcements may have been missed.
    fn subscribe(&self, listener: Arc<dyn ChangeListener>);

    /// How many announcements were ignored, since none of us had made them.
    fn refused(&self) -> u64 {
        0
    }
}

/// The listeners of one node, for implementations of the bus.
#[derive(Debug, Default)]
pub struct Listeners(RwLock<Vec<Arc<dyn ChangeListener>>>);

impl Listeners {
    /// Adds one, for good.
    pub fn add(&self, listener: Arc<dyn ChangeListener>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
    }

    /// Tells all. One that panics harms neither the others nor the caller.
    pub fn tell(&self, news: &News) {
        let listeners = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener.heard(news))).is_err() {
                tracing::error!("a listener of the change bus panicked");
            }
        }
    }
}
