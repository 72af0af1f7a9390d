//! Requests as HTTP/1 brings them: while one is answered, the socket waits for nobody.

use super::connection::{Connection, Exchange};
use actix_http::Request;
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::TRANSFER_ENCODING;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The application, whose connections know when it answers.
#[derive(Debug)]
pub(super) struct Noted<S>(pub(super) Rc<S>);

impl<S, B> Service<Request> for Noted<S>
where
    S: Service<Request, Response = ServiceResponse<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = NotedFuture<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&self, request: Request) -> Self::Future {
        let connection = request.conn_data::<Rc<Connection>>();
        NotedFuture {
            exchange: connection.map(Exchange::begin),
            is_chunked: request.head().headers.contains_key(TRANSFER_ENCODING),
            answer: self.0.call(request),
        }
    }
}

pin_project_lite::pin_project! {
    /// The answer to a request.
    #[derive(Debug)]
    pub(super) struct NotedFuture<F> {
        exchange: Option<Exchange>,
        is_chunked: bool,
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for NotedFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = std::task::ready!(this.answer.poll(cx));
        // The server reads the chunks of a refused body to their end, for as long as they come.
        let is_read = answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success());
        if let Some(mut exchange) = this.exchange.take()
            && *this.is_chunked
            && !is_read
        {
            exchange.await_rest();
        }
        Poll::Ready(answer)
    }
}
