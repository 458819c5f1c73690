//! Encoding and decoding alone, without a store.

use std::hint::black_box;
use std::time::Instant;

use s3db::Document;
use s3db::encoding::{DecodeContext, EncodeContext, Flat, Mapper};
use s3db::env::SystemEnv;

use crate::document::{attributes, document};
use crate::timing::{Failure, print};

/// Calls that are timed, over this many different documents.
const CALLS: usize = 20_000;
const DOCUMENTS: usize = 100;

pub(crate) fn run() -> Result<(), Failure> {
    let attributes = attributes();
    let mapper = Mapper::new(attributes.as_object().ok_or("attributes are an object")?, None, None);
    let documents: Vec<Document> = (0..DOCUMENTS).filter_map(|i| document(i).as_object().cloned()).collect();
    let encode = EncodeContext::new(&SystemEnv);
    let decode = DecodeContext::default();

    let start = Instant::now();
    for i in 0..CALLS {
        black_box(mapper.encode(&documents[i % DOCUMENTS], &encode)?);
    }
    print("codec-encode", CALLS, 1, start.elapsed().as_secs_f64());

    let encoded: Vec<Flat<'_>> =
        documents.iter().map(|document| mapper.encode(document, &encode)).collect::<Result<_, _>>()?;
    let start = Instant::now();
    for i in 0..CALLS {
        black_box(mapper.decode(&encoded[i % DOCUMENTS], &decode)?);
    }
    print("codec-decode", CALLS, 1, start.elapsed().as_secs_f64());
    Ok(())
}
