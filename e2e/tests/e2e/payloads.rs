//! Payloads that are no text: read by the second module, which is fetched when it is first asked for.

use std::io::Write;

use anyhow::{Result, ensure};
use e2e::bridge::{Bridge, dist};
use e2e::browser::Screen;
use e2e::case::case;
use e2e::mosquitto::Mosquitto;
use e2e::page::{by, percent_encoded};
use e2e::static_server::StaticServer;
use e2e::wait::until;

/// `{"t": 21.5, "u": "°C"}`
const CBOR: &[u8] = b"\xa2at\xf9\x4d\x60au\x63\xc2\xb0C";
const MESSAGE_PACK: &[u8] = b"\x82\xa1t\xcb\x40\x35\x80\x00\x00\x00\x00\x00\xa1u\xa3\xc2\xb0C";
/// `field 1 = 150`, which could be many things.
const PROTOBUF: &[u8] = b"\x08\x96\x01";
/// One red pixel.
const PNG: &[u8] = b"\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90\x77\x53\xde\x00\x00\x00\x0c\x49\x44\x41\x54\x78\x9c\x63\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

fn packed(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?)
}

#[test]
fn the_second_module_is_fetched_when_it_is_first_needed_also_under_a_sub_path() -> Result<()> {
    let broker = Mosquitto::open()?;
    let server = StaticServer::start(dist()?, "/smart/home/")?;
    let url = percent_encoded(&broker.websocket_url());
    let start = format!("{}#/explorer?url={url}&subscribe=%23@0&connect=1", server.url());
    case("payloads-lazy", Screen::Desktop, |page| {
        page.open(&start)?;
        page.wait_until_connected()?;
        broker.client().publish("e2e/text", b"{\"t\":21.5}", &["-r"])?;
        broker.client().publish("e2e/cbor", CBOR, &["-r"])?;
        page.explore("e2e/text")?;
        page.wait_for(&by("topic-payload").with("data-view", "json"))?;
        let before = server.bytes_sent();
        page.explore("e2e/cbor")?;
        page.wait_for(&by("topic-payload").with("data-view", "cbor"))?;
        page.wait_for_text(&by("topic-payload"), "21.5")?;
        let fetched = server.bytes_sent() - before;
        ensure!(
            (1_000..400_000).contains(&fetched),
            "the second module came only now, in {fetched} bytes"
        );
        Ok(())
    })
}

#[test]
fn a_payload_is_read_as_what_it_is_beyond_doubt_and_as_what_is_chosen() -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case("payloads-forms", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        let shown = |payload: &[u8], form: &str, text: &str| -> Result<()> {
            let topic = format!("e2e/{form}");
            broker.client().publish(&topic, payload, &["-r"])?;
            page.explore(&topic)?;
            page.wait_for(&by("topic-payload").with("data-view", form))?;
            page.wait_for_text(&by("topic-payload"), text).map(drop)
        };
        shown(MESSAGE_PACK, "msgpack", "21.5")?;
        shown(&packed(b"{\"packed\": true}")?, "gzip", "packed")?;
        shown(CBOR, "cbor", "°C")?;
        // A short text is never taken for a packing, and bytes that may be anything stay bytes.
        shown(b"on", "raw", "on")?;
        shown(PROTOBUF, "hex", "96")?;
        for (form, text) in [
            ("protobuf", "150"),
            ("base64", "CJYB"),
            ("cbor", "does not read as CBOR"),
            ("hex", "96"),
        ] {
            page.choose(&by("payload-form"), form)?;
            page.wait_for(&by("topic-payload").with("data-view", form))?;
            page.wait_for_text(&by("topic-payload"), text)?;
        }
        // What was chosen stays with the topic.
        page.choose(&by("payload-form"), "protobuf")?;
        page.explore("e2e/cbor")?;
        page.wait_for(&by("topic-payload").with("data-view", "cbor"))?;
        page.explore("e2e/hex")?;
        page.wait_for(&by("topic-payload").with("data-view", "protobuf"))?;
        // A bomb is given up with a reason, and the next payload is read.
        let bomb = packed(&vec![0; 64 * 1024 * 1024])?;
        broker.client().publish("e2e/bomb", &bomb, &["-r"])?;
        page.explore("e2e/bomb")?;
        page.choose(&by("payload-form"), "gzip")?;
        page.wait_for_text(&by("payload-fault"), "larger than 8 MiB")?;
        page.explore("e2e/msgpack")?;
        page.wait_for_text(&by("topic-payload"), "21.5").map(drop)
    })
}

#[test]
fn what_is_no_text_is_compared_by_what_it_says_or_by_its_bytes() -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case("payloads-compared", Screen::Desktop, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        // The same record of CBOR with other numbers: {"t": 25}, {"t": 26}, {"t": 27}.
        let cbor = |number: u8| [0xa1, 0x61, b't', 0x18, number];
        let client = broker.client();
        client.publish("e2e/packed", &cbor(25), &["-r"])?;
        page.explore("e2e/packed")?;
        page.wait_for(&by("topic-payload").with("data-view", "cbor"))?;
        client.publish("e2e/packed", &cbor(26), &[])?;
        client.publish("e2e/packed", &cbor(27), &[])?;
        page.wait_for_text(&by("topic-payload"), "27")?;
        page.click(&by("payload-compare"))?;
        page.wait_for_text(&by("topic-diff"), "\"t\": 26")?;
        page.wait_for_text(&by("topic-diff"), "\"t\": 27")?;
        // With the oldest message, from its row.
        page.click(
            &by("topic-history-row")
                .with("data-number", "1")
                .inside(&by("topic-compare")),
        )?;
        page.wait_for_text(&by("topic-diff"), "\"t\": 25")?;
        // Bytes that are nothing else differ although both are no text.
        client.publish("e2e/bytes", &[0xff, 0x00, 0x01], &["-r"])?;
        page.explore("e2e/bytes")?;
        client.publish("e2e/bytes", &[0xfe, 0x00, 0x01], &[])?;
        page.click(
            &by("topic-history-row")
                .with("data-number", "1")
                .inside(&by("topic-compare")),
        )?;
        page.wait_for_text(&by("topic-diff"), "ff 00 01")?;
        page.wait_for_text(&by("topic-diff"), "fe 00 01").map(drop)
    })
}

#[test]
fn a_picture_is_shown_as_a_picture_and_svg_as_text() -> Result<()> {
    let broker = Mosquitto::open()?;
    let bridge = Bridge::in_front_of(broker.port)?;
    case("payloads-picture", Screen::Phone, |page| {
        page.open(&bridge.url())?;
        page.wait_until_connected()?;
        broker.client().publish("e2e/png", PNG, &["-r"])?;
        page.explore("e2e/png")?;
        page.wait_for(&by("topic-payload").with("data-view", "image"))?;
        until("the picture", || {
            let wide: u32 = page.script(
                "return document.querySelector('.viewer__image')?.naturalWidth ?? 0",
                &[],
            )?;
            Ok((wide == 1).then_some(()))
        })?;
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>window.hacked=1</script></svg>";
        broker.client().publish("e2e/svg", svg, &["-r"])?;
        page.explore("e2e/svg")?;
        page.wait_for_text(&by("topic-payload").with("data-view", "raw"), "<svg")
            .map(drop)
    })
}
