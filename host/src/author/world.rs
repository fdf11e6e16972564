//! Which world of the contract a JavaScript or Python plugin is of: their tools must be told, and the source says it by
//! what it defines: `process` is a filter's, `deliver` a sink's, `probe` belongs to a sink that can be asked.

use regex::Regex;

/// How comments and texts are written, roughly: enough that a word in them is not taken for a definition.
const IN_JAVASCRIPT: &str =
    r#"(?s)/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"#;
const IN_PYTHON: &str =
    r#"(?s)""".*?"""|'''.*?'''|#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"#;

/// What a file of JavaScript exports, a class or file of Python defines.
const DEFINED_IN_JAVASCRIPT: &str = r"\bexport\s+(?:(?:const|let|var)\s*)?\{[^}]*\}|\bexport\s+(?:async\s+)?(?:const|let|var|function)\b[\s*]*\w+";
const DEFINED_IN_PYTHON: &str =
    r"(?m)^[ \t]*(?:async[ \t]+)?def[ \t]+\w+|^[ \t]*\w+[ \t]*=[^=]|^[ \t]*(?:from|import)\b.*";

/// The world of a source, or why it is not known.
pub(super) fn world(source: &str, is_python: bool) -> Result<&'static str, &'static str> {
    let asides = if is_python { IN_PYTHON } else { IN_JAVASCRIPT };
    let asides = Regex::new(asides).expect("a constant pattern");
    let code = asides.replace_all(source, " ");
    let says = |word: &str, text: &str| {
        let pattern = Regex::new(&format!(r"\b{word}\b")).expect("a plain word");
        pattern.is_match(text)
    };
    let defined = if is_python {
        DEFINED_IN_PYTHON
    } else {
        DEFINED_IN_JAVASCRIPT
    };
    let defined = Regex::new(defined).expect("a constant pattern");
    let defined = defined.find_iter(&code).map(|found| found.as_str());
    let defined = defined.collect::<Vec<_>>().join("\n");
    // Where neither is seen (`export *`), any word may be it.
    let is_seen = says("deliver", &defined) || says("process", &defined);
    let text = if is_seen { &defined } else { &*code };
    let says = |word| says(word, text);
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

    #[test]
    fn a_word_that_is_only_used_decides_nothing() {
        for source in [
            "const probe = /probe failed/;\nexport const { setup, deliver } = sink({ deliver(batch) { probe.test(''); } });",
            "function deliver() {}\nexport { deliver };\nlet probe = 1;",
            "export async function deliver() { probe(); }",
        ] {
            assert_eq!(world(source, false), Ok("sink"), "{source}");
        }
        for source in [
            "export const { setup, process } = filter({ process(event) { channel.deliver(event); } });",
            "const how = {deliver: 1};\nexport function process() {}",
        ] {
            assert_eq!(world(source, false), Ok("filter"), "{source}");
        }
        let all = "export const { setup, deliver, probe } = sink({});";
        assert_eq!(world(all, false), Ok("sink-probe"));
        assert_eq!(
            world("export * from './sink.js'; // deliver", false),
            Err("has neither `process` (a filter) nor `deliver` (a sink): define one of them")
        );
        assert_eq!(world("export default { process };", false), Ok("filter"));
        let python = "class Post(weir.Sink):\n    def deliver(self, batch):\n        self.client.probe()\n        x == probe\n";
        assert_eq!(world(python, true), Ok("sink"));
        let python = "from mine import process\nqueue.deliver()";
        assert_eq!(world(python, true), Ok("filter"));
    }
}
