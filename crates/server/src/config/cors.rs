//! Whose pages may call.

use super::http::is_host;
use super::reader::{Reader, quoted};

const NAME: &str = "CORS_ALLOWED_ORIGINS";

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<String> {
    let Some(list) = reader.text(NAME) else {
        return Vec::new();
    };
    let mut origins = Vec::new();
    for entry in list.split(',').map(str::trim) {
        if entry.contains('*') || entry.eq_ignore_ascii_case("null") {
            reader.refuse(
                NAME,
                format!(
                    "must name each origin, not {}: every page of the web could call, or every file and sandbox",
                    quoted(entry)
                ),
            );
            continue;
        }
        match origin(entry) {
            Some(origin) => origins.push(origin),
            None => reader.refuse(
                NAME,
                format!(
                    "must be a comma-separated list of origins such as https://app.example.com or \
                     http://localhost:3000, without a path; {} is none",
                    quoted(entry)
                ),
            ),
        }
    }
    origins
}

/// As a browser writes it: in lower case, and without the port that the scheme implies (RFC 6454, section 6.2).
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, host) = text.split_once("://")?;
    let implied = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = host.strip_suffix(implied).unwrap_or(host);
    is_host(host).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (text, expected) in [
            ("https://App.Example", Some("https://app.example")),
            ("https://app.example:443", Some("https://app.example")),
            ("http://app.example:80", Some("http://app.example")),
            ("http://app.example:443", Some("http://app.example:443")),
            ("http://localhost:3000", Some("http://localhost:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("https://app.example/", None),
            ("https://app.example/x", None),
            ("app.example", None),
            ("ftp://app.example", None),
            ("https://", None),
            ("", None),
            ("https://user@app.example", None),
        ] {
            assert_eq!(origin(text).as_deref(), expected, "{text}");
        }
    }
}
