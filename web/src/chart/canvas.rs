//! The only file that draws on a canvas. Text and cursor are HTML above it.

use std::rc::Rc;

use hearth_model::json::parse_number;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement, window};
use yew::prelude::*;

use super::plan::Shape;
use crate::platform::page;

/// Room above and below the box, so that a line at its edge is drawn whole, px.
const MARGIN: f64 = 4.0;
/// Width of a line, px.
const STROKE: f64 = 1.75;
/// Between the strokes of the hatch, and their width, px.
const HATCH: (f64, f64) = (8.0, 2.0);

/// What [`Canvas`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct CanvasProps {
    pub(crate) shapes: Rc<Vec<Shape>>,
    /// Another number when size or colours of the page changed.
    pub(crate) seen: u32,
}

/// Shapes in device pixels, in the colours of the page. Drawn anew only when something changed.
#[component]
pub(crate) fn Canvas(props: &CanvasProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with((props.shapes.clone(), props.seen), move |(shapes, _)| {
            let (node, shapes) = (node.clone(), shapes.clone());
            // When all effects of this rendering are done the layout is as it will be painted.
            page::before_paint(move || {
                if let Some(canvas) = node.cast::<HtmlCanvasElement>() {
                    // A canvas without a context draws nothing; the text beside it says the same.
                    drop(draw(&canvas, &shapes));
                }
            });
        });
    }
    html! { <canvas ref={node} aria-hidden="true" /> }
}

/// Device pixels of a CSS pixel.
pub(crate) fn pixel_ratio() -> f64 {
    window()
        .map_or(1.0, |window| window.device_pixel_ratio())
        .clamp(0.5, 8.0)
}

struct Pen {
    context: CanvasRenderingContext2d,
    style: CssStyleDeclaration,
    ratio: f64,
    width: f64,
    height: f64,
}

fn draw(canvas: &HtmlCanvasElement, shapes: &[Shape]) -> Result<(), JsValue> {
    let ratio = pixel_ratio();
    let pixels = |css: i32| (f64::from(css) * ratio).round() as u32;
    let (width, height) = (pixels(canvas.client_width()), pixels(canvas.client_height()));
    if (canvas.width(), canvas.height()) != (width, height) {
        // Also clears it; memory and layout are made anew, so not for every sample.
        canvas.set_width(width);
        canvas.set_height(height);
    }
    let style = window().map(|window| window.get_computed_style(canvas));
    let (Some(context), Some(Some(style))) = (canvas.get_context("2d")?, style.transpose()?) else {
        return Ok(());
    };
    let pen = Pen {
        context: context.unchecked_into(),
        style,
        ratio,
        width: f64::from(width),
        height: f64::from(height) - 2.0 * MARGIN * ratio,
    };
    pen.context
        .clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
    pen.context.set_line_join("round");
    for shape in shapes {
        pen.shape(shape)?;
    }
    Ok(())
}

impl Pen {
    fn x(&self, part: f32) -> f64 {
        f64::from(part) * self.width
    }

    fn y(&self, part: f32) -> f64 {
        f64::from(part) * self.height + MARGIN * self.ratio
    }

    fn css(&self, name: &str) -> String {
        self.style.get_property_value(name).unwrap_or_default()
    }

    fn color(&self, name: &str) {
        let color = self.css(name);
        self.context.set_stroke_style_str(&color);
        self.context.set_fill_style_str(&color);
    }

    fn series(&self, slot: usize) {
        self.color(&format!("--series-{}", slot + 1));
    }

    fn shape(&self, shape: &Shape) -> Result<(), JsValue> {
        match shape {
            Shape::Rule { y, axis } => {
                self.color(if *axis { "--chart-axis" } else { "--chart-grid" });
                // On whole device pixels, so that it is sharp.
                let thick = self.ratio.round().max(1.0);
                let top = (self.y(*y) - thick / 2.0).round();
                self.context.fill_rect(0.0, top, self.width, thick);
            }
            Shape::Hatch { from, to } => self.hatch(self.x(*from), self.x(*to)),
            Shape::Band { slot, edges } => self.band(*slot, edges),
            Shape::Line { slot, points } => self.line(*slot, points)?,
            Shape::Bar { slot, from, to } => {
                self.series(*slot);
                let (from, to) = (self.x(*from), self.x(*to));
                let wide = (to - from).max(2.0 * self.ratio);
                self.context.fill_rect(from, self.y(0.0), wide, self.height);
            }
        }
        Ok(())
    }

    /// Strokes from the lower left to the upper right, cut at the edges.
    fn hatch(&self, from: f64, to: f64) {
        let (apart, wide) = (HATCH.0 * self.ratio, HATCH.1 * self.ratio);
        let bottom = self.y(1.0);
        self.color("--stale-hatch");
        self.context.set_line_width(wide);
        self.context.begin_path();
        // All hatches of a chart are one pattern, whatever they begin with.
        let mut at = ((from - self.height) / apart).floor() * apart;
        while at < to {
            let (left, right) = (at.max(from), (at + self.height).min(to));
            if left < right {
                self.context.move_to(left, bottom - (left - at));
                self.context.line_to(right, bottom - (right - at));
            }
            at += apart;
        }
        self.context.stroke();
    }

    fn band(&self, slot: usize, edges: &[(f32, f32, f32)]) {
        self.series(slot);
        self.context.begin_path();
        for (x, low, _) in edges {
            self.context.line_to(self.x(*x), self.y(*low));
        }
        for (x, _, high) in edges.iter().rev() {
            self.context.line_to(self.x(*x), self.y(*high));
        }
        self.context.close_path();
        self.context.set_global_alpha(0.16);
        self.context.fill();
        // A spike of one pixel has to be seen too.
        self.context.set_global_alpha(0.4);
        self.context.set_line_width(self.ratio);
        self.context.stroke();
        self.context.set_global_alpha(1.0);
    }

    fn line(&self, slot: usize, points: &[(f32, f32)]) -> Result<(), JsValue> {
        self.series(slot);
        if let [(x, y)] = points {
            let size = 4.0 * self.ratio;
            let (left, top) = (self.x(*x) - size / 2.0, self.y(*y) - size / 2.0);
            self.context.fill_rect(left, top, size, size);
            return Ok(());
        }
        let dash: Array = self
            .css(&format!("--dash-{}", slot + 1))
            .split_ascii_whitespace()
            .filter_map(|length| parse_number(length.as_bytes()))
            .map(|length| JsValue::from_f64(length * self.ratio))
            .collect();
        self.context.set_line_dash(&dash)?;
        self.context.set_line_width(STROKE * self.ratio);
        self.context.begin_path();
        for (x, y) in points {
            self.context.line_to(self.x(*x), self.y(*y));
        }
        self.context.stroke();
        self.context.set_line_dash(&Array::new())
    }
}
