//! How often something may be tried: passwords, registrations, refresh tokens that are none, unknown API keys.
//!
//! A password is counted before it is hashed, and whatever comes of it. The address has a budget, twenty times as large
//! as that of an account, which is asked before anything is looked up. The account has one for each place, and one for
//! all places together where it has never logged in: so a stranger's attempts, from however many places, leave the owner
//! alone where he has logged in before, and an attacker who has many addresses gains nothing by them. A name that nobody
//! has is counted as an account of its own.
//!
//! What is counted is known by a keyed digest: the limiter, which many nodes may share, learns no names or addresses.

mod budget;
mod whereabouts;

pub use budget::{Budget, Policy, told};
pub(crate) use whereabouts::Whereabouts;

use crate::keys::{expand, root};
use crate::ports::{InProcessRateLimiter, Rate, RateLimiter, Taken};
use aws_lc_rs::hmac;
use budget::tell;
use doorward_domain::folding::fold;
use doorward_domain::settings::RateLimit;
use doorward_domain::{Origin, Place, UserId};
use secrecy::SecretString;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// An address may try so many times as often as an account: a house or an office is behind one.
const ADDRESS_FACTOR: u32 = 20;
/// About 15 MB, for three keys at most of each attempt.
pub(crate) const MOST_KEYS: usize = 100_000;
/// How many unknown API keys of one address are looked up in a minute. A proxy that asks for many people has it for all of
/// them; keys that are in memory do not count.
const UNKNOWN_KEYS: Rate = Rate {
    limit: match NonZeroU32::new(300) {
        Some(limit) => limit,
        None => NonZeroU32::MIN,
    },
    per: Duration::from_mins(1),
};

/// More was tried than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts: the next is allowed in {retry_after:?}")]
pub struct Throttled {
    /// When the next attempt is allowed.
    pub retry_after: Duration,
}

/// Whose password is tried.
#[derive(Debug, Clone)]
pub(crate) enum Account {
    /// This user's.
    Of(UserId),
    /// That of nobody who is known, under this name.
    Nobody(String),
}

impl Account {
    /// Under whatever name it was looked for in vain.
    pub(crate) fn nobody(name: Option<&str>) -> Self {
        Self::Nobody(fold(name.unwrap_or_default().trim()))
    }
}

/// Counts attempts.
pub(crate) struct Throttle {
    limiter: Arc<dyn RateLimiter>,
    /// Of this node alone: it is asked where a look at the database would cost less than one at another server.
    own: InProcessRateLimiter,
    names: hmac::Key,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}

impl Throttle {
    pub(crate) fn new(
        limiter: Arc<dyn RateLimiter>,
        own: InProcessRateLimiter,
        secret_key: &SecretString,
    ) -> Self {
        Self {
            limiter,
            own,
            names: expand(&root(secret_key), b"throttle name v1"),
        }
    }

    /// An attempt at a password from there, whoever's it is.
    pub(crate) async fn password_from(
        &self,
        limit: RateLimit,
        origin: &Origin,
    ) -> Result<(), Throttled> {
        let Some(rate) = rate(limit, ADDRESS_FACTOR) else {
            return Ok(());
        };
        let key = self.name("address", &place(origin), "");
        self.take(Policy::Address, &key, rate).await
    }

    /// The same attempt, at this account. `is_known` says whether its owner has logged in there before.
    pub(crate) async fn password_of(
        &self,
        limit: RateLimit,
        account: &Account,
        origin: &Origin,
        is_known: bool,
    ) -> Result<(), Throttled> {
        let Some(rate) = rate(limit, 1) else {
            return Ok(());
        };
        let account = match account {
            Account::Of(id) => id.to_string(),
            Account::Nobody(name) => format!("nobody {name}"),
        };
        if !is_known {
            let key = self.name("elsewhere", "", &account);
            self.take(Policy::Account, &key, rate).await?;
        }
        let key = self.name("pair", &place(origin), &account);
        self.take(Policy::Account, &key, rate).await
    }

    /// A registration from there, by a stranger or by somebody who manages accounts.
    pub(crate) async fn registration(
        &self,
        limit: RateLimit,
        origin: &Origin,
        is_by_admin: bool,
    ) -> Result<(), Throttled> {
        let factor = if is_by_admin { ADDRESS_FACTOR } else { 1 };
        let Some(rate) = rate(limit, factor) else {
            return Ok(());
        };
        let key = self.name("registration", &place(origin), "");
        self.take(Policy::Address, &key, rate).await
    }

    /// Whether a refresh token may be looked for that does not prove by itself that we have made it.
    pub(crate) fn may_look_for_token(
        &self,
        limit: RateLimit,
        origin: &Origin,
    ) -> Result<(), Throttled> {
        let Some(rate) = rate(limit, ADDRESS_FACTOR) else {
            return Ok(());
        };
        let key = self.name("refresh", &place(origin), "");
        let taken = self.limiter.glance(&key, &rate);
        if !taken.allowed {
            tell(Budget::of(Policy::Address, rate, &taken));
        }
        allowed(taken)
    }

    /// A refresh from there that has failed.
    ///
    /// # Errors
    /// [`Throttled`] in place of what has failed, once there were as many as an address may have.
    pub(crate) async fn failed_refresh(
        &self,
        limit: RateLimit,
        origin: &Origin,
    ) -> Result<(), Throttled> {
        let Some(rate) = rate(limit, ADDRESS_FACTOR) else {
            return Ok(());
        };
        let key = self.name("refresh", &place(origin), "");
        self.take(Policy::Address, &key, rate).await
    }

    /// Whether an API key that is not in memory may be looked for.
    pub(crate) fn may_look_for_key(&self, origin: &Origin) -> Result<(), Throttled> {
        let taken = self.own.look(&place(origin), &UNKNOWN_KEYS);
        if !taken.allowed {
            tell(Budget::of(Policy::Address, UNKNOWN_KEYS, &taken));
        }
        allowed(taken)
    }

    /// It was looked for, and is nobody's.
    pub(crate) fn found_no_key(&self, origin: &Origin) {
        self.own.take_now(&place(origin), &UNKNOWN_KEYS);
    }

    async fn take(&self, policy: Policy, key: &str, rate: Rate) -> Result<(), Throttled> {
        let taken = self.limiter.take(key, &rate).await;
        tell(Budget::of(policy, rate, &taken));
        allowed(taken)
    }

    /// 128 bits tell all keys apart.
    fn name(&self, kind: &str, place: &str, account: &str) -> String {
        let mut context = hmac::Context::with_key(&self.names);
        for part in [kind, place, account] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part.as_bytes());
        }
        let digest = context.sign();
        let digest = digest.as_ref().first_chunk::<16>().copied();
        format!("{:032x}", u128::from_be_bytes(digest.unwrap_or_default()))
    }
}

fn allowed(taken: Taken) -> Result<(), Throttled> {
    if taken.allowed {
        Ok(())
    } else {
        Err(Throttled {
            retry_after: taken.retry_after,
        })
    }
}

/// All who are nowhere are in one place.
fn place(origin: &Origin) -> String {
    let place = origin.ip_address.map(Place::of);
    place.map_or_else(String::new, |place| place.to_string())
}

fn rate(limit: RateLimit, factor: u32) -> Option<Rate> {
    let (count, per) = limit.allowance()?;
    let limit = count.saturating_mul(NonZeroU32::new(factor).unwrap_or(NonZeroU32::MIN));
    Some(Rate { limit, per })
}

#[cfg(test)]
mod tests;
