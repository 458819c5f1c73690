//! Where a document goes: metadata, body, or an error. Pure.
