//! Where a webhook goes: a URL that was taken apart, and addresses that were vetted.

use super::address::is_public;
use super::allow::AllowList;
use super::resolver::Resolver;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// The longest URL.
const MAX_URL: usize = 2048;
/// How many addresses of a host are tried.
const MAX_ADDRESSES: usize = 4;

/// It is not allowed, or not found. Which of them, and why, would tell of the network that the server is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The address is not allowed or cannot be found.")]
pub(super) struct Refused;

/// A URL whose form is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// Without a point at its end.
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// The header `Host`.
    pub(super) authority: String,
    /// The path and the query.
    pub(super) path: String,
}

impl Target {
    /// The parser of browsers reads decimal, octal, hexadecimal and short forms of addresses, other digits, escapes and
    /// letters of any script, so all rules look at what it makes of them.
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        // It takes control characters away, and a backslash for a slash: nobody means them.
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        if text.len() > MAX_URL || text.contains(is_odd) {
            return Err(Refused);
        }
        let url = Url::parse(text).ok().ok_or(Refused)?;
        let is_tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Refused),
        };
        let has_user = !url.username().is_empty() || url.password().is_some();
        let port = url.port_or_known_default().ok_or(Refused)?;
        if has_user || !is_open(port) {
            return Err(Refused);
        }
        let host = match url.host().ok_or(Refused)? {
            Host::Domain(name) => Host::Domain(plain(name)?),
            Host::Ipv4(address) => Host::Ipv4(address),
            Host::Ipv6(address) => Host::Ipv6(address),
        };
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            is_tls,
            host,
            port,
            authority,
            path,
        })
    }

    /// The addresses to connect to. One that is not allowed spoils all others: who answers so means no good.
    pub(super) async fn vetted(
        &self,
        resolver: &dyn Resolver,
        allow: &AllowList,
    ) -> Result<Vec<SocketAddr>, Refused> {
        let (addresses, is_named) = match &self.host {
            Host::Ipv4(address) => (vec![IpAddr::V4(*address)], false),
            Host::Ipv6(address) => (vec![IpAddr::V6(*address)], false),
            Host::Domain(name) if is_localhost(name) => (
                vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
                allow.has_host(name),
            ),
            Host::Domain(name) => (resolver.resolve(name).await?, allow.has_host(name)),
        };
        let is_allowed =
            |address: &IpAddr| is_named || is_public(*address) || allow.has_address(*address);
        if addresses.is_empty() || !addresses.iter().all(is_allowed) {
            return Err(Refused);
        }
        let to = addresses.into_iter().take(MAX_ADDRESSES);
        Ok(to
            .map(|address| SocketAddr::new(address, self.port))
            .collect())
    }
}

/// The ports of the web, and those that anybody may open: no mail server takes a webhook for a letter.
fn is_open(port: u16) -> bool {
    matches!(port, 80 | 443 | 1024..)
}

fn plain(name: &str) -> Result<String, Refused> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_plain = !name.is_empty() && name.split('.').all(|label| !label.is_empty());
    is_plain.then(|| name.to_owned()).ok_or(Refused)
}

/// Whatever a resolver says of it (RFC 6761, 6.3).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests;
