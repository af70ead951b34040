//! The page, from a folder.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hearth::server::Server;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{
    http::{get, request},
    running::bridge,
};

const HTML: &str = "<!doctype html><script type=\"module\">start()</script><script src=\"x.js\"></script>";

async fn page() -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let dist = folder.path().join("dist");
    std::fs::create_dir(&dist).unwrap();
    std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    for (name, text) in [
        ("index.html", HTML),
        ("engine.js", "plain"),
        ("app-0123456789abcdef.js", "plain"),
        ("app-0123456789abcdef.js.br", "packed by brotli"),
        ("app-0123456789abcdef.js.gz", "packed by gzip"),
        ("app-0123456789abcdef_bg.wasm", "wasm"),
    ] {
        std::fs::write(dist.join(name), text).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("secret.txt"), dist.join("link.txt")).unwrap();
    (bridge(&format!("dist = \"{}\"", dist.display())).await, folder)
}

#[tokio::test]
async fn the_page_comes_with_a_policy_that_knows_its_inline_script() {
    let (bridge, _folder) = page().await;
    let answer = get(bridge.address(), "/", &[]).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, HTML));
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-cache");
    let policy = answer.header("content-security-policy");
    let hash = BASE64.encode(Sha256::digest("start()"));
    assert!(
        policy.contains(&format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';")),
        "{policy}"
    );
    for part in [
        "connect-src 'self' ws: wss: http: https:",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(!policy.contains("unsafe-inline"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    assert!(answer.header("permissions-policy").contains("camera=()"));
}

#[tokio::test]
async fn files_have_the_types_that_browsers_insist_on() {
    let (bridge, _folder) = page().await;
    let wasm = get(bridge.address(), "/app-0123456789abcdef_bg.wasm", &[]).await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    let script = get(bridge.address(), "/engine.js", &[]).await;
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    // A Worker lives by the policy of its own script.
    assert!(
        script
            .header("content-security-policy")
            .contains("'wasm-unsafe-eval'")
    );
}

#[tokio::test]
async fn packed_files_go_to_those_who_accept_them() {
    let (bridge, _folder) = page().await;
    let path = "/app-0123456789abcdef.js";
    for (accept, encoding, body) in [
        ("gzip, br", "br", "packed by brotli"),
        ("gzip;q=1.0, br;q=0.1", "gzip", "packed by gzip"),
        ("br;q=0", "", "plain"),
        ("gzip", "gzip", "packed by gzip"),
        ("identity", "", "plain"),
    ] {
        let answer = get(bridge.address(), path, &[("Accept-Encoding", accept)]).await;
        assert_eq!(
            (answer.header("content-encoding"), answer.text().as_str()),
            (encoding, body),
            "{accept}"
        );
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.header("vary"), "Accept-Encoding");
    }
}

#[tokio::test]
async fn a_packed_file_that_is_older_than_its_original_is_left_aside() {
    let (bridge, folder) = page().await;
    let file = folder.path().join("dist/app-0123456789abcdef.js");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(10);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(later)
        .unwrap();
    let answer = get(
        bridge.address(),
        "/app-0123456789abcdef.js",
        &[("Accept-Encoding", "br")],
    )
    .await;
    assert_eq!(answer.text(), "plain");
}

#[tokio::test]
async fn a_known_file_is_not_sent_again_until_it_changes() {
    let (bridge, folder) = page().await;
    let tag = get(bridge.address(), "/engine.js", &[])
        .await
        .header("etag")
        .to_owned();
    let again = get(
        bridge.address(),
        "/engine.js",
        &[("If-None-Match", &format!("\"other\", W/{tag}"))],
    )
    .await;
    assert_eq!(
        (again.status, again.body.len(), again.header("etag")),
        (304, 0, tag.as_str())
    );
    std::fs::write(folder.path().join("dist/engine.js"), "plain and more").unwrap();
    let changed = get(bridge.address(), "/engine.js", &[("If-None-Match", &tag)]).await;
    assert_eq!((changed.status, changed.text().as_str()), (200, "plain and more"));
}

#[tokio::test]
async fn what_is_not_there_is_404_and_never_the_page() {
    let (bridge, _folder) = page().await;
    for path in [
        "/missing.js",
        "/app-0000000000000000.js",
        "/explorer",
        "/api/nothing",
        "/link.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/../secret.txt",
    ] {
        let answer = get(bridge.address(), path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("\"code\":\"not_found\""), "{path}");
    }
}

#[tokio::test]
async fn heads_are_answered_without_a_body_and_other_methods_refused() {
    let (bridge, _folder) = page().await;
    let head = request(bridge.address(), "HEAD", "/", &[]).await;
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, HTML.len().to_string().as_str())
    );
    for (method, path) in [
        ("POST", "/"),
        ("DELETE", "/api/config"),
        ("PUT", "/mqtt"),
        ("TRACE", "/x"),
    ] {
        let answer = request(bridge.address(), method, path, &[]).await;
        assert_eq!(
            (
                answer.status,
                answer.header("allow").replace("GET,HEAD", "GET, HEAD").as_str()
            ),
            (405, "GET, HEAD"),
            "{method} {path}"
        );
        assert!(
            answer.text().contains("\"code\":\"method_not_allowed\""),
            "{method} {path}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn every_answer_has_the_strict_headers() {
    let (bridge, _folder) = page().await;
    let table = [
        ("GET", "/", 200),
        ("GET", "/engine.js", 200),
        ("HEAD", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/api/config", 200),
        ("GET", "/missing", 404),
        ("GET", "/%00", 404),
        ("POST", "/", 405),
        ("POST", "/healthz", 405),
        ("OPTIONS", "/", 405),
        ("GET", "/mqtt", 404),
    ];
    for (method, path, status) in table {
        let answer = request(bridge.address(), method, path, &[]).await;
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, part) in [
            ("content-security-policy", "default-src 'none'"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("permissions-policy", "microphone=()"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-"),
        ] {
            assert!(
                answer.header(name).contains(part),
                "{method} {path}: {name}: {}",
                answer.header(name)
            );
        }
        assert!(!answer.header("content-security-policy").contains("unsafe-inline"));
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "only HTTPS can promise HTTPS"
        );
    }
    let foreign = get(bridge.address(), "/", &[("Host", "evil.example")]).await;
    assert_eq!((foreign.status, foreign.header("x-frame-options")), (421, "DENY"));
}

#[tokio::test]
async fn a_page_that_is_not_built_says_how_to_build_it() {
    let folder = TempDir::new().unwrap();
    let bridge = bridge(&format!("dist = \"{}\"", folder.path().display())).await;
    let answer = get(bridge.address(), "/", &[]).await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("cargo xtask run"));
    assert_eq!(get(bridge.address(), "/healthz", &[]).await.status, 200);
}

#[tokio::test]
async fn the_page_is_told_what_it_needs_to_start() {
    let settings = "default_broker = \"b\"\n[broker.a]\nurl = \"mqtt://a\"\n[broker.b]\nurl = \"mqtt://b\"\nname = \"Garden\"";
    let bridge = bridge(settings).await;
    let config: hearth_model::api::BridgeConfig =
        serde_json::from_slice(&get(bridge.address(), "/api/config", &[]).await.body).unwrap();
    let brokers: Vec<_> = config
        .brokers
        .iter()
        .map(|b| (b.id.as_str(), b.name.as_str(), b.path.as_str(), b.default))
        .collect();
    assert_eq!(
        brokers,
        [("a", "a", "mqtt/a", false), ("b", "Garden", "mqtt/b", true)]
    );
    assert!(!config.simulated);
}
