//! The runtime settings, who has changed them, and how it is undone.

use crate::answer::Answer;
use crate::desk::{Change, Desk};
use crate::failure::Failure;
use crate::fields::{Fields, messages};
use crate::pages::people::People;
use crate::pages::user::parsed;
use crate::shell::{Section, Shell};
use crate::words::Time;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use askama::Template;
use doorward_domain::settings::{Kind, SettingChange};
use doorward_services::FieldErrors;
use doorward_services::settings::{IfMatch, ListedSetting, Listing, Proposed, SettingsError};
use std::collections::BTreeSet;

/// So many changes are shown.
const CHANGES: u32 = 50;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    etag: String,
    settings: Vec<SettingRow>,
    changes: Vec<ChangeRow>,
    problem: Option<&'static str>,
}

struct SettingRow {
    name: &'static str,
    description: &'static str,
    is_switch: bool,
    /// What stands in the field.
    shown: String,
    /// What is in force, where the field shows something else.
    in_force: Option<String>,
    default: String,
    bounds: String,
    changed: Option<(Time, Person)>,
    errors: Vec<String>,
}

type Person = crate::pages::people::Person;

struct ChangeRow {
    id: String,
    at: Time,
    by: Person,
    name: String,
    old: String,
    new: String,
    /// Nobody has changed the setting again since.
    is_last: bool,
}

/// `GET /admin/settings`
pub(crate) async fn show(desk: Desk) -> Answer {
    let page = load(&desk, &Fields::default(), &FieldErrors::default(), None).await?;
    desk.page(&page)
}

/// `POST /admin/settings`
pub(crate) async fn update(change: Change) -> Answer {
    let Change { desk, fields, .. } = change;
    let settings = &desk.services().settings;
    let listing = settings.list(desk.caller()).await?;
    let differs = |it: &&ListedSetting| {
        let sent = fields.raw(it.setting.name).map(str::trim);
        sent.is_some_and(|sent| sent != it.value.to_string())
    };
    let proposed = listing.settings.iter().filter(differs).map(|it| {
        let sent = fields.raw(it.setting.name).unwrap_or_default();
        Proposed::from_text(it.setting.name, sent.trim())
    });
    let seen = IfMatch::OneOf(vec![fields.raw("seen").unwrap_or_default().to_owned()]);
    match settings
        .change(desk.caller(), proposed.collect(), seen)
        .await
    {
        Ok(_) => Ok(desk.to("/admin/settings?done=saved")),
        Err(SettingsError::Invalid(errors)) => {
            let page = load(&desk, &fields, &errors, None).await?;
            desk.refused(StatusCode::BAD_REQUEST, &page)
        }
        Err(SettingsError::Stale) => {
            let page = load(&desk, &fields, &FieldErrors::default(), Some(STALE)).await?;
            desk.refused(StatusCode::CONFLICT, &page)
        }
        Err(error) => Err(error.into()),
    }
}

const STALE: &str = "Somebody else has changed the settings since you opened this page, so nothing was saved. Your values \
                     stand in the fields, and beside them what is in force now. Save again to have yours.";

/// `POST /admin/settings/undo`
pub(crate) async fn undo(change: Change) -> Answer {
    let Change { desk, fields, .. } = change;
    let id = parsed(fields.get("change").unwrap_or_default())?;
    desk.services().settings.undo(desk.caller(), id).await?;
    Ok(desk.to("/admin/settings?done=undone"))
}

/// `GET /admin/constance/config`, where other services had theirs.
pub(crate) async fn moved() -> HttpResponse {
    let target = (LOCATION, "/admin/settings");
    HttpResponse::PermanentRedirect()
        .insert_header(target)
        .finish()
}

async fn load(
    desk: &Desk,
    sent: &Fields,
    errors: &FieldErrors,
    problem: Option<&'static str>,
) -> Result<SettingsPage, Failure> {
    let (settings, caller) = (&desk.services().settings, desk.caller());
    let Listing {
        etag,
        settings: listed,
        ..
    } = settings.list(caller).await?;
    let changes = settings.changes(caller, None, CHANGES).await?;
    let ids = listed.iter().filter_map(|it| it.changed_by);
    let people = People::load(desk, ids.chain(changes.iter().filter_map(|it| it.by))).await?;
    let mut seen = BTreeSet::new();
    let changes: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let is_last = seen.insert(change.name.clone());
            change_row(change, &people, is_last)
        })
        .collect();
    Ok(SettingsPage {
        shell: desk.shell(Section::Settings, "Settings"),
        etag,
        settings: listed
            .iter()
            .map(|it| setting_row(it, &people, sent, errors))
            .collect(),
        changes,
        problem,
    })
}

fn setting_row(
    listed: &ListedSetting,
    people: &People,
    sent: &Fields,
    errors: &FieldErrors,
) -> SettingRow {
    let (setting, present) = (listed.setting, listed.value.to_string());
    let shown = sent.raw(setting.name).unwrap_or(&present).to_owned();
    let changed = listed
        .changed_at
        .map(|at| (at.into(), people.of(listed.changed_by)));
    SettingRow {
        name: setting.name,
        description: setting.description,
        is_switch: matches!(setting.kind, Kind::Switch { .. }),
        in_force: (shown != present).then_some(present),
        shown,
        default: listed.default.to_string(),
        bounds: match setting.kind {
            Kind::Seconds {
                minimum, maximum, ..
            } => format!("{minimum} to {maximum} seconds"),
            Kind::Switch { .. } => "true or false".to_owned(),
            Kind::Rate { .. } => "N/sec, N/min, N/hour or off".to_owned(),
        },
        changed,
        errors: messages(errors, setting.name),
    }
}

fn change_row(change: SettingChange, people: &People, is_last: bool) -> ChangeRow {
    let value = |value: Option<String>| value.unwrap_or_else(|| "as configured".to_owned());
    ChangeRow {
        id: change.id.to_string(),
        at: change.at.into(),
        by: people.of(change.by),
        name: change.name,
        old: value(change.old),
        new: value(change.new),
        is_last,
    }
}
