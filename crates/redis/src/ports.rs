//! All ports of one Redis.

use crate::bus::RedisBus;
use crate::cache::RedisCache;
use crate::config::{RedisConfig, RedisConfigError};
use crate::denylist::RedisDenylist;
use crate::limiter::RedisRateLimiter;
use crate::link::Link;
use doorward_services::Clock;
use doorward_services::ports::{
    AnnouncementSeal, InProcessDenylist, InProcessRateLimiter, SharedPorts,
};
use std::sync::Arc;

/// About 15 MB each at the most.
const MOST_OWN: u32 = 100_000;

/// All ports of one Redis. It begins to connect, and does not wait for it: as long as the Redis is down the ports say so.
/// The connections close when the last port is dropped. `seal` marks the announcements of this node, and tells those of
/// others.
///
/// # Errors
/// [`RedisConfigError`] when the configuration cannot be meant; never because of the Redis.
pub fn connect(
    config: &RedisConfig,
    clock: Arc<dyn Clock>,
    seal: AnnouncementSeal,
) -> Result<SharedPorts, RedisConfigError> {
    let target = config.target()?;
    let link = Link::open(target, config.deadline, config.prefix.clone())?;
    let link = Arc::new(link);
    let health = link.health().clone();
    let own_limits = InProcessRateLimiter::new(
        Arc::clone(&clock),
        usize::try_from(MOST_OWN).unwrap_or(usize::MAX),
    );
    let change_bus =
        RedisBus::open(Arc::clone(&link), seal).map_err(|_source| RedisConfigError::NoRedisUrl)?;
    Ok(SharedPorts {
        cache: Arc::new(RedisCache {
            link: Arc::clone(&link),
        }),
        change_bus: Arc::new(change_bus),
        denylist: Arc::new(RedisDenylist {
            link: Arc::clone(&link),
            own: InProcessDenylist::new(Arc::clone(&clock), MOST_OWN.into()),
        }),
        rate_limiter: Arc::new(RedisRateLimiter::new(link, clock, own_limits)),
        health,
    })
}
