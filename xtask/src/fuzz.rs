//! `cargo xtask fuzz TARGET`: one fuzz target of `fuzz/` for a while.

use anyhow::{Context, Result, bail};

use crate::process::{capture, root, show};

const DEFAULT_SECONDS: u32 = 60;

pub(crate) fn fuzz(args: &[String]) -> Result<()> {
    let (target, seconds) = parse(args)?;
    capture(std::process::Command::new("cargo").args(["+nightly", "--version"]))
        .context("fuzzing needs the nightly toolchain: rustup toolchain install nightly")?;
    // What is found goes to corpus/, what is committed comes from seeds/.
    let corpus = format!("corpus/{target}");
    for folder in [corpus.as_str(), "artifacts"] {
        std::fs::create_dir_all(root().join("fuzz").join(folder))
            .with_context(|| format!("cannot make fuzz/{folder}"))?;
    }
    let mut fuzz = std::process::Command::new("cargo");
    // The toolchain of this run must not win over `+nightly`.
    fuzz.current_dir(root().join("fuzz"))
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC");
    fuzz.args(["+nightly", "run", "--release", "--bin", target, "--", &corpus]);
    fuzz.arg(format!("seeds/{target}"));
    fuzz.arg(format!("-max_total_time={seconds}"));
    fuzz.arg(format!("-artifact_prefix=artifacts/{target}-"));
    show(&mut fuzz)
}

fn parse(args: &[String]) -> Result<(&str, u32)> {
    let mut target = None;
    let mut seconds = DEFAULT_SECONDS;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let value = args.next().context("--seconds needs a number")?;
                seconds = value
                    .parse()
                    .with_context(|| format!("--seconds needs a number, not `{value}`"))?;
            }
            name if target.is_none() && !name.starts_with('-') => target = Some(name),
            other => bail!("cargo xtask fuzz does not know `{other}`"),
        }
    }
    let target = target.with_context(|| format!("name a target: {}", targets().join(", ")))?;
    Ok((target, seconds))
}

/// The fuzz targets there are.
fn targets() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root().join("fuzz/fuzz_targets")) else {
        return Vec::new();
    };
    let stems = entries
        .flatten()
        .filter_map(|entry| entry.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = stems.collect();
    names.sort();
    names
}
