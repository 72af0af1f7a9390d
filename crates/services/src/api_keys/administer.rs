//! What admins do with the keys of others. No secret is ever among it: nobody has one.

use super::{ApiKeyPage, ApiKeyService, page_of};
use crate::auth::Caller;
use crate::users::{AdministerError, require_admin};
use doorward_domain::{ApiKeyId, SecurityEvent, UserId};

impl ApiKeyService {
    /// The keys of any user, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user, [`AdministerError::NotFound`] when there is no such user.
    pub async fn list_of(
        &self,
        caller: &Caller,
        user: UserId,
        after: Option<ApiKeyId>,
        limit: u32,
    ) -> Result<ApiKeyPage, AdministerError> {
        require_admin(caller)?;
        self.core
            .store
            .read(move |tx| {
                tx.user(user)?.ok_or(AdministerError::NotFound)?;
                Ok(page_of(tx, user, after, limit)?)
            })
            .await
    }

    /// Deletes a key of a user whom the caller may manage.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user, and for an admin who touches an admin's or an owner's;
    /// [`AdministerError::NotFound`] when the user has no such key.
    pub async fn delete_of(
        &self,
        caller: &Caller,
        user: UserId,
        id: ApiKeyId,
    ) -> Result<(), AdministerError> {
        require_admin(caller)?;
        let (by, now) = (caller.principal.role, self.core.clock.now());
        let event = caller.event(now, &SecurityEvent::ApiKeyDeleted { api_key: id });
        let event = event.about(user);
        self.core
            .store
            .write(move |tx| {
                let owner = tx.lock_user(user)?.ok_or(AdministerError::NotFound)?;
                if !by.may_manage(owner.role) {
                    return Err(AdministerError::NotAllowed);
                }
                tx.lock_api_key(id)?
                    .filter(|key| key.user_id == user)
                    .ok_or(AdministerError::NotFound)?;
                tx.delete_api_key(id, now)?;
                Ok(tx.append_event(&event)?)
            })
            .await
    }
}
