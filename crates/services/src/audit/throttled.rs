//! Attempts that are refused unseen: the log tells of them, and does not grow with them.

use super::AuditService;
use crate::services::Core;
use doorward_domain::{AuditEvent, Origin, SecurityEvent, UserId};
use doorward_storage::StoreError;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For so long the same is not told again.
const WINDOW: Duration = Duration::from_mins(1);
/// Of more in a window nobody learns anything new.
const MOST_IN_WINDOW: usize = 100;

/// What was told in the present window.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<(Duration, HashSet<String>)>);

impl Told {
    /// Whether it is worth telling.
    fn is_new(&self, what: String, uptime: Duration) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, told) = &mut *window;
        if uptime.saturating_sub(*began) >= WINDOW {
            *began = uptime;
            told.clear();
        }
        told.len() < MOST_IN_WINDOW && told.insert(what)
    }
}

/// An attempt that is refused unseen.
#[derive(Debug)]
pub struct ThrottledLogin {
    /// The account, where it is known.
    pub subject: Option<UserId>,
    /// The name that was typed.
    pub name: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

impl AuditService {
    /// Notes that a login was refused unseen: once a minute for each name and address, and a hundred times a minute at
    /// the most on each node.
    ///
    /// # Errors
    /// The store's.
    pub async fn login_throttled(&self, attempt: ThrottledLogin) -> Result<(), StoreError> {
        self.core.note_throttled_login(attempt).await
    }
}

impl Core {
    /// As [`AuditService::login_throttled`], for use cases.
    pub(crate) async fn note_throttled_login(
        &self,
        attempt: ThrottledLogin,
    ) -> Result<(), StoreError> {
        let ThrottledLogin {
            subject,
            name,
            origin,
        } = attempt;
        let name_digest = name.map(|name| self.audit_keys.name_digest(&name));
        let what = format!("{subject:?} {name_digest:?} {:?}", origin.ip_address);
        if !self.throttled.is_new(what, self.clock.uptime()) {
            return Ok(());
        }
        let name_digest = name_digest.filter(|_| subject.is_none());
        let event = SecurityEvent::LoginThrottled { name_digest };
        let event = AuditEvent::new(self.clock.now(), &event).coming_from(&origin);
        let event = AuditEvent {
            subject_id: subject,
            ..event
        };
        self.store.write(move |tx| tx.append_event(&event)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute() {
        let (told, at) = (Told::default(), Duration::from_secs);
        assert!(told.is_new("a".to_owned(), at(10)));
        assert!(!told.is_new("a".to_owned(), at(59)));
        assert!(told.is_new("b".to_owned(), at(59)));
        assert!(told.is_new("a".to_owned(), at(60)));
        assert!(!told.is_new("a".to_owned(), at(119)));
    }

    #[test]
    fn no_flood_of_names_makes_a_flood_of_events() {
        let told = Told::default();
        let is_told = |number: &usize| told.is_new(number.to_string(), Duration::ZERO);
        assert_eq!((0..10_000).filter(is_told).count(), MOST_IN_WINDOW);
    }
}
