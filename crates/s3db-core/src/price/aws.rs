//! AWS S3, by storage class and region. DELETE is free in all of them.

use super::Prices;

const SOURCE: &str = "https://aws.amazon.com/s3/pricing/";
const AS_OF: &str = "2025-10";

/// AWS S3 Standard in us-east-1.
pub const AWS_S3_STANDARD: Prices = Prices { is_checked: true, ..standard("us-east-1", 5.0, 0.4) };

/// Class, region, PUT COPY LIST, GET HEAD: dollars a million.
pub(super) const TABLES: &[Prices] = &[
    AWS_S3_STANDARD,
    standard("us-east-2", 5.0, 0.4),
    standard("us-west-1", 5.5, 0.44),
    standard("us-west-2", 5.0, 0.4),
    standard("ca-central-1", 5.5, 0.44),
    standard("eu-central-1", 5.4, 0.43),
    standard("eu-north-1", 5.0, 0.4),
    standard("eu-west-1", 5.0, 0.4),
    standard("eu-west-2", 5.3, 0.42),
    standard("eu-west-3", 5.3, 0.42),
    standard("ap-northeast-1", 4.7, 0.37),
    standard("ap-northeast-2", 4.5, 0.35),
    standard("ap-south-1", 5.0, 0.4),
    standard("ap-southeast-1", 5.0, 0.4),
    standard("ap-southeast-2", 5.5, 0.44),
    standard("sa-east-1", 7.0, 0.56),
    table("Intelligent-Tiering", "us-east-1", 5.0, 0.4),
    table("Standard-IA", "us-east-1", 10.0, 1.0),
    table("One Zone-IA", "us-east-1", 10.0, 1.0),
    table("Glacier Instant Retrieval", "us-east-1", 20.0, 10.0),
    // As the example in <https://aws.amazon.com/s3/faqs/> reckons.
    Prices { is_checked: true, ..table("Express One Zone", "us-east-1", 1.13, 0.03) },
    table("Standard-IA", "eu-west-1", 10.0, 1.0),
    table("One Zone-IA", "eu-west-1", 10.0, 1.0),
    table("Glacier Instant Retrieval", "eu-west-1", 20.0, 10.0),
];

/// The Standard class of a region. One without a table of its own is priced as us-east-1, and says so.
pub(super) fn in_region(region: &str) -> Prices {
    let found = TABLES.iter().find(|prices| prices.class == "Standard" && prices.region == region);
    found.copied().unwrap_or(AWS_S3_STANDARD)
}

const fn standard(region: &'static str, write: f64, read: f64) -> Prices {
    table("Standard", region, write, read)
}

const fn table(class: &'static str, region: &'static str, write: f64, read: f64) -> Prices {
    let prices = Prices::new("AWS S3", write, read);
    Prices { class, region, as_of: AS_OF, source: SOURCE, ..prices }
}
