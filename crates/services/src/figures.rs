//! What this node has done and how busy it is, in figures, for whoever watches it. Nothing here asks the database.

use crate::auth::LoginError;
use crate::error::Internal;
use crate::hashing::HashingFigures;
use crate::services::Core;
use doorward_metrics::{CacheFigures, Counter, HitsAndMisses};
use doorward_storage::StoreFigures;
use std::sync::Arc;
use std::time::Duration;

/// The figures of this node since its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Attempts to log in, by what has come of them.
    pub logins: [(LoginOutcome, u64); 7],
    /// The hashing pool.
    pub hashing: HashingFigures,
    /// The store.
    pub store: StoreFigures,
    /// What is kept in memory, by name.
    pub caches: [(&'static str, CacheFigures); 3],
    /// The cache that nodes share; none where there is no such thing.
    pub shared_cache: Option<CacheFigures>,
    /// How long ago the change feed was last read.
    pub feed_age: Duration,
}

/// What has come of an attempt to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginOutcome {
    /// There is a session.
    Succeeded,
    /// An unknown user, a wrong password or an inactive account.
    Refused,
    /// The password is right, and the person may not use the admin panel.
    RoleTooLow,
    /// There were too many before.
    Throttled,
    /// Too many passwords wait to be hashed.
    Overloaded,
    /// The database does not answer.
    Unavailable,
    /// A mistake of ours.
    Failed,
}

impl LoginOutcome {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Succeeded,
        Self::Refused,
        Self::RoleTooLow,
        Self::Throttled,
        Self::Overloaded,
        Self::Unavailable,
        Self::Failed,
    ];

    /// As it is written in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::RoleTooLow => "role_too_low",
            Self::Throttled => "throttled",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
        }
    }

    fn of<T>(begun: &Result<Option<T>, LoginError>) -> Self {
        match begun {
            Ok(Some(_)) => Self::Succeeded,
            Ok(None) => Self::RoleTooLow,
            Err(LoginError::InvalidCredentials) => Self::Refused,
            Err(LoginError::Internal(error)) => match error {
                Internal::Throttled(_) => Self::Throttled,
                Internal::Overloaded(_) => Self::Overloaded,
                Internal::Unavailable(_) | Internal::Stale(_) => Self::Unavailable,
                Internal::Failed(_) => Self::Failed,
            },
        }
    }
}

/// What the services count as it happens.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) principals: HitsAndMisses,
    pub(crate) api_keys: HitsAndMisses,
    pub(crate) user_lists: HitsAndMisses,
    logins: [Counter; LoginOutcome::ALL.len()],
}

impl Counts {
    pub(crate) fn login<T>(&self, begun: &Result<Option<T>, LoginError>) {
        let outcome = LoginOutcome::of(begun);
        let mut counters = LoginOutcome::ALL.into_iter().zip(&self.logins);
        if let Some((_, counter)) = counters.find(|(other, _)| *other == outcome) {
            counter.count();
        }
    }

    fn logins(&self) -> [(LoginOutcome, u64); LoginOutcome::ALL.len()] {
        let mut counters = self.logins.iter();
        LoginOutcome::ALL.map(|outcome| (outcome, counters.next().map_or(0, Counter::total)))
    }
}

/// Tells the figures.
#[derive(Debug)]
pub struct FiguresService {
    core: Arc<Core>,
}

impl FiguresService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The figures as they are now.
    pub fn now(&self) -> Figures {
        let Core {
            counts,
            passwords,
            store,
            feed,
            shared,
            ..
        } = &*self.core;
        Figures {
            logins: counts.logins(),
            hashing: passwords.figures(),
            store: store.figures(),
            caches: [
                ("principals", counts.principals.figures()),
                ("api_keys", counts.api_keys.figures()),
                ("user_lists", counts.user_lists.figures()),
            ],
            shared_cache: shared.as_ref().map(|shared| shared.figures()),
            feed_age: feed.age(),
        }
    }
}
