//! Sealing and opening of secrets.

use std::sync::Mutex;

use super::super::{Derive, KeyRing, Opened, Passphrase};
use super::{cases, vectors};
use crate::env::{Random, SystemEnv};

fn ring(passphrase: &str) -> KeyRing {
    KeyRing::new(Passphrase::new(passphrase), &SystemEnv)
}

fn plain(text: &str) -> Opened {
    Opened::Plain(text.to_owned())
}

#[test]
fn secrets_of_javascript_are_opened() {
    let mut rings: Vec<(String, KeyRing)> = Vec::new();
    for case in cases(vectors!("crypto")) {
        let passphrase = case.str("passphrase").to_owned();
        if !case.str("kind").starts_with("aes") {
            continue;
        }
        if !rings.iter().any(|(known, _)| *known == passphrase) {
            rings.push((passphrase.clone(), ring(&passphrase)));
        }
        let (_, ring) = rings.iter().find(|(known, _)| *known == passphrase).expect("just made");
        let sealed = case.str("ciphertext");
        let opened = ring.open(sealed, Derive::Allowed);
        match (case.str("kind"), case.str("name")) {
            ("aes" | "aes_double", _) => {
                assert_eq!(opened, plain(case.str("expected")), "{}", case.str("name"))
            }
            (_, "wrong-passphrase" | "flipped-bit") => assert_eq!(opened, Opened::Refused),
            (_, name) => assert_eq!(opened, Opened::NotSealed, "{name}"),
        }
    }
}

#[test]
fn what_is_sealed_here_opens_here_and_elsewhere() {
    let (writer, reader) = (ring("correct horse"), ring("correct horse"));
    for text in ["", "hunter2", "é日😀", &"x".repeat(3000)] {
        let sealed = writer.seal(text, &SystemEnv).expect("sealed");
        assert_eq!(writer.open(&sealed, Derive::CachedOnly), plain(text), "the own key is at hand");
        assert_eq!(reader.open(&sealed, Derive::Allowed), plain(text));
        assert_eq!(ring("wrong").open(&sealed, Derive::Allowed), Opened::Refused);
    }
    let sealed = writer.seal("once more", &SystemEnv).expect("sealed");
    assert_eq!(
        reader.open(&sealed, Derive::CachedOnly),
        plain("once more"),
        "the key of a known salt is at hand"
    );
    let (a, b) = (writer.seal("same", &SystemEnv), writer.seal("same", &SystemEnv));
    assert_ne!(a.expect("sealed"), b.expect("sealed"), "each value has its own nonce");
}

#[test]
fn nothing_is_derived_unless_it_is_allowed() {
    let (writer, reader) = (ring("p"), ring("p"));
    assert!(!writer.ready_to_seal());
    writer.prepare();
    assert!(writer.ready_to_seal());
    let sealed = writer.seal("x", &SystemEnv).expect("sealed");
    assert_eq!(reader.open(&sealed, Derive::CachedOnly), Opened::NotCached);
    assert_eq!(reader.open("never sealed", Derive::CachedOnly), Opened::NotSealed);
}

#[test]
fn threads_that_meet_one_salt_all_get_the_text() {
    let (writer, reader) = (ring("p"), ring("p"));
    let sealed = writer.seal("x", &SystemEnv).expect("sealed");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(reader.open(&sealed, Derive::Allowed), plain("x")));
        }
    });
}

#[test]
fn secrets_are_not_printed() {
    let ring = ring("the passphrase");
    let shown = format!("{ring:?} {:?} {:?}", plain("the secret"), Passphrase::new("the passphrase"));
    assert!(!shown.contains("the passphrase") && !shown.contains("the secret"), "{shown}");
}

/// Counts how often it was asked.
struct Counting(Mutex<u8>);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let mut count = self.0.lock().expect("not poisoned");
        *count += 1;
        buffer.fill(*count);
    }
}

#[test]
fn randomness_comes_from_the_environment() {
    let random = Counting(Mutex::new(0));
    let make = || {
        let ring = KeyRing::new(Passphrase::new("p"), &random);
        ring.seal("x", &random).expect("sealed")
    };
    let first = make();
    *random.0.lock().expect("not poisoned") = 0;
    assert_eq!(make(), first);
}
