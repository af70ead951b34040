//! One value of a device, corrected by hand: its name, unit and meaning, and whether Home shows it.

use hearth_devices::Class;
use yew::prelude::*;

use crate::{
    components::{
        form::{event_value, field::Check},
        icon::Icon,
        text::visible,
    },
    hooks::use_engine,
    wire::{Arrange, EntityChange, EntityView, OwnView},
};

/// What [`Correct`] draws.
#[derive(Properties, PartialEq, Clone)]
pub(super) struct CorrectProps {
    /// Id of the device.
    pub(super) device: AttrValue,
    pub(super) entity: EntityView,
    pub(super) own: OwnView,
}

/// The button of a row, and its fields once it was pressed.
#[component]
pub(super) fn Correct(props: &CorrectProps) -> Html {
    let open = use_state(|| false);
    let onclick = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let (entity, name) = (&props.entity, visible(&props.entity.name));
    html! {
        <>
            <button class="btn btn--dense btn--quiet entity__pen" type="button" {onclick} aria-expanded={open.to_string()}
                data-testid="entity-correct"><Icon name="pencil" small=true />
                {if entity.guessed { "Not right?" } else { "Change" }}<span class="vh">{format!(" {name}")}</span></button>
            if *open { <Fields ..props.clone() /> }
        </>
    }
}

#[component]
fn Fields(props: &CorrectProps) -> Html {
    let engine = use_engine();
    let (entity, own) = (&props.entity, &props.own);
    let (device, id) = (props.device.to_string(), entity.id.clone());
    let change = Callback::from(move |change: EntityChange| {
        engine.arrange(Arrange::Entity {
            device: device.clone(),
            entity: id.clone(),
            change,
        });
    });
    let to = |make: fn(String) -> EntityChange| change.reform(move |event: Event| make(event_value(&event)));
    let words = |class: &str| class.replace('_', " ");
    let is_number = entity.kind == "number";
    let choices = || {
        let all = Class::choices().filter(|class| if class.is_binary() { own.state } else { own.number });
        all.map(Class::name)
    };
    let is_named = choices().any(|choice| choice == own.class);
    html! {
        <div class="stack entity__fields" data-testid="entity-fields">
            <label class="field"><span class="label">{"Name"}</span>
                <input class="input input--dense" value={entity.name.clone()} placeholder={visible(&own.name)} maxlength="80"
                    onchange={to(EntityChange::Name)} data-testid="entity-name" /></label>
            if is_number {
                <label class="field"><span class="label">{"Unit"}</span>
                    <input class="input input--dense" value={entity.unit.clone()} placeholder={visible(&own.unit)} maxlength="16"
                        onchange={to(EntityChange::Unit)} data-testid="entity-unit" /></label>
            }
            if own.number || own.state {
                <label class="field"><span class="label">{"What it is"}</span>
                    <select class="select" onchange={to(EntityChange::Class)} data-testid="entity-class">
                        <option value="" selected={!is_named}>{"As it seems"}</option>
                        { for choices().map(|choice| html! {
                            <option value={choice} selected={own.class == choice}>{words(choice)}</option>
                        })}
                    </select></label>
            }
            <Check checked={entity.hidden} testid="entity-hidden" on_check={change.reform(EntityChange::Hidden)}>
                {"Hide it on Home"}</Check>
            if entity.by_hand {
                <button class="btn btn--dense" type="button" onclick={change.reform(|_: MouseEvent| EntityChange::Back)}
                    data-testid="entity-back">{"As before"}</button>
            }
        </div>
    }
}
