//! Leader election: in the source as weir has it, or at the top level as KEE has it.
//!
//! Its times must go together, or a leader could still deliver when the next one already does. Called by
//! [`super::check_kubernetes`].

use std::time::Duration;

use super::LeaderElection;
use super::dns_name::{self, Form};
use super::fields::{Field, Fields};
use super::quantity;
use super::report::Report;
use super::tree::Kind;

/// The times of Kubernetes' own components, and of KEE.
const LEASE_DURATION_DEFAULT: Duration = Duration::from_secs(15);
const RENEW_DEADLINE_DEFAULT: Duration = Duration::from_secs(10);
const RETRY_PERIOD_DEFAULT: Duration = Duration::from_secs(2);
/// So that there is time for a renewal, its failure, and the end of running calls.
const LEASE_DURATION_LEAST: Duration = Duration::from_secs(5);
const LEASE_TIMES_MOST: Duration = Duration::from_secs(3600);
const RENEW_DEADLINE_LEAST: Duration = Duration::from_secs(1);
const RETRY_PERIOD_LEAST: Duration = Duration::from_millis(100);
/// Between the renew deadline and the end of the lease the last calls of a leader end.
const LEASE_REST_LEAST: Duration = Duration::from_secs(3);
const LEASE_NAME_DEFAULT: &str = "weir";
const LEASE_NAME_KEE: &str = "kubernetes-event-exporter";

/// A leader election that is on, with the default times.
fn leader_election(lease_name: String) -> LeaderElection {
    LeaderElection {
        lease_name,
        lease_namespace: None,
        lease_duration: LEASE_DURATION_DEFAULT,
        renew_deadline: RENEW_DEADLINE_DEFAULT,
        retry_period: RETRY_PERIOD_DEFAULT,
    }
}

/// `source.kubernetes.leaderElection`; `None` if it is off. The values are checked all the same.
pub(crate) fn own(field: &Field<'_>, report: &mut Report<'_>) -> Option<LeaderElection> {
    const EXPECTED: &str = "a map such as {enabled: true, leaseName: weir}";
    let block = field.fields(EXPECTED, report)?;
    let enabled = check_enabled(&block, report);
    let lease_name = block
        .get("leaseName")
        .and_then(|field| dns_name::check(&field, Form::Subdomain, report))
        .unwrap_or_else(|| LEASE_NAME_DEFAULT.to_owned());
    let mut checked = leader_election(lease_name);
    checked.lease_namespace = block
        .get("leaseNamespace")
        .and_then(|field| dns_name::check(&field, Form::Label, report));
    check_lease_times(&block, &mut checked, report);
    finish_elsewhere(
        &block,
        &["leaderElectionID"],
        "leaseName is its name here",
        report,
    );
    enabled.then_some(checked)
}

/// KEE's block at the top level: a name and nothing more, with the times that KEE has fixed.
pub(crate) fn of_kee(field: &Field<'_>, report: &mut Report<'_>) -> Option<LeaderElection> {
    const EXPECTED: &str = "a map such as {enabled: true}";
    const ELSEWHERE: &[&str] = &[
        "leaseName",
        "leaseNamespace",
        "leaseDuration",
        "renewDeadline",
        "retryPeriod",
    ];
    let block = field.fields(EXPECTED, report)?;
    let enabled = check_enabled(&block, report);
    let lease_name = block
        .get("leaderElectionID")
        // "" is the default in KEE.
        .filter(|field| field.node.kind != Kind::String(String::new()))
        .and_then(|field| dns_name::check(&field, Form::Subdomain, report))
        .unwrap_or_else(|| LEASE_NAME_KEE.to_owned());
    finish_elsewhere(
        &block,
        ELSEWHERE,
        "write the block as source.kubernetes.leaderElection, which has this key",
        report,
    );
    enabled.then(|| leader_election(lease_name))
}

/// Whether it is on. A block that says more, but not that, is probably meant to be on.
fn check_enabled(block: &Fields<'_>, report: &mut Report<'_>) -> bool {
    let field = block.get("enabled");
    if field.is_none() && !block.entries.is_empty() {
        report
            .warn(block.at, &block.path, "leader election is off")
            .help("write `enabled: true`");
    }
    field
        .and_then(|field| field.boolean(report))
        .unwrap_or(false)
}

/// Reports the keys that were not read, and of those that are known in another place what to do.
fn finish_elsewhere(block: &Fields<'_>, elsewhere: &[&str], help: &str, report: &mut Report<'_>) {
    for entry in block.unread() {
        let error = block.report_unknown(entry, report);
        if elsewhere.contains(&entry.key.as_str()) {
            error.help(help);
        }
    }
}

fn check_lease_times(block: &Fields<'_>, checked: &mut LeaderElection, report: &mut Report<'_>) {
    let errors_before = report.errors.len();
    let lease_field = block.get("leaseDuration");
    let renew_field = block.get("renewDeadline");
    let retry_field = block.get("retryPeriod");
    let fields = [
        (
            &lease_field,
            LEASE_DURATION_LEAST,
            &mut checked.lease_duration,
        ),
        (
            &renew_field,
            RENEW_DEADLINE_LEAST,
            &mut checked.renew_deadline,
        ),
        (&retry_field, RETRY_PERIOD_LEAST, &mut checked.retry_period),
    ];
    for (field, least, time) in fields {
        let value = field
            .as_ref()
            .and_then(|field| field.duration(least..=LEASE_TIMES_MOST, report));
        *time = value.unwrap_or(*time);
    }
    if let Some(field) = &lease_field
        && checked.lease_duration.subsec_nanos() > 0
    {
        field
            .refuse("a duration in whole seconds", report)
            .help("a lease has no parts of a second");
    }
    if report.errors.len() > errors_before {
        return;
    }
    if checked.renew_deadline + LEASE_REST_LEAST > checked.lease_duration {
        let least = quantity::show_duration(LEASE_REST_LEAST);
        report_order(
            (
                &renew_field,
                &format!("at least {least} less than leaseDuration"),
            ),
            (
                &lease_field,
                &format!("at least {least} more than renewDeadline"),
            ),
            "the last calls of a leader must end before its lease does",
            report,
        );
    }
    if checked.retry_period >= checked.renew_deadline {
        report_order(
            (&retry_field, "less than renewDeadline"),
            (&renew_field, "more than retryPeriod"),
            "a renewal that failed must be tried again in time",
            report,
        );
    }
}

/// Reports that two times do not go together, at the first that is there. The other may be a default.
fn report_order(
    (first, first_expected): (&Option<Field<'_>>, &str),
    (second, second_expected): (&Option<Field<'_>>, &str),
    why: &str,
    report: &mut Report<'_>,
) {
    let (field, expected, other_is_default) = match (first, second) {
        (Some(field), other) => (field, first_expected, other.is_none()),
        (None, Some(field)) => (field, second_expected, true),
        // The defaults go together.
        (None, None) => return,
    };
    let default = if other_is_default {
        ", also where that is left out"
    } else {
        ""
    };
    field
        .refuse(&format!("{expected}{default}"), report)
        .help(why);
}
