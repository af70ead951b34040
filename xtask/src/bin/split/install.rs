//! The folder of the page: files, their addresses and digests, and what loads the parts.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384};

use crate::plan::Plan;
use crate::rules::PARTS;
use crate::write::{FIRST, LOAD, Modules, OUTSIDE, import_name};

/// Where wasm-bindgen's JavaScript says what WebAssembly may call.
const IMPORTS: &str = "const import0 = {";

/// The page as Trunk made it.
#[derive(Debug)]
pub(crate) struct Page {
    folder: PathBuf,
    wasm_name: String,
    pub(crate) wasm: Vec<u8>,
    js_name: String,
    js: String,
}

impl Page {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let named = |end: &str| -> Result<String> {
            let mut names = fs::read_dir(folder)?
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| name.starts_with("hearth-page") && name.ends_with(end));
            names
                .next()
                .with_context(|| format!("there is no hearth-page…{end} in {}", folder.display()))
        };
        let (wasm_name, js_name) = (named("_bg.wasm")?, named(".js")?);
        Ok(Self {
            wasm: fs::read(folder.join(&wasm_name))?,
            js: fs::read_to_string(folder.join(&js_name))?,
            folder: folder.to_owned(),
            wasm_name,
            js_name,
        })
    }

    pub(crate) fn install(&self, plan: &Plan, modules: &Modules) -> Result<()> {
        let mut table = Vec::new();
        for (at, (part, module)) in PARTS.iter().zip(&modules.parts).enumerate() {
            let file = format!("hearth-{}-{}.wasm", part.name, short(module));
            fs::write(self.folder.join(&file), module)?;
            let (from, until) = plan.slots_of(at);
            table.push(format!("[\"{}\",\"{file}\",{from},{until}]", part.name));
        }
        ensure!(
            self.js.matches(IMPORTS).count() == 1,
            "wasm-bindgen writes its imports in another way than this expects"
        );
        let mut js = self
            .js
            .replace(IMPORTS, &format!("{IMPORTS}\n        {LOAD}: {LOAD},"));
        let names = plan.import_names.iter().zip(0..);
        let names = names.map(|(name, number)| (format!(" {name}:"), format!(" {}:", import_name(number))));
        let module = (format!("\"{}\":", plan.import_module), format!("\"{OUTSIDE}\":"));
        for (long, short) in names.chain([module]) {
            ensure!(
                js.matches(&long).count() == 1,
                "wasm-bindgen's JavaScript does not say once what {long} is"
            );
            js = js.replacen(&long, &short, 1);
        }
        let loader = include_str!("loader.js")
            .replace("[/* PARTS */]", &format!("[{}]", table.join(",")))
            .replace("/* FIRST */", &format!("\"{FIRST}\""));
        let js = format!("{js}\n{loader}");

        let index = self.folder.join("index.html");
        let mut html = fs::read_to_string(&index)?;
        let wasm_name = format!("hearth-page-{}_bg.wasm", short(&modules.first));
        self.replace(
            &mut html,
            (&self.wasm_name, &self.wasm),
            (&wasm_name, &modules.first),
        )?;
        let js_name = format!("hearth-page-{}.js", short(js.as_bytes()));
        self.replace(
            &mut html,
            (&self.js_name, self.js.as_bytes()),
            (&js_name, js.as_bytes()),
        )?;
        fs::write(index, html)?;
        Ok(())
    }

    /// A file with another content has another name, because browsers keep what they have, and another digest.
    fn replace(&self, html: &mut String, old: (&str, &[u8]), new: (&str, &[u8])) -> Result<()> {
        let digest = |bytes: &[u8]| format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(bytes)));
        ensure!(
            html.contains(old.0) && html.contains(&digest(old.1)),
            "index.html does not name {} with its digest",
            old.0
        );
        *html = html.replace(old.0, new.0).replace(&digest(old.1), &digest(new.1));
        fs::remove_file(self.folder.join(old.0))?;
        fs::write(self.folder.join(new.0), new.1)?;
        Ok(())
    }
}

fn short(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
