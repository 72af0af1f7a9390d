//! How the service fares.

use crate::answer::Answer;
use crate::chart::{self, Chart};
use crate::desk::Desk;
use crate::pages::tasks;
use crate::shell::{Section, Shell};
use crate::words::{Time, number};
use askama::Template;
use doorward_domain::TaskStatus;
use doorward_services::figures::Figures;
use doorward_services::health::HealthStatus;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    shell: Shell,
    health: Vec<Light>,
    summary: &'static str,
    figures: Vec<Figure>,
    counted_at: Time,
    charts: [Chart; 2],
    tasks: Vec<(TaskStatus, usize)>,
}

/// A part of the service, and whether it answers.
struct Light {
    name: &'static str,
    is_good: bool,
    text: &'static str,
}

/// A number with its name.
struct Figure {
    name: &'static str,
    value: String,
    note: String,
}

/// `GET /admin`
pub(crate) async fn show(desk: Desk) -> Answer {
    let overview = desk.services().overview.show(desk.caller()).await?;
    let health = desk.services().health.check();
    let since = chart::since(health.at);
    let counts = desk.services().audit.activity(desk.caller(), since).await?;
    let light = |name, is_good| Light {
        name,
        is_good,
        text: if is_good {
            "answers"
        } else {
            "does not answer"
        },
    };
    let redis = health.shared.map(|is_up| light("Redis", is_up));
    let page = OverviewPage {
        shell: desk.shell(Section::Overview, "Overview"),
        health: [Some(light("Database", health.database)), redis]
            .into_iter()
            .flatten()
            .collect(),
        summary: match health.status() {
            HealthStatus::Ok => "All is well",
            HealthStatus::Degraded => "Degraded: requests go on, slower",
            HealthStatus::Unavailable => "Unavailable: the database does not answer",
        },
        figures: vec![
            Figure {
                name: "Active users",
                value: number(overview.users.active),
                note: format!("{} deactivated", number(overview.users.inactive)),
            },
            Figure {
                name: "Live sessions",
                value: number(overview.live_sessions),
                note: "neither ended nor expired".to_owned(),
            },
            Figure {
                name: "Hashing queue",
                value: overview.hashing.to_string(),
                note: "passwords that wait, on this node".to_owned(),
            },
            hits(&desk.services().figures.now()),
        ],
        tasks: tasks::counts(&desk).await?,
        charts: [
            Chart::of_day(&counts, health.at),
            Chart::of_month(&counts, health.at),
        ],
        counted_at: overview.counted_at.into(),
    };
    desk.page(&page)
}

/// Of what is kept in memory, all together.
fn hits(figures: &Figures) -> Figure {
    let caches = figures.caches.iter().map(|(_, cache)| *cache);
    let (hits, misses) = caches.fold((0, 0), |(hits, misses), cache| {
        (hits + cache.hits, misses + cache.misses)
    });
    Figure {
        name: "Cache hits",
        value: share(hits, misses),
        note: format!(
            "of {} looks into the memory of this node",
            number(hits + misses)
        ),
    }
}

/// How many of a thousand, rounded down: what has missed once is not all.
fn share(hits: u64, misses: u64) -> String {
    let thousandths = u128::from(hits) * 1000;
    match thousandths.checked_div(u128::from(hits) + u128::from(misses)) {
        Some(share) => format!("{}.{} %", share / 10, share % 10),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down() {
        for (hits, misses, expected) in [
            (0, 0, "–"),
            (0, 5, "0.0 %"),
            (2, 1, "66.6 %"),
            (9999, 1, "99.9 %"),
            (7, 0, "100.0 %"),
        ] {
            assert_eq!(share(hits, misses), expected);
        }
    }
}
