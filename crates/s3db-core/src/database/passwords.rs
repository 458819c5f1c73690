//! Hashing of `password` fields.

use super::Inner;
use crate::Result;
use crate::encoding::PasswordAlgorithm;

impl Inner {
    /// Hashes a password into its compact form. Takes a good part of a second: not for async threads.
    ///
    /// Errors: `Unsupported` in a build without the feature `passwords`.
    #[cfg(feature = "passwords")]
    pub(crate) fn hash_password(&self, password: &str, algorithm: PasswordAlgorithm) -> Result<String> {
        use crate::encoding::password::{self, Algorithm};
        let algorithm = match algorithm {
            PasswordAlgorithm::Bcrypt => Algorithm::Bcrypt { rounds: self.options.bcrypt_rounds },
            PasswordAlgorithm::Argon2id => {
                let super::Argon2Options { memory_kib, passes, lanes } = self.options.argon2;
                Algorithm::Argon2id { memory_kib, passes, lanes }
            }
        };
        password::hash(password, algorithm, self.options.pepper.as_ref(), self.env.as_ref())
    }

    /// Refuses: this build cannot hash.
    #[cfg(not(feature = "passwords"))]
    pub(crate) fn hash_password(&self, _password: &str, _algorithm: PasswordAlgorithm) -> Result<String> {
        Err(crate::Error::new(crate::ErrorKind::Unsupported, "this build cannot hash passwords")
            .hint("switch on the cargo feature `passwords`"))
    }
}
