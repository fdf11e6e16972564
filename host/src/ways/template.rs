//! Go templates for sinks: parsed once for each text, rendered for many events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use weir_runtime::Templates;
use weir_template::{Event, Template};

/// Parsed templates that are kept for one use. A configuration has a dozen; a plugin that makes new texts all the time has
/// them parsed each time.
const KEPT_MAX: usize = 256;

/// The templates of one use.
#[derive(Default)]
pub struct GoTemplates {
    parsed: Mutex<HashMap<String, Arc<Template>>>,
}

impl GoTemplates {
    fn parse(&self, text: &str) -> Result<Arc<Template>, String> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(template) = parsed.get(text) {
            return Ok(Arc::clone(template));
        }
        let template = Template::parse(text).map_err(|error| error.to_string())?;
        let template = Arc::new(template);
        if parsed.len() < KEPT_MAX {
            parsed.insert(text.to_owned(), Arc::clone(&template));
        }
        Ok(template)
    }
}

impl Templates for GoTemplates {
    fn check(&self, template: &str) -> Result<(), String> {
        self.parse(template).map(drop)
    }

    fn render(&self, template: &str, document: &str) -> Result<String, String> {
        let template = self.parse(template)?;
        if let Some(constant) = template.constant() {
            return Ok(constant.to_owned());
        }
        let event = Event::parse(document).map_err(|error| error.to_string())?;
        template.render(&event).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_checked_and_rendered() {
        let templates = GoTemplates::default();
        let event = r#"{"metadata":{"namespace":"shop"},"reason":"Pulled"}"#;
        for _ in 0..2 {
            let text = templates.render("{{ .Namespace | upper }}: {{ .Reason }}", event);
            assert_eq!(text.as_deref(), Ok("SHOP: Pulled"));
        }
        assert_eq!(templates.check("no template"), Ok(()));
        assert!(templates.check("{{ .Namespace | uper }}").is_err());
    }
}
