//! Icons of the sprite in `icons.svg`, which the page carries inline.

use yew::prelude::*;

/// What [`Icon`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct IconProps {
    /// Symbol of the sprite without `i-`.
    pub(crate) name: &'static str,
    #[prop_or_default]
    pub(crate) small: bool,
    #[prop_or_default]
    pub(crate) class: Classes,
}

/// An icon; words stand beside it or in the label of what holds it.
#[component]
pub(crate) fn Icon(props: &IconProps) -> Html {
    html! {
        <svg class={classes!("i", props.small.then_some("i--16"), props.class.clone())} aria-hidden="true">
            <use href={format!("#i-{}", props.name)} />
        </svg>
    }
}

/// The glyph of a kind of device or entity; `on` and `open` have glyphs of their own.
pub(crate) fn kind_icon(kind: &str, on: bool) -> &'static str {
    match kind {
        "climate" | "temperature" => "thermo",
        "humidity" | "leak" | "water" | "moisture" | "humidifier" | "valve" => "drop",
        "light" => "bulb",
        "plug" | "outlet" | "switch" | "fan" | "siren" => "plug",
        "power" | "energy" => "bolt",
        "door" | "garage" if on => "dooropen",
        "door" | "garage" => "door",
        "window" if on => "windowopen",
        "window" => "window",
        "motion" | "presence" | "occupancy" => "motion",
        "lock" if on => "unlock",
        "lock" | "alarm" => "lock",
        "cover" | "blind" => "blind",
        "battery" => "batt",
        "washer" => "washer",
        "smoke" => "smoke",
        "weather" | "air" => "cloud",
        "heater" | "thermostat" | "water_heater" => "flame",
        "bridge" | "server" => "server",
        "number" | "sensor" => "gauge",
        "text" => "text",
        _ => "raw",
    }
}
