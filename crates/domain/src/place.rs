//! From where somebody comes, as far as guessing goes: an address, or of IPv6 the network that one customer has.

use chrono::TimeDelta;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The most places that are remembered of one user: the one that was seen longest ago goes.
pub const MAX_PLACES_PER_USER: u32 = 20;
/// For how long a place is remembered in which its user does not log in any more.
pub const PLACE_KEPT: TimeDelta = TimeDelta::days(365);
/// A login notes its place again when it was noted longer ago than this.
pub const PLACE_INTERVAL: TimeDelta = TimeDelta::days(1);

/// An IPv4 address, or the /64 of an IPv6 address: its other half is the customer's own, who can have another at every
/// attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(IpAddr);

impl Place {
    /// The place of an address. An IPv4 address that is written as IPv6 is that IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

/// The address, or the /64 with its length.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// A keyed digest of a user and a place: who has the database alone learns no address of it, and not that two users
/// share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlaceDigest(pub [u8; 16]);

impl fmt::Debug for PlaceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlaceDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        Place::of(address.parse().unwrap())
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_are_one_place() {
        assert_eq!(place("2001:db8:1:2::1"), place("2001:db8:1:2:ffff::9"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_eq!(place("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }

    #[test]
    fn each_ipv4_address_is_a_place_however_it_is_written() {
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(place("::ffff:192.0.2.1"), place("192.0.2.1"));
        assert_eq!(place("192.0.2.1").to_string(), "192.0.2.1");
    }
}
