//! What goes where on a card. Only what a device *has* decides, never its values, so that no card changes its height.

use crate::wire::{ControlKind, DeviceCard, EntityValue, EntityView};

/// Places of a card's entities.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CardPlan<'a> {
    /// Stands in the head: a state in words, and its switch.
    pub(crate) lead: Option<&'a EntityView>,
    /// Stand in the body.
    pub(crate) body: Vec<&'a EntityView>,
    /// 1 or 2.
    pub(crate) units: u8,
}

/// A body has room for a control and a value, or for two values and a small chart.
const BODY_PLACES: usize = 2;

impl<'a> CardPlan<'a> {
    pub(crate) fn of(card: &'a DeviceCard) -> Self {
        let leading = || card.entities.iter().filter(|entity| leads(entity));
        // The state of a battery is never what a device is about, unless it is all there is.
        let lead = leading()
            .find(|entity| !is_battery(entity))
            .or_else(|| leading().next().filter(|_| card.entities.len() == 1));
        let rest = || {
            card.entities
                .iter()
                .filter(|entity| lead.is_none_or(|lead| lead.id != entity.id))
        };
        let mut body: Vec<&EntityView> = match lead {
            Some(lead) if has_body_control(lead) => vec![lead],
            _ => {
                let control = rest().find(|entity| has_body_control(entity));
                let values = rest().filter(|entity| entity.control.is_none() && is_value(entity));
                match control {
                    Some(control) => values.take(1).chain([control]).collect(),
                    None => values.take(BODY_PLACES).collect(),
                }
            }
        };
        body.truncate(BODY_PLACES);
        let units = if body.is_empty() { 1 } else { 2 };
        Self { lead, body, units }
    }
}

fn is_battery(entity: &EntityView) -> bool {
    entity.name.eq_ignore_ascii_case("battery") || entity.name.eq_ignore_ascii_case("battery low")
}

/// A state in words belongs into the head; so does whatever has a switch.
fn leads(entity: &EntityView) -> bool {
    let by_control = entity.control.as_ref().is_some_and(|control| match control.kind {
        ControlKind::Switch | ControlKind::Button | ControlKind::Lock | ControlKind::Cover { .. } => true,
        ControlKind::Slider { .. } | ControlKind::Stepper { .. } | ControlKind::Select { .. } => false,
        ControlKind::Buttons { .. } | ControlKind::Text | ControlKind::Color => false,
    });
    by_control
        || (entity.control.is_none()
            && match entity.value {
                EntityValue::Binary { .. } => true,
                EntityValue::Text(_) => !is_raw(entity),
                EntityValue::Unknown | EntityValue::Waiting => !is_number(entity),
                EntityValue::Number { .. } => false,
            })
}

fn has_body_control(entity: &EntityView) -> bool {
    entity.control.as_ref().is_some_and(|control| match control.kind {
        ControlKind::Slider { .. }
        | ControlKind::Stepper { .. }
        | ControlKind::Select { .. }
        | ControlKind::Buttons { .. }
        | ControlKind::Text
        | ControlKind::Color
        | ControlKind::Cover { .. }
        | ControlKind::Lock => true,
        // What is held needs room for its words.
        ControlKind::Switch | ControlKind::Button => control.asks,
    })
}

fn is_value(entity: &EntityView) -> bool {
    is_number(entity) || is_raw(entity)
}

fn is_number(entity: &EntityView) -> bool {
    matches!(entity.value, EntityValue::Number { .. }) || matches!(&*entity.kind, "number" | "until")
}

/// A payload that was not understood is shown as it came.
pub(crate) fn is_raw(entity: &EntityView) -> bool {
    matches!(entity.kind.as_str(), "raw" | "json")
}
