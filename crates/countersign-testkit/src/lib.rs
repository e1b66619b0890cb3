//! What a preset or a mode has to pass, for us, for third parties and for the command.
//!
//! ```text
//! x.vectors.toml ──parse──▶ VectorFile ──run──▶ every case, whole and in pieces ──▶ Report
//!                                         └──▶ of every case that verifies, its mutants
//! ```
//!
//! A [vector](vectors) is a delivery and what must be said of it. A [mutant](mutants) is what a vector implies and
//! nobody should have to write down: the same delivery with one thing changed that its signature covers, which must be
//! refused, or one that it does not, which must not matter. [Running](run()) a file does both and says how much of what
//! it did. [`conformance`] asks of a mode what its trait promises.
//!
//! Nothing here knows a provider: mutants are made from what the preset says and what the case shows. Nothing here
//! prints a secret, or a signature that would be accepted.
//!
//! ```
//! # use countersign_testkit::{Options, VectorFile, run};
//! let mut registry = countersign::Registry::new();
//! registry.add_preset("acme.toml", r#"
//!     schema = 1
//!     name = "acme"
//!     mode = "hmac"
//!     [hmac]
//!     algorithm = "sha256"
//!     signed_template = "{body}"
//!     signature_source = { header = "x-acme-signature", extract = "raw", encoding = "hex" }
//!     key = { forms = [{ decode = "text" }] }
//! "#)?;
//! let vectors = VectorFile::parse("acme.vectors.toml", r#"
//!     schema = 1
//!     preset = "acme"
//!     [[case]]
//!     name = "a-greeting"
//!     source = "generated"
//!     secrets = [{ id = "main", value = "key" }]
//!     headers = [["X-Acme-Signature", "9307b3b915efb5171ff14d8cb55fbcc798c6c0ef1456d66ded1a6aa723a58b7b"]]
//!     body = "hello"
//!     expect = "ok"
//! "#)?;
//! let report = run(&registry, &vectors, &Options::default());
//! assert!(report.is_ok(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
pub mod conformance;
mod counted;
pub mod mutants;
pub mod run;
pub mod vectors;

pub use answers::{Answers, Reply};
pub use counted::Counted;
pub use mutants::{Expected, Mutant};
pub use run::{Failure, Options, Report, run, shape};
pub use vectors::{Case, CaseSource, Delivery, Expect, SecretSpec, VectorErrors, VectorFile};

/// The files of a preset, for a test that has them beside it: `(preset, vectors)`, each as its name and its text.
///
/// The first argument is the folder, seen from the file that this stands in, with a slash behind it; the second is the
/// preset's name. What is not there is an error of compilation.
///
/// ```
/// let ((file, text), (_, vectors)) = countersign_testkit::preset_files!("../../../presets/", "github");
/// assert_eq!(file, "github.toml");
/// assert!(text.contains("mode = \"hmac\"") && vectors.contains("[[case]]"));
/// ```
#[macro_export]
macro_rules! preset_files {
    ($folder:literal, $name:literal) => {
        (
            (concat!($name, ".toml"), include_str!(concat!($folder, $name, ".toml"))),
            (concat!($name, ".vectors.toml"), include_str!(concat!($folder, $name, ".vectors.toml"))),
        )
    };
}
