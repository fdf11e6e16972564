//! What a plugin's own configuration grants it: the origins that it names, and the file that it names.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, Engine};
use serde_json::Value;
use weir_outbound::Origin;

/// The origins that a configuration names: every text in it that is an address, with secrets put in by `reveal`, and every
/// Elastic Cloud ID, which is another way to write an address.
pub fn granted_origins(config: &Value, reveal: &dyn Fn(&str) -> String) -> Vec<Origin> {
    let mut origins = Vec::new();
    visit(config, &mut |text| {
        // As it is where no secret stands in it: one in the place of a password may have any characters.
        let plain = Origin::parse(text.trim()).ok();
        let plain = plain.filter(|origin| {
            let origin = origin.to_string();
            reveal(&origin) == origin
        });
        let named = plain.or_else(|| {
            let text = reveal(text);
            Origin::parse(text.trim()).ok().or_else(|| cloud_id(&text))
        });
        origins.extend(named.filter(|origin| !origins.contains(origin)));
    });
    origins
}

fn visit(value: &Value, text: &mut dyn FnMut(&str)) {
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => items.iter().for_each(|item| visit(item, text)),
        Value::Object(members) => members.values().for_each(|member| visit(member, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `name:base64(host[:port]$elasticsearch[$kibana])` is `https://elasticsearch.host:port` (Elastic's "Cloud ID").
fn cloud_id(text: &str) -> Option<Origin> {
    let (_, encoded) = text.rsplit_once(':')?;
    let decoded = BASE64_STANDARD
        .decode(encoded)
        .or_else(|_| BASE64_STANDARD_NO_PAD.decode(encoded))
        .ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let mut parts = decoded.split('$');
    let (host, search) = (parts.next()?, parts.next()?);
    let is_plain = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c))
    };
    let good = is_plain(host) && is_plain(search) && host.contains('.');
    good.then(|| Origin::parse(&format!("https://{search}.{host}")).ok())?
}

/// The file that a sink may append to: its own `path`, below the folder of the configuration where it is relative.
pub fn granted_path(config: &Value, base: &Path) -> Option<(String, PathBuf)> {
    let path = config.get("path")?.as_str()?;
    let good = !path.is_empty() && !path.contains('\0');
    good.then(|| (path.to_owned(), base.join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn origins(config: &Value) -> Vec<String> {
        let reveal = |text: &str| {
            text.replace("placeholder@", "a/b#c@")
                .replace("placeholder", "es-1")
        };
        let origins = granted_origins(config, &reveal);
        origins.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_address_in_a_configuration_is_granted() {
        let config = json!({
            "hosts": ["https://es:9200", "https://placeholder:9200/prefix", "https://es:9200/other"],
            "url": "http://user:placeholder@loki/loki/api/v1/push", "index": "kube-events", "n": 1, "no": "es:9200",
        });
        assert_eq!(
            origins(&config),
            ["https://es:9200", "https://es-1:9200", "http://loki"]
        );
    }

    #[test]
    fn a_cloud_id_names_an_origin() {
        let id = |decoded: &str| format!("staging:{}", BASE64_STANDARD.encode(decoded));
        let of = |decoded: &str| origins(&json!({"cloudID": id(decoded)}));
        assert_eq!(
            of(
                "us-east-1.aws.found.io$4fa8821e75634032bed1cf22110e2f97$4fa8821e75634032bed1cf22110e2f98"
            ),
            ["https://4fa8821e75634032bed1cf22110e2f97.us-east-1.aws.found.io"]
        );
        assert_eq!(
            of("example.com:9243$search$"),
            ["https://search.example.com:9243"]
        );
        for other in ["no dollar", "localhost$x", "a.b/c$x", "a.b$x@y", ""] {
            assert!(of(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_path_is_granted_as_it_is_written() {
        let base = Path::new("/etc/weir");
        let granted = granted_path(&json!({"path": "events.log"}), base);
        assert_eq!(
            granted,
            Some((
                "events.log".to_owned(),
                PathBuf::from("/etc/weir/events.log")
            ))
        );
        assert_eq!(granted_path(&json!({"path": ""}), base), None);
        assert_eq!(granted_path(&json!({"other": "/x"}), base), None);
    }
}
