//! `doorward-load run`

use crate::account;
use crate::cli::{Run, Scenario};
use crate::http::{Connection, Failure};
use crate::nodes::Nodes;
use crate::process::Usage;
use crate::scenario::{Asker, Verdict};
use crate::tally::{Gaps, Report, Server, Tally};
use anyhow::Context;
use clap::ValueEnum;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};
use tokio::time::sleep_until;

/// So many connections share an account, which may have 50 sessions.
const CONNECTIONS_AN_ACCOUNT: usize = 25;
/// After a refused connection.
const PAUSE: Duration = Duration::from_millis(20);

/// So long a logout may take to be known everywhere.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(1);

/// What all connections of a run share.
#[derive(Debug)]
struct Shared {
    nodes: Arc<Nodes>,
    began: Instant,
    until: Instant,
    /// How many requests may still begin.
    left: AtomicU64,
    gaps: Gaps,
    patience: Duration,
    /// The time from one request of a connection to its next.
    interval: Option<Duration>,
}

/// Asks.
///
/// # Errors
/// When the accounts cannot be made, or a file cannot be written.
pub(crate) async fn run(arguments: Run) -> anyhow::Result<Report> {
    let nodes = Nodes::new(&arguments.targets);
    let askers = askers(&arguments, &nodes).await?;
    let before = Usage::of_all(&arguments.pids);
    let connections = u32::try_from(askers.len())?;
    let began = Instant::now();
    let started_at = unix_time();
    let shared = Arc::new(Shared {
        nodes,
        began,
        until: began + arguments.seconds,
        left: AtomicU64::new(arguments.count.map_or(u64::MAX, Into::into)),
        gaps: Gaps::new(began),
        patience: arguments.targets.timeout,
        interval: arguments
            .rate
            .map(|rate| Duration::from_secs(1) * connections / rate.get()),
    });
    if let Some(file) = &arguments.started {
        fs::write(file, "").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let tasks: Vec<_> = askers
        .into_iter()
        .zip(0..)
        .map(|(asker, number)| {
            let delay = shared.interval.unwrap_or_default() * number / connections;
            tokio::spawn(work(Arc::clone(&shared), asker, delay))
        })
        .collect();
    let (mut tally, mut registered) = (Tally::default(), String::new());
    for task in tasks {
        let (mine, asker) = task.await?;
        tally.add(mine);
        registered.extend(asker.registered.iter().map(account::Account::to_line));
    }
    let took = began.elapsed();
    let after = Usage::of_all(&arguments.pids);
    let write = |file: &Option<_>, text: &str| match file {
        Some(file) => fs::write(file, text),
        None => Ok(()),
    };
    write(&arguments.csv, &tally.csv())?;
    write(&arguments.accounts, &registered)?;
    let scenario = arguments.scenario.to_possible_value();
    let scenario = scenario.as_ref().map_or("run", |value| value.get_name());
    let mut report = Report::new(scenario, started_at, took, tally, shared.gaps.longest(took));
    if !arguments.pids.is_empty() {
        report.server = Some(Server::between(before, after, report.requests));
    }
    Ok(report)
}

async fn askers(arguments: &Run, nodes: &Nodes) -> anyhow::Result<Vec<Asker>> {
    let scenario = arguments.scenario;
    let own_session = matches!(
        scenario,
        Scenario::Refresh | Scenario::Mixed | Scenario::Revoked
    );
    let mut connection = Connection::new(nodes.pick(), account::BUSY_PATIENCE);
    let mut askers = Vec::new();
    let mut last = None;
    for number in 0..arguments.connections.get() {
        let mut member = match last.take() {
            Some(member) if number % CONNECTIONS_AN_ACCOUNT != 0 => member,
            _ => account::join(&mut connection).await?,
        };
        if own_session && number % CONNECTIONS_AN_ACCOUNT != 0 {
            member.tokens = account::login(&mut connection, &member.account).await?;
        }
        if scenario == Scenario::Revoked {
            account::logout(&mut connection, &member.tokens).await?;
        }
        last = Some(member.clone());
        let turn = u32::try_from(number)?;
        askers.push(Asker::new(scenario, turn, member, arguments.limit.get()));
    }
    if scenario == Scenario::Revoked {
        tokio::time::sleep(IN_FORCE_WITHIN).await;
    }
    Ok(askers)
}

async fn work(shared: Arc<Shared>, mut asker: Asker, delay: Duration) -> (Tally, Asker) {
    let mut tally = Tally::default();
    let mut connection = Connection::new(shared.nodes.pick(), shared.patience);
    let mut due = shared.began + delay;
    asker.advance();
    loop {
        if let Some(interval) = shared.interval {
            sleep_until(due.into()).await;
            due = (due + interval).max(Instant::now());
        }
        if Instant::now() >= shared.until || !shared.may_begin() {
            break;
        }
        connection.notice_end();
        if !connection.is_open() || !shared.nodes.is_ready(connection.address()) {
            connection.move_to(shared.nodes.pick());
        }
        let sent = Instant::now();
        match connection.ask(&asker.request()).await {
            Ok(answer) => {
                let took = sent.elapsed();
                let verdict = asker.judge(&answer);
                tally.answered(shared.began.elapsed(), took, &answer, verdict);
                if verdict == Verdict::Right {
                    shared.gaps.right();
                }
                asker.advance();
            }
            Err(failure) => {
                tally.failed(shared.began.elapsed(), &failure);
                if let Failure::NotConnected(_) = failure {
                    shared.left.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(PAUSE).await;
                } else {
                    asker.advance();
                }
            }
        }
    }
    tally.reconnects = connection.reconnects;
    (tally, asker)
}

impl Shared {
    fn may_begin(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "shells tell the time of day, and compare it with this"
)]
fn unix_time() -> f64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
