//! Which prices hold for a connection.

use super::{FREE, Prices, aws, others};
use crate::connection::{Connection, Scheme};

impl Prices {
    /// The table of a connection: that of AWS in its region (us-east-1 when it names none, or one without a table), of
    /// Cloudflare R2 or Backblaze B2 by the host, and [`FREE`] for memory, folders and every other server.
    ///
    /// ```
    /// use s3db_core::connection::Connection;
    /// use s3db_core::price::Prices;
    ///
    /// let prices = Prices::of(&Connection::parse("s3://my-bucket/app?region=eu-central-1")?);
    /// assert_eq!(prices.to_string(), "AWS S3 Standard, eu-central-1");
    /// # Ok::<(), s3db_core::Error>(())
    /// ```
    pub fn of(connection: &Connection) -> Self {
        let region = connection.region.as_deref();
        match (connection.scheme, connection.endpoint.as_deref()) {
            (Scheme::Memory | Scheme::File, _) => FREE,
            (Scheme::S3, None) => aws::in_region(region.unwrap_or_default()),
            (_, endpoint) => of_endpoint(endpoint.unwrap_or_default(), region),
        }
    }
}

fn of_endpoint(endpoint: &str, region: Option<&str>) -> Prices {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host);
    let host = host.split([':', '/']).next().unwrap_or_default().to_ascii_lowercase();
    match host.strip_suffix(".amazonaws.com") {
        // `s3.eu-west-1`, `s3-eu-west-1`, `s3`.
        Some(service) => {
            let named = service.rsplit('.').next().unwrap_or_default();
            let named = named.strip_prefix("s3-").unwrap_or(named);
            aws::in_region(region.unwrap_or(named))
        }
        None => others::of_host(&host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_names_its_prices() {
        for (connection, expected) in [
            ("memory://bucket", "own-server"),
            ("file:///tmp/data", "own-server"),
            ("s3://bucket", "aws-s3/standard/us-east-1"),
            ("s3://bucket?region=sa-east-1", "aws-s3/standard/sa-east-1"),
            ("s3://bucket?region=nowhere-1", "aws-s3/standard/us-east-1"),
            ("https://K:S@s3.eu-west-2.amazonaws.com/bucket", "aws-s3/standard/eu-west-2"),
            ("https://K:S@0123.r2.cloudflarestorage.com/bucket", "cloudflare-r2/standard"),
            ("https://K:S@s3.us-west-001.backblazeb2.com/bucket", "backblaze-b2"),
            ("https://K:S@notbackblazeb2.com/bucket", "own-server"),
            ("http://K:S@localhost:9000/bucket", "own-server"),
            ("s3://bucket?endpoint=http://localhost:8333", "own-server"),
        ] {
            let connection_of = Connection::parse(connection).expect("a connection");
            assert_eq!(Prices::of(&connection_of).name(), expected, "{connection}");
        }
    }
}
