//! What an entity was asked to do, and whether what it says is the answer.

use hearth_devices::{Action, CONCEALED, ControlKind, Device, Entity, Takes, Value};
use hearth_mqtt::MonoTime;

use crate::wire::{self, RequestId};

/// What an entity was asked to do last.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: RequestId,
    pub(super) action: wire::Action,
    pub(super) at_ms: u64,
    /// Of the packet.
    pub(super) bytes: usize,
    /// So many it has answered to, or a person insisted on.
    pub(super) fits: usize,
    pub(super) state: AskedState,
}

#[derive(Debug)]
pub(super) enum AskedState {
    Waiting {
        until: MonoTime,
    },
    /// The device said that it is on the way.
    Accepted,
    Confirmed,
    /// The broker has it, and nobody will say more.
    Delivered,
    /// Not sent, because the device would drop it.
    TooLong(String),
    Failed(String),
}

impl Asked {
    /// How many bytes may be sent without a warning: so many it answered to, and who asks again after a warning insists.
    pub(super) fn fits_for(&self, action: &wire::Action) -> usize {
        let is_fine = match self.state {
            AskedState::Accepted | AskedState::Confirmed => true,
            AskedState::TooLong(_) => self.action == *action,
            AskedState::Waiting { .. } | AskedState::Delivered | AskedState::Failed(_) => false,
        };
        if is_fine {
            self.fits.max(self.bytes)
        } else {
            self.fits
        }
    }
}

/// Why a message is not sent before somebody insists on it.
pub(super) fn too_long(bytes: usize, takes: Takes, what_to_do: &str) -> String {
    let drops = drops(takes);
    format!("Not sent: the message has {bytes} bytes, and {drops}. {what_to_do}")
}

pub(super) fn drops(takes: Takes) -> String {
    let who = if takes.is_known {
        "this device drops"
    } else {
        "small devices drop"
    };
    format!("{who} more than {}", takes.bytes)
}

/// Whether what the device says now is what it was asked for, and was said after that.
pub(super) fn answers(asked: &Asked, device: &Device, entity: &Entity) -> bool {
    if entity.at_ms < asked.at_ms {
        return false;
    }
    match (&asked.action, &entity.value) {
        (wire::Action::Turn(on), Value::Binary(is_on)) => on == is_on,
        // Devices round what they are asked for.
        (wire::Action::Set(wanted), Value::Number(number)) => {
            (wanted - number).abs() <= (wanted.abs() * 0.02).max(0.51)
        }
        (wire::Action::Lock, Value::Binary(unlocked)) => !unlocked,
        (wire::Action::Unlock, Value::Binary(unlocked)) => *unlocked,
        // What comes of a button is in the device's words, and colours are rounded: that it speaks is the answer.
        (wire::Action::Choose(_), _)
            if entity.control.as_ref().is_some_and(|control| {
                matches!(control.kind, ControlKind::Buttons { .. } | ControlKind::Color(_))
            }) =>
        {
            true
        }
        (wire::Action::Choose(wanted), Value::Text(text)) => wanted == text || text == CONCEALED,
        (wire::Action::Choose(wanted), Value::Number(_)) => *wanted == entity.words(),
        // A blind takes its time; that it speaks at all shows that it heard.
        (wire::Action::Open | wire::Action::Close | wire::Action::Stop | wire::Action::Press, _) => {
            device.last_heard_ms.is_some_and(|heard| heard >= asked.at_ms)
        }
        _ => false,
    }
}

/// What the device says that it is doing.
pub(super) fn under_way(entity: &Entity) -> Option<wire::Action> {
    let (_, target) = entity.target.as_ref()?;
    entity.control.as_ref()?;
    match target {
        Value::Binary(on) => Some(wire::Action::Turn(*on)),
        Value::Number(number) => Some(wire::Action::Set(*number)),
        Value::Text(text) => Some(wire::Action::Choose(text.clone())),
        Value::Unknown => None,
    }
}

pub(super) fn device_action(action: &wire::Action) -> Action {
    match action {
        wire::Action::Turn(true) => Action::TurnOn,
        wire::Action::Turn(false) => Action::TurnOff,
        wire::Action::Set(number) => Action::Set(*number),
        wire::Action::Open => Action::Open,
        wire::Action::Close => Action::Close,
        wire::Action::Stop => Action::Stop,
        wire::Action::Lock => Action::Lock,
        wire::Action::Unlock => Action::Unlock,
        wire::Action::Choose(option) => Action::Choose(option.clone()),
        wire::Action::Press => Action::Press,
        wire::Action::Coded(action, _) => device_action(action),
    }
}
