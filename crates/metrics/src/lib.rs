#![doc = include_str!("../README.md")]

mod counter;
mod histogram;
mod page;
mod requests;

pub use counter::{CacheFigures, Counter, HitsAndMisses, ShardedCounter};
pub use histogram::{Distribution, Histogram};
pub use page::{Family, Kind, Page};
pub use requests::{Requests, Route, UNMATCHED};
