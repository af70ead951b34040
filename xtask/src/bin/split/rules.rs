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
            "hearth_devices::cloud_events::attributes_of",
            "hearth_devices::cloud_events::opened",
            "hearth_devices::announced::bind::Bound",
            "hearth_devices::announced::color::",
            "hearth_devices::announced::extract::",
            "hearth_devices::announced::group::Announcements>::insert",
            "hearth_devices::announced::group::Announcements>::regroup",
            "hearth_devices::announced::group::Held",
            "hearth_devices::announced::live::Announced>::",
            "hearth_devices::announced::live::late::",
            "hearth_devices::announced::live::readers::Readers>::remove",
            "hearth_devices::announced::live::value::",
            "hearth_devices::registry::Devices>::apply_reached",
            "hearth_devices::registry::Devices>::next_unfinished",
        ],
        // What tells topics that announce from others.
        not: &["Format>::wants", "Format>::takes", "Format>::filters"],
    },
    // The Worker: what the other pages ask for. What only these call goes with them: the search, the tree, recordings, ….
    Part {
        name: "tools",
        of: &[
            "hearth_devices::announced::attributes::",
            "hearth_model::pattern::",
            "hearth_model::store::search::",
            "hearth_model::store::view::",
            "hearth_web::engine::core::Engine>::handle_file",
            "hearth_web::engine::core::Engine>::handle_later",
            "hearth_web::engine::core::Engine>::play_due",
            "hearth_web::engine::export::Export>::write_part",
            "hearth_web::engine::publisher::Publisher>::advance_series",
            "hearth_web::engine::publisher::Publisher>::ask",
            "hearth_web::engine::publisher::Publisher>::handle_of_series",
            "hearth_web::engine::publisher::Publisher>::handle_response",
            "hearth_web::engine::publisher::Publisher>::publish_series",
            "hearth_web::engine::publisher::Publisher>::series_timeout",
            "hearth_web::engine::publisher::Series",
            "hearth_web::engine::publisher::asked_topic",
            "hearth_web::engine::retained::Retained>::send_due",
            "hearth_web::engine::retained::Retained>::settle",
            "hearth_web::engine::variables::",
            "hearth_web::engine::views::Views>::open_later",
            "hearth_web::engine::views::attributes::",
            "hearth_web::engine::views::card::device",
            "hearth_web::engine::views::chart::ChartScreen>::open_patch",
            "hearth_web::engine::views::retained::RetainedScreen>::open_patch",
            "hearth_web::engine::views::topic::TopicScreen>::open_patch",
            "hearth_web::engine::views::tree::TreeScreen>::open",
            "hearth_web::engine::views::tree::TreeScreen>::search",
            "hearth_web::wire::apart::serialize",
        ],
        not: &[],
    },
    // The page: where the broker is.
    Part {
        name: "connect",
        of: &[
            "hearth_web::components::form::answer::",
            "hearth_web::components::form::connect::",
            "hearth_web::components::form::doctor::",
            "hearth_web::components::form::exchange::",
            "hearth_web::components::form::will::",
            "hearth_web::pages::connect::",
            "hearth_web::pages::known::",
            "hearth_web::pages::subscriptions::",
        ],
        not: &[],
    },
    // The page: everything beyond Home and Connect.
    Part {
        name: "pages",
        of: &[
            "hearth_web::chart::",
            "hearth_web::components::form::publish::",
            "hearth_web::components::form::sent::",
            "hearth_web::components::copy::",
            "hearth_web::components::payload::",
            "hearth_web::components::pick::",
            "hearth_web::components::tree::",
            "hearth_web::pages::arrange::",
            "hearth_web::pages::correct::",
            "hearth_web::pages::device::",
            "hearth_web::pages::explorer::",
            "hearth_web::pages::export::",
            "hearth_web::pages::hand::",
            "hearth_web::pages::messages::",
            "hearth_web::pages::replay::",
            "hearth_web::pages::retained::",
            "hearth_web::pages::settings::",
            "hearth_web::pages::topic::",
            "hearth_web::pages::tree_tools::",
            "hearth_web::platform::unpack::",
            "hearth_web::wire::apart::deserialize",
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
/// names say nothing about who calls them. Making and dropping what was never used is no reason to load anything either.
pub(crate) const ALIKE: &[&str] = &[
    "core::ptr::drop_in_place::",
    "core::clone::Clone>::clone",
    "core::default::Default>::default",
    ">>::dying_next",
    "UseReducerHandle",
];
/// A function smaller than this stays for the same reason, and because its stub would be no smaller.
pub(crate) const SMALLEST: usize = 100;
