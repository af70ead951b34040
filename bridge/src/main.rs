//! The `hearth` command.

mod user_command;

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use hearth::{
    commands,
    config::{self, Config, Overrides},
    give_way, health,
    server::{Server, StartError},
    shutdown::Signals,
    telemetry,
};

/// Serves the page, relays MQTT over WebSocket to brokers, and can be the broker itself.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = false)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The configuration file; `hearth example-config` prints an annotated one
    #[arg(long, value_name = "FILE", env = "HEARTH_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// The address for page, API and WebSockets; port 0 takes any free port [default: 127.0.0.1:9001]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder with the built page
    #[arg(long, value_name = "DIR")]
    dist: Option<String>,
    /// Fill the embedded broker with a simulated home
    #[arg(long)]
    demo: bool,
    /// Turn the embedded broker on, with MQTT over TCP at this address
    #[arg(long, value_name = "ADDRESS")]
    broker_listen: Option<String>,
    /// Reach the broker of a Dapr component file (pubsub.mqtt or pubsub.mqtt3)
    #[arg(long, value_name = "FILE", global = true)]
    dapr: Option<String>,
    /// The folder with the secrets that the Dapr component refers to, as NAME/KEY or KEY
    #[arg(long, value_name = "DIR", global = true)]
    dapr_secrets: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Ask the Hearth of the same configuration whether it is up
    Health,
    /// Print an annotated configuration with every default
    ExampleConfig,
    /// Make and change the accounts of the bridge
    User(user_command::UserCommand),
    /// Read the configuration and dial each of its brokers
    Check,
    /// Dial a WebSocket listener as a browser would, and say in plain words what is there
    Doctor(Doctor),
}

#[derive(Debug, clap::Args)]
struct Doctor {
    /// The address, such as ws://192.168.1.10:9001/mqtt
    url: String,
    /// The page that would dial: scheme, host and port [default: a page from the listener itself]
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// Trust the certificates of this PEM file, as if they were installed
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Seconds that each step may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    wait: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Health) => load(&arguments.serve).and_then(|config| Ok(health::ask(&config)?)),
        Some(Command::ExampleConfig) => say(config::EXAMPLE.trim_end()),
        Some(Command::User(command)) => {
            load(&arguments.serve).and_then(|config| command.run(&config.auth.accounts_file))
        }
        Some(Command::Check) => return told(check(&arguments.serve)),
        Some(Command::Doctor(arguments)) => return told(doctor(arguments)),
        None => return served(serve(&arguments.serve)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hearth: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A line on standard output. Who reads it may have seen enough, as `head` has; a disk that is full is an error.
fn say(line: impl Display) -> Result<(), Box<dyn std::error::Error>> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output takes nothing: {error}").into())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Success only when nothing was found.
fn told(is_well: Result<bool, Box<dyn std::error::Error>>) -> ExitCode {
    served(is_well.map(|is_well| {
        if is_well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }))
}

fn served(ended: Result<ExitCode, Box<dyn std::error::Error>>) -> ExitCode {
    ended.unwrap_or_else(|error| {
        eprintln!("hearth: {error}");
        ExitCode::FAILURE
    })
}

fn check(arguments: &Serve) -> Result<bool, Box<dyn std::error::Error>> {
    let config = load(arguments)?;
    let mut faults = Server::faults(&config);
    let taken: Vec<_> = faults.iter().filter_map(StartError::taken).collect();
    // Who looks at the settings of a Hearth that runs shall not be told that it cannot start.
    let is_running = !taken.is_empty() && health::ask(&config).is_ok();
    if is_running {
        faults.retain(|fault| fault.taken().is_none());
    }
    if faults.is_empty() {
        say("the configuration is in order")?;
    }
    for fault in &faults {
        say(format_args!("FAILED: the bridge would not start: {fault}"))?;
    }
    for address in taken.iter().filter(|_| is_running) {
        say(format_args!("note: {address} is taken: by a running hearth?"))?;
    }
    for variable in unknown_variables(&config) {
        say(format_args!("warning: {variable}"))?;
    }
    for warning in &config.warnings {
        say(format_args!("warning: {warning}"))?;
    }
    for remark in commands::check::remarks(&config) {
        say(format_args!("warning: {remark}"))?;
    }
    if config.embedded.is_some() {
        say("\nbroker 'embedded' starts with the bridge")?;
    }
    if config.brokers.is_empty() && config.embedded.is_none() {
        say("\nthere is no broker; the page will ask for one")?;
    }
    let https = commands::check::https(&config);
    let brokers = wait_for(commands::check::check(&config))?;
    let reports: Vec<_> = https.into_iter().chain(brokers).collect();
    for report in &reports {
        say(format_args!("\n{report}"))?;
    }
    Ok(faults.is_empty() && reports.iter().all(|report| report.fault().is_none()))
}

fn doctor(arguments: Doctor) -> Result<bool, Box<dyn std::error::Error>> {
    let options = commands::doctor::Options {
        origin: arguments.origin,
        ca_file: arguments.ca_file,
        wait: Duration::from_secs(arguments.wait),
    };
    let listener = commands::doctor::parse(&arguments.url)?;
    let report = wait_for(commands::doctor::look(listener, &options))??;
    say(&report)?;
    Ok(!report.has_faults())
}

/// Returns when it is done, whatever name servers still owe an answer.
fn wait_for<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

fn load(arguments: &Serve) -> Result<Config, Box<dyn std::error::Error>> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        dist: arguments.dist.clone(),
        demo: arguments.demo,
        broker_listen: arguments.broker_listen.clone(),
        dapr: arguments.dapr.clone(),
        dapr_secrets: arguments.dapr_secrets.clone(),
    };
    let environment = environment()?;
    Ok(Config::load(
        arguments.config.as_deref(),
        &environment,
        &overrides,
    )?)
}

fn environment() -> Result<BTreeMap<String, String>, String> {
    let mut environment = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                environment.insert(name, value);
            }
            // Without it something else would hold than was meant.
            Err(_) if name.starts_with("HEARTH_") || name.starts_with("AIO_") => {
                return Err(format!(
                    "the environment variable {name} holds bytes that are not UTF-8 text; set it anew"
                ));
            }
            Err(_) => {}
        }
    }
    Ok(environment)
}

fn unknown_variables(config: &Config) -> impl Iterator<Item = String> {
    config.unknown_variables.iter().map(|(name, meant)| match meant {
        Some(meant) => format!("the environment variable {name} is not known; did you mean {meant}?"),
        None => format!("the environment variable {name} is not known"),
    })
}

fn serve(arguments: &Serve) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = load(arguments)?;
    telemetry::start(&config.log)?;
    for variable in unknown_variables(&config) {
        tracing::warn!("{variable}");
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // Each WebSocket takes two file descriptors; many systems begin with 1,024 and allow more.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < 2 * config.relay.max_connections as u64 => {
            tracing::info!(
                limit,
                "fewer files may be open than relay.max_connections needs, which is two for each; `ulimit -n` or LimitNOFILE= raises that"
            );
        }
        Ok(limit) => tracing::debug!(limit, "file descriptors"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
    let runtime = give_way::to_others(&mut tokio::runtime::Builder::new_multi_thread())
        .worker_threads(config.worker_threads)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(serve_until_asked(config));
    // A question to name servers that do not answer holds a thread for half a minute, and nobody waits for it any more.
    runtime.shutdown_background();
    telemetry::flush();
    ended
}

/// One wish to end may come as several signals: `timeout` and shells tell both the process and its group.
const ECHO: Duration = Duration::from_millis(300);

/// Serves until a signal asks for the end; a second one is heard while connections are drained.
async fn serve_until_asked(config: Config) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        server = Server::start(config) => server?,
        // Nothing was served yet, so nothing is lost.
        signal = signals.next() => {
            tracing::warn!(?signal, "asked to end before the start was over");
            return Ok(ExitCode::from(signal.exit_code()));
        }
    };
    tracing::info!("listening on {}://{}", server.scheme(), server.address());
    let signal = signals.next().await;
    tracing::info!(?signal, "shutting down; a second signal ends at once");
    let begun = Instant::now();
    tokio::select! {
        stopped = server.stop() => match stopped {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                tracing::error!("{error}");
                Ok(ExitCode::FAILURE)
            }
        },
        signal = signals.next_after(begun + ECHO) => {
            tracing::warn!(?signal, "asked to end a second time: ending at once, and nothing more is saved");
            Ok(ExitCode::from(signal.exit_code()))
        }
    }
}
