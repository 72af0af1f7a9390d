//! Everything that the servers of a run log, for `scripts/canary.sh`, which looks for secrets in it.

use std::fs::File;
use std::sync::{Mutex, Once};
use tracing::level_filters::LevelFilter;

static ONCE: Once = Once::new();

/// Into the file that `TEST_TRACE` names, if it names one.
pub(crate) fn write_where_it_is_wanted() {
    ONCE.call_once(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "tests have no configuration: this is where they learn of the file"
        )]
        let Ok(path) = std::env::var("TEST_TRACE") else {
            return;
        };
        let file = File::create(path).expect("a file for the log");
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(Mutex::new(file))
            .init();
    });
}
