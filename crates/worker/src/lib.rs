#![doc = include_str!("../README.md")]

pub mod kind;
pub mod noop;
pub mod webhook;

pub use kind::{CheckError, Kind, Run, RunError};
