//! Whether something outside is within reach, told without asking it.

use std::sync::Arc;
use tokio::sync::watch;

/// How the way to something outside is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// The first attempt to reach it is under way.
    Connecting,
    /// It answers.
    Up,
    /// It does not; why, for the operator, without secrets.
    Down(Arc<str>),
}

/// Shared by whoever keeps the link, who sets it, and by those who look at it.
#[derive(Debug, Clone)]
pub struct LinkHealth(watch::Sender<LinkState>);

impl Default for LinkHealth {
    fn default() -> Self {
        Self(watch::Sender::new(LinkState::Connecting))
    }
}

impl LinkHealth {
    /// It answered lately.
    pub fn is_up(&self) -> bool {
        *self.0.borrow() == LinkState::Up
    }

    /// How it is.
    pub fn state(&self) -> LinkState {
        self.0.borrow().clone()
    }

    /// Tells of later changes, too.
    pub fn watch(&self) -> watch::Receiver<LinkState> {
        self.0.subscribe()
    }

    /// Waits until it is up.
    pub async fn up(&self) {
        // This holds a sender, so the channel is open.
        let _ = self.watch().wait_for(|state| *state == LinkState::Up).await;
    }

    /// Waits until it is down, and tells why.
    pub async fn down(&self) -> Option<Arc<str>> {
        let mut watch = self.watch();
        let down = watch.wait_for(|state| matches!(state, LinkState::Down(_)));
        match down.await.as_deref() {
            Ok(LinkState::Down(reason)) => Some(Arc::clone(reason)),
            Ok(LinkState::Connecting | LinkState::Up) | Err(_) => None,
        }
    }

    /// Says how it is now.
    pub fn set(&self, state: LinkState) {
        self.0.send_replace(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_hears_of_both_changes() {
        let health = LinkHealth::default();
        assert!(!health.is_up());
        let waiting = tokio::spawn({
            let health = health.clone();
            async move { health.up().await }
        });
        health.set(LinkState::Up);
        waiting.await.unwrap();
        assert!(health.is_up());
        let waiting = tokio::spawn({
            let health = health.clone();
            async move { health.down().await }
        });
        health.set(LinkState::Down("cut".into()));
        assert_eq!(waiting.await.unwrap().as_deref(), Some("cut"));
    }
}
