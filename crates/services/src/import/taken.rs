//! Who has which id, name and address already.

use super::person::Candidate;
use doorward_domain::{EmailAddress, UserId, Username};
use doorward_storage::{Holder, ImportedUser};
use std::collections::{HashMap, HashSet};

/// What is taken, of all that a batch claims.
#[derive(Debug, Default)]
pub(super) struct Taken {
    by_id: HashMap<UserId, Holder>,
    by_django_id: HashMap<String, UserId>,
    by_username: HashMap<String, UserId>,
    emails: HashSet<String>,
}

impl Taken {
    /// What the database says.
    pub(super) fn learn(&mut self, holders: Vec<Holder>) {
        for holder in holders {
            self.insert(holder);
        }
    }

    /// Somebody who is about to be inserted.
    pub(super) fn add(&mut self, imported: &ImportedUser) {
        self.insert(Holder {
            id: imported.user.id,
            django_id: imported.django_id.clone(),
            username: imported.user.username.clone(),
            email: imported.user.email.clone(),
        });
    }

    fn insert(&mut self, holder: Holder) {
        if let Some(django_id) = &holder.django_id {
            self.by_django_id.insert(django_id.clone(), holder.id);
        }
        self.by_username.insert(holder.username.key(), holder.id);
        self.emails
            .extend(holder.email.as_ref().map(EmailAddress::key));
        self.by_id.insert(holder.id, holder);
    }

    pub(super) fn has_username(&self, username: &Username) -> bool {
        self.by_username.contains_key(&username.key())
    }

    pub(super) fn has_email(&self, email: &EmailAddress) -> bool {
        self.emails.contains(&email.key())
    }

    /// The account that this person has here already: by his key, or, where a dump has no keys, by username and address.
    pub(super) fn same_person(&self, candidate: &Candidate) -> Option<&Holder> {
        let imported = &candidate.imported;
        let Some(django_id) = &imported.django_id else {
            let id = self.by_username.get(&candidate.username.as_ref()?.key())?;
            let holder = self.by_id.get(id)?;
            let key = |email: &Option<EmailAddress>| email.as_ref().map(EmailAddress::key);
            return (key(&holder.email) == key(&imported.user.email)).then_some(holder);
        };
        let by_key = self.by_django_id.get(django_id);
        self.by_id.get(by_key.unwrap_or(&imported.user.id))
    }
}
