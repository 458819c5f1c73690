//! AWS S3, by storage class and region. DELETE is free in all of them.

use super::Prices;

const SOURCE: &str = "https://aws.amazon.com/s3/pricing/";
const AS_OF: &str = "2025-10";

/// AWS S3 Standard in us-east-1.
pub const AWS_S3_STANDARD: Prices = Prices { is_checked: true, ..standard("us-east-1", 5.0, 0.4, 0.023) };

/// Class, region, PUT COPY LIST, GET HEAD: dollars a million; storage: dollars a gigabyte and month.
pub(super) const TABLES: &[Prices] = &[
    AWS_S3_STANDARD,
    standard("us-east-2", 5.0, 0.4, 0.023),
    standard("us-west-1", 5.5, 0.44, 0.026),
    standard("us-west-2", 5.0, 0.4, 0.023),
    standard("ca-central-1", 5.5, 0.44, 0.025),
    standard("eu-central-1", 5.4, 0.43, 0.0245),
    standard("eu-north-1", 5.0, 0.4, 0.023),
    standard("eu-west-1", 5.0, 0.4, 0.023),
    standard("eu-west-2", 5.3, 0.42, 0.024),
    standard("eu-west-3", 5.3, 0.42, 0.024),
    standard("ap-northeast-1", 4.7, 0.37, 0.025),
    standard("ap-northeast-2", 4.5, 0.35, 0.025),
    standard("ap-south-1", 5.0, 0.4, 0.025),
    standard("ap-southeast-1", 5.0, 0.4, 0.025),
    standard("ap-southeast-2", 5.5, 0.44, 0.025),
    standard("sa-east-1", 7.0, 0.56, 0.0405),
    table("Intelligent-Tiering", "us-east-1", 5.0, 0.4, 0.023),
    table("Standard-IA", "us-east-1", 10.0, 1.0, 0.0125),
    table("One Zone-IA", "us-east-1", 10.0, 1.0, 0.01),
    table("Glacier Instant Retrieval", "us-east-1", 20.0, 10.0, 0.004),
    // As the example in <https://aws.amazon.com/s3/faqs/> reckons.
    Prices { is_checked: true, ..table("Express One Zone", "us-east-1", 1.13, 0.03, 0.11) },
    table("Standard-IA", "eu-west-1", 10.0, 1.0, 0.0125),
    table("One Zone-IA", "eu-west-1", 10.0, 1.0, 0.01),
    table("Glacier Instant Retrieval", "eu-west-1", 20.0, 10.0, 0.004),
];

/// The Standard class of a region. One without a table of its own is priced as us-east-1, and says so.
pub(super) fn in_region(region: &str) -> Prices {
    let found = TABLES.iter().find(|prices| prices.class == "Standard" && prices.region == region);
    found.copied().unwrap_or(AWS_S3_STANDARD)
}

const fn standard(region: &'static str, write: f64, read: f64, storage: f64) -> Prices {
    table("Standard", region, write, read, storage)
}

const fn table(class: &'static str, region: &'static str, write: f64, read: f64, storage: f64) -> Prices {
    let prices = Prices::new("AWS S3", write, read);
    Prices { class, region, storage_per_gb_month: storage, as_of: AS_OF, source: SOURCE, ..prices }
}
