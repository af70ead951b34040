//! A recording: chosen, looked through, and shown or published.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use crate::{
    components::{form::field::Choice, icon::Icon, text::visible, vars::Styled, words},
    hooks::{
        EngineHandle, Engines, MOST_ENGINES, use_connection, use_engine, use_engines, use_look_only,
        use_replay,
    },
    platform::{document, files, locale, unpack},
    wire::{Command, ConnectionState, ReplayCommand, ReplayState, ReplayView},
};

/// Times as fast as it was recorded, 0 as fast as possible, and the words for it.
const SPEEDS: [(u32, &str); 5] = [
    (1, "As recorded"),
    (10, "× 10"),
    (60, "× 60"),
    (600, "× 600"),
    (0, "At once"),
];
/// `id` of the question before publishing.
const QUESTION: &str = "replay-question";
const SPEED_IDS: [&str; 5] = [
    "replay-1",
    "replay-10",
    "replay-60",
    "replay-600",
    "replay-at-once",
];

/// The page of recordings.
#[component]
pub(crate) fn Replay() -> Html {
    let (view, engine) = (use_replay(), use_engine());
    let on_file = Callback::from(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        if let Some(file) = files::taken(&input) {
            give(&engine, file);
        }
    });
    html! {
        <div class="settings">
            <section class="panel" aria-labelledby="replay-h">
                <header class="panel__head"><h2 id="replay-h">{"Recording"}</h2></header>
                <div class="panel__body stack">
                    <p>{"Messages from a file, shown as if a home were sending them, or published to the broker again."}</p>
                    <div class="row row--wrap">
                        <label class="btn file"><Icon name="history" small=true />{"Choose a file…"}
                            <input class="vh" type="file" data-testid="replay-file" onchange={on_file} />
                        </label>
                        <span class="ink2 small">{"or drop one anywhere on this page."}</span>
                    </div>
                    <p class="hint">{"JSON Lines and CSV from Export, also packed by gzip, output of mosquitto_sub (-F %J, or -v), and JSON exports of MQTTX."}</p>
                </div>
            </section>
            if let Some(view) = view { <Recording {view} /> }
        </div>
    }
}

/// Gives the engine a file to read; one that gzip packed is unpacked first.
pub(crate) fn give(engine: &EngineHandle, file: File) {
    let engine = engine.clone();
    spawn_local(async move {
        let name = file.name();
        match unpack::unpacked(file).await {
            Ok(file) => {
                files::hold(&file);
                engine.give(file);
            }
            Err(why) => engine.refuse_file(name, why),
        }
    });
}

#[derive(Properties, PartialEq)]
struct RecordingProps {
    view: Rc<ReplayView>,
}

/// What is in the file, and what can be done with it.
#[component]
fn Recording(props: &RecordingProps) -> Html {
    let view = &props.view;
    let (engine, engines, connection) = (use_engine(), use_engines(), use_connection());
    let look_only = use_look_only();
    let asks = use_state_eq(|| false);
    let on_speed = {
        let engine = engine.clone();
        Callback::from(move |number: u8| {
            let speed = SPEEDS.get(usize::from(number)).map_or(1, |(speed, _)| *speed);
            engine.send(Command::Replay(ReplayCommand::Speed(speed)));
        })
    };
    let is_free = matches!(connection.state, ConnectionState::None | ConnectionState::Down);
    let full = !is_free && engines.as_ref().is_some_and(Engines::are_full);
    let on_show = {
        let (engine, view) = (engine.clone(), view.clone());
        Callback::from(move |_: MouseEvent| match (&engines, files::held()) {
            (Some(engines), Some(file)) if !is_free => {
                // A home that is connected and a recording are never mixed: the recording gets an engine of its own.
                let speed = view.speed;
                engines.add_with(Callback::from(move |beside: EngineHandle| {
                    beside.give(file.clone());
                    beside.send(Command::Replay(ReplayCommand::Speed(speed)));
                    beside.send(Command::Replay(ReplayCommand::Show));
                }));
                engine.send(Command::Replay(ReplayCommand::Close));
            }
            _ => engine.send(Command::Replay(ReplayCommand::Show)),
        })
    };
    use_effect_with(*asks, |asks| {
        if *asks {
            document::focus_id(QUESTION);
        }
    });
    let set_asks = |value: bool| {
        let asks = asks.clone();
        Callback::from(move |_: MouseEvent| asks.set(value))
    };
    let on_publish = {
        let (asks, engine) = (asks.clone(), engine.clone());
        Callback::from(move |_: MouseEvent| {
            asks.set(false);
            engine.send(Command::Replay(ReplayCommand::Publish));
        })
    };
    let broker = if connection.name.is_empty() {
        &connection.url
    } else {
        &connection.name
    };
    let ready = matches!(view.state, ReplayState::Ready | ReplayState::Ended);
    let connected = connection.state == ConnectionState::Connected;
    let chosen = SPEEDS
        .iter()
        .zip(0..)
        .find(|((speed, _), _)| *speed == view.speed);
    let options = SPEEDS.iter().zip(SPEED_IDS).zip(0..);
    html! {
        <section class="panel recording" aria-labelledby="recording-h" data-testid="replay" data-state={state_name(&view.state)}
            data-messages={view.messages.to_string()} data-played={view.played.to_string()} data-faulty={view.faulty.to_string()}>
            <header class="panel__head"><h2 id="recording-h" class="grow clip"><bdi>{visible(&view.name)}</bdi></h2></header>
            <div class="panel__body stack">
                <p role="status">{said(view)}</p>
                if ready {
                    <Choice legend="How fast" name="replay-speed" chosen={chosen.map_or(0, |(_, at)| at)} on_choose={on_speed}
                        options={options.map(|(((_, words), id), at)| (at, *words, Some(id))).collect::<Vec<_>>()} />
                    <p class="hint">{"“At once” keeps the times of the file; otherwise messages arrive now."}</p>
                    <div class="row row--wrap">
                        <button class="btn btn--primary" type="button" onclick={on_show} disabled={full} data-testid="replay-show">
                            <Icon name="play" small=true />{"Show it here"}</button>
                        if connected && !view.demonstration {
                            <button class="btn" type="button" onclick={set_asks(true)} disabled={look_only.is_some()} data-testid="replay-ask">
                                {"Publish it to the broker…"}</button>
                        }
                    </div>
                    if full {
                        <p class="hint">{format!("{MOST_ENGINES} connections are the most at one time: end one to show it here.")}</p>
                    } else if connected && !view.demonstration {
                        <p class="hint">
                            if let Some(why) = look_only {
                                {why}
                            } else {
                                {"Shown here, it stands beside the connection as one of its own, and nothing is published."}
                            }
                        </p>
                    }
                    if *asks {
                        <div class="banner banner--in row--wrap" role="alertdialog" aria-label="Publish the recording?" id={QUESTION} tabindex="-1">
                            <p class="grow"><strong>{format!("Publish {} to {}?", words::count(view.messages, "message", "messages"), visible(broker))}</strong>
                                {" Devices and everybody who listens there will take them for real. Retained ones replace what the broker keeps."}</p>
                            <button class="btn btn--danger" type="button" onclick={on_publish} data-testid="replay-publish">{"Publish"}</button>
                            <button class="btn" type="button" onclick={set_asks(false)}>{"Cancel"}</button>
                        </div>
                    }
                }
                if !view.faults.is_empty() {
                    <details open=true>
                        <summary><Icon name="right" small=true />{format!("Could not be read ({})", locale::number(&view.faulty.to_string()))}</summary>
                        <ul class="topiclist">
                            { for view.faults.iter().map(|(line, reason)| html! {
                                <li data-testid="replay-fault" data-line={line.to_string()}>{format!("Line {line}: {}.", visible(reason))}</li>
                            })}
                        </ul>
                    </details>
                }
            </div>
        </section>
    }
}

fn state_name(state: &ReplayState) -> &'static str {
    match state {
        ReplayState::Reading => "reading",
        ReplayState::Ready => "ready",
        ReplayState::Playing => "playing",
        ReplayState::Paused => "paused",
        ReplayState::Ended => "ended",
        ReplayState::Failed(_) => "failed",
    }
}

/// What is known of a recording, in sentences.
fn said(view: &ReplayView) -> String {
    let number = |n: u64| locale::number(&n.to_string());
    let mut said = match &view.state {
        ReplayState::Failed(why) => visible(why),
        ReplayState::Reading => format!(
            "Reading: {} of {}.",
            words::bytes(view.read),
            words::bytes(view.bytes)
        ),
        _ => format!("{}.", words::count(view.messages, "message", "messages")),
    };
    match view.to {
        // What times there are is known when all is read.
        _ if view.state == ReplayState::Reading || view.messages == 0 => {}
        0 => said.push_str(" The file says no times: ten messages a second."),
        to => {
            let span = words::interval(to - view.from);
            said.push_str(&format!(
                " From {}, over {span}.",
                locale::date_and_time(view.from)
            ));
        }
    }
    let mut note = |count: u64, text: &str| {
        if count > 0 {
            said.push_str(&format!(" {} {text}", number(count)));
        }
    };
    note(view.faulty, "lines could not be read.");
    note(view.beyond, "further messages had no room.");
    note(view.failed, "were not published.");
    if !view.why.is_empty() {
        said.push_str(&format!(" The last: {}", visible(&view.why)));
    }
    said
}

/// On every page while a recording is played or shown: what it is, how far it is, and the way out.
#[component]
pub(crate) fn Playing() -> Html {
    let (view, engine, connection) = (use_replay(), use_engine(), use_connection());
    let engines = use_engines();
    let is_on = |view: &Rc<ReplayView>| {
        view.demonstration || matches!(view.state, ReplayState::Playing | ReplayState::Paused)
    };
    let Some(view) = view.filter(is_on) else {
        return Html::default();
    };
    let send = |command: ReplayCommand| {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| engine.send(Command::Replay(command)))
    };
    let on_close = {
        let engine = engine.clone();
        Callback::from(move |_: MouseEvent| match &engines {
            // The engine was there for the demonstration alone.
            Some(engines) if engines.all.len() > 1 && connection.state == ConnectionState::None => {
                engines.end(&engine);
            }
            _ => engine.send(Command::Replay(ReplayCommand::Close)),
        })
    };
    html! {
        <Player {view} on_pause={send(ReplayCommand::Pause)} on_resume={send(ReplayCommand::Resume)} on_stop={send(ReplayCommand::Stop)} {on_close} />
    }
}

#[derive(Properties, PartialEq, Clone)]
struct PlayerProps {
    view: Rc<ReplayView>,
    on_pause: Callback<MouseEvent>,
    on_resume: Callback<MouseEvent>,
    on_stop: Callback<MouseEvent>,
    on_close: Callback<MouseEvent>,
}

#[component]
fn Player(props: &PlayerProps) -> Html {
    let view = &props.view;
    let number = |n: u64| locale::number(&n.to_string());
    let done = view.played as f32 / view.messages.max(1) as f32;
    let (title, text) = if view.demonstration {
        (
            "Demonstration",
            ". What you see is from this file; nothing is published. ",
        )
    } else {
        ("Publishing", " to the broker. ")
    };
    let button = |words: &'static str, testid: &'static str, onclick: &Callback<MouseEvent>| {
        html! { <button class="btn btn--dense" type="button" {onclick} data-testid={testid}>{words}</button> }
    };
    html! {
        <div class="banner player" role="group" aria-label="Recording" data-testid="replay-banner" data-state={state_name(&view.state)}
            data-demonstration={view.demonstration.to_string()} data-played={view.played.to_string()}>
            <Icon name={if view.demonstration { "sim" } else { "up" }} />
            <p class="grow"><strong>{title}{": "}<bdi>{visible(&view.name)}</bdi></strong>{text}
                <span class="num">{format!("{} of {}", number(view.played), words::count(view.messages, "message", "messages"))}</span>
                if view.failed > 0 { {format!(", {} not published", number(view.failed))} }
                <Styled tag="span" class={classes!("meter")} vars={vec![("--v", format!("{done:.3}"))]}><i></i></Styled></p>
            <span class="row">
                if view.state == ReplayState::Playing { {button("Pause", "replay-pause", &props.on_pause)} }
                if view.state == ReplayState::Paused { {button("Go on", "replay-resume", &props.on_resume)} }
                if matches!(view.state, ReplayState::Playing | ReplayState::Paused) { {button("Stop", "replay-stop", &props.on_stop)} }
                if view.demonstration { {button("End demonstration", "replay-close", &props.on_close)} }
            </span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    fn view() -> ReplayView {
        ReplayView {
            name: "<b>home</b>.jsonl".into(),
            state: ReplayState::Playing,
            demonstration: true,
            speed: 10,
            messages: 1_200,
            played: 300,
            from: 1_700_000_000_000,
            to: 1_700_003_600_000,
            faulty: 2,
            ..ReplayView::default()
        }
    }

    fn player(view: ReplayView) -> String {
        render::<Player>(PlayerProps {
            view: Rc::new(view),
            on_pause: Callback::noop(),
            on_resume: Callback::noop(),
            on_stop: Callback::noop(),
            on_close: Callback::noop(),
        })
    }

    #[test]
    fn a_demonstration_is_marked_and_can_be_ended() {
        let html = player(view());
        for part in [
            "Demonstration",
            "nothing is published",
            "300 of 1,200 messages",
            "replay-pause",
            "replay-close",
            "&lt;b&gt;",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let html = player(ReplayView {
            demonstration: false,
            state: ReplayState::Paused,
            failed: 7,
            ..view()
        });
        for part in ["Publishing", "7 not published", "replay-resume", "replay-stop"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("replay-close"), "{html}");
    }

    #[test]
    fn what_a_file_holds_is_said_with_what_could_not_be_read() {
        let text = said(&view());
        assert!(
            text.starts_with("1,200 messages. From ")
                && text.ends_with("over 1 h. 2 lines could not be read."),
            "{text}"
        );
        let untimed = ReplayView {
            from: 0,
            to: 0,
            failed: 1,
            why: "Topics that begin with $ are the broker's own.".into(),
            ..view()
        };
        let reading = ReplayView {
            state: ReplayState::Reading,
            ..view()
        };
        assert!(!said(&reading).contains("no times"), "{}", said(&reading));
        let text = said(&untimed);
        assert!(
            text.contains("no times") && text.contains("1 were not published. The last: Topics"),
            "{text}"
        );
    }
}
