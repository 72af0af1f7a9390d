//! Traces over OTLP, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.
//!
//! One span a request, made when it has been answered, so that a request of which nobody is told costs one look at an
//! option. Spans are gathered and sent by a thread of the SDK; where they cannot be sent they are dropped.

mod sender;

use chrono::{DateTime, Utc};
use doorward_api::{RequestSpan, Spans};
use doorward_services::Clock;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanBuilder, SpanKind, Status, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use sender::Sender;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What has not been sent by then is not sent any more.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The endpoint is none.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// No authorities, or no TLS.
    #[error("traces cannot be sent over TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Sends a span for each request.
pub(crate) struct Traces {
    clock: Arc<dyn Clock>,
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

impl Traces {
    /// Starts the thread that sends.
    pub(crate) fn start(
        endpoint: &str,
        environment: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Sender::new()?)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()?;
        let environment = KeyValue::new("deployment.environment.name", environment.to_owned());
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder_empty()
            .with_service_name("doorward")
            .with_attributes([version, environment])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Self {
            clock,
            tracer: provider.tracer("doorward"),
            provider,
            propagator: TraceContextPropagator::new(),
        })
    }

    /// Sends what has gathered until now.
    pub(crate) async fn flush(&self) {
        let provider = self.provider.clone();
        let flushed = tokio::task::spawn_blocking(move || provider.force_flush());
        if !matches!(flushed.await, Ok(Ok(()))) {
            tracing::warn!("traces could not be sent");
        }
    }

    /// Sends what is left.
    pub(crate) async fn end(&self) {
        let provider = self.provider.clone();
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(END_WITHIN));
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::warn!("the last traces could not be sent");
        }
    }
}

impl Spans for Traces {
    fn ended(&self, span: &RequestSpan<'_>) {
        let context = match span.parent {
            Some(parent) => self
                .propagator
                .extract_with_context(&Context::new(), &Parent(parent)),
            None => Context::new(),
        };
        let end = self.clock.now();
        let took = i64::try_from(span.took.as_nanos()).unwrap_or(i64::MAX);
        let start = end - chrono::TimeDelta::nanoseconds(took);
        let builder = SpanBuilder::from_name(format!("{} {}", span.method, span.route))
            .with_kind(SpanKind::Server)
            .with_start_time(system_time(start))
            .with_attributes([
                KeyValue::new("http.request.method", span.method.to_owned()),
                KeyValue::new("http.route", span.route.to_owned()),
                KeyValue::new("http.response.status_code", i64::from(span.status)),
                KeyValue::new("doorward.request_id", span.request_id.to_owned()),
            ]);
        let mut made = self.tracer.build_with_context(builder, &context);
        if span.status >= 500 {
            made.set_status(Status::error(""));
        }
        made.end_with_timestamp(system_time(end));
    }
}

fn system_time(at: DateTime<Utc>) -> SystemTime {
    at.into()
}

/// The one header of a client's trace that counts; the state that others have put beside it is dropped.
struct Parent<'a>(&'a str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
