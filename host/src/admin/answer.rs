//! What is answered to a request. Pure but for the clock and what the system says of the process.

use std::time::{Instant, SystemTime};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::State;
use crate::health::{Report, STUCK_AFTER};
use crate::metrics::{Figures, Form, Process};
use crate::shutdown::Phase;
use crate::usage;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The answer to one request. Its body is not read.
pub(super) fn answer(
    request: &Request<Incoming>,
    state: &State,
    started: Option<SystemTime>,
) -> Response<Full<Bytes>> {
    // HEAD is as GET; the server leaves the body out.
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    match request.uri().path() {
        "/livez" => alive(&state.heartbeats.stuck(Instant::now())),
        "/readyz" => ready(state.readiness.report(), state.shutdown.phase()),
        "/metrics" => {
            let accept = request.headers().get_all(ACCEPT).into_iter();
            let accept: Vec<_> = accept.filter_map(|value| value.to_str().ok()).collect();
            let form = Form::accepted(&accept.join(","));
            let text = figures(state, started).text(form);
            response(StatusCode::OK, form.content_type(), text)
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "there is /livez, /readyz and /metrics\n",
        ),
    }
}

fn alive(stuck: &[String]) -> Response<Full<Bytes>> {
    if stuck.is_empty() {
        return text(StatusCode::OK, "ok");
    }
    let minimum_s = STUCK_AFTER.as_secs();
    let reason = |name: &String| {
        format!("{name} has neither moved nor waited for anything for {minimum_s} s or more")
    };
    let reasons: Vec<String> = stuck.iter().map(reason).collect();
    tracing::error!(
        loops = ?stuck,
        minimum_s,
        "a part of weir is stuck: this is a bug in weir"
    );
    let body = json!({"alive": false, "reasons": reasons});
    response(StatusCode::INTERNAL_SERVER_ERROR, JSON, line(&body))
}

fn ready(report: Report, phase: Phase) -> Response<Full<Bytes>> {
    let Report {
        mut ready,
        mut reasons,
        details,
    } = report;
    if phase != Phase::Running {
        ready = false;
        reasons.insert(0, "weir is stopping".into());
    }
    let mut body = Map::new();
    body.insert("ready".into(), ready.into());
    body.insert("reasons".into(), reasons.into());
    match details {
        Value::Object(details) => details.into_iter().for_each(|(name, detail)| {
            body.entry(name).or_insert(detail);
        }),
        Value::Null => {}
        other => {
            body.insert("details".into(), other);
        }
    }
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    response(status, JSON, line(&Value::Object(body)))
}

fn figures(state: &State, started: Option<SystemTime>) -> Figures {
    Figures {
        now: SystemTime::now(),
        filters: state.ledger.filters(),
        ledger: state.ledger.snapshot(),
        kubernetes: state.kubernetes.as_ref().map(|figures| figures()),
        process: Process {
            started,
            resident_bytes: usage::resident_kib().map(|kib| kib << 10),
            cpu_seconds: usage::processor_time().as_secs_f64(),
            open_files: usage::open_files(),
        },
        prefix: state.metrics_name_prefix.clone(),
    }
}

fn line(json: &Value) -> String {
    format!("{json}\n")
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, TEXT, text.to_owned())
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
