//! The token of the admin listener: what `admin.token` stands for. `run` needs it, `weir check` wants to know whether it is
//! there. It is read once: another one is taken at the next start.

use crate::admin::Token;
use crate::config::Config;
use crate::prepare::{Problem, StartError};
use crate::secrets::{self, Sources};

/// The token, with its references replaced; `None` where none is configured.
///
/// # Errors
/// All references that lead to nothing, or that what they stand for is no token. The value is in no error.
pub fn admin_token(config: &Config) -> Result<Option<Token>, Vec<StartError>> {
    let written = config.admin.as_ref().and_then(|admin| admin.token.as_ref());
    let Some(written) = written else {
        return Ok(None);
    };
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources {
        environment: &environment,
        directories: &config.secrets.directories,
    };
    let token = secrets::reveal(&written.text, &sources);
    let token = token.and_then(|text| Token::new(text).map_err(|problem| vec![problem]));
    let error = |problem| StartError {
        at: written.at,
        path: "admin.token".to_owned(),
        problem: Problem::Secret(problem),
    };
    token
        .map(Some)
        .map_err(|problems| problems.into_iter().map(error).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn token(written: &str) -> Result<Option<Token>, String> {
        let text = format!("source: {{replay: {{path: e}}}}\nadmin: {{listen: 1{written}}}");
        let config = Config::parse(&text, "c", Path::new(""), &|_| None).expect("it is right");
        admin_token(&config).map_err(|errors| {
            let lines = errors.iter().map(|error| error.in_file(Path::new("c")));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    #[test]
    fn a_token_is_had_or_said_what_it_lacks() {
        assert!(token("").expect("none is right").is_none());
        let literal = token(", token: 0123456789abcdef").expect("long enough");
        assert_eq!(format!("{literal:?}"), "Some(Token(…))");
        let error = token(", token: hunter2").expect_err("too short");
        assert!(
            error.starts_with("c:2:27: admin.token: the token is no good (expected 16"),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
        let error = token(", token: \"${file:/no/such}${env:NO_SUCH_TOKEN}\"");
        let error = error.expect_err("nothing is there");
        assert!(
            error.contains("admin.token: ${file:/no/such}: ")
                && error.contains("\nc:2:27: admin.token: ${env:NO_SUCH_TOKEN}: "),
            "{error}"
        );
    }
}
