//! Which world of the contract a JavaScript or Python plugin is of: their tools must be told, and the source says it by
//! what it defines: `process` is a filter's, `deliver` a sink's, `probe` belongs to a sink that can be asked.

use regex::Regex;

/// How comments and texts are written, roughly: enough that a word in them is not taken for a definition.
const IN_JAVASCRIPT: &str =
    r#"(?s)/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"#;
const IN_PYTHON: &str =
    r#"(?s)""".*?"""|'''.*?'''|#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"#;

/// The world of a source, or why it is not known.
pub(super) fn world(source: &str, is_python: bool) -> Result<&'static str, &'static str> {
    let asides = if is_python { IN_PYTHON } else { IN_JAVASCRIPT };
    let asides = Regex::new(asides).expect("a constant pattern");
    let code = asides.replace_all(source, " ");
    let says = |word: &str| {
        let pattern = Regex::new(&format!(r"\b{word}\b")).expect("a plain word");
        pattern.is_match(&code)
    };
    // A sink may call something of its own `process`; a filter has nothing to deliver.
    match (says("deliver"), says("probe"), says("process")) {
        (true, false, _) => Ok("sink"),
        (true, true, _) => Ok("sink-probe"),
        (false, _, true) => Ok("filter"),
        (false, _, false) => {
            Err("has neither `process` (a filter) nor `deliver` (a sink): define one of them")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_told_by_what_is_defined() {
        let javascript =
            "// may deliver\n/* deliver */ const s = \"deliver\";\nexport function process() {}";
        assert_eq!(world(javascript, false), Ok("filter"));
        let sink = "export const deliver = () => ({tag: 'done'}); // no process\nconst url = 'http://a//b';";
        assert_eq!(world(sink, false), Ok("sink"));
        let python = "\"\"\"May deliver.\"\"\"\n# deliver\ndef process():\n    return None\n";
        assert_eq!(world(python, true), Ok("filter"));
        assert_eq!(
            world("def deliver(): process()\ndef probe(): pass", true),
            Ok("sink-probe")
        );
        assert!(world("def processes(): pass", true).is_err());
    }
}
