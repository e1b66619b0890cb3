//! What a receiver sees: the signature as it stands in a request, and the names of what made it.

use super::Provider;
use super::drawing::{WIDTH, width};
use countersign::config::{Node, Table};
use countersign_words::glance::spot;
use countersign_words::tree::{each, integer, is_true, tables, text, texts};

/// How things look on the wire.
pub(crate) struct Seen<'p> {
    pub(crate) provider: &'p Provider,
    pub(crate) table: &'p Table,
}

impl Seen<'_> {
    /// Each place of a signature, as a line.
    pub(crate) fn places(&self, node: Option<&Node>) -> Vec<String> {
        let places = node.map(each).unwrap_or_default().into_iter().filter_map(Node::table);
        places.map(|place| self.place(place, &format!("‹{}›", encoding(place)))).collect()
    }

    /// Each place of a token.
    pub(crate) fn tokens(&self, node: Option<&Node>, token: &str) -> Vec<String> {
        let places = node.map(each).unwrap_or_default().into_iter().filter_map(Node::table);
        let one = |place| match place {
            place if texts(place, "encoding").is_empty() => self.place(place, token),
            place => {
                self.place(place, &format!("‹{} of {}›", encoding(place), token.trim_matches(['‹', '›'])))
            }
        };
        places.map(one).collect()
    }

    /// The headers of RFC 9421, or of the draft before it.
    pub(crate) fn http_signature(&self) -> Vec<String> {
        if text(self.table, "form") == Some("cavage") {
            let header = self.spelling(text(self.table, "signature_header").unwrap_or("signature"));
            return vec![format!(
                "{header}: keyId=\"…\",algorithm=\"…\",headers=\"…\",signature=\"‹base64›\""
            )];
        }
        let label = text(self.table, "label").unwrap_or("‹label›");
        vec![format!("Signature-Input: {label}=(…);…   and   Signature: {label}=:‹base64›:")]
    }

    fn place(&self, place: &Table, what: &str) -> String {
        let cut = self.beside(place) + &cut(place, what);
        let mut line = match spot(place) {
            Some(("header", name)) => format!("{}: {cut}", self.spelling(name)),
            Some(("query", name)) => format!("in the URL: ?{name}={cut}"),
            Some(("form", name)) => format!("in the form: {name}={cut}"),
            Some(("json", pointer)) => format!("in the JSON body, at {pointer}: \"{cut}\""),
            Some((_, pointer)) => format!("in the element, at {pointer}: \"{cut}\""),
            None => format!("the body: {cut}"),
        };
        if let Some(filters) = text(place, "clean") {
            line.push_str(&format!("   once read through {filters}"));
        }
        if let Some(pattern) = text(place, "pattern") {
            line.push_str(&format!("   cut out by /{pattern}/"));
        }
        if let Some(most) = integer(place, "numbered") {
            line.push_str(&format!("   n from 1 up to {most}"));
        }
        if let Some(role) = text(place, "role") {
            line.push_str(&format!("   by the key of the role {role}"));
        }
        line
    }

    /// The time and the id, where they stand among the same pairs.
    fn beside(&self, place: &Table) -> String {
        let pairs = |place: &Table| text(place, "extract") == Some("kv_pairs");
        let beside =
            [("timestamp_source", "time"), ("id_source", "id")].into_iter().filter_map(|(key, what)| {
                let other = self.table.get(key).and_then(Node::table)?;
                let same = pairs(place) && pairs(other) && spot(other) == spot(place);
                same.then(|| cut(other, &format!("‹{what}›")) + text(place, "pair_separator").unwrap_or(","))
            });
        beside.collect()
    }

    /// A header as its sender spells it, if a case shows that.
    pub(crate) fn spelling(&self, header: &str) -> String {
        let mut headers = self.provider.cases.iter().flat_map(|case| &case.request.headers);
        let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(header));
        found.map_or_else(|| header.into(), |(name, _)| name.clone())
    }

    /// What makes the signature, and with which key: each alternative on a line of its own.
    pub(crate) fn step(&self, node: Option<&Node>) -> String {
        let mut step = algorithm(node, self.table, self.provider.mode()).join("\nor ");
        let keys = self.keys();
        let Some((first, rest)) = keys.split_first() else { return step };
        // Beside the algorithm if there is room for it, and else below.
        let is_beside = !step.contains('\n') && width(&step) + width(first) + 5 <= WIDTH;
        step.push_str(if is_beside { " " } else { "\n    " });
        let column = " ".repeat(if is_beside { width(&step) } else { 4 });
        step.push_str(&format!("◀── {first}"));
        step.extend(rest.iter().map(|key| format!("\n{column} or {key}")));
        step
    }

    /// The key, in each of its forms. None where the secret stands in the content.
    fn keys(&self) -> Vec<String> {
        let table = self.table;
        let found = ["jwks", "remote", "certificate"];
        let found = found.iter().find_map(|key| Some((*key, table.get(key).and_then(Node::table)?)));
        let key = table.get("key").and_then(Node::table);
        match (found, key) {
            _ if self.provider.mode() == "digest" => Vec::new(),
            (Some((kind, document)), _) => {
                let what = if kind == "certificate" { "the certificate" } else { "a key" };
                let at = ["url", "name", "value"].iter().find_map(|key| text(document, key));
                vec![format!("{what} at {}", at.unwrap_or("?"))]
            }
            _ if table.get("x5c").is_some() => {
                vec!["the certificates in its header, under a root that you give".into()]
            }
            (None, Some(key)) => {
                let derived =
                    text(key, "derive").map_or_else(String::new, |derive| format!("{derive}, with "));
                let forms = tables(key, "forms").into_iter();
                forms.map(|form| format!("{derived}{}", self.form(form))).collect()
            }
            (None, None) => Vec::new(),
        }
    }

    fn form(&self, form: &Table) -> String {
        let what = match self.provider.takes_secrets() {
            true => "the secret",
            false => "the public key",
        };
        let read = match text(form, "decode").unwrap_or("text") {
            "text" => String::new(),
            decode => format!(", read as {}", if decode == "pem" { "PEM" } else { decode }),
        };
        match text(form, "prefix") {
            Some(prefix) => format!("what follows \"{prefix}\" in {what}{read}"),
            None if read.is_empty() => format!("{what} as it is"),
            None => format!("{what}{read}"),
        }
    }
}

/// How a signature is written, outermost first.
fn encoding(place: &Table) -> String {
    match texts(place, "encoding")[..] {
        [] => "signature".into(),
        ref encodings => encodings.join(" of "),
    }
}

/// What stands around it.
fn cut(place: &Table, what: &str) -> String {
    let one = match text(place, "extract") {
        Some("prefix") => {
            let prefix = text(place, "prefix").unwrap_or("");
            if is_true(place, "optional") { format!("[{prefix}]{what}") } else { format!("{prefix}{what}") }
        }
        Some("kv_pairs") => {
            let separator = text(place, "separator").unwrap_or("=");
            format!("{}{separator}{what}", text(place, "key").unwrap_or("?"))
        }
        Some("scheme") => format!("{} {what}", text(place, "scheme").unwrap_or("?")),
        _ => what.into(),
    };
    match text(place, "list") {
        Some(separator) => format!("{one}{separator}…"),
        None => one,
    }
}

/// What makes the signature: one, or several of which the request or the key chooses.
pub(crate) fn algorithm(node: Option<&Node>, table: &Table, mode: &str) -> Vec<String> {
    let Some(closed) = node.and_then(Node::table) else {
        return match node.and_then(Node::text) {
            Some(word) => vec![named(word, mode)],
            None => vec![texts(table, "algorithms").join(" or ")],
        };
    };
    let from = text(closed, "from").unwrap_or("?");
    let map = closed.get("map").and_then(Node::table).into_iter().flat_map(Table::iter);
    let chosen = map.filter_map(|(name, node)| Some((named(node.text()?, mode), quoted(&name.name))));
    chosen.map(|(algorithm, name)| format!("{algorithm} if {from} is {name}")).collect()
}

/// As people write it.
pub(crate) fn named(word: &str, mode: &str) -> String {
    let hash = word.trim_end_matches("-legacy");
    let hash = match hash.strip_prefix("sha") {
        Some(bits) if mode != "hmac" => format!("SHA-{bits}"),
        _ => hash.to_uppercase(),
    };
    match mode {
        "hmac" => format!("HMAC-{hash}"),
        "digest" => hash,
        "ed25519" => "Ed25519".into(),
        _ => word.into(),
    }
}

/// Text as a person can tell it from what is around it.
pub(crate) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n").replace('\r', "\\r"))
}
