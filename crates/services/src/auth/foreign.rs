//! Who holds an access token that Django signed.

use super::{AuthService, AuthenticateError, Caller, Credential};
use crate::foreign_tokens::{ForeignAccess, ForeignAccount, ForeignAccounts};
use crate::principals::Principal;
use doorward_domain::Origin;
use doorward_storage::StoreError;
use std::sync::Arc;

impl AuthService {
    /// What memory says of a token that is none of ours, for which `error` is the answer unless it is Django's.
    pub(super) fn foreign_from_memory(
        &self,
        access_token: &str,
        error: AuthenticateError,
    ) -> Option<Result<Caller, AuthenticateError>> {
        let Some((accounts, access)) = self.read_foreign(access_token, &error) else {
            return Some(Err(error));
        };
        let account = self.remembered_foreign(accounts, &access)?;
        Some(foreign_caller(Some(account), &access))
    }

    /// The same, and where memory says nothing, what the database says.
    pub(super) async fn authenticate_foreign(
        &self,
        access_token: &str,
        error: AuthenticateError,
    ) -> Result<Caller, AuthenticateError> {
        let Some((accounts, access)) = self.read_foreign(access_token, &error) else {
            return Err(error);
        };
        let account = match self.remembered_foreign(accounts, &access) {
            Some(account) => Some(account),
            None => self.load_foreign(accounts, &access).await?,
        };
        foreign_caller(account, &access)
    }

    /// None where such tokens are not accepted, or where it is none.
    fn read_foreign(
        &self,
        access_token: &str,
        error: &AuthenticateError,
    ) -> Option<(&ForeignAccounts, ForeignAccess)> {
        let accounts = self.core.foreign_accounts.as_ref()?;
        let AuthenticateError::InvalidToken = error else {
            return None;
        };
        let access = self
            .core
            .keys
            .read_foreign(access_token, self.core.clock.now())?;
        let is_cut_off = self.core.memory.revoked.is_before_cutoff(access.issued_at);
        (!is_cut_off).then_some((accounts, access))
    }

    fn remembered_foreign(
        &self,
        accounts: &ForeignAccounts,
        access: &ForeignAccess,
    ) -> Option<ForeignAccount> {
        let account = accounts.get(&access.django_id)?;
        let remembered = self.core.remembered(account.principal.id)?;
        Arc::ptr_eq(&remembered, &account.principal).then_some(account)
    }

    async fn load_foreign(
        &self,
        accounts: &ForeignAccounts,
        access: &ForeignAccess,
    ) -> Result<Option<ForeignAccount>, StoreError> {
        let principals = &self.core.memory.principals;
        let (ticket, uptime) = (principals.ticket(), self.core.clock.uptime());
        let django_id = access.django_id.clone();
        let found = self
            .core
            .store
            .read(move |tx| tx.account_by_django_id(&django_id))
            .await?;
        Ok(found.map(|found| {
            let account = ForeignAccount {
                principal: Arc::new(Principal::from(found.user)),
                tokens_from: found.foreign_tokens_from,
            };
            let principal = &account.principal;
            principals.insert(ticket, principal.id, Arc::clone(principal), uptime);
            accounts.insert(access.django_id.clone(), account.clone());
            account
        }))
    }
}

fn foreign_caller(
    account: Option<ForeignAccount>,
    access: &ForeignAccess,
) -> Result<Caller, AuthenticateError> {
    let account = account
        .filter(|account| account.principal.is_active && account.accepts(access))
        .ok_or(AuthenticateError::InvalidToken)?;
    Ok(Caller {
        principal: account.principal,
        credential: Credential::Foreign,
        origin: Origin::default(),
    })
}

#[cfg(test)]
mod tests;
