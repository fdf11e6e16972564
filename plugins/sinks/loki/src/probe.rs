//! Asking Loki whether it would take events: whether it is ready, which version it is, whether the tenant and the
//! credentials are right. Nothing is written.

use weir_plugin::Result;
use weir_plugin::http::{Request, Response};
use weir_plugin::sink_http::{Address, describe};

use crate::push::Headers;
use crate::{PUSH_PATH, Ready, of_setting};

/// The first release with structured metadata.
const METADATA_SINCE: (u32, u32) = (2, 9);
/// The first release that takes entries out of order.
const DISORDER_SINCE: (u32, u32) = (2, 4);

/// What was found, a line each.
///
/// # Errors
/// What keeps events from being stored.
pub(crate) fn probe(
    ready: &Ready,
    headers: &Headers,
    has_tenant: bool,
    wants_metadata: bool,
) -> Result<String> {
    let base = base(&ready.address);
    let get = |path: &str| -> Result<Response> {
        let sent = ready.send(Request::get(format!("{base}{path}")), headers);
        sent.map_err(|error| of_setting(ready.address.origin(), &error))
    };
    let mut found = vec![readiness(&get("/ready")?)?];
    found.extend(version(
        &get("/loki/api/v1/status/buildinfo")?,
        wants_metadata,
    ));
    found.push(access(&get("/loki/api/v1/labels")?, has_tenant)?);
    if !ready.address.url().contains("/push") {
        found.push("`url` does not end with /loki/api/v1/push: Loki takes events nowhere else, a proxy may".to_owned());
    }
    Ok(found.join("\n"))
}

/// What stands before Loki's own paths.
fn base(address: &Address) -> &str {
    let url = address.url();
    url.strip_suffix(PUSH_PATH)
        .or_else(|| url.strip_suffix("/api/prom/push"))
        .unwrap_or(address.origin())
}

fn readiness(response: &Response) -> Result<String> {
    match response.status {
        200 => Ok("ready".to_owned()),
        // Gateways show the API alone.
        404 | 401 | 403 => Ok(format!(
            "whether it is ready cannot be seen from here: {}",
            describe(response)
        )),
        _ => Err(format!("Loki is not ready: {}", describe(response)).into()),
    }
}

fn version(response: &Response, wants_metadata: bool) -> Vec<String> {
    let text = response.text();
    let Some(version) = version_in(&text).filter(|_| response.is_success()) else {
        return vec!["which version it is cannot be seen from here".to_owned()];
    };
    let mut found = vec![format!("Loki {version}")];
    let Some(release) = release(version) else {
        return found;
    };
    if release < DISORDER_SINCE {
        found.push(
            "a release before 2.4 refuses what is older than the newest entry: update it"
                .to_owned(),
        );
    }
    if release < METADATA_SINCE && wants_metadata {
        found.push(
            "a release before 2.9 knows no structured metadata: set `structuredMetadata: false`"
                .to_owned(),
        );
    }
    found
}

/// The member `version`: one text is not worth a reader of JSON.
fn version_in(build: &str) -> Option<&str> {
    let (_, rest) = build.split_once("\"version\"")?;
    rest.split('"').nth(1)
}

/// `2.9.4`, `v3.0.0-rc1`; builds of a branch have other names.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Reading labels wants the same tenant and credentials as writing, as a rule.
fn access(response: &Response, has_tenant: bool) -> Result<String> {
    let needs_tenant = response.text().contains("no org id");
    match response.status {
        200 => Ok("the credentials and the tenant are accepted".to_owned()),
        400 | 401 if needs_tenant && !has_tenant => Ok(
            "Loki has tenants; which one comes from the event, so the credentials were not tried"
                .to_owned(),
        ),
        400 | 401 if needs_tenant => Err("Loki has tenants: set `tenant`".into()),
        401 => Err(format!(
            "Loki wants other credentials; check `username` and `password`, or `bearerToken`: {}",
            describe(response)
        )
        .into()),
        403..=405 => Ok(format!(
            "whether it would take events cannot be seen from here, as reading is not allowed: {}",
            describe(response)
        )),
        _ => Err(format!("asked for its labels, Loki {}", describe(response)).into()),
    }
}
