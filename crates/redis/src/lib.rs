#![doc = include_str!("../README.md")]

mod bus;
mod cache;
pub mod config;
mod denylist;
mod limiter;
mod link;
mod message;
mod ports;
#[cfg(feature = "testing")]
pub mod testing;

pub use config::{RedisConfig, RedisConfigError};
pub use ports::connect;
