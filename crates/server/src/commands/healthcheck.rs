//! `doorward healthcheck`

mod trust;

use super::say;
use crate::config::Config;
use anyhow::{Context, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
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
    let is_tls = config.http.tls.is_some();
    let status = ask(address, is_tls).with_context(|| format!("no answer from {address}"))?;
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

fn ask(address: SocketAddr, is_tls: bool) -> anyhow::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if is_tls {
        let name = ServerName::IpAddress(address.ip().into());
        let session = ClientConnection::new(trust::anybody()?, name)?;
        exchange(StreamOwned::new(session, stream), address)
    } else {
        exchange(stream, address)
    }
}

fn exchange(mut stream: impl Read + Write, address: SocketAddr) -> anyhow::Result<String> {
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    // The first line, "HTTP/1.1 200 OK", says it.
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    let line = String::from_utf8_lossy(&line);
    Ok(line.split(' ').nth(1).unwrap_or("nothing").to_owned())
}
