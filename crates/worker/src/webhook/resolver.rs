//! From names to addresses.

use super::target::Refused;
use async_trait::async_trait;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long one look-up may take, with the wait for its turn.
const LIMIT: Duration = Duration::from_secs(3);
/// How many look-ups there are at once. Each holds a thread until the system gives up, which it does late.
const AT_ONCE: usize = 32;

/// Finds the addresses of a host.
#[async_trait]
pub(super) trait Resolver: Send + Sync {
    /// All of them.
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Refused>;
}

/// The system's resolver: what the operator has configured for all programs, `/etc/hosts` too, holds for this one.
pub(super) struct SystemResolver {
    turns: Arc<Semaphore>,
}

impl SystemResolver {
    pub(super) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, Refused> {
        let (turns, name) = (Arc::clone(&self.turns), name.to_owned());
        let (turn, my_turn) = tokio::sync::oneshot::channel();
        // A task of its own: the turn is over when the thread is free again, not when nobody waits for it any more.
        let task = tokio::spawn(async move {
            let _held = turns.acquire_owned().await.ok()?;
            turn.send(()).ok()?; // nobody waits any more
            let found = lookup_host((name, 0)).await.ok()?;
            Some(found.map(|found| found.ip()).collect::<Vec<_>>())
        });
        let found = timeout(LIMIT, async {
            my_turn.await.ok()?;
            task.await.ok().flatten()
        });
        found.await.ok().flatten().ok_or(Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_of_this_machine_is_found_and_what_is_no_name_is_not() {
        let resolver = SystemResolver::new();
        let found = resolver.resolve("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback));
        assert_eq!(resolver.resolve(&"a".repeat(300)).await, Err(Refused));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gets_no_turn_in_time_is_not_found() {
        let resolver = SystemResolver::new();
        let turns = Arc::clone(&resolver.turns);
        let all = turns.acquire_many(u32::try_from(AT_ONCE).unwrap()).await;
        assert_eq!(resolver.resolve("example.com").await, Err(Refused));
        drop(all);
    }
}
