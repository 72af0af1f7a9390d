//! Whatever a user gives as an address, nothing but a public one is ever connected to.

use super::allow::AllowList;
use super::resolver::Resolver;
use super::target::{Refused, Target};
use super::{headers, is_public, retry_after};
use async_trait::async_trait;
use chrono::DateTime;
use futures_util::FutureExt;
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::Host;

/// Answers with what the name's owner likes.
struct Says(Vec<IpAddr>);

#[async_trait]
impl Resolver for Says {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, Refused> {
        Ok(self.0.clone())
    }
}

fn vetted(target: &Target, found: Vec<IpAddr>) -> Vec<IpAddr> {
    let (resolver, allow) = (Says(found), AllowList::default());
    let vetted = target.vetted(&resolver, &allow).now_or_never();
    let vetted = vetted.expect("nothing is waited for").unwrap_or_default();
    vetted.into_iter().map(|address| address.ip()).collect()
}

/// By the rules of the standard library, which are others than ours.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(it) => is_inside_v4(it),
        IpAddr::V6(it) => {
            it.is_loopback()
                || it.is_unspecified()
                || it.is_multicast()
                || it.is_unique_local()
                || it.is_unicast_link_local()
                || it.to_ipv4().is_some()
        }
    }
}

fn is_inside_v4(it: Ipv4Addr) -> bool {
    it.is_loopback()
        || it.is_private()
        || it.is_link_local()
        || it.is_broadcast()
        || it.is_multicast()
        || it.is_unspecified()
        || it.is_documentation()
}

/// Addresses in all the spellings that somebody has ever thought of, and names.
fn a_host() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(|it| it.to_string()),
        any::<u32>().prop_map(|it| it.to_string()),
        any::<u32>().prop_map(|it| format!("0x{it:x}")),
        any::<u32>().prop_map(|it| format!("0{it:o}")),
        "(127|10|0x7f|0177|169|192|100|0)(\\.(0x)?[0-9a-f]{1,4}){0,3}\\.?",
        any::<Ipv6Addr>().prop_map(|it| format!("[{it}]")),
        any::<Ipv4Addr>().prop_map(|it| format!("[{}]", it.to_ipv6_mapped())),
        any::<Ipv4Addr>().prop_map(|it| format!("[64:ff9b::{it}]")),
        any::<Ipv4Addr>().prop_map(|it| format!("[::{it}]")),
        "\\[(fe80|fc00|fd[0-9a-f]{2}|ff02|2002|2001|::)?(:[0-9a-f]{0,4}){0,8}(%25[a-z0-9]{1,4})?\\]",
        "(%[0-9a-fA-F]{2}|[0-9a-z.１２７０。-]){1,20}",
        "[a-z0-9-]{1,10}(\\.[a-z0-9-]{1,10}){0,3}\\.?",
        "(localhost|LOCALHOST|a\\.localhost)\\.?",
        ".{0,20}",
    ]
}

fn a_url() -> impl Strategy<Value = String> {
    let scheme = "https?|HTTP|ftp|file|gopher|javascript|h ttp|.{0,6}";
    let slashes = "//|/|\\\\|:|";
    let user = "([a-z:%@]{1,6}@)?";
    let port = "(:[0-9]{0,6})?";
    let rest = "[/?#][!-~]{0,20}|.{0,20}|";
    (scheme, slashes, user, a_host(), port, rest).prop_map(
        |(scheme, slashes, user, host, port, rest)| {
            format!("{scheme}:{slashes}{user}{host}{port}{rest}")
        },
    )
}

proptest! {
    #[test]
    fn a_url_leads_to_public_addresses_or_is_refused(
        url in a_url(),
        found in prop::collection::vec(any::<IpAddr>(), 0..6),
    ) {
        let Ok(target) = Target::parse(&url) else {
            return Ok(());
        };
        let allowed = vetted(&target, found.clone());
        prop_assert!(allowed.iter().all(|address| is_public(*address) && !is_inside(*address)), "{url}: {allowed:?}");
        if let Host::Domain(name) = &target.host {
            prop_assert!(allowed.is_empty() || found.iter().all(|address| is_public(*address)), "{url}");
            prop_assert!(name.parse::<IpAddr>().is_err(), "{url}");
        }
        // Whoever reads the header `Host` and the path comes to the same place.
        let scheme = if target.is_tls { "https" } else { "http" };
        let again = format!("{scheme}://{}{}", target.authority, target.path);
        prop_assert_eq!(Target::parse(&again), Ok(target), "{}", url);
    }

    #[test]
    fn an_address_that_is_inside_somewhere_is_not_public(address in any::<IpAddr>(), first in any::<u16>()) {
        let mut segments = [0; 8];
        segments[0] = first;
        let close = IpAddr::from(segments);
        for address in [address, close] {
            prop_assert!(!(is_public(address) && is_inside(address)), "{address}");
        }
    }

    #[test]
    fn headers_are_single_lines_or_refused(
        sent in prop::collection::btree_map("[A-Za-z-]{1,12}|.{0,12}", "[ -~]{0,20}|.{0,20}|a\r\nb: c", 0..4),
    ) {
        if let Ok(headers) = headers::read(&sent) {
            prop_assert_eq!(headers.len(), sent.len());
            for value in headers.values() {
                prop_assert!(value.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
            }
        }
    }

    #[test]
    fn a_receiver_asks_for_a_pause_or_says_nothing(
        text in "[0-9]{0,25}|(Mon|Fri|Friday), ?[0-9]{1,2}[ -](Jan|Nov|Feb)[ -][0-9]{1,6} [0-9:]{0,9} GMT|.{0,40}",
        now in -10_000_000_000_i64..100_000_000_000,
    ) {
        if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
            let headers: HeaderMap = [(RETRY_AFTER, value)].into_iter().collect();
            retry_after::read(&headers, DateTime::from_timestamp(now, 0).unwrap());
        }
    }

    #[test]
    fn an_allow_list_names_hosts_and_networks_or_is_refused(text in "([0-9a-f.:/]{0,20},?){0,3}|.{0,40}") {
        if let Ok(list) = text.parse::<AllowList>() {
            prop_assert!(!list.is_empty());
        }
    }
}
