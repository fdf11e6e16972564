//! What parsing an event and rendering cost in processor time: `cargo run --release -p weir-template --example measure`.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use weir_template::{Event, Layout, Template};

const ROUNDS: u32 = 100_000;

const EVENT: &str = r#"{"metadata":{"name":"web-1.18eab3d5afe8386e","namespace":"shop","uid":"75fd34fa-96a0-4e27-8a24-5b0cfc58afb9","resourceVersion":"273","creationTimestamp":"2026-11-23T14:45:31Z"},"involvedObject":{"kind":"Pod","namespace":"shop","name":"web-1","uid":"11fd34fa-96a0-4e27-8a24-5b0cfc58af00","apiVersion":"v1","resourceVersion":"270","fieldPath":"spec.containers{web}","labels":{"app":"web","owner":"team-a"},"deleted":false},"reason":"BackOff","message":"Back-off restarting failed container web in pod web-1_shop","source":{"component":"kubelet","host":"node-1"},"firstTimestamp":"2026-11-23T14:45:31Z","lastTimestamp":"2026-11-23T15:46:32Z","count":7,"type":"Warning","eventTime":null,"reportingComponent":"kubelet","reportingInstance":"node-1","clusterName":"prod"}"#;

/// The processor time of this thread, which other load does not lengthen.
fn nanoseconds() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn measure(what: &str, mut run: impl FnMut()) {
    (0..ROUNDS / 10).for_each(|_| run());
    let start = nanoseconds();
    (0..ROUNDS).for_each(|_| run());
    let each = (nanoseconds() - start) / i64::from(ROUNDS);
    println!("{what:<40} {each:>7} ns");
}

fn main() {
    let five = json!({
        "message": "{{ .Message }}",
        "reason": "{{ .Reason }}",
        "type": "{{ .Type }}",
        "kind": "{{ .InvolvedObject.Kind }}",
        "createdAt": "{{ .GetTimestampISO8601 }}",
    });
    let layout = Layout::parse(&five).expect("a layout");
    let parse = |text: &str| Template::parse(text).expect("a template");
    let header = parse("{{ .InvolvedObject.Labels.owner | default \"none\" | upper }}");
    let constant = parse("application/json");
    let whole = parse("{{ toJson . }}");
    let event = Event::parse(EVENT).expect("an event");
    println!("an event of {} bytes", EVENT.len());
    measure("parse the event", || {
        black_box(Event::parse(black_box(EVENT)).is_ok());
    });
    measure("a layout of five leaves", || {
        black_box(layout.render(black_box(&event)).is_ok());
    });
    measure("a label with default and upper", || {
        black_box(header.render(black_box(&event)).is_ok());
    });
    measure("a constant", || {
        black_box(constant.render(black_box(&event)).is_ok());
    });
    measure("toJson of the event", || {
        black_box(whole.render(black_box(&event)).is_ok());
    });
    measure("parse a template", || {
        black_box(Template::parse(black_box("{{ .Namespace }}/{{ .Name | upper }}")).is_ok());
    });
}
