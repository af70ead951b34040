//! The last will in the connection form.

use yew::prelude::*;

use super::{
    connect::Edit,
    field::{Check, Choice, Field},
};

/// What [`Will`] draws.
#[derive(Properties, PartialEq)]
pub(crate) struct WillProps {
    pub(crate) edit: Edit,
}

/// Topic, payload, QoS, delay and retain of the Will Message.
#[component]
pub(crate) fn Will(props: &WillProps) -> Html {
    let (form, edit) = (&props.edit.form, &props.edit);
    html! {
        <fieldset class="fgroup"><legend>{"Last will"}</legend>
            <Check checked={form.will} on_check={edit.with(|form, on| form.will = on)}>
                {"Tell others when this window goes away without a goodbye"}
            </Check>
            <div class="form-grid">
                <Field id="will-topic" label="Topic" value={form.will_topic.clone()} testid="connect-will-topic"
                    error={edit.error("will_topic")}
                    on_input={edit.with(|form, text: String| { form.will = form.will || !text.is_empty(); form.will_topic = text; })} />
                <Field id="will-payload" label="Payload" value={form.will_payload.clone()} testid="connect-will-payload"
                    on_input={edit.with(|form, text| form.will_payload = text)} />
                <Choice legend="Quality of service" name="will-qos" chosen={form.will_qos}
                    options={vec![(0, "0", None), (1, "1", None), (2, "2", None)]}
                    on_choose={edit.with(|form, qos| form.will_qos = qos)} />
                <Field id="will-delay" label="Delay, seconds" value={form.will_delay.clone()} inputmode="numeric"
                    hint="MQTT 5.0 only." error={edit.error("will_delay")}
                    on_input={edit.with(|form, text| form.will_delay = text)} />
            </div>
            <Check checked={form.will_retain} on_check={edit.with(|form, on| form.will_retain = on)}>{"Retain the will"}</Check>
        </fieldset>
    }
}
