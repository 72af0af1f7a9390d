//! The headers that a task brings along.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;

const MAX_HEADERS: usize = 20;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 1024;

/// What the sender or the connection says, and nobody else; and what proxies are believed.
const TAKEN: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
];
const TAKEN_PREFIXES: [&str; 2] = ["webhook-", "x-forwarded-"];

/// The headers, if all of them may be sent; else what is wrong with one.
pub(super) fn read(headers: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    if headers.len() > MAX_HEADERS {
        return Err(format!("There may be {MAX_HEADERS} headers at the most."));
    }
    let mut read = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let (name, value) = (read_name(name)?, read_value(name, value)?);
        if read.insert(&name, value).is_some() {
            return Err(format!("{name} is there twice."));
        }
    }
    Ok(read)
}

fn read_name(text: &str) -> Result<HeaderName, String> {
    let name = HeaderName::try_from(text)
        .ok()
        .filter(|name| name.as_str().len() <= MAX_NAME)
        .ok_or_else(|| {
            format!("A name of a header is a word of up to {MAX_NAME} letters, digits and dashes.")
        })?;
    let is_taken = TAKEN.contains(&name.as_str())
        || TAKEN_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix));
    if is_taken {
        return Err(format!("{name} cannot be set."));
    }
    Ok(name)
}

/// Visible ASCII with spaces between: no line can end in it.
fn read_value(name: &str, text: &str) -> Result<HeaderValue, String> {
    let is_plain = text.len() <= MAX_VALUE
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.trim() == text;
    let value = is_plain.then(|| HeaderValue::try_from(text).ok()).flatten();
    value.ok_or_else(|| {
        let name: String = name.chars().take(MAX_NAME).collect();
        format!("The value of {name} must be up to {MAX_VALUE} visible ASCII characters.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        [(name.to_owned(), value.to_owned())].into()
    }

    #[test]
    fn headers_of_ones_own_are_taken_as_they_are() {
        let longest = "x".repeat(MAX_VALUE);
        for (name, value) in [
            ("X-Shop", "hats & more"),
            ("authorization", "Bearer abc"),
            ("Cookie", "a=b"),
            ("x-empty", ""),
            ("x-long", longest.as_str()),
        ] {
            let read = read(&one(name, value)).unwrap();
            assert_eq!(read[&name.to_ascii_lowercase()], value);
        }
    }

    #[test]
    fn what_the_sender_or_the_connection_says_cannot_be_set() {
        for name in TAKEN.into_iter().chain([
            "Host",
            "CONTENT-LENGTH",
            "Transfer-Encoding",
            "webhook-id",
            "Webhook-Signature",
            "webhook-anything",
            "X-Forwarded-For",
        ]) {
            let error = read(&one(name, "1")).unwrap_err();
            assert!(error.ends_with("cannot be set."), "{error}");
        }
    }

    #[test]
    fn nothing_that_ends_a_line_or_is_not_plain_gets_in() {
        let long = "x".repeat(MAX_VALUE + 1);
        for (name, value) in [
            ("x", "a\r\nhost: evil"),
            ("x", "a\nb"),
            ("x", "a\0"),
            ("x", "a\tb"),
            ("x", " a"),
            ("x", "a "),
            ("x", "ü"),
            ("x", long.as_str()),
            ("x y", "a"),
            ("x\r\ny", "a"),
            ("", "a"),
            ("x:", "a"),
            ("ü", "a"),
            (long.as_str(), "a"),
        ] {
            assert!(read(&one(name, value)).is_err(), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn there_are_a_few_of_them_and_each_once() {
        let mut many: BTreeMap<_, _> = (0..MAX_HEADERS)
            .map(|number| (format!("x-{number}"), "1".to_owned()))
            .collect();
        assert_eq!(read(&many).unwrap().len(), MAX_HEADERS);
        many.insert("x-y".to_owned(), "1".to_owned());
        assert!(read(&many).is_err());
        let twice = [("x-a", "1"), ("X-A", "2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(read(&twice.into()).unwrap_err(), "x-a is there twice.");
    }
}
