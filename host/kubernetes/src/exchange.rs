//! One request and its whole answer, each with a deadline.
//!
//! For single objects: leases, ConfigMaps. Lists and watches read their bodies as they come, elsewhere.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::client::Body;
use tokio::time::{Instant, timeout_at};

use crate::failure::{Action, Failure};

/// Hands out the client to ask with: a new one after the credentials or the connection were renewed.
pub type Clients = std::sync::Arc<dyn Fn() -> kube::Client + Send + Sync>;

/// The most that one object may have: etcd holds 1.5 MiB.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Sends `request` and reads the answer, until `deadline`. An answer that is no success is a failure, too.
///
/// After [`Failure::Timeout`] and [`Failure::Network`] nobody knows whether the server did what was asked.
pub(crate) async fn exchange(
    client: &kube::Client,
    request: Result<Request<Vec<u8>>, kube::core::request::Error>,
    action: &Action,
    deadline: Instant,
) -> Result<Bytes, Failure> {
    let request = request
        .map_err(|error| Failure::from_kube(kube::Error::BuildRequest(error), action))?
        .map(Body::from);
    let answer = async {
        let response = client
            .send(request)
            .await
            .map_err(|error| Failure::from_kube(error, action))?;
        let (head, body) = response.into_parts();
        let bytes = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| broken_off(error, action))?
            .to_bytes();
        match head.status.is_success() {
            true => Ok(bytes),
            false => Err(Failure::from_response(
                head.status,
                &head.headers,
                &bytes,
                action,
            )),
        }
    };
    timeout_at(deadline, answer)
        .await
        .unwrap_or_else(|_| Err(Failure::timeout(action)))
}

fn broken_off(error: Box<dyn std::error::Error + Send + Sync>, action: &Action) -> Failure {
    if error.is::<LengthLimitError>() {
        return Failure::decode(format!("more than {ANSWER_BYTES_MAX} bytes"), action);
    }
    match error.downcast::<kube::Error>() {
        Ok(error) => Failure::from_kube(*error, action),
        Err(error) => Failure::from_kube(kube::Error::Service(error), action),
    }
}
