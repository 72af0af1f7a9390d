//! What admins and owners do with the accounts of others.

use super::UserService;
use crate::accounts::{changed_fields, check_username, taken, taken_by_others};
use crate::auth::{Caller, end_access};
use crate::error::{Internal, conflicts_are_invalid};
use crate::fields::FieldErrors;
use chrono::{DateTime, Utc};
use doorward_domain::api_key::MAX_API_KEYS_PER_USER;
use doorward_domain::session::EndReason;
use doorward_domain::{EmailAddress, Role, SecurityEvent, User, UserId, Username};
use doorward_storage::{StoreError, Transaction};

/// New values for an account; what is not given stays.
#[derive(Debug, Default)]
pub struct UserUpdate {
    /// A new username.
    pub username: Option<String>,
    /// A new email address.
    pub email: Option<String>,
    /// A new role; owners alone give one.
    pub role: Option<String>,
    /// Whether the account is active.
    pub is_active: Option<bool>,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// Why an account stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// The caller's role does not go so far.
    #[error("the caller's role does not allow it")]
    NotAllowed,
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// It is the last active owner's.
    #[error("there must be an active owner")]
    LastOwner,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

conflicts_are_invalid!(AdministerError);

impl UserService {
    /// Any account, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn user(&self, caller: &Caller, id: UserId) -> Result<User, AdministerError> {
        require_admin(caller)?;
        let user = self.core.store.read(move |tx| tx.user(id)).await?;
        user.ok_or(AdministerError::NotFound)
    }

    /// Changes an account. Who is deactivated loses every session at once.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] when an admin touches an admin, an owner or a role;
    /// [`AdministerError::LastOwner`] when there would be no active owner any more.
    pub async fn update(
        &self,
        caller: &Caller,
        id: UserId,
        update: UserUpdate,
    ) -> Result<User, AdministerError> {
        require_admin(caller)?;
        let (by, now) = (caller.principal.role, self.core.clock.now());
        let caller = caller.clone();
        self.core
            .store
            .write(move |tx| {
                let (before, owners) = lock(tx, id)?;
                if !by.may_manage(before.role) {
                    return Err(AdministerError::NotAllowed);
                }
                let after = changed(tx, by, &before, update)?;
                if is_active_owner(&before) && !is_active_owner(&after) && owners == [id] {
                    return Err(AdministerError::LastOwner);
                }
                if after != before {
                    tx.update_user(&after, now)?;
                }
                let mut events = events_of(&before, &after);
                if before.is_active && !after.is_active {
                    events.push(SecurityEvent::UserDeactivated {
                        sessions_ended: end_access(tx, id, None, EndReason::Deactivated, now)?,
                        api_keys_deleted: delete_api_keys(tx, id, now)?,
                    });
                }
                for event in &events {
                    tx.append_event(&caller.event(now, event).about(id))?;
                }
                Ok(after)
            })
            .await
    }

    /// Deletes an account and all that belongs to it.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub async fn delete(&self, caller: &Caller, id: UserId) -> Result<(), AdministerError> {
        require_admin(caller)?;
        let (by, now) = (caller.principal.role, self.core.clock.now());
        let caller = caller.clone();
        self.core
            .store
            .write(move |tx| {
                let (user, owners) = lock(tx, id)?;
                if !by.may_manage(user.role) {
                    return Err(AdministerError::NotAllowed);
                }
                if is_active_owner(&user) && owners == [id] {
                    return Err(AdministerError::LastOwner);
                }
                let sessions_ended = end_access(tx, id, None, EndReason::Deactivated, now)?;
                tx.delete_user(id, now)?;
                let event = SecurityEvent::UserDeleted {
                    role: user.role,
                    sessions_ended,
                };
                Ok(tx.append_event(&caller.event(now, &event).about(id))?)
            })
            .await
    }
}

/// Whoever deactivates an account because of a stolen key does not hand that key back when he lets the person in again.
fn delete_api_keys(
    tx: &mut dyn Transaction,
    user: UserId,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let most = u32::try_from(MAX_API_KEYS_PER_USER).unwrap_or(u32::MAX);
    let keys = tx.list_api_keys_of(user, None, most)?;
    for key in &keys {
        tx.delete_api_key(key.id, at)?;
    }
    Ok(keys.len())
}

/// What the log says of a change, but for a deactivation, which is more than a change of the account.
fn events_of(before: &User, after: &User) -> Vec<SecurityEvent> {
    let mut events = Vec::new();
    let fields = changed_fields(before, after);
    if !fields.is_empty() {
        events.push(SecurityEvent::ProfileChanged { fields });
    }
    if before.role != after.role {
        events.push(SecurityEvent::RoleChanged {
            from: before.role,
            to: after.role,
        });
    }
    if !before.is_active && after.is_active {
        events.push(SecurityEvent::UserActivated);
    }
    events
}

pub(crate) fn require_admin(caller: &Caller) -> Result<(), AdministerError> {
    if caller.principal.role >= Role::Admin {
        Ok(())
    } else {
        Err(AdministerError::NotAllowed)
    }
}

/// The user and the active owners, all of them locked: the owners first and always, so that two who demote each other
/// wait for each other in one order.
fn lock(tx: &mut dyn Transaction, id: UserId) -> Result<(User, Vec<UserId>), AdministerError> {
    let owners = tx.lock_active_owners()?;
    let user = tx.lock_user(id)?.ok_or(AdministerError::NotFound)?;
    Ok((user, owners))
}

fn is_active_owner(user: &User) -> bool {
    user.is_active && user.role == Role::Owner
}

fn changed(
    tx: &mut dyn Transaction,
    by: Role,
    before: &User,
    update: UserUpdate,
) -> Result<User, AdministerError> {
    let mut errors = update.errors;
    let username = update
        .username
        .and_then(|text| errors.take("username", Username::parse(&text)));
    let email = update
        .email
        .and_then(|text| errors.take("email", EmailAddress::parse(&text)));
    let role: Option<Role> = update
        .role
        .and_then(|text| errors.take("role", text.parse()));
    if role.is_some_and(|role| role != before.role) && by < Role::Owner {
        return Err(AdministerError::NotAllowed);
    }
    let taken_already = taken_by_others(tx, Some(before.id), username.as_ref(), email.as_ref())?;
    for (field, message) in taken_already.into_iter().map(taken) {
        errors.add(field, message);
    }
    let after = User {
        username: username.unwrap_or_else(|| before.username.clone()),
        email: email.or_else(|| before.email.clone()),
        role: role.unwrap_or(before.role),
        is_active: update.is_active.unwrap_or(before.is_active),
        ..before.clone()
    };
    if !errors.mentions("username") {
        errors.take("username", check_username(before, &after));
    }
    if errors.is_empty() {
        Ok(after)
    } else {
        Err(AdministerError::Invalid(errors))
    }
}
