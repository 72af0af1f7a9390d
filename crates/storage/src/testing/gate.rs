//! Holds up units of work until a test lets them go on.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Longer than any test waits; a test that forgot to open its gate fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gate that threads wait at. It starts closed, and opens for good.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// Lets everybody through.
    pub fn open(&self) {
        let (is_open, opened) = &*self.0;
        *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        opened.notify_all();
    }

    /// Blocks the thread until the gate is open.
    pub fn pass(&self) {
        let (is_open, opened) = &*self.0;
        let waited = opened.wait_timeout_while(
            is_open.lock().unwrap_or_else(PoisonError::into_inner),
            PATIENCE,
            |is_open| !*is_open,
        );
        let (_is_open, result) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!result.timed_out(), "nobody opened the gate");
    }

    /// As [`pass`](Self::pass), without blocking the tasks of the test.
    pub async fn passed(&self) {
        let gate = self.clone();
        tokio::task::spawn_blocking(move || gate.pass())
            .await
            .expect("somebody opens the gate");
    }
}
