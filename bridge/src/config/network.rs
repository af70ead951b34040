//! Parts of the internet: one address, or all that begin alike.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;

use super::reader::FromText;

/// One address (`192.0.2.7`) or a network in CIDR notation (`10.0.0.0/8`, `fd00::/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Is the address in it? An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Is every address of its kind in it?
    pub(crate) fn is_everybody(&self) -> bool {
        self.0.prefix_len() == 0
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromText for Network {
    const EXPECTED: &'static str =
        "an IP address or a network, such as \"192.0.2.7\", \"10.0.0.0/8\" or \"fd00::/8\"";

    fn from_text(text: &str) -> Result<Self, String> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text
                .parse::<IpNet>()
                .map_err(|_| "this is not an address or network".to_owned())?,
        };
        if network.trunc() != network {
            return Err(format!(
                "bits are set beyond the prefix; perhaps {} is meant",
                network.trunc()
            ));
        }
        Ok(Self(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        Network::from_text(network)
            .unwrap()
            .contains(address.parse().unwrap())
    }

    #[test]
    fn addresses_belong_to_the_networks_that_hold_them() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("192.0.2.7", "192.0.2.7"));
        assert!(!contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("fd00::/8", "fd12::1"));
        assert!(
            !contains("::/0", "192.0.2.7"),
            "an IPv4 address is in no IPv6 network"
        );
        assert!(contains("0.0.0.0/0", "192.0.2.7"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_the_reason() {
        for (text, part) in [
            ("10.0.0.1/8", "perhaps 10.0.0.0/8"),
            ("10.0.0.0/33", "not an address"),
            ("proxy.example", "not an address"),
            ("10.0.0.*", "not an address"),
            ("", "not an address"),
        ] {
            let reason = Network::from_text(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
