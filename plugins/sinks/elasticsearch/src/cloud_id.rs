//! Elastic Cloud's `cloudID`: a name and, in Base64, where the deployment is.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use weir_plugin::Result;

/// The address of Elasticsearch in `name:base64(host[:port]$elasticsearch[:port][$kibana])`.
///
/// # Errors
/// It is not of this form.
pub(crate) fn address(cloud_id: &str) -> Result<String> {
    const EXPECTED: &str = "expected `name:` and what Elastic Cloud shows behind it, all of it";
    let (_, encoded) = cloud_id
        .trim()
        .rsplit_once(':')
        .ok_or_else(|| format!("cloudID: no `:` is in it: {EXPECTED}"))?;
    let decoded = STANDARD
        .decode(encoded)
        .or_else(|_| STANDARD_NO_PAD.decode(encoded));
    let decoded = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded =
        decoded.ok_or_else(|| format!("cloudID: no Base64 is behind its `:`: {EXPECTED}"))?;
    let mut parts = decoded.split('$');
    let (host, elasticsearch) = (parts.next(), parts.next());
    let (Some(host), Some(elasticsearch)) = (
        host.filter(|host| !host.is_empty()),
        elasticsearch.filter(|name| !name.is_empty()),
    ) else {
        return Err(format!("cloudID: it names no Elasticsearch: {EXPECTED}"))?;
    };
    let (host, port) = with_port(host);
    let (elasticsearch, own_port) = with_port(elasticsearch);
    let port = own_port.or(port).map(|port| format!(":{port}"));
    Ok(format!(
        "https://{elasticsearch}.{host}{}",
        port.unwrap_or_default()
    ))
}

fn with_port(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decoded: &str, expected: &str) {
        let cloud_id = format!("my:deployment:{}", STANDARD.encode(decoded));
        assert_eq!(address(&cloud_id).unwrap(), expected, "{decoded}");
        let unpadded = cloud_id.trim_end_matches('=');
        assert_eq!(address(unpadded).unwrap(), expected, "{decoded}");
    }

    #[test]
    fn the_address_is_in_it() {
        check(
            "eu-west-1.aws.found.io$abc123$kib456",
            "https://abc123.eu-west-1.aws.found.io",
        );
        check(
            "ece.example.net:9243$abc$kib",
            "https://abc.ece.example.net:9243",
        );
        check(
            "ece.example.net:9243$abc:9200",
            "https://abc.ece.example.net:9200",
        );
    }

    #[test]
    fn what_is_none_is_refused() {
        for (cloud_id, start) in [
            ("abc", "cloudID: no `:` is in it"),
            ("name:???", "cloudID: no Base64 is behind its `:`"),
            ("name:", "cloudID: it names no Elasticsearch"),
        ] {
            let error = address(cloud_id).unwrap_err();
            assert!(error.message().starts_with(start), "{cloud_id}: {error:?}");
        }
        let host_only = format!("name:{}", STANDARD.encode("host$"));
        assert!(address(&host_only).is_err());
    }
}
