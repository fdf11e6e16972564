//! HTTP for plugins: `http` of a receiver, `allow` of a filter, KEE's `tls` in a sink's block.

use std::time::Duration;

use weir_outbound::Origin;

use super::fields::{Field, Fields};
use super::report::Report;
use super::{
    Compression, HTTP_RESPONSE_BYTES_LEAST, HTTP_RESPONSE_BYTES_MOST, HTTP_TIME_MOST, Http,
    TIME_LEAST, Tls,
};

/// `http` of a receiver.
pub(super) fn http(fields: &Fields<'_>, report: &mut Report<'_>) -> Http {
    const EXPECTED: &str = "a map such as {timeout: 30s, tls: {caFile: /etc/es/ca.crt}}";
    let mut checked = Http::default();
    let Some(http) = fields
        .get("http")
        .and_then(|field| field.fields(EXPECTED, report))
    else {
        return checked;
    };
    let mut duration = |key, default: Duration| {
        let field = http.get(key);
        let value = field.and_then(|field| field.duration(TIME_LEAST..=HTTP_TIME_MOST, report));
        value.unwrap_or(default)
    };
    checked.timeout = duration("timeout", checked.timeout);
    checked.connect_timeout = duration("connectTimeout", checked.connect_timeout);
    checked.read_timeout = duration("readTimeout", checked.read_timeout);
    let choices = [
        ("none", Compression::None),
        ("gzip", Compression::Gzip),
        ("zstd", Compression::Zstd),
    ];
    if let Some(compression) = http
        .get("compression")
        .and_then(|field| field.choice(&choices, report))
    {
        checked.compression = compression;
    }
    let sizes = HTTP_RESPONSE_BYTES_LEAST..=HTTP_RESPONSE_BYTES_MOST;
    if let Some(bytes) = http
        .get("responseBytes")
        .and_then(|field| field.bytes(sizes, report))
    {
        checked.response_bytes = bytes;
    }
    if let Some(field) = http.get("tls") {
        checked.tls = tls(&field, report);
    }
    checked.allow = allow(&http, report);
    http.finish(report);
    checked
}

/// KEE writes `tls` into the sink's block; there may be one of the two.
pub(super) fn tls_of_sink(field: &Field<'_>, http: &mut Http, report: &mut Report<'_>) {
    if http.tls != Tls::default() {
        field
            .refuse("one `tls`", report)
            .help("it is in `http` as well");
        return;
    }
    http.tls = tls(field, report);
}

fn tls(field: &Field<'_>, report: &mut Report<'_>) -> Tls {
    const EXPECTED: &str = "a map such as {caFile: /etc/es/ca.crt}";
    let mut checked = Tls::default();
    let Some(tls) = field.fields(EXPECTED, report) else {
        return checked;
    };
    let skips = tls.get("insecureSkipVerify");
    checked.insecure_skip_verify = skips
        .as_ref()
        .and_then(|field| field.boolean(report))
        .unwrap_or(false);
    if let Some(field) = skips.filter(|_| checked.insecure_skip_verify) {
        report
            .warn(field.key_at, &field.path, "anybody can pose as the server")
            .help("name its certificate authority instead, with caFile");
    }
    let name = tls.get("serverName");
    let name = name.and_then(|field| field.text("the name in the server's certificate", report));
    checked.server_name = name.filter(|name| !name.is_empty()).map(str::to_owned);
    let mut file = |key| {
        let field = tls.get(key)?;
        // KEE's examples write "" for none.
        if field.text("a file", report)?.is_empty() {
            return None;
        }
        field.path_buf("a file with PEM text", report)
    };
    checked.ca_file = file("caFile");
    checked.cert_file = file("certFile");
    checked.key_file = file("keyFile");
    if checked.cert_file.is_some() != checked.key_file.is_some() {
        field.refuse("certFile and keyFile together, or neither", report);
    }
    tls.finish(report);
    checked
}

/// `allow`: origins beyond those that the plugin's own configuration names.
pub(super) fn allow(fields: &Fields<'_>, report: &mut Report<'_>) -> Vec<Origin> {
    const EXPECTED: &str = "an origin such as https://host:8443, without a path";
    let Some(field) = fields.get("allow") else {
        return Vec::new();
    };
    let mut origins = Vec::new();
    for item in field.items("a list of origins such as https://host:8443", report) {
        let Some(text) = item.text(EXPECTED, report) else {
            continue;
        };
        let host = text.split_once("://").map_or("", |(_, host)| host);
        let is_bare = !host.contains(|c: char| c.is_whitespace() || "/?#@*\\".contains(c));
        match Origin::parse(text) {
            Ok(origin) if is_bare => origins.push(origin),
            _ => {
                item.refuse(EXPECTED, report);
            }
        }
    }
    origins
}
