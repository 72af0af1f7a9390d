//! The keys of the chain, derived from `SECRET_KEY`, and what is made with them.

use crate::keys::{expand, root};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use doorward_domain::AuditEvent;
use doorward_domain::audit::{AuditKeyId, AuditMac, ChainHead, SealedEvent};
use secrecy::SecretString;
use std::fmt;
use std::fmt::Write;

/// What one secret key gives.
struct ChainKey {
    id: AuditKeyId,
    key: hmac::Key,
}

/// The key that seals, and earlier ones that only verify.
pub(crate) struct AuditKeys {
    present: ChainKey,
    earlier: Vec<ChainKey>,
    names: hmac::Key,
}

impl fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKeys(…)")
    }
}

impl ChainKey {
    fn derive(secret: &SecretString) -> Self {
        let root = root(secret);
        let id = hmac::sign(&expand(&root, b"audit key id v1"), b"");
        Self {
            id: AuditKeyId(hex(id.as_ref(), 8)),
            key: expand(&root, b"audit chain v1"),
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> AuditMac {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(part);
        }
        let mut mac = AuditMac::default();
        for (byte, of_tag) in mac.0.iter_mut().zip(context.sign().as_ref()) {
            *byte = *of_tag;
        }
        mac
    }
}

impl AuditKeys {
    pub(crate) fn new(present: &SecretString, earlier: &[SecretString]) -> Self {
        Self {
            present: ChainKey::derive(present),
            earlier: earlier.iter().map(ChainKey::derive).collect(),
            names: expand(&root(present), b"audit name digest v1"),
        }
    }

    /// Under which key is sealed.
    pub(crate) fn present_id(&self) -> &AuditKeyId {
        &self.present.id
    }

    /// The hash of an event that follows the one with the hash `before`.
    pub(crate) fn seal(&self, before: AuditMac, sequence: i64, event: &AuditEvent) -> AuditMac {
        let event = event.canonical(sequence);
        self.present.mac(&[&before.0, &event])
    }

    /// Whether the event was sealed there; none where the key is not known.
    pub(crate) fn fits(&self, before: AuditMac, sealed: &SealedEvent) -> Option<bool> {
        let key = self.find(&sealed.key_id)?;
        let event = sealed.event.canonical(sealed.sequence);
        let mac = key.mac(&[&before.0, &event]);
        Some(is_equal(&mac.0, &sealed.mac.0))
    }

    /// The head under the present key.
    pub(crate) fn seal_head(&self, head: &ChainHead) -> ChainHead {
        ChainHead {
            key_id: self.present.id.clone(),
            seal: self.present.mac(&[&head.canonical()]).0.to_vec(),
            ..head.clone()
        }
    }

    /// Whether the head is as it was sealed, or that of a log in which nothing was; none where the key is not known.
    pub(crate) fn fits_head(&self, head: &ChainHead) -> Option<bool> {
        if head.seal.is_empty() {
            return Some(*head == ChainHead::default());
        }
        let key = self.find(&head.key_id)?;
        let seal = key.mac(&[&head.canonical()]);
        Some(is_equal(&seal.0, &head.seal))
    }

    /// By this the same name is known again, and nobody learns it.
    pub(crate) fn name_digest(&self, name: &str) -> String {
        let folded = name.trim().to_lowercase();
        hex(hmac::sign(&self.names, folded.as_bytes()).as_ref(), 8)
    }

    fn find(&self, id: &AuditKeyId) -> Option<&ChainKey> {
        let mut keys = std::iter::once(&self.present).chain(&self.earlier);
        keys.find(|key| key.id == *id)
    }
}

fn is_equal(a: &[u8], b: &[u8]) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}

fn hex(bytes: &[u8], length: usize) -> String {
    bytes
        .iter()
        .take(length)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
