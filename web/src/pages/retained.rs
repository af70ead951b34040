//! Retained messages: found, deleted after a dry run and a question, brought back.

use yew::prelude::*;

use super::route::Route;
use crate::{
    components::{
        form::{
            event_value,
            field::{Check, Choice},
        },
        icon::Icon,
        text::visible,
        words,
    },
    hooks::{use_engine, use_look_only, use_now, use_retained},
    platform::locale,
    wire::{
        Command, JobState, RETAINED_ROWS, RetainedCommand, RetainedJob, RetainedPlan, RetainedRow,
        RetainedView, RetainedWindow,
    },
};

/// Messages a second to choose from; the middle one at first.
const RATES: [(u32, &str, &str); 3] = [
    (10, "10", "retained-rate-10"),
    (100, "100", "retained-rate-100"),
    (1_000, "1,000", "retained-rate-1000"),
];

/// What [`Retained`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct RetainedProps {
    /// What is looked for at first.
    pub(crate) search: AttrValue,
}

/// The list, and what can be done with all of it.
#[component]
pub(crate) fn Retained(props: &RetainedProps) -> Html {
    let engine = use_engine();
    let window = use_state(|| RetainedWindow {
        search: props.search.to_string(),
        ..RetainedWindow::default()
    });
    let rate = use_state(|| 1_u8);
    let view = use_retained((*window).clone());
    let look_only = use_look_only();
    let command = use_callback(engine, |command: RetainedCommand, engine| {
        engine.send(Command::Retained(command));
    });
    let change = {
        let (window, command) = (window.clone(), command.clone());
        move |change: fn(&mut RetainedWindow, String)| {
            let (window, command) = (window.clone(), command.clone());
            Callback::from(move |text: String| {
                let mut next = (*window).clone();
                change(&mut next, text);
                // The plan was for what was found before.
                command.emit(RetainedCommand::Cancel);
                window.set(next);
            })
        }
    };
    let on_search = change(|window, text| (window.search, window.first_row) = (text, 0));
    let on_pattern = change(|window, on| (window.pattern, window.first_row) = (on == "true", 0));
    let on_page = Callback::from({
        let window = window.clone();
        move |first_row: u32| {
            window.set(RetainedWindow {
                first_row,
                ..(*window).clone()
            });
        }
    });
    let view = view.as_deref().cloned().unwrap_or_default();
    let per_second = RATES.get(usize::from(*rate)).map_or(10, |(rate, ..)| *rate);
    let act = |what: RetainedCommand| command.reform(move |_: MouseEvent| what);
    let running = view.job.as_ref().is_some_and(is_running);
    html! {
        <>
            <header class="detail__head"><div class="row">
                <a class="btn btn--dense only-detail" href={Route::Explorer { topic: None }.href()}><Icon name="left" small=true />{"Topics"}</a>
                <h2 class="grow">{"Retained messages"}</h2>
                <a class="btn btn--dense btn--icon btn--quiet only-wide" aria-label="Close retained messages" href={Route::Explorer { topic: None }.href()}><Icon name="x" /></a>
            </div></header>
            <div class="stack retained">
                <section class="panel" aria-label="Choose retained messages">
                    <div class="panel__body stack">
                        <p class="hint">{"What the broker keeps and hands to everybody who subscribes, as far as this page has seen it come as retained."}</p>
                        {search(&window, &view, &on_search, &on_pattern)}
                        <Choice legend="Messages a second" name="retained-rate" chosen={*rate}
                            options={RATES.iter().zip(0..).map(|((_, words, testid), at)| (at, *words, Some(*testid))).collect::<Vec<_>>()}
                            on_choose={let rate = rate.clone(); Callback::from(move |chosen| rate.set(chosen))} />
                        <div class="row row--wrap">
                            <button class="btn" type="button" disabled={view.found == 0 || running} onclick={act(RetainedCommand::Plan)}
                                data-testid="retained-dry-run">{"Delete… (dry run first)"}</button>
                            <button class="btn btn--quiet" type="button" onclick={act(RetainedCommand::Refresh)}
                                data-testid="retained-refresh">{"Ask the broker again"}</button>
                        </div>
                        <div class="stack" role="status">
                            if let Some(planned) = &view.plan { {plan(*planned, per_second, look_only.as_ref(), &act)} }
                            if let Some(job) = &view.job { {job_html(job, &act)} }
                        </div>
                        if view.undoable > 0 && !running {
                            <div class="row row--wrap">
                                <button class="btn" type="button" onclick={act(RetainedCommand::Undo(per_second))} disabled={look_only.is_some()}
                                    data-testid="retained-undo" data-count={view.undoable.to_string()}><Icon name="undo" small=true />
                                    {format!("Undo: publish {} again", words::count(u64::from(view.undoable), "message", "messages"))}</button>
                                <p class="hint">{"Possible until this page is closed or loaded again."}</p>
                            </div>
                        }
                    </div>
                </section>
                if !view.rows.is_empty() { <List view={view.clone()} {on_page} /> }
            </div>
        </>
    }
}

fn is_running(job: &RetainedJob) -> bool {
    matches!(job.state, JobState::Running | JobState::Waiting)
}

fn search(
    window: &RetainedWindow,
    view: &RetainedView,
    on_search: &Callback<String>,
    on_pattern: &Callback<String>,
) -> Html {
    let found = match &view.search_error {
        Some(error) => format!("This expression is not complete: {error}."),
        None => format!(
            "{}, {}",
            words::count(u64::from(view.found), "retained message", "retained messages"),
            words::bytes(view.bytes)
        ),
    };
    html! {
        <div class="field">
            <label for="retained-search">{"Topics"}</label>
            <input class="input mono" id="retained-search" type="search" placeholder="All. Text, or a filter with + and #" value={window.search.clone()}
                oninput={on_search.reform(|event: InputEvent| event_value(&event))} data-testid="retained-search" spellcheck="false"
                autocapitalize="off" autocomplete="off" aria-describedby="retained-note" aria-invalid={view.search_error.is_some().then_some("true")} />
            <p class="hint" id="retained-note" role="status" data-testid="retained-count" data-value={view.found.to_string()}>{found}</p>
            <Check checked={window.pattern} testid="retained-pattern" on_check={on_pattern.reform(|on: bool| on.to_string())}>{"Regular expression"}</Check>
        </div>
    }
}

/// The question before anything is deleted.
fn plan(
    plan: RetainedPlan,
    per_second: u32,
    look_only: Option<&AttrValue>,
    act: &dyn Fn(RetainedCommand) -> Callback<MouseEvent>,
) -> Html {
    let count = words::count(u64::from(plan.count), "retained message", "retained messages");
    let takes = words::lasting(u64::from(plan.count) * 1_000 / u64::from(per_second));
    html! {
        <div class="stack retained__ask" role="group" aria-label="Dry run" data-testid="retained-plan" data-count={plan.count.to_string()}>
            <p><strong>{format!("Delete {count} at the broker?")}</strong>{format!(" {}, it takes {takes}. Nothing was sent yet.", words::bytes(plan.bytes))}</p>
            if plan.newer > 0 {
                <p>{format!("{} heard again later without the mark of a retained message, so the broker may keep another one. “Ask the broker again” tells.",
                    words::count(u64::from(plan.newer), "topic was", "topics were"))}</p>
            }
            if plan.lost > 0 {
                <p class="warned" data-testid="retained-lost" data-value={plan.lost.to_string()}>
                    {format!("{} cannot be brought back: too large to be kept here.", words::count(u64::from(plan.lost), "message", "messages"))}</p>
            }
            if let Some(why) = look_only { <p class="hint">{why}</p> }
            <div class="row row--wrap">
                <button class="btn btn--danger" type="button" disabled={look_only.is_some()} onclick={act(RetainedCommand::Delete(per_second))}
                    data-testid="retained-delete"><Icon name="trash" small=true />{format!("Delete {count}")}</button>
                <button class="btn" type="button" onclick={act(RetainedCommand::Cancel)} data-testid="retained-cancel">{"Keep them"}</button>
            </div>
        </div>
    }
}

fn job_html(job: &RetainedJob, act: &dyn Fn(RetainedCommand) -> Callback<MouseEvent>) -> Html {
    let state = match job.state {
        JobState::Running => "running",
        JobState::Waiting => "waiting",
        JobState::Stopped => "stopped",
        JobState::Done => "done",
    };
    let over = job.done + job.failed + job.skipped;
    html! {
        <div class="stack" data-testid="retained-progress" data-state={state} data-done={job.done.to_string()}
            data-failed={job.failed.to_string()} data-skipped={job.skipped.to_string()} data-all={job.all.to_string()}>
            <p>{job_words(job)}</p>
            if is_running(job) {
                <div class="row">
                    <progress class="grow" max={job.all.to_string()} value={over.to_string()} aria-label="Progress" />
                    <button class="btn btn--dense" type="button" onclick={act(RetainedCommand::Stop)} data-testid="retained-stop"><Icon name="stop" small=true />{"Stop"}</button>
                </div>
            }
        </div>
    }
}

/// "Deleted 30 of 100, at most 10 a second."
fn job_words(job: &RetainedJob) -> String {
    let number = |number: u32| locale::number(&number.to_string());
    let done = if job.is_undo { "Published again" } else { "Deleted" };
    let mut text = format!("{done} {} of {}", number(job.done), number(job.all));
    match job.state {
        JobState::Running => text.push_str(&format!(", at most {} a second", number(job.per_second))),
        JobState::Waiting => text.push_str(", waiting for the connection"),
        JobState::Stopped => text.push_str(", stopped"),
        JobState::Done => {}
    }
    text.push('.');
    if job.skipped > 0 {
        text.push_str(&format!(
            " {} left alone: changed by somebody else meanwhile.",
            number(job.skipped)
        ));
    }
    if job.failed > 0 {
        text.push_str(&format!(
            " {} not, because: {}.",
            number(job.failed),
            visible(&job.why)
        ));
    }
    text
}

#[derive(Properties, PartialEq)]
struct ListProps {
    view: RetainedView,
    on_page: Callback<u32>,
}

#[component]
fn List(props: &ListProps) -> Html {
    let view = &props.view;
    let now = use_now(60);
    let last = view.first_row + u32::try_from(view.rows.len()).unwrap_or_default();
    let number = |number: u32| locale::number(&number.to_string());
    let page = |first_row: Option<u32>, icon: &'static str, label: &'static str| {
        html! {
            <button class="btn btn--dense btn--icon" type="button" aria-label={label} disabled={first_row.is_none()}
                onclick={props.on_page.reform(move |_: MouseEvent| first_row.unwrap_or_default())}><Icon name={icon} small=true /></button>
        }
    };
    html! {
        <section class="panel" aria-label="Retained messages found">
            <header class="panel__head">
                <h2>{"Found"}</h2><span class="sub">{format!("{} to {} of {}", number(view.first_row + 1), number(last), number(view.found))}</span>
                <div class="panel__end">
                    {page(view.first_row.checked_sub(RETAINED_ROWS), "left", "Previous messages")}
                    {page((last < view.found).then_some(last), "right", "Next messages")}
                </div>
            </header>
            <div class="scroll-x history" tabindex="0" role="region" aria-label="List of retained messages">
                <table class="table table--dense">
                    <thead><tr>
                        <th scope="col">{"Topic"}</th><th scope="col">{"Payload"}</th><th scope="col" class="r">{"Size"}</th>
                        <th scope="col" class="r">{"QoS"}</th><th scope="col">{"Received"}</th>
                    </tr></thead>
                    <tbody>{ for view.rows.iter().map(|row| row_html(row, now)) }</tbody>
                </table>
            </div>
        </section>
    }
}

fn row_html(row: &RetainedRow, now: u64) -> Html {
    let href = Route::Explorer {
        topic: Some(row.topic.clone()),
    }
    .href();
    html! {
        <tr key={row.topic.clone()} data-testid="retained-row" data-topic={row.topic.clone()}>
            <th scope="row" class="mono"><a class="link" {href}><bdi>{visible(&row.topic)}</bdi></a></th>
            <td class="history__p mono"><bdi>{visible(&row.preview)}</bdi>
                if row.newer { <span class="muted">{" (newer, unmarked)"}</span> }
            </td>
            <td class="r">{words::bytes(row.bytes)}</td><td class="r">{row.qos}</td>
            <td>{words::ago(row.received_at, words::step_now(row.received_at, now))}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::testing::render;

    #[derive(Properties, PartialEq, Clone)]
    struct QuestionProps {
        look_only: Option<AttrValue>,
    }

    #[component]
    fn Question(props: &QuestionProps) -> Html {
        let planned = RetainedPlan {
            count: 1_200,
            bytes: 48_000,
            lost: 2,
            newer: 1,
        };
        plan(planned, 100, props.look_only.as_ref(), &|_| Callback::noop())
    }

    #[test]
    fn the_question_says_how_many_how_long_and_what_cannot_be_brought_back() {
        let html = render::<Question>(QuestionProps { look_only: None });
        for part in [
            "Delete 1,200 retained messages at the broker?",
            "48.0 kB, it takes 10 s. Nothing was sent yet.",
            "1 topic was heard again",
            "2 messages cannot be brought back",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("disabled"), "{html}");
    }

    #[test]
    fn who_may_only_look_can_plan_and_not_delete() {
        let look_only = Some("You may look only.".into());
        let html = render::<Question>(QuestionProps { look_only });
        let button = html
            .split("<button")
            .find(|part| part.contains("retained-delete"));
        assert!(button.is_some_and(|button| button.contains("disabled")), "{html}");
        assert!(html.contains("You may look only."), "{html}");
    }

    #[test]
    fn a_job_says_how_far_it_is_and_what_did_not_go() {
        let job = RetainedJob {
            all: 1_200,
            done: 1_000,
            failed: 2,
            why: "Not authorized".into(),
            skipped: 1,
            per_second: 100,
            ..RetainedJob::default()
        };
        assert_eq!(
            job_words(&job),
            "Deleted 1,000 of 1,200, at most 100 a second. 1 left alone: changed by somebody else meanwhile. 2 not, because: Not authorized."
        );
        let undo = RetainedJob {
            is_undo: true,
            all: 3,
            done: 3,
            state: JobState::Done,
            ..RetainedJob::default()
        };
        assert_eq!(job_words(&undo), "Published again 3 of 3.");
    }
}
