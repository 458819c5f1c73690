//! Schemas: notation, validation, defaults. Pure.
