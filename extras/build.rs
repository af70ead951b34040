//! The module may take so much memory and no more: a bomb ends in a trap, and the next call gets a new module.

/// Enough for 1 MiB of payload and 8 MiB of what it becomes, several times.
const MAXIMUM_MEMORY: usize = 64 * 1024 * 1024;

fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--max-memory={MAXIMUM_MEMORY}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
