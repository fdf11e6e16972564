//! Who may do what: 401, 403, and tokens that come and go.

use weir_tests::fake_api::{Credential, Rule};
use weir_tests::folder::Folder;

use crate::client::{Client, plain};

const ROUTER: &str = "system:serviceaccount:router:router";

#[test]
fn refusals_are_as_recorded() {
    let (api, mut client) = plain();
    api.add_user(ROUTER, []);
    let nobody = Client::new(&api, ROUTER).get("/api/v1/events");
    let recorded = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "events is forbidden: User \"system:serviceaccount:router:router\" cannot list resource \"events\" in API group \"\" at the cluster scope",
  "reason": "Forbidden",
  "details": {
    "kind": "events"
  },
  "code": 403
}"#;
    assert_eq!((nobody.code, nobody.text()), (403, recorded));
    assert_eq!(nobody.header("content-length"), Some("319"));
    client.token = "wrong".into();
    let unknown = client.get("/api/v1/events");
    let recorded = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "Unauthorized",
  "reason": "Unauthorized",
  "code": 401
}"#;
    assert_eq!((unknown.code, unknown.text()), (401, recorded));
    assert_eq!(unknown.header("content-length"), Some("157"));
    client.token.clear();
    let anonymous = client.get("/api/v1/events");
    assert_eq!(anonymous.code, 403);
    assert!(
        anonymous
            .message()
            .contains("User \"system:anonymous\" cannot list")
    );
    assert_eq!(client.get("/readyz").text(), "ok");
}

#[test]
fn rules_are_for_verbs_groups_resources_names_and_namespaces() {
    let (api, _) = plain();
    api.add_namespace("team");
    api.add_user(
        "router",
        [
            Rule::new(&["list", "watch"], "", &["events"]),
            Rule::new(&["get", "update"], "", &["configmaps"])
                .in_namespace("weir")
                .named(&["position"]),
            Rule::new(&["list"], "", &["pods"]).in_namespace("team"),
        ],
    );
    let client = Client::new(&api, "router");
    for (method, path, expected) in [
        ("GET", "/api/v1/events", ""),
        ("GET", "/api/v1/namespaces/team/events", ""),
        (
            "GET",
            "/api/v1/namespaces/team/events/x",
            "events \"x\" is forbidden: User \"router\" cannot get resource \"events\" in API group \"\" in the namespace \"team\"",
        ),
        (
            "GET",
            "/apis/events.k8s.io/v1/events?watch=1",
            "events.events.k8s.io is forbidden: User \"router\" cannot watch resource \"events\" in API group \"events.k8s.io\" at the cluster scope",
        ),
        (
            "GET",
            "/api/v1/namespaces/weir/configmaps/position",
            "configmaps \"position\" not found",
        ),
        (
            "GET",
            "/api/v1/namespaces/weir/configmaps/other",
            "configmaps \"other\" is forbidden: User \"router\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"weir\"",
        ),
        (
            "PATCH",
            "/api/v1/namespaces/weir/configmaps/position",
            "configmaps \"position\" is forbidden: User \"router\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \"weir\"",
        ),
        (
            "POST",
            "/api/v1/namespaces/weir/configmaps",
            "configmaps is forbidden: User \"router\" cannot create resource \"configmaps\" in API group \"\" in the namespace \"weir\"",
        ),
        ("GET", "/api/v1/namespaces/team/pods", ""),
        (
            "GET",
            "/api/v1/pods",
            "pods is forbidden: User \"router\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
        ),
        (
            "GET",
            "/api/v1/namespaces/team",
            "namespaces \"team\" is forbidden: User \"router\" cannot get resource \"namespaces\" in API group \"\" in the namespace \"team\"",
        ),
    ] {
        let reply = client.request(method, path, &[], "");
        if expected.is_empty() {
            assert_eq!(reply.code, 200, "{path}");
        } else {
            assert_eq!(reply.message(), expected, "{path}");
        }
    }
    api.add_user("router", [Rule::new(&["*"], "*", &["*"])]);
    assert_eq!(client.get("/api/v1/pods").code, 200);
}

#[test]
fn tokens_are_rotated_and_revoked() {
    let (mut api, _) = plain();
    let folder = Folder::new("fake-api-tokens");
    api.add_user("router", [Rule::everything()]);
    let config = api.kubeconfig_with(folder.path(), "router", Credential::TokenFile);
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(config).expect("it was written"))
            .expect("it is JSON");
    let file = config["users"][0]["user"]["tokenFile"]
        .as_str()
        .expect("it has one");
    let old = Client::new(&api, "router");
    assert_eq!(
        std::fs::read_to_string(file).expect("it was written"),
        old.token
    );
    let mut watch = old.watch(&format!("resourceVersion={}", api.revision()));
    api.revoke_tokens("router");
    assert_eq!(old.get("/api/v1/events").code, 401);
    // Who watches goes on watching.
    api.create_event(weir_tests::fake_api::EventSpec::about("web"));
    watch.line();
    let new = api.rotate_token("router");
    assert_eq!(std::fs::read_to_string(file).expect("it was written"), new);
    assert_eq!(Client::new(&api, "router").get("/api/v1/events").code, 200);
}
