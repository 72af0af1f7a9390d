//! `doorward-load timing`: nobody learns from the time of a refusal whether there is such a user.

use crate::account::{self, Account};
use crate::cli::Timing;
use crate::http::{Connection, Request};
use crate::nodes::Nodes;
use crate::samples::{Quantiles, Samples};
use anyhow::bail;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

const WARM_UPS: u32 = 2;

/// What `timing` tells.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    unknown_user: Quantiles,
    wrong_password: Quantiles,
    /// By how much the medians differ, of the smaller one.
    difference_percent: f64,
    /// Apart from the request id.
    same_bytes: bool,
}

/// Logs in, in vain.
///
/// # Errors
/// When a login is not refused with 401.
pub(crate) async fn timing(arguments: Timing) -> anyhow::Result<Report> {
    let nodes = Nodes::new(&arguments.targets);
    let mut connection = Connection::new(nodes.pick(), arguments.targets.timeout);
    let known = account::register(&mut connection).await?;
    let (mut unknown_times, mut wrong_times) = (Samples::default(), Samples::default());
    let mut same_bytes = true;
    for number in 0..arguments.samples.get() + WARM_UPS {
        let unknown = Account::new();
        let wrong = Account {
            password: unknown.password.clone(),
            ..known.clone()
        };
        // In turns, so that what else the machine does strikes both alike.
        let mut both = [(&unknown, &mut unknown_times), (&wrong, &mut wrong_times)];
        if number % 2 == 1 {
            both.reverse();
        }
        let mut bodies = Vec::new();
        for (account, times) in both {
            let body = account.credentials();
            let began = Instant::now();
            let answer = connection
                .ask(&Request::post("/api/v1/user/login").body(&body))
                .await?;
            let took = began.elapsed();
            if answer.status != 401 {
                bail!("a login in vain is answered with {}", answer.status);
            }
            bodies.push(without_request_id(answer.body));
            if number >= WARM_UPS {
                times.add(took);
            }
        }
        same_bytes &= bodies.first() == bodies.last();
    }
    let (unknown_user, wrong_password) = (unknown_times.quantiles(), wrong_times.quantiles());
    let (one, other) = (unknown_user.p50, wrong_password.p50);
    Ok(Report {
        unknown_user,
        wrong_password,
        difference_percent: (one - other).abs() / one.min(other).max(f64::EPSILON) * 100.0,
        same_bytes,
    })
}

fn without_request_id(body: &[u8]) -> Option<serde_json::Value> {
    let mut body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.as_object_mut()?.remove("request_id");
    Some(body)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown user    {}\nwrong password  {}\nmedians differ by {:.2} %, the answers are {}",
            self.unknown_user,
            self.wrong_password,
            self.difference_percent,
            if self.same_bytes {
                "the same"
            } else {
                "different"
            }
        )
    }
}
