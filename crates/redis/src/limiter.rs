//! The limits that all nodes share.

use crate::link::{Link, NoAnswer};
use async_trait::async_trait;
use doorward_services::Clock;
use doorward_services::ports::{InProcessRateLimiter, Rate, RateLimiter, Taken};
use redis::Script;
use std::sync::Arc;
use std::time::Duration;

/// What the names of the logs begin with, after the prefix.
pub(crate) const KIND: &str = "rate:";

/// One script decides, so attempts on different nodes do not slip through.
///
/// The time is the server's and not the caller's: nodes disagree about the time, and the log of a key is shared. The
/// limiter of this node has what this node has allowed. It refuses what would be refused anyway without asking, so a flood
/// on one node costs Redis nothing, and it takes over alone while Redis is away.
pub(crate) struct RedisRateLimiter {
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    own: InProcessRateLimiter,
    script: Script,
}

impl std::fmt::Debug for RedisRateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisRateLimiter").finish_non_exhaustive()
    }
}

impl RedisRateLimiter {
    pub(crate) fn new(link: Arc<Link>, clock: Arc<dyn Clock>, own: InProcessRateLimiter) -> Self {
        Self {
            link,
            clock,
            own,
            script: Script::new(include_str!("limiter.lua")),
        }
    }

    async fn ask(&self, key: &str, rate: &Rate) -> Result<Taken, NoAnswer> {
        let (window, grain) = (micros(rate.per), micros(rate.grain()));
        let name = format!("{}:{window}:{key}", rate.limit);
        let mut script = self.script.key(self.link.key(KIND, name.as_bytes()));
        script.arg(rate.limit.get()).arg(window).arg(grain);
        let (allowed, remaining, retry, reset): (bool, u32, u64, u64) =
            self.link.script(&script).await?;
        Ok(Taken {
            allowed,
            remaining,
            retry_after: Duration::from_micros(retry),
            resets_after: Duration::from_micros(reset),
        })
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn take(&self, key: &str, rate: &Rate) -> Taken {
        // Before Redis is asked: what is noted here must not count longer than it does there.
        let at = self.clock.uptime();
        let own = self.own.look(key, rate);
        if !own.allowed {
            return own;
        }
        match self.ask(key, rate).await {
            Ok(taken) => {
                if taken.allowed {
                    self.own.note(key, rate, at);
                }
                taken
            }
            Err(NoAnswer) => self.own.take_now(key, rate),
        }
    }

    fn glance(&self, key: &str, rate: &Rate) -> Taken {
        self.own.look(key, rate)
    }
}

/// Lua's numbers are exact up to 2⁵³: a window of 100 years is well within, even added to the present time.
fn micros(duration: Duration) -> u64 {
    const MOST: u64 = 100 * 366 * 24 * 3_600_000_000;
    u64::try_from(duration.as_micros()).map_or(MOST, |micros| micros.clamp(1, MOST))
}
