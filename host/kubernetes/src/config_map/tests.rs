//! A position in a ConfigMap, against a server in memory.

use serde_json::Value;

use super::*;
use crate::testing::{Conduct, End, Server};

const PATH: &str = "/api/v1/namespaces/monitoring/configmaps/weir-position";

fn store(server: &Server) -> ConfigMapStore {
    ConfigMapStore::new(
        server.clients(),
        "monitoring".to_owned(),
        "weir-position".to_owned(),
    )
}

fn map(data: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "weir-position", "namespace": "monitoring", "labels": {"a": "b"}},
        "data": data,
    })
}

fn position(server: &Server) -> Value {
    server.get(PATH).unwrap()["data"]["position"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_missing_one_is_none_and_then_created() {
    let server = Server::new();
    let mut store = store(&server);
    assert_eq!(store.load().await, Ok(None));
    store.save("p1").await.unwrap();
    store.save("p2").await.unwrap();
    assert_eq!(position(&server), "p2");
    // get, create, patch.
    assert_eq!(server.calls().len(), 3);
    assert_eq!(self::store(&server).load().await, Ok(Some("p2".to_owned())));
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_key_or_no_data_is_none_and_other_keys_stay() {
    for data in [json!(null), json!({}), json!({"other": "x"})] {
        let server = Server::new();
        server.put(PATH, map(&data));
        let mut store = store(&server);
        assert_eq!(store.load().await, Ok(None));
        store.save("p").await.unwrap();
        let stored = server.get(PATH).unwrap();
        assert_eq!(stored["data"]["position"], "p");
        assert_eq!(stored["data"]["other"], data["other"]);
        assert_eq!(stored["metadata"]["labels"]["a"], "b");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_load_it_looks_first() {
    let server = Server::new();
    server.put(PATH, map(&json!({"position": "old"})));
    let mut store = store(&server);
    store.save("new").await.unwrap();
    assert_eq!(position(&server), "new");
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_is_noticed_and_overwritten() {
    let server = Server::new();
    let (mut one, mut two) = (store(&server), store(&server));
    one.load().await.unwrap();
    two.load().await.unwrap();
    one.save("one").await.unwrap();
    // It was created by the other.
    two.save("two").await.unwrap();
    assert_eq!(two.other_writers(), 1);
    assert_eq!(position(&server), "two");
    one.save("one again").await.unwrap();
    assert_eq!(one.other_writers(), 1);
    assert_eq!(position(&server), "one again");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_something_else_is_no_second_writer() {
    let server = Server::new();
    let mut store = store(&server);
    store.save("p1").await.unwrap();
    let mut changed = server.get(PATH).unwrap();
    changed["data"]["other"] = json!("x");
    server.put(PATH, changed);
    store.save("p2").await.unwrap();
    assert_eq!(position(&server), "p2");
    assert_eq!(server.get(PATH).unwrap()["data"]["other"], "x");
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_save_whose_answer_was_lost_is_no_second_writer() {
    let server = Server::new();
    let mut store = store(&server);
    store.save("p1").await.unwrap();
    for (end, label) in [(End::Break, "network"), (End::Hang, "timeout")] {
        server.once(Conduct::end(end));
        let failure = store.save("p2").await.unwrap_err();
        assert_eq!(failure.label(), label);
        assert_eq!(position(&server), "p2");
        // Now the patch is refused, and that is not heard either.
        server.once(Conduct::end(end));
        let failure = store.save("p3").await.unwrap_err();
        assert_eq!(failure.label(), label);
        assert_eq!(position(&server), "p2");
        store.save("p4").await.unwrap();
        assert_eq!(position(&server), "p4");
    }
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_saves_without_an_answer_stay_bounded() {
    let server = Server::new();
    let mut store = store(&server);
    store.save("p").await.unwrap();
    server.all(Conduct::lose(End::Break));
    for number in 0..100 {
        store.save(&number.to_string()).await.unwrap_err();
    }
    assert!(store.own.len() <= 8);
    server.all(Conduct::well());
    store.save("q").await.unwrap();
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_deleted_is_created_again() {
    let server = Server::new();
    let mut store = store(&server);
    store.save("p1").await.unwrap();
    server.delete(PATH);
    store.save("p2").await.unwrap();
    assert_eq!(position(&server), "p2");
    assert_eq!(store.other_writers(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_is_named() {
    let server = Server::new();
    let mut store = store(&server);
    store.load().await.unwrap();
    server.all(Conduct::refuse(
        403,
        "configmaps is forbidden: User \"u\" cannot create resource \"configmaps\" in API group \"\"",
    ));
    let failure = store.save("p").await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "may not create configmaps \"weir-position\" in the API group \"\" in namespace \"monitoring\": \
         apply deploy/00-roles.yaml, or grant verb create on configmaps to User \"u\""
    );
    assert_eq!(store.load().await.unwrap_err().label(), "forbidden");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_missing_is_a_failure() {
    let server = Server::new();
    server.all(Conduct::refuse(404, "namespaces \"monitoring\" not found"));
    let failure = store(&server).save("p").await.unwrap_err();
    assert_eq!(failure.label(), "not-found");
}

#[tokio::test(start_paused = true)]
async fn a_load_that_hangs_ends() {
    let server = Server::new();
    server.all(Conduct::lose(End::Hang));
    let failure = store(&server).load().await.unwrap_err();
    assert_eq!(failure.label(), "timeout");
}
