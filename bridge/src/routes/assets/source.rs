//! Where the page's files come from.

use std::{
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use bytes::Bytes;

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

    fn extension(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// The page's files.
pub(crate) enum Assets {
    /// A folder that may change while the bridge runs.
    Folder(PathBuf),
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
            Some(folder) => Self::Folder(folder.to_owned()),
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
        Self::Folder("dist".into())
    }

    /// The folder in which the page should be but is not.
    pub(crate) fn missing_page(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => (!folder.join("index.html").is_file()).then_some(folder),
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
            Self::Folder(folder) => {
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
            Self::Folder(folder) => load_from(folder, path, encoding, original).await,
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

async fn load_from(
    folder: &Path,
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
    let bytes = Bytes::from(tokio::fs::read(&file).await.ok()?);
    let stamp = modified
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_nanos());
    let token = encoding.map_or("", Encoding::token);
    Some(Asset {
        etag: format!("\"{stamp:x}-{:x}{token}\"", bytes.len()),
        bytes,
        encoding,
    })
}
