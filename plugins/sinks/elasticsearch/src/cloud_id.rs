//! Elastic Cloud's `cloudID`: a name and, in Base64, where the deployment is.

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
    let decoded = decoded(encoded).and_then(|bytes| String::from_utf8(bytes).ok());
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

/// Base64 with or without padding (RFC 4648). A library would cost the module 5 kB for this one text.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let six = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    // What is left over of the last character is no whole byte.
    Some(bytes).filter(|_| count < 6)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn base64_is_that_of_the_library() {
        for length in 0..40_u8 {
            let bytes: Vec<u8> = (0..length).map(|n| n.wrapping_mul(151) ^ 0xa5).collect();
            let encoded = STANDARD.encode(&bytes);
            assert_eq!(decoded(&encoded).as_ref(), Some(&bytes));
            assert_eq!(
                decoded(encoded.trim_end_matches('=')).as_ref(),
                Some(&bytes)
            );
        }
        assert_eq!(
            (decoded("A"), decoded("a-b_"), decoded("a b=")),
            (None, None, None)
        );
    }

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
