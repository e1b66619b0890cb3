//! What senders write: JSON by many printers, forms, text and nothing.

use crate::faults::json::{Json, style};
use crate::faults::random::{ALPHANUMERIC, HEX, Random};

/// What a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Json,
    Form,
    Text,
    Empty,
}

impl Kind {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Kind::Json => "application/json",
            Kind::Form => "application/x-www-form-urlencoded",
            Kind::Text => "application/xml; charset=utf-8",
            Kind::Empty => "text/plain",
        }
    }
}

/// A body, and in a word what it is like.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) kind: Kind,
    pub(crate) like: String,
    pub(crate) bytes: Vec<u8>,
}

/// How much of it there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Size {
    Small,
    /// A mebibyte of JSON, or more.
    Big,
}

impl Body {
    pub(crate) fn of(kind: Kind, size: Size, random: &mut Random) -> Body {
        match kind {
            Kind::Json => json(size, random),
            Kind::Form => form(random),
            Kind::Text => text(random),
            Kind::Empty => Body { kind, like: "empty".into(), bytes: Vec::new() },
        }
    }
}

/// What the values of a JSON body are taken from.
#[derive(Clone, Copy)]
struct Flavour {
    name: &'static str,
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
}

const WORDS: &[&str] =
    &["invoice.paid", "active", "", "Ada Lovelace", "EUR", "line 1\nline 2", "a \"quoted\" word"];
const URLS: &[&str] =
    &["https://example.com/a/b?c=d&e=f", "https://example.com/", "1/2", "<b>bold & brave</b>", "a+b=c"];
const ACCENTS: &[&str] = &["Zoë Brügge", "Plaça Pau Vila", "£ 5 à la carte", "naïve", "Ærø"];
const WIDE: &[&str] = &["Test 🚒🚒 HOLA", "日本語のテキスト", "привет", "… — ’", "👩‍👩‍👧"];
const RARE: &[&str] = &["\u{2028}724812-22", "a\u{2029}b", "tab\tand\u{1}bell", "del\u{7f}", "C:\\temp"];
const WHOLE: &[&str] = &["0", "1", "42", "-7", "1767225600", "2147483648"];
const MONEY: &[&str] = &["12.50", "0.10", "1999.99", "7"];
const MESSY: &[&str] = &["1e3", "0.1", "12.50", "3.00", "-0.5", "6.02e23", "1.5e-7"];
const HUGE: &[&str] = &["9007199254740993", "12345678901234567890", "1234567890123456789", "5"];

/// The likelier ones come twice.
const FLAVOURS: &[Flavour] = &[
    Flavour { name: "plain", texts: WORDS, numbers: WHOLE },
    Flavour { name: "plain", texts: WORDS, numbers: WHOLE },
    Flavour { name: "urls", texts: URLS, numbers: WHOLE },
    Flavour { name: "urls", texts: URLS, numbers: WHOLE },
    Flavour { name: "accents", texts: ACCENTS, numbers: WHOLE },
    Flavour { name: "wide", texts: WIDE, numbers: WHOLE },
    Flavour { name: "rare", texts: RARE, numbers: WHOLE },
    Flavour { name: "money", texts: WORDS, numbers: MONEY },
    Flavour { name: "messy", texts: URLS, numbers: MESSY },
    Flavour { name: "huge", texts: ACCENTS, numbers: HUGE },
];

/// Which printers senders use, the likelier ones more often.
const SENDERS: &[&str] = &[
    "compact",
    "compact",
    "compact",
    "compact",
    "go",
    "go",
    "php",
    "php-unicode",
    "python",
    "python-compact",
    "python-unicode",
    "pretty-2",
    "pretty-2",
    "pretty-4",
    "dotnet",
    "gson",
    "php-pretty",
];

fn json(size: Size, random: &mut Random) -> Body {
    let flavour = random.of_these(FLAVOURS);
    let sender: &&str = random.of_these(SENDERS);
    let printer = style(sender);
    let mut members = vec![
        ("id".to_owned(), Json::Text(format!("evt_{}", random.text(ALPHANUMERIC, 20)))),
        ("type".to_owned(), Json::Text("invoice.paid".into())),
        ("created".to_owned(), Json::Number("1767225600".into())),
        ("live".to_owned(), Json::Bool(random.once_in(2))),
    ];
    // Each body has every text and every number of its flavour once, so that its name says what is in it.
    let texts = flavour.texts.iter().map(|text| Json::Text((*text).into()));
    let numbers = flavour.numbers.iter().map(|number| Json::Number((*number).into()));
    let mut values: Vec<Json> = texts.chain(numbers).collect();
    values.extend([Json::Null, Json::List(Vec::new()), Json::Object(Vec::new())]);
    members.push(("data".to_owned(), tree(values, random)));
    if size == Size::Big {
        let row = |random: &mut Random| {
            Json::Object(vec![
                ("sku".into(), Json::Text(random.text(HEX, 24))),
                ("note".into(), Json::Text((*random.of_these(flavour.texts)).into())),
                ("count".into(), Json::Number((*random.of_these(WHOLE)).into())),
            ])
        };
        members.push(("rows".to_owned(), Json::List((0..16_000).map(|_| row(random)).collect())));
    }
    let mut whole = Json::Object(members);
    let sorted = random.once_in(3);
    if sorted {
        whole = whole.sorted();
    }
    let mut bytes = whole.print(printer);
    let ends = random.once_in(8);
    if ends {
        bytes.push(b'\n');
    }
    let like = format!(
        "JSON {} by {}{}{}{}",
        flavour.name,
        printer.name,
        if sorted { ", sorted" } else { "" },
        if ends { ", newline" } else { "" },
        if size == Size::Big { ", 1 MiB" } else { "" },
    );
    Body { kind: Kind::Json, like, bytes }
}

/// Values hung into objects and lists by chance.
fn tree(mut values: Vec<Json>, random: &mut Random) -> Json {
    const NAMES: [&str; 8] = ["object", "amount", "customer", "note", "url", "meta", "9", "items"];
    while values.len() > 1 {
        let count = (2 + random.below(3)).min(values.len());
        let at = random.below(values.len() - count + 1);
        let taken: Vec<Json> = values.drain(at..at + count).collect();
        let node = match random.once_in(3) {
            true => Json::List(taken),
            false => {
                let first = random.below(NAMES.len());
                let name = |at: usize| NAMES[(first + at) % NAMES.len()].to_owned();
                Json::Object(taken.into_iter().enumerate().map(|(at, value)| (name(at), value)).collect())
            }
        };
        values.insert(at, node);
    }
    values.remove(0)
}

/// How somebody writes a form.
#[derive(Clone, Copy)]
pub(crate) struct FormStyle {
    pub(crate) name: &'static str,
    /// Which marks are left as they are.
    kept: &'static str,
    plus: bool,
    upper: bool,
}

/// `URLSearchParams` and Java's `URLEncoder`; Python's `quote_plus`, Go's and Ruby's; PHP's `urlencode`; `encodeURIComponent`
/// and what uses it, such as `qs`; RFC 3986; .NET's `HttpUtility.UrlEncode`.
pub(crate) const FORMS: &[FormStyle] = &[
    FormStyle { name: "urlsearchparams", kept: "*-._", plus: true, upper: true },
    FormStyle { name: "quote-plus", kept: "-._~", plus: true, upper: true },
    FormStyle { name: "urlencode", kept: "-._", plus: true, upper: true },
    FormStyle { name: "component", kept: "-._~!*'()", plus: false, upper: true },
    FormStyle { name: "rfc3986", kept: "-._~", plus: false, upper: true },
    FormStyle { name: "httputility", kept: "-._!*()", plus: true, upper: false },
];

impl FormStyle {
    pub(crate) fn encode(&self, text: &str) -> String {
        let one = |byte: u8| match byte {
            b' ' if self.plus => "+".to_owned(),
            _ if byte.is_ascii_alphanumeric() || self.kept.as_bytes().contains(&byte) => {
                char::from(byte).to_string()
            }
            _ if self.upper => format!("%{byte:02X}"),
            _ => format!("%{byte:02x}"),
        };
        text.bytes().map(one).collect()
    }

    pub(crate) fn print(&self, pairs: &[(String, String)]) -> Vec<u8> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", self.encode(name), self.encode(value)))
            .collect();
        pairs.join("&").into_bytes()
    }
}

/// The pairs of a form, decoded.
pub(crate) fn pairs(form: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(form);
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name, true), decode(value, true))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(split).collect()
}

/// Percent signs undone, and plus signs if they are spaces.
pub(crate) fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escaped = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if plus && bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn form(random: &mut Random) -> Body {
    let printer = random.of_these(FORMS);
    let (like, fields) = if random.once_in(2) {
        let inner = json(Size::Small, random);
        let payload = String::from_utf8_lossy(&inner.bytes).into_owned();
        (format!("payload= of {}", inner.like), vec![("payload".to_owned(), payload)])
    } else {
        let field = |name: &str, value: String| (name.to_owned(), value);
        let fields = vec![
            field("MessageSid", format!("SM{}", random.text(HEX, 32))),
            field("From", "+14155551212".into()),
            field("To", "+442071838750".into()),
            field(
                "Body",
                (*random.of_these(&["Zoë: 50% off *today*", "a b+c", "hi & bye ~ (ok)!", "日本"])).into(),
            ),
            field("NumMedia", random.below(10).to_string()),
            field("command", "/weather".into()),
        ];
        ("fields".to_owned(), fields)
    };
    Body {
        kind: Kind::Form,
        like: format!("form by {}, {like}", printer.name),
        bytes: printer.print(&fields),
    }
}

fn text(random: &mut Random) -> Body {
    let end = *random.of_these(&["\r\n", "\r\n", "\n"]);
    let lines = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>".to_owned(),
        format!("<event id=\"{}\">", random.text(HEX, 16)),
        format!("  <name>{}</name>", random.of_these(ACCENTS)),
        "  <note>one &amp; two</note>".to_owned(),
        "</event>".to_owned(),
    ];
    let ends = random.once_in(2);
    let bytes = (lines.join(end) + if ends { end } else { "" }).into_bytes();
    let like = format!("XML with {end:?}{}", if ends { " at its end, too" } else { "" });
    Body { kind: Kind::Text, like, bytes }
}
