//! The one table of filters, and how a filter is read by it.
//!
//! A row's usage is what people see, and also the grammar its arguments are read by: words in capitals are
//! arguments, words in small letters stand for themselves, and what is in brackets may be left out. The last
//! argument runs to the end of the text, so it may hold colons.

use super::codec::{Codec, Digest, Set};
use super::print::Style;
use super::text::{Text, Url};
use super::{Each, Filter, FilterError, Keeps, Step, Type, Work};
use crate::config::nearest;
use crate::message::json::check_pointer;

/// One filter, or one form of a filter that has several.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// As in `slice:FROM:TO`, `join[:SEP]`, `port:drop`. Unique.
    pub(crate) usage: &'static str,
    /// A use of it, with arguments.
    pub(crate) example: &'static str,
    /// What it does, as a phrase that follows the name.
    pub(crate) about: &'static str,
    /// What goes in, and what comes out of it. JSON also goes in wherever bytes do, if it is a scalar.
    pub(crate) types: &'static [(Type, Type)],
    pub(crate) keeps: Keeps,
    build: Build,
}

#[derive(Clone, Copy)]
enum Build {
    Default,
    Mac,
    /// From the arguments in capitals; the error is what is wrong with them.
    Step(fn(&[&str]) -> Result<Work, String>),
}

impl Row {
    pub(crate) fn output(&self, input: Type) -> Option<Type> {
        let find = |input| self.types.iter().find(|(from, _)| *from == input).map(|(_, to)| *to);
        find(input).or_else(|| if input == Type::Json { find(Type::Bytes) } else { None })
    }

    /// Whether values of this very type go in.
    pub(super) fn takes(&self, input: Type) -> bool {
        self.types.iter().any(|(from, _)| *from == input)
    }

    /// The arguments in capitals, if `args` has the form of this row's usage.
    pub(super) fn arguments<'t>(&self, args: Option<&'t str>) -> Option<Vec<&'t str>> {
        let form = &self.usage[self.name.len()..];
        let optional = form.starts_with('[');
        let form = form.trim_start_matches('[').trim_end_matches(']');
        let (form, args) = match (form.strip_prefix(':'), args) {
            (None, None) => return Some(Vec::new()),
            (Some(_), None) => return optional.then(Vec::new),
            (None, Some(_)) => return None,
            (Some(form), Some(args)) => (form, args),
        };
        let words: Vec<_> = form.split(':').collect();
        let given: Vec<_> = args.splitn(words.len(), ':').collect();
        let is_argument = |word: &str| word.starts_with(|c: char| c.is_ascii_uppercase());
        let fits = given.len() == words.len()
            && words.iter().zip(&given).all(|(word, given)| is_argument(word) || word == given);
        let arguments = words.iter().zip(given).filter(|(word, _)| is_argument(word));
        fits.then(|| arguments.map(|(_, given)| given).collect())
    }
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.usage)
    }
}

/// The usage tells all rows apart.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.usage == other.usage
    }
}

impl Eq for Row {}

const EACH: &[(Type, Type)] =
    &[(Type::Bytes, Type::Bytes), (Type::List, Type::List), (Type::Pairs, Type::Pairs)];
const TO_BYTES: &[(Type, Type)] = &[(Type::Bytes, Type::Bytes)];
const SAME_LISTS: &[(Type, Type)] = &[(Type::List, Type::List), (Type::Pairs, Type::Pairs)];
const TO_PAIRS: &[(Type, Type)] = &[(Type::List, Type::Pairs)];
const FROM_PAIRS: &[(Type, Type)] = &[(Type::Pairs, Type::List)];
const TO_TREE: &[(Type, Type)] = &[(Type::Json, Type::Tree), (Type::Tree, Type::Tree)];
const SORTED: &[(Type, Type)] = &[
    (Type::List, Type::List),
    (Type::Pairs, Type::Pairs),
    (Type::Json, Type::Tree),
    (Type::Tree, Type::Tree),
];

/// All filters, grouped as on the reference page.
#[rustfmt::skip]
pub(crate) const TABLE: &[Row] = &[
    each("lower", "lower", "makes ASCII letters small", Keeps::Loses, |_| Ok(Text::Lower.into())),
    each("upper", "upper", "makes ASCII letters large", Keeps::Loses, |_| Ok(Text::Upper.into())),
    each("trim", "trim", "cuts off ASCII white space at both ends", Keeps::Loses, |_| Ok(Text::Trim.into())),
    each("reverse", "reverse", "turns the order of bytes round", Keeps::Loses, |_| Ok(Text::Reverse.into())),
    each("strip_space", "strip_space", "leaves out ASCII white space everywhere", Keeps::Loses, |_| Ok(Text::StripSpace.into())),
    each("slice:FROM:TO", "slice:0:-2", "keeps the bytes from one position up to another, which may be left empty for the end; negative ones count from the end", Keeps::Loses, slice),
    each("before:MARK", "before:,", "keeps what stands before the first mark; all if there is none", Keeps::Loses, |args| Ok(Text::Before(mark(args[0])?).into())),
    each("after_last:MARK", "after_last:/", "keeps what stands behind the last mark; all if there is none", Keeps::Loses, |args| Ok(Text::AfterLast(mark(args[0])?).into())),
    each("replace:OLD:NEW", "replace: :+", "puts one text in place of another everywhere; the old text holds no colon", Keeps::Loses, |args| Ok(Text::Replace(mark(args[0])?, args[1].into()).into())),
    Row { name: "default", usage: "default:TEXT", example: "default:", about: "stands in for a value that is absent; an empty value is not", types: TO_BYTES, keeps: Keeps::Loses, build: Build::Default },

    each("hex", "hex", "writes bytes as hexadecimal digits, small letters", Keeps::Injective, |_| Ok(Codec::Hex.into())),
    each("unhex", "unhex", "reads hexadecimal digits, small or large", Keeps::Loses, |_| Ok(Codec::Unhex.into())),
    each("base64", "base64", "writes bytes as base64, padded", Keeps::Injective, |_| Ok(Codec::Base64.into())),
    each("unbase64", "unbase64", "reads base64, which must be padded and have no loose bits", Keeps::Injective, |_| Ok(Codec::Unbase64.into())),
    each("base64url", "base64url", "writes bytes as base64url, not padded", Keeps::Injective, |_| Ok(Codec::Base64Url.into())),
    each("unbase64url", "unbase64url", "reads base64url, padded or not, without loose bits", Keeps::Loses, |_| Ok(Codec::Unbase64Url.into())),
    each("percent_encode:SET", "percent_encode:component", "writes `%XX` for all bytes but those that `component` (encodeURIComponent), `uri` (encodeURI) or `form` (urlencode; a space is `+`) leave alone", Keeps::Injective, |args| Ok(Codec::PercentEncode(choose(&Set::ALL, args[0], "set")?).into())),
    each("percent_decode[:CHARS]", "percent_decode::/?", "reads `%XX`; with an argument only where it stands for one of these ASCII characters", Keeps::PercentDecode, percent_decode),
    each("json_string", "json_string", "writes text as a quoted JSON string with no more escapes than needed", Keeps::Injective, |_| Ok(Codec::JsonString.into())),
    // An `é` and the six characters `\u00e9` become the same.
    each("json_ascii", "json_ascii", "writes `\\uXXXX` for what is not ASCII", Keeps::Loses, |_| Ok(Codec::JsonAscii.into())),

    each("md5", "md5", "makes the MD5 digest, as bytes", Keeps::Digest, |_| Ok(Digest::Md5.into())),
    each("sha1", "sha1", "makes the SHA-1 digest, as bytes", Keeps::Digest, |_| Ok(Digest::Sha1.into())),
    each("sha256", "sha256", "makes the SHA-256 digest, as bytes", Keeps::Digest, |_| Ok(Digest::Sha256.into())),
    each("sha384", "sha384", "makes the SHA-384 digest, as bytes", Keeps::Digest, |_| Ok(Digest::Sha384.into())),
    each("sha512", "sha512", "makes the SHA-512 digest, as bytes", Keeps::Digest, |_| Ok(Digest::Sha512.into())),
    each("keccak256", "keccak256", "makes the Keccak-256 digest (that of Ethereum, not SHA3-256), as bytes", Keeps::Digest, |_| Ok(Digest::Keccak256.into())),
    each("crc32", "crc32", "makes the CRC-32 checksum (IEEE), as a decimal number", Keeps::Loses, |_| Ok(Digest::Crc32.into())),

    each("port:drop", "port:drop", "leaves the port out of a URL", Keeps::Port, |_| Ok(Url::PortDrop.into())),
    each("port:explicit", "port:explicit", "writes the port of http or https into a URL that has none", Keeps::Port, |_| Ok(Url::PortExplicit.into())),
    each("query:drop", "query:drop", "leaves the query out of a URL, with its `?`", Keeps::QueryDrop, |_| Ok(Url::QueryDrop.into())),

    step("split:SEP", "split:,", "cuts text at each separator; parts are not trimmed, and empty text is one empty part", &[(Type::Bytes, Type::List)], |args| Ok(Work::Split(mark(args[0])?))),
    step("lookup:header", "lookup:header", "takes each element for a header's name and adds its value", TO_PAIRS, |_| Ok(Work::LookupHeader)),
    step("lookup:json:BASE", "lookup:json:/data", "takes each element for a path below a pointer into the body, with dots between its steps, and adds its value", TO_PAIRS, |args| Ok(Work::LookupJson(pointer(args[0])?))),
    step("values", "values", "keeps the values, not the names", FROM_PAIRS, |_| Ok(Work::Values)),
    step("sort", "sort", "sorts a list by bytes, pairs by name and then value, the members of all objects in JSON by key", SORTED, |_| Ok(Work::Sort)),
    step("unique", "unique", "leaves out elements, or pairs, that were there before", SAME_LISTS, |_| Ok(Work::Unique)),
    step("drop_empty", "drop_empty", "leaves out empty elements, or pairs with an empty value", SAME_LISTS, |_| Ok(Work::DropEmpty)),
    step("except:NAMES", "except:sign,sign_type", "leaves out the elements, or pairs, of these names, which stand between commas", SAME_LISTS, except),
    step("pairs:SEP", "pairs:=", "makes name, separator and value one text each; where these are joined, a pair that could be read as two is refused", FROM_PAIRS, |args| Ok(Work::Pairs(args[0].into(), Vec::new()))),
    step("join[:SEP]", "join:&", "puts a list together, with a separator between its elements if one is given", &[(Type::List, Type::Bytes)], |args| Ok(Work::Join(args.first().copied().unwrap_or_default().into()))),

    step("json:POINTER", "json:/data/id", "reads text as JSON and takes what is at a pointer; nothing and `null` are absent", &[(Type::Bytes, Type::Json)], |args| Ok(Work::Json(pointer(args[0])?))),
    step("without:POINTER", "without:/sign", "leaves a value out of JSON, if it is there", TO_TREE, without),
    step("sort:top", "sort:top", "sorts the members of the outermost object by key", TO_TREE, |_| Ok(Work::SortTop)),
    step("print:STYLE", "print:compact", "writes JSON as `compact` (JSON.stringify), `minify` (strings as they were), `php` (json_encode), `php_unicode` (JSON_UNESCAPED_UNICODE) or `python` (json.dumps); numbers as they were", &[(Type::Json, Type::Bytes), (Type::Tree, Type::Bytes)], |args| Ok(Work::Print(choose(&Style::ALL, args[0], "style")?))),
    Row { keeps: Keeps::Injective, ..step("raw", "raw", "is the exact text of a JSON value as it was sent", &[(Type::Json, Type::Bytes)], |_| Ok(Work::Raw)) },
    step("scalars", "scalars", "makes a list of a JSON array or object that holds nothing but texts, numbers and booleans", &[(Type::Json, Type::List), (Type::Tree, Type::List)], |_| Ok(Work::Scalars)),

    Row { name: "mac", usage: "mac", example: "mac", about: "makes the MAC under the source's key; only in answers of handshakes", types: TO_BYTES, keeps: Keeps::Loses, build: Build::Mac },
];

/// The names of all filters, each once, in the order of the table.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let first = |at: usize, row: &Row| TABLE.iter().position(|other| other.name == row.name) == Some(at);
    TABLE.iter().enumerate().filter(move |(at, row)| first(*at, row)).map(|(_, row)| row.name)
}

pub(super) fn row(usage: &str) -> &'static Row {
    TABLE.iter().find(|row| row.usage == usage).unwrap_or(&TABLE[0])
}

pub(super) fn parse(name: &str, args: Option<&str>) -> Result<Filter, FilterError> {
    let rows = || TABLE.iter().filter(|row| row.name == name);
    let read = rows().find_map(|row| row.arguments(args).map(|arguments| (row, arguments)));
    let Some((row, arguments)) = read else {
        let usages: Vec<_> = rows().map(|row| format!("`{}`", row.usage)).collect();
        return Err(if usages.is_empty() { unknown(name) } else { misused(name, args, &usages) });
    };
    match row.build {
        Build::Default => Ok(Filter::Default(arguments.concat().into_bytes())),
        Build::Mac => Ok(Filter::Mac),
        Build::Step(build) => match build(&arguments) {
            Ok(work) => Ok(Filter::Step(Step { row, work })),
            Err(wrong) => Err(FilterError {
                message: format!("`{name}` {wrong}"),
                help: format!("write `{}`, as in `{}`: {}", row.usage, row.example, row.about),
            }),
        },
    }
}

fn unknown(name: &str) -> FilterError {
    let all = || names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    FilterError {
        message: format!("there is no filter `{name}`"),
        help: match nearest(name, names()) {
            Some(near) => {
                let row = TABLE.iter().find(|row| row.name == near).unwrap_or(&TABLE[0]);
                format!("did you mean `{}`? It {}", row.usage, row.about)
            }
            None => format!("filters are {}", all()),
        },
    }
}

/// For a filter that is there, written in a form that is not.
fn misused(name: &str, args: Option<&str>, usages: &[String]) -> FilterError {
    let message = match args {
        None => format!("`{name}` needs an argument"),
        Some(args) => format!("`{name}` cannot take `:{args}`"),
    };
    FilterError { message, help: format!("write {}", usages.join(" or ")) }
}

fn slice(args: &[&str]) -> Result<Work, String> {
    let position = |arg: &str| arg.parse().map_err(|_| format!("has `{arg}` where a position is needed"));
    let to = if args[1].is_empty() { None } else { Some(position(args[1])?) };
    Ok(Text::Slice(position(args[0])?, to).into())
}

fn percent_decode(args: &[&str]) -> Result<Work, String> {
    match args.first() {
        Some(chars) if chars.is_empty() || !chars.is_ascii() => {
            Err("takes one or more ASCII characters, or no colon".into())
        }
        chars => Ok(Codec::PercentDecode(chars.copied().unwrap_or_default().into()).into()),
    }
}

fn except(args: &[&str]) -> Result<Work, String> {
    let names: Vec<_> = args[0].split(',').map(|name| name.as_bytes().to_vec()).collect();
    if names.iter().any(Vec::is_empty) {
        return Err("has an empty name".into());
    }
    Ok(Work::Except(names))
}

fn without(args: &[&str]) -> Result<Work, String> {
    match pointer(args[0])? {
        whole if whole.is_empty() => Err("would leave nothing".into()),
        pointer => Ok(Work::Without(pointer)),
    }
}

fn pointer(arg: &str) -> Result<String, String> {
    match check_pointer(arg) {
        Ok(()) => Ok(arg.into()),
        Err(wrong) => Err(format!("has {wrong}")),
    }
}

/// What is searched for must not be empty: it would be found everywhere.
fn mark(arg: &str) -> Result<Vec<u8>, String> {
    if arg.is_empty() { Err("has an empty text to look for".into()) } else { Ok(arg.into()) }
}

fn choose<T: Copy>(all: &[(&str, T)], word: &str, kind: &str) -> Result<T, String> {
    if let Some((_, chosen)) = all.iter().find(|(name, _)| *name == word) {
        return Ok(*chosen);
    }
    let near = nearest(word, all.iter().map(|(name, _)| *name));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(format!("has no {kind} `{word}`{near}"))
}

impl From<Text> for Work {
    fn from(text: Text) -> Self {
        Self::Each(Each::Text(text))
    }
}

impl From<Url> for Work {
    fn from(url: Url) -> Self {
        Self::Each(Each::Url(url))
    }
}

impl From<Codec> for Work {
    fn from(codec: Codec) -> Self {
        Self::Each(Each::Codec(codec))
    }
}

impl From<Digest> for Work {
    fn from(digest: Digest) -> Self {
        Self::Each(Each::Digest(digest))
    }
}

type BuildStep = fn(&[&str]) -> Result<Work, String>;

const fn each(
    usage: &'static str,
    example: &'static str,
    about: &'static str,
    keeps: Keeps,
    build: BuildStep,
) -> Row {
    Row { keeps, ..step(usage, example, about, EACH, build) }
}

const fn step(
    usage: &'static str,
    example: &'static str,
    about: &'static str,
    types: &'static [(Type, Type)],
    build: BuildStep,
) -> Row {
    Row { name: name(usage), usage, example, about, types, keeps: Keeps::Loses, build: Build::Step(build) }
}

/// What stands before the first colon or bracket.
const fn name(usage: &'static str) -> &'static str {
    let mut end = 0;
    while end < usage.len() && usage.as_bytes()[end] != b':' && usage.as_bytes()[end] != b'[' {
        end += 1;
    }
    usage.split_at(end).0
}
