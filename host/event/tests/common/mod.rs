//! Values for the property tests.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Values with few names, so that pointers meet them.
pub fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\\n\u{1}é😀]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any_name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A name that may have to be escaped.
pub fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]",
        Just(String::new()),
        Just("0".into()),
        Just("a/b~".into()),
        Just("\"é\n".into())
    ]
}

/// An event with more members.
pub fn event_with(members: Vec<(String, Value)>) -> Value {
    let mut event = json!({"metadata": {"a": 1}, "involvedObject": {}});
    event.as_object_mut().unwrap().extend(members);
    event
}
