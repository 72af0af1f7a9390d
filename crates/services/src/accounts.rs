//! Registration, and what a user does with his own account.

mod profile;
mod register;

pub use profile::{ChangePassword, ProfileError, ProfileUpdate};
pub(crate) use register::numbered_username;
pub use register::{Register, RegisterError};

use crate::services::Core;
use doorward_domain::username::ForeignAddress;
use doorward_domain::{EmailAddress, User, UserId, Username};
use doorward_storage::{Constraint, StoreError, Transaction};
use std::sync::Arc;

/// Accounts, as their holders see them.
#[derive(Debug)]
pub struct AccountService {
    core: Arc<Core>,
}

impl AccountService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

/// Django's message for a username that another account has.
pub(crate) const USERNAME_TAKEN: &str = "A user with that username already exists.";
/// The like for an email address.
pub(crate) const EMAIL_TAKEN: &str = "A user with that email address already exists.";

/// The field and the message for a rule of the database that an input breaks.
pub(crate) fn taken(constraint: Constraint) -> (&'static str, &'static str) {
    match constraint {
        Constraint::Username => ("username", USERNAME_TAKEN),
        Constraint::UserEmail => ("email", EMAIL_TAKEN),
        Constraint::SigningKey => ("signing_key", "This place is taken."),
    }
}

/// Which of the two somebody else than `own` has already.
pub(crate) fn taken_by_others(
    tx: &mut dyn Transaction,
    own: Option<UserId>,
    username: Option<&Username>,
    email: Option<&EmailAddress>,
) -> Result<Vec<Constraint>, StoreError> {
    let is_other = |user: Option<User>| user.is_some_and(|user| Some(user.id) != own);
    let mut taken = Vec::new();
    if let Some(username) = username
        && is_other(tx.user_by_username(username)?)
    {
        taken.push(Constraint::Username);
    }
    if let Some(email) = email
        && is_other(tx.user_by_email(email)?)
    {
        taken.push(Constraint::UserEmail);
    }
    Ok(taken)
}

/// The fields of a profile that are different, for the audit log.
pub(crate) fn changed_fields(before: &User, after: &User) -> Vec<&'static str> {
    let is_changed = [
        ("username", before.username != after.username),
        ("email", before.email != after.email),
    ];
    let changed = is_changed.iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(name, _)| *name).collect()
}

/// An imported username may be an address that is not the account's own, and it may stay. Nobody may take one.
///
/// # Errors
/// [`ForeignAddress`] when the change would make it so.
pub(crate) fn check_username(before: &User, after: &User) -> Result<(), ForeignAddress> {
    let check = |user: &User| user.username.check_against(user.email.as_ref());
    let was_foreign = check(before).is_err();
    if was_foreign && before.username == after.username {
        Ok(())
    } else {
        check(after)
    }
}

#[cfg(test)]
mod tests;
