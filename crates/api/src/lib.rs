#![doc = include_str!("../README.md")]

mod dialect;
pub mod edge;
mod extract;
mod openapi;
mod pages;
pub mod problem;
mod routes;

pub use edge::{Edge, RequestSpan, Spans};
pub use extract::origin;
pub use problem::{Code, Problem};
pub use routes::{ApiConfig, Metrics, Source, configure, openapi, routes, settings_json};
