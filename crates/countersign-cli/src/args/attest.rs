//! The command line of `countersign attest`.

use super::SPEC;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args)]
#[command(after_help = "\
The format is docs/reference/attestation.md. Fields are JSON Pointers: /id, /data/amount.

Examples:
  countersign attest event.json --fields /id,/data/amount --secret id=2026@env:ATTEST_SECRET
  countersign attest event.json --fields /id,/data/amount --algorithm ed25519 --secret file:private.pem
  … | countersign attest --verify --secret id=2026@env:ATTEST_SECRET --require /id,/data/amount
  … | countersign attest --verify --algorithm ed25519 --secret file:public.pem --past 7d --format text")]
pub(crate) struct AttestArgs {
    /// The event, a JSON object: a file, or `-` for standard input
    #[arg(value_name = "EVENT", default_value = "-")]
    pub(crate) event: PathBuf,

    /// Verify the event instead, and print it with the verdict stamped
    #[arg(long)]
    pub(crate) verify: bool,

    /// A key, by where it is (see below); with --verify it may be repeated
    #[arg(long, value_name = "SPEC", long_help = SPEC, allow_hyphen_values = true)]
    pub(crate) secret: Vec<String>,

    /// What the keys are for. For Ed25519 signing takes a private key and --verify public ones, and their ids are fingerprints
    #[arg(long, value_enum, default_value_t = Signed::HmacSha256)]
    pub(crate) algorithm: Signed,

    /// The fields to cover, with commas between; one that is not there is covered as absent
    #[arg(
        long,
        value_name = "POINTERS",
        value_delimiter = ',',
        conflicts_with = "verify",
        required_unless_present = "verify"
    )]
    pub(crate) fields: Vec<String>,

    /// Attest as of this moment: RFC 3339 or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "verify", allow_hyphen_values = true)]
    pub(crate) at: Option<String>,

    /// Refuse what does not cover all of these fields, or covers one as absent
    #[arg(long, value_name = "POINTERS", value_delimiter = ',', requires = "verify")]
    pub(crate) require: Vec<String>,

    /// How old an attestation may be, such as 300s or 7d [default: 300s]
    #[arg(long, value_name = "TIME", requires = "verify")]
    pub(crate) past: Option<String>,

    /// How far ahead its time may be [default: 60s]
    #[arg(long, value_name = "TIME", requires = "verify")]
    pub(crate) future: Option<String>,

    /// Judge as of this moment: RFC 3339 or Unix seconds
    #[arg(long, value_name = "TIME", requires = "verify", allow_hyphen_values = true)]
    pub(crate) now: Option<String>,

    /// What the properties are called: attestation, signature, verdict
    #[arg(
        long,
        value_name = "A,S,V",
        default_value = "attestation,attestation_signature,attestation_verdict"
    )]
    pub(crate) names: String,

    /// How to answer
    #[arg(long, value_enum, default_value_t = AttestFormat::Json, requires = "verify")]
    pub(crate) format: AttestFormat,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Signed {
    /// A secret that both sides hold
    HmacSha256,
    /// A pair of keys
    Ed25519,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum AttestFormat {
    /// The event, with its verdict
    Json,
    /// The verdict, for people
    Text,
}
