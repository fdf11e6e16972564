//! `weir plugin pack`: plugins as a ConfigMap, checked before the API server does.

use std::process::ExitCode;
use std::sync::Arc;

use weir_runtime::PluginFile;

use super::{EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, plugin, print_line, say};
use crate::cli::{PACK_NAME_DEFAULT as NAME_DEFAULT, Pack};
use crate::config::dns_name::Form;
use crate::fixtures::{check, default_limits, read_beside};
use crate::pack::{CONFIG_MAP_BYTES_MAX, ConfigMap, Item, PackError, Packed};
use crate::plugins::Loader;

/// Prints the manifest.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Pack, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    check_names(arguments)?;
    let loader = plugin::open(&arguments.place, surroundings)?;
    let mut items = Vec::new();
    for name in &arguments.plugins {
        items.push(item(&loader, name)?);
    }
    let made = ConfigMap::new(&items).map_err(|error| refused(&error))?;
    let manifest = made.to_yaml(&arguments.name, arguments.namespace.as_deref());
    print_line(&format_args!(
        "# kubectl apply --server-side -f FILE, or kubectl create or replace: a plain `kubectl apply` keeps a copy of all this in\n\
         # an annotation, which holds 256 KiB.\n{}",
        manifest.trim_end()
    ));
    made.packed.iter().for_each(say_packed);
    say(&format_args!(
        "{}: {} bytes, {} % of what a ConfigMap holds",
        count(made.packed.len(), "plugin"),
        made.bytes(),
        percent(made.bytes())
    ));
    say_next(arguments);
    Ok(ExitCode::SUCCESS)
}

/// What `kubectl` would refuse.
fn check_names(arguments: &Pack) -> Result<(), ExitCode> {
    let namespace = arguments
        .namespace
        .as_deref()
        .map(|name| ("--namespace", name, Form::Label));
    let name = Some(("--name", arguments.name.as_str(), Form::Subdomain));
    for (option, text, form) in name.into_iter().chain(namespace) {
        if !form.allows(text) {
            let expected = form.expected();
            return Err(failed(
                EXIT_USAGE,
                &format_args!("{option} {text:?}: expected {expected}"),
            ));
        }
    }
    Ok(())
}

/// A plugin that weir would take: it is loaded, and passes its self-tests.
fn item(loader: &Loader, name: &str) -> Result<Item, ExitCode> {
    let plugin = Arc::new(plugin::load(loader, name)?);
    let beside = read_beside(&plugin).map_err(|error| failed(EXIT_USAGE, &error))?;
    let borrowed = beside
        .as_ref()
        .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    check(&plugin, borrowed, default_limits(plugin.kind)).map_err(|problem| {
        failed(
            EXIT_FAILED,
            &format_args!("plugin {}: {problem}", plugin.label()),
        )
    })?;
    let file = PluginFile::read(&plugin.path).map_err(|error| failed(EXIT_FAILED, &error))?;
    let tests = beside.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned());
    Ok(Item {
        name: file.name,
        wasm: file.wasm,
        tests,
    })
}

fn refused(error: &PackError) -> ExitCode {
    match error {
        PackError::Twice(_) | PackError::Key(_) => failed(EXIT_USAGE, error),
        PackError::TooLarge { packed, .. } => {
            packed.iter().for_each(say_packed);
            let code = failed(EXIT_FAILED, error);
            say(
                &"fewer plugins in each ConfigMap, mounted as one directory by a `projected` volume of several; one that is \
                 larger by itself goes into the image (deploy/Dockerfile: /usr/share/weir/plugins) or onto another volume \
                 (a persistentVolumeClaim, an image volume)",
            );
            code
        }
    }
}

fn say_packed(packed: &Packed) {
    let Packed {
        name,
        key,
        bytes,
        gzip_bytes,
        value_bytes,
        tests,
    } = packed;
    let tests = tests
        .as_ref()
        .map_or_else(String::new, |(key, bytes)| format!(", {key} {bytes} bytes"));
    say(&format_args!(
        "{name}: {key} {value_bytes} bytes ({bytes} as it is, {gzip_bytes} as gzip){tests}"
    ));
}

fn say_next(arguments: &Pack) {
    let namespace = arguments.namespace.as_deref();
    let flag = namespace.map_or_else(|| " -n NAMESPACE", |_| "");
    say(&format_args!(
        "next: weir plugin pack … | kubectl apply --server-side{flag} -f -"
    ));
    let name = &arguments.name;
    if name == NAME_DEFAULT {
        say(
            &"mounted at /plugins by the volume `plugins` of deploy/02-deployment.yaml; a running weir takes it within about a \
              minute",
        );
    } else {
        say(&format_args!(
            "mount it: in deploy/02-deployment.yaml the volume `plugins` is `configMap: {{name: {NAME_DEFAULT}, optional: true}}`; name \
             {name} there, or make it `projected: {{sources: [{{configMap: {{name: {NAME_DEFAULT}}}}}, {{configMap: {{name: {name}}}}}]}}`"
        ));
    }
}

fn percent(bytes: usize) -> usize {
    (bytes * 100).div_ceil(CONFIG_MAP_BYTES_MAX)
}
