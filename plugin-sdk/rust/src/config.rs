//! From the JSON of a configuration to the plugin, with errors that name the field.

use serde::de::DeserializeOwned;

use crate::Error;

/// Reads a plugin from its configuration.
///
/// # Errors
/// serde's message behind the path of the field, as in `reasons[1]: invalid type: integer `7`, expected a string`.
pub(crate) fn read<P: DeserializeOwned>(config: &str) -> Result<P, Error> {
    let mut json = serde_json::Deserializer::from_str(config);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let message = without_position(error.inner());
        // serde_path_to_error calls the outermost value "."; "?" is where it lost its way.
        if path == "." || path == "?" {
            message.into()
        } else {
            format!("{path}: {message}").into()
        }
    })
}

/// The host writes this JSON itself: a line and column in it would send its reader the wrong way.
fn without_position(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    if message.ends_with(&position) {
        message.truncate(message.len() - position.len());
    }
    message
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Settings {
        reasons: Vec<String>,
        #[serde(default)]
        retry: Option<Retry>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors are looked at")]
    struct Retry {
        most: u8,
    }

    fn check(config: &str, expected: &str) {
        let error = read::<Settings>(config).unwrap_err();
        assert_eq!(error.message(), expected, "{config}");
    }

    #[test]
    fn an_error_names_the_field() {
        check(
            r#"{"reasons": ["a", 7]}"#,
            "reasons[1]: invalid type: integer `7`, expected a string",
        );
        check(
            r#"{"reasons": [], "retry": {"most": 256}}"#,
            "retry.most: invalid value: integer `256`, expected u8",
        );
        check(
            r#"{"reasons": [], "retry": {}}"#,
            "retry: missing field `most`",
        );
        check("{}", "missing field `reasons`");
        check(
            r#"{"reason": []}"#,
            "reason: unknown field `reason`, expected `reasons` or `retry`",
        );
        check(
            "[]",
            "invalid length 0, expected struct Settings with 2 elements",
        );
    }
}
