//! A new account.

use super::{AccountService, taken, taken_by_others};
use crate::auth::Caller;
use crate::error::{Internal, conflicts_are_invalid};
use crate::fields::FieldErrors;
use doorward_domain::{
    AuditEvent, EmailAddress, Origin, Password, PasswordHash, Role, SecurityEvent, User, UserId,
    Username,
};
use doorward_storage::{Constraint, StoreError, Transaction};
use rand::RngExt;
use secrecy::SecretString;

/// Somebody's wish for an account.
#[derive(Debug, Default)]
pub struct Register {
    /// One is made from the email address when there is none.
    pub username: Option<String>,
    /// Required.
    pub email: Option<String>,
    /// Required.
    pub password: Option<SecretString>,
    /// Only an owner may give another than `user`.
    pub role: Option<String>,
    /// Where the wish comes from.
    pub origin: Origin,
    /// What the reader of the input has found wrong already; it is reported with the rest.
    pub errors: FieldErrors,
}

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Every bad field with every message.
    #[error("the registration is not valid")]
    Invalid(FieldErrors),
    /// Registration is switched off for strangers.
    #[error("registration is closed")]
    Closed,
    /// Only an owner gives roles.
    #[error("only an owner may give this role")]
    RoleNotAllowed,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

conflicts_are_invalid!(RegisterError);

/// How many made-up usernames are tried before a random one.
const NUMBERED_NAMES: u32 = 5;

#[derive(Clone)]
struct Draft {
    username: Option<Username>,
    email: EmailAddress,
    password: Password,
    role: Role,
    made: Made,
    origin: Origin,
}

/// By what an account comes about.
#[derive(Clone, Copy)]
enum Made {
    /// Anybody may.
    Registering(Option<UserId>),
    Admin(UserId),
    Command,
}

impl AccountService {
    /// Makes an account, for a stranger or for `caller`.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] names all bad fields at once, taken names among them.
    pub async fn register(
        &self,
        caller: Option<&Caller>,
        register: Register,
    ) -> Result<User, RegisterError> {
        let role = caller.map_or(Role::User, |caller| caller.principal.role);
        if role < Role::Admin && !self.core.settings.load().registration_open {
            return Err(RegisterError::Closed);
        }
        let wanted: Option<Role> = register.role.as_deref().and_then(|role| role.parse().ok());
        if wanted.is_some_and(|wanted| wanted > Role::User) && role < Role::Owner {
            return Err(RegisterError::RoleNotAllowed);
        }
        let limit = self.core.settings.load().register_rate_limit;
        self.core
            .throttle
            .registration(limit, &register.origin, role >= Role::Admin)
            .await?;
        let made = match caller.map(|caller| caller.principal.id) {
            Some(admin) if role >= Role::Admin => Made::Admin(admin),
            user => Made::Registering(user),
        };
        let draft = self.check(register, made).await?;
        let password = self.core.passwords.hash(draft.password.clone()).await?;
        self.insert(draft, password).await
    }

    /// Makes an account that anybody may have and that is nobody's wish over the network, such as the first owner.
    ///
    /// # Errors
    /// As [`register`](Self::register), but for what only concerns callers.
    pub async fn create(&self, register: Register) -> Result<User, RegisterError> {
        let draft = self.check(register, Made::Command).await?;
        let password = self.core.passwords.hash(draft.password.clone()).await?;
        self.insert(draft, password).await
    }

    async fn check(&self, register: Register, made: Made) -> Result<Draft, RegisterError> {
        let mut errors = register.errors;
        let username = register
            .username
            .and_then(|text| errors.take("username", Username::parse(&text)));
        let email = errors.require("email", register.email);
        let email = email.and_then(|text| errors.take("email", EmailAddress::parse(&text)));
        let password = errors.require("password", register.password);
        let password = password.and_then(|text| errors.take("password", Password::parse(text)));
        let role = register
            .role
            .map_or(Some(Role::User), |text| errors.take("role", text.parse()));
        if let (Some(username), Some(email)) = (&username, &email) {
            errors.take("username", username.check_against(Some(email)));
        }
        if let Some(password) = &password {
            let judged =
                self.core
                    .passwords
                    .weaknesses(password.clone(), username.clone(), email.clone());
            for weakness in judged.await? {
                errors.add("password", weakness);
            }
        }
        let (name, address) = (username.clone(), email.clone());
        let taken_already = self
            .core
            .store
            .read(move |tx| taken_by_others(tx, None, name.as_ref(), address.as_ref()))
            .await?;
        for (field, message) in taken_already.into_iter().map(taken) {
            errors.add(field, message);
        }
        match (email, password, role) {
            (Some(email), Some(password), Some(role)) if errors.is_empty() => Ok(Draft {
                username,
                email,
                password,
                role,
                made,
                origin: register.origin,
            }),
            _ => Err(RegisterError::Invalid(errors)),
        }
    }

    /// Somebody who left the name to us is not told that it is taken: whoever loses the race for one gets another.
    async fn insert(&self, draft: Draft, password: PasswordHash) -> Result<User, RegisterError> {
        let is_made_up = draft.username.is_none();
        match self.try_insert(draft.clone(), password.clone()).await {
            Err(StoreError::Conflict(Constraint::Username)) if is_made_up => {
                let username = Some(random_username(&draft.email));
                let again = Draft { username, ..draft };
                Ok(self.try_insert(again, password).await?)
            }
            inserted => Ok(inserted?),
        }
    }

    async fn try_insert(&self, draft: Draft, password: PasswordHash) -> Result<User, StoreError> {
        let now = self.core.clock.now();
        self.core
            .store
            .write(move |tx| {
                let username = match draft.username {
                    Some(username) => username,
                    None => free_username(tx, &draft.email)?,
                };
                let user = User {
                    id: UserId::new(now),
                    username,
                    email: Some(draft.email),
                    password: Some(password),
                    role: draft.role,
                    is_active: true,
                    date_joined: now,
                    last_login: None,
                };
                tx.insert_user(&user)?;
                tx.append_event(&event_of(&user, draft.made, &draft.origin))?;
                Ok(user)
            })
            .await
    }
}

fn event_of(user: &User, made: Made, origin: &Origin) -> AuditEvent {
    let (id, at, role) = (user.id, user.date_joined, user.role);
    let event = match made {
        Made::Registering(None) => AuditEvent::new(at, &SecurityEvent::UserRegistered),
        Made::Registering(Some(by)) => AuditEvent::new(at, &SecurityEvent::UserRegistered).by(by),
        Made::Admin(by) => AuditEvent::new(at, &SecurityEvent::UserCreated { role }).by(by),
        Made::Command => AuditEvent::new(at, &SecurityEvent::SuperuserCreated { role }),
    };
    event.about(id).coming_from(origin)
}

/// The local part of the address, with a number where it is taken.
fn free_username(tx: &mut dyn Transaction, email: &EmailAddress) -> Result<Username, StoreError> {
    numbered_username(&Username::suggested_by(email), |name| {
        Ok(tx.user_by_username(name)?.is_some())
    })
}

/// The name, with a number where it is taken.
pub(crate) fn numbered_username(
    name: &Username,
    mut is_taken: impl FnMut(&Username) -> Result<bool, StoreError>,
) -> Result<Username, StoreError> {
    if !is_taken(name)? {
        return Ok(name.clone());
    }
    for number in 2..2 + NUMBERED_NAMES {
        let numbered = name.numbered(number);
        if !is_taken(&numbered)? {
            return Ok(numbered);
        }
    }
    Ok(name.numbered(random_number()))
}

fn random_username(email: &EmailAddress) -> Username {
    Username::suggested_by(email).numbered(random_number())
}

fn random_number() -> u32 {
    rand::rng().random_range(10_000..1_000_000)
}
