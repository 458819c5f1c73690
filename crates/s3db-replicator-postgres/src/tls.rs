//! Encrypted connections.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use s3db_core::{Error, ErrorKind, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::options::{Ssl, wrong};

/// What begins a certificate in PEM.
const PEM: &str = "-----BEGIN";

/// Makes connections as `ssl` asks. Reads files.
pub(crate) fn connector(ssl: Ssl, root_ca: Option<&str>) -> Result<MakeRustlsConnect> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Unsupported, "TLS cannot be set up").caused_by(error))?;
    let config = if ssl == Ssl::VerifyFull {
        builder.with_root_certificates(roots(root_ca)?).with_no_client_auth()
    } else {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider))).with_no_client_auth()
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(root_ca: Option<&str>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(root_ca) = root_ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Error::new(ErrorKind::Config, "this system trusts no certificate")
                .hint("give the one that signs for PostgreSQL as `root_ca`"));
        }
        return Ok(roots);
    };
    let text = if root_ca.contains(PEM) {
        root_ca.to_owned()
    } else {
        std::fs::read_to_string(root_ca).map_err(|error| {
            wrong("root_ca", "certificates in PEM, or the path of a file of them")
                .with("path", root_ca)
                .with("why", error.kind())
        })?
    };
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        let added = certificate.ok().map(|certificate| roots.add(certificate));
        if !matches!(added, Some(Ok(()))) {
            return Err(wrong("root_ca", "certificates in PEM that can be read"));
        }
    }
    if roots.is_empty() {
        return Err(wrong("root_ca", "at least one certificate in PEM"));
    }
    Ok(roots)
}

/// Takes any certificate, as long as the server has the key of it.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
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
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
