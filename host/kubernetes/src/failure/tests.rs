//! Which class each answer and error has, and what its text says to do.

use std::io;

use serde_json::json;

use super::*;

fn list_events() -> Action {
    Action {
        verb: "list",
        group: "",
        resource: "events",
        namespace: None,
        name: None,
    }
}

fn update_lease() -> Action {
    Action {
        verb: "update",
        group: "coordination.k8s.io",
        resource: "leases",
        namespace: Some("monitoring".to_owned()),
        name: Some("weir".to_owned()),
    }
}

fn answered(code: u16, body: &serde_json::Value, action: &Action) -> Failure {
    let code = StatusCode::from_u16(code).unwrap();
    Failure::from_response(code, &HeaderMap::new(), body.to_string().as_bytes(), action)
}

#[test]
fn forbidden_says_what_is_missing_and_what_to_apply() {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "events is forbidden: User \"system:serviceaccount:router:router\" cannot list resource \
                    \"events\" in API group \"\" at the cluster scope",
        "reason": "Forbidden", "details": {"kind": "events"}, "code": 403
    });
    let failure = answered(403, &body, &list_events());
    assert_eq!(failure.label(), "forbidden");
    assert_eq!(
        failure.to_string(),
        "may not list events in the API group \"\" in all namespaces: apply deploy/00-roles.yaml, \
         or grant verb list on events to User \"system:serviceaccount:router:router\""
    );
    assert!(!failure.is_permanent_mistake());
}

#[test]
fn forbidden_for_one_object_names_it_and_its_namespace() {
    let body = json!({
        "message": "leases.coordination.k8s.io \"weir\" is forbidden: User \"x\" cannot update resource \"leases\" …",
        "reason": "Forbidden", "code": 403
    });
    assert_eq!(
        answered(403, &body, &update_lease()).to_string(),
        "may not update leases \"weir\" in the API group \"coordination.k8s.io\" in namespace \"monitoring\": \
         apply deploy/00-roles.yaml, or grant verb update on leases to User \"x\""
    );
}

#[test]
fn forbidden_without_credentials_does_not_ask_for_a_role() {
    let body = json!({
        "message": "events is forbidden: User \"system:anonymous\" cannot list resource \"events\" in API group \"\"",
        "code": 403
    });
    let text = answered(403, &body, &list_events()).to_string();
    assert!(text.contains("without credentials"), "{text}");
    assert!(!text.contains("00-roles"), "{text}");
}

#[test]
fn forbidden_for_another_reason_shows_it() {
    let body = json!({
        "message": "configmaps \"weir-position\" is forbidden: unable to create new content in namespace x because it \
                    is being terminated",
        "reason": "Forbidden", "code": 403
    });
    let text = answered(403, &body, &update_lease()).to_string();
    assert!(text.contains("is being terminated"), "{text}");
    assert!(!text.contains("00-roles"), "{text}");
}

#[test]
fn expired_gives_the_token_to_go_on_with() {
    let body = json!({
        "kind": "Status", "metadata": {"continue": "token"}, "status": "Failure",
        "message": "The provided continue parameter is too old", "reason": "Expired", "code": 410
    });
    let Failure::Expired { continue_token, .. } = answered(410, &body, &list_events()) else {
        panic!("not expired");
    };
    assert_eq!(continue_token.as_deref(), Some("token"));
}

#[test]
fn an_error_line_of_a_watch_is_a_status() {
    let line = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
        "message":"The resourceVersion for the provided watch is too old.","reason":"Expired","code":410}"#;
    let status: Status = serde_json::from_str(line).unwrap();
    let failure = Failure::from_status(&status, &list_events());
    assert_eq!(failure.label(), "expired");
    assert_eq!(
        failure.to_string(),
        "could not list events in all namespaces: what was asked for is too old for the API server: \
         The resourceVersion for the provided watch is too old."
    );
}

#[test]
fn each_status_has_its_class() {
    for (code, reason, label) in [
        (400, "BadRequest", "bad-request"),
        (401, "Unauthorized", "unauthorized"),
        (404, "NotFound", "not-found"),
        (409, "Conflict", "conflict"),
        (409, "AlreadyExists", "already-exists"),
        (422, "Invalid", "bad-request"),
        (429, "TooManyRequests", "too-many-requests"),
        (500, "InternalError", "server"),
        (504, "Timeout", "server"),
        (302, "", "server"),
    ] {
        let body = json!({"reason": reason, "message": "m", "code": code});
        let failure = answered(code, &body, &list_events());
        assert_eq!(failure.label(), label, "{code} {reason}");
        assert_eq!(failure.is_permanent_mistake(), label == "bad-request");
        assert_eq!(failure.action(), &list_events());
        let status = serde_json::from_value(body).unwrap();
        let error = kube::Error::Api(Box::new(status));
        assert_eq!(Failure::from_kube(error, &list_events()), failure);
    }
}

#[test]
fn a_wait_that_is_asked_for_is_read_from_header_and_body() {
    let body = json!({"code": 429, "details": {"retryAfterSeconds": 3}});
    let failure = answered(429, &body, &list_events());
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
    let failure = Failure::from_response(
        StatusCode::SERVICE_UNAVAILABLE,
        &headers,
        b"<html>no backend</html>",
        &list_events(),
    );
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(
        failure.to_string(),
        "could not list events in all namespaces: the API server answered with 503: <html>no backend</html>"
    );
}

#[test]
fn a_long_answer_of_a_proxy_is_shortened_to_a_line() {
    let body = "<p>\n é</p>".repeat(10_000);
    let failure = Failure::from_response(
        StatusCode::BAD_GATEWAY,
        &HeaderMap::new(),
        body.as_bytes(),
        &list_events(),
    );
    let text = failure.to_string();
    assert!(text.chars().count() < 700, "{text}");
    assert!(!text.contains('\n'));
}

/// As hyper-util and rustls nest them.
fn wrapped(inner: io::Error) -> kube::Error {
    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Outer(#[source] io::Error);
    kube::Error::Service(Box::new(Outer(inner)))
}

#[test]
fn errors_of_the_network_say_what_to_do() {
    for (text, remedy) in [
        (
            "invalid peer certificate: UnknownIssuer",
            "certificate-authority",
        ),
        (
            "invalid peer certificate: certificate expired: verification time 1 (UNIX)",
            "out of date",
        ),
        (
            "invalid peer certificate: certificate not valid for name \"10.0.0.1\"; certificate is only valid for x",
            "tls-server-name",
        ),
        (
            "dns error: failed to lookup address information",
            "resolver",
        ),
        (
            "tcp connect error: Connection refused (os error 111)",
            "running",
        ),
    ] {
        let failure = Failure::from_kube(wrapped(io::Error::other(text)), &list_events());
        assert_eq!(failure.label(), "network");
        let shown = failure.to_string();
        assert!(
            shown.starts_with(&format!(
                "could not list events in all namespaces: client error (Connect): {text}: "
            )),
            "{shown}"
        );
        assert!(shown.contains(remedy), "{shown}");
    }
}

#[test]
fn a_timeout_is_found_below_other_errors() {
    let error = wrapped(io::Error::new(
        io::ErrorKind::TimedOut,
        "deadline has elapsed",
    ));
    assert_eq!(
        Failure::from_kube(error, &list_events()),
        Failure::timeout(&list_events())
    );
}

#[test]
fn a_failed_exec_plugin_is_named_without_what_it_printed() {
    let out = std::process::Output {
        status: std::process::ExitStatus::default(),
        stdout: b"{\"token\": \"secret\"}".to_vec(),
        stderr: b"please log in\nagain".to_vec(),
    };
    let auth = kube::client::AuthError::AuthExecRun {
        cmd: "cloud-login".to_owned(),
        out: Box::new(out),
    };
    let failure = Failure::from_kube(kube::Error::Service(Box::new(auth)), &list_events());
    assert_eq!(failure.label(), "credentials");
    let text = failure.to_string();
    assert!(text.contains("\"cloud-login\""), "{text}");
    assert!(text.contains("please log in again"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn only_who_reads_events_is_told_to_check_the_source() {
    let body = json!({"reason": "Invalid", "message": "m", "code": 422});
    for (verb, told) in [
        ("list", true),
        ("watch", true),
        ("create", false),
        ("patch", false),
    ] {
        let action = Action {
            verb,
            ..list_events()
        };
        let said = answered(422, &body, &action).to_string();
        assert_eq!(said.contains("fieldSelector"), told, "{said}");
    }
}
