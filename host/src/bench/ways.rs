//! The ways out of a plugin that is measured: they lead nowhere, and cost next to nothing.

use weir_runtime::{Files, Outbound, Output, Request, Response, Rotation};

/// Takes everything; answers HTTP requests at once, with status 200.
pub(super) struct Swallow {
    body: Vec<u8>,
}

impl Swallow {
    /// With this body in each answer.
    pub(super) fn answering(body: &str) -> Swallow {
        Swallow {
            body: body.as_bytes().to_vec(),
        }
    }
}

impl Outbound for Swallow {
    fn send(&self, _request: Request) -> Result<Response, String> {
        Ok(Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: self.body.clone(),
        })
    }
}

impl Output for Swallow {
    fn write(&self, _lines: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

impl Files for Swallow {
    fn append(&self, _path: &str, _lines: &[u8], _rotation: Rotation) -> Result<(), String> {
        Ok(())
    }
}
