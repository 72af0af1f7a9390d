#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod error;
pub mod feed;
pub mod fields;
pub mod figures;
mod foreign_tokens;
pub mod hashing;
pub mod health;
pub mod import;
mod jws;
mod key_pair;
mod keys;
pub mod overview;
mod pairs;
pub mod panel;
mod passwords;
pub mod ports;
mod principals;
mod refresh_secret;
mod remembered;
pub mod restored;
mod revocations;
mod sealing;
pub mod services;
pub mod settings;
mod shared;
pub mod signing_keys;
pub mod sweeper;
pub mod tasks;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod throttle;
pub mod tokens;
pub mod user_list;
pub mod users;
pub mod webhook_secrets;

pub use clock::{Clock, SystemClock};
pub use error::Internal;
pub use fields::FieldErrors;
pub use principals::Principal;
pub use services::{Services, ServicesConfig};
