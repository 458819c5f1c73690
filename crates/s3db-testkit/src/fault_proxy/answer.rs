//! Answers to a client: the server's, part of it, or our own.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::{Response, StatusCode};

/// Ends a connection without another byte.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut")
    }
}

impl std::error::Error for Cut {}

/// A body that is known, and may break off after its last byte.
#[derive(Debug)]
pub(super) struct AnswerBody {
    data: Option<Bytes>,
    end: End,
}

#[derive(Debug)]
enum End {
    Whole,
    /// Lets what was sent go out first: hyper drops what it has not flushed when a body fails.
    Flush,
    Break,
}

impl AnswerBody {
    fn whole(data: Bytes) -> Self {
        Self { data: Some(data).filter(|data| !data.is_empty()), end: End::Whole }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Flush => {
                self.end = End::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Break => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && matches!(self.end, End::Whole)
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            End::Whole => SizeHint::with_exact(self.data.as_ref().map_or(0, |data| data.len() as u64)),
            End::Flush | End::Break => SizeHint::default(),
        }
    }
}

/// The server's answer.
pub(super) fn whole(answer: Response<Bytes>) -> Response<AnswerBody> {
    of_this_connection(answer).map(AnswerBody::whole)
}

/// The head of the server's answer and the first half of its body.
///
/// # Errors
/// When there is no body.
pub(super) fn truncated(answer: Response<Bytes>) -> Result<Response<AnswerBody>, Cut> {
    let mut answer = of_this_connection(answer);
    let length = answer.body().len();
    if length == 0 {
        return Err(Cut);
    }
    answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(answer.map(|data| AnswerBody { data: Some(data.slice(..length / 2)), end: End::Flush }))
}

/// An error as S3 says it. The answer to a HEAD has no body.
pub(super) fn error(status: StatusCode, code: &str, is_head: bool) -> Response<AnswerBody> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>as planned</Message></Error>"
    );
    let body = if is_head { Bytes::new() } else { text.into() };
    let mut answer = Response::new(AnswerBody::whole(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// Takes away what was said of the other connection.
fn of_this_connection(mut answer: Response<Bytes>) -> Response<Bytes> {
    answer.headers_mut().remove(CONNECTION);
    answer.headers_mut().remove(TRANSFER_ENCODING);
    answer
}
