use super::*;
use ipnet::IpNet;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// Of every network: first and last address, and what lies right outside of it.
const REFUSED: [&str; 39] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "::/96",           // compatible
    "::ffff:0:0/96",   // mapped
    "::ffff:0:0:0/96", // translated (SIIT)
    "64:ff9b::/96",    // NAT64
    "64:ff9b:1::/48",  // NAT64 of one's own
    "100::/64",        // discard
    "2001::/32",       // Teredo
    "2001:2::/48",     // benchmarks
    "2001:10::/28",    // ORCHID
    "2001:20::/28",    // ORCHIDv2
    "2001:db8::/32",   // documentation
    "2002::/16",       // 6to4
    "3fff::/20",       // documentation
    "4000::/2",        // not given out
    "5f00::/16",       // segment routing
    "8000::/2",        // not given out
    "c000::/3",        // not given out
    "fc00::/7",        // unique-local
    "fe80::/10",       // link-local
    "fec0::/10",       // site-local
    "ff00::/8",        // multicast
];

#[test]
fn both_ends_and_the_middle_of_every_special_network_are_refused() {
    for text in REFUSED {
        let network = net(text);
        let (first, last) = (network.network(), network.broadcast());
        let middle = match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let (first, last) = (u32::from(first), u32::from(last));
                IpAddr::from(Ipv4Addr::from(first + (last - first) / 2))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let (first, last) = (u128::from(first), u128::from(last));
                IpAddr::from(Ipv6Addr::from(first + (last - first) / 2))
            }
            _ => panic!("{text} is of two families"),
        };
        for address in [first, middle, last] {
            assert!(!is_public(address), "{address} of {text}");
        }
    }
}

#[test]
fn what_lies_beside_special_networks_is_public() {
    for text in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "168.63.129.17",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "1.1.1.1",
        "8.8.8.8",
        "93.184.215.14",
        "2000::",
        "2000:ffff::1",
        "2001:200::",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001:800::200e",
        "3ffe:ffff::1",
        "3fff:1000::",
    ] {
        assert!(is_public(text.parse().unwrap()), "{text}");
    }
}

/// All of IPv4 with a step that meets every /16, against the list above.
#[test]
fn of_ipv4_exactly_the_listed_networks_are_refused() {
    let networks: Vec<_> = REFUSED.into_iter().map(net).collect();
    for start in (0..=u32::MAX).step_by(251 * 37) {
        let address = IpAddr::from(Ipv4Addr::from(start));
        let is_listed = networks.iter().any(|network| network.contains(&address));
        assert_eq!(is_public(address), !is_listed, "{address}");
    }
}

/// The forms in which IPv6 carries IPv4, over a loopback, a private and a public address.
#[test]
fn no_ipv4_address_hides_in_ipv6() {
    for inner in ["127.0.0.1", "10.1.2.3", "8.8.8.8"] {
        let inner: Ipv4Addr = inner.parse().unwrap();
        let bits = u128::from(u32::from(inner));
        let [a, b, c, d] = inner.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        for address in [
            Ipv6Addr::from(bits),
            inner.to_ipv6_mapped(),
            Ipv6Addr::from(0xffff << 48 | bits),
            Ipv6Addr::from(0x0064_ff9b << 96 | bits),
            Ipv6Addr::new(0x64, 0xff9b, 1, high, low, 0, 0, 1),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
            Ipv6Addr::new(0x2001, 0x4860, 1, 2, 0, 0x5efe, high, low),
            Ipv6Addr::new(0x2001, 0x4860, 1, 2, 0x200, 0x5efe, high, low),
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, high, low),
        ] {
            assert!(!is_public(address.into()), "{address}");
        }
    }
}
