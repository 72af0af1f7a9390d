//! Who makes a request, and by what he is known.

use crate::principals::Principal;
use chrono::{DateTime, Utc};
use doorward_domain::{ApiKeyId, AuditEvent, Origin, Scope, Scopes, SecurityEvent, SessionId};
use std::sync::Arc;

/// Who makes a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub principal: Arc<Principal>,
    /// By what he is known.
    pub credential: Credential,
    /// Where his request comes from. Requests that only read do not say.
    pub origin: Origin,
}

/// By what a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An access token of this session.
    Session(SessionId),
    /// An access token that a Django service signed with the shared key. It belongs to no session.
    Foreign,
    /// An API key. It acts for its owner, within its scopes and never beyond his role; it manages neither keys nor
    /// sessions, passwords or settings.
    ApiKey {
        /// Which.
        id: ApiKeyId,
        /// What it may be used for.
        scopes: Scopes,
    },
}

impl Caller {
    /// The same, with a request from there.
    #[must_use]
    pub fn at(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// An event that he makes, about himself unless it is said otherwise.
    pub(crate) fn event(&self, now: DateTime<Utc>, event: &SecurityEvent) -> AuditEvent {
        let id = self.principal.id;
        let event = AuditEvent::new(now, event).by(id).about(id);
        event.coming_from(&self.origin)
    }

    /// The session whose access token it is; none for any other credential.
    pub fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::Foreign | Credential::ApiKey { .. } => None,
        }
    }

    /// What the credential may be used for, as far as the person's role goes: an access token for everything.
    pub fn scopes(&self) -> Scopes {
        match self.credential {
            Credential::Session(_) | Credential::Foreign => Scopes::ALL,
            Credential::ApiKey { scopes, .. } => scopes,
        }
    }

    /// Whether the credential has the scope.
    pub fn has(&self, scope: Scope) -> bool {
        self.scopes().contains(scope)
    }
}
