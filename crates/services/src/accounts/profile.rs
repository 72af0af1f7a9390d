//! Profile, password, and the end of an account.

use super::{AccountService, changed_fields, check_username, taken, taken_by_others};
use crate::auth::{Caller, end_access};
use crate::error::{Internal, conflicts_are_invalid};
use crate::fields::{FieldErrors, REQUIRED};
use crate::passwords::Verification;
use crate::principals::Principal;
use crate::throttle::{Account, Whereabouts};
use doorward_domain::session::EndReason;
use doorward_domain::{
    EmailAddress, Password, PasswordHash, SecurityEvent, User, UserId, Username,
};
use doorward_storage::StoreError;
use secrecy::SecretString;
use std::sync::Arc;

/// New values for one's own account; what is not given stays.
#[derive(Debug, Default)]
pub struct ProfileUpdate {
    /// A new username.
    pub username: Option<String>,
    /// A new email address: it needs the password, or a login that is no older than `STEP_UP_WINDOW`.
    pub email: Option<String>,
    /// The password.
    pub current_password: Option<SecretString>,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// A new password for one's own account.
#[derive(Debug, Default)]
pub struct ChangePassword {
    /// The present one. Required.
    pub current_password: Option<SecretString>,
    /// The new one. Required.
    pub new_password: Option<SecretString>,
    /// What the reader of the input has found wrong already.
    pub errors: FieldErrors,
}

/// Why an account stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Every bad field with every message.
    #[error("the input is not valid")]
    Invalid(FieldErrors),
    /// It is the last active owner's.
    #[error("there must be an active owner")]
    LastOwner,
    /// The account has gone or changed in the meantime.
    #[error("the account is not there any more")]
    Gone,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

conflicts_are_invalid!(ProfileError);

const WRONG_PASSWORD: &str = "The password is not correct.";
const CURRENT_PASSWORD: &str = "current_password";

impl AccountService {
    /// Changes the caller's username or email address.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] names all bad fields at once.
    pub async fn update_profile(
        &self,
        caller: &Caller,
        update: ProfileUpdate,
    ) -> Result<Principal, ProfileError> {
        let mut errors = update.errors;
        let username = update
            .username
            .and_then(|text| errors.take("username", Username::parse(&text)));
        let email = update
            .email
            .and_then(|text| errors.take("email", EmailAddress::parse(&text)));
        let (id, session) = (caller.principal.id, caller.session());
        let (name, address) = (username.clone(), email.clone());
        let (user, session, taken_already) = self
            .core
            .store
            .read(move |tx| {
                let taken = taken_by_others(tx, Some(id), name.as_ref(), address.as_ref())?;
                let session = session.map(|id| tx.session(id)).transpose()?.flatten();
                Ok::<_, StoreError>((tx.user(id)?, session, taken))
            })
            .await?;
        let user = user.ok_or(ProfileError::Gone)?;
        for (field, message) in taken_already.into_iter().map(taken) {
            errors.add(field, message);
        }
        let new_email = email.filter(|email| Some(email) != user.email.as_ref());
        let window = self.core.settings.load().step_up_window;
        let is_fresh =
            session.is_some_and(|session| self.core.clock.now() - session.created_at <= window);
        let is_proof_needed = new_email.is_some() && !is_fresh;
        if is_proof_needed && update.current_password.is_none() {
            errors.add(CURRENT_PASSWORD, REQUIRED);
        }
        let wish = Wish {
            username,
            email: new_email,
        };
        let changed = wish.clone().applied_to(user.clone());
        if !errors.mentions("username") {
            errors.take("username", check_username(&user, &changed));
        }
        if !errors.is_empty() {
            return Err(ProfileError::Invalid(errors));
        }
        if let Some(password) = update.current_password.filter(|_| is_proof_needed) {
            self.prove(caller, &user, password).await?;
        }
        self.fulfil(caller, wish, &user).await
    }

    /// Changes the caller's password and ends all his other sessions.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`] names all bad fields at once.
    pub async fn change_password(
        &self,
        caller: &Caller,
        change: ChangePassword,
    ) -> Result<(), ProfileError> {
        let mut errors = change.errors;
        let current = errors.require(CURRENT_PASSWORD, change.current_password);
        let new = errors.require("new_password", change.new_password);
        let new = new.and_then(|text| errors.take("new_password", Password::parse(text)));
        if let Some(new) = &new {
            let principal = &caller.principal;
            let judged = self.core.passwords.weaknesses(
                new.clone(),
                Some(principal.username.clone()),
                principal.email.clone(),
            );
            for weakness in judged.await? {
                errors.add("new_password", weakness);
            }
        }
        let (Some(current), Some(new), true) = (current, new, errors.is_empty()) else {
            return Err(ProfileError::Invalid(errors));
        };
        let user = self.own(caller).await?;
        let proven = self.prove(caller, &user, current).await?;
        let hash = self.core.passwords.hash(new).await?;
        let (by, session, now) = (caller.clone(), caller.session(), self.core.clock.now());
        self.core
            .store
            .write(move |tx| {
                let user = tx
                    .lock_user(user.id)?
                    .filter(|user| user.is_active && user.password == proven)
                    .ok_or(ProfileError::Gone)?;
                let changed = User {
                    password: Some(hash),
                    ..user
                };
                tx.update_user(&changed, now)?;
                let reason = EndReason::PasswordChanged;
                let sessions_ended = end_access(tx, changed.id, session, reason, now)?;
                let event = SecurityEvent::PasswordChanged { sessions_ended };
                Ok(tx.append_event(&by.event(now, &event))?)
            })
            .await
    }

    /// Deletes the caller's account and all that is his.
    ///
    /// # Errors
    /// [`ProfileError::LastOwner`] when there would be no active owner any more.
    pub async fn delete_own(
        &self,
        caller: &Caller,
        current_password: Option<SecretString>,
        errors: FieldErrors,
    ) -> Result<(), ProfileError> {
        let mut errors = errors;
        let current = errors.require(CURRENT_PASSWORD, current_password);
        let (Some(current), true) = (current, errors.is_empty()) else {
            return Err(ProfileError::Invalid(errors));
        };
        let user = self.own(caller).await?;
        let (proven, by) = (self.prove(caller, &user, current).await?, caller.clone());
        let now = self.core.clock.now();
        self.core
            .store
            .write(move |tx| {
                let owners = tx.lock_active_owners()?;
                let user = tx
                    .lock_user(user.id)?
                    .filter(|user| user.is_active && user.password == proven)
                    .ok_or(ProfileError::Gone)?;
                if owners == [user.id] {
                    return Err(ProfileError::LastOwner);
                }
                let sessions_ended = end_access(tx, user.id, None, EndReason::Deactivated, now)?;
                tx.delete_user(user.id, now)?;
                let event = SecurityEvent::UserDeleted {
                    role: user.role,
                    sessions_ended,
                };
                Ok(tx.append_event(&by.event(now, &event))?)
            })
            .await
    }

    async fn own(&self, caller: &Caller) -> Result<User, ProfileError> {
        let id: UserId = caller.principal.id;
        let user = self.core.store.read(move |tx| tx.user(id)).await?;
        user.ok_or(ProfileError::Gone)
    }

    /// The hash that the password was verified against. A guess is counted as it is at a login: there is one budget.
    async fn prove(
        &self,
        caller: &Caller,
        user: &User,
        password: SecretString,
    ) -> Result<Option<PasswordHash>, ProfileError> {
        self.count_guess(caller, user.id).await?;
        let wrong = || ProfileError::Invalid(FieldErrors::one(CURRENT_PASSWORD, WRONG_PASSWORD));
        let password = Password::parse(password).map_err(|_unusable| wrong())?;
        match self
            .core
            .passwords
            .verify(password, user.password.clone())
            .await?
        {
            Verification::Match { .. } => Ok(user.password.clone()),
            Verification::Mismatch => {
                let event = caller.event(self.core.clock.now(), &SecurityEvent::PasswordRefused);
                let written = self.core.store.write(move |tx| tx.append_event(&event));
                written.await?;
                Err(wrong())
            }
        }
    }

    async fn count_guess(&self, caller: &Caller, user: UserId) -> Result<(), ProfileError> {
        let limit = self.core.settings.load().login_rate_limit;
        let throttle = &self.core.throttle;
        throttle.password_from(limit, &caller.origin).await?;
        let (keys, origin) = (Arc::clone(&self.core.keys), caller.origin.clone());
        let whereabouts = self
            .core
            .store
            .read(move |tx| Whereabouts::find(tx, &keys, Some(user), &origin))
            .await
            .map_err(ProfileError::from)?;
        let is_known = whereabouts.is_known();
        let account = Account::Of(user);
        throttle
            .password_of(limit, &account, &caller.origin, is_known)
            .await?;
        Ok(())
    }

    /// Changes what was wished and leaves alone what others have changed since the account was read.
    async fn fulfil(
        &self,
        caller: &Caller,
        wish: Wish,
        read: &User,
    ) -> Result<Principal, ProfileError> {
        let (now, id, password) = (self.core.clock.now(), read.id, read.password.clone());
        let by = caller.clone();
        self.core
            .store
            .write(move |tx| {
                let present = tx
                    .lock_user(id)?
                    .filter(|present| present.is_active && present.password == password)
                    .ok_or(ProfileError::Gone)?;
                let user = wish.applied_to(present.clone());
                check_username(&present, &user)
                    .map_err(|error| ProfileError::Invalid(FieldErrors::one("username", error)))?;
                if user != present {
                    tx.update_user(&user, now)?;
                    let fields = changed_fields(&present, &user);
                    tx.append_event(&by.event(now, &SecurityEvent::ProfileChanged { fields }))?;
                }
                Ok(user.into())
            })
            .await
    }
}

/// The fields that somebody wants to change.
#[derive(Debug, Clone)]
struct Wish {
    username: Option<Username>,
    email: Option<EmailAddress>,
}

impl Wish {
    fn applied_to(self, user: User) -> User {
        User {
            username: self.username.unwrap_or(user.username),
            email: self.email.or(user.email),
            ..user
        }
    }
}
