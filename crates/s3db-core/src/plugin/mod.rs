//! What plugins stand on.

pub mod storage;
