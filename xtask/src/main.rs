//! Everything a person types: `cargo xtask <task>`.
//!
//! A task says what it does and how long it takes, keeps the full output of long steps in `target/xtask/*.log`, and ends its children
//! when it ends. No product code lives here.

mod apt;
mod autobahn;
mod bench;
mod bench_relay;
mod bench_ui;
mod check;
mod conformance;
mod deploy_tests;
mod dist;
mod e2e;
mod extras;
mod firefox;
mod fuzz;
mod page;
mod peers;
mod process;
mod run;
mod templates;
mod test;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <task>

  run [ARGS…]          build the page and the bridge, start them with a simulated home; ARGS go to `hearth`
  test                 install what tests need, then every test: unit, property, doc, wasm, end-to-end
  check                formatting, clippy and documentation, warnings are errors
  e2e [NAME…]          only the end-to-end tests (those whose name contains NAME)
  brokers [NAME] [--write]   our session against real brokers; --write: docs/BROKERS.md, what each of them lacks
  deploy-tests [NAME…] only the tests of deploy/
  shots [--out DIR]    pictures of the page in both sizes and both themes (default: target/shots)
  dist                 the release: dist/ with compressed copies, the binary with the page inside, a table of sizes
  extras               the module that the page fetches later; Trunk calls this at the end of each build
  fuzz TARGET [--seconds N]   fuzz one target (needs the nightly toolchain; default 60 s)
  fuzz TARGET --keep          keep the inputs that reach most for the ordinary tests
  autobahn             the Autobahn test suite against the WebSocket listener (installs it; a minute)
  conformance          CONFORMANCE.md: which test proves which statement of the specifications
  templates            shared/templates/tests/expected.json: what Jinja2 itself makes of the corpus (installs Jinja2)
  bench codec [ROUNDS [WORKLOAD]]   the codec against other projects' codecs (downloads and builds them)
  bench codec instructions [WORKLOAD]   instructions instead of time (needs valgrind)
  bench codec wasm [ROUNDS]   only the part in wasm, against the codecs of JavaScript (needs Node and npm)
  bench relay [ROUNDS] [WORKLOAD…]   the bridge's relay against others in front of one Mosquitto (installs them)
  bench engine [ROUNDS [coalesced|frames]]   what the page takes in, beside a raw counter, MQTT.js and paho (needs npm)
  bench ui [SECONDS [home|explorer [LOAD]]]   frames, long tasks and input while messages come
  bench soak [MINUTES]   memory over half an hour at 5,000 messages a second
  bench hidden [MINUTES]   a hidden page keeps its connection and counts every message
  help                 this text
";

fn main() -> ExitCode {
    process::end_children_on_signals();
    let mut args = std::env::args().skip(1);
    let task = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let outcome = match task.as_str() {
        "run" => run::run(&rest),
        "test" => test::test(),
        "check" => check::check(),
        "e2e" => e2e::e2e(&rest),
        "brokers" => e2e::brokers(&rest),
        "deploy-tests" => deploy_tests::deploy_tests(&rest),
        "shots" => e2e::shots(&rest),
        "dist" => dist::dist(),
        "extras" => extras::extras(),
        "fuzz" => fuzz::fuzz(&rest),
        "autobahn" => autobahn::autobahn(),
        "conformance" => conformance::conformance(),
        "templates" => templates::templates(),
        "bench" => bench::bench(&rest),
        "" | "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => Err(anyhow::anyhow!("there is no task `{unknown}`\n\n{USAGE}")),
    };
    process::end_children();
    match outcome {
        _ if process::interrupted() => ExitCode::from(130),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
