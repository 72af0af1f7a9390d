//! The names of what the services count.

use doorward_metrics::{CacheFigures, Kind, Page};
use doorward_services::Services;
use doorward_services::figures::{Figures, StoreFigures};
use doorward_services::hashing::HashingFigures;
use doorward_services::health::Health;
use doorward_services::overview::Totals;

pub(super) fn write(page: &mut Page, services: &Services, totals: Option<&Totals>) {
    let figures = services.figures.now();
    logins(page, &figures);
    hashing(page, &figures.hashing);
    store(page, &figures.store);
    caches(page, &figures);
    health(page, &services.health.check(), &figures);
    if let Some(totals) = totals {
        counted(page, totals);
    }
}

fn logins(page: &mut Page, figures: &Figures) {
    let help = "Attempts to log in, by what has come of them.";
    let mut family = page.family(Kind::Counter, "doorward_logins_total", help);
    for (outcome, count) in figures.logins {
        family.value(&[("outcome", outcome.as_str())], count);
    }
}

fn hashing(page: &mut Page, hashing: &HashingFigures) {
    let help = "Passwords that wait to be hashed, and that are being hashed.";
    let mut family = page.family(Kind::Gauge, "doorward_hashing_tasks", help);
    family.value(&[("state", "waiting")], hashing.waiting);
    family.value(&[("state", "running")], hashing.running);
    let help = "Passwords that were not hashed, since they could not have been in time.";
    let name = "doorward_hashing_refused_total";
    page.value(Kind::Counter, name, help, hashing.refused);
    let help = "For how long passwords waited until they were hashed.";
    page.family(Kind::Histogram, "doorward_hashing_wait_seconds", help)
        .distribution(&[], &hashing.waits);
}

fn store(page: &mut Page, store: &StoreFigures) {
    let help = "Units of work that wait for a thread of the database.";
    let mut family = page.family(Kind::Gauge, "doorward_store_waiting", help);
    family.value(&[("mode", "read")], store.waiting_reads);
    family.value(&[("mode", "write")], store.waiting_writes);
    let help = "Units of work that were refused, since they could not begin in time.";
    let name = "doorward_store_refused_total";
    page.value(Kind::Counter, name, help, store.refused);
    let help = "For how long units of work waited until they began.";
    page.family(Kind::Histogram, "doorward_store_wait_seconds", help)
        .distribution(&[], &store.waits);
}

fn caches(page: &mut Page, figures: &Figures) {
    type Of = fn(&CacheFigures) -> u64;
    let shared = figures.shared_cache.map(|cache| ("shared", cache));
    let caches: Vec<_> = figures.caches.into_iter().chain(shared).collect();
    let families: [(_, _, Of); 2] = [
        (
            "doorward_cache_hits_total",
            "What was in memory, or in the cache that nodes share.",
            |it| it.hits,
        ),
        (
            "doorward_cache_misses_total",
            "What was not there and had to be loaded.",
            |it| it.misses,
        ),
    ];
    for (name, help, of) in families {
        let mut family = page.family(Kind::Counter, name, help);
        for (cache, figures) in &caches {
            family.value(&[("cache", cache)], of(figures));
        }
    }
}

fn health(page: &mut Page, health: &Health, figures: &Figures) {
    let help = "For how long the change feed was not read. Memory is not trusted from 10 s on.";
    let lag = figures.feed_age.as_secs_f64();
    page.value(Kind::Gauge, "doorward_change_feed_lag_seconds", help, lag);
    let help = "Whether the database answers.";
    let name = "doorward_database_up";
    page.value(Kind::Gauge, name, help, u8::from(health.database));
    if let Some(is_up) = health.shared {
        let help = "Whether Redis answers.";
        page.value(Kind::Gauge, "doorward_redis_up", help, u8::from(is_up));
    }
}

/// The same on every node.
fn counted(page: &mut Page, totals: &Totals) {
    let help = "Users in the database.";
    let mut family = page.family(Kind::Gauge, "doorward_users", help);
    family.value(&[("state", "active")], totals.users.active);
    family.value(&[("state", "inactive")], totals.users.inactive);
    let help = "Sessions in the database that have neither ended nor expired.";
    let name = "doorward_sessions_live";
    page.value(Kind::Gauge, name, help, totals.live_sessions);
    let help = "Scheduled tasks in the database.";
    let mut family = page.family(Kind::Gauge, "doorward_tasks", help);
    for (status, count) in totals.tasks {
        family.value(&[("state", status.as_str())], count);
    }
    let help = "Events of the audit log that are not chained yet.";
    let name = "doorward_audit_unsealed_events";
    page.value(Kind::Gauge, name, help, totals.unsealed_events);
}
