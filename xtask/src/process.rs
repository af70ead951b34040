//! Child processes: started in groups of their own, so that one signal ends each of them and whatever it started.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The groups that are running.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long children may take to end after they were asked to.
const DRAIN: Duration = Duration::from_secs(10);
/// A step that takes longer than this says that it is still at work.
const STILL_AT_WORK: Duration = Duration::from_secs(30);

/// From now on Ctrl-C, a hang-up and a termination end the children first, then this process.
pub(crate) fn end_children_on_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
        return;
    };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            end_children();
            std::process::exit(130);
        }
    });
}

/// Whether a signal asked this process to end.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Asks every running group to end, waits, then insists.
pub(crate) fn end_children() {
    let groups = std::mem::take(&mut *GROUPS.lock().unwrap_or_else(PoisonError::into_inner));
    for group in &groups {
        // A group that has ended already is what we want.
        let _ = kill_process_group(*group, Signal::TERM);
    }
    let deadline = Instant::now() + DRAIN;
    while Instant::now() < deadline && groups.iter().any(|group| test_kill_process_group(*group).is_ok()) {
        reap(&groups);
        std::thread::sleep(Duration::from_millis(20));
    }
    for group in groups {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Collects children that have ended: a group with an uncollected child still counts as running.
fn reap(groups: &[Pid]) {
    for group in groups {
        let _ = rustix::process::waitpgid(*group, rustix::process::WaitOptions::NOHANG);
    }
}

/// A running child; dropping it asks its whole group to end.
pub(crate) struct Running {
    child: Child,
    group: Option<Pid>,
}

impl Running {
    /// Starts `command` in a group of its own.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        if interrupted() {
            bail!("interrupted");
        }
        forget_who_runs_us(command);
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| could_not_start(command))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        GROUPS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(group);
        Ok(Self { child, group })
    }

    /// What the child prints to a piped standard output.
    pub(crate) fn take_stdout(&mut self) -> Result<impl BufRead + use<>> {
        Ok(BufReader::new(
            self.child.stdout.take().context("the output is not piped")?,
        ))
    }

    /// What the child prints to a piped standard error.
    pub(crate) fn take_stderr(&mut self) -> Result<impl BufRead + use<>> {
        Ok(BufReader::new(
            self.child.stderr.take().context("the output is not piped")?,
        ))
    }

    /// Waits until the child has ended.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        let status = self.child.wait()?;
        GROUPS
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|group| Some(*group) != self.group);
        Ok(status)
    }
}

/// `cargo run` tells a program which package it is; a Cargo that hears it believes that its own builds are out of date.
fn forget_who_runs_us(command: &mut Command) {
    let package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(package) {
            command.env_remove(name);
        }
    }
}

/// Runs a command whose output the person wants to see.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    println!("$ {}", describe(command));
    let status = Running::start(command)?.wait()?;
    succeeded(command, status)
}

/// Runs a command quietly and returns what it printed.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| could_not_start(command))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a long step: says what it does, keeps its output in a log file, shows the end of the log when it fails.
///
/// `what` may end with an estimate in parentheses.
pub(crate) fn step(what: &str, log_name: &str, command: &mut Command) -> Result<()> {
    let log = log_file(log_name)?;
    let out = File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
    println!("{what} …");
    let what = what.split_once(" (").map_or(what, |(what, _estimate)| what);
    let started = Instant::now();
    let running = Running::start(command.stdout(out.try_clone()?).stderr(out))?;
    let status = with_heartbeat(what, started, || running.wait())?;
    if !status.success() && !interrupted() {
        print_end_of(&log);
    }
    succeeded(command, status)
        .with_context(|| format!("{what}: failed (the whole output is in {})", log.display()))?;
    if started.elapsed() > Duration::from_secs(2) {
        println!("  done in {}: {what}", duration(started.elapsed()));
    }
    Ok(())
}

/// Says every now and then that `what` is still going on.
fn with_heartbeat<T>(what: &str, started: Instant, work: impl FnOnce() -> T) -> T {
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while wait.recv_timeout(STILL_AT_WORK) == Err(RecvTimeoutError::Timeout) {
                println!("  … {} so far: {what}", duration(started.elapsed()));
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn log_file(name: &str) -> Result<PathBuf> {
    let folder = target_dir().join("xtask");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    Ok(folder.join(format!("{name}.log")))
}

fn print_end_of(log: &Path) {
    let Ok(text) = fs::read_to_string(log) else { return };
    let lines: Vec<&str> = text.lines().collect();
    let mut err = std::io::stderr().lock();
    for line in lines.iter().skip(lines.len().saturating_sub(60)) {
        let _ = writeln!(err, "  | {line}");
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", describe(command));
    }
    Ok(())
}

fn could_not_start(command: &Command) -> String {
    format!("could not start `{}`", describe(command))
}

/// The command as a person would type it.
fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

/// `7 min 12 s`, `3.4 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..=9 => format!("{s}.{} s", time.subsec_millis() / 100),
        s @ 10..=59 => format!("{s} s"),
        s => format!("{} min {} s", s / 60, s % 60),
    }
}

/// The folder that holds the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// Where Cargo builds.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// `cargo`, the one that runs us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}
