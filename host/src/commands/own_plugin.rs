//! The plugin of the folder that a command runs in: its manifest names it.

use std::path::Path;

use crate::author::{MANIFEST_FILE, Manifest, ManifestError};

/// The file that the manifest of this folder means: `./NAME.wasm`.
///
/// # Errors
/// What is missing, and what to do.
pub(super) fn own_plugin() -> Result<String, String> {
    let manifest = Manifest::load(Path::new("")).map_err(|error| match error {
        ManifestError::Missing(_) => format!(
            "which plugin? There is no {MANIFEST_FILE} in this folder: name the plugin, as in `weir plugin test NAME` or \
             `weir plugin test PATH/NAME.wasm`, or run this in the folder of a plugin"
        ),
        error => error.to_string(),
    })?;
    let file = format!("./{}.wasm", manifest.name);
    if !Path::new(&file).is_file() {
        return Err(format!(
            "there is no {file}: build it, as with `weir plugin build`"
        ));
    }
    Ok(file)
}
