//! One request and its answer: redirects within the origin, limits of time and size.

use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::connect::capture_connection;

use crate::coding::too_large;
use crate::explain::explain;
use crate::failure::{Class, Failure};
use crate::origin::Origin;
use crate::proxy::Proxies;
use crate::request::Prepared;
use crate::transport::Http;

const REDIRECTS_MAX: usize = 5;

/// Of one exchange.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Without a byte from the server.
    pub(crate) idle: Duration,
    /// Of the answer's body.
    pub(crate) bytes_max: usize,
}

/// As it came: not decompressed, secrets and all.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Sends it, and follows redirects that stay within its origin.
pub(crate) async fn exchange(
    http: &Http,
    proxies: &Proxies,
    mut request: Prepared,
    limits: Limits,
) -> Result<Answer, Failure> {
    for _ in 0..=REDIRECTS_MAX {
        let answer = send(http, proxies, &request, limits.idle).await?;
        match redirect(&request, answer.status(), answer.headers()) {
            Some(url) => request.url = url,
            None => return read(answer, limits).await,
        }
    }
    let detail =
        format!("more than {REDIRECTS_MAX} redirects; configure the address where they end");
    Err(Failure::new(Class::BrokenAnswer, detail))
}

async fn send(
    http: &Http,
    proxies: &Proxies,
    request: &Prepared,
    idle: Duration,
) -> Result<http::Response<Incoming>, Failure> {
    let uri: Uri = request.url.as_str().parse().map_err(|_| {
        Failure::bad_request("the address has a character that must be percent-encoded")
    })?;
    let authorization = proxies.authorization(&uri);
    let mut sent = http::Request::new(Full::new(request.body.clone()));
    *sent.method_mut() = request.method.clone();
    *sent.uri_mut() = uri;
    *sent.headers_mut() = request.headers.clone();
    if let Some(authorization) = authorization {
        sent.headers_mut()
            .insert(PROXY_AUTHORIZATION, authorization);
    }
    let mut connection = capture_connection(&mut sent);
    // The server's time begins with the connection, which has a limit of its own.
    let silence = async {
        drop(connection.wait_for_connection_metadata().await);
        tokio::time::sleep(idle).await;
    };
    tokio::select! {
        answer = http.request(sent) => answer.map_err(|error| explain(&error)),
        () = silence => Err(silent(idle)),
    }
}

/// Where to go on, if anywhere.
fn redirect(request: &Prepared, status: StatusCode, headers: &HeaderMap) -> Option<url::Url> {
    let follows = match status.as_u16() {
        307 | 308 => true,
        301..=303 => matches!(request.method, Method::GET | Method::HEAD),
        _ => false,
    };
    let location = headers.get(LOCATION).filter(|_| follows)?.to_str().ok()?;
    let mut url = request.url.join(location).ok()?;
    if Origin::of(&url).as_ref() != Some(&request.origin) {
        return None;
    }
    // Credentials are those of the request, not of whoever sent it there. They are only ever refused by addresses
    // without a host.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_fragment(None);
    Some(url)
}

async fn read(answer: http::Response<Incoming>, limits: Limits) -> Result<Answer, Failure> {
    let (head, mut body) = answer.into_parts();
    let declared = body.size_hint().exact();
    if declared.is_some_and(|bytes| bytes > limits.bytes_max as u64) {
        return Err(too_large(limits.bytes_max));
    }
    let mut collected = Collected::Nothing;
    loop {
        let next = tokio::time::timeout(limits.idle, body.frame()).await;
        let Some(frame) = next.map_err(|_| silent(limits.idle))? else {
            break;
        };
        // Trailers say nothing that a plugin could ask for.
        if let Ok(bytes) = frame.map_err(|error| explain(&error))?.into_data() {
            collected = collected.and(bytes);
            if collected.len() > limits.bytes_max {
                return Err(too_large(limits.bytes_max));
            }
        }
    }
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: collected.into(),
    })
}

fn silent(idle: Duration) -> Failure {
    let detail = format!(
        "the server sent nothing for {idle:?}; is it overloaded? `http.readTimeout` is the limit"
    );
    Failure::new(Class::Timeout, detail)
}

/// A body of one part, which is most of them, is not copied.
enum Collected {
    Nothing,
    One(Bytes),
    Many(Vec<u8>),
}

impl Collected {
    fn and(self, bytes: Bytes) -> Collected {
        match self {
            Collected::Nothing => Collected::One(bytes),
            Collected::One(first) => Collected::Many([first, bytes].concat()),
            Collected::Many(mut all) => {
                all.extend_from_slice(&bytes);
                Collected::Many(all)
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Collected::Nothing => 0,
            Collected::One(bytes) => bytes.len(),
            Collected::Many(bytes) => bytes.len(),
        }
    }
}

impl From<Collected> for Vec<u8> {
    fn from(collected: Collected) -> Vec<u8> {
        match collected {
            Collected::Nothing => Vec::new(),
            Collected::One(bytes) => bytes.into(),
            Collected::Many(bytes) => bytes,
        }
    }
}
