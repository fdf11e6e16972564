//! Objects that clients write: ConfigMaps and Leases, with their conflicts and checks; discovery.

use serde_json::{Value, json};

use crate::client::plain;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

fn lease(spec: Value) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "weir"}, "spec": spec})
}

#[test]
fn a_config_map_is_created_changed_and_deleted() {
    let (api, client) = plain();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "p"}, "data": {"at": "1"}});
    let created = client.write("POST", MAPS, &map);
    assert_eq!(created.code, 201);
    let mut object = created.json();
    assert_eq!(object["kind"], "ConfigMap");
    assert_eq!(
        object["metadata"]["resourceVersion"],
        api.revision().to_string()
    );
    let again = client.write("POST", MAPS, &map);
    assert_eq!(
        (again.code, again.message().as_str()),
        (409, "configmaps \"p\" already exists")
    );
    assert_eq!(again.json()["reason"], "AlreadyExists");
    assert_eq!(
        again.json()["details"],
        json!({"name": "p", "kind": "configmaps"})
    );

    let path = format!("{MAPS}/p");
    object["data"]["at"] = "2".into();
    let updated = client.write("PUT", &path, &object);
    assert_eq!(
        (updated.code, &updated.json()["data"]["at"]),
        (200, &json!("2"))
    );
    assert_eq!(updated.json()["metadata"]["uid"], object["metadata"]["uid"]);
    let stale = client.write("PUT", &path, &object);
    assert_eq!(stale.code, 409);
    let expected = "Operation cannot be fulfilled on configmaps \"p\": the object has been modified; please apply \
                    your changes to the latest version and try again";
    assert_eq!(
        (stale.message().as_str(), &stale.json()["reason"]),
        (expected, &json!("Conflict"))
    );

    let patched = client.write("PATCH", &path, &json!({"data": {"at": null, "on": "3"}}));
    assert_eq!(patched.json()["data"], json!({"on": "3"}));
    // What changes nothing makes no revision.
    let revision = api.revision();
    client.write("PATCH", &path, &json!({"data": {"on": "3"}}));
    assert_eq!(api.revision(), revision);
    let stale = json!({"metadata": {"resourceVersion": "2"}, "data": {"on": "4"}});
    assert_eq!(client.write("PATCH", &path, &stale).code, 409);
    assert_eq!(
        client
            .write("PATCH", &format!("{MAPS}/none"), &json!({}))
            .code,
        404
    );
    assert_eq!(
        client
            .write(
                "PUT",
                &format!("{MAPS}/none"),
                &json!({"metadata": {"name": "none"}})
            )
            .code,
        404
    );

    let condition = json!({"preconditions": {"resourceVersion": "1"}});
    let kept = client.write("DELETE", &path, &condition);
    let why = "does not match the ResourceVersion in record";
    assert!(
        kept.code == 409 && kept.message().contains(why),
        "{}",
        kept.text()
    );
    let deleted = client.request("DELETE", &path, &[], "");
    assert_eq!(
        (deleted.code, &deleted.json()["status"]),
        (200, &json!("Success"))
    );
    assert_eq!(client.get(&path).code, 404);
}

#[test]
fn leases_are_checked_as_the_server_does() {
    let (_api, client) = plain();
    let good = json!({
        "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0,
        "acquireTime": "2026-11-23T14:50:59.000000Z", "renewTime": "2026-11-23T14:50:59.123456Z",
    });
    for (field, value, code, message) in [
        (
            "leaseDurationSeconds",
            json!(0),
            422,
            "Lease.coordination.k8s.io \"weir\" is invalid: spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            "leaseTransitions",
            json!(-1),
            422,
            "Lease.coordination.k8s.io \"weir\" is invalid: spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "leaseDurationSeconds",
            json!("15"),
            400,
            "Lease in version \"v1\" cannot be handled as a Lease: json: cannot unmarshal string into Go struct field LeaseSpec.spec.leaseDurationSeconds of type int32",
        ),
        (
            "renewTime",
            json!("2026-11-23T14:50:59Z"),
            400,
            "Lease in version \"v1\" cannot be handled as a Lease: parsing time \"2026-11-23T14:50:59Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"",
        ),
        (
            "renewTime",
            json!("2026-11-23T14:50:59.123456789Z"),
            400,
            "Lease in version \"v1\" cannot be handled as a Lease: parsing time \"2026-11-23T14:50:59.123456789Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"789Z\" as \"Z07:00\"",
        ),
        (
            "holder",
            json!("a"),
            400,
            "Lease in version \"v1\" cannot be handled as a Lease: strict decoding error: unknown field \"spec.holder\"",
        ),
    ] {
        let mut spec = good.clone();
        spec[field] = value;
        let refused = client.write("POST", LEASES, &lease(spec));
        assert_eq!((refused.code, refused.message().as_str()), (code, message));
    }
    let mut object = client.write("POST", LEASES, &lease(good)).json();
    assert_eq!(object["spec"]["renewTime"], "2026-11-23T14:50:59.123456Z");
    let path = format!("{LEASES}/weir");
    object["spec"]["holderIdentity"] = "b".into();
    let mut unconditional = object.clone();
    unconditional["metadata"]["resourceVersion"] = Value::Null;
    let refused = client.write("PUT", &path, &unconditional);
    let expected = "leases.coordination.k8s.io \"weir\" is invalid: metadata.resourceVersion: Invalid value: 0: \
                    must be specified for an update";
    assert_eq!((refused.code, refused.message().as_str()), (422, expected));
    assert_eq!(client.write("PUT", &path, &object).code, 200);
    let stale = client.write("PUT", &path, &object);
    assert_eq!(stale.code, 409);
    assert!(stale.message().starts_with("Operation cannot be fulfilled on leases.coordination.k8s.io \"weir\": the object has been modified"));
    assert_eq!(
        stale.json()["details"],
        json!({"name": "weir", "group": "coordination.k8s.io", "kind": "leases"})
    );
    let foreign = client.write("PATCH", &path, &json!({"metadata": {"uid": "x"}}));
    assert_eq!(foreign.code, 422);
    // As a real server does it: a PUT creates a lease that is gone, also with an old resourceVersion, but not
    // with an old uid.
    let mut gone = object.clone();
    gone["metadata"]["name"] = "gone".into();
    let elsewhere = format!("{LEASES}/gone");
    assert_eq!(client.write("PUT", &elsewhere, &gone).code, 409);
    gone["metadata"]["uid"] = Value::Null;
    assert_eq!(client.write("PUT", &elsewhere, &gone).code, 201);
    let patch = json!({"metadata": {"annotations": {"weir.dev/position": "x".repeat(300_000)}}});
    let long = client.write("PATCH", &path, &patch);
    assert_eq!(
        long.message(),
        "Lease.coordination.k8s.io \"weir\" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes"
    );
}

#[test]
fn what_is_no_good_object_is_refused() {
    let (_api, client) = plain();
    let map = |name: &str, data: Value| json!({"metadata": {"name": name}, "data": data});
    for (object, code, message) in [
        (map("Upper", json!({})), 422, "metadata.name: Invalid value"),
        (
            map("a", json!({"x": 1})),
            400,
            "cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            map("a", json!({"a/b": "1"})),
            422,
            "a valid config key must consist of",
        ),
        (
            map("a", json!({"x": "y".repeat(1_048_577)})),
            422,
            "may not be more than 1048576 bytes",
        ),
        (
            json!({"metadata": {}}),
            422,
            "name or generateName is required",
        ),
        (
            json!({"kind": "Lease", "metadata": {"name": "a"}}),
            400,
            "cannot be handled as a ConfigMap",
        ),
        (
            json!({"apiVersion": "v2", "metadata": {"name": "a"}}),
            400,
            "ConfigMap in version \"v2\" cannot be handled as a ConfigMap: no kind",
        ),
        (
            json!({"metadata": {"name": "a", "namespace": "b"}}),
            400,
            "the namespace of the provided object does not match",
        ),
        (
            json!({"metadata": {"name": "a", "resourceVersion": "1"}}),
            500,
            "resourceVersion should not be set",
        ),
    ] {
        let refused = client.write("POST", MAPS, &object);
        assert_eq!(refused.code, code, "{}", refused.text());
        assert!(refused.message().contains(message), "{}", refused.message());
    }
    let wrong = client.request("POST", MAPS, &[("Content-Type", "text/plain")], "x");
    assert_eq!(wrong.code, 415);
    let wrong = client.request(
        "PATCH",
        &format!("{MAPS}/a"),
        &[("Content-Type", "application/json")],
        "{}",
    );
    assert_eq!(wrong.code, 415);
    let wrong = client.request("PATCH", "/api/v1/events?watch=true", &[], "{}");
    assert_eq!(wrong.code, 405);
    let broken = client.request("POST", MAPS, &[("Content-Type", "application/json")], "{");
    assert_eq!(broken.code, 400);
}

#[test]
fn discovery_says_what_there_is() {
    let (api, client) = plain();
    api.add_kind(weir_tests::fake_api::Kind::namespaced(
        "example.com",
        "v1alpha1",
        "widgets",
        "Widget",
    ));
    let resources = client.get("/apis/example.com/v1alpha1").json();
    assert_eq!(resources["kind"], "APIResourceList");
    assert_eq!(resources["resources"][0]["name"], "widgets");
    let core = client.get("/api/v1").json();
    let names: Vec<_> = core["resources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    for name in [
        "configmaps",
        "events",
        "namespaces",
        "nodes",
        "pods",
        "secrets",
        "services",
    ] {
        assert!(names.contains(&name.into()), "{name}");
    }
    let groups = client.get("/apis").json();
    let has = |name: &str| {
        groups["groups"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|group| group["name"] == name)
    };
    assert!(
        [
            "apps",
            "batch",
            "coordination.k8s.io",
            "events.k8s.io",
            "example.com"
        ]
        .into_iter()
        .all(has)
    );
    assert_eq!(
        client.get("/apis/apps").json()["preferredVersion"]["groupVersion"],
        "apps/v1"
    );
    assert_eq!(client.get("/version").json()["major"], "1");
    assert_eq!(client.get("/nothing").code, 404);
    assert_eq!(
        client.get("/api/v1/widgets").message(),
        "the server could not find the requested resource"
    );
    api.put(json!({"apiVersion": "example.com/v1alpha1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}}));
    assert_eq!(
        client.get("/apis/example.com/v1alpha1/widgets").names(),
        ["w"]
    );
}
