//! The contract suites: what every implementation of a port does, within one process or over a server.
//!
//! An implementation calls the macro of its port in its tests with an async function that opens an empty one; each case
//! becomes a test of its own. The calling crate has `tokio` with `macros` and `rt-multi-thread`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests are its only callers, and a panic is how they fail"
)]

pub mod cache;
pub mod change_bus;
pub mod denylist;
pub mod rate_limiter;

use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            tokio::time::sleep(PAUSE).await;
        }
    });
    assert!(waited.await.is_ok(), "in vain waited until {what}");
}

/// Makes one `#[tokio::test]` for each case of a contract.
#[doc(hidden)]
#[macro_export]
macro_rules! port_contract {
    ($open:expr => $module:ident: [$($case:ident),+ $(,)?]) => {
        $(
            #[::tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_guard, port) = ($open)().await;
                $crate::testing::$module::$case(port).await;
            }
        )+
    };
}

/// The contract of [`Cache`](crate::ports::Cache). `$open` returns a guard, which is dropped after the test, and an
/// `Arc<dyn Cache>` that is empty, within reach and has room for 4 MiB.
#[macro_export]
macro_rules! cache_contract {
    ($open:expr) => {
        $crate::port_contract! { $open =>
            cache: [
                what_is_put_is_found,
                what_was_never_put_is_not_found,
                a_later_value_replaces_the_one_before,
                what_is_removed_is_gone,
                a_value_dies_after_its_time,
                a_value_without_time_is_not_kept,
                a_value_of_the_greatest_size_is_kept_and_a_larger_one_is_not,
                keys_may_be_any_text,
                parallel_callers_do_not_mix_up_values,
            ]
        }
    };
}

/// The contract of [`ChangeBus`](crate::ports::ChangeBus). `$open` returns a guard, which is dropped after the test, and
/// the handles of two nodes, `[Arc<dyn ChangeBus>; 2]`, which hear each other.
#[macro_export]
macro_rules! change_bus_contract {
    ($open:expr) => {
        $crate::port_contract! { $open =>
            change_bus: [
                another_node_hears_each_kind_of_change,
                all_listeners_of_a_node_hear,
                a_node_does_not_hear_itself,
                no_changes_are_a_hint,
                many_announcements_all_arrive,
                a_listener_that_panics_harms_nobody,
            ]
        }
    };
}

/// The contract of [`RateLimiter`](crate::ports::RateLimiter). `$open` returns a guard, which is dropped after the test,
/// and an `Arc<dyn RateLimiter>` that is within reach and remembers nothing.
#[macro_export]
macro_rules! rate_limiter_contract {
    ($open:expr) => {
        $crate::port_contract! { $open =>
            rate_limiter: [
                the_limit_is_allowed_and_no_more,
                parallel_attempts_do_not_slip_through,
                parallel_attempts_do_not_slip_through_a_large_limit,
                keys_and_rates_are_independent,
                who_waits_as_told_is_allowed_again,
                refused_attempts_do_not_count,
                no_window_has_more_than_the_limit,
                a_glance_costs_nothing_and_tells_when_all_is_used_up,
                the_largest_limit_works,
            ]
        }
    };
}

/// The contract of [`Denylist`](crate::ports::Denylist). `$open` returns a guard, which is dropped after the test, and an
/// `Arc<dyn Denylist>` that is empty, within reach and has room for 5,000 entries.
#[macro_export]
macro_rules! denylist_contract {
    ($open:expr) => {
        $crate::port_contract! { $open =>
            denylist: [
                what_was_denied_is_denied,
                what_was_not_denied_is_not,
                a_session_is_no_refresh_token,
                an_entry_dies_after_its_time,
                an_entry_without_time_is_left_out,
                many_are_denied_at_once,
            ]
        }
    };
}
