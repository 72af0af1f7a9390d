#![doc = include_str!("../README.md")]

mod attempt;
mod desk;
mod held;
pub mod kind;
mod kinds;
pub mod noop;
mod outage;
pub mod stats;
pub mod webhook;
pub mod worker;

pub use kind::{CheckError, Kind, Run, RunError};
pub use kinds::Kinds;
pub use stats::WorkerStats;
pub use worker::{Worker, WorkerConfig};
