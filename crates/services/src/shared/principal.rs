//! Principals in the shared cache.

use super::{Found, Shared};
use crate::principals::Principal;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::{EmailAddress, Role, UserId, Username};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a principal is written; another release does not read it.
#[derive(Serialize, Deserialize)]
struct Written {
    id: Uuid,
    username: String,
    email: Option<String>,
    role: String,
    is_active: bool,
    date_joined: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
}

impl From<&Principal> for Written {
    fn from(principal: &Principal) -> Self {
        Self {
            id: *principal.id.as_uuid(),
            username: principal.username.as_str().to_owned(),
            email: principal
                .email
                .as_ref()
                .map(|email| email.as_str().to_owned()),
            role: principal.role.as_str().to_owned(),
            is_active: principal.is_active,
            date_joined: principal.date_joined,
            last_login: principal.last_login,
        }
    }
}

impl Written {
    fn read(self) -> Option<Principal> {
        Some(Principal {
            id: UserId::from_uuid(self.id),
            username: Username::try_from(self.username).ok()?,
            email: self.email.map(EmailAddress::try_from).transpose().ok()?,
            role: Role::try_from(self.role).ok()?,
            is_active: self.is_active,
            date_joined: self.date_joined,
            last_login: self.last_login,
        })
    }
}

fn name(id: UserId) -> String {
    format!("user:{}:{id}", env!("CARGO_PKG_VERSION"))
}

impl Shared {
    pub(crate) async fn principal(
        &self,
        id: UserId,
        lifetime: TimeDelta,
    ) -> Option<Found<Principal>> {
        if !self.unsettled.is_user_settled(id) {
            return None;
        }
        let found = self.get(&name(id), lifetime).await?;
        let written: Written = serde_json::from_slice(&found.value).ok()?;
        Some(Found {
            value: written.read()?,
            age: found.age,
        })
    }

    pub(crate) async fn put_principal(
        &self,
        principal: &Principal,
        loaded_at: DateTime<Utc>,
        lifetime: TimeDelta,
    ) {
        if let Ok(written) = serde_json::to_vec(&Written::from(principal)) {
            self.put(&name(principal.id), loaded_at, &written, lifetime)
                .await;
        }
    }
}
