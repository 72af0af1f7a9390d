//! The log: lines on the standard error stream, for people or for programs.
//!
//! What a person who starts the program should read goes to the standard output instead, so that the two part.

use crate::config::{Log, LogFormat};
use std::io::{self, IsTerminal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt, registry};

/// Sets the log up for the whole process; to be called once.
///
/// # Errors
/// [`TryInitError`] when it was set up before.
pub fn init(log: &Log) -> Result<(), TryInitError> {
    let is_terminal = io::stderr().is_terminal();
    let format = log.format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text if is_terminal => lines.boxed(),
        LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    registry()
        .with(lines.with_filter(log.filter.clone()))
        .try_init()
}
