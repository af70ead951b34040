//! Adds `.br` and `.gz` copies to a folder of web files and prints what a first visit transfers.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Smaller files fit into one network packet as they are.
const WORTH_COMPRESSING_BYTES: usize = 512;
/// What a first visit may transfer.
const GOAL_BYTES: usize = 450 * 1024;
/// Of no first visit: the page fetches them when they are needed.
const FETCHED_LATER: [&str; 5] = [
    "hearth-connect-",
    "hearth-extras-",
    "hearth-formats-",
    "hearth-pages-",
    "hearth-tools-",
];

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("name the folder")?;
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    files.sort();
    println!("{:<48} {:>10} {:>10} {:>10}", "file", "raw", "gzip", "brotli");
    let mut total = Sizes::default();
    for file in &files {
        let sizes = compress(file)?;
        let name = file.strip_prefix(&folder).unwrap_or(file).display().to_string();
        println!("{name:<48} {}", sizes.row());
        if !FETCHED_LATER.iter().any(|later| name.starts_with(later)) {
            total.add(&sizes);
        }
    }
    println!("{:<48} {}", "first visit", total.row());
    let verdict = if total.brotli <= GOAL_BYTES {
        "within"
    } else {
        "OVER"
    };
    println!(
        "first visit: {:.1} KB with brotli, {verdict} the goal of {} KB",
        kilobytes(total.brotli),
        GOAL_BYTES / 1024
    );
    Ok(())
}

#[derive(Default)]
struct Sizes {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Sizes {
    fn add(&mut self, other: &Self) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }

    fn row(&self) -> String {
        format!("{:>10} {:>10} {:>10}", self.raw, self.gzip, self.brotli)
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes of web pages are far below 2^52")]
fn kilobytes(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

/// Every file below `folder` that is not a compressed copy.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_none_or(|extension| extension != "br" && extension != "gz")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn compress(file: &Path) -> Result<Sizes> {
    let raw = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    let gzip = beside(file, "gz", &raw, &gzip(&raw)?)?;
    let brotli = beside(file, "br", &raw, &brotli(&raw)?)?;
    Ok(Sizes {
        raw: raw.len(),
        gzip,
        brotli,
    })
}

/// Writes the compressed copy if it saves anything, and returns what is transferred.
fn beside(file: &Path, extension: &str, raw: &[u8], compressed: &[u8]) -> Result<usize> {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    if raw.len() < WORTH_COMPRESSING_BYTES || compressed.len() >= raw.len() {
        return Ok(raw.len());
    }
    fs::write(&name, compressed)
        .with_context(|| format!("could not write {}", Path::new(&name).display()))?;
    Ok(compressed.len())
}

fn gzip(raw: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(raw)?;
    Ok(encoder.finish()?)
}

fn brotli(raw: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    {
        // Quality 11, window 2^22: the best there is; files are compressed once and sent often.
        let mut writer = brotli::CompressorWriter::new(&mut compressed, 64 * 1024, 11, 22);
        writer.write_all(raw)?;
        writer.flush()?;
    }
    Ok(compressed)
}
