//! Pages of the user list in the shared cache.

use super::{Found, Shared};
use crate::user_list::{ListKey, ListPage};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use doorward_domain::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What stands before the body, on a line of its own.
#[derive(Serialize, Deserialize)]
struct Head {
    etag: String,
    next: Option<Uuid>,
}

fn write(page: &ListPage) -> Option<Vec<u8>> {
    let head = Head {
        etag: page.etag.clone(),
        next: page.next.map(|id| *id.as_uuid()),
    };
    let mut bytes = serde_json::to_vec(&head).ok()?;
    bytes.push(b'\n');
    bytes.extend_from_slice(&page.body);
    Some(bytes)
}

fn read(bytes: &Bytes) -> Option<ListPage> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(bytes.get(..end)?).ok()?;
    Some(ListPage {
        body: bytes.slice(end + 1..),
        etag: head.etag,
        next: head.next.map(UserId::from_uuid),
    })
}

impl Shared {
    /// What is searched for stays between us: a name is a digest.
    fn list_name(&self, key: &ListKey) -> String {
        let what = format!("{} {key:?}", env!("CARGO_PKG_VERSION"));
        let digest = self.seal.digest("user list", what.as_bytes());
        format!("list:{}", URL_SAFE_NO_PAD.encode(digest))
    }

    pub(crate) async fn list_page(
        &self,
        key: &ListKey,
        lifetime: TimeDelta,
    ) -> Option<Found<ListPage>> {
        if !self.unsettled.is_list_settled(key.view) {
            return None;
        }
        let found = self.get(&self.list_name(key), lifetime).await?;
        Some(Found {
            value: read(&found.value)?,
            age: found.age,
        })
    }

    pub(crate) async fn put_list_page(
        &self,
        key: &ListKey,
        page: &ListPage,
        loaded_at: DateTime<Utc>,
        lifetime: TimeDelta,
    ) {
        if let Some(bytes) = write(page) {
            self.put(&self.list_name(key), loaded_at, &bytes, lifetime)
                .await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_it_was_written() {
        for next in [None, Some(UserId::new(DateTime::UNIX_EPOCH))] {
            let page = ListPage {
                body: Bytes::from_static(b"[\n]"),
                etag: "\"tag\"".to_owned(),
                next,
            };
            assert_eq!(read(&write(&page).unwrap().into()), Some(page));
        }
        assert_eq!(read(&Bytes::from_static(b"[]")), None);
    }
}
