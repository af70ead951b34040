//! For a release the linker also writes down what refers to what: by this the page is split (`xtask/src/bin/split`).

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HEARTH_SPLIT");
    if std::env::var_os("HEARTH_SPLIT").is_some() {
        println!("cargo::rustc-link-arg-bins=--emit-relocs");
    }
}
