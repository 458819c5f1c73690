//! Functions of the program that run before and after the verbs.

use std::fmt;

use super::list::{HookList, Point as _, Subject};
use super::{Answer, HookPoint, Op};
use crate::{Document, Error, ErrorKind, Result};

/// What a hook sees, and gives back.
///
/// | Points | What is filled in |
/// |---|---|
/// | of `insert`, `update`, `replace`, `upsert`, `delete` and `get` | `id`, `document`, `stored` |
/// | of `exists` | `id`, and `answer` after it |
/// | of the other verbs | `op` before, `op` and `answer` after |
#[derive(Clone)]
#[non_exhaustive]
pub struct HookCall {
    /// Resource.
    pub resource: String,
    /// Id, where it is known by then.
    pub id: Option<String>,
    /// The document that is to be written, or that was written or read. A hook may change it: before a write it changes
    /// what is written, after it and after a read what the caller gets.
    pub document: Option<Document>,
    /// The stored document, before and after an update and a delete.
    pub stored: Option<Document>,
    /// The call, where it is about many documents. A hook before it may change its arguments, and not its verb.
    pub op: Option<Op<'static>>,
    /// What the call gives back. A hook after it may change that, and not its form.
    pub answer: Option<Answer>,
}

impl HookCall {
    pub(crate) fn of(resource: &str) -> Self {
        let resource = resource.to_owned();
        Self { resource, id: None, document: None, stored: None, op: None, answer: None }
    }
}

impl fmt::Debug for HookCall {
    /// Shows no value of a document, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = |document: &Option<Document>| {
            document.as_ref().map(|document| document.keys().cloned().collect::<Vec<_>>())
        };
        f.debug_struct("HookCall")
            .field("resource", &self.resource)
            .field("id", &self.id)
            .field("document", &fields(&self.document))
            .field("stored", &fields(&self.stored))
            .field("op", &self.op)
            .finish_non_exhaustive()
    }
}

/// The hooks of one resource, or of all resources of a database.
pub(crate) type Hooks = HookList<HookPoint, HookCall>;

impl Subject for HookCall {
    fn resource(&self) -> &str {
        &self.resource
    }
}

impl Hooks {
    /// The call, after the hooks before it have seen it as a whole.
    pub(crate) async fn before_call<'a>(&self, resource: &str, op: Op<'a>) -> Result<Op<'a>> {
        let verb = op.verb();
        let Some((before, _)) = HookPoint::around(verb).filter(|(before, _)| self.has(*before, resource))
        else {
            return Ok(op);
        };
        let mut call = HookCall { id: op.id().map(str::to_owned), ..HookCall::of(resource) };
        match op {
            Op::Upsert { document } => {
                call.document = Some(document);
                let document = self.run(before, call).await?.document.unwrap_or_default();
                return Ok(Op::Upsert { document });
            }
            Op::Exists { id } => {
                self.run(before, call).await?;
                return Ok(Op::Exists { id });
            }
            op => call.op = op.into_owned(),
        }
        match self.run(before, call).await?.op {
            Some(op) if op.verb() == verb => Ok(op),
            _ => Err(Error::new(ErrorKind::Unsupported, "a hook made another call of this one")
                .with("point", before)
                .with("verb", verb)
                .hint("a hook may change the arguments in `op`; a layer may do more")),
        }
    }

    /// What runs the hooks after a call as a whole, where there are some.
    pub(crate) fn after_call(&self, resource: &str, op: &Op<'_>) -> Option<AfterCall<'_>> {
        let (_, after) = HookPoint::around(op.verb()).filter(|(_, after)| self.has(*after, resource))?;
        let op_of_many = if op.id().is_none() { op.clone().into_owned() } else { None };
        let id = op.id().map(str::to_owned);
        Some(AfterCall {
            hooks: self,
            after,
            call: HookCall { id, op: op_of_many, ..HookCall::of(resource) },
        })
    }
}

/// Hooks that wait for the answer of a call.
pub(crate) struct AfterCall<'a> {
    hooks: &'a Hooks,
    after: HookPoint,
    call: HookCall,
}

impl AfterCall<'_> {
    pub(crate) async fn run(self, answer: Answer) -> Result<Answer> {
        let Self { hooks, after, mut call } = self;
        match answer {
            Answer::Record(mut record) => {
                call.document = Some(std::mem::take(&mut record.data));
                record.data = hooks.run(after, call).await?.document.unwrap_or_default();
                return Ok(Answer::Record(record));
            }
            answer => call.answer = Some(answer),
        }
        let answer = hooks.run(after, call).await?.answer;
        answer.ok_or_else(|| {
            let error = Error::new(ErrorKind::Unsupported, "a hook took the answer of the call away")
                .with("point", after)
                .hint("a hook gives back the `answer` that it was given, changed or not");
            if after.is_after_write() { error.with("written", true) } else { error }
        })
    }
}
