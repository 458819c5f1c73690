//! What is registered, and can be taken out.

use std::fmt;

/// A layer, hook or listener that stays registered until it is removed. Dropping this keeps it.
#[must_use = "without it the registration cannot be undone"]
pub struct Registration(Box<dyn FnOnce() + Send + Sync>);

impl Registration {
    pub(crate) fn new(undo: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(Box::new(undo))
    }

    /// Takes it out; calls that are on their way still go through it.
    pub fn remove(self) {
        (self.0)();
    }

    /// Keeps it for as long as the database is open.
    pub fn keep(self) {}
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration")
    }
}
