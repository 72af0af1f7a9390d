//! Which addresses are public. Everything else is inside somebody's network, and no business of webhooks.
//!
//! After IANA's registries of special-purpose addresses (RFC 6890) for IPv4 and IPv6. Of IPv6 only what is given out as
//! global unicast can be public, and of that nothing in which an IPv4 address hides, since a gateway may lead anywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Not public: each with the length of its prefix.
const SPECIAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),        // this network, and the unspecified address (RFC 791)
    ([10, 0, 0, 0], 8),       // private (RFC 1918)
    ([100, 64, 0, 0], 10),    // shared (RFC 6598)
    ([127, 0, 0, 0], 8),      // loopback (RFC 1122)
    ([168, 63, 129, 16], 32), // Azure's own, within its virtual machines
    ([169, 254, 0, 0], 16),   // link-local, and the metadata of clouds (RFC 3927)
    ([172, 16, 0, 0], 12),    // private (RFC 1918)
    ([192, 0, 0, 0], 24),     // protocol assignments (RFC 6890)
    ([192, 0, 2, 0], 24),     // documentation (RFC 5737)
    ([192, 88, 99, 0], 24),   // relays of 6to4 (RFC 7526)
    ([192, 168, 0, 0], 16),   // private (RFC 1918)
    ([198, 18, 0, 0], 15),    // benchmarks (RFC 2544)
    ([198, 51, 100, 0], 24),  // documentation (RFC 5737)
    ([203, 0, 113, 0], 24),   // documentation (RFC 5737)
    ([224, 0, 0, 0], 4),      // multicast (RFC 5771)
    ([240, 0, 0, 0], 4),      // reserved, and broadcast (RFC 1112)
];

/// All that is given out (RFC 4291, 2.4). Outside of it are loopback, IPv4 that is mapped, compatible or translated
/// (RFC 4291, RFC 6052, RFC 8215), unique-local (RFC 4193), link-local, site-local and multicast.
const UNICAST_V6: ([u16; 2], u32) = ([0x2000, 0], 3);

/// What of that is not public. Nothing has a longer prefix than 32.
const SPECIAL_V6: [([u16; 2], u32); 4] = [
    ([0x2001, 0], 23), // Teredo, benchmarks, ORCHID and more (RFC 2928, RFC 4380, RFC 5180, RFC 7343)
    ([0x2001, 0x0db8], 32), // documentation (RFC 3849)
    ([0x2002, 0], 16), // 6to4 (RFC 3056)
    ([0x3fff, 0], 20), // documentation (RFC 9637)
];

/// Whether anybody on the Internet can have this address.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    !SPECIAL_V4
        .iter()
        .any(|(network, length)| has_prefix(bits, u32::from_be_bytes(*network), *length))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, _, _, e, f, _, _] = address.segments();
    let first = |[a, b]: [u16; 2]| u32::from(a) << 16 | u32::from(b);
    let is_in =
        |(network, length): &([u16; 2], u32)| has_prefix(first([a, b]), first(*network), *length);
    // ISATAP: the IPv4 address follows (RFC 5214).
    let is_isatap = matches!((e, f), (0 | 0x0200, 0x5efe));
    is_in(&UNICAST_V6) && !SPECIAL_V6.iter().any(is_in) && !is_isatap
}

fn has_prefix(bits: u32, network: u32, length: u32) -> bool {
    bits >> (32 - length) == network >> (32 - length)
}

#[cfg(test)]
mod tests;
