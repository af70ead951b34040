//! What the entities of a device say besides their values.

use hearth_devices::DeviceId;
use hearth_devices::announced::{AttributeSource, Attributes, TemplateError};
use hearth_model::store::Store;

use crate::{
    engine::home::Home,
    wire::{AttributeView, AttributesView},
};

/// The attributes of these devices, which are shown as one, and how many sources of such are left out.
pub(super) fn attributes(home: &Home, store: &Store, all: &[DeviceId]) -> (Vec<AttributesView>, u32) {
    let (mut shown, mut beyond) = (Vec::new(), 0);
    for id in all {
        let (sources, left) = home.devices().attributes(*id);
        beyond += left as u32;
        for source in sources {
            if let Some(read) = read(home, store, &source) {
                shown.push(view(&source, read));
            }
        }
    }
    (shown, beyond)
}

/// What a source says; `None`: nothing so far.
fn read(home: &Home, store: &Store, source: &AttributeSource<'_>) -> Option<Result<Attributes, String>> {
    let last = store.topic(store.find(source.topic)?)?.last();
    if last.payload.is_empty() {
        return None;
    }
    if last.is_cut() {
        return Some(Err("it is longer than what is kept of a message".to_owned()));
    }
    let read = source.read(last.payload, home.templates());
    Some(read.map_err(|fault| match fault {
        TemplateError::NotLoaded => {
            home.miss_templates();
            "what reads its template is being loaded".to_owned()
        }
        TemplateError::Unsupported(why) | TemplateError::Failed(why) => why,
    }))
}

fn view(source: &AttributeSource<'_>, read: Result<Attributes, String>) -> AttributesView {
    let (read, fault) = match read {
        Ok(read) => (read, String::new()),
        Err(why) => (Attributes::default(), why),
    };
    let members = read.members.into_iter().map(|one| AttributeView {
        name: one.name,
        text: one.text,
        cut: one.cut as u32,
    });
    AttributesView {
        of: source.of.iter().map(|name| (*name).to_owned()).collect(),
        topic: source.topic.to_owned(),
        members: members.collect(),
        beyond: read.beyond as u32,
        fault,
    }
}
