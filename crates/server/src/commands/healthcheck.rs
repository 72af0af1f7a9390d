//! `doorward healthcheck`

use super::say;
use crate::config::Config;
use anyhow::{Context, ensure};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks the server that runs on this machine with the same options whether it is ready.
///
/// # Errors
/// One line, when it is not.
pub fn healthcheck(config: &Config) -> anyhow::Result<()> {
    let bind = &config.http.bind;
    let address = bind
        .address()
        .to_socket_addrs()?
        .next()
        .map(reachable)
        .with_context(|| format!("{bind} is no address"))?;
    let status = ask(address).with_context(|| format!("no answer from {address}"))?;
    ensure!(
        status == "200",
        "{address} is not ready: it answers {status}"
    );
    Ok(say("ready")?)
}

/// Who listens everywhere is asked at home.
fn reachable(address: SocketAddr) -> SocketAddr {
    let home: IpAddr = match address.ip() {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let is_everywhere = address.ip().is_unspecified();
    SocketAddr::new(
        if is_everywhere { home } else { address.ip() },
        address.port(),
    )
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).unwrap_or("nothing").to_owned())
}
