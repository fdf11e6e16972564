//! TLS of a receiver or filter: which certificates are believed, which one is shown, which name is expected.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::{DefaultServerNameResolver, FixedServerNameResolver, ResolveServerName};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// More than all public roots together.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The block `tls` of a receiver or filter. Files are PEM, and read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Believe any certificate. Whoever sits between can then read and change everything.
    pub insecure_skip_verify: bool,
    /// The name that is asked for (SNI) and must be in the certificate, in place of the host of the address.
    pub server_name: Option<String>,
    /// The certificates that are believed, in place of the system's (as KEE and Go have it).
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to the server, then those between it and its CA. Needs `key_file`.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`, not encrypted: PKCS #8, PKCS #1 or SEC 1.
    pub key_file: Option<PathBuf>,
}

impl Tls {
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.ca_file, &self.cert_file, &self.key_file]
            .into_iter()
            .filter_map(|file| file.as_deref())
    }
}

/// Ready to connect with.
pub(crate) struct Prepared {
    pub(crate) config: ClientConfig,
    pub(crate) server_name: Arc<dyn ResolveServerName + Send + Sync>,
}

/// The roots of the system (`SSL_CERT_FILE`, `SSL_CERT_DIR`, else where distributions put them).
pub(crate) fn system_roots() -> Arc<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (used, _) = roots.add_parsable_certificates(found.certs);
    if used == 0 {
        let error = found.errors.first().map(ToString::to_string);
        tracing::warn!(
            error = error.unwrap_or_default(),
            "no root certificates on this system: every https:// server needs http.tls.caFile"
        );
    }
    Arc::new(roots)
}

/// Reads the files. An error names the option, the file and what was expected of it.
pub(crate) fn prepare(tls: &Tls, system: &Arc<RootCertStore>) -> Result<Prepared, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for TLS 1.2 and 1.3");
    let roots = match &tls.ca_file {
        Some(file) => roots_of(file)?,
        None => Arc::clone(system),
    };
    let builder = if tls.insecure_skip_verify {
        let verifier = Arc::new(Unverified { provider });
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(roots)
    };
    let mut config = match (&tls.cert_file, &tls.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let chain = certificates("certFile", certificate)?;
            let private = private_key(key)?;
            builder.with_client_auth_cert(chain, private).map_err(|error| {
                let (certificate, key) = (certificate.display(), key.display());
                format!("tls.certFile {certificate} and tls.keyFile {key} do not belong together, or are of a kind that is not supported: {error}")
            })?
        }
        (Some(_), None) => return Err("tls.certFile needs tls.keyFile beside it".to_owned()),
        (None, Some(_)) => return Err("tls.keyFile needs tls.certFile beside it".to_owned()),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let server_name: Arc<dyn ResolveServerName + Send + Sync> = match &tls.server_name {
        None => Arc::new(DefaultServerNameResolver::default()),
        Some(name) => {
            let parsed = ServerName::try_from(name.clone());
            let parsed = parsed.map_err(|_| {
                format!("tls.serverName {name:?}: expected a DNS name or an IP address")
            })?;
            Arc::new(FixedServerNameResolver::new(parsed))
        }
    };
    Ok(Prepared {
        config,
        server_name,
    })
}

fn roots_of(file: &Path) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("caFile", file)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "tls.caFile {}: a certificate in it cannot be used: {error}",
                file.display()
            )
        })?;
    }
    Ok(Arc::new(roots))
}

fn certificates(option: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(option, file)?;
    let failed = |found: String| {
        let file = file.display();
        format!(
            "tls.{option} {file}: expected PEM certificates (-----BEGIN CERTIFICATE-----), found {found}"
        )
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| failed(format!("broken PEM: {error}")))?;
    if certificates.is_empty() {
        let is_key = PrivateKeyDer::from_pem_slice(&bytes).is_ok();
        return Err(failed(if is_key {
            "a private key: are certFile and keyFile swapped?".to_owned()
        } else {
            "none".to_owned()
        }));
    }
    Ok(certificates)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let bytes = read("keyFile", file)?;
    let has = |text: &str| String::from_utf8_lossy(&bytes).contains(text);
    let found = match PrivateKeyDer::from_pem_slice(&bytes) {
        _ if has("BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") => {
            "an encrypted one: decrypt it first (openssl pkey -in … -out …)".to_owned()
        }
        Ok(key) => return Ok(key),
        Err(rustls::pki_types::pem::Error::NoItemsFound) if has("BEGIN CERTIFICATE") => {
            "a certificate: are certFile and keyFile swapped?".to_owned()
        }
        Err(rustls::pki_types::pem::Error::NoItemsFound) => "none".to_owned(),
        // The text of a parser could quote the key.
        Err(_) => "broken PEM".to_owned(),
    };
    let file = file.display();
    Err(format!(
        "tls.keyFile {file}: expected a PEM private key (-----BEGIN PRIVATE KEY-----), found {found}"
    ))
}

fn read(option: &str, file: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("tls.{option} {}: cannot be read: {error}", file.display())
    };
    // Before it is opened: opening a pipe would wait for its writer.
    if !file.metadata().map_err(|error| failed(&error))?.is_file() {
        return Err(failed(&"not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(failed(&format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// `insecureSkipVerify`: anybody's certificate, but the handshake must be signed by it.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
