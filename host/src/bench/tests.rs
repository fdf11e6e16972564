//! Plugins that are measured: good ones, ones that fail, and ones that break on the way.

use std::path::Path;
use std::sync::LazyLock;

use weir_runtime::{Compiler, Decision, Engine};

use super::*;

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new().expect("this machine runs WebAssembly"));
const SHORT: Duration = Duration::from_millis(20);

/// A plugin of `tests/hostile`.
fn loaded(name: &str) -> Arc<Plugin> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/hostile/{name}.wat"));
    let plugin = Plugin::load(&ENGINE, &Compiler::InProcess, None, &path);
    Arc::new(plugin.unwrap_or_else(|error| panic!("{error}")))
}

/// A plugin of `tests/hostile`, measured with this configuration.
fn measured(name: &str, config: &str) -> Result<Figures, Failure> {
    let plugin = loaded(name);
    let subject = Subject::new(&plugin, config, &own_events(), ("{}", SHORT))?;
    measure(vec![subject], SHORT).pop().expect("one")
}

#[test]
fn the_events_are_events_with_many_reasons() {
    let events = own_events();
    assert_eq!(events.len(), EVENTS.lines().count());
    let reasons: std::collections::BTreeSet<_> = events
        .iter()
        .map(|event| event.event().reason().into_owned())
        .collect();
    assert!(reasons.len() > 40, "{reasons:?}");
    assert!(reasons.contains("Pulled"));
}

#[test]
fn a_filter_and_a_sink_have_figures() {
    for name in ["drop-pulled", "lines-sink"] {
        let figures = measured(name, "{}").unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert!(
            figures.event_ns > 10.0 && figures.event_ns < 1e6,
            "{figures:?}"
        );
        assert!(figures.p50_ns <= figures.p99_ns, "{figures:?}");
        assert!(figures.instance > Duration::ZERO && !figures.rounds.is_empty());
        assert_eq!(
            (figures.errors, figures.memory_bytes % 65536),
            (0, 0),
            "{figures:?}"
        );
        assert!(figures.memory_bytes > 0);
    }
}

#[test]
fn answered_errors_are_counted_and_faults_end_it() {
    let figures = measured("answered-error", "{}").expect("it works on");
    assert!(figures.errors > 50, "{figures:?}");
    let first = figures.first_error.expect("a text");
    assert!(first.starts_with("process answered an error"), "{first}");
    let figures = measured("sink-reject", "{}").expect("it works on");
    assert!(
        figures
            .first_error
            .expect("a text")
            .starts_with("deliver answered reject")
    );
    for (name, text) in [
        ("trap", "process trapped"),
        ("setup-refused", "setup answered"),
    ] {
        let failure = measured(name, "{}").expect_err("it fails").to_string();
        assert!(failure.starts_with(text), "{name}: {failure}");
    }
}

#[test]
fn what_is_kept_in_state_is_forgotten_when_asked() {
    let plugin = loaded("state");
    let of = Arc::new(new_use(&plugin, "{}", ""));
    let mut filter = Filter::new(plugin, Arc::clone(&of)).expect("it accepts anything");
    let event = &own_events()[0];
    // It drops with the number of its calls, which is in its state.
    let mut reason = || match filter
        .process_once(event.event())
        .expect("no fault")
        .decision
    {
        Decision::Drop(reason) => reason,
        other => panic!("no drop: {other:?}"),
    };
    assert_eq!((reason(), reason()), ("1".to_owned(), "2".to_owned()));
    of.forget_state();
    assert_eq!(reason(), "1");
}
