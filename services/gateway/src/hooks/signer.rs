//! What events are signed with: an RSA key, and the certificate that receivers check signatures by.
//!
//! An operator gives both as PEM files, or they are made once and kept in the gateway's database, so that all replicas sign alike.
//! Whoever can read that database can then sign, as he could change what is told; who wants the two apart gives files.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Database, Statement, StorageError};
use planshift_worker::Ports;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{path::Path, sync::Arc};
use tokio::sync::OnceCell;

/// For how many years a certificate that is made here is good: receivers check it by its being ours, and nobody else signs it.
const YEARS: i32 = 10;

static FIND: Statement = Statement::new("SELECT private_key, certificate FROM webhook_keys WHERE one = 1");
static KEEP: Statement = Statement::new(
    "INSERT INTO webhook_keys (one, private_key, certificate, made_at)
     SELECT 1, $1::text, $2::text, $3::bigint WHERE true ON CONFLICT (one) DO NOTHING",
);

/// A key and its certificate, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    private_key: String,
    certificate: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Why there is no key to sign with. None of these repeats anything of it.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// A file cannot be read.
    #[error("{file} cannot be read: {source}")]
    File {
        /// Which.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The key is none that signs here.
    #[error("the private key is no RSA key of 2048 to 8192 bits in PEM (PKCS #8 or PKCS #1, without a password)")]
    NoKey,
    /// The certificate is none.
    #[error("the certificate is no X.509 certificate (version 3) in PEM")]
    NoCertificate,
    /// It is another key's.
    #[error("the certificate is not that of the private key")]
    Another,
    /// None could be made.
    #[error("a key could not be made: {0}")]
    NotMade(String),
    /// The database's.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SigningKey {
    /// What two PEM files hold.
    ///
    /// # Errors
    /// `File`, `NoKey`, `NoCertificate`, `Another`.
    pub fn of_files(private_key: &Path, certificate: &Path) -> Result<Self, SigningKeyError> {
        let read = |file: &Path| {
            std::fs::read_to_string(file).map_err(|source| SigningKeyError::File { file: file.display().to_string(), source })
        };
        let key = Self { private_key: read(private_key)?, certificate: read(certificate)? };
        Signing::new(&key)?;
        Ok(key)
    }

    /// A new one: RSA of 2048 bits, as Partner Center's. A signature is of use for the moment in which an event comes; one of 3072 bits
    /// costs seven times as much, and whoever wants that gives files.
    fn make(now: Timestamp) -> Result<Self, SigningKeyError> {
        let failed = |error: rcgen::Error| SigningKeyError::NotMade(error.to_string());
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
        let mut parameters = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "Planshift");
        name.push(DnType::CommonName, "Planshift webhooks");
        parameters.distinguished_name = name;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // a day back, for clocks that differ
        let (year, month, day) = date(now.plus_seconds(-24 * 3600)).unwrap_or((2026, 1, 1));
        parameters.not_before = date_time_ymd(year, month, day);
        // there is no 29 February in every year
        parameters.not_after = date_time_ymd(year + YEARS, month, day.min(28));
        let certificate = parameters.self_signed(&key).map_err(failed)?;
        Ok(Self { private_key: key.serialize_pem(), certificate: certificate.pem() })
    }
}

/// The day of a time, from how it is written.
fn date(at: Timestamp) -> Option<(i32, u8, u8)> {
    let text = at.to_string();
    let mut parts = text.split('T').next()?.split('-');
    let day = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(day)
}

/// A key at work.
pub(crate) struct Signing {
    key: RsaKeyPair,
    certificate: Vec<u8>,
}

impl Signing {
    fn new(key: &SigningKey) -> Result<Self, SigningKeyError> {
        let pair = match PrivateKeyDer::from_pem_slice(key.private_key.as_bytes()).map_err(|_| SigningKeyError::NoKey)? {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(SigningKeyError::NoKey),
        };
        let pair = pair.map_err(|_| SigningKeyError::NoKey)?;
        let certificate = CertificateDer::from_pem_slice(key.certificate.as_bytes()).map_err(|_| SigningKeyError::NoCertificate)?;
        let signing = Self { key: pair, certificate: certificate.to_vec() };
        let entity = webpki::EndEntityCert::try_from(&certificate).map_err(|_| SigningKeyError::NoCertificate)?;
        let signature = signing.signature(b"a certificate and its key").ok_or(SigningKeyError::NoKey)?;
        let algorithm = webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256;
        entity.verify_signature(algorithm, b"a certificate and its key", &signature).map_err(|_| SigningKeyError::Another)?;
        Ok(signing)
    }

    fn signature(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature).ok()?;
        Some(signature)
    }

    /// The signature of a body, in base64; none where the library fails, which it did not when the key was taken.
    pub(super) fn sign(&self, body: &[u8]) -> Option<String> {
        self.signature(body).map(|signature| BASE64_STANDARD.encode(signature))
    }

    /// The certificate, as DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

/// The key, had when it is first needed. Cheap to clone; clones share.
#[derive(Clone)]
pub(super) struct Signer {
    given: Option<SigningKey>,
    had: Arc<OnceCell<Arc<Signing>>>,
}

impl Signer {
    pub(super) fn new(given: Option<SigningKey>) -> Self {
        Self { given, had: Arc::default() }
    }

    /// The key that was given; else the database's, which has one afterwards.
    pub(super) async fn get(&self, database: &Database, ports: &Ports) -> Result<Arc<Signing>, SigningKeyError> {
        let signing = self.had.get_or_try_init(async || {
            let key = match &self.given {
                Some(key) => key.clone(),
                None => kept(database, ports).await?,
            };
            Signing::new(&key).map(Arc::new)
        });
        signing.await.cloned()
    }
}

async fn kept(database: &Database, ports: &Ports) -> Result<SigningKey, SigningKeyError> {
    if let Some(key) = find(database).await? {
        return Ok(key);
    }
    let now = ports.clock.now();
    // it takes a while, and nobody else is to wait for it
    let made = tokio::task::spawn_blocking(move || SigningKey::make(now)).await;
    let made = made.map_err(|error| SigningKeyError::NotMade(error.to_string()))??;
    let args = Args::new().value(&made.private_key).value(&made.certificate).value(now.as_micros());
    database.execute(&KEEP, args).await?;
    tracing::info!("a key was made that webhooks are signed with");
    // of two replicas that have made one, both take what was kept first
    find(database).await?.ok_or_else(|| SigningKeyError::NotMade("it was not kept".to_owned()))
}

async fn find(database: &Database) -> Result<Option<SigningKey>, StorageError> {
    let rows = database.query(&FIND, Args::new()).await?;
    rows.first().map(|row| Ok(SigningKey { private_key: row.get(0)?, certificate: row.get(1)? })).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn now() -> Timestamp {
        "2028-02-29T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_made_signs_and_its_certificate_tells() {
        let key = SigningKey::make(now()).unwrap();
        let signing = Signing::new(&key).unwrap();
        let certificate = CertificateDer::from(signing.certificate().to_vec());
        let entity = webpki::EndEntityCert::try_from(&certificate).unwrap();
        let signature = BASE64_STANDARD.decode(signing.sign(b"body").unwrap()).unwrap();
        let check = |body: &[u8]| entity.verify_signature(webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256, body, &signature);
        assert!(check(b"body").is_ok() && check(b"another").is_err());
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn files_must_hold_a_key_and_its_own_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (SigningKey::make(now()).unwrap(), SigningKey::make(now()).unwrap());
        let file = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file
        };
        let (key, certificate) = (file("key", &one.private_key), file("certificate", &one.certificate));
        assert_eq!(SigningKey::of_files(&key, &certificate).unwrap(), one);
        let other = file("other", &two.certificate);
        assert!(matches!(SigningKey::of_files(&key, &other), Err(SigningKeyError::Another)));
        assert!(matches!(SigningKey::of_files(&certificate, &certificate), Err(SigningKeyError::NoKey)));
        assert!(matches!(SigningKey::of_files(&key, &key), Err(SigningKeyError::NoCertificate)));
        let nowhere = folder.path().join("nowhere");
        let error = SigningKey::of_files(&nowhere, &certificate).unwrap_err();
        assert!(error.to_string().contains("nowhere"), "{error}");
        let curve = KeyPair::generate().unwrap();
        assert!(matches!(SigningKey::of_files(&file("curve", &curve.serialize_pem()), &certificate), Err(SigningKeyError::NoKey)));
    }

    #[tokio::test]
    async fn all_who_need_one_at_once_get_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(folder.path().join("g.db")).await.unwrap();
        database.migrate(crate::MIGRATIONS).await.unwrap();
        let ports = Ports::system();
        let (one, two) = (Signer::new(None), Signer::new(None));
        let (one, two) = tokio::join!(one.get(&database, &ports), two.get(&database, &ports));
        assert_eq!(one.unwrap().certificate(), two.unwrap().certificate());
    }
}
