//! First run: no broker yet, or connected and nothing heard. Never a dead end.

use yew::prelude::*;

use super::{icon::Icon, text::visible, words};
use crate::{
    pages::route::Route,
    wire::{Counters, SubscriptionView},
};

/// The house with its fire, and devices around it.
#[component]
pub(crate) fn Scene() -> Html {
    html! {
        <svg class="scene" viewBox="0 0 340 176" fill="none" aria-hidden="true" stroke-linecap="round" stroke-linejoin="round">
            <path class="scene__ground" d="M16 160h308" />
            <g class="scene__house">
                <path d="M92 160V82l78-58 78 58v78" /><path d="M214 55V30h16v37" />
                <path class="scene__arch" d="M132 160v-38a38 38 0 0 1 76 0v38" />
            </g>
            <g transform="translate(0 -6)">
                <path class="scene__fire" d="M171 104c1.2 14 20 20 20 38a21 21 0 0 1-42 0c0-9 4-14.5 8.5-19 1.2 5 3.5 8 7 9.5-1.8-10 .5-20 6.5-28.5z" />
                <path class="scene__core" d="M171 134c.5 6 8 8 8 15a8 8 0 0 1-16 0c0-4 2-6 4-8 .4 2 1.2 3 2.5 3.5-.5-4 0-7.5 1.5-10.5z" />
            </g>
            <path class="scene__wires" d="M60 74h26M50 116h36M256 92h26M256 132h24" />
            <g class="scene__box">
                <rect x="20" y="58" width="32" height="32" rx="9" /><rect x="10" y="100" width="32" height="32" rx="9" />
                <rect x="288" y="76" width="32" height="32" rx="9" /><rect x="286" y="116" width="32" height="32" rx="9" />
            </g>
            <g class="scene__icon">
                <path transform="translate(26 64) scale(.84)" d="M10 14.3V6a2 2 0 0 1 4 0v8.3a4 4 0 1 1-4 0z" />
                <path transform="translate(16 106) scale(.84)" d="M12 3.5a6 6 0 0 0-3.5 10.9c.6.5 1 1.2 1 2v.1h5v-.1c0-.8.4-1.5 1-2A6 6 0 0 0 12 3.5zM10 20h4" />
                <path transform="translate(294 82) scale(.84)" d="M9 7V3.5M15 7V3.5M12 17v3.5M6.5 7h11v4.5a5.5 5.5 0 0 1-11 0z" />
                <path transform="translate(292 122) scale(.84)" d="M5.5 12.5a2 2 0 0 1 2-2h9a2 2 0 0 1 2 2V18a2 2 0 0 1-2 2h-9a2 2 0 0 1-2-2zM8.5 10.5V7.5a3.5 3.5 0 0 1 7 0v3" />
            </g>
        </svg>
    }
}

/// What [`Welcome`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct WelcomeProps {
    /// The form that asks for the address.
    pub(crate) children: Html,
}

/// "Where is your broker?"
#[component]
pub(crate) fn Welcome(props: &WelcomeProps) -> Html {
    html! {
        <section class="empty__in" aria-labelledby="start-h">
            <Scene />
            <div>
                <h2 id="start-h">{"Where is your broker?"}</h2>
                <p class="lead">{"Hearth reads your home from an MQTT broker. Tell it the WebSocket address and your devices appear on their own."}</p>
            </div>
            {props.children.clone()}
            <ul class="facts">
                <li><Icon name="shield" /><span>{"This browser talks straight to your broker. No account, no cloud, nothing sent elsewhere."}</span></li>
                <li><Icon name="home" /><span>{"Cards are made from the topics your devices already use. What is a guess is marked as one."}</span></li>
            </ul>
            <div class="empty__or"><a class="btn btn--quiet" href={Route::Connect.href()}>{"All connection settings"}</a>
                <a class="btn btn--quiet" href={Route::Replay.href()}>{"Look at a recording"}</a></div>
        </section>
    }
}

/// What [`Listening`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct ListeningProps {
    pub(crate) counters: Counters,
    pub(crate) subscriptions: std::rc::Rc<Vec<SubscriptionView>>,
    /// How long the connection stands, ms.
    pub(crate) connected_for: u64,
}

/// After this a silent connection is explained.
const SILENT_AFTER_MS: u64 = 15_000;

/// Connected, no device yet: says what is awaited, and after a while why nothing may come.
#[component]
pub(crate) fn Listening(props: &ListeningProps) -> Html {
    let silent = props.counters.received == 0 && props.connected_for >= SILENT_AFTER_MS;
    let refused = props
        .subscriptions
        .iter()
        .filter(|subscription| subscription.refused)
        .count();
    html! {
        <section class="empty__in" aria-labelledby="lis-h">
            <Scene />
            <div>
                <h2 id="lis-h">{if silent { "Connected, but silent" } else { "Connected. Listening for devices." }}</h2>
                <p class="lead">{lead(silent, refused, props.subscriptions.len())}</p>
            </div>
            <ul class="panel scan" aria-live="polite">
                { for props.subscriptions.iter().map(scanned) }
                <li>
                    <span class="doc__m doc__m--quiet"><Icon name="minus" small=true /></span>
                    <span>{"Messages"}<span class="sub sub--block">
                        {format!("{} seen", words::count(u64::from(props.counters.topics), "topic", "topics"))}
                    </span></span>
                    <span>{words::count(props.counters.received, "message", "messages")}</span>
                </li>
            </ul>
            <div class="empty__or">
                <a class="btn" href={Route::Explorer { topic: None }.href()}>{"See what arrives"}</a>
                <a class="btn btn--quiet" href={Route::Connect.href()}>{"Use another broker"}</a>
            </div>
        </section>
    }
}

fn lead(silent: bool, refused: usize, subscriptions: usize) -> &'static str {
    match (silent, refused) {
        (_, refused) if refused > 0 && refused == subscriptions => {
            "The broker refused every subscription, so nothing can arrive. This user may not read these topics: ask for read access, or sign in as another user."
        }
        (true, 0) => {
            "The broker accepted the subscription but has sent nothing. It keeps no retained messages, and no device has spoken since. Is this the broker that your devices use?"
        }
        (true, _) => {
            "Some subscriptions were refused and the others have brought nothing. See below which; this user may not read those topics."
        }
        (false, _) => {
            "Devices appear when they speak or when their last message is kept by the broker. Battery sensors may take an hour."
        }
    }
}

fn scanned(subscription: &SubscriptionView) -> Html {
    let (class, icon) = match (subscription.refused, subscription.result.starts_with("granted")) {
        (true, _) => ("doc__m--bad", "x"),
        (false, true) => ("doc__m--good", "check"),
        (false, false) => ("doc__m--quiet", "minus"),
    };
    html! {
        <li key={subscription.filter.clone()}>
            <span class={classes!("doc__m", class)}><Icon name={icon} small=true /></span>
            <span>{if subscription.filter == "#" { "Everything" } else { "Subscription" }}
                <span class="sub sub--block mono"><bdi>{visible(&subscription.filter)}</bdi></span></span>
            <span>{visible(&subscription.result)}</span>
        </li>
    }
}

/// What [`Explained`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ExplainedProps {
    pub(crate) title: AttrValue,
    pub(crate) text: AttrValue,
    #[prop_or_default]
    pub(crate) children: Html,
}

/// A page without content, and what to do instead.
#[component]
pub(crate) fn Explained(props: &ExplainedProps) -> Html {
    html! {
        <section class="empty__in">
            <div><h2>{props.title.clone()}</h2><p class="lead">{props.text.clone()}</p></div>
            <div class="empty__or">{props.children.clone()}</div>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn listening(received: u64, refused: bool, connected_for: u64) -> String {
        render::<Listening>(ListeningProps {
            counters: Counters {
                received,
                ..Counters::default()
            },
            subscriptions: std::rc::Rc::new(vec![SubscriptionView {
                filter: "#".into(),
                qos: 0,
                options: 0,
                id: 0,
                result: if refused {
                    "refused: not authorized"
                } else {
                    "granted QoS 0"
                }
                .into(),
                refused,
            }]),
            connected_for,
        })
    }

    #[test]
    fn a_silent_connection_is_explained_after_a_while() {
        assert!(listening(0, false, 1_000).contains("Listening for devices"));
        assert!(listening(0, false, 20_000).contains("Connected, but silent"));
        assert!(listening(5, false, 20_000).contains("Listening for devices"));
    }

    #[test]
    fn a_refused_subscription_is_named_with_its_reason() {
        let html = listening(0, true, 1_000);
        assert!(
            html.contains("refused every subscription") && html.contains("not authorized"),
            "{html}"
        );
    }
}
