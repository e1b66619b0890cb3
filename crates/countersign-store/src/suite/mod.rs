//! What every engine must do: the promises of [`Store`], each a check with a name.
//!
//! Whoever writes an engine says where it keeps things, and makes a test of each check:
//!
//! ```ignore
//! countersign_store::suite!(|check| runtime().block_on(check(&Database::new())));
//! ```
//!
//! A check begins with an empty place of its own, and opens it as often as it wants to, also while it is open: two stores on one
//! place are two processes to an engine. A check panics with what it found.
//!
//! What a suite cannot ask is whether the disk has what was acknowledged. For that an engine needs a test below the process.

mod accept;
mod listing;
mod outbound;
mod prune;
mod queue;
mod rows;
mod sample;
mod sending;

use crate::{Reply, Store};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Where a store keeps things. Empty when it is made.
pub trait Place: Sync {
    /// Open it, beside those that are open already.
    fn open(&self) -> Reply<'_, Arc<dyn Store>>;
}

/// One promise, asked for.
pub type Check = for<'p> fn(&'p dyn Place) -> Pin<Box<dyn Future<Output = ()> + 'p>>;

/// The check called `name`; for [`suite!`](macro@crate::suite), which has all the names.
///
/// # Panics
///
/// If there is none of this name.
pub fn check(name: &str) -> Check {
    match CHECKS.iter().find(|(known, _)| *known == name) {
        Some((_, check)) => *check,
        None => panic!("there is no check `{name}`"),
    }
}

/// Write a test for each check. What is given is called with it, and has to run it to its end on a new place.
#[macro_export]
macro_rules! suite {
    (@tests [$run:expr] $($room:ident: $($name:ident)+;)+) => {
        $($(
            #[test]
            fn $name() {
                let run: fn($crate::suite::Check) = $run;
                run($crate::suite::check(stringify!($name)));
            }
        )+)+
    };
    (@table [] $($room:ident: $($name:ident)+;)+) => {
        const CHECKS: &[(&str, Check)] = &[$($((stringify!($name), |place| Box::pin($room::$name(place)))),+),+];
    };
    (@all $what:ident $given:tt) => {
        $crate::suite! { @$what $given
            accept:
                atk_112_of_64_that_claim_at_once_exactly_one_is_fresh
                atk_117_one_id_of_two_sources_is_two_events
                atk_118_a_restart_forgets_no_claim
                a_claim_is_known_until_its_end_and_the_later_end_counts
                seen_if_any_is_known_and_then_all_are
                what_claims_nothing_is_fresh_and_twice_in_one_claim_is_once
                a_clock_that_steps_back_forgets_nothing
                an_id_is_not_burnt_if_storing_failed
                one_that_fails_takes_no_other_down
                bodies_and_heads_come_back_byte_for_byte
                what_was_accepted_before_leaves_its_row_and_nothing_else
                what_was_answered_is_there_after_a_restart;
            listing:
                pages_join_in_both_directions_while_rows_are_added
                a_listing_is_followed_as_it_grows
                what_is_looked_for_is_found_and_nothing_else
                times_are_looked_at_though_they_are_out_of_order
                a_page_has_an_end_and_no_bodies
                what_is_no_place_of_a_listing_is_told;
            queue:
                what_is_put_is_due_at_once_at_each_endpoint
                a_lease_is_exclusive_until_it_ends
                the_longest_due_is_leased_first_and_no_more_than_asked_for
                of_many_that_lease_at_once_each_delivery_goes_to_one
                a_lease_that_was_lost_writes_nothing
                leases_that_ran_out_are_told_until_they_are_counted
                what_failed_waits_for_its_time
                what_ended_is_not_leased_again_and_settled_once
                redriving_is_for_the_dead_and_repeating_it_changes_nothing
                the_queue_is_counted;
            rows:
                hours_add_up
                a_key_was_last_used_at_its_latest_use
                sources_are_written_replaced_and_removed_with_their_secrets
                secrets_are_written_replaced_and_forgotten
                every_change_of_sources_and_secrets_is_seen_by_others
                what_was_overtaken_is_not_written
                of_many_that_change_at_once_one_is_written
                a_store_that_can_write_says_so;
            outbound:
                a_message_is_published_once_and_due_at_once_at_each_endpoint
                of_many_that_publish_one_name_at_once_one_is_told_that_it_is_fresh
                an_endpoint_is_added_once_with_its_secrets_or_not_at_all
                what_is_queued_for_a_paused_endpoint_is_held_and_what_comes_is_too
                what_was_held_is_due_when_its_endpoint_is_resumed
                what_is_under_way_when_its_endpoint_is_paused_ends_as_it_ends
                what_nobody_told_of_before_its_endpoint_was_paused_is_made_again_after
                what_a_worker_holds_though_its_endpoint_is_not_paused_waits
                pausing_while_many_lease_and_report_loses_nothing
                a_removed_endpoint_leaves_dead_letters_and_no_secrets
                what_was_under_way_to_a_removed_endpoint_is_not_sent_to_another_of_its_name
                types_are_written_replaced_and_removed
                every_change_of_endpoints_and_types_is_seen_by_others;
            sending:
                one_with_a_long_queue_holds_up_no_other
                no_endpoint_gives_more_than_there_is_room_for
                of_many_that_lease_at_once_none_gets_more_of_an_endpoint_than_it_asked_for
                the_next_is_looked_for_among_the_endpoints_that_matter
                an_endpoint_learns_since_when_it_fails
                what_is_held_by_its_worker_made_no_attempt
                each_is_queued_again_at_its_moment_and_each_has_its_answer
                of_many_that_redrive_at_once_one_is_told_that_it_is_queued
                what_is_cancelled_is_never_made_again
                what_is_held_is_kept_and_what_is_cancelled_goes
                deliveries_are_found_by_what_was_asked_for
                a_listing_of_deliveries_has_pages_and_is_followed;
            prune:
                what_is_old_goes_and_what_is_not_delivered_stays
                the_newest_are_kept_by_size
                claims_that_ended_go_and_others_stay
                a_clock_that_leaps_ahead_and_back_has_no_claim_forgotten
                steps_are_no_larger_than_asked_for_and_there_is_an_end
                a_listing_is_followed_though_everything_was_forgotten;
        }
    };
    ($run:expr) => {
        $crate::suite! { @all tests [$run] }
    };
}

suite! { @all table [] }
