//! `deploy/README.md` says what is there.

use anyhow::{Result, ensure};

#[test]
fn the_readme_names_every_folder_and_links_only_to_what_exists() -> Result<()> {
    let readme = crate::read("deploy/README.md")?;
    for entry in std::fs::read_dir(crate::file("deploy"))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let link = format!("]({}/)", entry.file_name().to_string_lossy());
            ensure!(readme.contains(&link), "no link {link}");
        }
    }
    for link in readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        let target = link.split('#').next().unwrap_or_default();
        let is_there =
            target.is_empty() || target.contains("://") || crate::file("deploy").join(target).exists();
        ensure!(is_there, "{link} leads nowhere");
    }
    ensure!(crate::read("README.md")?.contains("](deploy/README.md)"));
    Ok(())
}
