//! What is asked for, and what documents get.

use super::*;

#[tokio::test(start_paused = true)]
async fn metadata_is_spliced_into_the_object() {
    let world = World::new(settings());
    world.set_pod(&format!(
        r#""name":"p","uid":"{POD_UID}","resourceVersion":"5","labels":{{"app":"cart \"1\""}},
        "annotations":{{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"secret"}},
        "ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u"}}],"managedFields":[]"#
    ));
    let event = about_p(&format!(r#""uid":"{POD_UID}","resourceVersion":"4""#));
    let object = world.enrich_object(&event).await;
    let expected = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "p", "uid": POD_UID,
        "resourceVersion": "4", "deleted": false, "labels": {"app": "cart \"1\""}, "annotations": {"a": "b"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "u"}],
    });
    assert_eq!(object, expected);
    assert_eq!(
        world.requests(),
        ["/api/v1", "/api/v1/namespaces/shop/pods/p"]
    );
    assert_eq!(world.enrich_object(&event).await, expected);
    assert_eq!(world.requests(), [""; 0]);
    let counted = world.counted();
    assert_eq!((counted.hits, counted.misses, counted.requests), (1, 1, 2));
    assert_eq!(
        (counted.without, counted.failures, counted.entries),
        (0, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn gone_being_deleted_or_another_is_deleted() {
    let world = World::new(settings());
    let event = about_p(&format!(r#""uid":"{POD_UID}""#));
    let object = world.enrich_object(&event).await;
    assert_eq!(
        (&object["deleted"], &object["labels"]),
        (&true.into(), &serde_json::Value::Null)
    );
    assert_eq!(world.enrich_object(&event).await["deleted"], true);
    assert_eq!(
        world.counted().hits,
        1,
        "that it is gone is remembered, too"
    );

    world.set_pod(&format!(
        r#""uid":"{OTHER_UID}","labels":{{"app":"other"}}"#
    ));
    tokio::time::advance(Duration::from_secs(61)).await;
    let object = world.enrich_object(&event).await;
    assert_eq!(
        (&object["deleted"], &object["labels"]),
        (&true.into(), &serde_json::Value::Null)
    );
    let of_other = about_p(&format!(r#""uid":"{OTHER_UID}""#));
    assert_eq!(world.label(&of_other).await.as_deref(), Some("other"));

    world.set_pod(r#""labels":{"app":"cart"},"deletionTimestamp":"2026-11-23T14:50:58Z""#);
    let object = world.enrich_object(&about_p(r#""fieldPath":"spec""#)).await;
    assert_eq!(
        (&object["deleted"], &object["labels"]["app"]),
        (&true.into(), &"cart".into())
    );
    assert_eq!(world.counted().without, 0);
}

#[tokio::test(start_paused = true)]
async fn uids_that_are_not_of_the_api_are_not_compared() {
    let world = World::new(settings());
    world.set_pod(&format!(r#""uid":"{POD_UID}","labels":{{"app":"static"}}"#));
    let event = about_p(r#""uid":"0123456789abcdef0123456789abcdef""#);
    assert_eq!(world.label(&event).await.as_deref(), Some("static"));
    assert_eq!(world.enrich_object(&event).await["deleted"], false);
}

#[tokio::test(start_paused = true)]
async fn cluster_scoped_objects_have_no_namespace_in_their_path() {
    let world = World::new(settings());
    world.set("/api/v1/nodes/n1", metadata(r#""labels":{"app":"node"}"#));
    world.set(
        "/api/v1/namespaces/shop",
        metadata(r#""labels":{"app":"namespace"}"#),
    );
    let node = event(r#""kind":"Node","name":"n1""#);
    assert_eq!(world.label(&node).await.as_deref(), Some("node"));
    let namespace =
        event(r#""apiVersion":"v1","kind":"Namespace","namespace":"default","name":"shop""#);
    assert_eq!(world.label(&namespace).await.as_deref(), Some("namespace"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_for_is_not() {
    let world = World::new(settings());
    for object in [
        "",
        r#""apiVersion":"v1","kind":"Secret","namespace":"shop","name":"s""#,
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"../../shop/secrets/s""#,
        r#""apiVersion":"v1/../../apis/x","kind":"Pod","namespace":"shop","name":"p""#,
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"a\u0000b""#,
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"p","labels":{"app":"own"}"#,
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"p","annotations":{}"#,
    ] {
        let before = world.enrich_object(&event(object)).await;
        assert_eq!(before["deleted"], false, "{object}");
    }
    assert_eq!(world.requests(), [""; 0]);
    assert_eq!(world.counted(), Snapshot::default());
    // A namespaced object needs a namespace; which kinds are namespaced must be asked.
    world
        .enrich(&[event(r#""apiVersion":"v1","kind":"Pod","name":"p""#)])
        .await;
    assert_eq!(world.requests(), ["/api/v1"]);
    assert_eq!(world.counted().without, 1);
}

#[tokio::test(start_paused = true)]
async fn namespaces_and_nodes_go_to_the_top() {
    let world = World::new(Settings {
        labels: false,
        annotations: false,
        owners: false,
        namespace_labels: true,
        node_labels: true,
        ..settings()
    });
    world.set(
        "/api/v1/namespaces/shop",
        metadata(r#""labels":{"team":"a"}"#),
    );
    world.set("/api/v1/nodes/n1", metadata(r#""labels":{"zone":"b"}"#));
    world.set("/api/v1/nodes/n2", metadata(r#""labels":{"zone":"c"}"#));
    let about_node = event(r#""apiVersion":"v1","kind":"Node","name":"n2""#);
    let reported = about_pod("p").replace(
        r#""source":{"host":"n1"}"#,
        r#""reportingInstance":"scheduler-x""#,
    );
    let brings = about_pod("p").replace(r#""source""#, r#""nodeLabels":{"zone":"own"},"source""#);
    let documents = world
        .enrich(&[about_pod("p"), about_node, reported, brings])
        .await;
    let zones: Vec<&serde_json::Value> = documents
        .iter()
        .map(|document| &document["nodeLabels"]["zone"])
        .collect();
    assert_eq!(
        zones,
        [
            &serde_json::json!("b"),
            &"c".into(),
            &serde_json::Value::Null,
            &"own".into()
        ]
    );
    for document in &documents {
        assert_eq!(
            document["namespaceLabels"],
            serde_json::json!({"team": "a"})
        );
        assert_eq!(
            document["involvedObject"]["labels"],
            serde_json::Value::Null
        );
        assert_eq!(document["involvedObject"]["deleted"], false);
    }
    let mut requests = world.requests();
    requests.sort();
    let nodes = ["n1", "n2", "scheduler-x"].map(|node| format!("/api/v1/nodes/{node}"));
    assert_eq!(
        requests,
        [
            "/api/v1",
            "/api/v1/namespaces/shop",
            &nodes[0],
            &nodes[1],
            &nodes[2]
        ]
    );
    assert_eq!(
        world.counted().without,
        0,
        "that no such node exists is known"
    );
}

#[tokio::test(start_paused = true)]
async fn a_node_is_asked_for_once_as_object_and_as_node() {
    let world = World::new(Settings {
        node_labels: true,
        ..settings()
    });
    world.set("/api/v1/nodes/n2", metadata(r#""labels":{"zone":"c"}"#));
    let about_node = event(&format!(
        r#""apiVersion":"v1","kind":"Node","name":"n2","uid":"{POD_UID}""#
    ));
    let documents = world.enrich(&[about_node]).await;
    assert_eq!(
        documents[0]["nodeLabels"],
        documents[0]["involvedObject"]["labels"]
    );
    assert_eq!(world.requests(), ["/api/v1", "/api/v1/nodes/n2"]);
}

#[tokio::test(start_paused = true)]
async fn order_stays_and_chunks_are_split_where_documents_grow() {
    let world = World::new(Settings {
        qps: 1e6,
        burst: 1000,
        ..settings()
    });
    let value = "v".repeat(3000);
    let names: Vec<String> = (0..100).map(|at| format!("p{at}")).collect();
    for (at, name) in names.iter().enumerate() {
        let mut pod = metadata(&format!(r#""labels":{{"app":"{name}","long":"{value}"}}"#));
        pod.after = Duration::from_millis(500 - at as u64);
        if at % 3 > 0 {
            world.set(&format!("/api/v1/namespaces/shop/pods/{name}"), pod);
        }
    }
    let events: Vec<String> = names.iter().map(|name| about_pod(name)).collect();
    let chunks = world.enricher.enrich(chunk(&events)).await;
    assert!(chunks.len() > 2);
    let events: Vec<EventRef<'_>> = chunks.iter().flat_map(Chunk::iter).collect();
    assert_eq!(
        events
            .iter()
            .map(|event| event.object_name())
            .collect::<Vec<_>>(),
        names
    );
    for (at, event) in events.iter().enumerate() {
        let label = event.text("/involvedObject/labels/app");
        assert_eq!(label.as_deref(), (at % 3 > 0).then_some(&*names[at]));
    }
    for chunk in &chunks {
        assert!(chunk.bytes() <= weir_event::CHUNK_BYTES_MAX || chunk.len() == 1);
    }
    assert_eq!(world.enricher.enrich(Chunk::new()).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_document_that_would_be_too_large_stays_as_it_was() {
    let world = World::new(settings());
    world.set_pod(&format!(
        r#""labels":{{"app":"{}"}}"#,
        "x".repeat(1000 * 1000)
    ));
    let message = "m".repeat(weir_event::DOCUMENT_BYTES_MAX - 1000 * 1000);
    let large = about_p(r#""uid":"""#)
        .replace(r#""source""#, &format!(r#""message":"{message}","source""#));
    assert_eq!(world.label(&large).await, None);
    assert_eq!(world.counted().without, 1);
    assert!(world.label(&about_p(r#""uid":"""#)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_newer_resource_version_makes_it_fetch_anew_once() {
    let world = World::new(settings());
    world.set_pod(r#""labels":{"app":"old"},"resourceVersion":"10""#);
    let at = |version: &str| about_p(&format!(r#""resourceVersion":"{version}""#));
    assert_eq!(world.label(&at("9")).await.as_deref(), Some("old"));
    world.set_pod(r#""labels":{"app":"new"},"resourceVersion":"20""#);
    assert_eq!(world.label(&at("10")).await.as_deref(), Some("old"));
    assert_eq!(world.label(&at("11")).await.as_deref(), Some("new"));
    assert_eq!(world.label(&at("20")).await.as_deref(), Some("new"));
    assert_eq!(world.requests().len(), 3);
    // A version that the server never had is asked for once, too.
    for _ in 0..3 {
        assert_eq!(world.label(&at("99999999")).await.as_deref(), Some("new"));
    }
    assert_eq!(world.label(&at("abc")).await.as_deref(), Some("new"));
    assert_eq!(world.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_found_is_believed_for_five_minutes() {
    let world = World::new(settings());
    world.set_pod(r#""labels":{"app":"old"}"#);
    let event = about_pod("p");
    assert!(world.label(&event).await.is_some());
    world.set_pod(r#""labels":{"app":"new"}"#);
    tokio::time::advance(Duration::from_secs(239)).await;
    assert_eq!(world.label(&event).await.as_deref(), Some("old"));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(world.label(&event).await.as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded() {
    let world = World::new(Settings {
        cache: 3,
        qps: 1000.0,
        ..settings()
    });
    for name in ["a", "b", "c", "d"] {
        world.set(
            &format!("/api/v1/namespaces/shop/pods/{name}"),
            metadata(r#""labels":{"app":"x"}"#),
        );
        assert!(world.label(&about_pod(name)).await.is_some());
    }
    world.requests();
    assert_eq!(world.counted().entries, 3);
    assert!(world.label(&about_pod("d")).await.is_some());
    assert!(world.label(&about_pod("a")).await.is_some());
    assert_eq!(world.requests(), ["/api/v1/namespaces/shop/pods/a"]);
}
