//! The canonical ABI, generated from the contract; nobody but [`crate::raw`] and `register!` uses it.
//!
//! One module for each world, because the exports differ. The imports are generated once: unused ones
//! do not reach a plugin's module.
#![allow(missing_docs, unsafe_code, clippy::all, reason = "generated")]

/// The world `filter`.
pub mod filter {
    wit_bindgen::generate!({
        path: "../wit/0.1.0",
        world: "filter",
        pub_export_macro: true,
        export_macro_name: "export_filter",
        default_bindings_module: "weir_plugin::bindings::filter",
    });
}

/// The world `sink`.
pub mod sink {
    wit_bindgen::generate!({
        path: "../wit/0.1.0",
        world: "sink",
        pub_export_macro: true,
        export_macro_name: "export_sink",
        default_bindings_module: "weir_plugin::bindings::sink",
        with: {
            "weir:plugin/event@0.1.0": crate::bindings::filter::weir::plugin::event,
            "weir:plugin/host@0.1.0": crate::bindings::filter::weir::plugin::host,
            "weir:plugin/state@0.1.0": crate::bindings::filter::weir::plugin::state,
            "weir:plugin/http@0.1.0": crate::bindings::filter::weir::plugin::http,
            "weir:plugin/secret@0.1.0": crate::bindings::filter::weir::plugin::secret,
            "weir:plugin/types@0.1.0": crate::bindings::filter::weir::plugin::types,
        },
    });
}

/// The world `sink-probe`.
pub mod sink_probe {
    wit_bindgen::generate!({
        path: "../wit/0.1.0",
        world: "sink-probe",
        pub_export_macro: true,
        export_macro_name: "export_sink_probe",
        default_bindings_module: "weir_plugin::bindings::sink_probe",
        with: {
            "weir:plugin/event@0.1.0": crate::bindings::filter::weir::plugin::event,
            "weir:plugin/host@0.1.0": crate::bindings::filter::weir::plugin::host,
            "weir:plugin/state@0.1.0": crate::bindings::filter::weir::plugin::state,
            "weir:plugin/http@0.1.0": crate::bindings::filter::weir::plugin::http,
            "weir:plugin/secret@0.1.0": crate::bindings::filter::weir::plugin::secret,
            "weir:plugin/types@0.1.0": crate::bindings::filter::weir::plugin::types,
            "weir:plugin/output@0.1.0": crate::bindings::sink::weir::plugin::output,
            "weir:plugin/batch@0.1.0": crate::bindings::sink::weir::plugin::batch,
            "weir:plugin/template@0.1.0": crate::bindings::sink::weir::plugin::template,
            "weir:plugin/file@0.1.0": crate::bindings::sink::weir::plugin::file,
        },
    });
}
