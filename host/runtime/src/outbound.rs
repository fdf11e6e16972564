//! `weir:plugin/http` as the runtime sees it: somebody who sends requests, or refuses to.

/// A request of a plugin, as in the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Absolute.
    pub url: String,
    /// In order; secrets as placeholders.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds; 0 is what is configured.
    pub timeout_ms: u32,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP's status.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// The body, within the host's limit.
    pub body: Vec<u8>,
}

/// Makes HTTP requests for plugins. Called on the plugin's own thread, and may block it.
pub trait Outbound: Send + Sync {
    /// Sends one request.
    ///
    /// # Errors
    /// What failed: not granted, name lookup, connect, TLS, timeout, too large, stopping.
    fn send(&self, request: Request) -> Result<Response, String>;
}

/// Grants nothing.
pub struct NoOutbound;

impl Outbound for NoOutbound {
    fn send(&self, request: Request) -> Result<Response, String> {
        Err(format!(
            "not granted: {} {}: no HTTP requests are made here",
            request.method,
            origin(&request.url)
        ))
    }
}

/// Scheme, host and port: what grants are about, and all that a log line should show of a URL.
pub(crate) fn origin(url: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[after_scheme..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| after_scheme + at);
    let start = url[after_scheme..end]
        .rfind('@')
        .map_or(after_scheme, |at| after_scheme + at + 1);
    crate::logs::clean(
        &format!("{}{}", &url[..after_scheme], &url[start..end]),
        256,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_shows_no_credentials_path_or_query() {
        assert_eq!(
            origin("https://user:pw@es:9200/_bulk?key=1"),
            "https://es:9200"
        );
        assert_eq!(origin("http://[::1]:80"), "http://[::1]:80");
        assert_eq!(origin("nonsense"), "nonsense");
        assert_eq!(origin("x\u{1b}://a"), "x\\u{1b}://a");
    }
}
