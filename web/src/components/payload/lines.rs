//! Many lines of one height, of which only the visible ones are drawn.

use std::rc::Rc;

use web_sys::Element;
use yew::prelude::*;

use crate::components::vars::use_vars;

/// Up to so many lines are simply drawn.
const ALL: usize = 300;
/// Lines kept ready above and below.
const OVERSCAN: usize = 20;
/// Height of a line in CSS (`.lines .l`), px.
const LINE: f64 = 21.0;

/// What draws the line with this index.
#[derive(Clone)]
pub(crate) struct DrawLine(pub(crate) Rc<dyn Fn(usize) -> Html>);

impl PartialEq for DrawLine {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// What [`Lines`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct LinesProps {
    pub(crate) count: usize,
    pub(crate) draw: DrawLine,
    /// `code json`, `code hexdump`, …
    pub(crate) class: Classes,
    /// What it is, for a screen reader.
    pub(crate) label: AttrValue,
}

/// A scrolling region of lines.
#[component]
pub(crate) fn Lines(props: &LinesProps) -> Html {
    let (scroller, space, window) = (use_node_ref(), use_node_ref(), use_node_ref());
    let visible = use_state_eq(|| (0_usize, 80_usize));
    let windowed = props.count > ALL;
    let (first, last) = if windowed {
        (visible.0.min(props.count), visible.1.min(props.count))
    } else {
        (0, props.count)
    };
    use_vars(
        &space,
        vec![("--rows", if windowed { props.count } else { 0 }.to_string())],
    );
    use_vars(&window, vec![("--first", first.to_string())]);
    let onscroll = {
        let scroller = scroller.clone();
        Callback::from(move |_: Event| {
            let Some(scroller) = scroller.cast::<Element>() else {
                return;
            };
            let top = (f64::from(scroller.scroll_top()) / LINE) as usize;
            let rows = (f64::from(scroller.client_height()) / LINE) as usize + 1;
            // In steps of half the overscan, so that not every pixel draws anew.
            let step = OVERSCAN / 2;
            visible.set((
                top.saturating_sub(OVERSCAN) / step * step,
                (top + rows + OVERSCAN) / step * step + step,
            ));
        })
    };
    html! {
        <div ref={scroller} tabindex="0" class={classes!("scroll-x", "lines", windowed.then_some("lines--many"))}
            role="region" aria-label={props.label.clone()} {onscroll}>
            <div ref={space} class="lines__space">
                <pre ref={window} class={classes!("lines__win", props.class.clone())}>
                    { for (first..last).map(|index| (props.draw.0)(index)) }
                </pre>
            </div>
        </div>
    }
}
