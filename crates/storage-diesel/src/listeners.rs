//! Who hears of what was committed here.

use doorward_domain::Change;
use doorward_storage::CommitListener;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock};

/// The listeners of one store.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<RwLock<Vec<Arc<dyn CommitListener>>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: Arc<dyn CommitListener>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
    }

    /// Tells all of them. One that panics harms neither the others nor the thread.
    pub(crate) fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for listener in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            let heard = catch_unwind(AssertUnwindSafe(|| listener.committed(changes)));
            if heard.is_err() {
                tracing::error!("a listener panicked when it was told of committed changes");
            }
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.read().unwrap_or_else(PoisonError::into_inner).len();
        write!(f, "Listeners({count})")
    }
}
