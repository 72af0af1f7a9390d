//! The contracts of the ports on a real Redis, what nodes share, and what a Redis can do to them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails, in its helpers, too"
)]

mod contract;
mod faults;
mod log;
mod nodes;
mod place;
mod tls;

use doorward_redis::RedisConfig;
use doorward_services::SystemClock;
use doorward_services::ports::{AnnouncementSeal, SharedPorts};
use std::sync::Arc;
use std::time::Duration;

/// What a busy machine may need for what takes no time.
const SLACK: Duration = Duration::from_millis(500);

/// A node that begins to connect.
fn connect(config: &RedisConfig) -> SharedPorts {
    connect_with(config, "a key for tests, 32 bytes and more")
}

/// One that has this secret key.
fn connect_with(config: &RedisConfig, secret_key: &str) -> SharedPorts {
    let seal = AnnouncementSeal::derive(&secret_key.into(), &[]);
    doorward_redis::connect(config, Arc::new(SystemClock::start()), seal).unwrap()
}

/// A node that is connected.
async fn connected(config: &RedisConfig) -> SharedPorts {
    let ports = connect(config);
    up_within(&ports, Duration::from_secs(20)).await;
    ports
}

async fn up_within(ports: &SharedPorts, limit: Duration) {
    let up = tokio::time::timeout(limit, ports.health.up()).await;
    assert!(up.is_ok(), "{:?}", ports.health.state());
}

/// Waits until it is down; returns the reason.
async fn down_within(ports: &SharedPorts, limit: Duration) -> String {
    let down = tokio::time::timeout(limit, ports.health.down()).await;
    down.unwrap().unwrap().as_ref().to_owned()
}
