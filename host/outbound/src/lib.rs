//! The HTTP client through which plugins make requests: origins that are granted, secrets that stay here, TLS,
//! proxies, and a limit to everything.
//!
//! A process has one [`Client`] (one thread, `weir-http`); each use of a plugin has an [`Endpoint`], on which the
//! plugin's own thread blocks in [`Endpoint::send`].
//!
//! ```text
//!     request ─► request: grants, secrets, compression ─► exchange: redirects, limits ─► transport: pool, TLS files
//!     answer  ◄─ endpoint: decompression, secrets taken out ◄───────┘                        └─► connect: lookup,
//!                                                                                             proxy, TCP, TLS
//! ```
//!
//! It is made of hyper-util's client and hyper-rustls, which kube brings anyway, rather than reqwest, because of what
//! reqwest 0.13 keeps to itself: the name for SNI (`serverName`; reqwest#2179), through which proxy a request goes
//! (for errors), how far a connection came (lookup, TCP, proxy or TLS), and when it stood. It would save
//! following redirects, where our rule differs, and decompression, of which request bodies need the other half.
//!
//! What it never does: keep cookies, follow a redirect to another origin, send a secret to an origin that only
//! `allow` names, look a name up twice for one connection, show more of an address than its origin.

mod client;
mod coding;
mod connect;
mod endpoint;
mod exchange;
mod explain;
mod failure;
mod origin;
mod proxy;
mod request;
mod resolve;
mod reveal;
mod tls;
mod transport;

pub use client::{Client, Options};
pub use coding::Compression;
pub use endpoint::{Endpoint, Response, Settings};
pub use failure::{Class, SendError};
pub use origin::Origin;
pub use request::Request;
pub use reveal::{Hider, NoSecrets, Reveal, SOUGHT_BYTES_MIN};
pub use tls::Tls;
