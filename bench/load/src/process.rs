//! What a process has cost, from `/proc`.

use anyhow::Context;
use serde::Serialize;
use std::fs;
use std::time::Duration;

/// `USER_HZ`, which Linux has fixed at 100 on every machine that Doorward runs on.
const TICKS_A_SECOND: u64 = 100;

/// A look at a process.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Usage {
    /// All threads, in user and system mode.
    pub(crate) cpu: Duration,
    pub(crate) resident_kib: u64,
    pub(crate) peak_kib: u64,
}

impl Usage {
    /// # Errors
    /// When there is no such process.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file| {
            fs::read_to_string(format!("/proc/{pid}/{file}"))
                .with_context(|| format!("there is no process {pid}"))
        };
        Self::parse(&read("stat")?, &read("status")?)
            .with_context(|| format!("/proc/{pid} is in no known form"))
    }

    /// Several processes together; one that has gone counts nothing.
    pub(crate) fn of_all(pids: &[u32]) -> Self {
        pids.iter()
            .filter_map(|pid| Self::of(*pid).ok())
            .fold(Self::default(), |sum, one| Self {
                cpu: sum.cpu + one.cpu,
                resident_kib: sum.resident_kib + one.resident_kib,
                peak_kib: sum.peak_kib + one.peak_kib,
            })
    }

    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name, in parentheses, may contain anything.
        let (_, after_name) = stat.rsplit_once(')')?;
        let mut ticks = after_name.split_whitespace().skip(11);
        let mut next = || ticks.next()?.parse::<u64>().ok();
        let ticks = next()? + next()?;
        let kib = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        Some(Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS_A_SECOND),
            resident_kib: kib("VmRSS:")?,
            peak_kib: kib("VmHWM:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 1 1 1";
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let usage = Usage::parse(stat, status).unwrap();
        assert_eq!(usage.cpu, Duration::from_secs(2));
        assert_eq!((usage.resident_kib, usage.peak_kib), (1024, 2048));
        assert!(Usage::of(std::process::id()).is_ok());
    }
}
