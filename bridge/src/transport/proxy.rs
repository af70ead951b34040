//! The PROXY protocol: tells a broker whose connection it gets, in front of the first byte (TLS included).

use std::{
    io::Write as _,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use crate::config::ProxyProtocol;

/// What every header of version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The two ends of a browser's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The browser; the port is 0 when only a reverse proxy knows it.
    pub(crate) client: SocketAddr,
    /// The address of ours that it came to.
    pub(crate) local: SocketAddr,
}

/// The header for a browser's connection; without one, for a connection of the bridge's own.
pub(super) fn header(version: ProxyProtocol, ends: Option<Ends>) -> Vec<u8> {
    match version {
        ProxyProtocol::V1 => header_v1(ends),
        ProxyProtocol::V2 => header_v2(ends),
    }
}

fn header_v1(ends: Option<Ends>) -> Vec<u8> {
    let Some(ends) = ends else {
        return b"PROXY UNKNOWN\r\n".to_vec();
    };
    let (client, local) = of_one_family(ends);
    let family = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let mut text = Vec::new();
    let _never_fails = write!(
        text,
        "PROXY {family} {} {} {} {}\r\n",
        client.ip(),
        local.ip(),
        client.port(),
        local.port()
    );
    text
}

fn header_v2(ends: Option<Ends>) -> Vec<u8> {
    let mut header = SIGNATURE.to_vec();
    let Some(ends) = ends else {
        // LOCAL, of no family, and so without addresses.
        header.extend_from_slice(&[0x20, 0, 0, 0]);
        return header;
    };
    let (client, local) = of_one_family(ends);
    let mut addresses = Vec::new();
    for end in [client, local] {
        match end.ip() {
            IpAddr::V4(ip) => addresses.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => addresses.extend_from_slice(&ip.octets()),
        }
    }
    addresses.extend_from_slice(&client.port().to_be_bytes());
    addresses.extend_from_slice(&local.port().to_be_bytes());
    // PROXY; TCP over IPv4 or IPv6.
    header.extend_from_slice(&[0x21, if client.is_ipv4() { 0x11 } else { 0x21 }, 0]);
    header.extend(u8::try_from(addresses.len()));
    header.extend_from_slice(&addresses);
    header
}

/// Both ends as IPv4 if both are, else both as IPv6: the header has room for one family.
fn of_one_family(ends: Ends) -> (SocketAddr, SocketAddr) {
    let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let (client, local) = (plain(ends.client), plain(ends.local));
    if client.is_ipv4() == local.is_ipv4() {
        return (client, local);
    }
    (as_v6(client), as_v6(local))
}

fn as_v6(end: SocketAddr) -> SocketAddr {
    let ip: Ipv6Addr = match end.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddr::new(ip.into(), end.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(client: &str, local: &str) -> Option<Ends> {
        Some(Ends {
            client: client.parse().unwrap(),
            local: local.parse().unwrap(),
        })
    }

    #[test]
    fn version_1_is_one_line_of_text() {
        let line = |ends| String::from_utf8(header(ProxyProtocol::V1, ends)).unwrap();
        assert_eq!(
            line(ends("192.0.2.1:5000", "198.51.100.2:9001")),
            "PROXY TCP4 192.0.2.1 198.51.100.2 5000 9001\r\n"
        );
        assert_eq!(
            line(ends("[::ffff:192.0.2.1]:5000", "198.51.100.2:9001")),
            "PROXY TCP4 192.0.2.1 198.51.100.2 5000 9001\r\n"
        );
        assert_eq!(
            line(ends("[2001:db8::1]:5000", "198.51.100.2:9001")),
            "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.2 5000 9001\r\n"
        );
        assert_eq!(line(None), "PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_is_what_another_implementation_reads() {
        let bytes = header(ProxyProtocol::V2, ends("192.0.2.1:5000", "198.51.100.2:9001"));
        let read = ppp::v2::Header::try_from(bytes.as_slice()).unwrap();
        assert_eq!(read.command, ppp::v2::Command::Proxy);
        assert_eq!(
            read.addresses,
            ppp::v2::Addresses::IPv4(ppp::v2::IPv4::new([192, 0, 2, 1], [198, 51, 100, 2], 5000, 9001))
        );
        let bytes = header(ProxyProtocol::V2, ends("[2001:db8::1]:5000", "198.51.100.2:9001"));
        let read = ppp::v2::Header::try_from(bytes.as_slice()).unwrap();
        let (client, local): (Ipv6Addr, Ipv6Addr) = (
            "2001:db8::1".parse().unwrap(),
            "::ffff:198.51.100.2".parse().unwrap(),
        );
        assert_eq!(
            read.addresses,
            ppp::v2::Addresses::IPv6(ppp::v2::IPv6::new(client, local, 5000, 9001))
        );
        let bytes = header(ProxyProtocol::V2, None);
        let read = ppp::v2::Header::try_from(bytes.as_slice()).unwrap();
        assert_eq!(read.command, ppp::v2::Command::Local);
    }
}
