//! What the operator lets webhooks reach although it is not public.

use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Hosts and networks that webhooks may reach although they are not public. By default there are none.
///
/// A host that is named may have any address. Ports and everything else are held to the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowList {
    hosts: Vec<String>,
    networks: Vec<IpNet>,
}

/// What cannot be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a host name nor a network")]
pub struct ParseAllowListError(String);

impl AllowList {
    /// Whether the host is named.
    pub(super) fn has_host(&self, host: &str) -> bool {
        self.hosts.iter().any(|allowed| allowed == host)
    }

    /// Whether the address is in one of the networks.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.networks.is_empty()
    }
}

impl FromStr for AllowList {
    type Err = ParseAllowListError;

    /// Host names, addresses and networks (`10.0.0.0/8`, `fd00::/8`) with commas between.
    fn from_str(text: &str) -> Result<Self, ParseAllowListError> {
        let mut list = Self::default();
        for entry in text.split(',').map(str::trim) {
            if let Ok(network) = entry.parse::<IpNet>() {
                list.networks.push(network);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                list.networks.push(address.into());
            } else if let Some(host) = host_name(entry) {
                list.hosts.push(host);
            } else {
                return Err(ParseAllowListError(entry.to_owned()));
            }
        }
        Ok(list)
    }
}

/// The name as a URL has it; none where it is no plain host name.
fn host_name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What looks like a number is an address that was typed wrong: a URL would take it for one.
    let is_number = text
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()));
    (text.len() <= 253 && text.split('.').all(is_label) && !is_number).then_some(text)
}

impl fmt::Display for AllowList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.iter().map(ToString::to_string);
        let all: Vec<_> = self.hosts.iter().cloned().chain(networks).collect();
        f.write_str(&all.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_addresses_and_networks_are_read() {
        let list: AllowList = "Hooks.Intern., 10.0.0.0/8,fd00::/8 ,127.0.0.1,::1,xn--bcher-kva"
            .parse()
            .unwrap();
        assert!(list.has_host("hooks.intern") && !list.has_host("intern"));
        assert!(list.has_host("xn--bcher-kva"));
        for (address, is_allowed) in [
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("fd12::1", true),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", true),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(list.has_address(address.parse().unwrap()), is_allowed);
        }
        let shown = "hooks.intern,xn--bcher-kva,10.0.0.0/8,fd00::/8,127.0.0.1/32,::1/128";
        assert_eq!(list.to_string(), shown);
        assert_eq!(shown.parse(), Ok(list));
    }

    #[test]
    fn what_is_neither_is_refused_by_name() {
        for text in [
            "",
            "a,,b",
            "10.0.0.0/33",
            "10.0.0",
            "10.0.0.256",
            "http://a",
            "a/8",
            "a:80",
            "*.a",
            "-a",
            "b_ücher",
            "a b",
            "0x7f",
        ] {
            let error = text.parse::<AllowList>().unwrap_err();
            assert!(
                error.to_string().contains("is neither a host name"),
                "{text}"
            );
        }
        assert!(AllowList::default().is_empty());
    }
}
