//! `doorward settings`

use super::{database_in_use, say};
use crate::cli::{SettingsAction, SettingsArgs};
use crate::config::Config;
use anyhow::{Context, anyhow};
use chrono::SecondsFormat;
use doorward_domain::settings::Setting;
use doorward_services::SystemClock;
use doorward_services::settings::{IfMatch, ListedSetting, Listing, Proposed, RuntimeSettings};
use doorward_storage::Store;
use doorward_storage_diesel::{DieselStore, OnPending, StoreConfig};
use std::sync::Arc;

/// Lists, shows or changes runtime settings. Running servers follow by themselves.
///
/// # Errors
/// One line that says why nothing was shown or changed.
pub async fn settings(config: &Config, args: SettingsArgs) -> anyhow::Result<()> {
    let url = database_in_use(config, "start Doorward first")?;
    let store: Arc<dyn Store> = Arc::new(DieselStore::open(
        &url,
        &StoreConfig {
            on_pending: OnPending::Refuse,
            ..StoreConfig::default()
        },
    )?);
    let clock = Arc::new(SystemClock::start());
    let settings = RuntimeSettings::over(Arc::clone(&store), clock, config.settings.clone());
    let done = run(&settings, args.action).await;
    store.close().await;
    done
}

async fn run(settings: &RuntimeSettings, action: SettingsAction) -> anyhow::Result<()> {
    match action {
        SettingsAction::List { json: false } => say(&table(&settings.list().await?))?,
        SettingsAction::List { json: true } => {
            let listing = settings.list().await?;
            say(&doorward_api::settings_json(&listing)?)?;
        }
        SettingsAction::Get { name } => {
            let name = known(&name)?.name;
            say(&value(&settings.list().await?, name))?;
        }
        SettingsAction::Set { name, value: text } => {
            let setting = known(&name)?;
            setting
                .parse(&text)
                .map_err(|error| anyhow!("{name} {error}, not {text:?}"))?;
            let proposed = vec![Proposed::from_text(&name, &text)];
            let changed = settings.change(proposed, IfMatch::Any, None).await?;
            let value = value(&changed, setting.name);
            say(&format!(
                "{name} is {value} from now on; running servers follow within two seconds."
            ))?;
        }
    }
    Ok(())
}

fn known(name: &str) -> anyhow::Result<&'static Setting> {
    Setting::named(name).with_context(|| {
        format!("there is no setting {name:?}; `doorward settings list` shows all")
    })
}

fn value(listing: &Listing, name: &str) -> String {
    let found = listing.settings.iter().find(|it| it.setting.name == name);
    found.map(|it| it.value.to_string()).unwrap_or_default()
}

fn table(listing: &Listing) -> String {
    let head = row(["NAME", "VALUE", "DEFAULT", "CHANGED"]);
    let rows = listing.settings.iter().map(|it| {
        let (value, default) = (it.value.to_string(), it.default.to_string());
        row([it.setting.name, &value, &default, &changed(it)])
    });
    std::iter::once(head)
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn row([name, value, default, changed]: [&str; 4]) -> String {
    format!("{name:<22}  {value:<14}  {default:<14}  {changed}")
}

fn changed(listed: &ListedSetting) -> String {
    match (listed.changed_at, listed.changed_by) {
        (None, _) if listed.value == listed.default => "no".to_owned(),
        (None, _) => "no; its variable is set".to_owned(),
        (Some(at), by) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let by = by.map_or_else(|| "this command".to_owned(), |user| format!("user {user}"));
            format!("{at} by {by}")
        }
    }
}
