//! Who may talk to a server of ours: its certificate, the key of service accounts, tokens, kubeconfigs.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde_json::json;

use crate::folder::Folder;

/// The token of an administrator: its group is beyond RBAC.
pub const ADMIN_TOKEN: &str = "admin-token";

/// Files that the API server is started with.
pub struct Access {
    authority_pem: String,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// What signs the tokens of service accounts.
    pub accounts_key: PathBuf,
    /// What checks them.
    pub accounts_public_key: PathBuf,
    /// Tokens, each with its user.
    pub tokens: PathBuf,
}

impl Access {
    /// New files in a folder.
    pub fn new(folder: &Folder) -> Access {
        let authority_key = new_key();
        let mut authority = CertificateParams::default();
        authority
            .distinguished_name
            .push(DnType::CommonName, "weir-tests-authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let signed = authority.self_signed(&authority_key);
        let authority_pem = signed.expect("the parameters are good").pem();
        let issuer = Issuer::new(authority, authority_key);

        let key = new_key();
        let names = ["127.0.0.1", "localhost"].map(str::to_owned);
        let mut params = CertificateParams::new(names).expect("the names are good");
        params
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &issuer).expect("it may sign");
        let accounts = new_key();
        Access {
            authority_pem,
            certificate: folder.write("pki/server.crt", certificate.pem()),
            key: folder.write("pki/server.key", key.serialize_pem()),
            accounts_key: folder.write("pki/accounts.key", accounts.serialize_pem()),
            accounts_public_key: folder.write("pki/accounts.pub", accounts.public_key_pem()),
            tokens: folder.write(
                "pki/tokens.csv",
                format!("{ADMIN_TOKEN},admin,admin,\"system:masters\"\n"),
            ),
        }
    }

    /// Writes a kubeconfig for who has this token.
    pub fn kubeconfig(&self, file: &Path, url: &str, token: &str, namespace: &str) {
        let authority = STANDARD.encode(&self.authority_pem);
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "own", "cluster": {"server": url, "certificate-authority-data": authority}}],
            "users": [{"name": "own", "user": {"token": token}}],
            "contexts": [{"name": "own", "context": {"cluster": "own", "user": "own", "namespace": namespace}}],
            "current-context": "own",
        });
        // JSON is YAML.
        std::fs::write(file, config.to_string()).expect("a file can be written");
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the machine has random numbers")
}
