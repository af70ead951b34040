//! A chart to look at, to move about in and to read with the keyboard.

use std::{cell::RefCell, rc::Rc};

use hearth_model::decimal;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement};
use yew::prelude::*;

use super::{
    canvas::{Canvas, pixel_ratio},
    controls::{Head, Legend},
    gesture::Gesture,
    plan::{Lane, Panel, Plan, part},
    read::{near, near_words, stops, summary},
    state::{Act, Bounds, Choice, State},
    table::Table,
    ticks::{Says, Tick, Zone, apart, ticks},
};
use crate::{
    components::{
        text::visible,
        vars::{Styled, use_vars},
    },
    hooks::use_chart,
    platform::{document, locale},
    wire::{ChartSpan, ChartView, ChartWindow, SeriesName, SeriesView},
};

/// Columns asked for before the chart has measured itself.
const FIRST_COLUMNS: u32 = 600;
/// Width of a label of the time axis, px; with twelve hours on the clock it has more letters.
const LABEL: f64 = 68.0;
const LETTER: f64 = 6.4;
/// A step of the wheel, and of the keys.
const ZOOM: f64 = 1.25;
const KEY_ZOOM: f64 = 1.6;
/// What the keys pan by, as a part of the span.
const KEY_PAN: f64 = 0.25;

thread_local! {
    /// What is kept in the chart when another topic is opened.
    static KEPT: RefCell<Vec<Choice>> = RefCell::default();
}

/// What [`Chart`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct ChartProps {
    /// What can be shown; the first is.
    pub(crate) choices: Vec<Choice>,
    /// Readings of fields beyond those that are followed.
    #[prop_or_default]
    pub(crate) refused: u64,
}

/// The size of the plots, and how often size or colours changed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    /// Px.
    width: f64,
    columns: u32,
    times: u32,
}

/// Series over time, with all that belongs to it.
#[component]
pub(crate) fn Chart(props: &ChartProps) -> Html {
    let state = use_reducer(|| State::new(first_shown(&props.choices)));
    let plots = use_node_ref();
    let seen = use_seen(&plots);
    let view = use_chart(ChartWindow {
        series: state.look.chosen.clone(),
        span: state.span,
        columns: seen.columns,
    });
    let nothing = use_memo((), |()| ChartView::default());
    let view = view.unwrap_or(nothing);
    let plan = use_memo((view.clone(), state.look.clone()), |(view, look)| {
        Plan::new(view, look)
    });
    let act = use_callback(state.dispatcher(), |act: Act, state| state.dispatch(act));
    let kept = use_state_eq(|| KEPT.with_borrow(|kept| !kept.is_empty()));
    use_effect_with(((*state).clone(), *kept), |(state, kept)| {
        KEPT.set(if *kept {
            state.choices().collect()
        } else {
            Vec::new()
        });
    });
    let keep = use_callback(kept.setter(), |keep: bool, kept| kept.set(keep));
    let shown: Vec<usize> = shown(&plan).collect();
    let label = |place: usize| label_of(&view, &state, place);
    let page = state.table.is_none().then_some(0);
    let kept_words = shown.iter().filter_map(|place| {
        let words = super::read::kept(view.series.get(*place)?, &label(*place));
        (!words.is_empty()).then(|| html! { <p class="hint" data-testid="chart-kept"><bdi>{words}</bdi></p> })
    });
    html! {
        <section class="panel" aria-label="Chart">
            <Head choices={props.choices.clone()} state={(*state).clone()} view={view.clone()} act={act.clone()}
                refused={props.refused} kept={*kept} {keep} />
            <div class="panel__body charts">
                <Legend state={(*state).clone()} is_dense={plan.is_dense} act={act.clone()} />
                <Plots node={plots} view={view.clone()} plan={plan.clone()} state={(*state).clone()} {seen} act={act.clone()} />
                { for kept_words }
                <div class="row row--wrap chart__foot">
                    <button class="btn btn--dense" type="button" aria-pressed={state.table.is_some().to_string()}
                        onclick={act.reform(move |_: MouseEvent| Act::Table(page))} data-testid="chart-as-table">{"Show as table"}</button>
                    <span class="sub">{"Drag to move in time, wheel or pinch to zoom."}</span>
                </div>
                if let Some(page) = state.table {
                    <Table view={view.clone()} {page} {act} labels={shown.iter().map(|place| label(*place)).collect::<Vec<_>>()} {shown} />
                }
            </div>
        </section>
    }
}

/// What was kept from other topics, then the first number (or state) of this one.
fn first_shown(choices: &[Choice]) -> Vec<Choice> {
    let mut shown: Vec<_> = KEPT.with_borrow(|kept| kept.iter().map(with_topic).collect());
    let number = choices.iter().find(|choice| !choice.name.is_state);
    let own = number.or(choices.first());
    shown.retain(|kept| own.is_none_or(|own| own.name != kept.name));
    shown.extend(own.cloned());
    shown
}

/// A series of another topic is called by its topic too.
fn with_topic(choice: &Choice) -> Choice {
    let SeriesName { topic, field, .. } = &choice.name;
    let level = topic.rsplit('/').next().unwrap_or_default();
    Choice {
        name: choice.name.clone(),
        label: visible(&format!("{level} {field}")).trim().to_owned().into(),
    }
}

/// Places of the series that are shown.
fn shown(plan: &Plan) -> impl Iterator<Item = usize> {
    let members = plan
        .panels
        .iter()
        .flat_map(|panel| &panel.members)
        .map(|(place, _)| *place);
    members.chain(plan.lanes.iter().map(|lane| lane.place))
}

fn label_of(view: &ChartView, state: &State, place: usize) -> AttrValue {
    let name = view.series.get(place).map(|series| &series.name);
    let mut chosen = state.look.chosen.iter().zip(&state.labels);
    let found = chosen.find(|(held, _)| Some(*held) == name);
    found.map(|(_, label)| label.clone()).unwrap_or_default()
}

/// Measures the plots now and whenever they or the colours of the page change.
#[hook]
fn use_seen(plots: &NodeRef) -> Seen {
    let seen = use_state(|| Seen {
        width: 600.0,
        columns: FIRST_COLUMNS,
        times: 0,
    });
    let plots = plots.clone();
    let (set, times) = (seen.setter(), use_mut_ref(|| 0));
    use_effect_with((), move |()| {
        let node = plots.clone();
        let watch = plots.cast::<Element>().map(|element| {
            document::watch_look(&element, move || {
                let width = canvas(&node).map_or(0.0, |canvas| f64::from(canvas.client_width()));
                *times.borrow_mut() += 1;
                set.set(Seen {
                    width: width.max(1.0),
                    columns: (width * pixel_ratio()).round().max(1.0) as u32,
                    times: *times.borrow(),
                });
            })
        });
        move || drop(watch)
    });
    *seen
}

fn canvas(plots: &NodeRef) -> Option<HtmlCanvasElement> {
    let found = plots.cast::<Element>()?.query_selector("canvas").ok()??;
    Some(found.unchecked_into())
}

#[derive(Properties, PartialEq)]
struct PlotsProps {
    node: NodeRef,
    view: Rc<ChartView>,
    plan: Rc<Plan>,
    state: State,
    seen: Seen,
    act: Callback<Act>,
}

/// Panels, the time axis, lanes and the cursor.
#[component]
fn Plots(props: &PlotsProps) -> Html {
    let (view, plan, state) = (&props.view, &props.plan, &props.state);
    let zone = use_memo((view.from_ms, view.to_ms), |(from, to)| {
        Zone::between(*from, *to, locale::offset_ms)
    });
    let label = LABEL.max(locale::time_long(view.to_ms).chars().count() as f64 * LETTER + 8.0);
    let most = (props.seen.width / label).clamp(2.0, 12.0) as u32;
    let on_axis = apart(
        ticks(view.from_ms, view.to_ms, most, &zone),
        label / props.seen.width,
    );
    let shown: Vec<&SeriesView> = shown(plan).filter_map(|place| view.series.get(place)).collect();
    let said: Vec<String> = shown_with_labels(props)
        .map(|(series, label)| summary(series, &label))
        .collect();
    let widest = plan.panels.iter().flat_map(|panel| {
        panel
            .scale
            .ticks
            .iter()
            .map(|tick| axis_label(panel, *tick).chars().count())
    });
    let axis_px = widest.max().unwrap_or(0) * 13 / 2 + 14;
    use_vars(&props.node, vec![("--yw", format!("{axis_px}px"))]);
    let at = state.cursor.filter(|at| (view.from_ms..view.to_ms).contains(at));
    let several = plan.panels.len() > 1;
    let onkeydown = on_key(props, stops(shown.iter().copied()));
    let (onpointerdown, onpointermove, onpointerup, onpointerleave) = use_pointer(props);
    let onwheel = on_wheel(props);
    html! {
        <>
            <div ref={props.node.clone()} class={classes!("plots", several.then_some("plots--several"))} tabindex="0" role="application"
                aria-roledescription="chart" aria-label={said.join(" ")} aria-describedby="chart-keys" data-testid="topic-chart"
                data-from={view.from_ms.to_string()} data-to={view.to_ms.to_string()} data-live={state.is_live().to_string()}
                {onkeydown} {onpointerdown} {onpointermove} onpointerup={onpointerup.clone()} onpointercancel={onpointerup}
                {onpointerleave} {onwheel}>
                { for plan.panels.iter().enumerate().map(|(n, panel)| panel_html(props, panel, at, n == 0)) }
                if plan.panels.is_empty() && plan.lanes.is_empty() {
                    <p class="hint">{"Nothing is chosen, or nothing of it has been received."}</p>
                }
                <div class="chart__x" aria-hidden="true">
                    { for on_axis.iter().map(|tick| tick_html(tick, label / props.seen.width)) }
                </div>
                { for plan.lanes.iter().map(|lane| lane_html(props, lane, at)) }
                if let Some(at) = at { {tip(props, at, &zone)} }
            </div>
            <p class="vh" id="chart-keys">
                {"Arrow keys: read values. With Shift: move in time. Plus and minus: zoom. Home and End: oldest and now. 0: all of it."}
            </p>
            <p class="vh" role="status">
                if let Some(at) = at.filter(|_| state.by_key) { {said_at(props, at, &zone)} }
            </p>
        </>
    }
}

fn shown_with_labels(props: &PlotsProps) -> impl Iterator<Item = (&SeriesView, AttrValue)> {
    shown(&props.plan).filter_map(|place| {
        let series = props.view.series.get(place)?;
        Some((series, label_of(&props.view, &props.state, place)))
    })
}

fn percent(part: f32) -> String {
    decimal::fixed(f64::from(part) * 100.0, 2)
}

fn axis_label(panel: &Panel, tick: f64) -> String {
    let label = panel.scale.label(tick);
    if panel.unit.is_empty() {
        return label;
    }
    format!("{label} {}", visible(&panel.unit))
}

fn tick_html(tick: &Tick, label: f64) -> Html {
    let text = match tick.says {
        Says::Day => locale::day_short(tick.at_ms),
        Says::Minute => locale::time_short(tick.at_ms),
        Says::Second => locale::time_long(tick.at_ms),
    };
    let class = tick.is_at_end(label).then_some("e");
    html! { <Styled key={tick.at_ms.to_string()} class={classes!(class)} vars={vec![("--p", percent(tick.place))]}>{text}</Styled> }
}

fn panel_html(props: &PlotsProps, panel: &Panel, at: Option<u64>, with_tip: bool) -> Html {
    let view = &props.view;
    html! {
        <div class="chart" data-tip={with_tip.to_string()}>
            <div class="chart__y" aria-hidden="true">
                { for panel.scale.ticks.iter().enumerate().map(|(n, tick)| html! {
                    <Styled key={n} vars={vec![("--p", percent(panel.scale.place(*tick)))]}>{axis_label(panel, *tick)}</Styled>
                })}
            </div>
            <div class="chart__plot">
                <Canvas shapes={panel.shapes.clone()} seen={props.seen.times} />
                if panel.scale.ticks.is_empty() {
                    <p class="chart__none hint" aria-hidden="true">{"No samples in this time."}</p>
                }
                if let Some(at) = at {
                    {line(view, at)}
                    { for panel.members.iter().filter_map(|(place, slot)| {
                        let point = near(view, view.series.get(*place)?, at)?.point;
                        let vars = vec![
                            ("--p", percent(part(point.at_ms, view.from_ms, view.to_ms))),
                            ("--q", percent(panel.scale.place(point.number))),
                        ];
                        Some(html! { <Styled tag="i" class={classes!("dot", format!("c-{}", slot + 1))} {vars} /> })
                    })}
                }
            </div>
        </div>
    }
}

fn line(view: &ChartView, at: u64) -> Html {
    html! { <Styled tag="div" class="cursor" vars={vec![("--p", percent(part(at, view.from_ms, view.to_ms)))]} /> }
}

fn lane_html(props: &PlotsProps, lane: &Lane, at: Option<u64>) -> Html {
    html! {
        <div class="lane">
            <div class="lane__bar">
                <Canvas shapes={lane.shapes.clone()} seen={props.seen.times} />
                if let Some(at) = at { {line(&props.view, at)} }
            </div>
            <span class="clip"><bdi>{label_of(&props.view, &props.state, lane.place)}</bdi></span>
        </div>
    }
}

fn moment(at: u64, zone: &Zone) -> String {
    let mut words = format!("{}, {}", locale::day_short(at), locale::time_long(at));
    if zone.changes() {
        // The same hour may come twice in this time.
        words.push(' ');
        words.push_str(&zone.name(at));
    }
    words
}

fn tip(props: &PlotsProps, at: u64, zone: &Zone) -> Html {
    let view = &props.view;
    let place = part(at, view.from_ms, view.to_ms);
    let rows = shown(&props.plan).filter_map(|place| {
        let series = view.series.get(place)?;
        let slot = props
            .state
            .look
            .chosen
            .iter()
            .position(|name| *name == series.name)?;
        Some(html! {
            <span class="tip__r">{swatch(slot)}<bdi>{label_of(view, &props.state, place)}</bdi>
                <b>{near_words(series, near(view, series, at))}</b></span>
        })
    });
    let class = classes!("tip", (place > 0.5).then_some("tip--left"));
    html! {
        <div class="tip__track" aria-hidden="true">
            <Styled tag="output" {class} vars={vec![("--p", percent(place))]}>
                <span class="tip__t">{moment(at, zone)}</span>{ for rows }
            </Styled>
        </div>
    }
}

/// What the cursor is on, for who cannot see it.
fn said_at(props: &PlotsProps, at: u64, zone: &Zone) -> String {
    let values = shown_with_labels(props).map(|(series, label)| {
        let words = near_words(series, near(&props.view, series, at));
        format!("{label} {words}")
    });
    let values: Vec<_> = values.collect();
    format!("{}: {}", moment(at, zone), values.join(", "))
}

/// The line of a series in the colour and dash of its slot.
pub(super) fn swatch(slot: usize) -> Html {
    html! {
        <svg class={classes!("swatch", format!("c-{}", slot + 1))} viewBox="0 0 18 8" aria-hidden="true">
            <line x1="0" x2="18" y1="4" y2="4" />
        </svg>
    }
}

/// Where a pointer is over the plots: 0 left, 1 right.
fn place_of(plots: &NodeRef, event: &MouseEvent) -> Option<f64> {
    let rect = canvas(plots)?.get_bounding_client_rect();
    Some((f64::from(event.client_x()) - rect.left()) / rect.width().max(1.0))
}

fn on_key(props: &PlotsProps, stops: Vec<u64>) -> Callback<KeyboardEvent> {
    let (act, bounds, cursor) = (props.act.clone(), Bounds::from(&*props.view), props.state.cursor);
    let about = cursor.map(|at| f64::from(part(at, props.view.from_ms, props.view.to_ms)));
    let about = about.filter(|about| (0.0..=1.0).contains(about));
    let is_live = props.state.is_live();
    Callback::from(move |event: KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        let about = about.unwrap_or(if is_live { 1.0 } else { 0.5 });
        let oldest = bounds.oldest - bounds.from;
        let step = |to: Option<&u64>, pan: f64| match to {
            Some(at) => Act::Cursor(Some(*at), true),
            None => Act::Pan(bounds, pan),
        };
        let next = match (event.key().as_str(), event.shift_key()) {
            ("ArrowLeft", true) => Act::Pan(bounds, -KEY_PAN),
            ("ArrowRight", true) => Act::Pan(bounds, KEY_PAN),
            ("ArrowLeft", false) => {
                let at = cursor.unwrap_or(u64::MAX);
                step(stops.iter().rev().find(|stop| **stop < at), -KEY_PAN)
            }
            ("ArrowRight", false) => {
                let found = cursor.map_or(stops.last(), |at| stops.iter().find(|stop| **stop > at));
                step(found, KEY_PAN)
            }
            ("+" | "=", _) => Act::Zoom(bounds, about, 1.0 / KEY_ZOOM),
            ("-" | "_", _) => Act::Zoom(bounds, about, KEY_ZOOM),
            ("Home", _) => Act::Move(bounds, bounds.from + oldest, bounds.to + oldest),
            ("End", _) => Act::Span(ChartSpan::Last((bounds.to - bounds.from) as u64)),
            ("0", _) => Act::Span(ChartSpan::All),
            ("Escape", _) => Act::Cursor(None, false),
            _ => return,
        };
        event.prevent_default();
        act.emit(next);
    })
}

fn on_wheel(props: &PlotsProps) -> Callback<WheelEvent> {
    let (act, bounds, plots) = (props.act.clone(), Bounds::from(&*props.view), props.node.clone());
    Callback::from(move |event: WheelEvent| {
        let (across, down) = (event.delta_x(), event.delta_y());
        let place = place_of(&plots, &event).filter(|place| (0.0..=1.0).contains(place));
        let Some(place) = place else { return };
        event.prevent_default();
        if event.shift_key() || across.abs() > down.abs() {
            let by = if across == 0.0 { down } else { across };
            act.emit(Act::Pan(bounds, by.signum() * 0.1));
        } else if down != 0.0 {
            let factor = if down > 0.0 { ZOOM } else { 1.0 / ZOOM };
            act.emit(Act::Zoom(bounds, place, factor));
        }
    })
}

type OnPointer = Callback<PointerEvent>;

/// Hovering reads, dragging moves, pinching zooms, a tap reads.
#[hook]
fn use_pointer(props: &PlotsProps) -> (OnPointer, OnPointer, OnPointer, OnPointer) {
    let gesture = use_mut_ref(Gesture::default);
    let (plots, act, bounds) = (props.node.clone(), props.act.clone(), Bounds::from(&*props.view));
    let ends = props.state.ends(bounds);
    let cursor = {
        let (plots, act) = (plots.clone(), act.clone());
        move |event: &PointerEvent| {
            let place = place_of(&plots, event).filter(|place| (0.0..=1.0).contains(place));
            let at = place.map(|place| (bounds.from + (bounds.to - bounds.from) * place) as u64);
            act.emit(Act::Cursor(at, false));
        }
    };
    let down = {
        let (gesture, plots) = (gesture.clone(), plots.clone());
        Callback::from(move |event: PointerEvent| {
            let Some(place) = place_of(&plots, &event).filter(|_| event.button() == 0) else {
                return;
            };
            if let Some(element) = plots.cast::<Element>() {
                // Without capture a drag ends at the edge of the chart, no more.
                drop(element.set_pointer_capture(event.pointer_id()));
            }
            gesture.borrow_mut().down(event.pointer_id(), place, ends);
        })
    };
    let moved = {
        let (gesture, cursor) = (gesture.clone(), cursor.clone());
        Callback::from(move |event: PointerEvent| {
            let place = place_of(&plots, &event);
            let to = place.and_then(|place| gesture.borrow_mut().moved(event.pointer_id(), place));
            match to {
                Some((from, to)) => act.emit(Act::Move(bounds, from, to)),
                None if event.pointer_type() == "mouse" => cursor(&event),
                None => {}
            }
        })
    };
    let up = {
        let (gesture, cursor) = (gesture.clone(), cursor);
        Callback::from(move |event: PointerEvent| {
            let was_drag = gesture.borrow_mut().up(event.pointer_id(), ends);
            if !was_drag {
                cursor(&event);
            }
        })
    };
    let act = props.act.clone();
    let leave = Callback::from(move |event: PointerEvent| {
        if event.pointer_type() == "mouse" && !gesture.borrow().is_drag() {
            act.emit(Act::Cursor(None, false));
        }
    });
    (down, moved, up, leave)
}
