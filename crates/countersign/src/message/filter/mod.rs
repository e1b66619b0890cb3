//! Filters: what stands after a bar in `{source|filter|filter:arg}`.
//!
//! A chain of filters is typed before any request is seen: [`Filter::output`] says what comes out for what goes
//! in, so that a wrong chain is an error in the configuration and never one of a request. What is left for the
//! request are two faults: the value is absent, or it cannot be rebuilt from what was sent.
//!
//! The list of filters is one table, in [`table`]; names, usages, types, what a filter keeps and the reference
//! page are all read from it.

mod codec;
mod list;
mod print;
mod table;
mod text;

use std::borrow::Cow;
use std::fmt;

use super::json::Json;

pub(crate) use print::Tree;
pub(crate) use table::Row;
#[cfg(test)]
pub(crate) use table::{TABLE, names};

/// How many bytes a filter may put out: 16 MiB, keys and all elements counted together. A chain can neither
/// take up nor hand on more, and no single filter makes more than six times of what it is given before the
/// count; so a request costs memory in proportion to its size, whatever list it names.
pub(crate) const OUTPUT: usize = 16 << 20;

/// How many elements a list made by a filter may have.
pub(crate) const ELEMENTS: usize = 1000;

/// What a value is on its way through the filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    /// Bytes; a placeholder must end here.
    Bytes,
    /// A list of bytes.
    List,
    /// A list of name and value.
    Pairs,
    /// A part of a JSON text as it was sent. Where it is a scalar, it passes for its text.
    Json,
    /// JSON that a filter has changed, so that it has no source of its own any more.
    Tree,
}

impl Type {
    /// Whether a placeholder may end here: bytes, or JSON that is hoped to be a scalar.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Bytes | Self::Json)
    }
}

/// As said in complaints: "`join` cannot take …".
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "text",
            Self::List => "a list",
            Self::Pairs => "pairs",
            Self::Json => "JSON",
            Self::Tree => "changed JSON",
        })
    }
}

/// Name and value.
pub(crate) type Pair<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// A value on its way through the filters; borrowed from the request as long as nothing changes it.
#[derive(Debug, Clone)]
pub(crate) enum Val<'a> {
    Bytes(Cow<'a, [u8]>),
    List(Vec<Cow<'a, [u8]>>),
    Pairs(Vec<Pair<'a>>),
    Json(Json<'a>),
    Tree(Tree<'a>),
}

impl<'a> Val<'a> {
    /// A part of a JSON text, as it was sent.
    pub(crate) fn json(json: Json<'a>) -> Self {
        Self::Json(json)
    }

    #[cfg(test)]
    pub(crate) fn kind(&self) -> Type {
        match self {
            Self::Bytes(_) => Type::Bytes,
            Self::List(_) => Type::List,
            Self::Pairs(_) => Type::Pairs,
            Self::Json(_) => Type::Json,
            Self::Tree(_) => Type::Tree,
        }
    }

    /// The text this value stands for: bytes as they are, a JSON scalar as its text. JSON `null` is absent; an
    /// object or array cannot be text, and neither can the other types (which the type check has refused).
    pub(crate) fn into_bytes(self) -> Result<Cow<'a, [u8]>, Fault> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Json(json) if json.is_null() => Err(Fault::Absent),
            Self::Json(json) => {
                json.scalar().ok_or(Fault::Malformed("an object or array where text is needed"))
            }
            Self::List(_) | Self::Pairs(_) | Self::Tree(_) => Err(MISTYPED),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) => items.iter().map(|item| item.len()).sum(),
            Self::Pairs(pairs) => pairs.iter().map(|(name, value)| name.len() + value.len()).sum(),
            // Parts of a text that was counted when it came in.
            Self::Json(_) | Self::Tree(_) => 0,
        }
    }
}

/// Why a value could not be made from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something that was asked for is not there.
    Absent,
    /// What could not be rebuilt, as a noun phrase; never holds bytes of the request.
    Malformed(&'static str),
}

/// Where `lookup` filters look: the request that is being judged.
pub(crate) trait Lookup<'a> {
    /// The value of the one header of this name, compared without regard to ASCII case; `None` where there is
    /// none or `name` cannot be a header's, a fault where there are several.
    fn header(&self, name: &[u8]) -> Result<Option<Cow<'a, [u8]>>, Fault>;

    /// The value at an RFC 6901 pointer into the body; `None` where nothing stands there. Called up to
    /// [`ELEMENTS`] times by one filter: the body should be read once.
    fn json(&self, pointer: &str) -> Result<Option<Val<'a>>, Fault>;
}

/// What is left of a value's identity behind a filter: the ground on which is decided what a signature binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Keeps {
    /// Different values stay different.
    Injective,
    /// Different values stay different as long as the digest is collision resistant.
    Digest,
    /// All of a URL but whether its port is spelled.
    Port,
    /// All of a URL but its query.
    QueryDrop,
    /// All of a URL but the spelling of some characters.
    PercentDecode,
    /// Nothing may be concluded.
    Loses,
}

/// One checked filter with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// `default:TEXT`: this text stands in for a value that is absent. Applied to a value that is there, it
    /// passes it on; who evaluates a chain puts the text in for [`Fault::Absent`].
    Default(Vec<u8>),
    /// `mac`: the MAC under the source's key, in handshake answers only. Cannot be applied here.
    Mac,
    /// All others.
    Step(Step),
}

/// A filter that needs nothing but its input and the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    row: &'static Row,
    work: Work,
}

/// What a complaint about a filter says: what is wrong, and what to type instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilterError {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Filter {
    /// Reads a filter from its name and the raw text after the name's `:`, with `\|` and `\}` unescaped already.
    /// The error names the usage, or the nearest filter there is.
    pub(crate) fn parse(name: &str, args: Option<&str>) -> Result<Self, FilterError> {
        table::parse(name, args)
    }

    /// The line of the table that this filter is described by.
    pub(crate) fn row(&self) -> &'static Row {
        match self {
            Self::Default(_) => table::row("default:TEXT"),
            Self::Mac => table::row("mac"),
            Self::Step(Step { row, work: _ }) => row,
        }
    }

    /// The type that comes out for a type that goes in, or `None` if the filter cannot take it.
    pub(crate) fn output(&self, input: Type) -> Option<Type> {
        self.row().output(input)
    }

    /// What this filter keeps of a value's identity.
    pub(crate) fn keeps(&self) -> Keeps {
        self.row().keeps
    }

    /// Tell every `pairs` of a chain what its texts will be joined by, so that it can refuse a pair that would be read as two.
    pub(crate) fn tell_pairs(chain: &mut [Filter]) {
        let same_texts =
            |work: &Work| matches!(work, Work::Sort | Work::Unique | Work::DropEmpty | Work::Except(_));
        for at in 0..chain.len() {
            let (before, after) = chain.split_at_mut(at + 1);
            let mut works = after.iter().map_while(|filter| match filter {
                Self::Step(step) => Some(&step.work),
                _ => None,
            });
            if let Some(Self::Step(Step { work: Work::Pairs(_, between), .. })) = before.last_mut()
                && let Some(Work::Join(separator)) = works.find(|work| !same_texts(work))
            {
                between.clone_from(separator);
            }
        }
    }

    /// Whether it reads headers that its input names.
    pub(crate) fn looks_up_headers(&self) -> bool {
        matches!(self, Self::Step(Step { work: Work::LookupHeader, .. }))
    }

    /// Whether it reads parts of the body that its input names.
    pub(crate) fn looks_up_json(&self) -> bool {
        matches!(self, Self::Step(Step { work: Work::LookupJson(_), .. }))
    }

    /// Runs the filter; JSON `null` is absent for all of them. For a value of a type that [`Filter::output`] takes, the result has the type it names.
    /// Linear in the size of the input (`sort`: times its logarithm).
    pub(crate) fn apply<'a>(&self, value: Val<'a>, lookup: &dyn Lookup<'a>) -> Result<Val<'a>, Fault> {
        let value = match self {
            Self::Default(text) => match value.into_bytes() {
                Ok(bytes) => Val::Bytes(bytes),
                Err(Fault::Absent) => Val::Bytes(Cow::Owned(text.clone())),
                Err(fault) => return Err(fault),
            },
            Self::Mac => return Err(Fault::Malformed("a MAC outside a handshake answer")),
            Self::Step(step) => step.apply(value, lookup)?,
        };
        if value.size() > OUTPUT { Err(TOO_BIG) } else { Ok(value) }
    }
}

/// What a filter does, by the shape of its input.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Work {
    Each(Each),
    Split(Vec<u8>),
    LookupHeader,
    LookupJson(String),
    Values,
    Sort,
    SortTop,
    Unique,
    DropEmpty,
    Except(Vec<Vec<u8>>),
    /// The separator, and what the texts will be joined by: empty if nobody says.
    Pairs(Vec<u8>, Vec<u8>),
    Join(Vec<u8>),
    Json(String),
    Without(String),
    Print(print::Style),
    Raw,
    Scalars,
}

/// Filters from bytes to bytes; on a list they work on each element, on pairs on each value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Each {
    Text(text::Text),
    Url(text::Url),
    Codec(codec::Codec),
    Digest(codec::Digest),
}

const MISTYPED: Fault = Fault::Malformed("a value of another type than its filter takes");
const TOO_BIG: Fault = Fault::Malformed("a value of more than 16 MiB");
const TOO_MANY: Fault = Fault::Malformed("a list of more than 1000 elements");

impl Step {
    fn apply<'a>(&self, value: Val<'a>, lookup: &dyn Lookup<'a>) -> Result<Val<'a>, Fault> {
        let Self { row, work } = self;
        let value = match value {
            Val::Json(json) if json.is_null() => return Err(Fault::Absent),
            Val::Json(_) if !row.takes(Type::Json) => Val::Bytes(value.into_bytes()?),
            value => value,
        };
        Ok(match (work, value) {
            (Work::Each(each), value) => each.spread(value)?,
            (Work::Split(separator), Val::Bytes(text)) => Val::List(list::split(&text, separator)?),
            (Work::LookupHeader, Val::List(names)) => Val::Pairs(list::lookup_headers(names, lookup)?),
            (Work::LookupJson(base), Val::List(names)) => Val::Pairs(list::lookup_json(names, base, lookup)?),
            (Work::Values, Val::Pairs(pairs)) => {
                Val::List(pairs.into_iter().map(|(_, value)| value).collect())
            }
            (Work::Pairs(separator, between), Val::Pairs(pairs)) => {
                Val::List(list::pairs(&pairs, separator, between)?)
            }
            (Work::Join(separator), Val::List(items)) => Val::Bytes(list::join(items, separator)?),
            (Work::Sort | Work::Unique | Work::DropEmpty | Work::Except(_), Val::List(items)) => {
                Val::List(list::thin_list(work, items))
            }
            (Work::Sort | Work::Unique | Work::DropEmpty | Work::Except(_), Val::Pairs(pairs)) => {
                Val::Pairs(list::thin_pairs(work, pairs))
            }
            (Work::Json(pointer), Val::Bytes(text)) => {
                // A `null` is found, and then as absent as what is not there.
                let found = Json::read(text)?.pointer(pointer);
                Val::Json(found.filter(|json| !json.is_null()).ok_or(Fault::Absent)?)
            }
            (Work::Raw, Val::Json(json)) => Val::Bytes(json.source()),
            (_, Val::Json(json)) => Self::on_tree(work, Tree::Source(json))?,
            (_, Val::Tree(tree)) => Self::on_tree(work, tree)?,
            _ => return Err(MISTYPED),
        })
    }

    fn on_tree<'a>(work: &Work, tree: Tree<'a>) -> Result<Val<'a>, Fault> {
        Ok(match work {
            Work::Without(pointer) => Val::Tree(tree.without(pointer)),
            Work::Sort => Val::Tree(tree.sort()),
            Work::SortTop => Val::Tree(tree.sort_top()),
            Work::Print(style) => Val::Bytes(Cow::Owned(tree.print(*style))),
            Work::Scalars => Val::List(tree.scalars()?),
            _ => return Err(MISTYPED),
        })
    }
}

impl Each {
    fn spread<'a>(&self, value: Val<'a>) -> Result<Val<'a>, Fault> {
        let mut size = 0;
        let mut counted = |text| {
            let text = self.apply(text)?;
            size += text.len();
            // Counted as it grows: a list may name the same big value a thousand times.
            if size > OUTPUT { Err(TOO_BIG) } else { Ok(text) }
        };
        Ok(match value {
            Val::Bytes(text) => Val::Bytes(counted(text)?),
            Val::List(items) => Val::List(items.into_iter().map(counted).collect::<Result<_, _>>()?),
            Val::Pairs(pairs) => {
                let pairs = pairs.into_iter().map(|(name, value)| Ok((name, counted(value)?)));
                Val::Pairs(pairs.collect::<Result<_, _>>()?)
            }
            Val::Json(_) | Val::Tree(_) => return Err(MISTYPED),
        })
    }

    fn apply<'a>(&self, text: Cow<'a, [u8]>) -> Result<Cow<'a, [u8]>, Fault> {
        match self {
            Self::Text(filter) => filter.apply(text),
            Self::Url(filter) => filter.apply(text),
            Self::Codec(filter) => filter.apply(text),
            Self::Digest(filter) => Ok(Cow::Owned(filter.of(&text))),
        }
    }
}

#[cfg(test)]
mod tests;
