//! The scripts and the styles of the pages. Each has a version in its path, so that browsers may keep it for good and
//! have the right one after an update all the same.

use bytes::Bytes;
use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock};

/// A file that pages need.
#[derive(Debug)]
pub(super) struct Asset {
    name: &'static str,
    path: String,
    pub(super) content_type: &'static str,
    /// The files of Swagger UI lie in the binary compressed, and every browser takes them so.
    pub(super) is_gzipped: bool,
    pub(super) body: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let own = [
        ("page.css", include_str!("../../assets/page.css")),
        ("page.js", include_str!("../../assets/page.js")),
        (
            "swagger-start.js",
            include_str!("../../assets/swagger-start.js"),
        ),
    ];
    let own = own.map(|(name, text)| asset(name, false, text.into()));
    let vendored = ["swagger-ui.css", "swagger-ui-bundle.js"];
    own.into_iter()
        .chain(vendored.into_iter().filter_map(of_swagger_ui))
        .collect()
});

fn asset(name: &'static str, is_gzipped: bool, body: Bytes) -> Asset {
    let (stem, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset {
        name,
        path: format!("/api/docs/{stem}.{}.{kind}", version(&body)),
        content_type: match kind {
            "css" => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        },
        is_gzipped,
        body,
    }
}

fn of_swagger_ui(name: &'static str) -> Option<Asset> {
    let file = utoipa_swagger_ui::serve(name, Arc::default()).ok()??;
    let body = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Some(asset(name, file.gzpipped, body))
}

/// The file that is asked for, and whether it was by its version.
pub(super) fn find(name: &str) -> Option<(&'static Asset, bool)> {
    let versioned = |asset: &Asset| asset.path.rsplit('/').next() == Some(name);
    ASSETS.iter().find_map(|asset| {
        let is_versioned = versioned(asset);
        (is_versioned || asset.name == name).then_some((asset, is_versioned))
    })
}

/// Where the file is.
pub(crate) fn path(name: &str) -> &'static str {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.map_or("", |asset| &asset.path)
}

/// The page with the paths of this version.
pub(super) fn with_paths(page: &str) -> String {
    ASSETS.iter().fold(page.to_owned(), |page, asset| {
        let bare = format!("\"/api/docs/{}\"", asset.name);
        page.replace(&bare, &format!("\"{}\"", asset.path))
    })
}

/// The same for the same bytes, on every node.
pub(super) fn version(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
