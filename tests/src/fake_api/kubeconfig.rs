//! Kubeconfig files for users of the server, and the token files that they name.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::FakeApi;

/// How a kubeconfig proves who its user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The token itself.
    Token,
    /// A file with the token, beside the kubeconfig; [`FakeApi::rotate_token`] writes it anew.
    TokenFile,
    /// A certificate with its key; for HTTPS only.
    Certificate,
    /// None: the user is system:anonymous.
    Nothing,
}

/// Which files hold tokens of which users.
#[derive(Default)]
pub(super) struct TokenFiles(Vec<(String, PathBuf)>);

impl FakeApi {
    /// Writes a kubeconfig with a token of a user; gives its path.
    pub fn kubeconfig(&mut self, folder: &Path, user: &str) -> PathBuf {
        self.kubeconfig_with(folder, user, Credential::Token)
    }

    /// The same with other credentials. The file is called after the user.
    pub fn kubeconfig_with(
        &mut self,
        folder: &Path,
        user: &str,
        credential: Credential,
    ) -> PathBuf {
        let credentials = self.credentials(folder, user, credential);
        let mut cluster = json!({"server": self.url()});
        if let Some(authority) = &self.authority {
            cluster["certificate-authority-data"] = STANDARD.encode(authority.pem()).into();
        }
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": user}}],
            "current-context": "fake",
        });
        let path = folder.join(format!("kubeconfig-{}.yaml", file_name(user)));
        // JSON is YAML.
        write(&path, &format!("{config:#}\n"));
        path
    }

    fn credentials(&mut self, folder: &Path, user: &str, credential: Credential) -> Value {
        match credential {
            Credential::Nothing => json!({}),
            Credential::Token => json!({"token": self.token(user)}),
            Credential::TokenFile => {
                let path = folder.join(format!("token-{}", file_name(user)));
                write(&path, &self.token(user));
                self.token_files.0.push((user.into(), path.clone()));
                json!({"tokenFile": path})
            }
            Credential::Certificate => {
                let authority = self.authority.as_ref().expect("certificates need HTTPS");
                let client = authority.client(user);
                self.shared
                    .change(|state| state.access.add_certificate(client.der, user));
                json!({
                    "client-certificate-data": STANDARD.encode(client.pem),
                    "client-key-data": STANDARD.encode(client.key_pem),
                })
            }
        }
    }

    /// The newest token of a user.
    pub fn token(&self, user: &str) -> String {
        self.shared.change(|state| state.access.token(user))
    }

    /// All tokens of a user are refused from now on; watches that are open stay open.
    pub fn revoke_tokens(&self, user: &str) {
        self.shared.change(|state| state.access.revoke_tokens(user));
    }

    /// Gives a user a new token and writes it into the token files of its kubeconfigs. Older ones stay valid.
    pub fn rotate_token(&self, user: &str) -> String {
        let token = self.shared.change(|state| state.access.add_token(user));
        for (of, path) in &self.token_files.0 {
            if of == user {
                write(path, &token);
            }
        }
        token
    }
}

/// As Kubernetes does it: the whole file or the old one, never a part.
fn write(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).expect("the folder can be written");
    std::fs::rename(&beside, path).expect("the folder can be written");
}

fn file_name(user: &str) -> String {
    user.replace([':', '/'], "-")
}
