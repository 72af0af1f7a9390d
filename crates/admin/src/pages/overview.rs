//! How the service fares.

use crate::answer::Answer;
use crate::chart::{self, Chart};
use crate::desk::Desk;
use crate::pages::tasks;
use crate::shell::{Section, Shell};
use crate::words::{Time, number};
use askama::Template;
use doorward_domain::TaskStatus;
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
