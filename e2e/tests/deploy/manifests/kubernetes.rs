//! `deploy/kubernetes`: the schemas, and what the manifests say about each other and about Hearth's configuration.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{checker, yaml};

const FOLDER: &str = "deploy/kubernetes";

fn document(name: &str) -> Result<Value> {
    let documents = yaml(&format!("{FOLDER}/{name}"))?;
    ensure!(documents.len() == 1, "{name}: one document a file");
    documents.into_iter().next().context("an empty file")
}

/// The items of a list, none where there is none.
fn items<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = &'v Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("no text at {pointer}"))
}

#[test]
fn the_manifests_keep_to_the_schemas_of_kubernetes() -> Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(crate::file(FOLDER))? {
        let path = entry?.path();
        let is_yaml = path.extension().is_some_and(|extension| extension == "yaml");
        // It is read by kubectl and never comes to a cluster.
        if is_yaml && !path.ends_with("kustomization.yaml") {
            names.push(path);
        }
    }
    let said = crate::run(
        checker("kubernetes-validate")?
            .args(["--strict", "--kubernetes-version", "1.34.0"])
            .args(&names),
    )?;
    ensure!(said.matches(" passed ").count() == names.len(), "{said}");
    Ok(())
}

#[test]
fn the_kustomization_names_every_manifest() -> Result<()> {
    let kustomization = document("kustomization.yaml")?;
    let mut named: Vec<&str> = items(&kustomization, "/resources")
        .chain(items(&kustomization, "/configMapGenerator/0/files"))
        .filter_map(Value::as_str)
        .chain(["kustomization.yaml", "ingress.example.yaml"])
        .collect();
    let mut there = Vec::new();
    for entry in std::fs::read_dir(crate::file(FOLDER))? {
        there.push(entry?.file_name().to_string_lossy().into_owned());
    }
    named.sort_unstable();
    there.sort_unstable();
    ensure!(named == there, "named: {named:?}, there: {there:?}");
    let tag = text(&kustomization, "/images/0/newTag")?;
    ensure!(tag == env!("CARGO_PKG_VERSION"), "the image is of version {tag}");
    Ok(())
}

#[test]
fn the_pod_has_no_rights_it_does_not_need() -> Result<()> {
    let deployment = document("deployment.yaml")?;
    let pod = &deployment["spec"]["template"]["spec"];
    let expected = [
        ("/securityContext/runAsNonRoot", json!(true)),
        ("/securityContext/runAsUser", json!(65532)),
        ("/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        ("/automountServiceAccountToken", json!(false)),
        (
            "/containers/0/securityContext/allowPrivilegeEscalation",
            json!(false),
        ),
        (
            "/containers/0/securityContext/readOnlyRootFilesystem",
            json!(true),
        ),
        ("/containers/0/securityContext/capabilities/drop", json!(["ALL"])),
    ];
    for (pointer, value) in expected {
        ensure!(pod.pointer(pointer) == Some(&value), "{pointer} is not {value}");
    }
    for mount in items(pod, "/containers/0/volumeMounts") {
        let name = text(mount, "/name")?;
        ensure!(
            name == "data" || mount["readOnly"] == true,
            "{name} can be written"
        );
        let is_there = items(pod, "/volumes").any(|volume| volume["name"] == name);
        ensure!(is_there, "{name} is no volume");
    }
    Ok(())
}

#[test]
fn the_token_is_made_for_the_broker_and_lies_where_hearth_reads_it() -> Result<()> {
    let deployment = document("deployment.yaml")?;
    let pod = &deployment["spec"]["template"]["spec"];
    let volume = items(pod, "/volumes").find(|volume| volume["name"] == "broker-sat");
    let token = volume.and_then(|volume| volume.pointer("/projected/sources/0/serviceAccountToken"));
    let token = token.context("no token")?;
    ensure!(
        token["audience"] == "aio-internal" && token["expirationSeconds"] == 86_400,
        "{token}"
    );

    // Every file that the configuration names lies in something that is mounted.
    let configuration = crate::read(&format!("{FOLDER}/hearth.toml"))?;
    let files: Vec<&str> = configuration
        .lines()
        .filter_map(|line| line.split_once("_file = \""))
        .filter_map(|(_, value)| value.split('"').next())
        .collect();
    ensure!(files.contains(&"/var/run/secrets/tokens/broker-sat"), "{files:?}");
    for file in &files {
        let mounted = items(pod, "/containers/0/volumeMounts")
            .filter_map(|mount| mount["mountPath"].as_str())
            .any(|path| file.starts_with(&format!("{path}/")));
        ensure!(mounted, "{file} is in no volume");
    }
    let config = items(pod, "/containers/0/args").any(|arg| arg == "/etc/hearth/hearth.toml");
    ensure!(config, "the configuration is not named");
    Ok(())
}

#[test]
fn services_probes_and_policies_mean_the_same_pod_and_port() -> Result<()> {
    let deployment = document("deployment.yaml")?;
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let selectors = [
        ("deployment.yaml", "/spec/selector/matchLabels"),
        ("service.yaml", "/spec/selector"),
        ("networkpolicy.yaml", "/spec/podSelector/matchLabels"),
        ("poddisruptionbudget.yaml", "/spec/selector/matchLabels"),
    ];
    for (name, pointer) in selectors {
        let manifest = document(name)?;
        ensure!(
            manifest.pointer(pointer) == Some(labels),
            "{name} selects other pods"
        );
    }
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let configuration = crate::read(&format!("{FOLDER}/hearth.toml"))?;
    let port = container.pointer("/ports/0/containerPort").context("no port")?;
    ensure!(
        configuration.contains(&format!("listen = \"0.0.0.0:{port}\"")),
        "Hearth does not listen at {port}"
    );
    for rule in items(&document("networkpolicy.yaml")?, "/spec/ingress") {
        ensure!(rule.pointer("/ports/0/port") == Some(port), "{rule}");
    }
    let broker = document("networkpolicy.yaml")?;
    let broker = broker
        .pointer("/spec/egress/0/ports/0/port")
        .context("no port of the broker")?;
    ensure!(
        configuration.contains(&format!(":{broker}\"")),
        "the broker is not at {broker}"
    );
    let name = text(container, "/ports/0/name")?;
    for pointer in ["/livenessProbe/httpGet/port", "/readinessProbe/httpGet/port"] {
        ensure!(text(container, pointer)? == name, "{pointer}");
    }
    ensure!(text(&document("service.yaml")?, "/spec/ports/0/targetPort")? == name);
    ensure!(
        deployment["spec"]["template"]["spec"]["serviceAccountName"]
            == document("serviceaccount.yaml")?["metadata"]["name"]
    );
    Ok(())
}
