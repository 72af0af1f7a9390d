#![doc = include_str!("../README.md")]

pub mod application;
pub mod cli;
pub mod commands;
pub mod config;
mod figures;
pub mod net;
pub mod telemetry;
pub mod traces;
pub mod worker;
