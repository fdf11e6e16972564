//! The line that makes a type a plugin, and what its exports call.

/// Makes a type the plugin of this crate: one line, once in a crate.
///
/// ```text
/// weir_plugin::register!(filter: Redact, on_error: "drop");
/// weir_plugin::register!(sink: Stdout);
/// weir_plugin::register!(sink-probe: Search, config_schema: include_str!("../schema.json"));
/// ```
///
/// The word before the type is its world: `filter` ([`Filter`](crate::Filter)), `sink`
/// ([`Sink`](crate::Sink)) or `sink-probe` ([`Probe`](crate::Probe)). `on_error` is the filter's own
/// default for what users set as `onError`: `"keep"`, `"drop"` or `"hold"`. `config_schema` is JSON text,
/// and so is `tests`: a list of self-tests that the host runs before it takes the plugin (`docs/plugins.md`).
/// Name, version and description come from the package, and stand in the module's custom section `weir`.
#[macro_export]
macro_rules! register {
    (filter: $plugin:ty $(, on_error: $on_error:expr)? $(, config_schema: $schema:expr)? $(, tests: $tests:expr)? $(,)?) => {
        $crate::register!(@describe ($($on_error)?) ($($schema)?) ($($tests)?));
        $crate::register!(@implements $plugin, Filter);
        $crate::register!(@export $plugin, filter, export_filter,
            setup: <$plugin as $crate::Filter>::setup,
            fn process() -> $crate::bindings::filter::Verdict);
    };
    (sink: $plugin:ty $(, config_schema: $schema:expr)? $(, tests: $tests:expr)? $(,)?) => {
        $crate::register!(@describe () ($($schema)?) ($($tests)?));
        $crate::register!(@implements $plugin, Sink);
        $crate::register!(@export $plugin, sink, export_sink,
            setup: <$plugin as $crate::Sink>::setup,
            fn deliver() -> $crate::bindings::sink::Outcome);
    };
    (sink-probe: $plugin:ty $(, config_schema: $schema:expr)? $(, tests: $tests:expr)? $(,)?) => {
        $crate::register!(@describe () ($($schema)?) ($($tests)?));
        $crate::register!(@implements $plugin, Probe);
        $crate::register!(@export $plugin, sink_probe, export_sink_probe,
            setup: <$plugin as $crate::Sink>::setup,
            fn deliver() -> $crate::bindings::sink_probe::Outcome,
            fn probe() -> ::std::string::String);
    };

    // Natively nothing is exported, so the compiler is told here what the type has to be.
    (@implements $plugin:ty, $trait:ident) => {
        const _: () = {
            const fn implements<T: $crate::$trait>() {}
            implements::<$plugin>();
        };
    };

    (@export $plugin:ty, $world:ident, $export:ident, setup: $setup:expr,
        $(fn $call:ident() -> $answer:ty),+) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "the exports of a module carry their names unmangled")]
        const _: () = {
            ::std::thread_local! {
                static PLUGIN: $crate::instance::Slot<$plugin> = const { $crate::instance::empty() };
            }
            struct Export;
            impl $crate::bindings::$world::Guest for Export {
                fn setup(config: ::std::string::String) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::instance::setup(&PLUGIN, &config, $setup)
                }
                $(fn $call() -> ::core::result::Result<$answer, ::std::string::String> {
                    $crate::instance::$call(&PLUGIN)
                })+
            }
            $crate::bindings::$world::$export!(Export with_types_in $crate::bindings::$world);
        };
    };

    (@describe ($($on_error:expr)?) ($($schema:expr)?) ($($tests:expr)?)) => {
        const _: () = {
            const DESCRIPTION: $crate::description::Description = $crate::description::Description {
                name: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                description: ::core::env!("CARGO_PKG_DESCRIPTION"),
                on_error: $crate::register!(@option $($on_error)?),
                config_schema: $crate::register!(@option $($schema)?),
                tests: $crate::register!(@option $($tests)?),
            };
            const JSON: [u8; DESCRIPTION.length()] = DESCRIPTION.json();
            #[cfg(target_arch = "wasm32")]
            #[allow(unsafe_code, reason = "a section of this name has no meaning to the linker")]
            #[unsafe(link_section = "weir")]
            #[used]
            static SECTION: [u8; JSON.len()] = JSON;
            // Natively too, so that a wrong `on_error` fails in `cargo test`.
            #[cfg(not(target_arch = "wasm32"))]
            const _: usize = JSON.len();
        };
    };
    (@option) => { ::core::option::Option::None };
    (@option $value:expr) => { ::core::option::Option::Some($value) };
}

/// What the exports call. A module is one instance and has one thread.
#[cfg(target_arch = "wasm32")]
pub mod instance {
    use std::cell::RefCell;
    use std::thread::LocalKey;

    use serde::de::DeserializeOwned;

    use crate::bindings::{filter, sink};
    use crate::{Batch, Error, Event, Filter, Outcome, Probe, Result, Sink, Verdict, config, host};

    /// The plugin, once it is set up.
    pub type Slot<P> = RefCell<Option<P>>;

    /// Before `setup`.
    #[must_use]
    pub const fn empty<P>() -> Slot<P> {
        RefCell::new(None)
    }

    /// The export `setup`.
    ///
    /// # Errors
    /// The configuration is refused.
    pub fn setup<P: DeserializeOwned>(
        slot: &'static LocalKey<Slot<P>>,
        config: &str,
        prepare: fn(&mut P) -> Result,
    ) -> Result<(), String> {
        // Without this a panic says no more than `unreachable`.
        std::panic::set_hook(Box::new(|panic| host::error(panic.to_string())));
        let mut plugin: P = config::read(config).map_err(Error::into_message)?;
        prepare(&mut plugin).map_err(Error::into_message)?;
        slot.set(Some(plugin));
        Ok(())
    }

    fn call<P, T>(
        slot: &'static LocalKey<Slot<P>>,
        with: impl FnOnce(&mut P) -> Result<T>,
    ) -> Result<T, String> {
        slot.with_borrow_mut(|plugin| match plugin {
            Some(plugin) => with(plugin).map_err(Error::into_message),
            None => Err("setup has not succeeded yet".to_owned()),
        })
    }

    /// The export `process`.
    ///
    /// # Errors
    /// What the filter answers.
    pub fn process<F: Filter>(slot: &'static LocalKey<Slot<F>>) -> Result<filter::Verdict, String> {
        call(slot, |plugin| {
            Ok(match plugin.process(&mut Event::at_hand())? {
                Verdict::Keep => filter::Verdict::Keep,
                Verdict::Drop(why) => filter::Verdict::Drop(why),
            })
        })
    }

    /// The export `deliver`.
    ///
    /// # Errors
    /// What the sink answers.
    pub fn deliver<S: Sink>(slot: &'static LocalKey<Slot<S>>) -> Result<sink::Outcome, String> {
        call(slot, |plugin| {
            Ok(match plugin.deliver(&Batch::at_hand())? {
                Outcome::Done => sink::Outcome::Done,
                Outcome::Retry(reason) => sink::Outcome::Retry(reason),
                Outcome::Reject(reason) => sink::Outcome::Reject(reason),
            })
        })
    }

    /// The export `probe`.
    ///
    /// # Errors
    /// What the sink finds.
    pub fn probe<S: Probe>(slot: &'static LocalKey<Slot<S>>) -> Result<String, String> {
        call(slot, Probe::probe)
    }
}
