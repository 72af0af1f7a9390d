//! What is logged, and how.

use super::reader::Reader;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The log.
#[derive(Debug, Clone)]
pub struct Log {
    /// `LOG_FORMAT`; unset: text on a terminal, else JSON.
    pub format: Option<LogFormat>,
    /// `RUST_LOG`: which levels of which modules.
    pub filter: Targets,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            format: reader.parsed("LOG_FORMAT", "text or json", |text| {
                match text.to_ascii_lowercase().as_str() {
                    "text" => Some(LogFormat::Text),
                    "json" => Some(LogFormat::Json),
                    _ => None,
                }
            }),
            filter: reader
                .parsed(
                    "RUST_LOG",
                    "a level (error, warn, info, debug, trace, off) or a list such as info,doorward=debug",
                    parse_filter,
                )
                .unwrap_or_else(|| {
                    // The HTTP server's own lines say nothing that ours do not.
                    let ours = Targets::new().with_default(LevelFilter::INFO);
                    ours.with_target("actix_server", LevelFilter::WARN)
                }),
        }
    }
}

/// Each part of the list by itself, since a word that is neither level nor module would silence everything.
fn parse_filter(text: &str) -> Option<Targets> {
    let parts = text.split(',').map(str::trim);
    let are_sound = parts.clone().all(|part| match part.split_once('=') {
        Some((target, level)) => is_target(target) && is_level(level),
        None => is_level(part) || (is_target(part) && !is_misspelt(part)),
    });
    let joined = parts.collect::<Vec<_>>().join(",");
    are_sound.then(|| joined.parse().ok()).flatten()
}

/// The parser takes nothing for `error`.
fn is_level(text: &str) -> bool {
    !text.is_empty() && text.parse::<LevelFilter>().is_ok()
}

fn is_target(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-'))
}

/// Alone, a word stands for a module; one that is nearly a level was meant to be it.
fn is_misspelt(word: &str) -> bool {
    ["error", "warn", "warning", "info", "debug", "trace", "off"]
        .iter()
        .any(|level| strsim::osa_distance(&word.to_ascii_lowercase(), level) <= 1)
        || word.chars().all(|c| c.is_ascii_digit())
}
