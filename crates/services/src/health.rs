//! Whether the service works.

use crate::services::Core;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::Duration;

/// The feed is read four times a second; a database that was not reached for this long does not answer.
const DATABASE_SILENCE: Duration = Duration::from_millis(900);

/// What a look at the service shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// When.
    pub at: DateTime<Utc>,
    /// The database answers.
    pub database: bool,
    /// What nodes share beside it answers; none where there is no such thing.
    pub shared: Option<bool>,
}

/// What a [`Health`] adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// Everything answers.
    Ok,
    /// Requests go on, slower.
    Degraded,
    /// Requests cannot be answered.
    Unavailable,
}

impl Health {
    /// What it adds up to.
    pub fn status(&self) -> HealthStatus {
        match (self.database, self.shared) {
            (false, _) => HealthStatus::Unavailable,
            (true, Some(false)) => HealthStatus::Degraded,
            (true, Some(true) | None) => HealthStatus::Ok,
        }
    }
}

/// Tells how the service fares, without asking the database: however often it is asked, it costs nothing.
#[derive(Debug)]
pub struct HealthService {
    core: Arc<Core>,
}

impl HealthService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How the service fares now.
    pub fn check(&self) -> Health {
        Health {
            at: self.core.clock.now(),
            database: self.core.feed.age() < DATABASE_SILENCE,
            shared: self
                .core
                .shared
                .as_ref()
                .map(|shared| shared.ports().health.is_up()),
        }
    }
}
