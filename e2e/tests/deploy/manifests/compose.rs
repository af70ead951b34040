//! `deploy/compose/compose.yaml`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{checker, yaml};
use crate::configuration::Secrets;

const FILE: &str = "deploy/compose/compose.yaml";

#[test]
fn the_compose_file_keeps_to_the_specification() -> Result<()> {
    crate::run(
        checker("check-jsonschema")?
            .args(["--builtin-schema", "vendor.compose-spec"])
            .arg(crate::file(FILE)),
    )?;
    Ok(())
}

#[test]
fn what_compose_mounts_and_builds_exists() -> Result<()> {
    let compose = compose()?;
    let folder = Path::new("deploy/compose");
    for (name, service) in services(&compose)? {
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().and_then(|volume| volume.split(':').next());
            let source = source.with_context(|| format!("{name}: {volume}"))?;
            let is_there = match source.strip_prefix("./") {
                Some(file) => crate::file("deploy/compose").join(file).is_file(),
                None => compose["volumes"].get(source).is_some(),
            };
            ensure!(is_there, "{name}: {source} does not exist");
        }
        for secret in service["secrets"].as_array().into_iter().flatten() {
            let secret = secret.as_str().context("a secret by its name")?;
            ensure!(
                compose["secrets"].get(secret).is_some(),
                "{name}: {secret} is not declared"
            );
        }
    }
    let build = &compose["services"]["hearth"]["build"];
    let context = folder.join(build["context"].as_str().context("a context")?);
    let file = context.join(build["dockerfile"].as_str().context("a container file")?);
    ensure!(
        crate::file(&file.to_string_lossy()).is_file(),
        "{} does not exist",
        file.display()
    );

    let secrets = Secrets::make(&[])?;
    for secret in compose["secrets"]
        .as_object()
        .into_iter()
        .flat_map(|secrets| secrets.values())
    {
        let file = secret["file"]
            .as_str()
            .and_then(|file| file.strip_prefix("./secrets/"));
        let file = file.with_context(|| format!("{secret} is not in ./secrets"))?;
        ensure!(secrets.path(file).is_file(), "secrets.sh does not make {file}");
    }
    Ok(())
}

#[test]
fn containers_of_compose_have_no_rights_they_do_not_need() -> Result<()> {
    let compose = compose()?;
    for (name, service) in services(&compose)? {
        ensure!(service["read_only"] == true, "{name} can write");
        ensure!(
            service["cap_drop"] == serde_json::json!(["ALL"]),
            "{name} keeps capabilities"
        );
        ensure!(
            service["security_opt"] == serde_json::json!(["no-new-privileges:true"]),
            "{name}"
        );
        ensure!(
            service["healthcheck"]["test"][0] == "CMD",
            "{name} is not watched"
        );
        let user = service["user"].as_str().and_then(|user| user.split(':').next());
        let user: u32 = user.with_context(|| format!("{name} runs as root"))?.parse()?;
        ensure!(user > 0, "{name} runs as root");
        let tag = service["image"].as_str().and_then(|image| image.split_once(':'));
        ensure!(tag.is_some_and(|(_, tag)| tag != "latest"), "{name}: any version");
        for port in service["ports"].as_array().into_iter().flatten() {
            let port = port.as_str().context("a port as text")?;
            ensure!(
                port.starts_with("127.0.0.1:") || port == "8883:8883",
                "{name}: {port} is open to all"
            );
        }
    }
    Ok(())
}

fn compose() -> Result<Value> {
    yaml(FILE)?.into_iter().next().context("an empty file")
}

fn services(compose: &Value) -> Result<impl Iterator<Item = (&String, &Value)>> {
    Ok(compose["services"].as_object().context("services")?.iter())
}
