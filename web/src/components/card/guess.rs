//! The mark on what Hearth guessed, with the explanation behind it.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    components::{icon::Icon, text::visible},
    pages::route::Route,
    wire::DeviceCard,
};

/// What [`Guess`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct GuessProps {
    /// Of the explanation, unique on the page.
    pub(crate) id: AttrValue,
    pub(crate) card: Rc<DeviceCard>,
}

/// "Guess", and on request what was guessed from what.
#[component]
pub(crate) fn Guess(props: &GuessProps) -> Html {
    let card = &*props.card;
    html! {
        <>
            <button class="guess" type="button" popovertarget={props.id.clone()}
                aria-label={format!("Guess: what Hearth assumes about {}", visible(&card.name))}>
                <Icon name="guess" small=true />{"Guess"}
            </button>
            <div class="explain" id={props.id.clone()} popover="auto" role="note">
                <h4>{"Hearth guessed this"}</h4>
                <ul>
                    { for card.entities.iter().filter(|entity| super::is_guessed(entity)).map(|entity| html! {
                        <li>
                            <strong><bdi>{visible(&entity.name)}</bdi></strong>{": "}
                            if entity.guessed {
                                if entity.unit.is_empty() {
                                    {"what it is, from the words in its topic and the form of its values. "}
                                } else {
                                    {format!("the unit {}, from the words in its topic and the range of its values. ", entity.unit)}
                                }
                            }
                            if entity.control.as_ref().is_some_and(|control| control.guessed) {
                                {"How to switch it, from the form of its topic. "}
                            }
                            <code class="topicline"><bdi>{visible(&entity.topic)}</bdi></code>
                        </li>
                    })}
                </ul>
                <p class="row row--wrap">
                    <a class="btn" href={Route::Device { id: card.id.clone() }.href()}>{"See its topics"}</a>
                    <button class="btn btn--quiet" type="button" popovertarget={props.id.clone()}
                        popovertargetaction="hide">{"Close"}</button>
                </p>
            </div>
        </>
    }
}
