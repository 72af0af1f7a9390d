//! The key pairs that this node knows, and what it tells the world of them.

use crate::key_pair::{KeyPair, PublicJwk};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use doorward_domain::KeyId;
use serde::Serialize;
use std::sync::Arc;

/// The public keys as a JSON Web Key Set (RFC 7517, 5), ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    /// The JSON.
    pub body: Bytes,
    /// Changes with the body; in quotation marks.
    pub etag: String,
}

/// All pairs whose tokens are accepted, and which of them signs.
#[derive(Debug)]
pub(crate) struct Pairs {
    published: Vec<Arc<KeyPair>>,
    signer: Option<Arc<KeyPair>>,
    /// While a pair signs, access tokens under the secret key are accepted until then. None: never.
    shared_until: Option<DateTime<Utc>>,
    jwks: Arc<Jwks>,
}

#[derive(Serialize)]
struct JwkSet<'a> {
    keys: Vec<Jwk<'a>>,
}

#[derive(Serialize)]
struct Jwk<'a> {
    kid: &'a str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    #[serde(flatten)]
    public: &'a PublicJwk,
}

impl Default for Pairs {
    fn default() -> Self {
        Self::new(Vec::new(), None, None)
    }
}

impl Pairs {
    pub(crate) fn new(
        published: Vec<Arc<KeyPair>>,
        signer: Option<Arc<KeyPair>>,
        shared_until: Option<DateTime<Utc>>,
    ) -> Self {
        Self {
            jwks: Arc::new(jwks(&published)),
            published,
            signer,
            shared_until,
        }
    }

    /// The pair that signs; none when the secret key does.
    pub(crate) fn signer(&self) -> Option<&Arc<KeyPair>> {
        self.signer.as_ref()
    }

    /// The pair whose tokens have exactly this header.
    pub(crate) fn of_header(&self, header: &str) -> Option<&KeyPair> {
        let pair = self.published.iter().find(|pair| pair.header == header)?;
        Some(pair)
    }

    pub(crate) fn get(&self, kid: &KeyId) -> Option<&Arc<KeyPair>> {
        self.published.iter().find(|pair| pair.kid == *kid)
    }

    /// Whether an access token that the secret key has signed is accepted: always when it signs, else only as long as
    /// the last one lives that it can have signed here. Others may hold that key too.
    pub(crate) fn takes_shared_access(&self, now: DateTime<Utc>) -> bool {
        self.signer.is_none() || self.shared_until.is_some_and(|until| now < until)
    }

    pub(crate) fn jwks(&self) -> Arc<Jwks> {
        Arc::clone(&self.jwks)
    }
}

fn jwks(published: &[Arc<KeyPair>]) -> Jwks {
    let keys = published
        .iter()
        .map(|pair| Jwk {
            kid: pair.kid.as_str(),
            alg: pair.algorithm.as_str(),
            usage: "sig",
            public: &pair.jwk,
        })
        .collect();
    let body = serde_json::to_vec(&JwkSet { keys }).unwrap_or_default();
    // The kids are digests of the keys, so they tell one set from another.
    let kids: Vec<_> = published.iter().map(|pair| pair.kid.as_str()).collect();
    Jwks {
        body: body.into(),
        etag: format!("\"{}\"", etag(&kids.concat())),
    }
}

fn etag(text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default())
}
