//! What the server calls itself.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Longest name that is kept, in characters.
const CHARS_MAX: usize = 100;

/// The `Server` header of the first answer that has one.
#[derive(Debug, Clone, Default)]
pub(super) struct Identity(Arc<OnceLock<String>>);

impl Identity {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Identity {
    fn name(&self) -> &'static str {
        "s3db-identity"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.get().is_none()
            && let Some(server) = context.response().headers().get("server")
        {
            self.0.get_or_init(|| server.chars().take(CHARS_MAX).collect());
        }
        Ok(())
    }
}
