//! `cargo xtask fuzz TARGET`: one fuzz target of `fuzz/` for a while, or what it found kept for the ordinary tests.

use std::{fmt::Write, fs, process::Command};

use anyhow::{Context, Result, bail, ensure};

use crate::process::{capture, root, show};

const DEFAULT_SECONDS: u32 = 60;

struct Wanted<'a> {
    target: &'a str,
    seconds: u32,
    keep: bool,
}

pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    let wanted = parse(args)?;
    capture(Command::new("cargo").args(["+nightly", "--version"]))
        .context("fuzzing needs the nightly toolchain: rustup toolchain install nightly")?;
    // What is found goes to corpus/, what is committed comes from seeds/ and replay/.
    for folder in [format!("corpus/{}", wanted.target), "artifacts".into()] {
        fs::create_dir_all(root().join("fuzz").join(&folder))
            .with_context(|| format!("cannot make fuzz/{folder}"))?;
    }
    if wanted.keep {
        return keep(wanted.target);
    }
    let mut fuzz = run(wanted.target);
    fuzz.arg(format!("-max_total_time={}", wanted.seconds));
    fuzz.arg(format!("-artifact_prefix=artifacts/{}-", wanted.target));
    fuzz.args([
        format!("corpus/{}", wanted.target),
        format!("seeds/{}", wanted.target),
    ]);
    show(&mut fuzz)
}

/// The target, built and about to run in `fuzz/`.
fn run(target: &str) -> Command {
    let mut fuzz = Command::new("cargo");
    // The toolchain of this run must not win over `+nightly`.
    fuzz.current_dir(root().join("fuzz"))
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC");
    fuzz.args(["+nightly", "run", "--release", "--bin", target, "--"]);
    // The sanitizer keeps 256 MiB of freed memory by default, which looks like a leak in the figures that are printed.
    if std::env::var_os("ASAN_OPTIONS").is_none() {
        fuzz.env("ASAN_OPTIONS", "quarantine_size_mb=16");
    }
    fuzz
}

/// Writes the fewest inputs that reach all code that was reached to `fuzz/replay`, a line of hexadecimal digits each.
fn keep(target: &str) -> Result<()> {
    let smallest = root().join("fuzz/corpus").join(format!("{target}-smallest"));
    if smallest.exists() {
        fs::remove_dir_all(&smallest).with_context(|| format!("cannot empty {}", smallest.display()))?;
    }
    fs::create_dir_all(&smallest).with_context(|| format!("cannot make {}", smallest.display()))?;
    let mut merge = run(target);
    merge.arg("-set_cover_merge=1").arg(&smallest);
    merge.args([format!("corpus/{target}"), format!("seeds/{target}")]);
    show(&mut merge)?;
    let mut inputs = Vec::new();
    for entry in fs::read_dir(&smallest).with_context(|| format!("cannot read {}", smallest.display()))? {
        inputs.push(fs::read(entry?.path()).context("cannot read an input")?);
    }
    ensure!(
        !inputs.is_empty(),
        "no input reaches anything: fuzz {target} first"
    );
    inputs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    let mut lines = String::new();
    for input in &inputs {
        for byte in input {
            write!(lines, "{byte:02x}")?;
        }
        lines.push('\n');
    }
    let file = root().join("fuzz/replay").join(format!("{target}.hex"));
    fs::write(&file, &lines).with_context(|| format!("cannot write {}", file.display()))?;
    println!(
        "{}: {} inputs, {} bytes",
        file.display(),
        inputs.len(),
        lines.len()
    );
    Ok(())
}

fn parse(args: &[String]) -> Result<Wanted<'_>> {
    let mut target = None;
    let mut seconds = DEFAULT_SECONDS;
    let mut keep = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let value = args.next().context("--seconds needs a number")?;
                seconds = value
                    .parse()
                    .with_context(|| format!("--seconds needs a number, not `{value}`"))?;
            }
            "--keep" => keep = true,
            name if target.is_none() && !name.starts_with('-') => target = Some(name),
            other => bail!("cargo xtask fuzz does not know `{other}`"),
        }
    }
    let target = target.with_context(|| format!("name a target: {}", targets().join(", ")))?;
    Ok(Wanted {
        target,
        seconds,
        keep,
    })
}

/// The fuzz targets there are.
fn targets() -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join("fuzz/fuzz_targets")) else {
        return Vec::new();
    };
    let stems = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = stems.collect();
    names.sort();
    names
}
