//! Where the broker is, and how its certificate is known.
//!
//! With `amqps://` the broker's certificate must be for the host that the URL names, and from an authority that counts: the system's,
//! and those in the file `cacertfile`. The parameters are those of RabbitMQ's own clients; that nobody looks at the certificate
//! (`verify=verify_none`) cannot be had. The files are read for each connection, so that an exchange of them needs no restart.

use super::InvalidUrl;
use super::sender::service_of;
use super::topology::Manner;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use std::path::PathBuf;
use std::time::Duration;

const CA: &str = "cacertfile";
const CERTIFICATE: &str = "certfile";
const KEY: &str = "keyfile";

/// How a PEM file's certificates begin.
const PEM_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// How its keys do, whatever their kind.
const PEM_KEY: &str = "PRIVATE KEY-----";

/// An address that can be connected to.
#[derive(Clone)]
pub(super) struct Address {
    uri: AMQPUri,
    tls: TlsFiles,
}

/// What the URL names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct TlsFiles {
    ca: Option<PathBuf>,
    /// Certificate and key of this client.
    own: Option<(PathBuf, PathBuf)>,
}

impl Address {
    /// Reads a URL, and looks at the files that it names.
    ///
    /// # Errors
    /// `InvalidUrl` where it is none, names files without TLS or by half, or where one is not what it should be.
    pub(super) fn parse(url: &str, heartbeat: Duration) -> Result<Self, InvalidUrl> {
        let mut uri: AMQPUri = url.parse().map_err(InvalidUrl)?;
        uri.query.heartbeat = Some(heartbeat.as_secs().clamp(1, 600) as u16);
        let tls = TlsFiles::of(url, &uri)?;
        tls.read().map_err(InvalidUrl)?;
        Ok(Self { uri, tls })
    }

    /// The user that connects.
    pub(super) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    /// How this user has exchanges and queues.
    pub(super) fn manner(&self) -> Manner {
        if service_of(self.user()).is_some() { Manner::AsksFirst } else { Manner::Declares }
    }

    /// Connects, under a name that the broker shows.
    ///
    /// # Errors
    /// In words: the files, the network, the certificate, the user.
    pub(super) async fn connect(&self, name: &str) -> Result<Connection, String> {
        let properties = ConnectionProperties::default().with_connection_name(format!("planshift: {name}").into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| error.to_string())?;
        let connecting = Connection::connect_uri_with_config(self.uri.clone(), properties, self.tls.read()?, runtime);
        connecting.await.map_err(|error| error.to_string())
    }
}

impl TlsFiles {
    fn of(url: &str, uri: &AMQPUri) -> Result<Self, InvalidUrl> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let mut named = Self::default();
        let (mut certificate, mut key) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                CA => named.ca = Some(PathBuf::from(&*value)),
                CERTIFICATE => certificate = Some(PathBuf::from(&*value)),
                KEY => key = Some(PathBuf::from(&*value)),
                "verify" if value != "verify_peer" => {
                    return Err(InvalidUrl(format!("verify={value}: the broker's certificate is always looked at (verify_peer)")));
                }
                _ => {}
            }
        }
        named.own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(InvalidUrl(format!("{CERTIFICATE} and {KEY} go together"))),
        };
        if uri.scheme == AMQPScheme::AMQP && named != Self::default() {
            return Err(InvalidUrl("it names certificates, but amqp:// has no TLS: amqps:// has".to_owned()));
        }
        Ok(named)
    }

    /// What the files hold.
    fn read(&self) -> Result<OwnedTLSConfig, String> {
        let read = |name: &str, path: &PathBuf, holds: &str, kind: &str| {
            let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: cannot read {}: {error}", path.display()))?;
            if text.contains(holds) { Ok(text) } else { Err(format!("{name}: {} holds no {kind} (PEM)", path.display())) }
        };
        let cert_chain = self.ca.as_ref().map(|path| read(CA, path, PEM_CERTIFICATE, "certificate")).transpose()?;
        let identity = self.own.as_ref().map(|(certificate, key)| {
            let pem = read(CERTIFICATE, certificate, PEM_CERTIFICATE, "certificate")?.into_bytes();
            let key = read(KEY, key, PEM_KEY, "key")?.into_bytes();
            Ok::<_, String>(OwnedIdentity::PKCS8 { pem, key })
        });
        Ok(OwnedTLSConfig { cert_chain, identity: identity.transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, String> {
        Address::parse(url, Duration::from_secs(15)).map_err(|error| error.to_string())
    }

    #[test]
    fn certificates_are_named_in_the_url_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let ca = file("a ca.pem", PEM_CERTIFICATE).replace(' ', "%20");
        let key = file("key.pem", "-----BEGIN PRIVATE KEY-----");
        let whole = format!("amqps://u:p@broker/v?cacertfile={ca}&certfile={ca}&keyfile={key}&verify=verify_peer&channel_max=9");
        let address = parse(&whole).unwrap();
        assert_eq!((address.user(), address.uri.query.channel_max), ("u", Some(9)));
        let read = address.tls.read().unwrap();
        assert_eq!(read.cert_chain.as_deref(), Some(PEM_CERTIFICATE));
        assert!(read.identity.is_some());
        // exchanged while it runs
        std::fs::write(folder.path().join("a ca.pem"), format!("{PEM_CERTIFICATE}2")).unwrap();
        assert_eq!(address.tls.read().unwrap().cert_chain.unwrap(), format!("{PEM_CERTIFICATE}2"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let empty = tempfile::NamedTempFile::new().unwrap();
        let no_pem = format!("amqps://u:hunter2@b/v?cacertfile={}", empty.path().display());
        for (url, named) in [
            ("amqp://u:hunter2@b/v?cacertfile=/x.pem", "amqps://"),
            ("amqps://u:hunter2@b/v?cacertfile=/no/such/file.pem", "/no/such/file.pem"),
            ("amqps://u:hunter2@b/v?certfile=/x.pem", "keyfile"),
            ("amqps://u:hunter2@b/v?verify=verify_none", "verify_peer"),
            (no_pem.as_str(), "holds no certificate"),
            ("http://b", "amqp"),
        ] {
            let error = parse(url).err().unwrap_or_default();
            assert!(error.contains(named) && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}
