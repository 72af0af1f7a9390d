//! Who makes a request, and by what he is known.

use crate::principals::Principal;
use doorward_domain::SessionId;
use std::sync::Arc;

/// Who makes a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub principal: Arc<Principal>,
    /// By what he is known.
    pub credential: Credential,
}

/// By what a caller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// An access token of this session.
    Session(SessionId),
    /// An access token that a Django service signed with the shared key. It belongs to no session.
    Foreign,
}

impl Caller {
    /// The session whose access token it is; none for any other credential.
    pub fn session(&self) -> Option<SessionId> {
        match self.credential {
            Credential::Session(session) => Some(session),
            Credential::Foreign => None,
        }
    }
}
