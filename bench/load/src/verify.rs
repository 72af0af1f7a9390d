//! `doorward-load verify`

use crate::account::{self, Account};
use crate::cli::Verify;
use crate::http::Connection;
use crate::nodes::Nodes;
use anyhow::Context;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

/// What `verify` tells.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    accounts: usize,
    logged_in: usize,
    /// Why the others did not.
    refused: Vec<String>,
}

/// Logs in with every account of the file.
///
/// # Errors
/// When the file cannot be read.
pub(crate) async fn verify(arguments: Verify) -> anyhow::Result<Report> {
    let file = &arguments.file;
    let text =
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let accounts = text
        .lines()
        .map(|line| Account::from_line(line).with_context(|| format!("no account: {line}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut report = Report {
        accounts: accounts.len(),
        ..Report::default()
    };
    let nodes = Nodes::new(&arguments.targets);
    let waiting = Arc::new(Mutex::new(accounts));
    let tasks: Vec<_> = (0..arguments.connections.get())
        .map(|_| {
            let connection = Connection::new(nodes.pick(), account::BUSY_PATIENCE);
            tokio::spawn(log_in_with_all(connection, Arc::clone(&waiting)))
        })
        .collect();
    for task in tasks {
        let (logged_in, refused) = task.await?;
        report.logged_in += logged_in;
        report.refused.extend(refused);
    }
    Ok(report)
}

async fn log_in_with_all(
    mut connection: Connection,
    waiting: Arc<Mutex<Vec<Account>>>,
) -> (usize, Vec<String>) {
    let (mut logged_in, mut refused) = (0, Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
    while let Some(account) = next() {
        match account::login(&mut connection, &account).await {
            Ok(_) => logged_in += 1,
            Err(error) => refused.push(format!("{}: {error:#}", account.email)),
        }
    }
    (logged_in, refused)
}

impl Report {
    pub(crate) fn is_right(&self) -> bool {
        self.accounts == self.logged_in
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} accounts log in", self.logged_in, self.accounts)?;
        self.refused
            .iter()
            .try_for_each(|refused| write!(f, "\n  {refused}"))
    }
}
