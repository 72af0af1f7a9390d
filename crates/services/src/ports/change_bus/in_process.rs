//! The bus of nodes that live in one process.

use super::{ChangeBus, ChangeListener, Listeners, News};
use doorward_domain::Change;
use std::sync::{Arc, PoisonError, RwLock, Weak};

type Members = RwLock<Vec<Weak<Listeners>>>;

/// One node's handle. [`join`](Self::join) gives another node's.
#[derive(Debug)]
pub struct InProcessBus {
    own: Arc<Listeners>,
    members: Arc<Members>,
}

impl Default for InProcessBus {
    fn default() -> Self {
        Self::on(Arc::default())
    }
}

impl InProcessBus {
    /// The handle of another node on the same bus.
    #[must_use]
    pub fn join(&self) -> Self {
        Self::on(Arc::clone(&self.members))
    }

    fn on(members: Arc<Members>) -> Self {
        let own = Arc::new(Listeners::default());
        let mut all = members.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|member| member.strong_count() > 0);
        all.push(Arc::downgrade(&own));
        drop(all);
        Self { own, members }
    }
}

impl ChangeBus for InProcessBus {
    fn announce(&self, changes: &[Change]) {
        let members = self
            .members
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let news = if changes.is_empty() {
            News::LookNow
        } else {
            News::Changes(changes.to_vec())
        };
        for member in members.iter().filter_map(Weak::upgrade) {
            if !Arc::ptr_eq(&member, &self.own) {
                member.tell(&news);
            }
        }
    }

    fn subscribe(&self, listener: Arc<dyn ChangeListener>) {
        self.own.add(listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{Ready, ready};

    fn open() -> Ready<((), [Arc<dyn ChangeBus>; 2])> {
        let bus = InProcessBus::default();
        let other = bus.join();
        ready(((), [Arc::new(bus), Arc::new(other)]))
    }

    crate::change_bus_contract!(open);
}
