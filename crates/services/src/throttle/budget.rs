//! What is left of the budgets that a use case has drawn on: told beside its result, whatever that is.

use crate::ports::{Rate, Taken};
use std::cell::RefCell;
use std::time::Duration;

/// Of what a budget is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Of one account, at the caller's place or at all where it has never logged in.
    Account,
    /// Of the caller's address.
    Address,
}

impl Policy {
    /// `account` or `address`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
        }
    }
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of what it is.
    pub policy: Policy,
    /// How much it is.
    pub rate: Rate,
    /// So many more at once would be allowed.
    pub remaining: u32,
    /// After this time there is more of it: all of it, or one where there is none.
    pub resets_after: Duration,
}

impl Budget {
    pub(super) fn of(policy: Policy, rate: Rate, taken: &Taken) -> Self {
        Self {
            policy,
            rate,
            remaining: taken.remaining,
            resets_after: if taken.allowed {
                // What is remembered in portions is remembered for a portion longer.
                taken.resets_after.min(rate.per)
            } else {
                taken.retry_after
            },
        }
    }
}

tokio::task_local! {
    /// What the use case that runs has drawn on; without room on the heap as long as that is nothing.
    static DRAWN: RefCell<Vec<Budget>>;
}

/// Runs a use case, and tells on which budgets it has drawn: of those of one policy, the one that is nearer to its end.
pub async fn told<F: Future>(use_case: F) -> (F::Output, Vec<Budget>) {
    let telling = async {
        let output = use_case.await;
        (output, DRAWN.with(RefCell::take))
    };
    DRAWN.scope(RefCell::default(), telling).await
}

pub(super) fn tell(budget: Budget) {
    // Where nobody listens, nobody is told.
    let _ = DRAWN.try_with(|drawn| note(&mut drawn.borrow_mut(), budget));
}

fn note(drawn: &mut Vec<Budget>, budget: Budget) {
    match drawn.iter_mut().find(|it| it.policy == budget.policy) {
        Some(known) if known.remaining <= budget.remaining => {}
        Some(known) => *known = budget,
        None => drawn.push(budget),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn budget(policy: Policy, remaining: u32) -> Budget {
        Budget {
            policy,
            rate: Rate {
                limit: NonZeroU32::MIN,
                per: Duration::from_mins(1),
            },
            remaining,
            resets_after: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn the_nearest_to_its_end_of_each_policy_is_told() {
        let ((), drawn) = told(async {
            for (policy, remaining) in [
                (Policy::Address, 100),
                (Policy::Account, 5),
                (Policy::Account, 3),
                (Policy::Account, 4),
            ] {
                tell(budget(policy, remaining));
                tokio::task::yield_now().await;
            }
        })
        .await;
        let expected = [(Policy::Address, 100), (Policy::Account, 3)];
        assert_eq!(drawn, expected.map(|(policy, left)| budget(policy, left)));
    }

    #[tokio::test]
    async fn those_of_another_use_case_are_not_told() {
        tell(budget(Policy::Account, 1));
        let one = told(async { tell(budget(Policy::Account, 1)) });
        let none = told(async {});
        let (one, none) = tokio::join!(one, none);
        assert_eq!((one.1.len(), none.1.len()), (1, 0));
    }
}
