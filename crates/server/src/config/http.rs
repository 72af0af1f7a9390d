//! Where the server listens, which hosts it answers for, and how it stops.

use super::cors;
use super::reader::{Reader, quoted};
use super::tls::TlsSource;
use doorward_domain::Network;
use doorward_domain::settings::parse_bool;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// The names under which a machine knows itself.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
const MAX_SHUTDOWN_DELAY: u16 = 300;
const MAX_ENVIRONMENT_CHARS: usize = 64;

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Http {
    /// `BIND`: where it listens.
    pub bind: Bind,
    /// `ALLOWED_HOSTS`: the `Host` values that are answered, in lower case. One with a port counts for that port alone,
    /// one without for every port.
    pub allowed_hosts: Vec<String>,
    /// `TRUSTED_PROXIES`: the proxies whose `X-Forwarded-…` and `Forwarded` count.
    pub trusted_proxies: Vec<Network>,
    /// `TLS_CERT` and `TLS_KEY`, or `TLS_SELF_SIGNED`: how HTTPS is served, where it is.
    pub tls: Option<TlsSource>,
    /// `CORS_ALLOWED_ORIGINS`: the origins whose pages may call, as browsers write them.
    pub cors_allowed_origins: Vec<String>,
    /// `SHUTDOWN_DELAY`: for how long connections are still accepted after SIGTERM.
    pub shutdown_delay: Duration,
    /// `ENVIRONMENT`: the name that the health route gives.
    pub environment: String,
    /// `DEBUG`: never changes what a client may see.
    pub debug: bool,
}

/// An address and a port to listen on. The address may be a name; port 0 picks a free port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    host: String,
    port: u16,
}

impl Http {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let bind = reader
            .parsed(
                "BIND",
                "an address and a port such as 127.0.0.1:8000, [::1]:8000 or localhost:0",
                Bind::parse,
            )
            .unwrap_or_default();
        Self {
            allowed_hosts: allowed_hosts(reader, &bind),
            bind,
            trusted_proxies: trusted_proxies(reader),
            tls: TlsSource::read(reader),
            cors_allowed_origins: cors::read(reader),
            shutdown_delay: reader
                .parsed(
                    "SHUTDOWN_DELAY",
                    "a whole number of seconds from 0 to 300",
                    |text| {
                        text.parse()
                            .ok()
                            .filter(|seconds| (0..=MAX_SHUTDOWN_DELAY).contains(seconds))
                    },
                )
                .map_or(Duration::from_secs(2), |seconds| {
                    Duration::from_secs(seconds.into())
                }),
            environment: reader
                .parsed(
                    "ENVIRONMENT",
                    "a name of at most 64 printable characters",
                    |text| {
                        let fits = text.chars().count() <= MAX_ENVIRONMENT_CHARS;
                        (fits && !text.contains(char::is_control)).then(|| text.to_owned())
                    },
                )
                .unwrap_or_else(|| "production".to_owned()),
            debug: reader
                .parsed("DEBUG", "true or false", parse_bool)
                .unwrap_or(false),
        }
    }
}

impl Http {
    /// How its URLs begin.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The names and addresses of a certificate that is made here: every host that is answered for, and the machine's
    /// names for itself. The name of no port, and of no underscore, can stand in one.
    pub(crate) fn certificate_names(&self) -> Vec<String> {
        let allowed = self.allowed_hosts.iter().map(String::as_str);
        let mut names = Vec::new();
        for host in LOOPBACK_NAMES.into_iter().chain(allowed) {
            let name = without_port(host).trim_matches(['[', ']']).to_owned();
            if !name.contains('_') && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Bind {
    /// What to hand to `TcpListener::bind`.
    pub fn address(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(rest) => {
                let host = rest.strip_suffix(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                host
            }
            None => Some(host).filter(|host| is_host_name(host))?,
        };
        let port = Some(port).filter(|port| is_digits(port))?.parse().ok()?;
        Some(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// The host as it stands in a URL, unless it is the address that stands for all.
    fn name(&self) -> Option<String> {
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => None,
            Ok(IpAddr::V6(address)) => Some(format!("[{address}]")),
            Ok(IpAddr::V4(_)) | Err(_) => Some(self.host.to_ascii_lowercase()),
        }
    }
}

impl Default for Bind {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
        }
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn allowed_hosts(reader: &mut Reader<'_>, bind: &Bind) -> Vec<String> {
    const NAME: &str = "ALLOWED_HOSTS";
    let Some(list) = reader.text(NAME) else {
        let mut hosts: Vec<_> = LOOPBACK_NAMES.map(str::to_owned).into();
        hosts.extend(bind.name().filter(|name| !hosts.contains(name)));
        return hosts;
    };
    let mut hosts = Vec::new();
    for entry in list.split(',').map(str::trim) {
        if entry.contains('*') || entry.starts_with('.') {
            reader.refuse(
                NAME,
                format!(
                    "must name each host, not {}: links in answers are made from the Host header, so that a wildcard \
                     would let strangers choose where they lead",
                    quoted(entry)
                ),
            );
        } else if is_host(entry) {
            hosts.push(entry.to_ascii_lowercase());
        } else {
            reader.refuse(
                NAME,
                format!(
                    "must be a comma-separated list of hosts such as accounts.example.com or [::1]:8443, without \
                     https:// and path; {} is none",
                    quoted(entry)
                ),
            );
        }
    }
    hosts
}

fn trusted_proxies(reader: &mut Reader<'_>) -> Vec<Network> {
    const NAME: &str = "TRUSTED_PROXIES";
    let Some(list) = reader.text(NAME) else {
        return Vec::new();
    };
    let mut proxies = Vec::new();
    for entry in list.split(',').map(str::trim) {
        match entry.parse::<Network>() {
            Ok(network) if network.is_everything() => reader.refuse(
                NAME,
                format!(
                    "must name your proxies, not {}: whoever asks could then choose the address that counts as his",
                    quoted(entry)
                ),
            ),
            Ok(network) => proxies.push(network),
            Err(_) => reader.refuse(
                NAME,
                format!(
                    "must be a comma-separated list of addresses and ranges such as 10.0.0.0/8 or ::1; {} is none",
                    quoted(entry)
                ),
            ),
        }
    }
    proxies
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if is_digits(port) => name,
        Some(_) | None => host,
    }
}

/// A host name, an IPv4 address or a bracketed IPv6 address, with or without a port.
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bracketed.map_or_else(
        || is_host_name(host),
        |host| host.parse::<Ipv6Addr>().is_ok(),
    ) && port.is_none_or(|port| is_digits(port) && port.parse::<u16>().is_ok())
}

fn is_host_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

fn is_digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit())
}
