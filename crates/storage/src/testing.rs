//! The contract suite: what every store does, on whatever database.
//!
//! An implementation calls [`store_contract!`](crate::store_contract) in its tests with a function that opens an empty
//! store; each case becomes a test of its own. The builders serve other tests, too.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests are its only callers, and a panic is how they fail"
)]

pub mod api_keys;
pub mod audit;
pub mod builders;
pub mod feed;
pub mod gate;
pub mod imports;
pub mod places;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod tasks;
pub mod units;
pub mod users;
pub mod webhook_secrets;

pub use builders::{
    KINDS, a_series, a_session, a_setting_change, a_signing_key, a_task, a_user, a_webhook_secret,
    an_api_key, an_event, instant,
};
pub use gate::Gate;

use crate::error::StoreError;
use crate::store::{Store, Transaction};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Writes, and expects no error.
pub async fn write<T, F>(store: &dyn Store, work: F) -> T
where
    F: FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    store.write(work).await.expect("the write succeeds")
}

/// Reads, and expects no error.
pub async fn read<T, F>(store: &dyn Store, work: F) -> T
where
    F: FnOnce(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    T: Send + 'static,
{
    store.read(work).await.expect("the read succeeds")
}

/// The future after its first step: a unit of work is in the queue then.
pub async fn begun<F: Future>(future: F) -> Pin<Box<F>> {
    let mut future = Box::pin(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(_) => panic!("finished in its first step"),
        Poll::Pending => Poll::Ready(()),
    })
    .await;
    future
}

/// Makes one `#[tokio::test]` for each case of the contract. `$open` is called without arguments and returns a guard,
/// which is dropped after the test, and the store, an `Arc<dyn Store>` on an empty database with fewer than 30 threads.
///
/// The calling crate has `tokio` with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! store_contract {
    ($open:expr) => {
        $crate::store_contract! { $open =>
            units: [
                what_is_ok_is_kept,
                an_error_rolls_back,
                a_panic_rolls_back,
                a_read_must_not_write,
                a_read_sees_one_state,
                work_that_goes_on_after_a_failed_statement_is_not_kept,
                listeners_hear_of_a_commit_before_the_caller,
                listeners_never_hear_of_what_was_rolled_back,
                a_listener_that_panics_harms_nobody,
                work_goes_on_when_its_caller_goes_away,
                work_that_waits_over_its_deadline_never_runs,
                parallel_writes_are_all_kept_or_undone_one_by_one,
                close_finishes_queued_work_and_refuses_later_work,
            ],
            users: [
                a_user_is_read_back_as_he_was_written,
                instants_keep_their_microseconds,
                a_lookup_disregards_case,
                nobody_is_found_where_nobody_is,
                a_taken_username_is_a_conflict,
                a_taken_email_address_is_a_conflict,
                many_users_have_no_email_address,
                an_update_writes_every_field,
                an_update_of_nobody_is_false,
                a_deleted_user_is_gone_with_his_sessions,
                a_change_is_recorded_with_every_write,
                a_change_of_the_list_is_recorded_where_the_list_changes,
                a_locked_user_is_changed_by_one_at_a_time,
                owners_are_locked_if_they_are_active,
                two_owners_who_demote_each_other_leave_one,
                parallel_registrations_of_one_address_make_one_account,
                a_list_is_paged_by_id,
                a_list_is_filtered,
                users_are_counted,
                a_list_of_very_many_is_filtered_as_one_of_few,
                a_prefix_is_taken_literally,
            ],
            imports: [
                imported_users_are_read_back_as_they_came,
                an_import_changes_the_list_once,
                whoever_clashes_with_somebody_is_not_inserted,
                holders_are_found_by_each_claim_and_once,
                an_update_leaves_what_came_from_django,
                foreign_tokens_are_refused_from_a_moment_on,
            ],
            sessions: [
                a_session_is_read_back_as_it_was_written,
                a_session_is_found_by_both_its_digests,
                a_session_needs_its_user,
                a_session_advances_once_from_a_generation,
                an_ended_session_does_not_advance,
                a_race_to_advance_has_one_winner,
                a_session_ends_once_and_the_end_is_recorded,
                all_live_sessions_of_a_user_end_but_one,
                live_sessions_come_in_the_order_of_their_logins,
                live_sessions_are_counted,
                what_is_over_is_swept_in_small_batches,
                the_cutoff_is_the_one_that_was_set_last,
                sessions_from_before_the_cutoff_end_in_small_batches,
            ],
            api_keys: [
                a_key_is_read_back_as_it_was_written,
                a_key_is_found_by_both_its_digests,
                a_key_needs_its_user_and_goes_with_him,
                an_update_writes_what_may_change_and_is_recorded,
                a_deleted_key_is_gone_and_that_is_recorded,
                keys_are_counted_and_listed_by_their_user_in_pages,
                a_use_is_noted_once_in_an_interval_and_not_recorded,
                a_locked_key_is_changed_by_one_at_a_time,
            ],
            places: [
                a_place_is_known_once_it_was_noted,
                of_many_places_the_newest_are_kept,
                a_place_goes_with_its_user,
                places_not_seen_for_long_are_swept_in_small_batches,
            ],
            feed: [
                what_follows_a_position_is_found_once,
                the_beginning_gives_everything,
                what_a_unit_records_after_it_took_a_position_is_found,
                what_was_rolled_back_is_never_found,
                parallel_changes_are_all_found,
                ended_sessions_matter_while_their_access_tokens_live,
                old_changes_are_swept_in_small_batches,
                a_position_outlives_a_sweep,
                a_cutoff_empties_the_feed_and_older_positions_are_lost,
                a_multitude_of_changes_in_one_unit_is_recorded,
            ],
            audit: [
                an_event_is_read_back_as_it_was_written,
                an_event_goes_with_what_it_tells_of,
                events_are_filtered_and_paged,
                events_are_sealed_once_in_numbers_without_a_gap,
                parallel_sealers_make_one_chain,
                the_head_is_held_by_one_at_a_time,
                a_sealed_beginning_is_deleted,
                sealing_counts_each_event_in_its_hour,
            ],
            signing_keys: [
                a_signing_key_is_read_back_as_it_was_written,
                one_key_of_an_algorithm_is_active_and_one_prepared,
                parallel_first_keys_leave_one_active,
                a_signing_key_is_changed_once_from_a_state,
                a_write_to_signing_keys_is_recorded,
                retired_signing_keys_are_swept_in_small_batches,
            ],
            settings: [
                a_setting_is_read_back_as_it_was_changed_last,
                a_setting_that_is_given_back_is_not_stored,
                the_version_is_advanced_by_one_of_many_who_saw_it,
                a_change_of_settings_is_recorded_once,
                a_change_that_is_rolled_back_leaves_nothing,
                changes_of_settings_are_listed_the_newest_first,
                old_changes_of_settings_are_swept_in_small_batches,
            ],
            webhook_secrets: [
                a_webhook_secret_is_read_back_as_it_was_written,
                a_webhook_secret_takes_the_place_of_the_one_before,
                a_webhook_secret_needs_its_user_and_goes_with_him,
                all_webhook_secrets_are_visited_in_pages,
                a_locked_webhook_secret_is_changed_by_one_at_a_time,
            ],
            tasks: [
                a_task_is_read_back_as_it_was_written,
                a_task_needs_its_user_and_goes_with_him,
                tasks_are_listed_and_counted,
                due_tasks_are_claimed_once,
                a_task_is_left_to_those_who_know_its_kind,
                parallel_claims_share_what_is_due,
                a_lease_that_has_run_out_fences_its_holder_off,
                a_task_is_tried_again_when_it_is_to_be,
                a_task_that_is_given_back_has_lost_no_attempt,
                a_task_whose_workers_die_fails_with_its_last_attempt,
                tasks_of_inactive_users_are_called_off_when_they_are_due,
                a_task_is_cancelled_before_it_runs_or_not_at_all,
                cancelling_and_claiming_race_for_one_winner,
                a_series_goes_on_with_one_firing,
                a_series_ends_with_a_firing_that_is_called_off,
                a_series_has_one_live_firing,
                a_task_that_has_ended_is_run_anew,
                finished_tasks_are_swept_in_small_batches,
            ],
        }
    };
    ($open:expr => $($group:ident: [$($case:ident),+ $(,)?]),+ $(,)?) => {
        $($(
            #[::tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_guard, store) = ($open)();
                $crate::testing::$group::$case(::std::sync::Arc::clone(&store)).await;
                store.close().await;
            }
        )+)+
    };
}
