//! What stands in the headers of proxies is read or leaves the address of the peer, whatever it is.

use super::*;
use actix_web::http::header::HeaderValue;
use proptest::prelude::*;
use std::net::Ipv4Addr;

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));

fn client(sent: &[(HeaderName, &str)]) -> IpAddr {
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let mut headers = HeaderMap::new();
    for (name, value) in sent {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(name.clone(), value);
        }
    }
    proxies.is_https(PROXY, &headers);
    proxies.client(PROXY, &headers)
}

/// What looks like a header of proxies.
fn a_line() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "(for|For|by|proto|host)=\"?(192\\.0\\.2\\.9|\\[2001:db8::9\\]|unknown|_[a-z]{1,5}|10\\.0\\.0\\.2)(:[0-9]{1,6})?\"?",
        "192\\.0\\.2\\.[0-9]{1,3}|10\\.0\\.0\\.[0-9]|\\[?[0-9a-f:]{2,20}\\]?(:[0-9]{1,5})?",
        "[\";,=\\\\ a-z0-9]{0,12}",
        ".{0,12}",
    ];
    prop::collection::vec((part, "[,;] ?"), 0..6).prop_map(|parts| {
        parts
            .into_iter()
            .flat_map(|(part, end)| [part, end])
            .collect()
    })
}

proptest! {
    #[test]
    fn nothing_that_is_sent_panics(lists in prop::collection::vec(a_line(), 0..3), forwarded in a_line(), proto in ".{0,20}") {
        let mut sent: Vec<_> = lists.iter().map(|list| (X_FORWARDED_FOR, list.as_str())).collect();
        client(&sent);
        sent.push((X_FORWARDED_PROTO, &proto));
        sent.push((FORWARDED, &forwarded));
        client(&sent);
        client(&[(FORWARDED, &forwarded)]);
    }

    #[test]
    fn whatever_stands_further_left_in_x_forwarded_for_changes_nothing(left in a_line()) {
        let list = format!("{left},192.0.2.9");
        if HeaderValue::from_bytes(list.as_bytes()).is_err() {
            return Ok(());
        }
        prop_assert_eq!(client(&[(X_FORWARDED_FOR, &list)]), STRANGER);
    }

    /// Quotation marks may open left of it, and then nothing of the line is believed.
    #[test]
    fn whatever_stands_further_left_in_forwarded_names_nobody_else(left in a_line()) {
        let list = format!("{left},for=192.0.2.9");
        let found = client(&[(FORWARDED, &list)]);
        prop_assert!([STRANGER, PROXY].contains(&found), "{list}: {found}");
    }
}
