//! A preset's table `[jwt]`, read: how a token is to be verified, before there is any key.

use crate::chain::Shape;
use crate::claims::{Claim, Expected, SignedTime};
use countersign::config::{ConfigCode, ConfigError, Reader, Span, one_of};
use countersign::template::{Grammar, KeyForms, Places, Rules, Value};
use countersign::{Binds, KeyError, KeyKind, ModeConfig, TimeFormat, Vars};
use countersign_keys::Algorithm;
use countersign_keys::chain::{Demands, MAX_CHAIN};
use countersign_keys::remote::Remote;
use std::sync::Arc;

/// The names of RFC 7518, RFC 8037 and RFC 9864 that sign, each with the length of its signatures in bytes; an RSA key says
/// the length itself.
pub(crate) const ALGORITHMS: [(&str, Option<usize>); 14] = [
    ("HS256", Some(32)),
    ("HS384", Some(48)),
    ("HS512", Some(64)),
    ("RS256", None),
    ("RS384", None),
    ("RS512", None),
    ("PS256", None),
    ("PS384", None),
    ("PS512", None),
    ("ES256", Some(64)),
    ("ES384", Some(96)),
    ("ES512", Some(132)),
    ("EdDSA", Some(64)),
    ("Ed25519", Some(64)),
];

/// How long a clock may be wrong at most, in seconds.
const MAX_LEEWAY: i64 = 300;

/// An algorithm that is allowed, by the name that a token must spell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) name: &'static str,
    pub(crate) algorithm: Algorithm,
    /// Of its signatures, in bytes.
    pub(crate) length: Option<usize>,
}

impl Allowed {
    /// By its name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let (name, length) = ALGORITHMS.into_iter().find(|(known, _)| *known == name)?;
        Some(Allowed { name, algorithm: Algorithm::jose(name)?, length })
    }

    fn is_shared(&self) -> bool {
        self.name.starts_with("HS")
    }
}

/// Where the key of a token comes from.
#[derive(Clone)]
pub(crate) enum From {
    /// The operator holds it, spelled so.
    Held(KeyForms),

    /// A key set that is fetched.
    Set(Set),

    /// The header brings certificates, and the operator holds the roots, spelled so.
    Chain(KeyForms, Shape),
}

/// A key set that is fetched.
#[derive(Clone)]
pub(crate) struct Set {
    pub(crate) remote: Remote,
    /// Where in the document the set, or a lone key, stands.
    pub(crate) pointer: Arc<str>,
    /// Where in the document it says since when its key is of no use.
    pub(crate) expired_at: Option<Arc<str>>,
    /// Whether its place is made of the body.
    reads_body: bool,
}

/// Content that is signed and not in the token.
#[derive(Clone)]
pub(crate) struct Detached {
    pub(crate) value: Value,
    /// Signed as it is, and not as base64url: RFC 7797.
    pub(crate) unencoded: bool,
}

/// How to verify a token.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) places: Places,
    pub(crate) algorithms: Arc<[Allowed]>,
    pub(crate) from: From,
    /// Whether a secret may be shorter than its hash.
    pub(crate) short_secrets: bool,
    pub(crate) expected: Expected,
    pub(crate) detached: Option<Detached>,
    pub(crate) rules: Rules,
}

impl Plan {
    /// The same with a source's variables put in.
    pub(crate) fn with_vars(&self, vars: &Vars) -> Result<Self, KeyError> {
        self.places.prepare();
        let mut plan = self.clone();
        plan.rules = self.rules.with_vars(vars)?;
        plan.expected = self.expected.with_vars(vars)?;
        if let Some(detached) = &mut plan.detached {
            detached.value = detached.value.with_vars(vars)?;
        }
        if let From::Set(set) = &mut plan.from {
            set.remote = set.remote.with_vars(vars)?;
        }
        Ok(plan)
    }

    /// The allowed algorithm of this name.
    pub(crate) fn allowed(&self, name: &str) -> Option<&Allowed> {
        self.algorithms.iter().find(|allowed| allowed.name == name)
    }

    /// Whether secrets are shared.
    pub(crate) fn is_shared(&self) -> bool {
        self.algorithms.iter().all(Allowed::is_shared)
    }

    /// Which keys the operator gives.
    pub(crate) fn kinds(&self) -> &'static [KeyKind] {
        match &self.from {
            From::Held(_) => kinds(self.is_shared()),
            From::Set(_) => &[],
            From::Chain(..) => &[KeyKind::TrustAnchor],
        }
    }

    /// What every token that verifies is bound to.
    pub(crate) fn binds(&self) -> Binds {
        let detached = self.detached.as_ref().is_some_and(|detached| detached.value.covers_the_body());
        // Anybody can write an ECDSA signature another way, which leaves the claims as they are and not every byte.
        let rigid = !self.algorithms.iter().any(|allowed| allowed.name.starts_with("ES"));
        let parts = [
            (detached || (self.places.are_the_body() && rigid), Binds::BODY),
            (
                self.expected.time.as_ref().is_some_and(|time| self.expected.requires(&time.claim)),
                Binds::TIME,
            ),
            (self.expected.id.as_ref().is_some_and(|id| self.expected.requires(id)), Binds::ID),
        ];
        let own =
            parts.into_iter().filter(|(holds, _)| *holds).fold(Binds::default(), |all, (_, part)| all | part);
        own | self.rules.bound_by_claims()
    }

    /// Whether anything is read of the body, so that nothing can be said before it is there.
    pub(crate) fn reads_the_body(&self) -> bool {
        !self.places.are_in_head()
            || self.rules.read_the_body()
            || self.expected.values().any(Value::reads_the_body)
            || self.detached.as_ref().is_some_and(|detached| detached.value.reads_the_body())
            || matches!(&self.from, From::Set(set) if set.reads_body)
    }
}

/// Read the table. Everything that is wrong is complained of, at its place.
pub(crate) fn read(table: &Reader<'_>, config: &ModeConfig) -> Option<Plan> {
    let grammar = Grammar::of(config);
    if !table.has("token_source") {
        table.missing("token_source", "say where it is: `token_source = { header = \"authorization\", extract = \"scheme\", scheme = \"Bearer\" }`");
    }
    let places = grammar.places(table, "token_source");
    if places.is_some() {
        one_token(table);
    }
    let algorithms = algorithms(table);
    let shared = algorithms.as_ref().is_some_and(|all| all.iter().any(Allowed::is_shared));
    let detached = detached(table, &grammar);
    let from = from(table, &grammar, shared);
    let short_secrets = table.word("short_secrets", &["accepted"]).is_some();
    if short_secrets && !shared {
        let help = "leave it out: only `HS256`, `HS384` and `HS512` have secrets";
        wrong(table, table.span(), "`short_secrets` is for algorithms with a shared secret", help);
    }
    let rules = grammar.with_claims().rules(table);
    let has_payload = table.has("payload");
    let expected = expected(table, &grammar, has_payload);
    Some(Plan {
        places: places?,
        algorithms: algorithms?,
        from: from?,
        short_secrets,
        expected: expected?,
        detached: detached?,
        rules,
    })
}

/// A request has one token, of whichever key. What a place says of several would be passed over without a word.
fn one_token(table: &Reader<'_>) {
    const OF_SEVERAL: [&str; 6] = ["role", "list", "repeat", "max_candidates", "numbered", "first_present"];
    for place in table.tables("token_source") {
        for key in OF_SEVERAL.into_iter().filter(|key| place.has(key)) {
            let says =
                format!("`{key}` means nothing here: a request has one token, and every key may sign it");
            wrong(table, place.span(), &says, "leave it out");
        }
    }
}

fn algorithms(table: &Reader<'_>) -> Option<Arc<[Allowed]>> {
    let known = || one_of(ALGORITHMS.iter().map(|(name, _)| *name));
    let Some(names) = table.texts("algorithms") else {
        if !table.has("algorithms") {
            table.missing(
                "algorithms",
                "write `algorithms = [\"RS256\"]`, say: a token of any other is refused",
            );
        }
        return None;
    };
    let mut all: Vec<Allowed> = Vec::new();
    for name in &names {
        match Allowed::find(&name.value) {
            Some(allowed) if all.iter().any(|other| other.name == allowed.name) => {
                wrong(table, &name.span, &format!("`{}` stands there twice", name.value), "remove one");
            }
            Some(allowed) => all.push(allowed),
            None => {
                let says = format!("unknown algorithm `{}`: {}", name.value, known());
                let help = match name.value.eq_ignore_ascii_case("none") {
                    true => "a token without a signature proves nothing, and there is no way to allow it",
                    false => "names are spelled as in RFC 7518",
                };
                wrong(table, &name.span, &says, help);
            }
        }
    }
    if names.is_empty() {
        wrong(
            table,
            table.span(),
            "`algorithms` is empty: no token could verify",
            "write `algorithms = [\"RS256\"]`, say",
        );
    }
    let shared = all.iter().filter(|allowed| allowed.is_shared()).count();
    if shared != 0 && shared != all.len() {
        let help = "keep one sort: who may choose takes a public key, which everybody has, for the secret";
        wrong(table, table.span(), "`algorithms` mixes shared secrets with public keys", help);
        return None;
    }
    (all.len() == names.len() && !all.is_empty()).then(|| all.into())
}

/// `Some(None)`: the payload is in the token.
fn detached(table: &Reader<'_>, grammar: &Grammar<'_>) -> Option<Option<Detached>> {
    const WORDS: [(&str, bool); 2] = [("base64url", false), ("none", true)];
    let unencoded = table.choice("payload_encoding", &WORDS).map(|word| word.value);
    if !table.has("payload") {
        if unencoded.is_some() {
            let help =
                "a payload in the token is always base64url: leave it out, or write `payload = \"{body}\"`";
            wrong(table, table.span(), "`payload_encoding` is for a `payload` that stands elsewhere", help);
        }
        return Some(None);
    }
    let value = grammar.value(table, "payload")?;
    Some(Some(Detached { value, unencoded: unencoded.unwrap_or(false) }))
}

fn from(table: &Reader<'_>, grammar: &Grammar<'_>, shared: bool) -> Option<From> {
    let (set, chain) = (table.table("jwks"), table.table("x5c"));
    let kinds = if chain.is_some() { &[KeyKind::TrustAnchor][..] } else { kinds(shared) };
    let forms = table.table("key").map(|key| {
        let forms = KeyForms::read(&key, kinds);
        key.finish();
        forms
    });
    if shared && (set.is_some() || chain.is_some()) {
        let help = "name algorithms with public keys, such as `RS256`";
        wrong(table, table.span(), "nobody publishes the shared secret of `HS…`", help);
    }
    let chain = chain.map(|chain| {
        let shape = shape(&chain);
        chain.finish();
        shape
    });
    match (set, chain, forms) {
        (Some(set), None, None) => jwks(set, grammar).map(From::Set),
        (None, Some(shape), Some(forms)) => Some(From::Chain(forms?, shape?)),
        (None, None, Some(forms)) => Some(From::Held(forms?)),
        (None, Some(_), None) => {
            table.missing(
                "key",
                "say how the pinned roots are written: `key = { forms = [{ decode = \"pem\" }] }`",
            );
            None
        }
        (None, None, None) => {
            table.missing("key", "say how a key is written: `key = { forms = [{ decode = \"pem\" }] }`; or where keys are: `jwks = { url = \"https://…\" }`");
            None
        }
        (Some(_), ..) => {
            let help = "keep `jwks`, or the keys that the operator gives";
            wrong(table, table.span(), "a key comes out of `jwks`, or else by `key` or `x5c`", help);
            None
        }
    }
}

fn jwks(table: Reader<'_>, grammar: &Grammar<'_>) -> Option<Set> {
    // Nothing is proven yet: `{claim:…}` is a member of the header, and `{claim:kid}` the key's name.
    let grammar = grammar.with_claims();
    let remote = Remote::read(&table, &grammar);
    let pointer = |key: &str| {
        let text = table.text(key)?;
        if !text.value.starts_with('/') {
            wrong(&table, &text.span, &format!("`{key}` is no JSON pointer"), "write it as `/key`");
        }
        Some(text.value)
    };
    let (pointer, expired_at) = (pointer("pointer"), pointer("expired_at"));
    let place = if table.has("url") { "url" } else { "name" };
    let reads_body =
        remote.is_some() && grammar.value(&table, place).is_some_and(|value| value.reads_the_body());
    table.finish();
    Some(Set { remote: remote?, pointer: pointer.unwrap_or_default(), expired_at, reads_body })
}

fn shape(table: &Reader<'_>) -> Option<Shape> {
    let length = table.integer("chain_length", 1..=MAX_CHAIN as i64).map(|length| length.value as usize);
    let mut demands = match length {
        Some(length) => Demands::default().length(length),
        None => Demands::default(),
    };
    let mut good = true;
    type Demand = fn(Demands, &str) -> Result<Demands, KeyError>;
    let oids: [(&str, Demand); 2] =
        [("leaf_oids", Demands::leaf_oid), ("intermediate_oids", Demands::issuer_oid)];
    for (key, demand) in oids {
        for oid in table.texts(key).unwrap_or_default() {
            match demand(demands.clone(), &oid.value) {
                Ok(more) => demands = more,
                Err(error) => {
                    let help = "write it as numbers with dots: `1.2.840.113635.100.6.11.1`";
                    wrong(table, &oid.span, &error.to_string(), help);
                    good = false;
                }
            }
        }
    }
    good.then_some(Shape { length, demands })
}

fn expected(table: &Reader<'_>, grammar: &Grammar<'_>, detached: bool) -> Option<Expected> {
    let values = |key: &str| match table.has(key) {
        false => Some(Box::default()),
        true => grammar.values(table, key).map(Vec::into_boxed_slice),
    };
    let (issuer, audience, subject) = (values("issuer"), values("audience"), values("subject"));
    let single_audience = table.boolean("single_audience").unwrap_or(false);
    if single_audience && !table.has("audience") {
        wrong(
            table,
            table.span(),
            "`single_audience` needs `audience`",
            "say whose tokens these are: `audience = \"…\"`",
        );
    }
    let kinds: Box<[Arc<str>]> =
        table.texts("type").unwrap_or_default().into_iter().map(|text| text.value).collect();
    for key in ["issuer", "audience", "subject", "type"] {
        if table.texts(key).is_some_and(|texts| texts.is_empty()) {
            wrong(
                table,
                table.span(),
                &format!("`{key}` is empty: nothing could hold"),
                "leave it out, or say what is meant",
            );
        }
    }
    let required = required(table, detached);
    let (time, id) = time_and_id(table, &required);
    let leeway = table.integer("leeway_seconds", 0..=MAX_LEEWAY).map_or(0, |leeway| leeway.value);
    Some(Expected {
        issuer: issuer?,
        audience: audience?,
        subject: subject?,
        single_audience,
        kinds,
        required: required.into(),
        time,
        id,
        leeway,
    })
}

fn required(table: &Reader<'_>, detached: bool) -> Vec<Claim> {
    let mut required: Vec<Claim> = match table.texts("required_claims") {
        Some(names) => names.iter().map(|name| Claim::named(&name.value)).collect(),
        // A header that stands for the claims has none of its own accord.
        None if detached => Vec::new(),
        None => ["exp", "iat"].map(Claim::named).into(),
    };
    for (key, claim) in [("issuer", "iss"), ("audience", "aud"), ("subject", "sub")] {
        let claim = Claim::named(claim);
        if table.has(key) && !required.contains(&claim) {
            required.push(claim);
        }
    }
    required
}

/// The claims that are the signed time and the id: unsaid, the usual ones where they are required.
fn time_and_id(table: &Reader<'_>, required: &[Claim]) -> (Option<SignedTime>, Option<Claim>) {
    let usual = |key: &str, claim: &str| match table.text(key) {
        Some(name) => Some(Claim::named(&name.value)),
        None => Some(Claim::named(claim)).filter(|claim| !table.has(key) && required.contains(claim)),
    };
    let (time, id) = (usual("time", "iat"), usual("id", "jti"));
    let known: Vec<(&str, TimeFormat)> = TimeFormat::ALL
        .into_iter()
        .filter(|format| *format != TimeFormat::Opaque)
        .map(|format| (format.word(), format))
        .collect();
    let format = table.choice("time_format", &known).map(|format| format.value);
    if format.is_some() && time.is_none() {
        let help = "say which claim is the signed time: `time = \"iat\"`";
        wrong(table, table.span(), "`time_format` needs `time`", help);
    }
    let time = time.map(|claim| SignedTime { claim, format: format.unwrap_or(TimeFormat::Unix) });
    (time, id)
}

fn kinds(shared: bool) -> &'static [KeyKind] {
    if shared { &[KeyKind::Shared] } else { &[KeyKind::Public, KeyKind::Private] }
}

fn wrong(table: &Reader<'_>, span: &Span, says: &str, help: &str) {
    table.complaints().push(ConfigError::at(ConfigCode::MalformedConfig, span.clone(), says).help(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_an_algorithm_of_its_sort() {
        use countersign_keys::Family;
        for (name, _) in ALGORITHMS {
            let allowed = Allowed::find(name).expect("it is known");
            assert_eq!(allowed.is_shared(), allowed.algorithm.family() == Family::Hmac, "{name}");
        }
        for name in ["none", "None", "rs256", "ES256K", "RSA1_5", "dir", ""] {
            assert!(Allowed::find(name).is_none(), "{name}");
        }
    }
}
