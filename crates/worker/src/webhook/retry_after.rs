//! When a receiver wants to be asked again (RFC 9110, 10.2.3).

use chrono::{DateTime, Utc};
use hyper::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// From `now` on; none where the receiver does not say, or nothing that can be understood. What has passed is at once.
pub(super) fn read(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    Some((at - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<Duration> {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let headers = [(RETRY_AFTER, text.parse().unwrap())].into_iter().collect();
        read(&headers, now)
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        for (text, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 7 ", 7),
            ("99999999999999999999999", u64::MAX),
            ("Fri, 20 Nov 2026 12:02:00 GMT", 120),
            ("Friday, 20-Nov-26 12:02:00 GMT", 120),
            ("Fri Nov 20 12:02:00 2026", 120),
            ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ] {
            assert_eq!(told(text), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_as_if_nothing_was_said() {
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "+5",
            "1 2",
            "Fri, 99 Nov 2026 12:00:00 GMT",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(read(&HeaderMap::new(), DateTime::UNIX_EPOCH), None);
    }
}
