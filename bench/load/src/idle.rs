//! `doorward-load idle`: what a connection costs that nobody uses.

use crate::cli::Idle;
use crate::http::{Connection, Request};
use crate::nodes::Nodes;
use crate::process::Usage;
use crate::tally::to_float;
use anyhow::Context;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What `idle` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    connections: usize,
    kib_a_connection: f64,
    /// How many the server had closed by the end.
    closed: usize,
    /// Livez was answered so many times.
    answered: usize,
}

/// Opens the connections, asks once on each, and keeps them.
///
/// # Errors
/// When one cannot be opened.
pub(crate) async fn idle(arguments: Idle) -> anyhow::Result<Report> {
    let nodes = Nodes::new(&arguments.targets);
    let mut first = Connection::new(nodes.pick(), arguments.targets.timeout);
    first.ask(&Request::get("/livez")).await?;
    let before = Usage::of(arguments.pid)?;
    let mut connections = Vec::new();
    let mut answered = 0;
    for number in 0..arguments.connections.get() {
        let mut connection = Connection::new(nodes.at(number), arguments.targets.timeout);
        let answer = connection.ask(&Request::get("/livez")).await;
        let answer = answer.with_context(|| format!("connection {number}; see also: ulimit -n"))?;
        answered += usize::from(answer.status == 200);
        connections.push(connection);
    }
    tokio::time::sleep(arguments.seconds.min(Duration::from_mins(1))).await;
    let after = Usage::of(arguments.pid)?;
    connections.iter_mut().for_each(Connection::notice_end);
    let kib = after.resident_kib.saturating_sub(before.resident_kib);
    Ok(Report {
        connections: connections.len(),
        kib_a_connection: to_float(kib) / to_float(u64::try_from(connections.len())?.max(1)),
        closed: connections
            .iter()
            .filter(|connection| !connection.is_open())
            .count(),
        answered,
    })
}

impl Report {
    pub(crate) fn is_right(&self) -> bool {
        self.closed == 0 && self.answered == self.connections
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} silent connections: {:.1} KiB each, {} closed by the server",
            self.connections, self.kib_a_connection, self.closed
        )
    }
}
