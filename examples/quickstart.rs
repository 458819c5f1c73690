//! Opens a database on disk, stores a document and reads it back.
fn main() {}
