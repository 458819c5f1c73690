//! A task of a process.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

/// A task that [`Node::spawn`](super::Node::spawn) has started. It runs whether it is waited for or not.
///
/// Waiting for it gives what it returns, or [`Crashed`] when its process died before. A panic of the task goes on in the
/// one that waits.
#[derive(Debug)]
pub struct Task<T>(pub(super) JoinHandle<T>);

impl<T> Future for Task<T> {
    type Output = Result<T, Crashed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(value) => Ok(value),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Crashed),
        })
    }
}

/// The process died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashed;

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the process died")
    }
}

impl std::error::Error for Crashed {}
