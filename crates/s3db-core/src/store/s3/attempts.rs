//! Tells a first answer from one that follows a retry of the SDK, and counts the retries.
//!
//! A conditional write whose answer was lost is sent again and then refused by its own success. Only after a retry is a
//! refusal open to doubt, so that the caller need read the object back only then.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Set on answers to a retry. No server sends it.
const HEADER: &str = "x-s3db-retried";

/// Marks answers to a retry.
#[derive(Debug)]
pub(super) struct MarkRetries;

#[dyn_dispatch_hint]
impl Intercept for MarkRetries {
    fn name(&self) -> &'static str {
        "s3db-mark-retries"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if is_retry(config) {
            crate::store::retries::retried(1);
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response_mut().headers_mut();
        if is_retry(config) {
            headers.insert(HEADER, "1");
        } else {
            headers.remove(HEADER);
        }
        Ok(())
    }
}

fn is_retry(config: &ConfigBag) -> bool {
    config.load::<RequestAttempts>().is_some_and(|attempts| attempts.attempts() > 1)
}

/// Whether an answer followed a retry.
pub(super) fn is_retried(response: Option<&HttpResponse>) -> bool {
    response.is_some_and(|response| response.headers().get(HEADER).is_some())
}

/// Sends a write again that met another one. AWS answers 409 ConditionalRequestConflict without looking at the
/// condition, and asks for a retry: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>.
#[derive(Debug)]
pub(super) struct RetryMeetings;

impl ClassifyRetry for RetryMeetings {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(409) => RetryAction::transient_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "s3db-retry-meetings"
    }
}
