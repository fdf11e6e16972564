//! Writing the custom section `weir` into a plugin: what `weir plugin build` does for languages whose compiler cannot.
//!
//! A module and a component are framed alike: eight bytes, then sections, each an id, a length and so many bytes. So one
//! walk does for both, and nothing inside a section is touched.

use std::ops::Range;

use serde_json::Value;

use crate::error::LoadProblem;
use crate::file::{DESCRIPTION_SECTION, description_section};

/// Magic number and version.
const HEADER_BYTES: usize = 8;
/// The version of core modules; components have another.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";
/// The id of custom sections.
const CUSTOM: u8 = 0;
/// What is for debuggers, and several times as large as the code. Function names are elsewhere and stay.
const DEBUGGING: &str = ".debug_";

/// A key of the descriptions that are written here: such a one may be replaced, an author's own may not.
const FROM: &str = "from";
/// What stands there.
const MANIFEST: &str = "plugin.yaml";

/// Writes a description into a plugin, where that does not say the same key of itself, and takes out what is for debuggers.
///
/// # Errors
/// When it is no WebAssembly in binary form.
pub fn with_description(wasm: &[u8], description: &Value) -> Result<Vec<u8>, LoadProblem> {
    let all = sections(wasm).ok_or_else(|| LoadProblem::Damaged("it ends too early".into()))?;
    let is_module = wasm.starts_with(CORE_MODULE);
    let mut written = without(wasm, &all, |name, section| {
        (is_module && name.starts_with(DEBUGGING)) || is_earlier(name, wasm, section)
    });
    let mut said = description.clone();
    said[FROM] = MANIFEST.into();
    if let Some(Value::Object(mut own)) = own_description(&written) {
        let missing = description.as_object().into_iter().flatten();
        let missing = missing.filter(|(key, _)| !own.contains_key(*key));
        let missing: Vec<_> = missing
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if missing.is_empty() {
            return Ok(written);
        }
        own.extend(missing);
        let all = sections(&written).unwrap_or_default();
        written = without(&written, &all, |name, _| name == DESCRIPTION_SECTION);
        said = Value::Object(own);
    } else if description_section(&written).is_some() {
        return Ok(written); // it is no description: reading the plugin says so
    }
    let said = said.to_string();
    let mut content = Vec::with_capacity(said.len() + DESCRIPTION_SECTION.len() + 1);
    put_length(&mut content, DESCRIPTION_SECTION.len());
    content.extend_from_slice(DESCRIPTION_SECTION.as_bytes());
    content.extend_from_slice(said.as_bytes());
    written.push(CUSTOM);
    put_length(&mut written, content.len());
    written.extend_from_slice(&content);
    Ok(written)
}

/// The keys of a description that the module's own section `weir` says otherwise, so that they have no effect.
pub fn overruled(wasm: &[u8], description: &Value) -> Vec<String> {
    let own = own_description(wasm).unwrap_or_default();
    let said = description.as_object().into_iter().flatten();
    let otherwise = said.filter(|(key, value)| {
        let is_said = value.as_str() != Some("");
        is_said && own.get(key.as_str()).is_some_and(|own| own != *value)
    });
    otherwise.map(|(key, _)| key.clone()).collect()
}

fn own_description(wasm: &[u8]) -> Option<Value> {
    serde_json::from_slice(description_section(wasm)?).ok()
}

/// All of these sections but the custom ones that are left out, by name.
fn without(wasm: &[u8], all: &[Section], is_left_out: impl Fn(&str, &Section) -> bool) -> Vec<u8> {
    let mut written = wasm[..HEADER_BYTES].to_vec();
    for section in all {
        if !custom_name(wasm, section).is_some_and(|name| is_left_out(name, section)) {
            written.extend_from_slice(&wasm[section.whole.clone()]);
        }
    }
    written
}

/// Where a section is.
struct Section {
    id: u8,
    /// With its id and length.
    whole: Range<usize>,
    content: Range<usize>,
}

/// The outermost sections; `None` where one is cut off.
fn sections(wasm: &[u8]) -> Option<Vec<Section>> {
    let mut at = HEADER_BYTES;
    let mut found = Vec::new();
    wasm.get(..HEADER_BYTES)?;
    while at < wasm.len() {
        let (length, start) = length(wasm, at + 1)?;
        let end = start.checked_add(length)?;
        wasm.get(start..end)?;
        found.push(Section {
            id: wasm[at],
            whole: at..end,
            content: start..end,
        });
        at = end;
    }
    Some(found)
}

fn custom_name<'w>(wasm: &'w [u8], section: &Section) -> Option<&'w str> {
    if section.id != CUSTOM {
        return None;
    }
    let (bytes, start) = length(wasm, section.content.start)?;
    let name = wasm.get(start..start.checked_add(bytes)?)?;
    std::str::from_utf8(name).ok()
}

/// Whether it is a description that an earlier build wrote: what a build left unchanged comes here again.
fn is_earlier(name: &str, wasm: &[u8], section: &Section) -> bool {
    name == DESCRIPTION_SECTION
        && description_section(&with_header(&wasm[section.whole.clone()]))
            .and_then(|json| serde_json::from_slice::<Value>(json).ok())
            .is_some_and(|said| said[FROM] == MANIFEST)
}

fn with_header(section: &[u8]) -> Vec<u8> {
    [CORE_MODULE, section].concat()
}

/// A LEB128 length, and where what comes after it starts.
fn length(wasm: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value = 0u32;
    for (index, byte) in wasm.get(at..)?.iter().take(5).enumerate() {
        value |= u32::from(byte & 0x7f).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            return Some((value as usize, at + index + 1));
        }
    }
    None
}

fn put_length(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described(wasm: &[u8]) -> Value {
        let json = description_section(wasm).expect("it describes itself");
        serde_json::from_slice(json).expect("as JSON")
    }

    fn assemble(text: &str) -> Vec<u8> {
        wat::parse_str(text).expect("valid text")
    }

    #[test]
    fn a_module_and_a_component_get_a_description_and_stay_valid() {
        for text in [
            r#"(module (func (export "f")))"#,
            r#"(component (core module (func (export "f"))))"#,
        ] {
            let described_wasm = with_description(&assemble(text), &json!({"version": "1.2"}))
                .expect("it is WebAssembly");
            assert_eq!(described(&described_wasm)["version"], "1.2");
            for payload in wasmparser::Parser::new(0).parse_all(&described_wasm) {
                payload.expect("each section is whole");
            }
        }
    }

    #[test]
    fn what_describes_itself_keeps_its_own() {
        for text in [
            r#"(module (@custom "weir" "{\"version\":\"own\"}"))"#,
            r#"(component (core module (@custom "weir" "{\"version\":\"own\"}")))"#,
        ] {
            let wasm = assemble(text);
            let written = with_description(&wasm, &json!({"version": "1.2"})).expect("valid");
            assert_eq!(written, wasm);
        }
    }

    #[test]
    fn what_an_earlier_build_wrote_is_replaced() {
        let wasm = assemble("(module)");
        let first = with_description(&wasm, &json!({"version": "1"})).expect("valid");
        let second = with_description(&first, &json!({"version": "2"})).expect("valid");
        assert_eq!(described(&second)["version"], "2");
        assert_eq!(first.len(), second.len());
    }

    #[test]
    fn what_is_for_debuggers_goes_and_names_stay() {
        let text = r#"(module (func $known (export "f")) (@custom ".debug_info" "xxxx") (@custom "other" "y"))"#;
        let written = with_description(&assemble(text), &json!({})).expect("valid");
        let has = |part: &[u8]| written.windows(part.len()).any(|window| window == part);
        assert!(has(b"known") && has(b"other") && !has(b".debug_info"));
    }

    #[test]
    fn a_long_description_has_a_long_length() {
        let long = "x".repeat(70_000);
        let written = with_description(&assemble("(module)"), &json!({"description": long}));
        assert_eq!(described(&written.expect("valid"))["description"], long);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let wasm = assemble(r#"(module (func (export "f")))"#);
        for end in [0, 4, wasm.len() - 1] {
            assert!(with_description(&wasm[..end], &json!({})).is_err(), "{end}");
        }
    }

    #[test]
    fn what_a_module_says_of_itself_counts_and_the_rest_is_added() {
        let own = r#"(module (@custom "weir" "{\22version\22:\221.0\22,\22tests\22:[]}") (func (export "f")))"#;
        let manifest = json!({"version": "3.3", "description": "", "onError": "drop"});
        let wasm = with_description(&assemble(own), &manifest).expect("it is WebAssembly");
        let said = json!({"version": "1.0", "tests": [], "description": "", "onError": "drop"});
        assert_eq!(described(&wasm), said);
        wasmparser::validate(&wasm).expect("it stays valid");
        assert_eq!(overruled(&wasm, &manifest), ["version"]);
        let again = with_description(&wasm, &manifest).expect("it is WebAssembly");
        assert_eq!(again, wasm);
    }
}
