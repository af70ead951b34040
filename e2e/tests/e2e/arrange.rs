//! The home arranged by hand: in this browser, for this broker, and there again after a reload.

use anyhow::{Context, Result, ensure};
use e2e::bridge::Bridge;
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{By, Page, by};
use e2e::wait::until;
use serde_json::json;

/// A kitchen with two lamps and a bathroom.
fn home(name: &str, test: impl FnOnce(&Page, &Mosquitto) -> Result<()>) -> Result<()> {
    let broker = Mosquitto::open()?;
    for (topic, payload) in [
        ("home/kitchen/lamp/state", "ON"),
        ("home/kitchen/worktop-light/state", "ON"),
        ("home/bathroom/fan/temperature", "21.5"),
        ("home/bathroom/fan/humidity", "60"),
    ] {
        broker.client().publish(topic, payload.as_bytes(), &["-r"])?;
    }
    let bridge = Bridge::in_front_of(broker.port)?;
    case(name, Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        page.wait_for(&card("home-kitchen-lamp"))?;
        page.wait_for(&card("home-bathroom-fan"))?;
        test(page, &broker)
    })
}

fn card(device: &str) -> By {
    by("device-card").with("data-device", device)
}

/// Waits until the rooms are these, as `name: devices`.
fn wait_for_rooms(page: &Page, expected: &[&str]) -> Result<()> {
    let body = "return [...document.querySelectorAll('.room')].map(room => room.querySelector('h2').innerText + ': '
        + [...room.querySelectorAll('[data-device]')].map(card => card.dataset.device).filter((id, at, all) => all.indexOf(id) === at).sort().join(' '))";
    let rooms = || page.script::<Vec<String>>(body, &[]);
    until("the rooms", || Ok((rooms()? == expected).then_some(())))
        .with_context(|| format!("the rooms are {:?}, expected {expected:?}", rooms()))
}

fn choose(page: &Page, device: &str, room: &str) -> Result<()> {
    let here = by("arrange-card").with("data-device", device);
    page.click(&here.clone().inside(&by("arrange-menu")))?;
    page.click(&here.inside(&by("move-to").with("data-room", room)))
}

#[test]
fn a_room_made_by_hand_takes_a_device_and_is_there_after_a_reload() -> Result<()> {
    home("arrange-rooms", |page, _| {
        page.click(&by("arrange"))?;
        page.click(&by("new-room"))?;
        page.fill(&by("name-field"), "아이 방")?;
        page.click(&by("name-save"))?;
        page.wait_for(&by("arrange-room").with("data-room", "room-아이-방"))?;
        choose(page, "home-kitchen-lamp", "room-아이-방")?;
        let arranged = [
            "Kitchen: home-kitchen-worktop-light",
            "아이 방: home-kitchen-lamp",
            "Bathroom: home-bathroom-fan",
        ];
        wait_for_rooms(page, &arranged)?;
        until("the focus on the card that was moved", || {
            let at: String = page.script(
                "return document.activeElement.getAttribute('aria-label') ?? ''",
                &[],
            )?;
            Ok((at == "Move… Lamp").then_some(()))
        })?;
        page.click(&by("arrange-end"))?;
        wait_for_rooms(page, &arranged)?;
        page.browser()
            .session()
            .script::<()>("location.reload(); return null", &[])?;
        page.wait_until_connected()?;
        wait_for_rooms(page, &arranged)?;
        page.click(&by("arrange"))?;
        // The way back is kept as long as the page.
        page.click(
            &by("arrange-room")
                .with("data-room", "room-아이-방")
                .inside(&by("remove-room")),
        )?;
        let before = [
            "Kitchen: home-kitchen-lamp home-kitchen-worktop-light",
            "Bathroom: home-bathroom-fan",
        ];
        wait_for_rooms(page, &before)?;
        page.click(&by("undo"))?;
        wait_for_rooms(page, &arranged)
    })
}

#[test]
fn a_card_is_dragged_into_another_room() -> Result<()> {
    home("arrange-drag", |page, _| {
        page.click(&by("arrange"))?;
        page.wait_for(&by("arrange-card"))?;
        // The events of a drag, as browsers send them.
        let body = "const card = document.querySelector('[data-testid=arrange-card][data-device=home-kitchen-lamp]');
            const room = document.querySelector('[data-testid=arrange-room][data-room=room-bathroom]');
            const dataTransfer = new DataTransfer();
            const send = (to, type) => to.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer}));
            send(card, 'dragstart'); send(room, 'dragover'); send(room, 'drop'); send(card, 'dragend'); return null";
        page.script::<()>(body, &[])?;
        wait_for_rooms(
            page,
            &[
                "Kitchen: home-kitchen-worktop-light",
                "Bathroom: home-bathroom-fan home-kitchen-lamp",
            ],
        )
    })
}

/// Waits until the cards of a room stand in this order.
fn wait_for_order(page: &Page, room: &str, expected: &[&str]) -> Result<()> {
    let body = "return [...document.querySelector(`[data-testid=arrange-room][data-room=${arguments[0]}]`)
        .querySelectorAll('[data-device]')].map(card => card.dataset.device)";
    until("the order of the cards", || {
        let order: Vec<String> = page.script(body, &[json!(room)])?;
        Ok((order == expected).then_some(()))
    })
}

#[test]
fn cards_and_rooms_are_put_in_order_by_keyboard_and_by_pointer_also_for_another_tab() -> Result<()> {
    home("arrange-order", |page, _| {
        page.click(&by("arrange"))?;
        let (lamp, light) = ("home-kitchen-lamp", "home-kitchen-worktop-light");
        wait_for_order(page, "room-kitchen", &[lamp, light])?;
        let press = |key: &str| -> Result<()> {
            let body = "const button = document.querySelector('[data-testid=arrange-card][data-device=home-kitchen-lamp] [data-testid=arrange-menu]');
                button.focus(); button.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true})); return null";
            page.script(body, &[json!(key)])
        };
        press("ArrowRight")?;
        wait_for_order(page, "room-kitchen", &[light, lamp])?;
        until("the focus on the card that was moved", || {
            let at: String = page.script(
                "return document.activeElement.getAttribute('aria-label') ?? ''",
                &[],
            )?;
            Ok((at == "Move… Lamp").then_some(()))
        })?;
        press("ArrowLeft")?;
        wait_for_order(page, "room-kitchen", &[lamp, light])?;
        let body = "const card = document.querySelector('[data-testid=arrange-card][data-device=home-bathroom-fan]');
            const before = document.querySelector('[data-testid=arrange-card][data-device=home-kitchen-worktop-light]');
            const dataTransfer = new DataTransfer();
            const send = (to, type) => to.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer}));
            send(card, 'dragstart'); send(before, 'dragover'); send(before, 'drop'); send(card, 'dragend'); return null";
        page.script::<()>(body, &[])?;
        wait_for_order(page, "room-kitchen", &[lamp, "home-bathroom-fan", light])?;
        page.click(&by("arrange-undo"))?;
        wait_for_order(page, "room-kitchen", &[lamp, light])?;
        page.click(
            &by("arrange-room")
                .with("data-room", "room-bathroom")
                .inside(&by("room-up")),
        )?;
        let kept = "return Object.entries(localStorage).filter(([key]) => key.startsWith('hearth.home ')).map(([, text]) => text)[0] ?? ''";
        until("the order of the rooms", || {
            let rooms: String = page.script(kept, &[])?;
            Ok(rooms
                .contains(r#""room_order":["Bathroom","Kitchen"]"#)
                .then_some(()))
        })?;
        let rooms = "return [...document.querySelectorAll('[data-testid=arrange-room]')].map(room => room.dataset.room)";
        until("the rooms in their order", || {
            let rooms: Vec<String> = page.script(rooms, &[])?;
            Ok((rooms == ["room-bathroom", "room-kitchen"]).then_some(()))
        })?;
        // Another document of this origin, as another tab is one, puts them back.
        let elsewhere = "const frame = document.body.appendChild(document.createElement('iframe'));
            const key = Object.keys(localStorage).find(key => key.startsWith('hearth.home '));
            frame.contentWindow.localStorage.setItem(key, '{\"room_order\":[\"Kitchen\",\"Bathroom\"]}'); return null";
        page.script::<()>(elsewhere, &[])?;
        until("what the other tab arranged", || {
            let rooms: Vec<String> = page.script(rooms, &[])?;
            Ok((rooms == ["room-kitchen", "room-bathroom"]).then_some(()))
        })
    })
}

#[test]
fn all_lights_of_the_home_go_off_at_once_and_a_low_battery_is_put_off() -> Result<()> {
    home("arrange-all-lights", |page, broker| {
        let mut subscriber = broker.client().subscribe("home/+/+/set", 1)?;
        broker
            .client()
            .publish("home/bathroom/spot-light/state", b"ON", &["-r"])?;
        broker
            .client()
            .publish("home/hall/remote/battery", b"7", &["-r"])?;
        page.wait_for_attribute(&by("all-lights-off"), "data-value", &["3"])?;
        page.click(&by("all-lights-off"))?;
        subscriber.wait_for("1 0 home/bathroom/spot-light/set OFF")?;
        page.wait_for_text(&by("done"), "3 lights turned off.")?;
        let battery = by("attention-item").with("data-reason", "battery");
        page.click(&battery.clone().inside(&by("attention-later")))?;
        page.wait_for_text(&by("done"), "reminded tomorrow")?;
        page.wait_until_gone(&battery)?;
        page.click(&by("undo"))?;
        page.wait_for(&battery)
    })
}

#[test]
fn a_guessed_value_is_corrected_hidden_and_taken_back_on_its_page() -> Result<()> {
    home("arrange-value", |page, _| {
        page.go_to("#/device/home-bathroom-fan")?;
        let temperature = by("entity").with("data-entity", "temperature");
        page.wait_for_text(&temperature, "Guess")?;
        page.click(&temperature.clone().inside(&by("entity-correct")))?;
        page.choose(&temperature.clone().inside(&by("entity-class")), "humidity")?;
        page.wait_for_text(&by("done"), "Temperature is corrected.")?;
        page.fill(&temperature.clone().inside(&by("entity-unit")), "%\u{e007}")?;
        page.fill(&temperature.clone().inside(&by("entity-name")), "Damp\u{e007}")?;
        page.wait_for_text(&by("done"), "is corrected")?;
        page.wait_for_text(&temperature, "21.5 %")?;
        page.wait_for_text(&temperature, "Corrected by you")?;
        page.click(&temperature.clone().inside(&by("entity-hidden")))?;
        page.wait_for_text(&temperature, "Hidden on Home")?;
        page.go_to("#/")?;
        let on_home = card("home-bathroom-fan");
        page.wait_for(&on_home)?;
        ensure!(page.count(&on_home.inside(&temperature))? == 0, "it is hidden");
        page.click(&by("undo"))?;
        page.wait_for_text(&card("home-bathroom-fan"), "21.5")?;
        page.go_to("#/device/home-bathroom-fan")?;
        page.click(&temperature.clone().inside(&by("entity-correct")))?;
        page.click(&temperature.clone().inside(&by("entity-back")))?;
        page.wait_for_text(&temperature, "21.5 °C").map(drop)
    })
}

#[test]
fn a_search_begins_with_a_slash_and_finds_topics() -> Result<()> {
    home("arrange-search", |page, _| {
        page.script::<()>(
            "document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true})); return null",
            &[],
        )?;
        page.fill(&by("home-search"), "fan/hum")?;
        wait_for_rooms(page, &["Bathroom: home-bathroom-fan"])?;
        page.wait_for_text(&by("home-found"), "1 device")?;
        page.fill(&by("home-search"), "zzz")?;
        page.wait_for_text(&by("home-found"), "No device")?;
        page.fill(&by("home-search"), "\u{e00c}")?;
        page.wait_for(&card("home-kitchen-lamp"))
    })
}

#[test]
fn all_lights_of_a_room_go_off_and_the_way_back_turns_them_on() -> Result<()> {
    home("arrange-lights", |page, broker| {
        let mut subscriber = broker.client().subscribe("home/+/+/set", 1)?;
        page.wait_for_attribute(&by("lights-off"), "data-value", &["2"])?;
        page.click(&by("lights-off"))?;
        subscriber.wait_for("1 0 home/kitchen/lamp/set OFF")?;
        subscriber.wait_for("1 0 home/kitchen/worktop-light/set OFF")?;
        page.wait_for_text(&by("done"), "2 lights turned off in Kitchen.")?;
        page.click(&by("undo"))?;
        subscriber.wait_for("1 0 home/kitchen/lamp/set ON")
    })
}

#[test]
fn a_device_is_renamed_hidden_joined_and_parted_on_its_page() -> Result<()> {
    home("arrange-device", |page, _| {
        page.go_to("#/device/home-kitchen-lamp")?;
        page.wait_for(&by("hand"))?;
        page.script::<()>(
            "document.querySelector('[data-testid=hand]').open = true; return null",
            &[],
        )?;
        page.fill(&by("hand-name"), "Big one\u{e007}")?;
        page.wait_for_text(&by("done"), "Lamp is called Big one now.")?;
        page.choose(&by("hand-join"), "home-bathroom-fan")?;
        page.wait_for(&by("entity").with("data-entity", "home-bathroom-fan~humidity"))?;
        page.click(&by("hand-separate").with("data-key", "home/bathroom/fan"))?;
        page.wait_until_gone(&by("entity").with("data-entity", "home-bathroom-fan~humidity"))?;
        page.choose(&by("hand-kind"), "plug")?;
        page.wait_for(&card("home-kitchen-lamp").with("data-kind", "plug"))?;
        page.click(&by("hand-hidden"))?;
        page.wait_for_text(&by("done"), "hidden")?;
        page.go_to("#/")?;
        page.wait_for(&by("hidden-devices"))?;
        ensure!(page.count(&card("home-kitchen-lamp"))? == 0, "it is hidden");
        page.script::<()>(
            "document.querySelector(arguments[0]).open = true; return null",
            &[json!("[data-testid=hidden-devices]")],
        )?;
        page.click(&by("show-device"))?;
        page.wait_for_text(&card("home-kitchen-lamp"), "Big one")
            .map(drop)
    })
}
