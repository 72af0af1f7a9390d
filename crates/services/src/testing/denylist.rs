//! The denylist.

use super::until;
use crate::ports::{Denied, Denylist};
use std::sync::Arc;
use std::time::Duration;

const LONG: Duration = Duration::from_mins(1);

/// However often it is asked.
pub async fn what_was_denied_is_denied(list: Arc<dyn Denylist>) {
    let (session, token) = (Denied::Session([1; 32]), Denied::RefreshToken([2; 32]));
    list.deny(&[(session, LONG), (token, LONG)]).await;
    list.deny(&[(session, LONG)]).await;
    for _ in 0..3 {
        assert_eq!(list.is_denied(&session).await, Some(true));
        assert_eq!(list.is_denied(&token).await, Some(true));
    }
}

/// Even where much else is.
pub async fn what_was_not_denied_is_not(list: Arc<dyn Denylist>) {
    list.deny(&[]).await;
    list.deny(&[(Denied::Session([0; 32]), LONG)]).await;
    assert_eq!(list.is_denied(&Denied::Session([1; 32])).await, Some(false));
}

/// The same digest under both labels is two entries.
pub async fn a_session_is_no_refresh_token(list: Arc<dyn Denylist>) {
    list.deny(&[
        (Denied::Session([1; 32]), LONG),
        (Denied::RefreshToken([2; 32]), LONG),
    ])
    .await;
    let token = Denied::RefreshToken([1; 32]);
    let session = Denied::Session([2; 32]);
    assert_eq!(list.is_denied(&token).await, Some(false));
    assert_eq!(list.is_denied(&session).await, Some(false));
}

/// And others live on.
pub async fn an_entry_dies_after_its_time(list: Arc<dyn Denylist>) {
    let (short, long) = (Denied::Session([1; 32]), Denied::Session([2; 32]));
    list.deny(&[(short, Duration::from_millis(100)), (long, LONG)])
        .await;
    until("the short one is over", async || {
        list.is_denied(&short).await == Some(false)
    })
    .await;
    assert_eq!(list.is_denied(&long).await, Some(true));
}

/// It would be over.
pub async fn an_entry_without_time_is_left_out(list: Arc<dyn Denylist>) {
    let (none, some) = (Denied::Session([1; 32]), Denied::Session([2; 32]));
    list.deny(&[(none, Duration::ZERO), (some, LONG)]).await;
    assert_eq!(list.is_denied(&none).await, Some(false));
    assert_eq!(list.is_denied(&some).await, Some(true));
}

/// As when a user with many sessions is deactivated, or a node tells what it has loaded.
pub async fn many_are_denied_at_once(list: Arc<dyn Denylist>) {
    let named = |i: u16| {
        let mut digest = [0; 32];
        let (number, _) = digest.split_at_mut(2);
        number.copy_from_slice(&i.to_be_bytes());
        Denied::Session(digest)
    };
    let all: Vec<_> = (0..4000).map(|i| (named(i), LONG)).collect();
    list.deny(&all).await;
    for i in [0, 999, 1000, 2500, 3999] {
        assert_eq!(list.is_denied(&named(i)).await, Some(true), "{i}");
    }
    assert_eq!(list.is_denied(&named(4000)).await, Some(false));
}
