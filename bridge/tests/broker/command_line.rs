//! With `mosquitto_pub` and `mosquitto_sub`.

use crate::start;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::process::Command;

async fn run(tool: &str, broker: SocketAddr, arguments: &[&str]) -> String {
    let port = broker.port().to_string();
    let mut command = Command::new(tool);
    command
        .args(["-h", "127.0.0.1", "-p", &port])
        .args(arguments)
        .kill_on_drop(true);
    let output = command.output().await.expect("the Mosquitto tools are installed");
    assert!(output.status.success(), "{tool} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_mosquitto_tools_talk_through_it_in_both_versions_and_every_quality() {
    let broker = start().await;
    for version in ["311", "5"] {
        for qos in ["0", "1", "2"] {
            let payload = format!("{version}-{qos}");
            let publish = ["-V", version, "-q", qos, "-r", "-t", "home/부엌", "-m", &payload];
            run("mosquitto_pub", broker.address(), &publish).await;
            // Retained, so that it does not matter who is first. Topic, payload, QoS, RETAIN:
            let subscribe = [
                "-V",
                version,
                "-q",
                qos,
                "-t",
                "home/#",
                "-C",
                "1",
                "-W",
                "10",
                "-F",
                "%t %p %q %r",
            ];
            let wanted = format!("home/부엌 {payload} {qos} 1\n");
            // At QoS 0 nobody tells when the new value has arrived.
            let deadline = Instant::now() + Duration::from_secs(10);
            loop {
                let got = run("mosquitto_sub", broker.address(), &subscribe).await;
                if got == wanted {
                    break;
                }
                assert!(Instant::now() < deadline, "{got:?} is not {wanted:?}");
            }
        }
    }
    broker.stop().await.unwrap();
}
