//! The list of users, and their administration.

mod administer;

pub use administer::{AdministerError, UserUpdate};

use crate::auth::Caller;
use crate::error::Internal;
use crate::services::Core;
use crate::user_list::{ListKey, ListPage, View};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_domain::{Role, User};
pub use doorward_storage::UserQuery;
use std::sync::Arc;

/// Users, as others see them.
#[derive(Debug)]
pub struct UserService {
    core: Arc<Core>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The owner has closed the list to strangers.
    #[error("the list of users is closed to strangers")]
    NotPublic,
    /// Nobody's fault but ours.
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl UserService {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How much of the list `caller` may see.
    ///
    /// # Errors
    /// [`ListError::NotPublic`] for a stranger where the list is closed.
    pub fn view_of(&self, caller: Option<&Caller>) -> Result<View, ListError> {
        match caller {
            Some(caller) if caller.principal.role >= Role::Admin => Ok(View::Full),
            Some(_) => Ok(View::Public),
            None if self.core.settings.load().public_user_list => Ok(View::Public),
            None => Err(ListError::NotPublic),
        }
    }

    /// The whole list, for those who may see nothing less than that.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub fn full_view(&self, caller: &Caller) -> Result<View, AdministerError> {
        administer::require_admin(caller)?;
        Ok(View::Full)
    }

    /// Whether there is an active owner.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_owner(&self) -> Result<bool, Internal> {
        let query = UserQuery {
            role: Some(Role::Owner),
            active_only: true,
            limit: 1,
            ..UserQuery::default()
        };
        let owners = self
            .core
            .store
            .read(move |tx| Ok::<_, Internal>(tx.list_users(&query)?))
            .await?;
        Ok(!owners.is_empty())
    }

    /// A page of the list: from memory, or else from the database through `render`. The public view has active users
    /// alone, and neither search nor roles.
    ///
    /// # Errors
    /// When neither memory can be trusted nor the database answers.
    pub async fn list<F>(&self, mut key: ListKey, render: F) -> Result<Arc<ListPage>, Internal>
    where
        F: FnOnce(&[User]) -> Vec<u8> + Send + 'static,
    {
        if key.view == View::Public {
            key.query = UserQuery {
                active_only: true,
                prefix: None,
                role: None,
                ..key.query
            };
        }
        self.core.feed.check_fresh()?;
        let lists = &self.core.memory.user_lists;
        let (uptime, ttl) = (
            self.core.clock.uptime(),
            self.core.settings.load().user_list_cache_ttl,
        );
        if let Some(page) = lists.get(&key, uptime, ttl.to_std().unwrap_or_default()) {
            return Ok(page);
        }
        let version = lists.version(key.view);
        let query = key.query.clone();
        let page = self
            .core
            .store
            .read(move |tx| {
                let one_more = UserQuery {
                    limit: query.limit + 1,
                    ..query.clone()
                };
                let users = tx.list_users(&one_more)?;
                Ok::<_, Internal>(page(users, query.limit, render))
            })
            .await?;
        let page = Arc::new(page);
        lists.insert(key, version, Arc::clone(&page), uptime);
        Ok(page)
    }
}

fn page<F>(mut users: Vec<User>, limit: u32, render: F) -> ListPage
where
    F: FnOnce(&[User]) -> Vec<u8>,
{
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = users.len() > limit;
    users.truncate(limit);
    let body = Bytes::from(render(&users));
    let tag = digest(&SHA256, &body);
    let tag = tag.as_ref().get(..12).unwrap_or_default();
    ListPage {
        etag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(tag)),
        next: users.last().map(|user| user.id).filter(|_| has_more),
        body,
    }
}

#[cfg(test)]
mod tests;
