//! The kind `webhook`: a signed POST, after the Standard Webhooks specification.
//!
//! The address is looked at when a task is made, and again at each attempt, which connects to the very address that was
//! looked at.

mod address;
mod allow;
mod client;
mod headers;
mod resolver;
mod retry_after;
mod target;

pub use address::is_public;
pub use allow::{AllowList, ParseAllowListError};

use crate::kind::{CheckError, Kind, Run, RunError};
use bytes::Bytes;
use chrono::SecondsFormat;
use client::{Answer, Client};
use doorward_domain::UserId;
use doorward_services::webhook_secrets::{Signers, WebhookSecrets};
use doorward_services::{Clock, FieldErrors};
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode};
use resolver::{Resolver, SystemResolver};
use rustls::RootCertStore;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use target::Target;
use tokio::time::Instant;

/// How long one attempt may take in all.
const LIMIT: Duration = Duration::from_secs(10);
const AGENT: &str = concat!("Doorward/", env!("CARGO_PKG_VERSION"));

/// Sends webhooks.
pub struct Webhook {
    secrets: WebhookSecrets,
    clock: Arc<dyn Clock>,
    allow: AllowList,
    resolver: Box<dyn Resolver>,
    client: Client,
}

/// What a webhook carries.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookPayload {
    /// Where it goes: http or https, and a public address.
    url: String,
    /// What is sent, as JSON. Without it the name of the task, its time and its id are:
    /// `{"type": …, "timestamp": …, "data": {"task_id": …}}`.
    #[serde(default)]
    body: Option<Value>,
    /// Further headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Webhook {
    /// A sender that trusts the certificate authorities that the system trusts.
    ///
    /// # Errors
    /// When no TLS can be had at all.
    pub fn new(
        secrets: WebhookSecrets,
        clock: Arc<dyn Clock>,
        allow: AllowList,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            secrets,
            clock,
            allow,
            resolver: Box::new(SystemResolver::new()),
            client: Client::new(system_roots())?,
        })
    }

    /// One attempt, without a limit of time.
    async fn deliver(&self, run: &Run, payload: WebhookPayload) -> Result<Value, RunError> {
        let headers = headers::read(&payload.headers).map_err(RunError::permanent)?;
        // Whether it is refused or not found, and for how long, is told to nobody: both are tried again.
        let target = Target::parse(&payload.url).map_err(RunError::retry)?;
        let addresses = target.vetted(&*self.resolver, &self.allow).await;
        let addresses = addresses.map_err(RunError::retry)?;
        let body = payload.body.unwrap_or_else(|| default_body(run));
        let signers = self.signers(run.owner).await?;
        let request = request(run, &target, headers, body.to_string(), &signers)?;
        let answer = self.client.send(&target, &addresses, request).await;
        self.judge(&answer.map_err(RunError::retry)?)
    }

    async fn signers(&self, owner: UserId) -> Result<Signers, RunError> {
        match self.secrets.signers(owner).await {
            Ok(Some(signers)) => Ok(signers),
            Ok(None) => Err(RunError::permanent(NO_SECRET)),
            Err(error) => {
                tracing::error!(%owner, %error, "a webhook cannot be signed");
                Err(RunError::retry("The webhook could not be signed."))
            }
        }
    }

    fn judge(&self, answer: &Answer) -> Result<Value, RunError> {
        let status = answer.status;
        if status.is_success() {
            return Ok(json!({ "status": status.as_u16() }));
        }
        let message = format!("The receiver answered {}.", status.as_u16());
        if status == StatusCode::GONE {
            return Err(RunError::permanent(message));
        }
        match retry_after::read(&answer.headers, self.clock.now()) {
            Some(pause) => Err(RunError::retry_after(message, pause)),
            None => Err(RunError::retry(message)),
        }
    }
}

const NO_SECRET: &str =
    "There is no webhook secret: make one with POST /api/v1/webhook-secret first.";

impl Kind for Webhook {
    const NAME: &'static str = "webhook";
    type Payload = WebhookPayload;

    async fn check(&self, owner: UserId, payload: WebhookPayload) -> Result<(), CheckError> {
        let mut errors = FieldErrors::default();
        if let Err(message) = headers::read(&payload.headers) {
            errors.add("payload.headers", message);
        }
        let vetted = match Target::parse(&payload.url) {
            Ok(target) => target.vetted(&*self.resolver, &self.allow).await.map(drop),
            Err(refused) => Err(refused),
        };
        errors.take("payload.url", vetted);
        if !self.secrets.exists(owner).await? {
            errors.add("payload", NO_SECRET);
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(CheckError::Invalid(errors))
        }
    }

    async fn run(&self, run: &Run, payload: WebhookPayload) -> Result<Value, RunError> {
        let deadline = Instant::now() + LIMIT;
        match client::within(deadline, self.deliver(run, payload)).await {
            Some(outcome) => outcome,
            None => Err(RunError::retry("The receiver did not answer in time.")),
        }
    }
}

/// The same at every attempt.
fn default_body(run: &Run) -> Value {
    json!({
        "type": run.name,
        "timestamp": run.scheduled_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "data": { "task_id": run.task.to_string() },
    })
}

fn request(
    run: &Run,
    target: &Target,
    headers: HeaderMap,
    body: String,
    signers: &Signers,
) -> Result<Request<Full<Bytes>>, RunError> {
    let id = format!("msg_{}", run.task);
    let mut request = Request::post(target.path.as_str())
        .header(HOST, target.authority.as_str())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-timestamp", signers.timestamp())
        .header("webhook-signature", signers.sign(&id, body.as_bytes()))
        .header("webhook-id", id);
    if let Some(ours) = request.headers_mut() {
        ours.extend(headers);
    }
    request
        .body(Full::from(body))
        .map_err(|_refused| RunError::permanent("The webhook cannot be written as a request."))
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(found.certs);
    if taken == 0 {
        tracing::warn!("the system trusts no certificate authority: webhooks by https will fail");
    }
    roots
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
