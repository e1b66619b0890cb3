//! What tokens say, and what signatures cover that list it themselves.

use crate::tree::{integer, is_true, text, texts};
use crate::{Fact, Words};

/// What a covered component of an HTTP signature stands for.
pub fn component(word: &str) -> &'static str {
    match word {
        "@method" => "the method",
        "@target-uri" => "the whole URL, as configured",
        "@authority" => "the URL's host and port, as configured",
        "@scheme" => "the URL's scheme, as configured",
        "@request-target" => "the URL's path and query",
        "@path" => "the URL's path",
        "@query" => "the URL's query",
        "(request-target)" => "method, path and query",
        "(created)" => "when it was signed, by the signature's own word",
        "(expires)" => "until when it is good, by the signature's own word",
        "host" => "the URL's host, as configured",
        "content-digest" | "digest" => "the body's digest, which is compared with the body",
        "date" => "the header date, which is when it was signed",
        _ if word.starts_with("@query-param") => "one parameter of the query",
        _ => "the header of that name",
    }
}

impl Words<'_> {
    /// What an HTTP signature says of itself besides.
    pub fn parameters(&self) -> Vec<&str> {
        match self.table.get("required_parameters") {
            Some(_) => texts(self.table, "required_parameters"),
            None => vec!["created"],
        }
    }

    /// Where the signature is, where no place says so. `None`: nothing here says.
    pub fn carried(&self) -> Option<String> {
        self.table.get("required")?;
        if text(self.table, "form") == Some("cavage") {
            let header = text(self.table, "signature_header").unwrap_or("signature");
            return Some(format!("header {}", self.name(header)));
        }
        let which = match (text(self.table, "label"), text(self.table, "tag")) {
            (Some(label), _) => format!("the one labelled {}", self.text(label)),
            (None, Some(tag)) => format!("the one tagged {}", self.text(tag)),
            (None, None) => "the only one there is".into(),
        };
        Some(format!("headers signature-input and signature: {which}"))
    }

    /// What a token must say. Empty: the table is of no token with claims.
    pub fn claims(&self) -> Vec<Fact> {
        let table = self.table;
        if table.get("token_source").is_none() || table.get("algorithms").is_none() {
            return Vec::new();
        }
        let mut facts = Vec::new();
        for (key, label) in
            [("issuer", "issuer (iss)"), ("audience", "audience (aud)"), ("subject", "subject (sub)")]
        {
            let any: Vec<String> = texts(table, key).into_iter().map(|text| self.text(text)).collect();
            let alone = key == "audience" && is_true(table, "single_audience");
            let alone = if alone { ", and nobody else" } else { "" };
            if !any.is_empty() {
                facts.push((label, format!("{}{alone}", any.join(" or "))));
            }
        }
        facts.extend(table.get("type").map(|node| ("type (typ)", self.operand(node))));
        let is_detached = table.get("payload").is_some();
        let required = match table.get("required_claims") {
            Some(_) => texts(table, "required_claims"),
            None if is_detached => Vec::new(),
            None => vec!["exp", "iat"],
        };
        if !required.is_empty() {
            let within = if is_detached { "in its header" } else { "in its claims" };
            facts.push(("required", format!("{} {within}", self.names(&required))));
        }
        for (key, usual, label) in [("time", "iat", "signed at"), ("id", "jti", "message id")] {
            let Some(claim) = text(table, key).or(required.contains(&usual).then_some(usual)) else {
                continue;
            };
            let format = text(table, "time_format").filter(|_| key == "time");
            let format = format.map_or_else(String::new, |format| format!(", {}", self.name(format)));
            facts.push((label, format!("claim {}{format}", self.name(claim))));
        }
        let leeway = integer(table, "leeway_seconds").unwrap_or(0);
        facts.push(("clocks", format!("exp and nbf are judged with {leeway} s of leeway")));
        facts
    }
}
