//! The little of templates that the double knows: fields of the event, as in `{{ .InvolvedObject.Kind }}`.

use serde_json::Value;

/// Fields that stand elsewhere in the document than their names say.
const ELSEWHERE: &[(&str, &str)] = &[
    ("Name", "/metadata/name"),
    ("Namespace", "/metadata/namespace"),
    ("UID", "/metadata/uid"),
    ("Labels", "/metadata/labels"),
    ("Annotations", "/metadata/annotations"),
];

/// Whether the double can read it.
pub(crate) fn check(template: &str) -> Result<(), String> {
    render(template, &Value::Null).map(drop)
}

/// With each field replaced by its text; what is not there is "".
pub(crate) fn render(template: &str, event: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, opened)) = rest.split_once("{{") {
        let (action, after) = opened
            .split_once("}}")
            .ok_or_else(|| format!("{template}: `{{{{` without `}}}}`"))?;
        out.push_str(before);
        out.push_str(&field(action.trim(), event)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn field(action: &str, event: &Value) -> Result<String, String> {
    let path = action
        .strip_prefix('.')
        .filter(|path| path.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))
        .ok_or_else(|| format!("the double of the host knows fields only, not `{action}`"))?;
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut pointer = ELSEWHERE
        .iter()
        .find(|(name, _)| *name == first)
        .map_or_else(
            || format!("/{}", json_name(first)),
            |(_, at)| (*at).to_owned(),
        );
    for name in rest.split('.').filter(|name| !name.is_empty()) {
        pointer = format!("{pointer}/{}", json_name(name));
    }
    Ok(match event.pointer(&pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    })
}

/// `InvolvedObject` is `involvedObject`, `APIVersion` is `apiVersion`, `UID` is `uid`.
fn json_name(name: &str) -> String {
    let capitals = name.chars().take_while(char::is_ascii_uppercase).count();
    let lowered = match capitals {
        0 | 1 => capitals,
        all if all == name.len() => all,
        more => more - 1,
    };
    name[..lowered].to_ascii_lowercase() + &name[lowered..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::event;
    use serde_json::json;

    #[test]
    fn fields_are_rendered_and_the_rest_is_refused() {
        let event = event(json!({}));
        let text = "{{ .Namespace }}/{{.InvolvedObject.Kind}} {{.InvolvedObject.APIVersion}} {{ .Count }}{{ .Action }}";
        assert_eq!(render(text, &event).as_deref(), Ok("shop/Pod v1 1"));
        assert!(check("{{ .Name | upper }}").is_err() && check("{{ .Name").is_err());
        assert_eq!(check("no template"), Ok(()));
    }
}
