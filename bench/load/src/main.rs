//! The load driver of Doorward: asks running nodes, checks every answer, and tells what it cost.

mod account;
mod cli;
mod http;
mod idle;
mod junk;
mod nodes;
mod process;
mod race;
mod receive;
mod revoke;
mod run;
mod samples;
mod scenario;
mod slow;
mod tally;
mod timing;
mod verify;

use clap::Parser;
use cli::{Cli, Command};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match answer(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "doorward-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether every answer was a right one. One thread drives all connections, so that the other cores are the servers'.
fn answer(cli: Cli) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let json = cli.json;
    runtime.block_on(async {
        match cli.command {
            Command::Run(arguments) => {
                let report = run::run(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Verify(arguments) => {
                let report = verify::verify(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Race(arguments) => {
                let report = race::race(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Revoke(arguments) => {
                let report = revoke::revoke(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Timing(arguments) => {
                let report = timing::timing(arguments).await?;
                show(&report, json)?;
                Ok(true)
            }
            Command::Slow(arguments) => {
                let report = slow::slow(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Idle(arguments) => {
                let report = idle::idle(arguments).await?;
                show(&report, json)?;
                Ok(report.is_right())
            }
            Command::Receive(arguments) => receive::receive(arguments).await.map(|()| true),
        }
    })
}

fn show(report: &(impl Display + Serialize), json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{report}")?;
    }
    Ok(())
}
