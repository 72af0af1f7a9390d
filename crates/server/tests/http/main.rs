//! The server over a real socket, as its clients see it.
//!
//! Each test starts a server of its own on a free port, with a database of its own on the store that `TEST_STORE`
//! names, and with a clock that only the test moves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod administration;
mod api_keys;
mod audit;
mod conventions;
mod cors;
mod deadlines;
mod dialects;
mod documentation;
mod faults;
mod hostile_tokens;
mod hosts;
mod http2;
mod import;
mod keys;
mod login;
mod metrics;
mod operations;
mod pages;
mod panel;
mod permissions;
mod process;
mod profile;
mod proxies;
mod refresh;
mod registration;
mod revocation;
mod seed_000;
mod seed_001;
mod seed_002;
mod seed_003;
mod seed_004;
mod sessions;
mod settings;
mod shared;
mod simplejwt;
mod support;
mod tasks;
mod throttle;
mod tls;
mod users;
mod webhook_secret;
mod webhooks;
