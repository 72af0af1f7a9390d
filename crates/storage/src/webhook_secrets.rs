//! The secrets with which webhooks are signed.

use crate::error::StoreError;
use doorward_domain::{UserId, WebhookSecret};

/// Webhook secrets, of which a user has one or none. Nobody remembers them, so nothing is recorded of a change. They go
/// with their user.
pub trait WebhookSecretRepository {
    /// The user's secret.
    fn webhook_secret(&mut self, user_id: UserId) -> Result<Option<WebhookSecret>, StoreError>;

    /// Writes the user's secret in place of the one that he has, if he has one.
    fn put_webhook_secret(&mut self, secret: &WebhookSecret) -> Result<(), StoreError>;

    /// Up to `limit` secrets, in the order of their users' ids and only those `after` one. Until the end of the
    /// transaction nobody else changes them.
    fn lock_webhook_secrets(
        &mut self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<WebhookSecret>, StoreError>;
}
