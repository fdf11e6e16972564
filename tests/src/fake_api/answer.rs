//! From a request to its answer: who asks, faults, permission, then what the path and the method mean. The decisions
//! are made under the lock in one go; bytes and streams go out behind it.

use std::sync::Arc;

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use http::response::Builder;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming as HyperBody;
use serde_json::{Value, json};

use super::access::Wish;
use super::fault::{self, Facts, What};
use super::form::Form;
use super::json;
use super::kinds::{self, Kind};
use super::list::List;
use super::query::ListOptions;
use super::record::Incoming;
use super::selector::Selector;
use super::state::{Shared, State};
use super::status::Status;
use super::target::Target;
use super::watch::{self, Begun, Open, Watch};
use super::write;
use crate::wire::gate::Gate;
use crate::wire::pipe::{Pipe, pipe};

/// What the server reads of a body, as the real one.
const BODY_BYTES_MAX: usize = 3 * 1024 * 1024;

/// A connection, as its requests see it.
pub(super) struct Connection {
    pub shared: Arc<Shared>,
    pub number: u64,
    pub gate: Arc<Gate>,
    /// The client's certificate; empty where it showed none.
    pub certificate: Vec<u8>,
}

/// What a request comes to.
enum Outcome {
    Json { code: u16, value: Value },
    Text { code: u16, text: String },
    Watch(Box<Watch>, Begun, Open),
}

/// A request that is recorded.
struct Received {
    number: u64,
    /// Who asks.
    user: Result<String, Status>,
    /// What goes wrong.
    what: Option<What>,
    /// How often what hangs had been released before.
    released: u64,
}

/// Answers a request. There is no error: what cannot be answered is refused.
pub(super) async fn answer(
    connection: Arc<Connection>,
    request: http::Request<HyperBody>,
) -> http::Response<Pipe> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let too_large = body.is_err();
    let body = body.map_or_else(|_| Vec::new(), |body| body.to_bytes().to_vec());
    let incoming = Incoming::of(&parts, body);
    let Received {
        number,
        user,
        what,
        released,
    } = connection.receive(&incoming);
    let mut refused = None;
    match &what {
        Some(What::Page { code, text }) => return connection.page(number, *code, text),
        Some(what) => refused = connection.go_wrong(what, released).await,
        None => {}
    }
    if too_large {
        let message = "limit on the size of a request body";
        refused = Some(Status::new(413, "RequestEntityTooLarge", message));
    }
    let outcome = match (refused, user) {
        (Some(status), _) | (None, Err(status)) => Err(status),
        (None, Ok(user)) => connection.decide(&incoming, &user, what.clone()),
    };
    connection.respond(number, &incoming, outcome, what)
}

impl Connection {
    /// Records a request; finds out who asks and what goes wrong.
    fn receive(&self, incoming: &Incoming) -> Received {
        self.shared.change(|state| {
            let user = state
                .access
                .identify(&incoming.authorization, &self.certificate);
            let name = user.clone().unwrap_or_default();
            let number = state.requests.len() as u64;
            state
                .requests
                .push(incoming.request(number, self.number, &name));
            let facts = Facts {
                method: &incoming.method,
                path: &incoming.path,
                query: &incoming.query_text,
                watch: incoming.watch,
                user: &name,
            };
            let what = fault::take(&mut state.faults, &facts);
            if what == Some(What::Freeze) {
                // Under the lock, because who sees the request may release it at once.
                self.gate.freeze();
            }
            Received {
                number,
                user,
                what,
                released: state.released,
            }
        })
    }

    /// What goes wrong before an answer: a refusal, or some wait.
    async fn go_wrong(&self, what: &What, released: u64) -> Option<Status> {
        match what {
            What::Status {
                code,
                retry_after_s,
                reason,
                message,
            } => {
                let mut status = Status::new(*code, reason, message.clone());
                status.retry_after_s = *retry_after_s;
                return Some(status);
            }
            What::Hang => std::future::pending().await,
            What::Reset => {
                self.gate.kill();
                std::future::pending().await
            }
            What::Delay | What::Freeze => {
                self.shared.until(|state| state.released > released).await;
            }
            _ => {}
        }
        None
    }

    fn decide(
        &self,
        incoming: &Incoming,
        user: &str,
        fault: Option<What>,
    ) -> Result<Outcome, Status> {
        let Some(target) = Target::of(&incoming.path) else {
            return self
                .shared
                .look(|state| path_that_is_no_resource(state, incoming, user));
        };
        self.shared.change(|state| {
            let wish = target.wish(incoming);
            state.access.check(user, &wish)?;
            if !state.kinds.iter().any(|kind| target.is_in_group_of(kind)) {
                return Ok(no_such_page());
            }
            let found = state.kinds.iter().find(|kind| target.is_of(kind));
            let kind = found.cloned().ok_or_else(Status::no_such_resource)?;
            if !target.subresource.is_empty() || (!kind.namespaced && !target.namespace.is_empty())
            {
                return Err(Status::no_such_resource());
            }
            let form = Form::accepted(&incoming.accept)?;
            match wish.verb.as_str() {
                "list" | "watch" if target.name.is_empty() => {
                    self.collection(state, kind, &target, incoming, form, fault)
                }
                _ => one(state, &kind, &target, &wish, incoming, form),
            }
        })
    }

    /// A list or a watch.
    fn collection(
        &self,
        state: &mut State,
        kind: Kind,
        target: &Target,
        incoming: &Incoming,
        form: Form,
        fault: Option<What>,
    ) -> Result<Outcome, Status> {
        let options = ListOptions::read(&incoming.query)?;
        let selector = Selector::parse(&kind, &options.field_selector, &options.label_selector)?;
        if !options.watch {
            let list = List {
                kind: &kind,
                namespace: &target.namespace,
                options: &options,
                selector: &selector,
                form,
            };
            let value = list.page(&state.store)?;
            return Ok(Outcome::Json { code: 200, value });
        }
        let watch = Watch {
            kind,
            namespace: target.namespace.clone(),
            options,
            selector,
            form,
            fault,
        };
        let begun = match watch.begin(state) {
            Ok(begun) => begun,
            Err(status) if status.code == 410 && state.options.expired_watch_is_status => {
                return Err(status);
            }
            Err(status) if [410, 504].contains(&status.code) => Begun::refused(state, &status),
            Err(status) => return Err(status),
        };
        let open = Open::new(&self.shared, state);
        Ok(Outcome::Watch(Box::new(watch), begun, open))
    }

    fn respond(
        &self,
        number: u64,
        incoming: &Incoming,
        outcome: Result<Outcome, Status>,
        what: Option<What>,
    ) -> http::Response<Pipe> {
        let pretty = incoming
            .query
            .flag("pretty")
            .unwrap_or_else(|| json::wants_indented(&incoming.user_agent));
        let encode = |value: &Value| {
            if pretty {
                json::indented(value)
            } else {
                json::line(value)
            }
        };
        let mut head = head();
        let (code, body) = match outcome {
            Ok(Outcome::Watch(watch, begun, open)) => {
                return self.stream(number, *watch, begun, open);
            }
            Ok(Outcome::Json { code, value }) => (code, encode(&value).into_bytes()),
            Ok(Outcome::Text { code, text }) => {
                return self.page(number, code, &text);
            }
            Err(status) => {
                if let Some(seconds) = status.retry_after_s {
                    head = head.header(RETRY_AFTER, seconds);
                }
                (status.code, encode(status.body()).into_bytes())
            }
        };
        let packed = incoming.accepts_gzip.then(|| json::gzip(&body)).flatten();
        if packed.is_some() {
            head = head
                .header(CONTENT_ENCODING, "gzip")
                .header(VARY, "Accept-Encoding");
        }
        self.whole(number, head, code, packed.unwrap_or(body), what)
    }

    /// An answer with an end. The length is that of all of it, also where it breaks off.
    fn whole(
        &self,
        number: u64,
        head: Builder,
        code: u16,
        mut body: Vec<u8>,
        what: Option<What>,
    ) -> http::Response<Pipe> {
        self.answered(number, code);
        let (feed, pipe) = pipe(&self.gate);
        let head = head.header(CONTENT_LENGTH, body.len());
        if let Some(What::CutAfterBytes(bytes)) = what {
            body.truncate(bytes);
            feed.bytes(body);
            feed.break_off();
        } else {
            feed.bytes(body);
        }
        finish(head.header(CONTENT_TYPE, "application/json"), code, pipe)
    }

    fn stream(&self, number: u64, watch: Watch, begun: Begun, open: Open) -> http::Response<Pipe> {
        self.answered(number, 200);
        let (feed, pipe) = pipe(&self.gate);
        // It ends when nobody reads the pipe any more, which is at the latest with the connection.
        tokio::spawn(watch::run(watch, begun, feed, open));
        finish(head().header(CONTENT_TYPE, "application/json"), 200, pipe)
    }

    fn page(&self, number: u64, code: u16, text: &str) -> http::Response<Pipe> {
        self.answered(number, code);
        let (feed, pipe) = pipe(&self.gate);
        feed.bytes(text.to_owned());
        let head = head().header(CONTENT_LENGTH, text.len());
        finish(
            head.header(CONTENT_TYPE, "text/plain; charset=utf-8"),
            code,
            pipe,
        )
    }

    fn answered(&self, number: u64, code: u16) {
        self.shared.change(|state| {
            let at = usize::try_from(number).expect("it was an index");
            // A test may have forgotten the requests so far.
            if let Some(request) = state.requests.get_mut(at) {
                request.status = code;
            }
        });
    }
}

fn head() -> Builder {
    http::Response::builder()
        .header("audit-id", "00000000-0000-4000-8000-000000000000")
        .header(CACHE_CONTROL, "no-cache, private")
}

fn finish(head: Builder, code: u16, pipe: Pipe) -> http::Response<Pipe> {
    head.status(code)
        .body(pipe)
        .expect("a test's fault has a code of HTTP")
}

fn path_that_is_no_resource(
    state: &State,
    incoming: &Incoming,
    user: &str,
) -> Result<Outcome, Status> {
    let path = incoming.path.as_str();
    let verb = incoming.method.to_lowercase();
    state.access.check_path(user, &verb, path)?;
    let ok = |text: &str| Outcome::Text {
        code: 200,
        text: text.to_owned(),
    };
    Ok(match path {
        "/readyz" | "/livez" | "/healthz" => ok("ok"),
        "/version" => Outcome::Json {
            code: 200,
            value: json!({
                "major": "1", "minor": "36", "gitVersion": "v1.36.0", "gitCommit": "", "gitTreeState": "clean",
                "buildDate": "2026-04-22T00:00:00Z", "goVersion": "go1.26.0", "compiler": "gc",
                "platform": "linux/amd64",
            }),
        },
        path => match kinds::discover(&state.kinds, path) {
            Some(value) => Outcome::Json { code: 200, value },
            None => no_such_page(),
        },
    })
}

fn no_such_page() -> Outcome {
    Outcome::Text {
        code: 404,
        text: "404 page not found\n".into(),
    }
}

/// A request for one object, or a change.
fn one(
    state: &mut State,
    kind: &Kind,
    target: &Target,
    wish: &Wish,
    incoming: &Incoming,
    form: Form,
) -> Result<Outcome, Status> {
    if kind.namespaced && target.namespace.is_empty() {
        // The name of something in a namespace, without the namespace; or a change to all of them.
        return Err(if target.name.is_empty() {
            Status::method_not_allowed()
        } else {
            Status::no_such_resource()
        });
    }
    let json = |code, value| Ok(Outcome::Json { code, value });
    match wish.verb.as_str() {
        "get" | "watch" => {
            let path = kind.path(&target.namespace, &target.name);
            let found = state.store.get(&kind.table(), &path);
            let found = found.ok_or_else(|| Status::not_found(kind, &target.name))?;
            json(200, form.object(kind, &found))
        }
        "create" if target.name.is_empty() => {
            let object = write::create(state, kind, target, incoming)?;
            json(201, form.object(kind, &object))
        }
        "update" if !target.name.is_empty() => {
            let (code, object) = write::update(state, kind, target, incoming)?;
            json(code, form.object(kind, &object))
        }
        "patch" if !target.name.is_empty() => {
            let object = write::patch(state, kind, target, incoming)?;
            json(200, form.object(kind, &object))
        }
        "delete" => json(200, write::delete(state, kind, target, incoming)?),
        _ => Err(Status::method_not_allowed()),
    }
}
