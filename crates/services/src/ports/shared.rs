//! The ports on something that nodes share.

use super::{Cache, ChangeBus, Denylist, LinkHealth, RateLimiter};
use std::sync::Arc;

/// The ports, on one server that the other nodes use too. Without any of it nothing is wrong, only slower.
#[derive(Debug, Clone)]
pub struct SharedPorts {
    /// Bytes for a while.
    pub cache: Arc<dyn Cache>,
    /// Changes, for the other nodes.
    pub change_bus: Arc<dyn ChangeBus>,
    /// Attempts, counted over all nodes; on each node by itself while the server is away.
    pub rate_limiter: Arc<dyn RateLimiter>,
    /// What has ended before its time.
    pub denylist: Arc<dyn Denylist>,
    /// Whether the server answers, known within a second and without asking.
    pub health: LinkHealth,
}
