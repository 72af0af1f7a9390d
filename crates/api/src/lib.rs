#![doc = include_str!("../README.md")]

mod dialect;
pub mod edge;
mod extract;
mod openapi;
mod pages;
pub mod problem;
mod routes;

pub use edge::Edge;
pub use problem::{Code, Problem};
pub use routes::{ApiConfig, configure, openapi, routes, settings_json};
