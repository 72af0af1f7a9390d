#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod cost;
mod hash;
mod job;
mod lanes;
mod pi;

pub use batch::{LANES, hash_batch};
pub use cost::{Cost, CostOutOfRange};
pub use hash::{Hash, InvalidHash, Version};
pub use job::{Job, MAX_PASSWORD, PasswordTooLong, Salt};
