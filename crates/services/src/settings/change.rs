//! Changes of settings: all or nothing, and none over one that was not seen.

use super::RuntimeSettings;
use super::listing::{Listing, Stored};
use crate::auth::Caller;
use crate::error::{Internal, from_internal};
use crate::fields::FieldErrors;
use chrono::{DateTime, Utc};
use doorward_domain::settings::{Setting, SettingChange, SettingError, SettingValue};
use doorward_domain::{AuditEvent, Role, SecurityEvent, SettingChangeId, UserId, audit};
use doorward_storage::Transaction;

/// How often a change is tried for that others have overtaken, who changed something at the same time.
const ATTEMPTS: usize = 10;

/// A setting and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// The name.
    pub name: String,
    /// The value; none stands for what is no value of any setting.
    pub value: Option<SettingValue>,
}

/// Which version whoever changes settings has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// He does not say: what he does not name stays as others have made it.
    Any,
    /// One of these, by its `ETag`.
    OneOf(Vec<String>),
}

/// Why settings are not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// For owners alone.
    #[error("settings are for owners alone")]
    NotAllowed,
    /// There is no such change.
    #[error("there is no such change")]
    NotFound,
    /// Some of them are not good: nothing was changed.
    #[error("some settings are not valid")]
    Invalid(FieldErrors),
    /// Somebody else has changed settings since they were looked at: nothing was changed.
    #[error("somebody else has changed the settings since")]
    Stale,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

from_internal!(SettingsError);

/// What one attempt came to.
enum Attempt {
    Done(Stored),
    /// Others have changed something between two statements of ours.
    Overtaken,
}

/// What the settings that are to be changed are to hold; none: nothing any more.
type Wanted = Vec<(String, Option<String>)>;

impl Proposed {
    /// Out of text, as people write it.
    pub fn from_text(name: &str, text: &str) -> Self {
        let parsed = Setting::named(name).map(|setting| setting.parse(text));
        Self {
            name: name.to_owned(),
            value: parsed.and_then(Result::ok),
        }
    }

    fn check(&self) -> Result<SettingValue, String> {
        let setting = Setting::named(&self.name).ok_or("There is no such setting.")?;
        setting.accept(self.value).map_err(sentence)
    }
}

/// `must be …`, as a sentence.
fn sentence(error: SettingError) -> String {
    error.to_string().replacen("must", "Must", 1) + "."
}

impl IfMatch {
    fn allows(&self, listing: &Listing) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&listing.etag),
        }
    }
}

impl RuntimeSettings {
    /// Gives settings other values, all of them or none; `by` nobody is for the command line. They are in force on this
    /// node when this returns.
    ///
    /// # Errors
    /// [`SettingsError`], for any of its reasons but `NotFound`.
    pub async fn change(
        &self,
        proposed: Vec<Proposed>,
        seen: IfMatch,
        by: Option<Caller>,
    ) -> Result<Listing, SettingsError> {
        let (mut wanted, mut errors) = (Wanted::new(), FieldErrors::default());
        for it in proposed {
            let value = errors.take(&it.name, it.check());
            wanted.extend(value.map(|value| (it.name, Some(value.to_string()))));
        }
        if !errors.is_empty() {
            return Err(SettingsError::Invalid(errors));
        }
        self.write(by, move |_, stored, listing| {
            if !seen.allows(listing) {
                return Err(SettingsError::Stale);
            }
            let is_new = |(name, value): &&(String, Option<String>)| {
                stored.of(name).map(|row| &row.value) != value.as_ref()
            };
            Ok(wanted.iter().filter(is_new).cloned().collect())
        })
        .await
    }

    /// Takes one change back.
    ///
    /// # Errors
    /// [`SettingsError`], for any of its reasons but `Invalid`.
    pub async fn undo(
        &self,
        id: SettingChangeId,
        by: Option<Caller>,
    ) -> Result<Listing, SettingsError> {
        self.write(by, move |tx, stored, _| {
            let change = tx.setting_change(id)?.ok_or(SettingsError::NotFound)?;
            if stored.of(&change.name).map(|row| &row.value) != change.new.as_ref() {
                return Err(SettingsError::Stale);
            }
            // What nobody could set is not brought back: the variable or the default counts.
            let is_good = |text: &String| match Setting::named(&change.name) {
                Some(setting) => setting.parse(text).is_ok(),
                None => true,
            };
            let old = change.old.filter(is_good);
            Ok(vec![(change.name, old)])
        })
        .await
    }

    /// Writes what `decide` wants, which is asked anew when others were faster.
    async fn write<F>(&self, by: Option<Caller>, decide: F) -> Result<Listing, SettingsError>
    where
        F: Fn(&mut dyn Transaction, &Stored, &Listing) -> Result<Wanted, SettingsError>
            + Clone
            + Send
            + 'static,
    {
        for _attempt in 0..ATTEMPTS {
            let (decide, by) = (decide.clone(), by.clone());
            let (variables, at) = (self.variables.clone(), self.clock.now());
            let attempt = self.store.write(move |tx| {
                require_active_owner(tx, by.as_ref())?;
                let stored = Stored::read(tx)?;
                let listing = stored.listing(&variables);
                let wanted = decide(tx, &stored, &listing)?;
                if wanted.is_empty() {
                    return Ok(Attempt::Done(stored));
                }
                if !tx.advance_settings(stored.version, at)? {
                    return Ok(Attempt::Overtaken);
                }
                let who = by.as_ref().map(|caller| caller.principal.id);
                write_all(tx, &stored, wanted, who, at)?;
                let written = Stored::read(tx)?;
                let event = SecurityEvent::SettingsChanged {
                    changes: differences(&listing, &written.listing(&variables)),
                };
                tx.append_event(&match &by {
                    Some(caller) => caller.event(at, &event).about_nobody(),
                    None => AuditEvent::new(at, &event),
                })?;
                Ok::<_, SettingsError>(Attempt::Done(written))
            });
            if let Attempt::Done(stored) = attempt.await? {
                self.learn(&stored).await;
                return Ok(stored.listing(&self.variables));
            }
        }
        Err(SettingsError::Stale)
    }
}

fn write_all(
    tx: &mut dyn Transaction,
    stored: &Stored,
    wanted: Wanted,
    by: Option<UserId>,
    at: DateTime<Utc>,
) -> Result<(), SettingsError> {
    for (name, new) in wanted {
        let old = stored.of(&name).map(|row| row.value.clone());
        tx.change_setting(&SettingChange {
            id: SettingChangeId::new(at),
            version: stored.version + 1,
            name,
            old,
            new,
            at,
            by,
        })?;
    }
    Ok(())
}

/// What the audit log tells of a change: each setting that was written, with what counted before and what does now.
fn differences(before: &Listing, after: &Listing) -> Vec<audit::SettingChange> {
    let pairs = before.settings.iter().zip(&after.settings);
    pairs
        .filter(|(old, new)| (old.value, old.changed_at) != (new.value, new.changed_at))
        .map(|(old, new)| audit::SettingChange {
            name: old.setting.name.to_owned(),
            from: old.value.to_string(),
            to: new.value.to_string(),
        })
        .collect()
}

/// He may have been one when the request came in, and be none any more.
fn require_active_owner(
    tx: &mut dyn Transaction,
    by: Option<&Caller>,
) -> Result<(), SettingsError> {
    let Some(by) = by else {
        return Ok(());
    };
    match tx.user(by.principal.id)? {
        Some(user) if user.is_active && user.role == Role::Owner => Ok(()),
        Some(_) | None => Err(SettingsError::NotAllowed),
    }
}
