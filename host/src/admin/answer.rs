//! What is answered to a request. Pure but for the clock and what the system says of the process.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::State;
use super::access::{self, Refused};
use crate::health::{Report, STUCK_AFTER};
use crate::metrics::{Figures, Form, Process};
use crate::shutdown::Phase;
use crate::status::{self, show};
use crate::usage;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

const PATHS: &str = "there is /livez, /readyz, /metrics and /plugins, and POST /reload\n";
const NO_OVERVIEW: &str = "this weir does not show its plugins\n";
const STOPPING: &str = "weir is stopping: the files are not looked at any more\n";
const GOES_ON: &str =
    "still looking at the files, and it goes on: GET /plugins shows what comes of it\n";

/// An answer: at once, or as soon as it can be given.
pub(super) enum Answer {
    Now(Response<Full<Bytes>>),
    /// The files are being looked at; what comes of it is shown in the form that was asked for.
    WhenLookedAt {
        done: oneshot::Receiver<status::Report>,
        form: Shown,
    },
}

/// The forms of what runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Json,
    Table,
}

impl Answer {
    /// The answer, which waits for no longer than this.
    pub(super) async fn given(self, time_most: Duration) -> Response<Full<Bytes>> {
        let (done, form) = match self {
            Answer::Now(response) => return response,
            Answer::WhenLookedAt { done, form } => (done, form),
        };
        match tokio::time::timeout(time_most, done).await {
            Ok(Ok(report)) => {
                let status = match report.pending {
                    None => StatusCode::OK,
                    Some(_) => StatusCode::CONFLICT,
                };
                shown(status, &report, form)
            }
            Ok(Err(_)) => text(StatusCode::SERVICE_UNAVAILABLE, STOPPING),
            Err(_) => text(StatusCode::ACCEPTED, GOES_ON),
        }
    }
}

/// The answer to one request. Its body is not read.
pub(super) fn answer<B>(
    request: &Request<B>,
    peer: IpAddr,
    state: &State,
    started: Option<SystemTime>,
) -> Answer {
    let path = request.uri().path();
    let allowed = match path {
        "/livez" | "/readyz" | "/metrics" | "/plugins" => "GET, HEAD",
        "/reload" => "POST",
        _ => return Answer::Now(text(StatusCode::NOT_FOUND, PATHS)),
    };
    if !allowed.split(", ").any(|method| request.method() == method) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, &format!("only {allowed}\n"));
        let allowed = HeaderValue::from_static(allowed);
        refused.headers_mut().insert(ALLOW, allowed);
        return Answer::Now(refused);
    }
    // HEAD is as GET; the server leaves the body out.
    Answer::Now(match path {
        "/livez" => alive(&state.heartbeats.stuck(Instant::now())),
        "/readyz" => ready(state.readiness.report(), state.shutdown.phase()),
        "/metrics" => {
            let form = Form::accepted(&accept(request.headers()));
            let text = figures(state, started).text(form);
            response(StatusCode::OK, form.content_type(), text)
        }
        _ => return overview(request, peer, state),
    })
}

/// What runs, or a look at the files: not for everybody.
fn overview<B>(request: &Request<B>, peer: IpAddr, state: &State) -> Answer {
    if let Err(refused) = access::check(request, peer, state.token.as_ref()) {
        return Answer::Now(refusal(refused));
    }
    let Some(overview) = &state.overview else {
        return Answer::Now(text(StatusCode::NOT_FOUND, NO_OVERVIEW));
    };
    let form = Shown::accepted(&accept(request.headers()));
    if request.method() != Method::POST {
        return Answer::Now(shown(StatusCode::OK, &overview.report(), form));
    }
    let (sender, done) = oneshot::channel();
    // Whoever asked may be gone by then.
    overview.reload(Box::new(move |report| drop(sender.send(report))));
    Answer::WhenLookedAt { done, form }
}

fn refusal(refused: Refused) -> Response<Full<Bytes>> {
    match refused {
        Refused::Way(why) => text(StatusCode::FORBIDDEN, why),
        Refused::Token(why) => {
            let mut response = text(StatusCode::UNAUTHORIZED, why);
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            response
        }
    }
}

fn shown(status: StatusCode, report: &status::Report, form: Shown) -> Response<Full<Bytes>> {
    match form {
        Shown::Json => response(status, JSON, show::json(report)),
        Shown::Table => text(status, &show::text(report)),
    }
}

impl Shown {
    /// JSON, unless plain text is liked better.
    fn accepted(accept: &str) -> Shown {
        if quality(accept, "text", "plain") > quality(accept, "application", "json") {
            Shown::Table
        } else {
            Shown::Json
        }
    }
}

/// How much `Accept` likes a type, from 0 to 1 (RFC 9110, 12.5.1): the closest of its ranges says it.
fn quality(accept: &str, kind: &str, subtype: &str) -> f32 {
    let ranges = accept.split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let closeness = match name.split_once('/')? {
            (first, second) if first == kind && second == subtype => 2,
            (first, "*") if first == kind => 1,
            ("*", "*") => 0,
            _ => return None,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        let quality = quality.map_or(1.0, |quality| quality.parse().unwrap_or_default());
        Some((closeness, quality))
    });
    ranges
        .max_by_key(|(closeness, _)| *closeness)
        .map_or(0.0, |(_, quality)| quality)
}

/// All that the request says it would take.
fn accept(headers: &HeaderMap) -> String {
    let values = headers.get_all(ACCEPT).into_iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
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
        plugins: state.overview.as_ref().map(|overview| overview.report()),
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
