//! The s3db command.
fn main() {}
