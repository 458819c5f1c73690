//! Requests whose answer comes as a stream: counted as it comes, and told of when it is over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;

use super::observe::{Observers, Sent, operation};
use super::{Outcome, Traffic};
use crate::Result;
use crate::store::{BodyStream, Reading, Verb, retries};

/// Counts bytes that come down.
pub(super) trait Scale: Send + Sync {
    fn came(&self, bytes: u64);
}

/// A GET on its way. Dropped before its body has ended, it was cancelled.
pub(super) struct Following {
    scale: Arc<dyn Scale>,
    observers: Option<Arc<Observers>>,
    key: String,
    operation: Option<&'static str>,
    started: Duration,
    retries: u64,
    bytes_out: u64,
    is_told: bool,
}

impl Following {
    /// A GET that is about to be sent; told to `observers` where there are any.
    pub(super) fn new(scale: Arc<dyn Scale>, observers: Option<Arc<Observers>>, key: &str) -> Self {
        Self {
            scale,
            key: if observers.is_some() { key.to_owned() } else { String::new() },
            operation: operation(),
            started: observers.as_ref().map_or(Duration::ZERO, |observers| observers.now()),
            observers,
            retries: 0,
            bytes_out: 0,
            is_told: false,
        }
    }

    /// Sends it, and goes with its body until that ends.
    pub(super) async fn send(
        mut self,
        call: impl Future<Output = Result<Option<Reading>>>,
    ) -> Result<Option<Reading>> {
        let (result, retries) =
            if self.observers.is_some() { retries::counted(call).await } else { (call.await, 0) };
        self.retries = retries;
        match result {
            Ok(Some(mut reading)) => {
                self.came(reading.head.metadata.size_bytes());
                reading.body = self.follow(reading.body);
                Ok(Some(reading))
            }
            Ok(None) => {
                self.tell(Outcome::Absent);
                Ok(None)
            }
            Err(error) => {
                self.tell(Outcome::Failed(error.kind()));
                Err(error)
            }
        }
    }

    fn follow(self, body: BodyStream) -> BodyStream {
        stream::unfold(Some((self, body)), async |state| {
            let (mut this, mut body) = state?;
            match body.next().await {
                Some(Ok(bytes)) => {
                    this.came(Bytes::len(&bytes));
                    Some((Ok(bytes), Some((this, body))))
                }
                Some(Err(error)) => {
                    this.tell(Outcome::Failed(error.kind()));
                    Some((Err(error), None))
                }
                None => {
                    this.tell(Outcome::Done);
                    None
                }
            }
        })
        .boxed()
    }

    fn came(&mut self, bytes: usize) {
        self.bytes_out += bytes as u64;
        self.scale.came(bytes as u64);
    }

    fn tell(&mut self, outcome: Outcome) {
        self.is_told = true;
        if let Some(observers) = &self.observers {
            let traffic = Traffic { bytes_in: 0, bytes_out: self.bytes_out };
            let sent = Sent::new(Verb::Get, &self.key);
            observers.over(sent, traffic, outcome, self.retries, self.started, self.operation);
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if !self.is_told {
            self.tell(Outcome::Cancelled);
        }
    }
}
