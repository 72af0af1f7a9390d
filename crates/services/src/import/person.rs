//! What one person's data in Django says, apart from everybody else's.

use super::report::{LeftOut, Said};
use crate::passwords;
use chrono::{DateTime, Datelike, DurationRound, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use doorward_domain::{EmailAddress, PasswordHash, Role, User, UserId, Username};
use doorward_storage::ImportedUser;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Django's limit for both names.
const LONGEST_NAME: usize = 150;
const LONGEST_KEY: usize = 255;

/// A person as Django has him. Nothing is checked yet.
#[derive(Debug, Clone, Default)]
pub struct DjangoUser {
    /// His primary key.
    pub key: Option<String>,
    /// None in a project whose people have only addresses.
    pub username: Option<String>,
    /// Empty where there is none.
    pub email: Option<String>,
    /// The hash. Empty, or with `!` at its beginning, where no password is usable.
    pub password: Option<SecretString>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The role, in a model that has one.
    pub role: Option<String>,
    /// Active unless it says otherwise.
    pub is_active: Option<bool>,
    /// Whether he may enter Django's admin.
    pub is_staff: bool,
    /// Whether he may do everything in it.
    pub is_superuser: bool,
    /// When he joined: RFC 3339, or without a zone, which is taken as UTC.
    pub date_joined: Option<String>,
    /// When he last logged in, in the same way.
    pub last_login: Option<String>,
}

impl DjangoUser {
    /// What a report calls him: by his username, else by his address, else by his key.
    pub fn label(&self) -> String {
        let key = self.key.as_ref().map(|key| format!("key {key}"));
        let name = [&self.username, &self.email]
            .into_iter()
            .flatten()
            .find(|text| !text.trim().is_empty());
        name.cloned()
            .or(key)
            .unwrap_or_else(|| "somebody without a name".to_owned())
    }
}

/// Somebody who could be taken over, were he alone.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) who: String,
    /// None where a name has to be made.
    pub(super) username: Option<Username>,
    /// What it is made from.
    pub(super) name_source: Username,
    pub(super) imported: ImportedUser,
    /// What is not as it was in Django.
    pub(super) said: Vec<Said>,
}

impl Candidate {
    pub(super) fn of(person: DjangoUser, now: DateTime<Utc>) -> Result<Self, LeftOut> {
        let mut said = Vec::new();
        let (who, role) = (person.label(), role_of(&person, &mut said));
        let email = email_of(person.email.as_deref(), &mut said);
        let username = match person.username.filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(Username::parse(&text).map_err(LeftOut::Username)?),
            None => None,
        };
        let suggested = || email.as_ref().map(Username::suggested_by);
        let name_source = username.clone().or_else(suggested).ok_or(LeftOut::NoName)?;
        let mut date = |text: Option<&str>, field| {
            let text = text.filter(|text| !text.trim().is_empty())?;
            let read = instant(text);
            if read.is_none() {
                said.push(Said::Date(field));
            }
            read
        };
        let date_joined = date(person.date_joined.as_deref(), "date_joined").unwrap_or(now);
        let last_login = date(person.last_login.as_deref(), "last_login");
        let key = person.key.map(|text| Key::parse(&text)).transpose()?;
        let password = password_of(person.password, &mut said);
        let first_name = name_of(person.first_name, "first_name", &mut said);
        let last_name = name_of(person.last_name, "last_name", &mut said);
        let id = key.as_ref().and_then(|key| key.uuid);
        let user = User {
            id: id.map_or_else(|| UserId::new(date_joined), UserId::from_uuid),
            username: name_source.clone(),
            email,
            password,
            role,
            is_active: person.is_active.unwrap_or(true),
            date_joined,
            last_login,
        };
        Ok(Self {
            who,
            username,
            name_source,
            imported: ImportedUser {
                user,
                django_id: key.map(|key| key.text),
                first_name,
                last_name,
            },
            said,
        })
    }
}

/// A primary key of Django's.
struct Key {
    text: String,
    /// A UUID stays the account's id.
    uuid: Option<Uuid>,
}

impl Key {
    /// SQLite has Django's UUIDs without hyphens; tokens have them with.
    fn parse(text: &str) -> Result<Self, LeftOut> {
        let text = text.trim();
        let is_usable = !text.is_empty()
            && text.chars().count() <= LONGEST_KEY
            && !text.chars().any(char::is_control);
        if !is_usable {
            return Err(LeftOut::Key);
        }
        let uuid = matches!(text.len(), 32 | 36)
            .then(|| Uuid::try_parse(text).ok())
            .flatten();
        let text = uuid.map_or_else(|| text.to_owned(), |uuid| uuid.hyphenated().to_string());
        Ok(Self { text, uuid })
    }
}

/// A superuser is an owner. Otherwise the model's own role counts, if it has one, and else staff are admins.
fn role_of(person: &DjangoUser, said: &mut Vec<Said>) -> Role {
    if person.is_superuser {
        return Role::Owner;
    }
    let of_staff = if person.is_staff {
        Role::Admin
    } else {
        Role::User
    };
    let text = person.role.as_deref().map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return of_staff;
    }
    text.to_lowercase().parse().unwrap_or_else(|_unknown| {
        said.push(Said::Role(of_staff));
        of_staff
    })
}

fn email_of(text: Option<&str>, said: &mut Vec<Said>) -> Option<EmailAddress> {
    let text = text.map(str::trim).unwrap_or_default();
    if text.is_empty() {
        said.push(Said::NoEmail);
        return None;
    }
    EmailAddress::parse(text)
        .inspect_err(|_invalid| said.push(Said::Email))
        .ok()
}

/// Somebody whose password is not usable in Django has none here either, and that is nothing new to him.
fn password_of(text: Option<SecretString>, said: &mut Vec<Said>) -> Option<PasswordHash> {
    let text = text?;
    let text = text.expose_secret();
    if text.is_empty() || text.starts_with('!') {
        return None;
    }
    let hash = PasswordHash::parse(text).ok();
    let is_clean = !text.chars().any(char::is_control);
    let Some(hash) = hash.filter(|_| is_clean) else {
        said.push(Said::Password(passwords::Unverifiable::Damaged));
        return None;
    };
    passwords::check(&hash)
        .inspect_err(|reason| said.push(Said::Password(*reason)))
        .ok()
        .map(|()| hash)
}

fn name_of(text: Option<String>, field: &'static str, said: &mut Vec<Said>) -> Option<String> {
    let text = text.map(|text| text.trim().to_owned());
    let text = text.filter(|text| !text.is_empty())?;
    let is_usable = text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    if !is_usable {
        said.push(Said::Name(field));
        return None;
    }
    Some(text)
}

/// As `dumpdata`, SQLite or a person writes it; in whole microseconds.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let zoned = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let unzoned = |format| NaiveDateTime::parse_from_str(text, format).map(|at| at.and_utc());
    let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let at = zoned
        .or_else(|_| unzoned("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|_| unzoned("%Y-%m-%d %H:%M:%S%.f"))
        .ok()
        .or_else(|| Some(day()?.and_hms_opt(0, 0, 0)?.and_utc()))?;
    (1..=9999).contains(&at.year()).then_some(())?;
    at.duration_trunc(TimeDelta::microseconds(1))
        .ok()
        .or(Some(at))
}
