//! The pages in a real browser: Chromium, driven through chromedriver.
//!
//! Not run by a plain `cargo test`, since it needs both of them: `run_tests.sh` names this test where they are installed.
//! Each test starts the program itself, on a free port with an empty database, and a chromedriver of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails, in its helpers too"
)]

mod accessibility;
mod api;
mod chrome;
mod day;
mod inert;
mod looks;
mod server;
