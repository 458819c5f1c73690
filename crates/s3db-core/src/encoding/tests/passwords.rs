//! Forms of password hashes, and hashing.

use serde_json::Value;

use super::super::password;
use super::{cases, vectors};

/// Texts that s3db.js takes for hashes, and therefore stores in the clear.
const TAKEN_FOR_HASHES: [&str; 3] = ["$c$abc", "$j|g|3|4$salt$digest", "$price$5"];

#[test]
fn hashes_are_compacted_and_expanded_as_javascript_does() {
    for case in cases(vectors!("crypto")) {
        let input = case.str("input");
        match case.str("kind") {
            "hash_compact" => {
                assert_eq!(password::compact(input).as_deref(), Some(case.str("expected")));
                assert_eq!(password::compact(case.str("expected")).as_deref(), Some(case.str("expected")));
                assert_eq!(password::expand(case.str("expected")).as_deref(), Some(case.str("expanded")));
                assert!(password::is_hash(input) && password::is_hash(case.str("expected")));
            }
            "hash_detect" => {
                let theirs = case.get("expected")["isPasswordHash"] == Value::Bool(true);
                assert_eq!(password::is_hash(input), theirs && !TAKEN_FOR_HASHES.contains(&input), "{input}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_password_that_looks_like_a_hash_is_no_hash() {
    for text in [
        "$a$b",
        "$x|y",
        "$2b$12$short",
        "$argon2id$",
        "$j|g|3|4$",
        "$$",
        "$c$$",
        "$j|Z|3|4$c29tZXNhbHRzb21l$RdescudvJCsgt3ub",
    ] {
        assert!(!password::is_hash(text), "{text}");
        assert_eq!(password::compact(text), None, "{text}");
    }
}

#[test]
fn hashes_of_old_releases_lost_their_rounds() {
    let bare = "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
    assert_eq!(password::expand(bare), Some(format!("$2b$10${bare}")));
    assert!(!password::is_hash(bare), "such a text may be a password");
}

#[cfg(feature = "passwords")]
mod hashing {
    use super::super::super::crypto::Passphrase;
    use super::super::super::password::{self, Algorithm};
    use super::super::{cases, vectors};
    use crate::env::SystemEnv;

    #[test]
    fn passwords_of_javascript_are_verified() {
        for case in cases(vectors!("crypto")).iter().filter(|case| case.str("kind") == "verify") {
            let pepper = case.get("pepper").as_str().map(Passphrase::new);
            let (password, hash) = (case.str("password"), case.str("hash"));
            assert!(password::verify(password, hash, pepper.as_ref()), "{}", case.str("name"));
            assert!(!password::verify("another", hash, pepper.as_ref()), "{}", case.str("name"));
        }
    }

    #[test]
    fn a_hashed_password_is_verified() {
        let pepper = Passphrase::new("pepper");
        let cheap = Algorithm::Argon2id { memory_kib: 64, passes: 1, lanes: 1 };
        for algorithm in [cheap, Algorithm::BCRYPT] {
            let hash = password::hash("$a$b", algorithm, Some(&pepper), &SystemEnv).expect("hashed");
            assert!(password::is_hash(&hash) && !hash.contains("$a$b"), "{hash}");
            assert!(password::verify("$a$b", &hash, Some(&pepper)));
            assert!(!password::verify("$a$b", &hash, None));
            let full = password::expand(&hash).expect("a hash");
            assert!(password::verify("$a$b", &full, Some(&pepper)));
        }
    }

    #[test]
    fn settings_out_of_bounds_are_refused() {
        let wrong = [
            Algorithm::Bcrypt { rounds: 11 },
            Algorithm::Argon2id { memory_kib: 65_535, passes: 3, lanes: 4 },
            Algorithm::Argon2id { memory_kib: 64, passes: 0, lanes: 1 },
        ];
        for algorithm in wrong {
            assert!(password::hash("x", algorithm, None, &SystemEnv).is_err(), "{algorithm:?}");
        }
        assert!(password::hash("", Algorithm::BCRYPT, None, &SystemEnv).is_err());
        assert!(!password::verify("", "$c$abc", None));
    }
}
