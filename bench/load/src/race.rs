//! `doorward-load race`: everybody has the same refresh token, and must get the same successor.

use crate::account::{self, Tokens};
use crate::cli::Race;
use crate::http::{Connection, Failure, Request};
use crate::nodes::Nodes;
use crate::samples::{Quantiles, Samples};
use anyhow::bail;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Barrier;

/// What `race` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    rounds: u32,
    nodes: usize,
    connections: usize,
    /// Rounds in which not all got one successor.
    forked: u32,
    statuses: BTreeMap<u16, u64>,
    wrong: u64,
    lost: u64,
    time: Quantiles,
}

#[derive(Debug)]
enum Outcome {
    Successor(Box<Tokens>),
    Refused(u16),
    Wrong,
    Lost,
}

/// Refreshes.
///
/// # Errors
/// When there is no session to refresh, or not any more.
pub(crate) async fn race(arguments: Race) -> anyhow::Result<Report> {
    let nodes = Nodes::new(&arguments.targets);
    let count = arguments.connections.get();
    let mut connections: Vec<_> = (0..count)
        .map(|number| Connection::new(nodes.at(number), arguments.targets.timeout))
        .collect();
    let mut first = Connection::new(nodes.pick(), arguments.targets.timeout);
    let account = account::register(&mut first).await?;
    let mut tokens = account::login(&mut first, &account).await?;
    let mut report = Report {
        rounds: arguments.rounds.get(),
        nodes: nodes.len(),
        connections: count,
        forked: 0,
        statuses: BTreeMap::new(),
        wrong: 0,
        lost: 0,
        time: Quantiles::default(),
    };
    let mut times = Samples::default();
    for round in 0..report.rounds {
        let barrier = Arc::new(Barrier::new(count));
        let tasks: Vec<_> = connections
            .drain(..)
            .map(|connection| {
                tokio::spawn(refresh(connection, tokens.clone(), Arc::clone(&barrier)))
            })
            .collect();
        let (mut successors, mut answered) = (BTreeSet::new(), 0);
        for task in tasks {
            let (connection, outcome, began) = task.await?;
            connections.push(connection);
            times.add(began.elapsed());
            match outcome {
                Outcome::Successor(next) => {
                    *report.statuses.entry(200).or_default() += 1;
                    answered += 1;
                    successors.insert(next.refresh.clone());
                    tokens = *next;
                }
                Outcome::Refused(status) => *report.statuses.entry(status).or_default() += 1,
                Outcome::Wrong => report.wrong += 1,
                Outcome::Lost => report.lost += 1,
            }
        }
        report.forked += u32::from(successors.len() != 1 || answered != count);
        if successors.is_empty() {
            bail!(
                "in round {round} nobody got a successor: {:?}",
                report.statuses
            );
        }
    }
    report.time = times.quantiles();
    Ok(report)
}

async fn refresh(
    mut connection: Connection,
    tokens: Tokens,
    barrier: Arc<Barrier>,
) -> (Connection, Outcome, Instant) {
    connection.notice_end();
    // Who cannot connect learns it again below.
    let _ = connection.open().await;
    barrier.wait().await;
    let began = Instant::now();
    let request = Request::post("/api/v1/user/refresh").refresh(&tokens.refresh);
    let outcome = match connection.ask(&request).await {
        Ok(answer) if answer.status == 200 => tokens
            .successor(&answer)
            .map_or(Outcome::Wrong, |next| Outcome::Successor(Box::new(next))),
        Ok(answer) => Outcome::Refused(answer.status),
        Err(Failure::NotConnected(_) | Failure::Lost(_) | Failure::TimedOut) => Outcome::Lost,
    };
    (connection, outcome, began)
}

impl Report {
    pub(crate) fn is_right(&self) -> bool {
        self.forked == 0 && self.wrong == 0 && self.lost == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds of {} refreshes of one token over {} nodes: {} rounds without one successor for all\n  \
             statuses {:?}, {} wrong, {} lost; {}",
            self.rounds,
            self.connections,
            self.nodes,
            self.forked,
            self.statuses,
            self.wrong,
            self.lost,
            self.time
        )
    }
}
