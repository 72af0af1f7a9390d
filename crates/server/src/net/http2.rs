//! HTTP/2, with the limits that the framework's own does not set, and with a farewell.

use super::connection::Exchange;
use super::socket::Stream;
use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, Payload, Request};
use actix_service::Service;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Response, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use actix_web::rt;
use bytes::Bytes;
use doorward_services::Clock;
use futures_util::Stream as Chunks;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// So many requests may be under way on a connection.
const MAX_STREAMS: u32 = 100;
/// What the fields of a head may be together, as RFC 9113 counts them. The edge says 431 in words from 16 KiB on.
const MAX_HEADERS: u32 = 32 * 1024;
/// What of a body may be on its way before somebody reads it: a whole one.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The same for all bodies of a connection.
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// What waits to be sent on a stream.
const SEND_BUFFER: usize = 64 * 1024;
/// Streams that the client has begun and reset, unseen: with more of them the connection ends (CVE-2023-44487).
const MAX_RESET: usize = 20;
/// A client that lets nothing of an answer through for so long gets no more of it.
const TAKE_WITHIN: Duration = Duration::from_secs(10);

/// Speaks HTTP/2 until the connection ends.
///
/// # Errors
/// The client's mistake, or the socket's end.
pub(super) async fn serve<S, B>(
    stream: Stream,
    app: Rc<S>,
    peer: Option<SocketAddr>,
    clock: Arc<dyn Clock>,
) -> Result<(), h2::Error>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let connection = Rc::clone(stream.connection());
    connection.multiplexes();
    let mut http = Builder::new()
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_RESET)
        .handshake::<_, Bytes>(stream)
        .await?;
    let mut has_said_farewell = false;
    loop {
        let next = poll_fn(|cx| {
            if connection.is_leaving() && !has_said_farewell {
                has_said_farewell = true;
                http.graceful_shutdown();
            }
            http.poll_accept(cx)
        });
        let Some(accepted) = next.await else {
            return Ok(());
        };
        let (request, responder) = accepted?;
        let exchange = Exchange::begin(&connection);
        let is_head = request.method() == Method::HEAD;
        let answer = app.call(convert(request, peer));
        let clock = Arc::clone(&clock);
        rt::spawn(async move {
            let answered = match answer.await {
                Ok(response) => send(response.into(), is_head, responder, &*clock).await,
                Err(error) => {
                    let response: Response<BoxBody> = error.error_response().into();
                    send(response, is_head, responder, &*clock).await
                }
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "an answer did not get through");
            }
            drop(exchange);
        });
    }
}

fn convert(request: http::Request<RecvStream>, peer: Option<SocketAddr>) -> Request {
    let (parts, body) = request.into_parts();
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        let body: BoxedPayloadStream = Box::pin(Body(body));
        Payload::Stream { payload: body }
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    head.uri = parts.uri;
    head.method = parts.method;
    head.version = parts.version;
    head.headers = parts.headers.into();
    head.peer_addr = peer;
    request
}

/// The body of a request.
struct Body(RecvStream);

impl Chunks for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let broken = |error| PayloadError::Io(io::Error::other(error));
        let stream = &mut self.get_mut().0;
        let chunk = std::task::ready!(stream.poll_data(cx));
        Poll::Ready(chunk.map(|chunk| {
            let chunk = chunk.map_err(broken)?;
            let released = stream.flow_control().release_capacity(chunk.len());
            released.map(|()| chunk).map_err(broken)
        }))
    }
}

async fn send<B: MessageBody>(
    response: Response<B>,
    is_head: bool,
    mut responder: SendResponse<Bytes>,
    clock: &dyn Clock,
) -> Result<(), h2::Error> {
    let (response, body) = response.into_parts();
    let size = body.size();
    let head = head(&response, size, clock);
    let is_bare = is_head || size.is_eof();
    let mut stream = responder.send_response(head, is_bare)?;
    if is_bare {
        return Ok(());
    }
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let Ok(chunk) = chunk else {
            stream.send_reset(Reason::INTERNAL_ERROR);
            return Ok(());
        };
        if !send_chunk(&mut stream, chunk).await? {
            return Ok(());
        }
    }
    stream.send_data(Bytes::new(), true)
}

/// Whether the client still wants more.
async fn send_chunk(stream: &mut SendStream<Bytes>, mut chunk: Bytes) -> Result<bool, h2::Error> {
    while !chunk.is_empty() {
        stream.reserve_capacity(chunk.len().min(SEND_BUFFER));
        let capacity = poll_fn(|cx| stream.poll_capacity(cx));
        match rt::time::timeout(TAKE_WITHIN, capacity).await {
            Ok(Some(capacity)) => {
                let part = chunk.split_to(chunk.len().min(capacity?));
                stream.send_data(part, false)?;
            }
            Ok(None) => return Ok(false),
            Err(_late) => {
                stream.send_reset(Reason::CANCEL);
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The head of an answer, without what belongs to HTTP/1 alone (RFC 9113, 8.2.2).
fn head(response: &Response<()>, size: BodySize, clock: &dyn Clock) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = response.status();
    let headers = head.headers_mut();
    let of_http1 = [CONNECTION, TRANSFER_ENCODING, UPGRADE, CONTENT_LENGTH];
    for (name, value) in response.headers() {
        if !of_http1.contains(name) {
            headers.append(HeaderName::clone(name), value.clone());
        }
    }
    let has_length = !matches!(response.status().as_u16(), 204 | 304);
    if let (BodySize::Sized(length), true) = (size, has_length) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let date = clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(DATE, date);
    }
    head
}
