//! What the tests of this binary log.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct ToLines;

impl Write for ToLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Lines;

impl MakeWriter<'_> for Lines {
    type Writer = ToLines;

    fn make_writer(&self) -> ToLines {
        ToLines
    }
}

/// Keeps what is logged from now on, at every level.
pub(crate) fn keep() {
    static KEPT: OnceLock<()> = OnceLock::new();
    KEPT.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(Lines)
            .init();
    });
}

/// The lines that name this server.
pub(crate) fn of(server: &str) -> Vec<String> {
    all()
        .lines()
        .filter(|line| line.contains(&format!("redis={server}")))
        .map(ToOwned::to_owned)
        .collect()
}

pub(crate) fn all() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&lines).into_owned()
}
