//! The rate limiter. Its time is the real one, so no case depends on being fast: where it matters, it measures.

use super::until;
use crate::ports::{Rate, RateLimiter, Taken};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(10);
const NEARLY_LONG: Duration = Duration::from_mins(9);

fn rate(limit: u32, per: Duration) -> Rate {
    Rate {
        limit: NonZeroU32::new(limit).expect("at least one"),
        per,
    }
}

async fn take(limiter: &dyn RateLimiter, rate: &Rate) -> Taken {
    limiter.take("key", rate).await
}

/// And each answer says what is left.
pub async fn the_limit_is_allowed_and_no_more(limiter: Arc<dyn RateLimiter>) {
    let rate = rate(5, LONG);
    for left in (0..5).rev() {
        let taken = take(&*limiter, &rate).await;
        assert!(taken.allowed);
        assert_eq!(taken.remaining, left);
        assert_eq!(taken.retry_after, Duration::ZERO);
        assert!(taken.resets_after > NEARLY_LONG, "{taken:?}");
        assert!(taken.resets_after <= LONG + rate.grain(), "{taken:?}");
    }
    for _ in 0..3 {
        let refused = take(&*limiter, &rate).await;
        assert!(!refused.allowed);
        assert_eq!(refused.remaining, 0);
        assert!(refused.retry_after > NEARLY_LONG, "{refused:?}");
        assert!(refused.retry_after <= refused.resets_after, "{refused:?}");
    }
}

async fn allowed_of_parallel(limiter: &Arc<dyn RateLimiter>, rate: Rate, attempts: u32) -> usize {
    let attempts = (0..attempts).map(|_| {
        let limiter = Arc::clone(limiter);
        tokio::spawn(async move { take(&*limiter, &rate).await.allowed })
    });
    let mut allowed = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        allowed += usize::from(attempt.await.expect("no attempt panics"));
    }
    allowed
}

/// Exactly the limit is allowed.
pub async fn parallel_attempts_do_not_slip_through(limiter: Arc<dyn RateLimiter>) {
    assert_eq!(allowed_of_parallel(&limiter, rate(10, LONG), 200).await, 10);
}

/// As it is for limits whose attempts are not remembered one by one.
pub async fn parallel_attempts_do_not_slip_through_a_large_limit(limiter: Arc<dyn RateLimiter>) {
    assert_eq!(
        allowed_of_parallel(&limiter, rate(100, LONG), 400).await,
        100
    );
}

/// One that is used up says nothing of another.
pub async fn keys_and_rates_are_independent(limiter: Arc<dyn RateLimiter>) {
    let (one, two) = (rate(1, LONG), rate(2, LONG));
    assert!(limiter.take("ada", &one).await.allowed);
    assert!(!limiter.take("ada", &one).await.allowed);
    assert!(limiter.take("bob", &one).await.allowed);
    assert!(limiter.take("ada", &two).await.allowed);
    assert!(limiter.take("", &one).await.allowed);
    assert!(limiter.take("ä\r\n\0 *", &one).await.allowed);
}

/// Not before, and soon after.
pub async fn who_waits_as_told_is_allowed_again(limiter: Arc<dyn RateLimiter>) {
    let rate = rate(3, Duration::from_millis(400));
    let began = Instant::now();
    let mut taken = take(&*limiter, &rate).await;
    while taken.allowed {
        taken = take(&*limiter, &rate).await;
    }
    assert!(taken.retry_after > Duration::ZERO);
    assert!(taken.retry_after <= rate.per + rate.grain());
    let told = Instant::now() + taken.retry_after;
    tokio::time::sleep_until(told.into()).await;
    assert!(take(&*limiter, &rate).await.allowed);
    assert!(began.elapsed() >= rate.per);
}

/// Who never stops trying is allowed the limit in each window all the same.
pub async fn refused_attempts_do_not_count(limiter: Arc<dyn RateLimiter>) {
    let rate = rate(2, Duration::from_millis(100));
    for _ in 0..6 {
        until("one is allowed", async || {
            take(&*limiter, &rate).await.allowed
        })
        .await;
    }
}

/// Wherever it begins.
pub async fn no_window_has_more_than_the_limit(limiter: Arc<dyn RateLimiter>) {
    for limit in [5, 50] {
        let rate = rate(limit, Duration::from_millis(200));
        let mut allowed: Vec<(Instant, Instant)> = Vec::new();
        until("four windows are full", async || {
            let before = Instant::now();
            while take(&*limiter, &rate).await.allowed {
                allowed.push((before, Instant::now()));
            }
            allowed.len() >= 4 * usize::try_from(limit).expect("few")
        })
        .await;
        // Surely within one window: the first cannot have counted before it was asked for, the last not later than it
        // was answered.
        for (i, (first_asked, _)) in allowed.iter().enumerate() {
            let within = allowed
                .iter()
                .skip(i)
                .take_while(|(_, answered)| *answered - *first_asked < rate.per);
            assert!(within.count() <= usize::try_from(limit).expect("few"));
        }
    }
}

/// It counts nothing, and knows what this node has used up.
pub async fn a_glance_costs_nothing_and_tells_when_all_is_used_up(limiter: Arc<dyn RateLimiter>) {
    let rate = rate(2, LONG);
    for _ in 0..5 {
        assert!(limiter.glance("key", &rate).allowed);
    }
    for _ in 0..2 {
        assert!(take(&*limiter, &rate).await.allowed);
    }
    let refused = limiter.glance("key", &rate);
    assert!(
        !refused.allowed && refused.retry_after > NEARLY_LONG,
        "{refused:?}"
    );
    assert!(limiter.glance("another", &rate).allowed);
}

/// A million a second.
pub async fn the_largest_limit_works(limiter: Arc<dyn RateLimiter>) {
    let rate = rate(1_000_000, Duration::from_secs(1));
    let taken = take(&*limiter, &rate).await;
    assert!(taken.allowed);
    assert_eq!(taken.remaining, 999_999);
    assert!(take(&*limiter, &rate).await.allowed);
}
