//! Plugins in every language whose toolchain is there: what `weir plugin new` makes builds and passes its tests as typed, and each
//! SDK passes the conformance suite. Those that are not there are named; with `WEIR_LANGUAGES=all` they are failures.

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::authors::{
    KINDS, Language, are_all_required, build_conformance, languages, type_line,
};
use weir_tests::folder::Folder;
use weir_tests::program::{tests, workspace};

/// Languages that have no SDK: the contract itself is all there is.
const WITHOUT_SDK: [&str; 2] = ["wat", "typescript"];

/// What the first programs of the pages want to be told.
const PAGES_CONFIG: &str = "{reasons: [Pulled], reason: Pulled, severity: Normal}";

fn main() {
    let mut arguments = Arguments::from_args();
    // Compilers take a core or more, and a gigabyte.
    arguments.test_threads.get_or_insert(2);
    let trials: Vec<Trial> = languages().iter().flat_map(trials_of).collect();
    assert!(!trials.is_empty(), "weir knows no languages");
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials_of(language: &Language) -> Vec<Trial> {
    let name = &language.language;
    if !language.ready {
        return vec![missing(language)];
    }
    let scaffolds = KINDS.map(|(kind, template)| {
        let language = name.clone();
        Trial::test(format!("{name}::new_{kind}"), move || {
            as_typed(&language, kind, template)
        })
    });
    let kinds = if WITHOUT_SDK.contains(&name.as_str()) {
        [].as_slice()
    } else {
        ["filter", "sink"].as_slice()
    };
    let suites = kinds.iter().map(|kind| {
        let language = language.clone();
        Trial::test(format!("{name}::conformance_{kind}"), move || {
            conforms(&language, kind)
        })
    });
    let page = language.first_program().map(|(program, file)| {
        let language = name.clone();
        Trial::test(format!("{name}::page"), move || {
            page_is_right(&language, &program, file)
        })
    });
    scaffolds.into_iter().chain(suites).chain(page).collect()
}

/// A language whose toolchain is not there.
fn missing(language: &Language) -> Trial {
    let what = language
        .missing
        .as_deref()
        .unwrap_or("its tools are missing");
    let said = format!(
        "{} did NOT run: {what}; {}",
        language.language, language.install
    );
    if !are_all_required() {
        eprintln!("languages: {said}");
    }
    let name = format!("{}::toolchain", language.language);
    Trial::test(name, move || Err(Failed::from(said))).with_ignored_flag(!are_all_required())
}

/// The commands of the first page, as typed.
fn as_typed(language: &str, kind: &str, template: &str) -> Result<(), Failed> {
    let folder = Folder::new(&format!("new-{language}-{kind}"));
    let line = format!(
        "weir plugin new x --lang {language} --kind {kind} && cd x && weir plugin build && weir plugin test"
    );
    let printed = type_line(&line, folder.path())?;
    let expected = std::fs::read_to_string(
        workspace().join(format!("plugins/examples/{template}.test.yaml")),
    )?;
    let tests = expected
        .lines()
        .filter(|line| line.starts_with("- "))
        .count();
    let passed = printed
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    if tests == 0 || passed != tests {
        return Err(format!("{passed} of {tests} self-tests passed:\n{printed}").into());
    }
    Ok(())
}

/// What the language's page begins with is a whole plugin, and drops some of the recorded events.
fn page_is_right(language: &str, program: &str, file: &str) -> Result<(), Failed> {
    let folder = Folder::new(&format!("page-{language}"));
    let new = format!("weir plugin new x --lang {language}");
    type_line(&new, folder.path())?;
    folder.write(&format!("x/{file}"), program);
    let events = tests("data/events-core-v1.ndjson.gz");
    let line = format!(
        "cd x && weir plugin build && weir plugin test x.wasm {} --with '{PAGES_CONFIG}'",
        events.display()
    );
    let printed = type_line(&line, folder.path())?;
    for verdict in ["dropped ", "kept "] {
        if !printed.lines().any(|row| row.starts_with(verdict)) {
            return Err(format!("no event is {verdict}:\n{printed}").into());
        }
    }
    Ok(())
}

/// The suite that any SDK can run.
fn conforms(language: &Language, kind: &str) -> Result<(), Failed> {
    let folder = Folder::new(&format!("conformance-{}-{kind}", language.language));
    let plugin = build_conformance(language, kind, folder.path())?;
    let suite = tests(&format!("conformance/{kind}.yaml"));
    let line = format!(
        "weir plugin test {} --tests {}",
        plugin.display(),
        suite.display()
    );
    type_line(&line, folder.path())?;
    Ok(())
}
