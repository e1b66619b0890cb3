//! The command line of `countersign preset`.

use super::{EntryArgs, FolderArgs, Format};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum PresetCommand {
    /// Presets in a table: all, or those that fit
    #[command(after_help = "\
Examples:
  countersign preset list
  countersign preset list pay --proven
  countersign preset list --mode jwt --columns name,algorithm,signature
  countersign preset list --handshake=learn --format json")]
    List(Box<ListArgs>),
    /// One preset in words: what is signed, where the signature is, what it proves
    #[command(after_help = "\
Examples:
  countersign preset show NAME
  countersign preset show NAME --override freshness.tolerance_seconds=60 --format toml")]
    Show {
        /// The preset's name
        #[arg(value_name = "NAME", required_unless_present = "scheme", conflicts_with = "preset")]
        name: Option<String>,
        #[command(flatten)]
        scheme: ShowScheme,
        /// How to answer
        #[arg(long, value_enum, default_value_t = ShowFormat::Human)]
        format: ShowFormat,
    },
    /// What differs between two presets, key by key: the exit code is 1 if anything does, and 0 if nothing
    #[command(after_help = "\
Examples:
  countersign preset diff NAME OTHER
  countersign preset diff NAME ./acme.toml --ignore-prose
  countersign preset diff NAME NAME --override freshness.tolerance_seconds=60")]
    Diff(Box<DiffArgs>),
    /// Begin a preset of your own, and its first test case: asks what is not given
    New(Box<NewArgs>),
    /// Check presets and vectors, and tell every mistake in them
    #[command(after_help = "\
Examples:
  countersign preset lint
  countersign preset lint acme.toml acme.vectors.toml
  countersign preset lint presets/")]
    Lint {
        /// Presets, `*.vectors.toml` files, or folders of them [default: that of --presets, or else those built in]
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        folder: FolderArgs,
    },
    /// Print the JSON Schema of presets, by which editors complete and check them
    #[command(after_help = "\
Examples:
  countersign preset schema > preset.schema.json
  countersign preset schema --vectors > vectors.schema.json

The first line of a preset says where it is: `#:schema ./preset.schema.json`")]
    Schema {
        /// That of vectors files instead
        #[arg(long)]
        vectors: bool,
    },
    /// Run the cases of presets, and each case again with every small thing changed
    #[command(after_help = "\
Examples:
  countersign preset test
  countersign preset test --presets presets/
  countersign preset test acme --presets presets/
  countersign preset test --vectors cases.json")]
    Test {
        /// Presets by name [default: none if --vectors is given, all of the folder if --presets is, or else all built in]
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// A file of cases, TOML or JSON; may be repeated
        #[arg(long, value_name = "FILE", num_args = 1..)]
        vectors: Vec<PathBuf>,
        #[command(flatten)]
        folder: FolderArgs,
        /// How to answer
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

/// Which presets to list, and what of them.
#[derive(Args)]
pub(crate) struct ListArgs {
    /// Words to look for in names, titles, references, notes and header names; each has to be found
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,

    /// Only those of this mode: see `countersign mode list`
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: Option<String>,

    /// Only those whose facts are as sure as this
    #[arg(long, value_enum)]
    pub(crate) confidence: Option<Confidence>,

    /// Only those that have a set-up handshake, or with `=KIND` one of that kind
    #[arg(long, value_enum, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "any")]
    pub(crate) handshake: Option<Handshake>,

    /// Only those by which a published delivery verifies
    #[arg(long, conflicts_with = "consistent")]
    pub(crate) proven: bool,

    /// Only the others, by which two programs agree and nobody else has said so
    #[arg(long)]
    pub(crate) consistent: bool,

    /// Columns, in this order; JSON has all [default: name,mode,covers,proven,title]
    #[arg(long, value_enum, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) columns: Vec<Column>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// Which presets to compare, and how.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// A preset by its name, or in a file: a path with a slash in it, or that ends in `.toml`
    #[arg(value_name = "A")]
    pub(crate) a: String,

    /// Another
    #[arg(value_name = "B")]
    pub(crate) b: String,

    /// Leave out what is for people: title, reference, confidence, notes
    #[arg(long)]
    pub(crate) ignore_prose: bool,

    /// Change a value of B first; may be repeated
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// How to answer
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Confidence {
    /// The provider: cases of its own pass
    Provider,
    /// Descriptions and other programs
    ThirdParty,
}

impl Confidence {
    /// As presets spell it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Confidence::Provider => "provider",
            Confidence::ThirdParty => "third-party",
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Handshake {
    /// Whatever it is for
    Any,
    /// A challenge is answered
    Answer,
    /// A secret is handed over
    Learn,
    /// A formality
    Ignore,
}

impl Handshake {
    /// As presets spell it; `None`: any will do.
    pub(crate) fn kind(self) -> Option<&'static str> {
        match self {
            Handshake::Any => None,
            Handshake::Answer => Some("answer"),
            Handshake::Learn => Some("learn"),
            Handshake::Ignore => Some("ignore"),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Column {
    /// By which it is called
    Name,
    /// What it is called by people
    Title,
    /// The way of proving who signed
    Mode,
    /// What makes the signature
    Algorithm,
    /// Where the signature stands, or the token
    Signature,
    /// What a signature covers: body, time, id, url, method, query
    Covers,
    /// How old a message may be, and how far ahead
    Time,
    /// What makes two messages the same, and for how long that is remembered
    Replay,
    /// The kinds of its set-up handshakes
    Handshake,
    /// From where its facts are
    Confidence,
    /// How many cases are published, if a delivery of those verifies
    Proven,
    /// How many cases only show that two programs agree
    Consistent,
    /// Whether `countersign sign` signs by it
    Signs,
    /// The provider's page
    Reference,
}

/// What is not given here is asked for, if there is a terminal.
#[derive(Args)]
#[command(after_help = "\
Examples:
  countersign preset new acme
  countersign preset new acme --signed timestamp.body --signature-header x-acme-signature --prefix sha256= \\
    --encoding hex --timestamp-header x-acme-time --timestamp-format unix --secret-form text
  countersign preset new acme --from delivery.http --secret file:secret.txt")]
pub(crate) struct NewArgs {
    /// The preset's name: lower-case letters, digits and hyphens
    pub(crate) name: String,

    /// The folder for NAME.toml and NAME.vectors.toml; nothing there is written over
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,

    /// What the provider is called [default: NAME]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,

    /// The provider's page that says how it signs
    #[arg(long, value_name = "URL")]
    reference: Option<String>,

    /// hmac, ed25519, public-key or token [default: hmac]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,

    /// What signs [default: sha256 for hmac; else what `countersign mode show MODE` shows]
    #[arg(long, value_name = "WORD")]
    algorithm: Option<String>,

    /// What is signed: body, timestamp.body, id.timestamp.body, or a template such as `v0:{timestamp}:{body}`
    #[arg(long, value_name = "TEMPLATE")]
    signed: Option<String>,

    /// `accepted`: parts of what is signed may touch, and bytes move from one to the next
    #[arg(long, value_name = "WORD")]
    adjacent: Option<String>,

    /// The header that holds the signature, or the token
    #[arg(long, value_name = "NAME")]
    signature_header: Option<String>,

    /// What stands before the signature in its header, such as `sha256=` [default: nothing]
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,

    /// How the signature is written: hex, base64 or base64url
    #[arg(long, value_name = "WORD")]
    encoding: Option<String>,

    /// The header that holds the signed time
    #[arg(long, value_name = "NAME")]
    timestamp_header: Option<String>,

    /// Where one header holds both, as in `t=…,v1=…`: the signature's key, such as `v1`
    #[arg(long, value_name = "KEY")]
    signature_key: Option<String>,

    /// And the time's, such as `t`
    #[arg(long, value_name = "KEY")]
    timestamp_key: Option<String>,

    /// And what stands between the two [default: ,]
    #[arg(long, value_name = "TEXT")]
    pair_separator: Option<String>,

    /// How that time is written: unix, unix_ms, rfc3339, iso8601_utc or http_date
    #[arg(long, value_name = "WORD")]
    timestamp_format: Option<String>,

    /// How old a message may be, in seconds [default: 300]
    #[arg(long, value_name = "SECONDS")]
    tolerance: Option<String>,

    /// The header that holds the signed id of the message
    #[arg(long, value_name = "NAME")]
    id_header: Option<String>,

    /// How the secret or the public key is written: text, hex, base64, base64url or pem
    #[arg(long, value_name = "WORD")]
    secret_form: Option<String>,

    /// What stands before the secret and is no part of the key, such as `whsec_` [default: nothing]
    #[arg(long, value_name = "TEXT")]
    secret_prefix: Option<String>,

    /// A delivery that you kept, as `verify` reads it: it becomes the first case. Needs --secret
    #[arg(long, value_name = "REQUEST")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) entry: EntryArgs,

    /// What that delivery was signed with: see `countersign verify --help`
    #[arg(long, value_name = "SPEC", allow_hyphen_values = true)]
    pub(crate) secret: Vec<String>,
}

impl NewArgs {
    /// What was given for an option of the preset's.
    pub(crate) fn answer(&self, option: &str) -> Option<&str> {
        let given = match option {
            "title" => &self.title,
            "reference" => &self.reference,
            "mode" => &self.mode,
            "algorithm" => &self.algorithm,
            "adjacent" => &self.adjacent,
            "signed" => &self.signed,
            "signature-header" => &self.signature_header,
            "prefix" => &self.prefix,
            "encoding" => &self.encoding,
            "timestamp-header" => &self.timestamp_header,
            "signature-key" => &self.signature_key,
            "timestamp-key" => &self.timestamp_key,
            "pair-separator" => &self.pair_separator,
            "timestamp-format" => &self.timestamp_format,
            "tolerance" => &self.tolerance,
            "id-header" => &self.id_header,
            "secret-form" => &self.secret_form,
            "secret-prefix" => &self.secret_prefix,
            _ => &None,
        };
        given.as_deref()
    }
}

/// Which scheme to show; the name may also stand alone.
#[derive(Args)]
pub(crate) struct ShowScheme {
    /// The preset's name, as elsewhere
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) preset: Option<String>,

    /// A preset in a file of your own
    #[arg(long, value_name = "FILE", conflicts_with_all = ["preset", "name"])]
    pub(crate) scheme: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) folder: FolderArgs,

    /// Change a value of the preset; may be repeated
    #[arg(long = "override", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ShowFormat {
    /// In words
    Human,
    /// For programs
    Json,
    /// The preset itself, resolved
    Toml,
}
