//! Many connections, of which the later ones are served by threads of their own.

use hearth::server::Server;
use hearth_model::api::close;

use crate::{
    fake_broker::{self, CONNECT, FakeBroker},
    http,
    program::Program,
    running::parse,
    websocket::open,
};

const MANY: usize = 130;

#[tokio::test]
async fn every_one_of_a_crowd_is_served_and_told_when_the_bridge_goes() {
    let broker = FakeBroker::start().await;
    let settings = format!("[broker.home]\nurl = \"mqtt://{}\"\n", broker.address());
    let mut config = parse(&settings).expect("the settings are right");
    config.crowd_threads = 2;
    let bridge = Server::start(config).await.expect("the bridge starts");

    let mut browsers = Vec::new();
    for _ in 0..MANY {
        let mut browser = open(bridge.address()).await;
        browser.send(CONNECT).await;
        let tcp = broker.accept_connect().await;
        browsers.push((browser, tcp));
    }
    for (browser, tcp) in &mut browsers {
        fake_broker::write(tcp, b"\x20\x02\x00\x00").await;
        assert_eq!(browser.receive().await, b"\x20\x02\x00\x00".as_slice());
    }
    let metrics = http::get(bridge.address(), "/metrics", &[]).await.text();
    assert!(
        metrics.contains(&format!("hearth_relay_connections {MANY}")),
        "{metrics}"
    );

    let stopping = tokio::spawn(bridge.stop());
    for (browser, _tcp) in &mut browsers {
        assert_eq!(browser.closed().await.0, close::SHUTTING_DOWN);
    }
    drop(browsers);
    stopping.await.unwrap().expect("the bridge stops");
}

#[tokio::test]
async fn browsers_whose_websockets_are_open_are_a_crowd() {
    if std::thread::available_parallelism().map_or(1, usize::from) == 1 {
        eprintln!("not tested: one processor has no more threads for a crowd");
        return;
    }
    let broker = FakeBroker::start().await;
    let settings = format!(
        "crowd_connections = 20\n[broker.home]\nurl = \"mqtt://{}\"\n",
        broker.address()
    );
    let (mut program, address) = Program::start(&settings).await;
    let mut browsers = Vec::new();
    for _ in 0..30 {
        let mut browser = open(address).await;
        browser.send(CONNECT).await;
        let tcp = broker.accept_connect().await;
        browsers.push((browser, tcp));
    }
    let told = program.line_with("there is a crowd").await;
    assert!(told.contains("connections=20"), "{told}");
    // Who came then is served as everybody.
    let (browser, tcp) = browsers.last_mut().expect("there are browsers");
    fake_broker::write(tcp, b"\x20\x02\x00\x00").await;
    assert_eq!(browser.receive().await, b"\x20\x02\x00\x00".as_slice());
}
