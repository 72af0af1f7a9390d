//! What the services need beside storage, and what each of these has to keep.
//!
//! A port has two implementations: one in this process, which is here, and one that nodes share (`doorward-redis`). Both
//! pass the contract suite of the port (the module `testing`).
//!
//! None of them can fail: what is beyond reach is "not there" or "not known", in time, and [`LinkHealth`] tells it to
//! whom it concerns. The database is the authority; nothing here is the only holder of anything.

pub mod cache;
pub mod change_bus;
pub mod denylist;
mod expiring;
pub mod link_health;
pub mod rate_limiter;
mod shared;

pub use cache::{Cache, InProcessCache};
pub use change_bus::{AnnouncementSeal, ChangeBus, ChangeListener, InProcessBus, News};
pub use denylist::{Denied, Denylist, InProcessDenylist};
pub use link_health::{LinkHealth, LinkState};
pub use rate_limiter::{InProcessRateLimiter, Rate, RateLimiter, Taken};
pub use shared::SharedPorts;
