//! The plugin of the folder that a command runs in: the manifest `plugin.yaml` names it.

use std::path::Path;

use serde::Deserialize;

/// The manifest of a plugin's folder.
const MANIFEST: &str = "plugin.yaml";

/// What is read of it here.
#[derive(Deserialize)]
struct Manifest {
    name: String,
}

/// The file that the manifest of this folder means: `./NAME.wasm`.
///
/// # Errors
/// What is missing, and what to do.
pub(super) fn own_plugin() -> Result<String, String> {
    let text = match std::fs::read_to_string(MANIFEST) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!(
                "which plugin? There is no {MANIFEST} in this folder: name the plugin, as in `weir plugin test NAME` or \
                 `weir plugin test PATH/NAME.wasm`, or run this in the folder of a plugin"
            ));
        }
        Err(error) => return Err(format!("cannot read {MANIFEST}: {error}")),
    };
    let Manifest { name } = serde_yaml::from_str(&text)
        .map_err(|error| format!("{MANIFEST}: {error}; expected `name: NAME`"))?;
    let file = format!("./{name}.wasm");
    if !Path::new(&file).is_file() {
        return Err(format!(
            "there is no {file}: build it, as with `weir plugin build`"
        ));
    }
    Ok(file)
}
