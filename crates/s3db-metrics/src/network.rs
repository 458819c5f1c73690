//! Who may scrape.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use s3db_core::{Error, ErrorKind};

/// Addresses that begin alike: `10.0.0.0/8`, or one address.
///
/// ```
/// use s3db_metrics::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.holds("10.1.2.3".parse().unwrap()) && !network.holds("11.0.0.1".parse().unwrap()));
/// # Ok::<(), s3db_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// This machine and the ranges that are not routed on the internet.
    pub fn private() -> Vec<Self> {
        const PRIVATE: [&str; 7] = [
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ];
        PRIVATE.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Whether an address is one of them. An address of IPv4 within IPv6 is one of IPv4.
    pub fn holds(&self, address: IpAddr) -> bool {
        let same = |ours: u128, theirs: u128, length: u32| {
            let rest = length.saturating_sub(u32::from(self.bits));
            ours.checked_shr(rest).unwrap_or(0) == theirs.checked_shr(rest).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same(u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorKind::Config, "a network is wrong").with("network", text);
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(length);
        if bits > length { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expected: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.holds(address.parse().unwrap()), expected, "{network} {address}");
    }

    #[test]
    fn a_network_holds_the_addresses_that_begin_as_it_does() {
        check("127.0.0.0/8", "127.9.9.9", true);
        check("127.0.0.0/8", "128.0.0.1", false);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3", "10.1.2.4", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "::1", false);
        check("127.0.0.0/8", "::ffff:127.0.0.1", true);
        check("fc00::/7", "fd12::1", true);
        check("::/0", "fd12::1", true);
    }

    #[test]
    fn a_text_that_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "localhost", "10.0.0.0/8/8"] {
            assert_eq!(text.parse::<Network>().unwrap_err().kind(), ErrorKind::Config, "{text}");
        }
    }
}
