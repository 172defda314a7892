//! Where events may be sent. A partner names the URL and this program calls it from within the operator's network: so it must lead
//! out of it, or a partner could have requests made to what only that network reaches.
//!
//! The URL is looked at when it is registered and before each attempt; a name is resolved at each connection, every address that it
//! has must be a public one, and the connection is made to one of those very addresses: a name that resolves otherwise the next time
//! gains nothing.

use crate::words::Words;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest URL that is taken.
const URL_BYTES: usize = 2_048;

/// Which URLs are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reachable {
    /// `https` URLs of public addresses.
    Public,
    /// `http` URLs and internal addresses too: for trials.
    Anything,
}

/// Why a URL is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("it is no URL: https://HOST/PATH was expected")]
    NoUrl,
    #[error("it has more than {URL_BYTES} characters")]
    TooLong,
    #[error("it is not https")]
    NotHttps,
    #[error("it holds a user or a password: events are signed, so check the signature instead")]
    Credentials,
    #[error("it leads to an address that is not public")]
    Internal,
}

impl Unreachable {
    /// The same for people of every language.
    pub(crate) fn words(&self) -> Words {
        let fr = match self {
            Self::NoUrl => "ce n’est pas une URL : https://HÔTE/CHEMIN était attendu".to_owned(),
            Self::TooLong => format!("elle a plus de {URL_BYTES} caractères"),
            Self::NotHttps => "elle n’est pas en https".to_owned(),
            Self::Credentials => {
                "elle contient un utilisateur ou un mot de passe : les événements sont signés, vérifiez plutôt la signature".to_owned()
            }
            Self::Internal => "elle mène à une adresse qui n’est pas publique".to_owned(),
        };
        Words::translated(self, Some(fr))
    }
}

/// A URL's host.
enum Host<'a> {
    Name(&'a str),
    Address(IpAddr),
}

fn host_of(url: &Url) -> Option<Host<'_>> {
    let text = url.host_str().filter(|text| !text.is_empty())?;
    // the URL's parser has brought 0x7f.1, 127.1 and the like to one form
    Some(text.trim_matches(['[', ']']).parse().map_or(Host::Name(text), Host::Address))
}

impl Reachable {
    /// The URL, where it may be called.
    pub(crate) fn url(self, text: &str) -> Result<Url, Unreachable> {
        if text.len() > URL_BYTES {
            return Err(Unreachable::TooLong);
        }
        let url = Url::parse(text).map_err(|_| Unreachable::NoUrl)?;
        match (self, url.scheme()) {
            (_, "https") | (Self::Anything, "http") => {}
            (_, "http") => return Err(Unreachable::NotHttps),
            _ => return Err(Unreachable::NoUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unreachable::Credentials);
        }
        match (self, host_of(&url).ok_or(Unreachable::NoUrl)?) {
            (Self::Anything, _) => Ok(url),
            (Self::Public, Host::Address(address)) if !is_public(address) => Err(Unreachable::Internal),
            (Self::Public, Host::Name(name)) if is_here(name) => Err(Unreachable::Internal),
            _ => Ok(url),
        }
    }

    /// May a name that has these addresses be called?
    fn allows(self, addresses: &[SocketAddr]) -> bool {
        self == Self::Anything || addresses.iter().all(|address| is_public(address.ip()))
    }
}

/// Names of this machine, whatever resolves them. Source: RFC 6761, section 6.3.
fn is_here(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// An address that is everybody's to call. Sources: the IANA registries of special-purpose addresses, RFC 6890.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // "this network", private, loopback, link-local
        (0 | 10 | 127, ..) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) => true,
        // between a provider and its customers
        (100, 64..=127, _) => true,
        // protocols' own, documentation, the former relays of 6to4, benchmarks
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // multicast, reserved, broadcast
        (224.., ..) => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let inner = |high: u16, low: u16| {
        let ([one, two], [three, four]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(one, two, three, four))
    };
    match (a, b) {
        // an IPv4 address in another form: mapped, behind NAT64, by 6to4
        (0, 0) if [c, d, e, f] == [0, 0, 0, 0xffff] => inner(g, h),
        (0x64, 0xff9b) if [c, d, e, f] == [0, 0, 0, 0] => inner(g, h),
        (0x2002, high) => inner(high, c),
        // Teredo, other protocols' own, documentation
        (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        // only this much was given out for everybody; the rest is loopback, local, multicast, or nobody's
        _ => a & 0xe000 == 0x2000,
    }
}

/// Resolves names, and refuses those with an address that may not be called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) Reachable);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reachable = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !reachable.allows(&found) {
                return Err(Unreachable::Internal.into());
            }
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for internal in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.2.3",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(internal.parse().unwrap()), "{internal}");
        }
    }

    #[test]
    fn a_url_must_lead_out_and_carry_no_secret() {
        use Unreachable::{Credentials, Internal, NoUrl, NotHttps, TooLong};
        let long = format!("https://example.org/{}", "x".repeat(URL_BYTES));
        for (text, why) in [
            ("https://example.org/hook?x=1", None),
            ("https://93.184.216.34:8443/", None),
            ("https://[2606:4700::1111]/", None),
            ("http://example.org", Some(NotHttps)),
            ("ftp://example.org", Some(NoUrl)),
            ("file:///etc/passwd", Some(NoUrl)),
            ("example.org", Some(NoUrl)),
            ("", Some(NoUrl)),
            ("https://", Some(NoUrl)),
            ("https://user@example.org", Some(Credentials)),
            ("https://:secret@example.org", Some(Credentials)),
            ("https://localhost/", Some(Internal)),
            ("https://LOCALHOST./", Some(Internal)),
            ("https://a.localhost/", Some(Internal)),
            ("https://127.0.0.1/", Some(Internal)),
            // other ways to write that address
            ("https://127.1/", Some(Internal)),
            ("https://0x7f.0.0.1/", Some(Internal)),
            ("https://2130706433/", Some(Internal)),
            ("https://[::1]/", Some(Internal)),
            ("https://[::ffff:169.254.169.254]/", Some(Internal)),
            ("https://169.254.169.254/metadata", Some(Internal)),
            (&long, Some(TooLong)),
        ] {
            assert_eq!(Reachable::Public.url(text).err(), why, "{text}");
        }
        for text in ["http://127.0.0.1:1/", "http://localhost/", "https://10.0.0.1/"] {
            assert!(Reachable::Anything.url(text).is_ok(), "{text}");
        }
        assert_eq!(Reachable::Anything.url("http://a:b@localhost").err(), Some(Credentials));
    }

    #[tokio::test]
    async fn a_name_with_an_internal_address_is_not_resolved() {
        let resolve = |reachable| Resolver(reachable).resolve("localhost".parse().unwrap());
        assert!(resolve(Reachable::Public).await.is_err());
        assert!(resolve(Reachable::Anything).await.unwrap().next().is_some());
        let mixed = ["1.1.1.1:0", "10.0.0.1:0"].map(|text| text.parse().unwrap());
        assert!(!Reachable::Public.allows(&mixed), "one of them is enough");
    }
}
