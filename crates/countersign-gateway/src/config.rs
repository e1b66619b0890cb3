//! One file of TOML, read into checked types: every mistake at once, each at its line, and nothing half-checked in the
//! hands of whoever serves requests.
//!
//! The surprising decision is that no secret is read here. The file says *where* each one is, and a check of the file
//! needs none of them; what reads them is [`secrets`](crate::secrets), when the gateway starts. A secret that stands in
//! the file itself is refused, and the complaint about it does not show it.

mod delivery;
mod diff;
mod forward;
mod limits;
mod mask;
mod print;
mod read;
mod schemes;
mod server;
mod source;
mod tables;
mod units;
mod urls;
mod values;
mod warning;
mod weak;

pub use delivery::{Delivery, Endpoint};
pub use diff::{Change, KeyChange, diff, diff_source};
pub use forward::{Forward, HeaderText, reach, reach_of};
pub use limits::{Limits, Rate, Shape};
pub use print::json;
pub use read::{Loaded, MAX_FILE, Refused};
pub use schemes::{
    FolderError, Modules, Schemes, is_built_in, is_vectors, looks_at_url, preset_files, read_text, toml_files,
};
pub use server::{Accepted, Admin, Audit, Egress, Junk, ProxyPlace, Server, StoreSettings};
pub use source::{Enforce, Events, Keys, Learn, Record, Source, VarText};
pub use units::{MAX_COUNT, MAX_PER, duration, print_duration, print_rate, print_size, quoted, rate, size};
pub use warning::{Warning, WarningCode, Warnings};

use std::path::PathBuf;
use std::sync::Arc;

/// All that a gateway is told. Every part is checked; a source holds its compiled scheme.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The file that it was read from; relative paths in it are relative to its folder.
    pub file: PathBuf,

    /// `[server]`: where senders come in.
    pub server: Server,

    /// `[admin]`: where operators do. `None`: nowhere.
    pub admin: Option<Admin>,

    /// `[store]`: what is remembered, and where.
    pub store: StoreSettings,

    /// `[egress]`: what may be called.
    pub egress: Egress,

    /// `[delivery]`: how messages are sent.
    pub delivery: Delivery,

    /// The modes and presets that there are: built in, of `[[module]]`s, of the folder `presets`.
    pub schemes: Arc<Schemes>,

    /// Every `[[source]]`, in the order of the file. No two have one name or one path.
    pub sources: Vec<Arc<Source>>,
}
