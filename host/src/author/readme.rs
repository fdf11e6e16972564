//! The page in a new plugin's folder: what it is, and the commands that build it, try it and put it live.

use super::language::Language;
use super::manifest::MANIFEST_FILE;
use super::scaffold::Template;

const SINK_CONFIG: &str = "{url: \"https://example.com/events\"}";

/// The text of the page.
pub(super) fn readme(
    name: &str,
    language: Language,
    template: Template,
    description: &str,
) -> String {
    let kind = template.label();
    let what = description.trim_end_matches('.');
    let (source, language_name) = (language.source(), language.name());
    let config = match template {
        Template::Filter => "{reasons: [Pulled, Created]}",
        Template::Transform => "{teams: {shop: checkout-team}}",
        Template::Sink => SINK_CONFIG,
    };
    let uses = match template {
        Template::Filter | Template::Transform => format!(
            "plugins: {{directories: [/plugins]}}\n\
             filters:\n- {{name: {name}, plugin: {name}, config: {config}}}\n\
             route: {{filters: [{name}], match: [{{receiver: out}}]}}\n\
             receivers: [{{name: out, stdout: {{}}}}]"
        ),
        Template::Sink => format!(
            "plugins: {{directories: [/plugins]}}\n\
             route: {{match: [{{receiver: out}}]}}\n\
             receivers:\n- {{name: out, {name}: {config}}}"
        ),
    };
    format!(
        "# {name}\n\n\
         A {kind} for weir, in {language_name}. {what}.\n\n\
         ```sh\n\
         weir plugin build                # makes {name}.wasm of {source}, as {MANIFEST_FILE} says\n\
         weir plugin test                 # the self-tests in {name}.test.yaml: weir runs them before it takes the plugin, too\n\
         weir plugin inspect {name}.wasm  # what it is, and what it may use\n\
         ```\n\n\
         `weir plugin languages` says what a build needs, and whether this machine has it. With recorded events (`weir capture > events.ndjson`):\n\n\
         ```sh\n\
         weir plugin test {name}.wasm events.ndjson --with '{config}'\n\
         ```\n\n\
         ## Put it live\n\n\
         Copy `{name}.wasm` and `{name}.test.yaml` into one of weir's plugin directories, and name the plugin in the configuration. weir notices both\n\
         while it runs, and takes them when the configuration is accepted and the self-tests pass.\n\n\
         ```yaml\n{uses}\n```\n\n\
         ## Pack it\n\n\
         A plugin directory may be a ConfigMap volume, which holds 1 MiB:\n\n\
         ```sh\n\
         weir plugin pack ./{name}.wasm | kubectl apply --server-side -f -\n\
         ```\n\n\
         What does not fit, packed neither, needs an image or another volume.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_plugin_and_stays_narrow() {
        for template in Template::ALL {
            let page = readme("mine", Language::Go, template, "Does what it does.");
            assert!(
                page.contains("A ") && page.contains("in go. Does what it does.\n"),
                "{page}"
            );
            let longest = page.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(160), "{page}");
            let used = match template {
                Template::Sink => "{name: out, mine: {url:",
                _ => "plugin: mine, config: {",
            };
            assert!(page.contains(used), "{page}");
        }
    }
}
