//! The command against a real admin listener, with a report that a test makes up.

use std::future::pending;
use std::sync::Arc;

use clap::{CommandFactory, Parser};

use super::*;
use crate::admin::{Admin, State, Token};
use crate::cli::{Cli, Command, Plugin};
use crate::health;
use crate::ledger::Ledger;
use crate::status::{Overview, Pending, Use};

const TOKEN: &str = "0123456789abcdef";

struct Fixed(Report);

impl Overview for Fixed {
    fn report(&self) -> Report {
        self.0.clone()
    }

    fn reload(&self, done: Box<dyn FnOnce(Report) + Send>) {
        done(self.report());
    }
}

/// The address of a listener that shows this.
fn listening(report: Option<Report>) -> String {
    let admin = Admin::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = admin.address().expect("an address");
    let state = State {
        ledger: Arc::new(Ledger::new()),
        heartbeats: Arc::default(),
        readiness: Box::new(health::Report {
            ready: true,
            reasons: vec![],
            details: serde_json::Value::Null,
        }),
        kubernetes: None,
        metrics_name_prefix: String::new(),
        shutdown: Arc::default(),
        overview: report.map(|report| Arc::new(Fixed(report)) as _),
        token: Some(Token::new(TOKEN.to_owned()).expect("long enough")),
    };
    tokio::spawn(admin.serve(state, pending()));
    format!("http://{address}")
}

async fn asked(address: String, token: Option<&'static str>) -> Result<Report, Wrong> {
    tokio::task::spawn_blocking(move || ask(&address, token))
        .await
        .expect("no panic")
}

fn report() -> Report {
    let running = Use {
        name: "quiet".into(),
        state: "running".into(),
        ..Use::default()
    };
    Report {
        uses: vec![running],
        ..Report::default()
    }
}

#[tokio::test]
async fn the_report_of_a_running_weir_arrives() {
    let address = listening(Some(report()));
    for token in [None, Some(TOKEN)] {
        let found = asked(address.clone(), token).await.expect("a report");
        assert_eq!(found, report());
    }
    let found = asked(format!("{address}/"), None).await.expect("a report");
    assert_eq!(found, report());
}

#[tokio::test]
async fn what_is_no_report_says_what_to_do() {
    let address = listening(None);
    let check = async |address: &str, token, code, expected: &str| {
        let wrong = asked(address.to_owned(), token).await;
        let wrong = wrong.expect_err("no report");
        assert_eq!(wrong.code, code, "{}", wrong.text);
        assert!(wrong.text.contains(expected), "{}", wrong.text);
    };
    let refused = "refused (401): the token is not the one of admin.token; the token is taken from";
    check(&address, Some("fedcba9876543210"), 1, refused).await;
    check(&address, None, 1, "status 404: this weir does not show").await;
    // Nobody listens where this listener was.
    let free = Admin::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let nobody = free.address().expect("an address");
    drop(free);
    check(&format!("http://{nobody}"), None, 1, "admin.listen").await;
    check("127.0.0.1:2112", None, 2, "expected an absolute http://").await;
    check("http://127.0.0.1:1?x", None, 2, "without ? and #").await;
    let bad = "a character that no header can have";
    check(&address, Some("0123456789abcdef\n0"), 1, bad).await;
}

#[test]
fn a_hostile_answer_is_shown_as_text() {
    let answer = |status, body: &[u8]| Response {
        status,
        headers: vec![],
        body: body.to_vec(),
    };
    for answer in [
        answer(200, b"{\"uses\": \"\x1b[2J\"}"),
        answer(403, b"\x1b[2J"),
        answer(500, &b"\x1b[2J".repeat(1000)),
        answer(200, b"\xff\xfe\x1b"),
    ] {
        let text = read(&answer).expect_err("no report").text;
        assert!(!text.contains('\u{1b}') && text.len() < 1000, "{text}");
    }
}

#[test]
fn well_is_what_runs_as_the_files_say() {
    assert!(is_well(&report()) && is_well(&Report::default()));
    for state in ["quarantined", "removed"] {
        let mut report = report();
        report.uses[0].state = state.into();
        assert!(!is_well(&report), "{state}");
    }
    let mut report = report();
    report.pending = Some(Pending::default());
    assert!(!is_well(&report));
}

#[test]
fn a_token_is_read_from_its_file() {
    let file = std::env::temp_dir().join(format!("weir-token-{}", std::process::id()));
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let found = token(Some(&file)).expect("it is there");
    assert_eq!(found.as_deref(), Some(TOKEN));
    std::fs::remove_file(&file).expect("it is ours");
    let wrong = token(Some(&file)).expect_err("it is gone");
    assert!(
        wrong.code == 2 && wrong.text.starts_with("--token-file "),
        "{}",
        wrong.text
    );
}

#[test]
fn the_address_has_a_default() {
    let parse = |arguments: &[&str]| {
        let line = ["weir", "plugin", "list"].iter().chain(arguments);
        Cli::try_parse_from(line).map(|cli| match cli.command {
            Command::Plugin(Plugin::List(list)) => list,
            other => panic!("{other:?}"),
        })
    };
    let address = |arguments: &[&str]| parse(arguments).expect("it is right").admin;
    assert_eq!(address(&[]), None);
    let default = Some("http://127.0.0.1:2112".to_owned());
    assert_eq!(address(&["--admin"]), default);
    assert_eq!(address(&["--admin", "--output", "json"]), default);
    let other = Some("http://weir:1".to_owned());
    let arguments = ["--admin", "http://weir:1", "--token-file", "x"];
    assert_eq!(address(&arguments), other);
    for wrong in [
        &["--token-file", "x"][..],
        &["--admin", "--plugins", "x"],
        &["--admin", "-c", "x"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
    Cli::command().debug_assert();
}
