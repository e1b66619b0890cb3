//! How secrets become keys, and where keys are found that nobody gives.

use crate::tree::{integer, tables, text};
use crate::{Fact, Words};
use countersign::config::Table;
use countersign::{KeyKind, Needs};

/// What sort of key is to be given.
pub fn kinds(needs: &Needs) -> String {
    let kinds = needs.keys.iter().map(|kind| match kind {
        KeyKind::Shared => "a secret that both sides hold",
        KeyKind::Public => "a public key",
        KeyKind::Private => "a private key (to sign)",
        KeyKind::TrustAnchor => "a root certificate",
        other => other.word(),
    });
    let kinds: Vec<&str> = kinds.collect();
    if kinds.is_empty() { "none that you give".into() } else { kinds.join(", or ") }
}

impl Words<'_> {
    /// How a key is written, which one counts, and where others are found.
    pub fn keys(&self, needs: &Needs) -> Vec<Fact> {
        let what = if needs.keys.contains(&KeyKind::TrustAnchor) { "certificate" } else { "key" };
        let key = self.table.get("key").and_then(|node| node.table());
        let mut facts = key.map(|key| self.given(key, what)).unwrap_or_default();
        facts.extend(self.chosen().map(|by| ("chosen by", by)));
        facts.extend(self.found());
        if !needs.remote {
            facts.push(("remote", "nothing is fetched".into()));
        } else if !facts.iter().any(|(label, _)| *label == "fetched") {
            facts.push(("remote", "may have to be fetched".into()));
        }
        facts
    }

    fn given(&self, key: &Table, what: &str) -> Vec<Fact> {
        let forms: Vec<String> = tables(key, "forms").into_iter().map(|form| self.form(form, what)).collect();
        let mut facts = Vec::new();
        if !forms.is_empty() {
            facts.push(("forms", forms.join("\n")));
        }
        for (word, label) in [("derive", "derived by"), ("select", "chosen by")] {
            facts.extend(text(key, word).map(|template| (label, self.name(template))));
        }
        let roles = crate::tree::texts(key, "roles");
        if !roles.is_empty() {
            facts.push(("roles", format!("{} (role=ROLE@… in a SPEC)", self.names(&roles))));
        }
        facts.extend(integer(key, "min_bytes").map(|bytes| ("at least", format!("{bytes} bytes"))));
        let mistaken = tables(key, "mistaken").into_iter();
        let not =
            mistaken.filter_map(|table| Some(format!("{}…, {}", text(table, "prefix")?, text(table, "is")?)));
        let not: Vec<String> = not.map(|not| self.name(&not)).collect();
        if !not.is_empty() {
            facts.push(("not", not.join("\n")));
        }
        facts
    }

    fn form(&self, form: &Table, what: &str) -> String {
        let decoded = match text(form, "decode") {
            Some("text") | None => format!("its text is the {what}"),
            Some("pem") => "PEM: -----BEGIN …".to_owned(),
            Some(decode @ ("hex" | "base64" | "base64url")) => format!("{decode} of the {what}"),
            Some(decode) => format!("{} of the {what}", self.name(decode)),
        };
        match text(form, "prefix") {
            Some(prefix) => format!("after {}: {decoded}", self.text(prefix)),
            None => decoded,
        }
    }

    /// What the id of a key does, where a mode reads one: `keyid`.
    fn chosen(&self) -> Option<String> {
        self.table.get("required")?;
        Some(match text(self.table, "keyid") {
            Some("ignored") => "nothing: every key is tried, whatever keyid says".into(),
            _ => "the signature's keyid: --secret id=KEYID@…".into(),
        })
    }

    /// Where keys or certificates are found, and what is asked of them.
    fn found(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (key, what) in [("jwks", "a key set"), ("remote", "a key"), ("certificate", "a certificate")] {
            let Some(table) = self.table.get(key).and_then(|node| node.table()) else { continue };
            if let Some(value) = text(table, "value") {
                facts.push(("found in", format!("the message: {what}, {}", self.name(value))));
            }
            self.fetched(&mut facts, table, what);
            self.chain(&mut facts, table);
        }
        if let Some(table) = self.table.get("x5c").and_then(|node| node.table()) {
            facts.push(("found in", "the token's header: a chain of certificates (x5c)".into()));
            facts.push(("leads to", "a root that you give (--secret)".into()));
            self.chain(&mut facts, table);
        }
        facts
    }

    fn fetched(&self, facts: &mut Vec<Fact>, table: &Table, what: &str) {
        if let Some(url) = text(table, "url") {
            facts.push(("fetched", format!("{what}, from the URL {}", self.name(url))));
            facts.push(("given", self.by_hand(url)));
            match (table.get("hosts"), url.contains('{')) {
                (Some(hosts), _) => facts.push(("of hosts", self.operand(hosts))),
                (None, true) => facts.push(("of hosts", "the one in the URL, as configured".into())),
                (None, false) => {}
            }
            let path = text(table, "path");
            facts.extend(path.map(|path| {
                ("of paths", format!("{} (a regular expression, for the whole path)", self.name(path)))
            }));
        }
        if let Some(name) = text(table, "name") {
            facts.push((
                "fetched",
                format!("{what}, by the name {}, from a source that your host has", self.name(name)),
            ));
            facts.push(("given", self.by_hand(name)));
        }
        let pointer = text(table, "pointer").map(|at| self.name(at));
        match (text(table, "format"), pointer) {
            (Some(format), Some(at)) => facts.push(("written as", format!("{}, at {at}", self.name(format)))),
            (Some(format), None) => facts.push(("written as", self.name(format))),
            (None, Some(at)) => facts.push(("stands at", format!("{at} of the document"))),
            (None, None) => {}
        }
        facts.extend(text(table, "key_id").map(|id| ("chosen by", self.name(id))));
        let withdrawn = text(table, "expired_at").map(|at| self.name(at));
        facts.extend(withdrawn.map(|at| ("withdrawn", format!("from the moment at {at} of the document"))));
    }

    /// How a person at a terminal gives what nobody fetches there.
    fn by_hand(&self, place: &str) -> String {
        match place.contains('{') {
            true => "at a terminal by --document; `countersign verify` says which is wanted".into(),
            false => format!("at a terminal by {}", self.name(&format!("--document '{place}=FILE'"))),
        }
    }

    fn chain(&self, facts: &mut Vec<Fact>, table: &Table) {
        match text(table, "roots") {
            Some("web") => facts.push(("leads to", "a root of the web, as browsers know them".into())),
            Some("pinned") => facts.push(("leads to", "a root that you give (--secret)".into())),
            _ => {}
        }
        facts.extend(table.get("names").map(|names| ("made out to", self.operand(names))));
        let length = integer(table, "chain_length");
        facts.extend(length.map(|length| ("chain", format!("of {length} certificates"))));
        for (key, label) in
            [("purposes", "for"), ("leaf_oids", "leaf has"), ("intermediate_oids", "issuer has")]
        {
            facts.extend(table.get(key).map(|node| (label, self.operand(node))));
        }
    }
}
