//! The languages that `weir plugin new` and `weir plugin build` know, and what their folders hold.

use crate::config::report::closest;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// WebAssembly's own text, which weir assembles.
    Wat,
    /// C, freestanding.
    C,
    /// Rust, with the crate `weir-plugin`.
    Rust,
    /// Zig, freestanding.
    Zig,
    /// Go's own compiler, not TinyGo.
    Go,
    /// AssemblyScript.
    AssemblyScript,
    /// JavaScript in QuickJS.
    JavaScript,
    /// TypeScript, bundled to JavaScript.
    TypeScript,
    /// Python: CPython with all of its library.
    Python,
}

/// What is known of a language.
struct Row {
    name: &'static str,
    aliases: &'static [&'static str],
    /// What an author edits.
    source: &'static str,
    /// The folder of its SDK under `plugin-sdk/`.
    sdk: &'static str,
    /// Where the SDK's files lie in an author's folder.
    sdk_at: &'static str,
    /// The contract lies in the folder, for tools that make bindings of it.
    has_wit: bool,
    /// What its build leaves besides the plugin.
    leaves: &'static [&'static str],
}

const fn row(name: &'static str, aliases: &'static [&'static str], source: &'static str) -> Row {
    Row {
        name,
        aliases,
        source,
        sdk: name,
        sdk_at: "",
        has_wit: false,
        leaves: &[],
    }
}

static ROWS: [(Language, Row); 9] = [
    (Language::Wat, row("wat", &[], "plugin.wat")),
    (Language::C, row("c", &[], "plugin.c")),
    (
        Language::Rust,
        Row {
            sdk_at: "sdk/rust/",
            leaves: &["/target/"],
            ..row("rust", &["rs"], "src/lib.rs")
        },
    ),
    (Language::Zig, row("zig", &[], "plugin.zig")),
    (
        Language::Go,
        Row {
            sdk_at: "weir/",
            ..row("go", &[], "plugin.go")
        },
    ),
    (
        Language::AssemblyScript,
        Row {
            leaves: &["/node_modules/"],
            ..row("assemblyscript", &["as"], "plugin.ts")
        },
    ),
    (
        Language::JavaScript,
        Row {
            has_wit: true,
            leaves: &["/node_modules/"],
            ..row("javascript", &["js"], "plugin.js")
        },
    ),
    (
        Language::TypeScript,
        Row {
            sdk: "javascript",
            has_wit: true,
            leaves: &["/node_modules/"],
            ..row("typescript", &["ts"], "plugin.ts")
        },
    ),
    (
        Language::Python,
        Row {
            has_wit: true,
            leaves: &["/.venv/", "__pycache__/"],
            ..row("python", &["py"], "plugin.py")
        },
    ),
];

impl Language {
    /// All of them, the smallest plugins first.
    pub fn all() -> impl Iterator<Item = Language> {
        ROWS.iter().map(|(language, _)| *language)
    }

    /// The language with this name or alias, in any case of letters.
    pub fn find(word: &str) -> Option<Language> {
        let word = word.to_lowercase();
        let row = ROWS
            .iter()
            .find(|(_, row)| row.name == word || row.aliases.contains(&word.as_str()));
        row.map(|(language, _)| *language)
    }

    /// The word that was probably meant.
    pub fn near(word: &str) -> Option<&'static str> {
        closest(word, Language::words())
    }

    /// All names and aliases.
    pub fn words() -> impl Iterator<Item = &'static str> {
        ROWS.iter()
            .flat_map(|(_, row)| std::iter::once(row.name).chain(row.aliases.iter().copied()))
    }

    /// As it is written in `plugin.yaml`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Other words for it.
    pub fn aliases(self) -> &'static [&'static str] {
        self.row().aliases
    }

    /// The file that an author edits.
    pub fn source(self) -> &'static str {
        self.row().source
    }

    /// Whether the contract lies in the author's folder.
    pub fn has_wit(self) -> bool {
        self.row().has_wit
    }

    /// What a build leaves in the folder besides the plugin, as lines of a `.gitignore`.
    pub fn leaves(self) -> &'static [&'static str] {
        self.row().leaves
    }

    /// The folder of its SDK in the repository, and where its files lie in an author's folder.
    pub(super) fn sdk(self) -> (&'static str, &'static str) {
        (self.row().sdk, self.row().sdk_at)
    }

    fn row(self) -> &'static Row {
        let row = ROWS.iter().find(|(language, _)| *language == self);
        &row.expect("each language has a row").1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found_and_are_unique() {
        for (word, language) in [
            ("c", Language::C),
            ("rs", Language::Rust),
            ("as", Language::AssemblyScript),
            ("JavaScript", Language::JavaScript),
            ("ts", Language::TypeScript),
            ("py", Language::Python),
        ] {
            assert_eq!(Language::find(word), Some(language), "{word}");
        }
        let mut words: Vec<_> = Language::words().collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
        assert_eq!(Language::all().count(), 9);
    }

    #[test]
    fn what_is_no_language_has_a_near_one_at_most() {
        assert_eq!(Language::find("pyton"), None);
        assert_eq!(Language::near("pyton"), Some("python"));
        assert_eq!(Language::near("cobol"), None);
    }
}
