//! Splits the page's WebAssembly: `split FOLDER_OF_THE_PAGE LINKED_MODULE`, after wasm-opt, with the names of functions still in it.
//!
//! What a first visit does not run becomes modules of their own, which the page fetches when it needs them. They share
//! memory, table and stack with the first one, so that nothing in the code has to know: a function that went is called
//! through a stub, which makes sure that its module is there. Constants lie where they would lie in one module, and a part brings
//! those that only it uses: whoever could use one comes from a function of the part.
//!
//! ```text
//! linked    what refers to what, as the linker wrote it down, with --emit-relocs
//! plan      which functions go into which part, by rules over names ([`rules`])
//! reach     what else goes with them, because nothing else can come to it
//! data      the bytes of memory that go with each part
//! order     how functions stand in a module
//! write     the modules
//! install   files, addresses and digests in the folder; what loads the parts, in the page's JavaScript
//! ```

mod data;
mod install;
mod linked;
mod order;
mod plan;
mod reach;
mod rules;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().context("name the folder")?;
    let linked = arguments.next().context("name the module that the linker made")?;
    let linked = fs::read(&linked).with_context(|| format!("could not read {}", linked.display()))?;
    let linked = linked::Linked::read(&linked)?;
    let page = install::Page::open(&folder)?;
    let plan = plan::Plan::of(&page.wasm, &linked, rules::PARTS)?;
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
