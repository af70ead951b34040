//! What was published from this page, to be used again. It is kept in memory only: payloads may be nobody else's business.

use std::{cell::RefCell, rc::Rc};

use yew::prelude::*;

use super::publish::Draft;
use crate::{
    components::{
        icon::Icon,
        text::{shortened, visible},
    },
    hooks::EngineHandle,
    wire::{Outcome, RequestId},
};

/// Messages kept; the oldest goes first.
const MOST: usize = 20;
/// Characters of a payload that are shown.
const LONGEST: usize = 60;

thread_local! {
    static SENT: RefCell<Vec<Rc<Draft>>> = const { RefCell::new(Vec::new()) };
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// The message sent last: it may be under way while another topic is looked at.
#[derive(Clone, PartialEq)]
pub(crate) struct Last {
    pub(crate) engine: EngineHandle,
    pub(crate) request: RequestId,
    pub(crate) topic: AttrValue,
    /// A response was to be waited for.
    pub(crate) waits: bool,
}

impl Last {
    /// As long as the outcome is this, the message can be stopped.
    pub(crate) fn is_under_way(&self, outcome: Option<&Outcome>) -> bool {
        match outcome {
            Some(Outcome::Progress { over, .. }) => !over,
            Some(Outcome::Queued | Outcome::Sent | Outcome::Acknowledged(_)) => self.waits,
            Some(Outcome::Answered(_) | Outcome::Failed(_)) | None => false,
        }
    }
}

/// The message sent last by this engine.
pub(crate) fn last(engine: &EngineHandle) -> Option<Last> {
    LAST.with_borrow(Clone::clone)
        .filter(|last| last.engine == *engine)
}

/// Puts it in the place of the one before.
pub(crate) fn set_last(last: &Last) {
    LAST.with_borrow_mut(|known| *known = Some(last.clone()));
}

/// Puts a message first; the same one is kept once.
pub(crate) fn remember(draft: &Rc<Draft>) {
    SENT.with_borrow_mut(|sent| {
        sent.retain(|known| known != draft);
        sent.insert(0, draft.clone());
        sent.truncate(MOST);
    });
}

/// Latest first.
fn all() -> Vec<Rc<Draft>> {
    SENT.with_borrow(Clone::clone)
}

/// What [`Sent`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct SentProps {
    pub(crate) on_use: Callback<Draft>,
}

/// The list, closed until somebody wants it.
#[component]
pub(crate) fn Sent(props: &SentProps) -> Html {
    let sent = all();
    if sent.is_empty() {
        return Html::default();
    }
    html! {
        <details>
            <summary data-testid="publish-sent-open"><Icon name="right" small=true />{"Sent before "}<span class="muted">{sent.len()}</span></summary>
            <ul class="stack fgroup__more">
                { for sent.into_iter().map(|draft| {
                    let payload = shortened(&visible(&draft.payload), LONGEST);
                    let topic = visible(&draft.topic);
                    let on_use = props.on_use.reform(move |_: MouseEvent| (*draft).clone());
                    html! {
                        <li><button class="link mono" type="button" onclick={on_use} data-testid="publish-sent">
                            <bdi>{topic}</bdi>{" "}<span class="muted"><bdi>{payload}</bdi></span>
                        </button></li>
                    }
                })}
            </ul>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[test]
    fn the_latest_messages_are_kept_once_each_and_shown_as_text() {
        for n in 0..30 {
            remember(&Rc::new(Draft {
                topic: format!("t/{}", n % 25),
                payload: "<b>".into(),
                ..Draft::default()
            }));
        }
        let topics: Vec<_> = all().iter().map(|draft| draft.topic.clone()).collect();
        assert_eq!(topics.len(), MOST);
        assert_eq!(topics[..3], ["t/4", "t/3", "t/2"]);
        let html = render::<Sent>(SentProps {
            on_use: Callback::noop(),
        });
        assert!(html.contains("t/4") && !html.contains("<b>"), "{html}");
    }
}
