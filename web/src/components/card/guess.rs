//! The mark on what Hearth guessed, with the explanation behind it.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    components::{icon::Icon, text::visible},
    pages::route::Route,
    wire::{DeviceCard, EntityView},
};

/// What [`Guess`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct GuessProps {
    /// Of the explanation, unique on the page.
    pub(crate) id: AttrValue,
    pub(crate) card: Rc<DeviceCard>,
}

/// "Guess", and on request what was guessed from what.
#[component]
pub(crate) fn Guess(props: &GuessProps) -> Html {
    // Hundreds of cards may carry the mark: only an explanation that was asked for is drawn.
    let asked = use_state(|| false);
    let ask = {
        let asked = asked.clone();
        Callback::from(move |_: MouseEvent| asked.set(true))
    };
    html! {
        <>
            <button class="guess" type="button" popovertarget={props.id.clone()} onclick={ask}
                aria-label={format!("Guess: what Hearth assumes about {}", visible(&props.card.name))}>
                <Icon name="guess" small=true />{"Guess"}
            </button>
            <div class="explain" id={props.id.clone()} popover="auto" role="note">
                if *asked { <Explanation id={props.id.clone()} card={props.card.clone()} /> }
            </div>
        </>
    }
}

/// What was guessed, and from which topic.
#[component]
pub(crate) fn Explanation(props: &GuessProps) -> Html {
    let card = &*props.card;
    html! {
        <>
            <h4>{"Hearth guessed this"}</h4>
            <ul>{ for card.entities.iter().filter(|entity| super::is_guessed(entity)).map(guessed) }</ul>
            <p class="row row--wrap">
                <a class="btn" href={Route::Device { id: card.id.clone() }.href()}>{"See its topics"}</a>
                <button class="btn btn--quiet" type="button" popovertarget={props.id.clone()}
                    popovertargetaction="hide">{"Close"}</button>
            </p>
        </>
    }
}

fn guessed(entity: &EntityView) -> Html {
    let what = match (entity.guessed, entity.unit.as_str()) {
        (false, _) => String::new(),
        (true, "") => "what it is, from the words in its topic and the form of its values. ".to_owned(),
        (true, unit) => {
            format!(
                "the unit {}, from the words in its topic and the range of its values. ",
                visible(unit)
            )
        }
    };
    html! {
        <li>
            <strong><bdi>{visible(&entity.name)}</bdi></strong>{": "}{what}
            if entity.control.as_ref().is_some_and(|control| control.guessed) {
                {"how to switch it, from the form of its topic. "}
            }
            <code class="topicline"><bdi>{visible(&entity.topic)}</bdi></code>
        </li>
    }
}
