//! Splits the page's WebAssembly: `split FOLDER_OF_THE_PAGE`, after wasm-opt, with the names of functions still in it.
//!
//! What a first visit does not run becomes modules of their own, which the page fetches when it needs them. They share
//! memory, table and stack with the first one, so that nothing in the code has to know: a function that went is called
//! through a stub, which makes sure that its module is there.
//!
//! ```text
//! plan      which function goes into which part, by rules over names ([`rules`])
//! order     how functions stand in a module
//! write     the modules
//! install   files, addresses and digests in the folder; what loads the parts, in the page's JavaScript
//! ```

mod install;
mod order;
mod plan;
mod rules;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .context("name the folder")?;
    let page = install::Page::open(&folder)?;
    let plan = plan::Plan::of(&page.wasm, rules::PARTS)?;
    let modules = write::modules(&page.wasm, &plan)?;
    for (part, module) in rules::PARTS.iter().zip(&modules.parts) {
        println!("{:<10} {:>8} bytes", part.name, module.len());
    }
    println!("{:<10} {:>8} bytes", "first", modules.first.len());
    if let Some(list) = std::env::var_os("SPLIT_LIST") {
        fs::write(list, plan.list())?;
    }
    page.install(&plan, &modules)
}
