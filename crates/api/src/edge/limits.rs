//! What is left of the budgets of whoever asks, as `draft-ietf-httpapi-ratelimit-headers-10` writes it.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use doorward_services::throttle::Budget;
use std::time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// As `Retry-After` and its like have it: who waits so long has not come too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    let is_begun = u64::from(wait.subsec_nanos() > 0);
    wait.as_secs().saturating_add(is_begun).max(1)
}

/// Sets `RateLimit` and `RateLimit-Policy` where there is something to say.
pub(super) fn tell(headers: &mut HeaderMap, budgets: &[Budget]) {
    if budgets.is_empty() {
        return;
    }
    let left = |budget: &Budget| {
        let (name, seconds) = (budget.policy.as_str(), whole_seconds(budget.resets_after));
        format!("\"{name}\";r={};t={seconds}", budget.remaining)
    };
    let policy = |budget: &Budget| {
        let (name, seconds) = (budget.policy.as_str(), whole_seconds(budget.rate.per));
        format!("\"{name}\";q={};w={seconds}", budget.rate.limit)
    };
    set(headers, RATE_LIMIT, budgets.iter().map(left));
    set(headers, RATE_LIMIT_POLICY, budgets.iter().map(policy));
}

fn set(headers: &mut HeaderMap, name: HeaderName, items: impl Iterator<Item = String>) {
    let items: Vec<_> = items.collect();
    if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_services::ports::Rate;
    use doorward_services::throttle::Policy;
    use std::num::NonZeroU32;

    fn budget(policy: Policy, limit: u32, remaining: u32) -> Budget {
        Budget {
            policy,
            rate: Rate {
                limit: NonZeroU32::new(limit).unwrap(),
                per: Duration::from_mins(1),
            },
            remaining,
            resets_after: Duration::from_millis(41_001),
        }
    }

    #[test]
    fn each_budget_is_an_item_of_both_fields() {
        let mut headers = HeaderMap::new();
        tell(&mut headers, &[]);
        assert!(headers.is_empty());
        let budgets = [
            budget(Policy::Address, 200, 199),
            budget(Policy::Account, 10, 0),
        ];
        tell(&mut headers, &budgets);
        let field = |name| headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(
            field("ratelimit"),
            r#""address";r=199;t=42, "account";r=0;t=42"#
        );
        assert_eq!(
            field("ratelimit-policy"),
            r#""address";q=200;w=60, "account";q=10;w=60"#
        );
    }

    #[test]
    fn nobody_who_waits_as_told_comes_too_early() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (59_999, 60)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }
}
