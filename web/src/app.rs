//! The whole page.

use yew::prelude::*;

use crate::hooks::{EngineProvider, use_connection, use_counters};

/// The root component.
#[component]
pub fn App() -> Html {
    html! { <EngineProvider><Pill /></EngineProvider> }
}

#[component]
fn Pill() -> Html {
    let connection = use_connection();
    let counters = use_counters();
    html! {
        <p data-testid="connection-state">{format!("{:?}", connection.state)}{" "}{counters.received}</p>
    }
}
