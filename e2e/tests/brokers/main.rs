//! Our session against real brokers over their WebSocket listeners: no page, no browser.
//!
//! Every broker gets the same cases (`cases/`). What one of them lacks is data (`known.rs`), and is asserted too: a broker that learns
//! it fails the test until the data say so. `docs/BROKERS.md` is written from these data. Run by `cargo xtask brokers`.

mod brokers;
mod cases;
mod client;
mod known;
mod report;
mod rig;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use hearth_mqtt::ProtocolVersion;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::brokers::{Broker, Brokers, Kind, VERSIONS};
use crate::cases::{CHAPTERS, Case};
use crate::rig::{Finding, Rig};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let brokers = Arc::new(Brokers::default());
    let trials = trials(&brokers);
    if !arguments.list {
        Kind::ALL
            .into_iter()
            .filter(|kind| is_wanted(&arguments, &trials, *kind))
            .for_each(|kind| brokers.warm_up(kind));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_wanted(arguments: &Arguments, trials: &[Trial], kind: Kind) -> bool {
    let names = trials.iter().map(Trial::name);
    names
        .filter(|name| name.starts_with(kind.id()))
        .filter(|name| {
            arguments
                .filter
                .as_ref()
                .is_none_or(|filter| name.contains(filter))
        })
        .any(|name| !arguments.skip.iter().any(|skip| name.contains(skip)))
}

fn trials(brokers: &Arc<Brokers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        for version in VERSIONS {
            let cases = CHAPTERS.iter().flat_map(|chapter| chapter.cases);
            for (turn, case) in cases.enumerate() {
                if !is_asked(kind, version, case) {
                    continue;
                }
                let brokers = Arc::clone(brokers);
                let name = format!("{}::v{}::{}", kind.id(), version.level(), case.name);
                trials.push(Trial::test(name, move || {
                    brokers
                        .with(kind, turn, |broker| ask(broker, &broker.url, kind, version, case))
                        .map_err(|error| Failed::from(format!("{error:#}")))
                }));
            }
        }
    }
    trials.extend(trials_through_bridge(brokers));
    trials.push(Trial::test("report::is_up_to_date", || {
        report::check().map_err(|error| Failed::from(format!("{error:#}")))
    }));
    trials
}

/// Messages of every kind come through a bridge that is a client of the broker's WebSocket listener, as they come without it.
fn trials_through_bridge(brokers: &Arc<Brokers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Embedded) {
        for version in VERSIONS {
            let cases = cases::MESSAGES.cases.iter().enumerate();
            for (turn, case) in cases.filter(|(_, case)| is_asked(kind, version, case)) {
                let brokers = Arc::clone(brokers);
                let name = format!("{}::v{}::bridge::{}", kind.id(), version.level(), case.name);
                trials.push(Trial::test(name, move || {
                    brokers
                        .with(kind, turn, |broker| {
                            ask(broker, &broker.url_through_bridge()?, kind, version, case)
                        })
                        .map_err(|error| Failed::from(format!("{error:#}")))
                }));
            }
        }
    }
    trials
}

/// A broker that does not speak a version is asked only whether it does.
fn is_asked(kind: Kind, version: ProtocolVersion, case: &Case) -> bool {
    let in_version = !case.only_v5 || version == ProtocolVersion::V5;
    in_version && (known::speaks(kind, version) || case.name == "connects")
}

fn ask(broker: &Broker, url: &str, kind: Kind, version: ProtocolVersion, case: &'static Case) -> Result<()> {
    let rig = Rig {
        url: url.to_owned(),
        version,
        case: case.name,
    };
    let found = found((case.run)(&rig))?;
    if known::is_expected(kind, version, case.name, &found) {
        return Ok(());
    }
    let known = known::in_words(kind, version, case.name);
    let differs = format!("`{}`: found {found:?}, known is {known:?}", case.title);
    if broker.version != known::seen_with(kind) {
        println!(
            "{kind} {} is not the version of the table; {differs}",
            broker.version
        );
        return Ok(());
    }
    bail!("{differs}")
}

/// A connection that the broker ends where it should last is something that it lacks.
fn found(result: Result<Finding>) -> Result<Finding> {
    match result {
        Err(error) if rig::is_network_closed(&error) => rig::lacks("ends the connection"),
        other => other,
    }
}
