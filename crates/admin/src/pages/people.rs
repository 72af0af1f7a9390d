//! Whom ids on a page mean.

use crate::desk::Desk;
use crate::failure::Failure;
use doorward_domain::{UserId, Username};
use std::collections::BTreeMap;

/// Their names.
pub(crate) struct People(BTreeMap<UserId, Username>);

/// Somebody, as a page shows him.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Whether there is a page of him.
    pub(crate) is_there: bool,
}

impl People {
    /// Looks all of them up at once.
    pub(crate) async fn load(
        desk: &Desk,
        ids: impl Iterator<Item = UserId>,
    ) -> Result<Self, Failure> {
        let users = &desk.services().users;
        Ok(Self(users.usernames(desk.caller(), ids.collect()).await?))
    }

    /// Nobody is the command line, or somebody who was not logged in; who is gone is shown by his id.
    pub(crate) fn of(&self, id: Option<UserId>) -> Person {
        let name = id.and_then(|id| self.0.get(&id));
        let id = id.map(|id| id.to_string()).unwrap_or_default();
        Person {
            name: name.map_or_else(|| id.clone(), ToString::to_string),
            is_there: name.is_some(),
            id,
        }
    }
}
