//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// Asks running nodes of Doorward, checks every answer, and tells what it cost.
///
/// The exit status is 0 when every answer was a right one, 1 when one was wrong, and 2 when there was nothing to
/// measure. A refusal with 503, an error and a lost request are counted, and wrong only where a command says so.
#[derive(Debug, Parser)]
#[command(name = "doorward-load", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print one line of JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask without pause, for a time or a number of requests
    Run(Run),
    /// Log in with every account that `run register --accounts` saw acknowledged; one that cannot is wrong
    Verify(Verify),
    /// Refresh one token on many connections at once; more than one successor, or any other answer, is wrong
    Race(Race),
    /// Log in on one node, refresh on the next, log out on the third, and see when all refuse the tokens
    Revoke(Revoke),
    /// Compare the time of a login with an unknown user to that with a wrong password
    Timing(Timing),
    /// Open silent connections, and see what one costs
    Idle(Idle),
    /// Take webhooks until it is ended, and write down which
    Receive(Receive),
    /// Crowd a server with connections that send a byte now and then, and with idle ones; one that is let go on is wrong
    Slow(Slow),
}

/// The nodes to ask.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// The address and port of a node; of several, each connection begins with the next
    #[arg(long = "target", value_name = "ADDRESS", required = true, value_parser = loopback)]
    pub(crate) addresses: Vec<SocketAddr>,
    /// Ask only nodes whose /readyz says 200, as a balancer does
    #[arg(long)]
    pub(crate) watch: bool,
    /// After so long without an answer a request is lost
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What to ask
    #[arg(value_enum)]
    pub(crate) scenario: Scenario,
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many connections ask at once
    #[arg(long, default_value = "32")]
    pub(crate) connections: NonZeroUsize,
    /// How long to ask
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Stop after so many requests, even if there is time left
    #[arg(long, value_name = "REQUESTS")]
    pub(crate) count: Option<NonZeroU64>,
    /// Ask no more than so many times a second, over all connections
    #[arg(long, value_name = "REQUESTS")]
    pub(crate) rate: Option<NonZeroU32>,
    /// How many rows of the user list to ask for
    #[arg(long, value_name = "ROWS", default_value = "50")]
    pub(crate) limit: NonZeroU32,
    /// A server's process, whose CPU and memory are told
    #[arg(long = "pid", value_name = "PID")]
    pub(crate) pids: Vec<u32>,
    /// Write what happened in each tenth of a second to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write the acknowledged accounts of `register` to this file, for `verify`
    #[arg(long, value_name = "FILE")]
    pub(crate) accounts: Option<PathBuf>,
    /// Make this file when everything is set up and the measured requests begin
    #[arg(long, value_name = "FILE")]
    pub(crate) started: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// GET /api/v1/user/me
    Me,
    /// GET /api/v1/users, anonymous
    Users,
    /// POST /api/v1/user/refresh: each connection follows its own chain
    Refresh,
    /// POST /api/v1/user/login
    Login,
    /// POST /api/v1/user/create
    Register,
    /// 80 me, 10 users, 10 refresh
    Mixed,
    /// me with tokens of ended sessions: an answer of 200 is wrong
    Revoked,
    /// me with texts that are no API keys, with and without the form of one: an answer of 200 is wrong
    Junk,
    /// me with API keys of the right form and checksum that are nobody's: an answer of 200 is wrong
    Forged,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// What `run register --accounts` wrote
    pub(crate) file: PathBuf,
    /// How many log in at once
    #[arg(long, default_value = "8")]
    pub(crate) connections: NonZeroUsize,
}

#[derive(Debug, Args)]
pub(crate) struct Race {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many refresh at once
    #[arg(long, default_value = "32")]
    pub(crate) connections: NonZeroUsize,
    /// How many times
    #[arg(long, default_value = "100")]
    pub(crate) rounds: NonZeroU32,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many times
    #[arg(long, default_value = "100")]
    pub(crate) rounds: NonZeroU32,
    /// How many rounds run side by side
    #[arg(long, default_value = "4")]
    pub(crate) parallel: NonZeroUsize,
}

#[derive(Debug, Args)]
pub(crate) struct Timing {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many logins of each kind
    #[arg(long, default_value = "40")]
    pub(crate) samples: NonZeroU32,
}

#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many connections
    #[arg(long, default_value = "10000")]
    pub(crate) connections: NonZeroUsize,
    /// The server's process
    #[arg(long, value_name = "PID")]
    pub(crate) pid: u32,
    /// How long they stay open once all are
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct Receive {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", value_parser = loopback)]
    pub(crate) listen: SocketAddr,
    /// Write the id of each webhook to this file when it is there, a line for each
    #[arg(long, value_name = "FILE")]
    pub(crate) ids: PathBuf,
    /// Answer only after so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) delay: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Slow {
    #[command(flatten)]
    pub(crate) targets: Targets,
    /// How many are slow: with their first head, with a later one, or with a body
    #[arg(long = "slow", default_value = "5000")]
    pub(crate) trickling: usize,
    /// How many have been answered once, and are silent
    #[arg(long, default_value = "10000")]
    pub(crate) idle: usize,
    /// Over TLS
    #[arg(long)]
    pub(crate) tls: bool,
    /// The server's process
    #[arg(long, value_name = "PID")]
    pub(crate) pid: u32,
    /// How long they go on once all are open
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Make this file when all are open
    #[arg(long, value_name = "FILE")]
    pub(crate) started: Option<PathBuf>,
}

/// Load is for one's own servers: elsewhere it would be an attack.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|error| format!("{error}; write it as 127.0.0.1:8000"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(
            "this is not an address of this machine's loopback, and nothing else is asked"
                .to_owned(),
        )
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero() && *time <= Duration::from_hours(1))
        .ok_or_else(|| "must be a number of seconds, at most 3600".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn only_loopback_is_asked() {
        for address in ["127.0.0.1:8000", "127.9.9.9:1", "[::1]:80"] {
            assert!(loopback(address).is_ok(), "{address}");
        }
        for address in [
            "10.0.0.1:80",
            "0.0.0.0:80",
            "[::]:80",
            "93.184.216.34:80",
            "localhost:80",
            "127.0.0.1",
        ] {
            assert!(loopback(address).is_err(), "{address}");
        }
    }

    #[test]
    fn a_time_has_an_end() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["0", "-1", "3601", "NaN", "inf", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
