//! The list of one node.

use super::{Denied, Denylist};
use crate::clock::Clock;
use crate::ports::expiring::ExpiringMap;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// Keeps the list in the memory of this process, up to a number; then those go that were not asked for longest.
#[derive(Debug)]
pub struct InProcessDenylist {
    denied: ExpiringMap<Denied, ()>,
}

impl InProcessDenylist {
    /// A list of `most` entries at most, of about 150 bytes each.
    pub fn new(clock: Arc<dyn Clock>, most: u64) -> Self {
        Self {
            denied: ExpiringMap::new(clock, most, |_, ()| 1),
        }
    }

    /// As [`deny`](Denylist::deny), without waiting for anything.
    pub fn add(&self, denied: &[(Denied, Duration)]) {
        for (denied, ttl) in denied {
            self.denied.put(*denied, (), *ttl);
        }
    }

    /// Whether it was denied and its time lasts.
    pub fn contains(&self, denied: &Denied) -> bool {
        self.denied.get(denied).is_some()
    }
}

#[async_trait]
impl Denylist for InProcessDenylist {
    async fn deny(&self, denied: &[(Denied, Duration)]) {
        self.add(denied);
    }

    async fn is_denied(&self, denied: &Denied) -> Option<bool> {
        Some(self.contains(denied))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FakeClock, SystemClock};
    use chrono::DateTime;
    use std::future::{Ready, ready};

    fn open() -> Ready<((), Arc<dyn Denylist>)> {
        let clock = Arc::new(SystemClock::start());
        ready(((), Arc::new(InProcessDenylist::new(clock, 10_000))))
    }

    crate::denylist_contract!(open);

    #[test]
    fn an_entry_dies_by_the_clock() {
        let clock = Arc::new(FakeClock::at(DateTime::UNIX_EPOCH));
        let list = InProcessDenylist::new(Arc::<FakeClock>::clone(&clock), 10);
        let denied = Denied::Session([1; 32]);
        list.add(&[(denied, Duration::from_mins(1))]);
        assert!(list.contains(&denied));
        clock.age(Duration::from_mins(1));
        assert!(!list.contains(&denied));
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stay() {
        let list = InProcessDenylist::new(Arc::new(SystemClock::start()), 10);
        for i in 0..100 {
            list.add(&[(Denied::RefreshToken([i; 32]), Duration::from_mins(1))]);
            list.denied.len();
        }
        assert!(list.denied.len() <= 10);
        assert!(list.contains(&Denied::RefreshToken([99; 32])));
    }
}
