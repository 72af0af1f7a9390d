//! Scheduled tasks: what users and admins do with them.

mod alarm;
mod kinds;

pub use alarm::TaskAlarm;
pub use kinds::{KindError, NoopOnly, TaskKinds};
