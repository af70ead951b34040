//! Where the page's files come from.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use tokio::sync::Mutex;

use super::{Asset, policy::content_security_policy};

/// How a file may be packed; the packed file lies beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    pub(super) fn token(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// The page's files.
pub(crate) enum Assets {
    /// A folder that may change while the bridge runs.
    Folder { path: PathBuf, carried: Carried },
    /// Inside the binary.
    #[cfg(feature = "embed")]
    Embedded {
        /// The policy of `index.html`, which cannot change.
        page_policy: String,
    },
}

#[cfg(feature = "embed")]
#[derive(rust_embed::RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../dist"]
struct Embedded;

impl Assets {
    /// The folder that is named, otherwise what is inside the binary, otherwise `dist`.
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        match folder {
            Some(folder) => Self::folder(folder.to_owned()),
            None => Self::built_in(),
        }
    }

    #[cfg(feature = "embed")]
    fn built_in() -> Self {
        let page = Embedded::get("index.html");
        let html = page
            .as_ref()
            .and_then(|page| std::str::from_utf8(&page.data).ok());
        Self::Embedded {
            page_policy: content_security_policy(html),
        }
    }

    #[cfg(not(feature = "embed"))]
    fn built_in() -> Self {
        Self::folder("dist".into())
    }

    fn folder(path: PathBuf) -> Self {
        Self::Folder {
            path,
            carried: Carried::default(),
        }
    }

    /// The folder in which the page should be but is not.
    pub(crate) fn missing_page(&self) -> Option<&Path> {
        match self {
            Self::Folder { path, .. } => (!path.join("index.html").is_file()).then_some(path),
            #[cfg(feature = "embed")]
            Self::Embedded { .. } => None,
        }
    }

    /// The file in the best form that is accepted and there.
    pub(super) async fn load(&self, path: &str, accepted: &[Encoding]) -> Option<Asset> {
        for encoding in accepted {
            let packed = format!("{path}{}", encoding.extension());
            if let Some(asset) = self.load_as_is(&packed, Some(*encoding), Some(path)).await {
                return Some(asset);
            }
        }
        self.load_as_is(path, None, None).await
    }

    pub(super) async fn policy(&self, path: &str) -> String {
        if path != "index.html" {
            return content_security_policy(None);
        }
        match self {
            Self::Folder { path: folder, .. } => {
                let html = tokio::fs::read_to_string(folder.join(path)).await.ok();
                content_security_policy(html.as_deref())
            }
            #[cfg(feature = "embed")]
            Self::Embedded { page_policy } => page_policy.clone(),
        }
    }

    /// `original` is the file that a packed one must not be older than.
    async fn load_as_is(
        &self,
        path: &str,
        encoding: Option<Encoding>,
        original: Option<&str>,
    ) -> Option<Asset> {
        match self {
            Self::Folder {
                path: folder,
                carried,
            } => load_from(folder, carried, path, encoding, original).await,
            #[cfg(feature = "embed")]
            Self::Embedded { .. } => {
                let file = Embedded::get(path)?;
                let hash = file.metadata.sha256_hash();
                let etag: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
                let bytes = match file.data {
                    std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                    std::borrow::Cow::Owned(bytes) => bytes.into(),
                };
                Some(Asset {
                    bytes,
                    etag: format!("\"{etag}\""),
                    encoding,
                })
            }
        }
    }
}

/// The files that answers carry right now: each is in memory once, however many answers carry it and however slowly they are taken. None
/// is kept for later, so there are never more than answers under way.
#[derive(Default)]
pub(crate) struct Carried(Mutex<HashMap<Version, Weak<Vec<u8>>>>);

/// A file as it is between two changes.
#[derive(PartialEq, Eq, Hash)]
struct Version {
    file: PathBuf,
    /// When it changed, in ns since 1970.
    stamp: u128,
    size: u64,
}

/// What an answer holds of a file.
struct Share(Arc<Vec<u8>>);

impl AsRef<[u8]> for Share {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Carried {
    /// One reads at a time, or many who ask at once would have a copy each.
    async fn read(&self, version: Version) -> io::Result<Bytes> {
        let mut files = self.0.lock().await;
        let contents = match files.get(&version).and_then(Weak::upgrade) {
            Some(contents) => contents,
            None => {
                let contents = Arc::new(tokio::fs::read(&version.file).await?);
                files.retain(|_, contents| contents.strong_count() > 0);
                files.insert(version, Arc::downgrade(&contents));
                contents
            }
        };
        Ok(Bytes::from_owner(Share(contents)))
    }
}

async fn load_from(
    folder: &Path,
    carried: &Carried,
    path: &str,
    encoding: Option<Encoding>,
    original: Option<&str>,
) -> Option<Asset> {
    // Links may not lead out of the folder.
    let root = tokio::fs::canonicalize(folder).await.ok()?;
    let file = tokio::fs::canonicalize(folder.join(path)).await.ok()?;
    let metadata = tokio::fs::metadata(&file).await.ok()?;
    if !file.starts_with(&root) || !metadata.is_file() {
        return None;
    }
    let modified = metadata.modified().ok()?;
    if let Some(original) = original {
        let original = tokio::fs::metadata(folder.join(original)).await.ok()?;
        if original.modified().ok()? > modified {
            return None;
        }
    }
    let stamp = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_nanos());
    let size = metadata.len();
    let bytes = carried.read(Version { file, stamp, size }).await.ok()?;
    let token = encoding.map_or("", Encoding::token);
    Some(Asset {
        etag: format!("\"{stamp:x}-{:x}{token}\"", bytes.len()),
        bytes,
        encoding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_that_are_under_way_share_a_file_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("app.js");
        std::fs::write(&file, "before").unwrap();
        let assets = Assets::new(Some(folder.path()));
        let load = async || assets.load("app.js", &[]).await.unwrap().bytes;
        let (first, second) = tokio::join!(load(), load());
        assert_eq!((&first[..], first.as_ptr()), (&b"before"[..], second.as_ptr()));
        std::fs::write(&file, "after it").unwrap();
        assert_eq!(load().await, "after it");
        assert_eq!(first, "before");
    }

    #[tokio::test]
    async fn no_file_is_kept_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let carried = Carried::default();
        for name in ["a.js", "b.js", "c.js"] {
            let file = folder.path().join(name);
            std::fs::write(&file, name).unwrap();
            let version = Version {
                file,
                stamp: 0,
                size: 4,
            };
            assert_eq!(carried.read(version).await.unwrap(), name);
        }
        let files = carried.0.lock().await;
        assert_eq!(files.len(), 1, "the last, which goes with the next one");
        assert!(files.values().all(|contents| contents.strong_count() == 0));
    }
}
