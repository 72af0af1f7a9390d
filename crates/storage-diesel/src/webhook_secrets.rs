//! The secrets with which webhooks are signed.

use crate::backend::on_backend;
use crate::rows::{inconsistent, readable};
use crate::schema::webhook_secrets;
use crate::transaction::{DieselTransaction, unexpected_count};
use crate::types::{DbId, DbInstant};
use diesel::prelude::*;
use doorward_domain::webhook_secret::PreviousWebhookSecret;
use doorward_domain::{SealedSecret, UserId, WebhookSecret};
use doorward_storage::{StoreError, WebhookSecretRepository};

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhook_secrets, primary_key(user_id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
struct WebhookSecretRow {
    user_id: DbId,
    sealed: Vec<u8>,
    created_at: DbInstant,
    previous_sealed: Option<Vec<u8>>,
    previous_until: Option<DbInstant>,
}

impl From<&WebhookSecret> for WebhookSecretRow {
    fn from(secret: &WebhookSecret) -> Self {
        let previous = secret.previous.as_ref();
        Self {
            user_id: secret.user_id.into(),
            sealed: secret.sealed.0.clone(),
            created_at: secret.created_at.into(),
            previous_sealed: previous.map(|previous| previous.sealed.0.clone()),
            previous_until: previous.map(|previous| previous.until.into()),
        }
    }
}

impl TryFrom<WebhookSecretRow> for WebhookSecret {
    type Error = StoreError;

    fn try_from(row: WebhookSecretRow) -> Result<Self, StoreError> {
        let previous = match (row.previous_sealed, row.previous_until) {
            (None, None) => None,
            (Some(sealed), Some(until)) => Some(PreviousWebhookSecret {
                sealed: SealedSecret(sealed),
                until: until.0,
            }),
            (Some(_), None) | (None, Some(_)) => {
                return Err(inconsistent("webhook_secrets", "previous_until"));
            }
        };
        Ok(Self {
            user_id: UserId::from_uuid(row.user_id.0),
            sealed: SealedSecret(row.sealed),
            created_at: row.created_at.0,
            previous,
        })
    }
}

impl WebhookSecretRepository for DieselTransaction<'_> {
    fn webhook_secret(&mut self, user_id: UserId) -> Result<Option<WebhookSecret>, StoreError> {
        let wanted = webhook_secrets::table.find(DbId::from(user_id));
        let row = on_backend!(self, |c| wanted
            .select(WebhookSecretRow::as_select())
            .first(c)
            .optional())?;
        row.map(WebhookSecret::try_from).transpose()
    }

    fn put_webhook_secret(&mut self, secret: &WebhookSecret) -> Result<(), StoreError> {
        let row = WebhookSecretRow::from(secret);
        let count = on_backend!(self, |c| diesel::insert_into(webhook_secrets::table)
            .values(&row)
            .on_conflict(webhook_secrets::user_id)
            .do_update()
            .set(&row)
            .execute(c))?;
        match count {
            1 => Ok(()),
            count => Err(unexpected_count(count, "webhook_secrets")),
        }
    }

    fn lock_webhook_secrets(
        &mut self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<WebhookSecret>, StoreError> {
        // No user has the nil id.
        let after = after.map_or(DbId(uuid::Uuid::nil()), DbId::from);
        let page = webhook_secrets::table
            .filter(webhook_secrets::user_id.gt(after))
            .order(webhook_secrets::user_id)
            .limit(limit.into());
        let rows = on_backend!(
            self,
            postgres = |c| page
                .select(WebhookSecretRow::as_select())
                .for_update()
                .load(c),
            sqlite = |c| page.select(WebhookSecretRow::as_select()).load(c) // there is one writer
        )?;
        Ok(readable(rows, |row: &WebhookSecretRow| row.user_id.0))
    }
}
