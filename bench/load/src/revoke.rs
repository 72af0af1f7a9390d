//! `doorward-load revoke`: a logout on one node counts on the others.

use crate::account;
use crate::cli::Revoke;
use crate::http::{Connection, Request};
use crate::nodes::Nodes;
use crate::samples::{Quantiles, Samples};
use anyhow::{Context, bail};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const ASK_EVERY: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(1);

/// What `revoke` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    rounds: usize,
    nodes: usize,
    /// From the answer to the logout to the first answer of 401, on the last node.
    refused_after: Quantiles,
    /// Rounds in which that took longer than a second.
    late: u32,
    /// Rounds in which the node that logged out still accepted the token.
    accepted_at_home: u32,
}

/// Logs in, refreshes, logs out and asks.
///
/// # Errors
/// When one of the steps before the logout does not work.
pub(crate) async fn revoke(arguments: Revoke) -> anyhow::Result<Report> {
    let nodes = Nodes::new(&arguments.targets);
    let rounds = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..arguments.parallel.get())
        .map(|_| {
            let (nodes, rounds) = (Arc::clone(&nodes), Arc::clone(&rounds));
            let timeout = arguments.targets.timeout;
            tokio::spawn(play(nodes, rounds, arguments.rounds.get(), timeout))
        })
        .collect();
    let mut samples = Samples::default();
    let (mut late, mut accepted_at_home) = (0, 0);
    for task in tasks {
        for round in task.await?? {
            samples.add(round.refused_after);
            late += u32::from(round.refused_after > LIMIT);
            accepted_at_home += u32::from(round.is_accepted_at_home);
        }
    }
    let refused_after = samples.quantiles();
    Ok(Report {
        rounds: refused_after.count,
        nodes: nodes.len(),
        refused_after,
        late,
        accepted_at_home,
    })
}

struct Round {
    refused_after: Duration,
    is_accepted_at_home: bool,
}

async fn play(
    nodes: Arc<Nodes>,
    rounds: Arc<AtomicU32>,
    last: u32,
    timeout: Duration,
) -> anyhow::Result<Vec<Round>> {
    let mut played = Vec::new();
    let connect = |number| Connection::new(nodes.at(number), timeout);
    let mut account = None;
    loop {
        let number = rounds.fetch_add(1, Ordering::Relaxed);
        if number >= last {
            return Ok(played);
        }
        let first = usize::try_from(number)?;
        let (mut a, mut b, mut c) = (connect(first), connect(first + 1), connect(first + 2));
        let account = match &account {
            Some(account) => account,
            None => account.insert(account::register(&mut a).await?),
        };
        let old = account::login(&mut a, account).await?;
        let request = Request::post("/api/v1/user/refresh").refresh(&old.refresh);
        let answer = b.ask(&request).await?;
        if answer.status != 200 {
            bail!("a refresh on the next node is refused: {}", answer.status);
        }
        let new = old.successor(&answer).context("a refresh has no tokens")?;
        // Every node knows the session, and has it in memory.
        for connection in [&mut a, &mut b, &mut c] {
            for tokens in [&old, &new] {
                account::profile(connection, &tokens.access).await?;
            }
        }
        account::logout(&mut c, &new).await?;
        let ended = Instant::now();
        let is_accepted_at_home =
            accepts(&mut c, &old.access).await? || accepts(&mut c, &new.access).await?;
        while accepts(&mut a, &old.access).await?
            || accepts(&mut a, &new.access).await?
            || accepts(&mut b, &old.access).await?
            || accepts(&mut b, &new.access).await?
        {
            if ended.elapsed() > PATIENCE {
                bail!("a session that was ended is alive after {PATIENCE:?}");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        played.push(Round {
            refused_after: ended.elapsed(),
            is_accepted_at_home,
        });
    }
}

async fn accepts(connection: &mut Connection, access: &str) -> anyhow::Result<bool> {
    let request = Request::get("/api/v1/user/me").bearer(access);
    match connection.ask(&request).await?.status {
        200 => Ok(true),
        401 => Ok(false),
        status => bail!("a token of an ended session is answered with {status}"),
    }
}

impl Report {
    pub(crate) fn is_right(&self) -> bool {
        self.late == 0 && self.accepted_at_home == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds over {} nodes: refused everywhere after {}\n  {} later than 1 s, {} accepted at home",
            self.rounds, self.nodes, self.refused_after, self.late, self.accepted_at_home
        )
    }
}
