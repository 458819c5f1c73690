//! Providers beside AWS, and servers of one's own.

use super::Prices;

/// A server of one's own (MinIO, SeaweedFS, Ceph), a folder or memory: no request has a price.
pub const FREE: Prices = Prices { is_checked: true, ..Prices::new("own server", 0.0, 0.0) };

/// Class A is PUT, COPY and LIST, class B GET and HEAD; deletes are free.
const R2: Prices = Prices {
    class: "Standard",
    storage_per_gb_month: 0.015,
    as_of: "2026-06",
    source: "https://developers.cloudflare.com/r2/pricing/",
    is_checked: true,
    ..Prices::new("Cloudflare R2", 4.5, 0.36)
};

pub(super) const TABLES: &[Prices] = &[
    R2,
    Prices {
        class: "Infrequent Access",
        storage_per_gb_month: 0.01,
        as_of: R2.as_of,
        source: R2.source,
        is_checked: true,
        ..Prices::new("Cloudflare R2", 9.0, 0.9)
    },
    B2,
    FREE,
];

/// PUT and DELETE are class A and free, GET and HEAD class B, LIST and COPY class C.
const B2: Prices = Prices {
    put_per_million: 0.0,
    storage_per_gb_month: 0.006,
    as_of: "2025-10",
    source: "https://www.backblaze.com/b2/b2-transactions-price.html",
    is_checked: true,
    ..Prices::new("Backblaze B2", 4.0, 0.4)
};

/// The table that is meant by the host of an endpoint.
pub(super) fn of_host(host: &str) -> Prices {
    const HOSTS: [(&str, Prices); 2] = [("r2.cloudflarestorage.com", R2), ("backblazeb2.com", B2)];
    let is =
        |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    HOSTS.iter().find(|(domain, _)| is(domain)).map_or(FREE, |(_, prices)| *prices)
}
