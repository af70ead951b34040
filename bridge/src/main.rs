//! The `hearth` command.

mod user_command;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use hearth::{
    config::{self, Config, Overrides},
    health,
    server::Server,
    shutdown, telemetry,
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
    #[arg(long, value_name = "FILE")]
    dapr: Option<String>,
    /// The folder with the secrets that the Dapr component refers to, as NAME/KEY or KEY
    #[arg(long, value_name = "DIR")]
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
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(Command::Health) => load(&arguments.serve).and_then(|config| Ok(health::ask(&config)?)),
        Some(Command::ExampleConfig) => {
            print!("{}", config::EXAMPLE);
            Ok(())
        }
        Some(Command::User(command)) => {
            load(&arguments.serve).and_then(|config| command.run(&config.auth.accounts_file))
        }
        None => serve(&arguments.serve),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hearth: {error}");
            ExitCode::FAILURE
        }
    }
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
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    Ok(Config::load(
        arguments.config.as_deref(),
        &environment,
        &overrides,
    )?)
}

fn serve(arguments: &Serve) -> Result<(), Box<dyn std::error::Error>> {
    let config = load(arguments)?;
    telemetry::start(&config.log);
    for (name, meant) in &config.unknown_variables {
        match meant {
            Some(meant) => {
                tracing::warn!("the environment variable {name} is not known; did you mean {meant}?");
            }
            None => tracing::warn!("the environment variable {name} is not known"),
        }
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    // Each WebSocket takes two file descriptors; many systems begin with 1,024 and allow more.
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::debug!(limit, "file descriptors"),
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(config).await?;
        tracing::info!("listening on {}://{}", server.scheme(), server.address());
        shutdown::requested().await;
        tracing::info!("shutting down");
        server.stop().await;
        Ok(())
    })
}
