//! `weir plugin list --admin`: what a running weir uses, asked of its admin listener.
//!
//! What comes over the wire is another process's word: it is bounded, and no control character of it is printed.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use weir_outbound::{Class, Origin, Request, Response, Settings};
use weir_runtime::clean;

use super::{EXIT_FAILED, EXIT_USAGE, failed, print_line};
use crate::cli::{List, Output};
use crate::status::{Report, show};
use crate::ways::http_client;

/// Where the token is, unless it is in a file.
const TOKEN_VARIABLE: &str = "WEIR_ADMIN_TOKEN";
/// How long an answer may take: it is made at once.
const TIME_MOST: Duration = Duration::from_secs(10);
/// How much of an answer that is no report is shown.
const SHOWN_BYTES_MAX: usize = 500;

/// Why there is no report: the exit code, and what to say.
#[derive(Debug)]
struct Wrong {
    code: u8,
    text: String,
}

/// Prints what the weir at an address uses. The exit code is 0 where what runs is what its files say, and all of it is called.
///
/// # Errors
/// With the exit code, after the error was said.
pub(super) fn list(address: &str, arguments: &List) -> Result<ExitCode, ExitCode> {
    let report = token(arguments.token_file.as_deref())
        .and_then(|token| ask(address, token.as_deref()))
        .map_err(|Wrong { code, text }| failed(code, &text))?;
    let shown = match arguments.output {
        Output::Json => show::json(&report),
        Output::Text => show::text(&report),
    };
    print_line(&shown.trim_end());
    Ok(if is_well(&report) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// Nothing waits to be taken, and every plugin is called.
fn is_well(report: &Report) -> bool {
    report.pending.is_none() && report.uses.iter().all(|of| of.state == "running")
}

/// The token of the file, else of the environment; `None` where there is neither.
fn token(file: Option<&Path>) -> Result<Option<String>, Wrong> {
    let token = match file {
        Some(file) => {
            let read = std::fs::read_to_string(file);
            Some(read.map_err(|error| usage(format!("--token-file {}: {error}", file.display())))?)
        }
        None => std::env::var(TOKEN_VARIABLE).ok(),
    };
    let token = token.map(|token| token.trim().to_owned());
    Ok(token.filter(|token| !token.is_empty()))
}

/// The report of the weir at an address. Blocks.
fn ask(address: &str, token: Option<&str>) -> Result<Report, Wrong> {
    let origin = Origin::parse(address)
        .map_err(|error| usage(format!("--admin: {error}, such as http://127.0.0.1:2112")))?;
    if address.contains(['?', '#']) {
        return Err(usage(
            "--admin: expected the address alone, without ? and #, such as http://127.0.0.1:2112"
                .to_owned(),
        ));
    }
    let client = http_client().map_err(usage)?;
    let settings = Settings {
        granted: vec![origin],
        timeout: TIME_MOST,
        ..Settings::default()
    };
    let endpoint = client.endpoint(settings).map_err(usage)?;
    let accept = ("accept".to_owned(), "application/json".to_owned());
    let authorization = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let answer = endpoint.send(Request {
        method: "GET".to_owned(),
        url: format!("{}/plugins", address.trim_end_matches('/')),
        headers: [accept].into_iter().chain(authorization).collect(),
        body: Vec::new(),
        timeout: None,
    });
    match answer {
        Ok(answer) => read(&answer),
        Err(error) if error.class() == Class::Timeout => Err(broken(format!(
            "no answer of the running weir within {} s",
            TIME_MOST.as_secs()
        ))),
        Err(error) => Err(broken(format!(
            "no answer of a running weir: {error}; is `admin.listen` set there, and is this its address?"
        ))),
    }
}

/// What an answer says.
fn read(answer: &Response) -> Result<Report, Wrong> {
    let said = || clean(&String::from_utf8_lossy(&answer.body), SHOWN_BYTES_MAX);
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|error| {
            broken(format!(
                "the answer is no report of a weir ({error}): {}",
                said()
            ))
        }),
        401 | 403 => Err(broken(format!(
            "the running weir refused ({}): {}; the token is taken from --token-file or ${TOKEN_VARIABLE}",
            answer.status,
            said()
        ))),
        status => Err(broken(format!(
            "expected the report of a weir, got status {status}: {}",
            said()
        ))),
    }
}

fn usage(text: String) -> Wrong {
    let code = EXIT_USAGE;
    Wrong { code, text }
}

fn broken(text: String) -> Wrong {
    let code = EXIT_FAILED;
    Wrong { code, text }
}

#[cfg(test)]
mod tests;
