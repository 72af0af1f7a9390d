//! When a task happens again.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// The longest cron expression, in bytes.
const MAX_CRON_BYTES: usize = 100;
/// The years in which something happens again: whoever looks for what never happens finds the end of them soon.
const YEARS: &str = "1970-2199";

/// A cron expression of five fields, so nothing happens more often than once a minute, and the zone whose clocks it goes
/// by.
///
/// Where clocks are set forward, what was to happen in the hour that is missing happens right after it; where they are set
/// back, a fixed time happens the first time only, and what happens every so many minutes goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    text: String,
    cron: Cron,
    timezone: Tz,
}

/// Why nothing repeats so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseRepeatError {
    /// It is no cron expression.
    #[error("Enter a cron expression of five fields, such as 30 6 * * MON-FRI.")]
    Cron,
    /// There is no such zone.
    #[error("Enter the name of a time zone, such as Europe/Berlin.")]
    TimeZone,
}

impl Repeat {
    /// Looks at the name of a zone alone.
    ///
    /// # Errors
    /// [`ParseRepeatError::TimeZone`] when the IANA database has no such zone.
    pub fn check_timezone(name: &str) -> Result<(), ParseRepeatError> {
        zone(name).map(drop)
    }

    /// Reads a cron expression and the name of a zone of the IANA database.
    ///
    /// # Errors
    /// [`ParseRepeatError`] says which of the two cannot be read: of both, the expression.
    pub fn parse(cron: &str, timezone: &str) -> Result<Self, ParseRepeatError> {
        let fields: Vec<&str> = cron.split_ascii_whitespace().collect();
        let text = fields.join(" ");
        if fields.len() != 5 || text.len() > MAX_CRON_BYTES || !text.is_ascii() {
            return Err(ParseRepeatError::Cron);
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Required)
            .year(Year::Required)
            .build();
        let cron = parser
            .parse(&format!("0 {text} {YEARS}"))
            .map_err(|_reason| ParseRepeatError::Cron)?;
        Ok(Self {
            text,
            cron,
            timezone: zone(timezone)?,
        })
    }

    /// The expression, with one space between its fields.
    pub fn cron(&self) -> &str {
        &self.text
    }

    /// The name of the zone.
    pub fn timezone(&self) -> &'static str {
        self.timezone.name()
    }

    /// The first moment after `after`. None when there is none before the year 2200.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = after.with_timezone(&self.timezone);
        let next = self.cron.find_next_occurrence(&local, false).ok()?.to_utc();
        (next > after).then_some(next)
    }
}

fn zone(name: &str) -> Result<Tz, ParseRepeatError> {
    name.parse().map_err(|_unknown| ParseRepeatError::TimeZone)
}
