//! Six facts about the whole home. Wording changes, places do not.

use yew::prelude::*;

use super::{card::tone_class, icon::Icon, text::visible};
use crate::{platform::locale, wire::GlanceFact};

/// What [`Glance`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct GlanceProps {
    pub(crate) facts: Vec<GlanceFact>,
}

/// The strip at the top of Home.
#[component]
pub(crate) fn Glance(props: &GlanceProps) -> Html {
    html! {
        <section aria-label="The home now">
            <ul class="glance">{ for props.facts.iter().map(fact) }</ul>
        </section>
    }
}

fn fact(fact: &GlanceFact) -> Html {
    let (label, icon) = match fact.key.as_str() {
        "inside" => ("Inside, average", "thermo"),
        "outside" => ("Outside", "cloud"),
        "openings" => (
            "Doors and windows",
            if fact.value.contains("open") {
                "dooropen"
            } else {
                "door"
            },
        ),
        "locks" => ("Locks", "lock"),
        "power" => ("Power now", "bolt"),
        "lights" => ("Lights", "bulb"),
        other => (other, "gauge"),
    };
    html! {
        <li key={fact.key.clone()}>
            <span class={classes!("tile", tone_class(fact.tone))}><Icon name={icon} /></span>
            <span class="glance__k">{visible(label)}</span>
            <strong class="glance__v"><span class="still">
                {locale::number(&visible(&fact.value))}
                if !fact.unit.is_empty() {
                    {" "}<span class="unit">{visible(&fact.unit)}</span>
                }
            </span></strong>
        </li>
    }
}
