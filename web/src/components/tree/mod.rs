//! The topic tree: a virtualised treegrid whose rows never move under the pointer.

mod keys;
mod mark;
mod menu;
mod row;

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

pub(crate) use self::mark::Marker;
use self::{keys::TypeAhead, menu::Menu, row::Row};
use super::vars::use_vars;
use crate::{
    hooks::use_gradually,
    pages::route::Route,
    platform::{document, page},
    wire::{ExportOrder, TreeCommand, TreeView},
};

/// Rows kept ready above and below what is visible: what a wheel turns by until more have come. All of them cost every frame.
const OVERSCAN: u32 = 12;
/// Rows that come with one frame when the tree is opened: sixty are a task of 6 ms and a frame of 9 ms, and while connection, Worker
/// and the compiler of WebAssembly want the processors too, that is the longest there is.
const ROWS_AT_ONCE: usize = 12;
/// Before the first measurement.
const ROW_HEIGHT: f64 = 30.0;

/// Which rows are wanted: from `first_row` on, or from `anchor` on wherever it is by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) first_row: u32,
    pub(crate) rows: u32,
    pub(crate) anchor: Option<String>,
}

/// What [`Tree`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(crate) struct TreeProps {
    pub(crate) view: Rc<TreeView>,
    /// A new search starts at the top.
    pub(crate) search: AttrValue,
    pub(crate) selected: Option<String>,
    pub(crate) on_range: Callback<Range>,
    pub(crate) marker: Option<Rc<Marker>>,
    pub(crate) on_command: Callback<TreeCommand>,
    pub(crate) on_export: Callback<ExportOrder>,
    /// Somebody points at rows, or no more.
    pub(crate) on_hold: Callback<bool>,
}

/// The row that the keyboard is on.
#[derive(Debug, Clone, PartialEq, Default)]
struct Active {
    index: u32,
    /// Not known until its rows have come.
    topic: Option<String>,
}

type Hovered = Rc<RefCell<Option<String>>>;

/// All topics.
#[component]
pub(crate) fn Tree(props: &TreeProps) -> Html {
    let (scroller, space, window) = (use_node_ref(), use_node_ref(), use_node_ref());
    let active = use_state(|| None::<Active>);
    let hovered: Hovered = use_mut_ref(|| None::<String>);
    let typed = use_mut_ref(TypeAhead::default);
    let view = props.view.clone();
    use_vars(&space, vec![("--rows", view.total_rows.to_string())]);
    use_vars(&window, vec![("--first", view.first_row.to_string())]);
    let focused = use_mut_ref(|| false);
    use_anchor(&scroller, &space, &hovered, &view);
    use_found(&scroller, &active, &view);
    {
        let scroller = scroller.clone();
        use_effect_with(props.search.clone(), move |_| {
            if let Some(scroller) = scroller.cast::<Element>() {
                scroller.set_scroll_top(0);
            }
        });
    }
    let report = use_report(&scroller, props);
    use_reveal(&scroller, props, &report);
    use_resized(&scroller, &report);
    {
        let report = report.clone();
        use_effect_with(view.rows.is_empty(), move |_| report.emit(false));
    }
    let active_index = active.as_ref().map(|active| position(&view, active));
    let menu = use_state_eq(|| None::<menu::Place>);
    let onkeydown = use_keys(props, &scroller, &active, &typed, &menu);
    let hold = {
        let (hovered, focused, on_hold) = (hovered.clone(), focused.clone(), props.on_hold.clone());
        Callback::from(move |()| on_hold.emit(hovered.borrow().is_some() || *focused.borrow()))
    };
    let leave = {
        let (hovered, hold, space) = (hovered.clone(), hold.clone(), space.clone());
        Callback::from(move |_: PointerEvent| {
            *hovered.borrow_mut() = None;
            set_slack(&space, 0.0);
            hold.emit(());
        })
    };
    let over = {
        let hold = hold.clone();
        Callback::from(move |event: PointerEvent| {
            *hovered.borrow_mut() = topic_at(&event);
            hold.emit(());
        })
    };
    let on_focus = |has: bool| {
        let (focused, hold) = (focused.clone(), hold.clone());
        Callback::from(move |_: FocusEvent| {
            *focused.borrow_mut() = has;
            hold.emit(());
        })
    };
    let oncontextmenu = {
        let (menu, view, active) = (menu.clone(), view.clone(), active.clone());
        Callback::from(move |event: MouseEvent| {
            let row = active
                .as_ref()
                .and_then(|active| row_at(&view, position(&view, active)));
            if let Some(topic) = topic_at(&event).or(row) {
                event.prevent_default();
                let (x, y) = (event.client_x(), event.client_y());
                menu.set(Some(menu::Place { topic, x, y }));
            }
        })
    };
    let on_close = {
        let (menu, scroller) = (menu.clone(), scroller.clone());
        Callback::from(move |()| {
            menu.set(None);
            if let Some(tree) = scroller.get() {
                document::focus_node(&tree);
            }
        })
    };
    let drawn = use_gradually(view.rows.len(), ROWS_AT_ONCE, cfg!(target_family = "wasm"));
    let rows = || view.rows.iter().zip(view.first_row..).take(drawn);
    let is_drawn = |index: &u32| rows().any(|(_, at)| at == *index);
    html! {
        <>
        <div ref={scroller} class="tree" role="treegrid" tabindex="0" aria-label="MQTT topics" aria-readonly="true"
            aria-rowcount={view.total_rows.to_string()} aria-activedescendant={active_index.filter(is_drawn).map(row_id)} {onkeydown}
            onfocus={on_focus(true)} onblur={on_focus(false)} {oncontextmenu}
            onscroll={report.reform(|_: Event| false)} onpointerover={over} onpointerleave={leave}>
            <div ref={space} class="tree__space" role="presentation">
                <div ref={window} class="tree__win" role="presentation">
                    { for rows().map(|(row, index)| html! {
                        <Row key={row.topic.clone()} row={row.clone()} {index} active={active_index == Some(index)}
                            selected={props.selected.as_ref() == Some(&row.topic)} marker={props.marker.clone()}
                            on_command={props.on_command.clone()} />
                    })}
                </div>
            </div>
        </div>
        if let Some(place) = &*menu { <Menu place={place.clone()} on_export={props.on_export.clone()} {on_close} /> }
        </>
    }
}

fn row_at(view: &TreeView, index: u32) -> Option<String> {
    let place = index.checked_sub(view.first_row)?;
    view.rows.get(place as usize).map(|row| row.topic.clone())
}

/// `id` of a row.
fn row_id(index: u32) -> String {
    format!("tree-row-{index}")
}

/// Where the active row is now; by topic if that is known, because rows may have come above it.
fn position(view: &TreeView, active: &Active) -> u32 {
    let found = active.topic.as_ref().and_then(|topic| {
        view.rows
            .iter()
            .zip(view.first_row..)
            .find(|(row, _)| row.topic == *topic)
            .map(|(_, index)| index)
    });
    found
        .unwrap_or(active.index)
        .min(view.total_rows.saturating_sub(1))
}

fn topic_at(event: &Event) -> Option<String> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest("[data-topic]").ok()??.get_attribute("data-topic")
}

/// Height of a row, px: larger for fingers.
fn row_height() -> f64 {
    document::root_px("--row").unwrap_or(ROW_HEIGHT)
}

/// A topic that was just chosen is brought into sight as soon as its row is there.
#[hook]
fn use_reveal(scroller: &NodeRef, props: &TreeProps, report: &Callback<bool>) {
    let due = use_mut_ref(|| None::<String>);
    {
        let (due, report) = (due.clone(), report.clone());
        use_effect_with(props.selected.clone(), move |selected| {
            due.borrow_mut().clone_from(selected);
            // Back from a topic on a phone: what was asked for while the tree was hidden began at that topic.
            if selected.is_none() {
                report.emit(true);
            }
        });
    }
    let (scroller, report) = (scroller.clone(), report.clone());
    use_effect_with((props.view.clone(), props.selected.clone()), move |(view, _)| {
        let row = due.borrow().as_ref().and_then(|topic| {
            view.rows
                .iter()
                .zip(view.first_row..)
                .find(|(row, _)| row.topic == *topic)
                .map(|(_, index)| index)
        });
        let (Some(index), Some(element)) = (row, scroller.cast::<Element>()) else {
            return;
        };
        // Behind the topic on a phone there is nothing to scroll.
        if element.client_height() == 0 {
            return;
        }
        due.borrow_mut().take();
        let (height, row) = (f64::from(element.client_height()), row_height());
        let (top, at) = (f64::from(element.scroll_top()), f64::from(index) * row);
        if at < top || at + row > top + height {
            element.set_scroll_top((at - height / 2.0).max(0.0) as i32);
        }
        report.emit(true);
    });
}

/// When rows came or went above, scrolls by as much, so that what is looked at stays in its place.
#[hook]
fn use_anchor(scroller: &NodeRef, space: &NodeRef, hovered: &Hovered, view: &Rc<TreeView>) {
    let order = use_mut_ref(|| 0);
    let space = space.clone();
    let places = use_mut_ref(HashMap::<String, u32>::new);
    let (scroller, hovered) = (scroller.clone(), hovered.clone());
    use_effect_with(view.clone(), move |view| {
        let now: HashMap<String, u32> = view
            .rows
            .iter()
            .map(|row| row.topic.clone())
            .zip(view.first_row..)
            .collect();
        let before = places.replace(now);
        // Ordered anew: nothing is where it was, and nobody points at it.
        if order.replace(view.order) != view.order {
            return;
        }
        // Where nothing moved nothing is measured: measuring makes the browser lay out at once what just changed.
        let has_moved = places
            .borrow()
            .iter()
            .any(|(topic, now)| before.get(topic).is_some_and(|then| then != now));
        let Some(scroller) = scroller.cast::<Element>().filter(|_| has_moved) else {
            return;
        };
        let row_height = row_height();
        let top = (f64::from(scroller.scroll_top()) / row_height) as u32;
        if top == 0 && hovered.borrow().is_none() {
            return;
        }
        let first_visible = before
            .iter()
            .filter(|(_, index)| **index >= top)
            .min_by_key(|(_, index)| **index);
        let anchor = hovered
            .borrow()
            .clone()
            .or_else(|| first_visible.map(|(topic, _)| topic.clone()));
        let moved = anchor.and_then(|topic| {
            Some(f64::from(*places.borrow().get(&topic)?) - f64::from(*before.get(&topic)?))
        });
        if let Some(rows) = moved.filter(|rows| *rows != 0.0) {
            let top = f64::from(scroller.scroll_top()) + rows * row_height;
            // A short tree gets room below, so that it can be scrolled and the row stays under the pointer. How far its rows
            // alone can be scrolled is less than nothing where they do not fill the pane.
            let most = f64::from(view.total_rows) * row_height - f64::from(scroller.client_height());
            if top > most {
                set_slack(&space, top - most);
            }
            scroller.set_scroll_top(top as i32);
        }
    });
}

/// Room below the last row, px.
fn set_slack(space: &NodeRef, px: f64) {
    if let Some(space) = space.cast::<web_sys::HtmlElement>() {
        // Refused only for a read-only style, which an element's own never is.
        drop(space.style().set_property("--slack", &format!("{px}px")));
    }
}

/// Goes to what the search found.
#[hook]
fn use_found(scroller: &NodeRef, active: &UseStateHandle<Option<Active>>, view: &Rc<TreeView>) {
    let (scroller, active) = (scroller.clone(), active.clone());
    use_effect_with(view.found, move |found| {
        if let Some(found) = found {
            active.set(Some(Active {
                index: found.row,
                topic: None,
            }));
            reveal(&scroller, found.row, row_height());
        }
    });
}

/// A window that grew, or a phone that was turned, shows more rows.
#[hook]
fn use_resized(scroller: &NodeRef, report: &Callback<bool>) {
    let latest = use_mut_ref(Callback::noop);
    latest.borrow_mut().clone_from(report);
    let scroller = scroller.clone();
    use_effect_with((), move |()| {
        let watch = scroller.cast::<Element>().map(|element| {
            document::watch_look(&element, move || {
                let report = latest.borrow().clone();
                report.emit(false);
            })
        });
        move || drop(watch)
    });
}

/// Tells which rows are needed when they were not asked for yet, or anyway.
#[hook]
fn use_report(scroller: &NodeRef, props: &TreeProps) -> Callback<bool> {
    let asked = use_mut_ref(|| None::<Range>);
    let scroller = scroller.clone();
    let (view, on_range) = (props.view.clone(), props.on_range.clone());
    Callback::from(move |anyway: bool| {
        let Some(scroller) = scroller
            .cast::<Element>()
            .filter(|scroller| scroller.client_height() > 0)
        else {
            return;
        };
        let row_height = row_height();
        let top = (f64::from(scroller.scroll_top()) / row_height) as u32;
        let visible = (f64::from(scroller.client_height()) / row_height).ceil() as u32 + 1;
        let first_row = top.saturating_sub(OVERSCAN);
        let rows = (visible + 2 * OVERSCAN).min(500);
        let near = |range: &Range| {
            // At the top nothing is kept ready above: a few rows too few are seen there.
            let has_top = first_row > 0 || range.first_row == 0;
            // A topic that was asked for may be further down by now than what is to be seen.
            let is_there = range.anchor.is_none() || view.first_row <= top;
            let is_close = range.first_row.abs_diff(first_row) < OVERSCAN / 2;
            has_top && is_there && is_close && range.rows == rows
        };
        if !anyway && asked.borrow().as_ref().is_some_and(near) {
            return;
        }
        let known = |index: u32| view.rows.get(index.checked_sub(view.first_row)? as usize);
        // The top of the tree stays the top: what comes there is to be seen.
        let anchor = (first_row > 0)
            .then(|| known(first_row))
            .flatten()
            .map(|row| row.topic.clone());
        let range = Range {
            first_row,
            rows,
            anchor,
        };
        *asked.borrow_mut() = Some(range.clone());
        on_range.emit(range);
    })
}

/// Arrows, Home, End, Page Up and Down, Enter, Space, letters, and the keys that ask for the menu.
#[hook]
fn use_keys(
    props: &TreeProps,
    scroller: &NodeRef,
    active: &UseStateHandle<Option<Active>>,
    typed: &Rc<RefCell<TypeAhead>>,
    menu: &UseStateHandle<Option<menu::Place>>,
) -> Callback<KeyboardEvent> {
    let (props, scroller, active, typed) = (props.clone(), scroller.clone(), active.clone(), typed.clone());
    let menu = menu.clone();
    Callback::from(move |event: KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let (view, row_height) = (&*props.view, row_height());
        let at = active.as_ref().map(|active| position(view, active));
        let page = scroller.cast::<Element>().map_or(10, |element| {
            (f64::from(element.client_height()) / row_height).floor().max(2.0) as u32 - 1
        });
        let key = event.key();
        let place = keys::Place {
            view,
            at,
            page,
            shift: event.shift_key(),
            now: page::now(),
        };
        let Some(step) = keys::step(place, &key, &mut typed.borrow_mut()) else {
            return;
        };
        event.prevent_default();
        match step {
            keys::Step::To(index) => {
                let row = index
                    .checked_sub(view.first_row)
                    .and_then(|offset| view.rows.get(offset as usize));
                active.set(Some(Active {
                    index,
                    topic: row.map(|row| row.topic.clone()),
                }));
                reveal(&scroller, index, row_height);
            }
            keys::Step::Change(command) => props.on_command.emit(command),
            keys::Step::Find { backward } => props.on_command.emit(TreeCommand::Find { from: at, backward }),
            keys::Step::Menu(index, topic) => {
                reveal(&scroller, index, row_height);
                let (x, y) = beside_row(&scroller, index);
                menu.set(Some(menu::Place { topic, x, y }));
            }
            keys::Step::Open(topic) => document::go(&Route::Explorer { topic: Some(topic) }.href()),
            keys::Step::Nothing => {}
        }
    })
}

/// Below the beginning of a row's name, px in the window.
fn beside_row(scroller: &NodeRef, index: u32) -> (i32, i32) {
    let Some(scroller) = scroller.cast::<Element>() else {
        return (0, 0);
    };
    let row = scroller.query_selector(&format!("#{}", row_id(index)));
    let place = row.ok().flatten().unwrap_or(scroller).get_bounding_client_rect();
    (
        (place.left() + row_height()) as i32,
        (place.top() + row_height()) as i32,
    )
}

/// Scrolls as little as needed to show a row.
fn reveal(scroller: &NodeRef, index: u32, row_height: f64) {
    let Some(scroller) = scroller.cast::<Element>() else {
        return;
    };
    let (top, height) = (
        f64::from(scroller.scroll_top()),
        f64::from(scroller.client_height()),
    );
    let (from, to) = (f64::from(index) * row_height, f64::from(index + 1) * row_height);
    if from < top {
        scroller.set_scroll_top(from as i32);
    } else if to > top + height {
        scroller.set_scroll_top((to - height).ceil() as i32);
    }
}
