//! The list of users, and their administration.

mod administer;

pub(crate) use administer::require_admin;
pub use administer::{AdministerError, UserUpdate};

use crate::auth::Caller;
use crate::error::Internal;
use crate::services::Core;
use crate::user_list::{ListKey, ListPage, View};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_domain::{Role, User, UserId, Username};
pub use doorward_storage::UserQuery;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Users, as others see them.
#[derive(Debug)]
pub struct UserService {
    core: Arc<Core>,
}

/// Some users, in the order of their ids.
#[derive(Debug)]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// After which one the next page begins; none on the last page.
    pub next: Option<UserId>,
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
        require_admin(caller)?;
        Ok(View::Full)
    }

    /// A page of users for admins, as they are now.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn page(
        &self,
        caller: &Caller,
        query: UserQuery,
    ) -> Result<UserPage, AdministerError> {
        require_admin(caller)?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let one_more = UserQuery {
            limit: query.limit + 1,
            ..query
        };
        let mut users = self
            .core
            .store
            .read(move |tx| Ok::<_, AdministerError>(tx.list_users(&one_more)?))
            .await?;
        let has_more = users.len() > limit;
        users.truncate(limit);
        let next = users.last().map(|user| user.id).filter(|_| has_more);
        Ok(UserPage { users, next })
    }

    /// The usernames of those among `ids` who are there, for admins.
    ///
    /// # Errors
    /// [`AdministerError::NotAllowed`] for a plain user.
    pub async fn usernames(
        &self,
        caller: &Caller,
        ids: BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, Username>, AdministerError> {
        require_admin(caller)?;
        self.core
            .store
            .read(move |tx| {
                let mut names = BTreeMap::new();
                for id in ids {
                    names.extend(tx.user(id)?.map(|user| (id, user.username)));
                }
                Ok(names)
            })
            .await
    }

    /// Whether there is an active owner.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_owner(&self) -> Result<bool, Internal> {
        let query = UserQuery {
            role: Some(Role::Owner),
            is_active: Some(true),
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
                is_active: Some(true),
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
            self.core.counts.user_lists.hit();
            return Ok(page);
        }
        self.core.counts.user_lists.miss();
        let (version, loaded_at) = (lists.version(key.view), self.core.clock.now());
        let keep = |page: ListPage, loaded_at: Duration| {
            let page = Arc::new(page);
            lists.insert(key.clone(), version, Arc::clone(&page), loaded_at);
            page
        };
        let shared = self.core.shared.as_ref();
        if let Some(shared) = shared
            && let Some(found) = shared.list_page(&key, ttl).await
        {
            let age = found.age.to_std().unwrap_or_default();
            return Ok(keep(found.value, uptime.saturating_sub(age)));
        }
        let page = keep(self.load(key.query.clone(), render).await?, uptime);
        if let Some(shared) = shared {
            shared.put_list_page(&key, &page, loaded_at, ttl).await;
        }
        Ok(page)
    }

    async fn load<F>(&self, query: UserQuery, render: F) -> Result<ListPage, Internal>
    where
        F: FnOnce(&[User]) -> Vec<u8> + Send + 'static,
    {
        let one_more = UserQuery {
            limit: query.limit + 1,
            ..query
        };
        self.core
            .store
            .read(move |tx| Ok(page(tx.list_users(&one_more)?, query.limit, render)))
            .await
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
