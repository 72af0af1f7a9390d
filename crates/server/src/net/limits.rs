//! How many connections there may be.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Where the system allows as many files.
const MAX_CONNECTIONS: usize = 25_000;
/// Files that are not connections: the database, its journal, Redis, the threads' own.
const OTHER_FILES: usize = 256;

/// Raises this process's limit of open files as far as it may, since each connection is one; the soft limit is often
/// 1,024, for programs that count files in ways of the past.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// How many connections there may be at once.
pub(crate) fn connections() -> usize {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    within(files)
}

/// Of few files the others get half.
fn within(files: usize) -> usize {
    let free = files.saturating_sub(OTHER_FILES).max(files / 2);
    free.clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_others_and_have_a_limit_of_their_own() {
        assert_eq!(within(1024), 768);
        assert_eq!(within(300), 150);
        assert_eq!(within(0), 1);
        assert_eq!(within(usize::MAX), MAX_CONNECTIONS);
    }
}
