//! The figures that neither the API nor the services have: connections, the worker, the process.

use crate::net::ConnectionCounts;
use chrono::{DateTime, Utc};
use doorward_api::Source;
use doorward_metrics::{Kind, Page};
use doorward_worker::WorkerStats;
use doorward_worker::stats::Ended;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::sync::{Arc, OnceLock};

/// What writes them. The worker is there a moment later than the server.
pub(crate) fn sources(
    connections: &Arc<ConnectionCounts>,
    worker: &Arc<OnceLock<Arc<WorkerStats>>>,
    began: DateTime<Utc>,
) -> Vec<Source> {
    let (connections, worker) = (Arc::clone(connections), Arc::clone(worker));
    vec![
        Arc::new(move |page| write_connections(page, &connections)),
        Arc::new(move |page| {
            if let Some(stats) = worker.get() {
                write_worker(page, stats);
            }
        }),
        Arc::new(move |page| write_process(page, began)),
    ]
}

fn write_connections(page: &mut Page, counts: &ConnectionCounts) {
    // The closed ones first: between two looks one may be opened, and none is closed that was not.
    let (closed, opened) = (counts.closed.total(), counts.opened.total());
    let help = "Connections that are open.";
    let open = opened.saturating_sub(closed);
    page.value(Kind::Gauge, "doorward_connections_open", help, open);
    let counters = [
        (
            "doorward_connections_total",
            "Connections that were accepted.",
            opened,
        ),
        (
            "doorward_http2_connections_total",
            "Connections over which HTTP/2 was spoken.",
            counts.over_http2.total(),
        ),
        (
            "doorward_tls_handshake_failures_total",
            "Connections that ended in their TLS handshake.",
            counts.failed_handshakes.total(),
        ),
    ];
    for (name, help, count) in counters {
        page.value(Kind::Counter, name, help, count);
    }
}

fn write_worker(page: &mut Page, stats: &WorkerStats) {
    let help = "Attempts at scheduled tasks that ended on this node, by their outcome.";
    let name = "doorward_task_attempts_total";
    let mut family = page.family(Kind::Counter, name, help);
    for how in Ended::ALL {
        let outcome = how.as_str().replace(' ', "_");
        family.value(&[("outcome", &outcome)], stats.ended(how));
    }
    let help = "Attempts at scheduled tasks that run now on this node.";
    let name = "doorward_task_attempts_running";
    page.value(Kind::Gauge, name, help, stats.running());
}

/// Under the names that Prometheus's own clients give them. What a system does not tell is left out.
fn write_process(page: &mut Page, began: DateTime<Utc>) {
    let help = "A constant 1, with the version.";
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.family(Kind::Gauge, "doorward_build_info", help)
        .value(&version, 1);
    let help = "When the server started, in seconds since 1970.";
    let name = "process_start_time_seconds";
    page.value(Kind::Gauge, name, help, began.timestamp());
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let help = "CPU time that the process has used.";
    let seconds = format!("{}.{:09}", used.tv_sec, used.tv_nsec);
    page.value(Kind::Counter, "process_cpu_seconds_total", help, seconds);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    if let Some(kib) = field("VmRSS:") {
        let help = "Memory that is in RAM.";
        let name = "process_resident_memory_bytes";
        page.value(Kind::Gauge, name, help, kib * 1024);
    }
    if let Some(kib) = field("VmSize:") {
        let help = "Memory that is mapped.";
        let name = "process_virtual_memory_bytes";
        page.value(Kind::Gauge, name, help, kib * 1024);
    }
    if let Some(threads) = field("Threads:") {
        page.value(Kind::Gauge, "process_threads", "Threads.", threads);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        let help = "File descriptors that are open.";
        page.value(Kind::Gauge, "process_open_fds", help, open.count());
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        let help = "File descriptors that may be open.";
        page.value(Kind::Gauge, "process_max_fds", help, most);
    }
}
