//! Messages that wait for the broker, and the way to take them back.

use yew::prelude::*;

use crate::{platform::locale, wire::Counters};

/// What [`Waiting`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct WaitingProps {
    pub(crate) counters: Counters,
    /// Nobody takes them now: they may be discarded.
    pub(crate) disconnected: bool,
    pub(crate) on_discard: Callback<()>,
}

/// "3 messages wait for the broker", and a button that discards those that were not sent.
#[component]
pub(crate) fn Waiting(props: &WaitingProps) -> Html {
    let queued = props.counters.queued;
    let discardable = props.disconnected && props.counters.discardable > 0;
    html! {
        <>
            <span class={classes!((queued == 0).then_some("vh"))} data-testid="queued-messages" data-value={queued.to_string()}>
                {words(queued)}
            </span>
            if discardable {
                <button class="btn btn--dense" type="button" data-testid="discard-queued"
                    onclick={props.on_discard.reform(|_: MouseEvent| ())}>
                    {format!("Discard {}", locale::number(&props.counters.discardable.to_string()))}
                </button>
            }
        </>
    }
}

fn words(queued: u32) -> String {
    match queued {
        1 => "1 message waits for the broker".to_owned(),
        n => format!("{} messages wait for the broker", locale::number(&n.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn shown(queued: u32, discardable: u32, disconnected: bool) -> String {
        render::<Waiting>(WaitingProps {
            counters: Counters {
                queued,
                discardable,
                ..Counters::default()
            },
            disconnected,
            on_discard: Callback::noop(),
        })
    }

    #[test]
    fn what_waits_is_counted_in_words() {
        assert!(shown(1, 0, false).contains("1 message waits for the broker"));
        assert!(shown(3_000, 0, false).contains("3,000 messages wait for the broker"));
        assert!(shown(3, 0, false).contains(r#"data-value="3""#));
    }

    #[test]
    fn only_what_was_not_sent_can_be_discarded_and_only_while_nobody_takes_it() {
        assert!(shown(3, 2, true).contains("Discard 2"));
        assert!(!shown(3, 2, false).contains("Discard"));
        assert!(!shown(3, 0, true).contains("Discard"));
    }
}
