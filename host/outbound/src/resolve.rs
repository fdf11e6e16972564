//! Name lookup that hands out no address which is nobody's server: link-local, cloud metadata, multicast and so on.
//!
//! The connection is made to one of the addresses that were looked at here, never to the outcome of a second lookup.
//! An address that the configuration itself names is not looked up, so it is never refused.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Services that hand credentials of the machine to whoever asks, outside of the link-local ranges: Alibaba, Azure,
/// Oracle, Amazon (those inside are 169.254.169.254 and its neighbours).
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Why no connection is made to an address that a name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) address: IpAddr,
    pub(crate) kind: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.address, self.kind)
    }
}

impl std::error::Error for Refused {}

/// The system's lookup, less the addresses that are refused.
#[derive(Clone)]
pub(crate) struct Resolver {
    system: GaiResolver,
}

impl Resolver {
    pub(crate) fn new() -> Resolver {
        let system = GaiResolver::new();
        Resolver { system }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.system.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let looked_up = self.system.call(name);
        Box::pin(async move {
            let allowed = allowed(looked_up.await?)?;
            crate::connect::reached(crate::connect::Phase::Connect);
            Ok(allowed.into_iter())
        })
    }
}

/// Those that may be connected to; an error where all are refused.
fn allowed(addresses: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in addresses {
        match kind(address.ip()) {
            Some(kind) => {
                let address = address.ip();
                refused = Some(Refused { address, kind });
            }
            None => allowed.push(address),
        }
    }
    match refused {
        Some(refused) if allowed.is_empty() => Err(refused),
        _ => Ok(allowed),
    }
}

/// What an address is that no name may stand for.
fn kind(address: IpAddr) -> Option<&'static str> {
    if METADATA.contains(&address) {
        return Some("a cloud's metadata service");
    }
    match address {
        IpAddr::V4(v4) if v4 == Ipv4Addr::new(169, 254, 169, 254) => {
            Some("a cloud's metadata service")
        }
        IpAddr::V4(v4) if v4.is_link_local() => Some("link-local"),
        IpAddr::V4(v4) if v4.is_multicast() => Some("multicast"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("broadcast"),
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("no address of a server"),
        IpAddr::V4(_) => None,
        IpAddr::V6(v6) if v6.is_unspecified() => Some("no address of a server"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("link-local"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("multicast"),
        IpAddr::V6(v6) if v6.is_loopback() => None,
        IpAddr::V6(v6) => inside(v6).and_then(|v4| kind(IpAddr::V4(v4))),
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(v4(high, low))
        }
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(address: &str) -> Option<&'static str> {
        kind(address.parse().expect("an address"))
    }

    #[test]
    fn addresses_that_no_name_may_stand_for() {
        for (address, expected) in [
            ("169.254.169.254", "a cloud's metadata service"),
            ("::ffff:169.254.169.254", "a cloud's metadata service"),
            ("64:ff9b::169.254.169.254", "a cloud's metadata service"),
            ("2002:a9fe:a9fe::1", "a cloud's metadata service"),
            ("100.100.100.200", "a cloud's metadata service"),
            ("fd00:ec2::254", "a cloud's metadata service"),
            ("169.254.0.1", "link-local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("0.0.0.0", "no address of a server"),
            ("::", "no address of a server"),
            ("::ffff:0.0.0.0", "no address of a server"),
        ] {
            assert_eq!(kind_of(address), Some(expected), "{address}");
        }
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "fec0::1",
            "100.100.100.201",
            "2001:db8::1",
        ] {
            assert_eq!(kind_of(address), None, "{address}");
        }
    }

    #[test]
    fn a_name_with_one_good_address_is_reached_there() {
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts
                .iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        let mixed = addresses(&["169.254.1.1:0", "10.0.0.1:0"]);
        assert_eq!(allowed(mixed.into_iter()), Ok(addresses(&["10.0.0.1:0"])));
        let refused =
            allowed(addresses(&["[fe80::1]:0"]).into_iter()).expect_err("only link-local");
        assert_eq!(refused.to_string(), "fe80::1 (link-local)");
    }

    #[test]
    fn a_name_of_a_refused_address_is_not_resolved() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.expect("a runtime");
        let resolve = |text: &str| {
            let name = text.parse::<Name>().expect("any text");
            runtime.block_on(async { Resolver::new().call(name).await })
        };
        let refused = resolve("169.254.169.254").expect_err("it is refused");
        assert!(refused.is::<Refused>(), "{refused}");
        assert_eq!(resolve("127.0.0.1").expect("it is not refused").count(), 1);
    }
}
