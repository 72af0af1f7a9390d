//! Who asks, where proxies stand in front.
//!
//! A proxy writes the address of whoever asked it behind what it was told itself, so that a list is read from the right,
//! up to the first address that is no proxy of ours: what stands left of it, anybody may have made up. Nothing is read
//! where the peer itself is none.

use actix_web::HttpRequest;
use actix_web::http::header::{
    FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR, X_FORWARDED_PROTO,
};
use doorward_domain::Network;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// The proxies whose words count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// What a header says of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Client(IpAddr),
    /// It cannot be read, or names nobody.
    Malformed,
}

impl TrustedProxies {
    /// These.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    /// The address of whoever asks: of `peer`, or of whom `X-Forwarded-For` or `Forwarded` (RFC 7239) name where the peer
    /// is a proxy of ours. Where they cannot be read, or do not agree, it is the peer's.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let listed = self.nearest_stranger(lines(headers, &X_FORWARDED_FOR).map(|lines| {
            let entries = lines.iter().flat_map(|line| line.split(','));
            entries.map(|entry| address(entry.trim())).collect()
        }));
        let forwarded = self.nearest_stranger(lines(headers, &FORWARDED).map(|lines| {
            let elements = lines.iter().flat_map(|line| elements(line));
            elements
                .map(|element| address(&parameter(element?, "for")?))
                .collect()
        }));
        match (listed, forwarded) {
            (Told::Client(client), Told::Nothing) | (Told::Nothing, Told::Client(client)) => client,
            // One of them a proxy may have passed on as it came.
            (Told::Client(client), Told::Client(other)) if client == other => client,
            (_, _) => peer,
        }
    }

    /// Whether whoever asks does so over HTTPS, by the word of the nearest proxy.
    pub fn is_https(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trusts(peer) {
            return false;
        }
        if let Some(line) = last_line(headers, &X_FORWARDED_PROTO) {
            let nearest = line.rsplit(',').next().unwrap_or_default();
            return nearest.trim().eq_ignore_ascii_case("https");
        }
        let line = last_line(headers, &FORWARDED);
        let nearest = line.as_deref().and_then(|line| elements(line).pop()?);
        let proto = nearest.and_then(|element| parameter(element, "proto"));
        proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The last of these that is no proxy of ours; the first one where all are.
    fn nearest_stranger(&self, entries: Option<Vec<Option<IpAddr>>>) -> Told {
        let Some(entries) = entries else {
            return Told::Nothing;
        };
        let mut farthest = Told::Malformed;
        for entry in entries.into_iter().rev() {
            match entry {
                None => return Told::Malformed,
                Some(address) if self.trusts(address) => farthest = Told::Client(address),
                Some(address) => return Told::Client(address),
            }
        }
        farthest
    }
}

/// The address of whoever asks.
pub(crate) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().as_ref().map(SocketAddr::ip)?;
    let proxies = request.app_data::<TrustedProxies>();
    Some(match proxies {
        Some(proxies) => proxies.client(peer, request.headers()),
        None => peer.to_canonical(),
    })
}

/// The lines of a header, none where it was not sent. Bytes that are no text spoil the entry that they stand in, and not
/// what a proxy has written behind it.
fn lines<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Vec<Cow<'a, str>>> {
    let lines = headers.get_all(name);
    let lines: Vec<_> = lines
        .map(|line| String::from_utf8_lossy(line.as_bytes()))
        .collect();
    (!lines.is_empty()).then_some(lines)
}

fn last_line<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    lines(headers, name)?.pop()
}

/// An address, with a port or without: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = text.parse().ok().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// The elements of a line of `Forwarded`, each none where its quotation marks do not match.
fn elements(line: &str) -> Vec<Option<&str>> {
    split_unquoted(line, ',')
}

/// The value of one parameter of an element, without its quotation marks. None where it is not there, or is there twice.
fn parameter(element: &str, name: &str) -> Option<String> {
    let mut found = None;
    for pair in split_unquoted(element, ';') {
        let (key, value) = pair?.split_once('=')?;
        if !key.trim().eq_ignore_ascii_case(name) {
            continue;
        }
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .map_or(Some(value), |rest| rest.strip_suffix('"'))?;
        if found.replace(value.replace('\\', "")).is_some() {
            return None;
        }
    }
    found
}

/// The parts between the separators that stand outside of quotation marks.
fn split_unquoted(text: &str, separator: char) -> Vec<Option<&str>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && character == '\\' {
            is_escaped = true;
        } else if character == '"' {
            is_quoted = !is_quoted;
        } else if character == separator && !is_quoted {
            parts.push(text.get(start..at));
            start = at + separator.len_utf8();
        }
    }
    parts.push(text.get(start..).filter(|_| !is_quoted));
    parts
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    const PROXY: &str = "10.0.0.1";

    fn proxies() -> TrustedProxies {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"];
        TrustedProxies::new(networks.map(|text| text.parse().unwrap()).into())
    }

    fn headers(sent: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name.parse().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn client(peer: &str, sent: &[(&str, &str)]) -> String {
        let client = proxies().client(peer.parse().unwrap(), &headers(sent));
        client.to_string()
    }

    fn forwarded_for(list: &str) -> String {
        client(PROXY, &[("x-forwarded-for", list)])
    }

    fn forwarded(list: &str) -> String {
        client(PROXY, &[("forwarded", list)])
    }

    #[test]
    fn what_a_stranger_says_of_himself_does_not_count() {
        for name in ["x-forwarded-for", "forwarded"] {
            for value in ["192.0.2.9", "for=192.0.2.9"] {
                assert_eq!(client("203.0.113.5", &[(name, value)]), "203.0.113.5");
            }
        }
        assert_eq!(client("::ffff:203.0.113.5", &[]), "203.0.113.5");
        let none = TrustedProxies::default();
        let sent = headers(&[("x-forwarded-for", "192.0.2.9")]);
        let peer: IpAddr = PROXY.parse().unwrap();
        assert_eq!(none.client(peer, &sent), peer);
    }

    #[test]
    fn the_list_is_read_from_the_right_up_to_the_first_who_is_no_proxy() {
        assert_eq!(forwarded_for("192.0.2.9"), "192.0.2.9");
        assert_eq!(forwarded_for("6.6.6.6, 192.0.2.9"), "192.0.2.9");
        assert_eq!(forwarded_for("6.6.6.6,192.0.2.9 , 10.2.3.4"), "192.0.2.9");
        assert_eq!(forwarded_for("nonsense, 192.0.2.9"), "192.0.2.9");
        assert_eq!(forwarded_for("192.0.2.9:4711"), "192.0.2.9");
        assert_eq!(forwarded_for("[2001:db8::9]:80"), "2001:db8::9");
        assert_eq!(forwarded_for("2001:db8::9"), "2001:db8::9");
        assert_eq!(forwarded_for("::ffff:192.0.2.9"), "192.0.2.9");
        let lines = [
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-for", "192.0.2.9"),
        ];
        assert_eq!(client(PROXY, &lines), "192.0.2.9");
        assert_eq!(client("2001:db8:1::5", &lines), "192.0.2.9");
    }

    #[test]
    fn where_all_are_proxies_the_farthest_has_asked() {
        assert_eq!(forwarded_for("10.0.0.3, 10.0.0.2"), "10.0.0.3");
        assert_eq!(client(PROXY, &[]), PROXY);
    }

    #[test]
    fn forwarded_is_read_as_its_rfc_writes_it() {
        for (list, expected) in [
            ("for=192.0.2.9", "192.0.2.9"),
            ("For=\"192.0.2.9:80\";proto=https;by=10.0.0.1", "192.0.2.9"),
            ("for=6.6.6.6, for=192.0.2.9;host=\"a,b;c\"", "192.0.2.9"),
            ("for=\"[2001:db8::9]:4711\"", "2001:db8::9"),
            ("for=\"[2001:db8::9]\", for=10.9.9.9", "2001:db8::9"),
            ("proto=http ; for=192.0.2.9", "192.0.2.9"),
        ] {
            assert_eq!(forwarded(list), expected, "{list}");
        }
    }

    #[test]
    fn what_cannot_be_read_leaves_the_address_of_the_peer() {
        for list in [
            "",
            "unknown",
            "192.0.2.9,",
            "192.0.2.9, x",
            "192.0.2.9 10.0.0.2",
            "1.2.3",
        ] {
            assert_eq!(forwarded_for(list), PROXY, "{list}");
        }
        for list in [
            "",
            "for=unknown",
            "for=_hidden",
            "by=192.0.2.9",
            "192.0.2.9",
            "for=\"192.0.2.9",
            "for=192.0.2.9;for=1.1.1.1",
            "for=192.0.2.9, for=x",
            "for=192.0.2.9,",
        ] {
            assert_eq!(forwarded(list), PROXY, "{list}");
        }
    }

    #[test]
    fn two_headers_must_agree() {
        let both = |other| {
            client(
                PROXY,
                &[("x-forwarded-for", "192.0.2.9"), ("forwarded", other)],
            )
        };
        assert_eq!(both("for=192.0.2.9"), "192.0.2.9");
        assert_eq!(both("for=6.6.6.6"), PROXY);
        assert_eq!(both("nonsense"), PROXY);
    }

    #[test]
    fn the_nearest_proxy_tells_whether_it_was_https() {
        fn is_https(peer: &str, sent: &[(&str, &str)]) -> bool {
            proxies().is_https(peer.parse().unwrap(), &headers(sent))
        }
        assert!(is_https(PROXY, &[("x-forwarded-proto", "HTTPS")]));
        assert!(is_https(PROXY, &[("x-forwarded-proto", "http, https")]));
        assert!(is_https(PROXY, &[("forwarded", "for=1.1.1.1;proto=https")]));
        for (peer, sent) in [
            ("203.0.113.5", ("x-forwarded-proto", "https")),
            (PROXY, ("x-forwarded-proto", "https, http")),
            (PROXY, ("forwarded", "proto=https, proto=http")),
            (PROXY, ("forwarded", "proto=\"https")),
            (PROXY, ("x-forwarded-for", "1.1.1.1")),
        ] {
            assert!(!is_https(peer, &[sent]), "{peer} {sent:?}");
        }
    }
}
