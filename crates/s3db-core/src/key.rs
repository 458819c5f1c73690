//! Keys of objects, built and parsed in one place. Pure.
