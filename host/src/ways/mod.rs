//! The ways out that plugins have: HTTP, a file, and templates on the way. Each is what a trait of `weir-runtime` asks for,
//! with the grants of one use.

mod file;
mod grants;
mod http;
mod template;

pub use file::AppendedFile;
pub use grants::{granted_origins, granted_path};
pub use http::{Http, http_client};
pub use template::GoTemplates;
