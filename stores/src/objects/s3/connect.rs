//! `object_store` over our own HTTP client.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use http_body::{Body, Frame};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use tokio::sync::mpsc;
use ureq::http::{Request, Response, Uri};

use crate::objects::transport::{Failure, FailureKind, Piece, Transport};

/// Pieces of a body that wait to be taken.
const AHEAD: usize = 8;

/// Makes the HTTP client of a store.
#[derive(Debug)]
pub(super) struct Connector(pub(super) Transport);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Client(self.0.clone())))
    }
}

#[derive(Debug)]
struct Client(Transport);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (mut head, mut body) = request.into_parts();
        head.uri = spaced(head.uri);
        let mut content = Vec::with_capacity(body.content_length());
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            if let Ok(piece) = frame?.into_data() {
                content.extend_from_slice(&piece);
            }
        }
        let (sender, mut pieces) = mpsc::channel(AHEAD);
        self.0.send(Request::from_parts(head, content), move |piece| {
            sender.blocking_send(piece).is_ok()
        });
        match pieces.recv().await {
            Some(Piece::Head(head)) => {
                let body = HttpResponseBody::new(Received { pieces, ended: false });
                Ok(Response::from_parts(*head, body))
            }
            Some(Piece::Failed(failure)) => Err(http_error(failure)),
            Some(Piece::Body(_) | Piece::End) | None => Err(gone()),
        }
    }
}

/// The same address with `%20` for each space of the query. `object_store` writes `+`, which forms know; some servers, though,
/// take it for itself, and what was signed is `%20` either way. A plus of its own is `%2B`.
fn spaced(uri: Uri) -> Uri {
    if !uri.query().is_some_and(|q| q.contains('+')) {
        return uri;
    }
    let text = uri.to_string();
    let spaced = text
        .split_once('?')
        .map(|(path, query)| format!("{path}?{}", query.replace('+', "%20")));
    spaced.and_then(|s| s.parse().ok()).unwrap_or(uri)
}

/// A body as it arrives.
struct Received {
    pieces: mpsc::Receiver<Piece>,
    ended: bool,
}

impl Body for Received {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(piece) = self.pieces.poll_recv(context) else {
            return Poll::Pending;
        };
        if let Some(Piece::Body(bytes)) = piece {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        self.ended = true;
        Poll::Ready(match piece {
            Some(Piece::End) => None,
            Some(Piece::Failed(failure)) => Some(Err(http_error(failure))),
            _ => Some(Err(gone())),
        })
    }
}

fn http_error(failure: Failure) -> HttpError {
    let kind = match failure.kind {
        FailureKind::Connect => HttpErrorKind::Connect,
        FailureKind::Silence => HttpErrorKind::Timeout,
        FailureKind::Broken => HttpErrorKind::Interrupted,
        FailureKind::Lasting => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, failure)
}

fn gone() -> HttpError {
    http_error(Failure::new(FailureKind::Broken, "there is no thread for the request"))
}
