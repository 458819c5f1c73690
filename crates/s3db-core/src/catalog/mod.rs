//! The definitions of a database: `s3db.json`. Pure, but for the loader.
