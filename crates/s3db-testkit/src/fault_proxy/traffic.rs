//! What becomes of each request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use s3db_core::env::{Env as _, SystemEnv};
use tokio::sync::{mpsc, watch};

use super::answer::{self, AnswerBody, Cut};
use super::forward::{Server, whole};
use super::{Counts, Fault, Plan};

/// A request that the server gets later, whoever still waits for it.
#[derive(Debug)]
pub(super) struct Delivery {
    request: Request<Bytes>,
    after: Duration,
    _flight: Flight,
}

pub(super) struct Traffic {
    server: Server,
    state: Mutex<State>,
    later: mpsc::Sender<Delivery>,
    /// Requests that are on their way to the server, or will be.
    flights: watch::Sender<usize>,
}

struct State {
    plan: Plan,
    script: VecDeque<Scripted>,
    counts: Counts,
}

struct Scripted {
    method: String,
    part: String,
    fault: Fault,
}

impl Traffic {
    pub(super) fn new(server: Server, plan: Plan, later: mpsc::Sender<Delivery>) -> Self {
        let state = State { plan, script: VecDeque::new(), counts: Counts::default() };
        Self { server, state: Mutex::new(state), later, flights: watch::Sender::new(0) }
    }

    pub(super) fn script(&self, method: &str, part: &str, fault: Fault) {
        let (method, part) = (method.to_owned(), part.to_owned());
        self.state().script.push_back(Scripted { method, part, fault });
    }

    pub(super) fn counts(&self) -> Counts {
        self.state().counts
    }

    pub(super) async fn settle(&self) {
        // The sender is ours, so that there is no error.
        let _ = self.flights.subscribe().wait_for(|flights| *flights == 0).await;
    }

    /// Answers a client, or cuts its connection.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, Cut> {
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, whole(body).await.map_err(|_| Cut)?);
        let is_head = request.method() == Method::HEAD;
        let refuse = |status, code| Ok(answer::error(status, code, is_head));
        match self.fault_of(&request) {
            None => self.forward(request).await.map(answer::whole),
            Some(Fault::Delay(pause)) => {
                SystemEnv.sleep(pause).await;
                self.forward(request).await.map(answer::whole)
            }
            Some(Fault::CutBefore) => Err(Cut),
            Some(Fault::LoseAnswer) => {
                self.forward(request).await?;
                Err(Cut)
            }
            Some(Fault::SlowDown) => refuse(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Some(Fault::ServerError) => refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            Some(Fault::WriteConflict) => refuse(StatusCode::CONFLICT, "ConditionalRequestConflict"),
            Some(Fault::TruncateAnswer) => answer::truncated(self.forward(request).await?),
            Some(Fault::Duplicate(after)) => {
                let answer = self.forward(request.clone()).await?;
                self.schedule(request, after).await;
                Ok(answer::whole(answer))
            }
            Some(Fault::Late(after)) => {
                self.schedule(request, after).await;
                Err(Cut)
            }
        }
    }

    /// Takes a request to the server when its time has come. Nobody hears the answer.
    pub(super) async fn deliver(self: Arc<Self>, delivery: Delivery) {
        SystemEnv.sleep(delivery.after).await;
        let _ = self.forward(delivery.request).await;
    }

    async fn schedule(&self, request: Request<Bytes>, after: Duration) {
        let delivery = Delivery { request, after, _flight: self.take_off() };
        // Where the proxy is being stopped, nothing is delivered any more.
        let _ = self.later.send(delivery).await;
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Cut> {
        let _flight = self.take_off();
        let result = self.server.send(request).await;
        let counts = &mut self.state().counts;
        match result {
            Ok(answer) => {
                counts.forwarded += 1;
                Ok(answer)
            }
            Err(_) => {
                counts.unreachable += 1;
                Err(Cut)
            }
        }
    }

    fn fault_of(&self, request: &Request<Bytes>) -> Option<Fault> {
        let headers = request.headers();
        let has_condition = headers.contains_key("if-match") || headers.contains_key("if-none-match");
        let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = decode(request.uri().path());
        let query = request.uri().query().map(decode).unwrap_or_default();
        let method = request.method().as_str();
        let mut state = self.state();
        state.counts.requests += 1;
        let is_asked_for = |scripted: &Scripted| {
            scripted.method == method && (path.contains(&scripted.part) || query.contains(&scripted.part))
        };
        let fault = match state.script.iter().position(is_asked_for) {
            Some(at) => state.script.remove(at).map(|scripted| scripted.fault),
            None => state.plan.draw(method, &path, has_condition),
        }?;
        state.counts.count(fault);
        Some(fault)
    }

    fn take_off(&self) -> Flight {
        self.flights.send_modify(|flights| *flights += 1);
        Flight(self.flights.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Counts a request as being on its way.
#[derive(Debug)]
struct Flight(watch::Sender<usize>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.send_modify(|flights| *flights -= 1);
    }
}
