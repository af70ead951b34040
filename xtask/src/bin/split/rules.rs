//! Which functions a first visit does not run, by their names.

/// A module of its own.
#[derive(Debug)]
pub(crate) struct Part {
    /// In its file's name, and what the page calls it.
    pub(crate) name: &'static str,
    /// A function goes into it whose name, with the types that it is made for, contains one of these …
    pub(crate) of: &'static [&'static str],
    /// … unless it contains one of these: then it stays, with all that it calls.
    pub(crate) not: &'static [&'static str],
}

/// The parts, each fetched by itself.
pub(crate) const PARTS: &[Part] = &[
    // The Worker: when the first device announces itself. Which topics announce is known without it.
    Part {
        name: "formats",
        of: &[
            "hearth_devices::announced::home_assistant::",
            "hearth_devices::announced::zigbee2mqtt::",
            "hearth_devices::announced::tasmota::",
            "hearth_devices::announced::shelly::",
            "hearth_devices::announced::homie::",
            "hearth_devices::announced::esphome::",
            "hearth_devices::announced::sparkplug::",
            "hearth_devices::announced::parts::",
        ],
        // What tells topics that announce from others.
        not: &["Format>::wants", "Format>::takes", "Format>::filters"],
    },
    // The page: everything beyond Home and Connect.
    Part {
        name: "pages",
        of: &[
            "hearth_web::chart::",
            "hearth_web::components::form::publish::",
            "hearth_web::components::payload::",
            "hearth_web::components::tree::",
            "hearth_web::pages::device::",
            "hearth_web::pages::explorer::",
            "hearth_web::pages::export::",
            "hearth_web::pages::messages::",
            "hearth_web::pages::replay::",
            "hearth_web::pages::retained::",
            "hearth_web::pages::settings::",
            "hearth_web::pages::subscriptions::",
            "hearth_web::pages::topic::",
            "hearth_web::pages::tree_tools::",
        ],
        // Cards have small charts; that a recording is played or written is said everywhere.
        not: &[
            "hearth_web::chart::spark::",
            "hearth_web::engine::",
            "hearth_web::pages::export::Exporting",
            "hearth_web::pages::replay::Playing",
        ],
    },
];

/// Functions that look alike for many types: wasm-opt makes one of those that do the same and keeps one of their names, so that
/// names say nothing about who calls them. Dropping what was never used is no reason to load anything either.
pub(crate) const ALIKE: &[&str] = &[
    "core::ptr::drop_in_place::",
    "core::clone::Clone>::clone",
    "UseReducerHandle",
];
/// A function smaller than this stays for the same reason, and because its stub would be no smaller.
pub(crate) const SMALLEST: usize = 100;
