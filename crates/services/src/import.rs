//! Moving in from Django: people with their password hashes as they are, in batches, and again without harm.

mod person;
mod report;
mod taken;

pub use person::DjangoUser;
pub use report::{LeftOut, Remark, Report, Said, Unverifiable};

use crate::accounts::numbered_username;
use crate::clock::Clock;
use crate::error::Internal;
use chrono::{DateTime, Utc};
use doorward_domain::{AuditEvent, EmailAddress, SecurityEvent, User, Username};
use doorward_storage::{Claims, ImportedUser, Store, StoreError, Transaction};
use person::Candidate;
use std::sync::Arc;
use taken::Taken;

/// How often a batch is tried when others take a name at the same moment.
const ATTEMPTS: usize = 5;

/// Takes people over from Django.
///
/// A batch is one transaction. Whoever is there already is left as he is, so an import that was cut off is simply
/// started again.
#[derive(Debug)]
pub struct Importer {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// What a dry run would have inserted so far; none where it is done in earnest.
    imagined: Option<Taken>,
}

impl Importer {
    /// An importer into this store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            imagined: None,
        }
    }

    /// An importer that tells what would happen and writes nothing.
    pub fn dry(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            imagined: Some(Taken::default()),
            ..Self::new(store, clock)
        }
    }

    /// Takes over those who can be; some hundreds at a time are a good measure. What follows from one person's data
    /// concerns him alone.
    ///
    /// # Errors
    /// When the database does not do it; then nobody of this batch is taken over.
    pub async fn import(&mut self, people: Vec<DjangoUser>) -> Result<Report, Internal> {
        let now = self.clock.now();
        let mut report = Report::default();
        let mut candidates = Vec::with_capacity(people.len());
        for person in people {
            let who = person.label();
            match Candidate::of(person, now) {
                Ok(candidate) => candidates.push(candidate),
                Err(reason) => report.leave_out(&who, reason),
            }
        }
        let candidates = Arc::new(candidates);
        let settled = match self.imagined.take() {
            Some(imagined) => self.imagine(candidates, imagined).await?,
            None => self.insert(candidates, now).await?,
        };
        report.add(settled);
        Ok(report)
    }

    /// Notes in the audit log what was done, unless it was a dry run.
    ///
    /// # Errors
    /// When the database does not do it.
    pub async fn note(&self, report: &Report) -> Result<(), Internal> {
        if self.imagined.is_some() {
            return Ok(());
        }
        let event = SecurityEvent::UsersImported {
            imported: report.imported,
            already_there: report.already_there,
            left_out: report.left_out,
        };
        let event = AuditEvent::new(self.clock.now(), &event);
        let written = self.store.write(move |tx| tx.append_event(&event));
        Ok(written.await?)
    }

    async fn imagine(
        &mut self,
        candidates: Arc<Vec<Candidate>>,
        mut imagined: Taken,
    ) -> Result<Report, Internal> {
        let read = self.store.read(move |tx| {
            let (report, _) = settle(tx, &candidates, &mut imagined)?;
            Ok::<_, StoreError>((report, imagined))
        });
        let (report, imagined) = read.await?;
        self.imagined = Some(imagined);
        Ok(report)
    }

    async fn insert(
        &self,
        candidates: Arc<Vec<Candidate>>,
        now: DateTime<Utc>,
    ) -> Result<Report, Internal> {
        for _ in 0..ATTEMPTS {
            let candidates = Arc::clone(&candidates);
            let written = self.store.write(move |tx| {
                let (report, users) = settle(tx, &candidates, &mut Taken::default())?;
                if tx.insert_imported(&users, now)? == users.len() {
                    Ok(report)
                } else {
                    Err(NotWritten::Overtaken)
                }
            });
            match written.await {
                Ok(report) => return Ok(report),
                Err(NotWritten::Overtaken) => {} // decided anew, with what is there now
                Err(NotWritten::Store(error)) => return Err(error.into()),
            }
        }
        let reason = "others take the same names again and again";
        Err(StoreError::Unavailable(reason.into()).into())
    }
}

enum NotWritten {
    /// Somebody has taken a name since it was looked up.
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Who of them is to be inserted, and what is to be said of all.
fn settle(
    tx: &mut dyn Transaction,
    candidates: &[Candidate],
    taken: &mut Taken,
) -> Result<(Report, Vec<ImportedUser>), StoreError> {
    taken.learn(tx.holders(&claims(candidates))?);
    let mut report = Report::default();
    let mut users = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        if let Some(holder) = taken.same_person(candidate) {
            report.find_there(candidate, holder);
            continue;
        }
        let username = match &candidate.username {
            Some(username) if taken.has_username(username) => {
                report.leave_out(&candidate.who, LeftOut::UsernameTaken);
                continue;
            }
            Some(username) => username.clone(),
            None => free_username(tx, taken, &candidate.name_source)?,
        };
        let free = |email: &&EmailAddress| !taken.has_email(email);
        let user = User {
            username,
            email: candidate.imported.user.email.as_ref().filter(free).cloned(),
            ..candidate.imported.user.clone()
        };
        let imported = ImportedUser {
            user,
            ..candidate.imported.clone()
        };
        taken.add(&imported);
        report.take_over(candidate, &imported.user);
        users.push(imported);
    }
    Ok((report, users))
}

fn claims(candidates: &[Candidate]) -> Claims {
    let imported = || candidates.iter().map(|candidate| &candidate.imported);
    Claims {
        ids: imported().map(|imported| imported.user.id).collect(),
        django_ids: imported()
            .filter_map(|imported| imported.django_id.clone())
            .collect(),
        usernames: imported()
            .map(|imported| imported.user.username.clone())
            .collect(),
        emails: imported()
            .filter_map(|imported| imported.user.email.clone())
            .collect(),
    }
}

/// For somebody who has none: the local part of the address, with a number where it is taken.
fn free_username(
    tx: &mut dyn Transaction,
    taken: &Taken,
    source: &Username,
) -> Result<Username, StoreError> {
    numbered_username(source, |name| {
        Ok(taken.has_username(name) || tx.user_by_username(name)?.is_some())
    })
}

#[cfg(test)]
mod tests;
