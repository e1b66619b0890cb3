//! A mode and a host as a third party writes them: against the public items alone, by hand.
#![allow(clippy::unwrap_used)]

use countersign::{
    Alphabet, Binds, BodyNeed, Check, Claim, Class, Compiled, ConfigErrors, Context, Document, Draft,
    Evidence, Fingerprints, Finish, HandshakeKind, Head, Headers, Key, KeyCache, KeyError, KeyId, KeyIndex,
    KeyKind, KeyRequest, KeySet, Keyring, Layer, MAX_CHALLENGE, MAX_FETCHES, Mark, MarkPlace, MemoryGuard,
    Mode, ModeConfig, ModeInfo, Needs, Outcome, Progress, Reason, Refusal, Registry, Rejection, ReplayBy,
    ReplayGuard, Request, RequestKind, Scheme, Sign, SignedBy, Status, Timestamp, Unaccepted, Vars, Verifier,
    Window, danger, drive,
};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Waker};

const NOW: Timestamp = Timestamp::from_unix(1_700_000_000);
const URL: &str = "https://example.com/in";

// ───────────── a mode ─────────────

/// The shared secret, or one fetched by name, stands in a header as it is. A bad scheme and a whole mode.
struct Token {
    info: ModeInfo,
    /// What the checks say they bound, and which keys they report: where a contract is broken.
    bound: Binds,
    silent: bool,
}

impl Token {
    fn honest() -> Arc<dyn Mode> {
        Arc::new(Token { info: INFO, bound: Binds::BODY, silent: false })
    }
}

const INFO: ModeInfo = ModeInfo::new(
    "token",
    "a token in a header",
    "header = \"x-token\"",
    &[(
        std::borrow::Cow::Borrowed("token/odd"),
        Reason::MalformedSignature,
        std::borrow::Cow::Borrowed("odd length"),
    )],
    Status::Preview,
);

impl Mode for Token {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let (bound, silent) = (self.bound, self.silent);
        config.read(|table| {
            let header = table.required_text("header");
            let from = table.text("from").map(|from| from.value);
            let header = countersign::HeaderName::new(&header?.value);
            if header.is_none() {
                table.complain(countersign::ConfigCode::MalformedConfig, table.span(), "no header's name");
            }
            let scheme = TokenScheme { header: header?, from, bound, silent };
            Some(Box::new(scheme) as Box<dyn Scheme>)
        })
    }
}

#[derive(Clone)]
struct TokenScheme {
    header: countersign::HeaderName,
    from: Option<Arc<str>>,
    bound: Binds,
    silent: bool,
}

impl Scheme for TokenScheme {
    fn needs(&self) -> Needs {
        let kinds: &'static [KeyKind] = if self.from.is_some() { &[] } else { &[KeyKind::Shared] };
        Needs::new(BodyNeed::Stream, kinds).binds(Binds::BODY).remote(self.from.is_some()).signs(true)
    }

    fn bind(&self, keys: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let held = keys.iter().map(|(index, key)| (index, key.material.expose().to_vec()));
        Ok(Arc::new(TokenCheck { scheme: self.clone(), held: held.collect() }))
    }

    fn signer(&self, keys: &Keyring, _: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        let (_, key) = keys.iter().next().ok_or_else(KeyError::cannot_sign)?;
        Ok(Box::new(TokenSign(self.header.as_str().into(), key.material.expose().to_vec())))
    }

    fn could_sign(&self, _: &Alphabet) -> bool {
        false
    }
}

struct TokenCheck {
    scheme: TokenScheme,
    held: Vec<(KeyIndex, Vec<u8>)>,
}

impl TokenCheck {
    fn evidence(&self, head: &Head<'_>, cx: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        let token = match head.headers.find(&self.scheme.header) {
            countersign::Found::One(token) => token,
            countersign::Found::Absent => return Err(Reason::MissingSignature.into()),
            countersign::Found::Several => return Err(Reason::MalformedSignature.into()),
        };
        if token.len() % 2 == 1 {
            return Err(Rejection::new(Reason::MalformedSignature).detail("token/odd", "odd length").into());
        }
        let print = Fingerprints::content([7; 32]);
        if let Some(name) = &self.scheme.from {
            let wanted = KeyRequest::new(RequestKind::Named, name.clone());
            let Some(document) = cx.remote.get(RequestKind::Named, name) else {
                return Err(Refusal::Unresolved(wanted));
            };
            if countersign::ct::equal(&document.bytes, token) {
                let by = SignedBy::Fetched(KeyId::new("fetched"), KeySet::default());
                return Ok(Evidence::new(by, print, self.scheme.bound));
            }
            return Err(match document.fetched_at < cx.now {
                true => Refusal::Unresolved(wanted.newer_than(document.fetched_at)),
                false => Reason::UnknownKey.into(),
            });
        }
        let mut keys = KeySet::default();
        for (index, bytes) in &self.held {
            if countersign::ct::equal(bytes, token) && !self.scheme.silent {
                keys.insert(*index);
            }
        }
        match keys.is_empty() && !self.scheme.silent {
            true => Err(Reason::BadSignature.into()),
            false => Ok(Evidence::new(SignedBy::Held(keys), print, self.scheme.bound)),
        }
    }
}

impl Check for TokenCheck {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        self.evidence(&request.head, cx)
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        cx: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        match self.evidence(head, cx) {
            Ok(evidence) => Ok(Some(Box::new(TokenProgress(Ok(evidence))))),
            Err(Refusal::Rejected(rejection)) => Err(rejection.into()),
            Err(unresolved) => Ok(Some(Box::new(TokenProgress(Err(unresolved))))),
        }
    }
}

struct TokenProgress(Result<Evidence<'static>, Refusal>);

impl Progress for TokenProgress {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>, _: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        self.0
    }
}

struct TokenSign(Arc<str>, Vec<u8>);

impl Sign for TokenSign {
    fn sign(&self, _: &Draft<'_>, _: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let TokenSign(header, token) = self;
        out(Mark { place: MarkPlace::Header(header.clone()), text: token.clone(), joined_by: None });
        Ok(())
    }
}

fn with_mode(mode: Arc<dyn Mode>, table: &str) -> Result<Arc<Compiled>, ConfigErrors> {
    let mut registry = Registry::new();
    registry.register(mode)?;
    let text = format!("schema = 1\nname = \"plain\"\nmode = \"token\"\n[token]\n{table}\n");
    registry.add_preset("plain.toml", text)?;
    registry.named("plain")
}

fn request<'r>(headers: &'r dyn countersign::Headers, body: &'r [u8]) -> Request<'r> {
    Request::new(Head::new("POST", URL, headers), body)
}

#[test]
fn a_mode_written_by_hand_verifies_signs_and_streams() {
    let compiled = with_mode(Token::honest(), "header = \"x-token\"").unwrap();
    assert_eq!(compiled.needs().binds, Binds::BODY);
    let ring = Keyring::of("secret").unwrap();
    let verifier = compiled.verifier("mine", &ring, &Vars::new()).unwrap();
    let signed =
        compiled.signer(&ring, &Vars::new()).unwrap().sign(&Draft::new("id", NOW, URL, b"{}")).unwrap();
    assert_eq!(signed.headers, [("x-token".into(), b"secret".to_vec())]);
    let cx = Context::at(NOW);
    let pairs = signed.headers_as_pairs();
    let verified = verifier.verify(&request(&pairs, b"{}"), &cx).into_verified().unwrap();
    assert_eq!(
        (verified.mode(), verified.preset(), verified.source(), verified.key().as_str()),
        ("token", "plain", "mine", "main")
    );
    assert_eq!(verified.body(), b"{}");
    for (token, code) in
        [("secret2x", "bad_signature"), ("odd", "malformed_signature"), ("", "bad_signature")]
    {
        let headers = [("x-token", token)];
        assert_eq!(verifier.verify(&request(&headers, b"{}"), &cx).code(), code, "{token:?}");
    }
    let mut stream = verifier.begin(&Head::new("POST", URL, &pairs), &cx, 2).unwrap();
    stream.update(b"{}").unwrap();
    assert!(matches!(stream.finish(&cx), Finish::Verified(verified) if verified.body() == b"{}"));
    let mistakes = with_mode(Token::honest(), "heder = \"x\"").err().unwrap();
    assert_eq!(mistakes.0.len(), 2, "one key is missing and one unknown: {mistakes}");
}

trait HeadersAsPairs {
    fn headers_as_pairs(&self) -> Vec<(String, Vec<u8>)>;
}

impl HeadersAsPairs for countersign::Signed {
    fn headers_as_pairs(&self) -> Vec<(String, Vec<u8>)> {
        self.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
    }
}

#[test]
fn a_mode_that_breaks_its_contract_is_not_believed() {
    let judge = |bound, silent| {
        let mode = Arc::new(Token { info: INFO, bound, silent });
        let compiled = with_mode(mode, "header = \"x-token\"").unwrap();
        let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
        verifier.verify(&request(&[("x-token", "secret")], b"{}"), &Context::at(NOW)).code()
    };
    assert_eq!(judge(Binds::BODY, false), "ok");
    assert_eq!(judge(Binds::BODY | Binds::TIME, false), "ok", "more than declared is no fault");
    assert_eq!(judge(Binds::TIME, false), "mode_fault", "binds less than it declared");
    assert_eq!(judge(Binds::default(), false), "mode_fault");
    assert_eq!(judge(Binds::BODY, true), "bad_signature", "no key signed");
}

/// What this mode proves is what it is told to say: the least a mode can be.
struct Says {
    info: ModeInfo,
    binds: Binds,
    says: Saying,
}

type Saying = fn(&[KeyIndex], &Context<'_>) -> Result<Evidence<'static>, Refusal>;

struct SaysScheme(Binds, Saying);

struct SaysCheck(Vec<KeyIndex>, Saying);

impl Mode for Says {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        config.read(|_| Some(Box::new(SaysScheme(self.binds, self.says)) as Box<dyn Scheme>))
    }
}

impl Scheme for SaysScheme {
    fn needs(&self) -> Needs {
        Needs::new(BodyNeed::Whole, &[KeyKind::Shared][..]).binds(self.0).remote(true)
    }

    fn bind(&self, keys: &Keyring, _: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        Ok(Arc::new(SaysCheck(keys.iter().map(|(index, _)| index).collect(), self.1)))
    }
}

impl Check for SaysCheck {
    fn check<'r>(&self, _: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        self.1(&self.0, cx)
    }
}

/// A verifier of two keys: the first always in its window, the second's over.
fn saying(binds: Binds, says: Saying) -> Arc<Verifier> {
    let mut registry = Registry::new();
    let info = ModeInfo::new("says", "what it is told to", "", &[], Status::Preview);
    registry.register(Arc::new(Says { info, binds, says })).unwrap();
    registry.add_preset("says.toml", "schema = 1\nname = \"says\"\nmode = \"says\"\n[says]\n").unwrap();
    let mut ring = Keyring::of("secret").unwrap();
    let mut old = Key::shared("old", "another").unwrap();
    old.window.not_after = Some(NOW);
    ring.add(old).unwrap();
    registry.named("says").unwrap().verifier("mine", &ring, &Vars::new()).unwrap()
}

fn said(binds: Binds, says: Saying) -> &'static str {
    saying(binds, says).verify(&request(&(), b"{}"), &Context::at(NOW)).code()
}

/// Signed by these, and nothing else is known.
fn by(keys: &[KeyIndex], binds: Binds) -> Evidence<'static> {
    let keys = keys.iter().copied().collect();
    Evidence::new(SignedBy::Held(keys), Fingerprints::content([7; 32]), binds)
}

#[test]
fn what_a_mode_says_is_judged_and_not_believed() {
    let timed = Binds::BODY | Binds::TIME;
    assert_eq!(said(Binds::BODY, |keys, _| Ok(by(keys, Binds::BODY))), "ok");
    assert_eq!(said(Binds::BODY, |_, _| Ok(by(&[], Binds::BODY))), "bad_signature", "no key signed");
    assert_eq!(said(Binds::BODY, |keys, _| Ok(by(&keys[1..], Binds::BODY))), "expired_secret");
    let printless = |keys: &[KeyIndex], _: &Context<'_>| {
        let mut evidence = by(keys, Binds::BODY);
        evidence.fingerprints = Fingerprints::tags([]);
        Ok(evidence)
    };
    assert_eq!(said(Binds::BODY, printless), "mode_fault", "nothing to know the content by");
    // No key of this ring: whatever the mode means by it, nobody signed.
    let foreign = |_: &[KeyIndex], _: &Context<'_>| {
        let mut ring = Keyring::new();
        for id in ["a", "b", "c"] {
            ring.add(Key::shared(id, "secret").unwrap()).unwrap();
        }
        Ok(by(&[ring.iter().last().unwrap().0], Binds::BODY))
    };
    assert_eq!(said(Binds::BODY, foreign), "expired_secret");
    // A time that is declared as signed and is not there, or has a part too far ahead.
    assert_eq!(said(timed, |keys, _| Ok(by(keys, Binds::BODY | Binds::TIME))), "missing_timestamp");
    let until = |keys: &[KeyIndex], cx: &Context<'_>| {
        let mut evidence = by(keys, Binds::BODY | Binds::TIME);
        evidence.signed_at = Some(cx.now);
        evidence.signed_until = Some(Timestamp::from_unix(cx.now.unix() + 61));
        Ok(evidence)
    };
    assert_eq!(said(timed, until), "future_timestamp");
}

#[test]
fn a_time_and_an_id_that_nothing_signed_are_not_passed_on() {
    let verifier = saying(Binds::BODY, |keys, cx| {
        let mut evidence = by(keys, Binds::BODY);
        (evidence.signed_at, evidence.message_id) = (Some(cx.now), Some("id".into()));
        Ok(evidence)
    });
    let verified = verifier.verify(&request(&(), b"{}"), &Context::at(NOW)).into_verified().unwrap();
    assert_eq!((verified.signed_at(), verified.message_id()), (None, None));
    assert_eq!(verified.key().as_str(), "main", "the first whose window holds the present");
}

#[test]
fn a_fetched_key_counts_as_long_as_what_it_leads_to() {
    fn fetched(anchors: &[KeyIndex]) -> Evidence<'static> {
        let signed_by = SignedBy::Fetched(KeyId::new("leaf"), anchors.iter().copied().collect());
        Evidence::new(signed_by, Fingerprints::content([7; 32]), Binds::BODY)
    }
    assert_eq!(said(Binds::BODY, |_, _| Ok(fetched(&[]))), "ok", "the preset itself says where keys live");
    assert_eq!(said(Binds::BODY, |keys, _| Ok(fetched(keys))), "ok");
    assert_eq!(said(Binds::BODY, |keys, _| Ok(fetched(&keys[1..]))), "expired_secret");
}

// ───────────── what is fetched ─────────────

/// What a host has fetched.
#[derive(Default)]
struct Cache(Mutex<BTreeMap<String, Document>>);

impl KeyCache for Cache {
    fn get(&self, _: RequestKind, name: &str) -> Option<Document> {
        self.0.lock().unwrap().get(name).cloned()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// Drive one request with these documents, one a fetch; how it ended, and what was asked for.
fn driven(cache: &Cache, token: &str, documents: &[Result<&str, ()>]) -> (&'static str, Vec<KeyRequest>) {
    let compiled = with_mode(Token::honest(), "header = \"x-token\"\nfrom = \"vault\"").unwrap();
    let verifier = compiled.verifier("mine", &Keyring::new(), &Vars::new()).unwrap();
    let (headers, cx) = ([("x-token", token)], Context::new(NOW, cache));
    let request = request(&headers, b"{}");
    let (mut asked, mut left) = (Vec::new(), documents.iter());
    let fetch = async |wanted: &KeyRequest| {
        asked.push(wanted.clone());
        left.next().copied().unwrap_or(Err(())).map(|text| text.as_bytes().to_vec())
    };
    let keep = |wanted: &KeyRequest, document| {
        cache.0.lock().unwrap().insert(wanted.name.to_string(), document);
    };
    let code = match block_on(drive(&verifier, &request, &cx, fetch, keep)) {
        Ok(verified) => {
            assert_eq!(verified.key().as_str(), "fetched");
            "ok"
        }
        Err(rejection) => rejection.reason.code(),
    };
    (code, asked)
}

#[test]
fn what_is_missing_is_fetched_and_no_more_than_twice() {
    let (code, asked) = driven(&Cache::default(), "secret", &[Ok("secret")]);
    assert_eq!((code, asked.len()), ("ok", 1));
    assert_eq!(asked[0], KeyRequest::new(RequestKind::Named, "vault"));
    // A copy from just now that does not fit is the answer; nothing is fetched again.
    let (code, asked) = driven(&Cache::default(), "secret", &[Ok("other"), Ok("secret")]);
    assert_eq!((code, asked.len()), ("unknown_key", 1));
    assert_eq!(driven(&Cache::default(), "secret", &[Err(())]).0, "key_unavailable");
    // An old copy that does not fit is fetched anew.
    let old = Cache::default();
    old.0
        .lock()
        .unwrap()
        .insert("vault".into(), Document::new(*b"before", Timestamp::from_unix(1_600_000_000)));
    let (code, asked) = driven(&old, "secret", &[Ok("secret")]);
    assert_eq!((code, asked.len()), ("ok", 1));
    assert_eq!(asked[0].newer_than, Some(Timestamp::from_unix(1_600_000_000)));
}

/// Asks for `1`, `2` and so on until `last` is there; `None` never is enough.
fn in_turn(cx: &Context<'_>, last: Option<u32>) -> Result<(), Refusal> {
    for step in 1..=last.unwrap_or(u32::MAX) {
        if cx.remote.get(RequestKind::Url, &step.to_string()).is_none() {
            return Err(Refusal::Unresolved(KeyRequest::new(RequestKind::Url, step.to_string())));
        }
    }
    Ok(())
}

#[test]
fn a_mode_that_never_has_enough_is_given_up_on() {
    let driven = |says: Saying, kept: bool| {
        let (verifier, cache, mut asked) = (saying(Binds::BODY, says), Cache::default(), Vec::new());
        let (request, cx) = (request(&(), b"{}"), Context::new(NOW, &cache));
        let fetch = async |wanted: &KeyRequest| {
            asked.push(wanted.name.to_string());
            Ok::<_, ()>(Vec::new())
        };
        let keep = |wanted: &KeyRequest, document| {
            if kept {
                cache.0.lock().unwrap().insert(wanted.name.to_string(), document);
            }
        };
        let code = match block_on(drive(&verifier, &request, &cx, fetch, keep)) {
            Ok(_) => "ok",
            Err(rejection) => rejection.reason.code(),
        };
        (code, asked.join(" "))
    };
    assert_eq!(MAX_FETCHES, 2);
    let enough: Saying = |keys, cx| in_turn(cx, Some(2)).map(|()| by(keys, Binds::BODY));
    let one_more: Saying = |keys, cx| in_turn(cx, Some(3)).map(|()| by(keys, Binds::BODY));
    let endless: Saying = |keys, cx| in_turn(cx, None).map(|()| by(keys, Binds::BODY));
    assert_eq!(driven(enough, true), ("ok", "1 2".into()), "the last document is used, too");
    assert_eq!(driven(one_more, true), ("key_unavailable", "1 2".into()));
    assert_eq!(driven(endless, true), ("key_unavailable", "1 2".into()));
    assert_eq!(driven(endless, false), ("key_unavailable", "1".into()), "the same is not fetched twice");
}

#[test]
fn a_stream_that_lacks_a_key_waits_for_it() {
    let compiled = with_mode(Token::honest(), "header = \"x-token\"\nfrom = \"vault\"").unwrap();
    let verifier = compiled.verifier("mine", &Keyring::new(), &Vars::new()).unwrap();
    let (headers, cache) = ([("x-token", "secret")], Cache::default());
    let cx = Context::new(NOW, &cache);
    assert_eq!(verifier.verify(&request(&headers, b"{}"), &cx).code(), "unresolved");
    let mut stream = verifier.begin(&Head::new("POST", URL, &headers), &cx, 10).unwrap();
    stream.update(b"{}").unwrap();
    let Finish::Unresolved(wanted, waiting) = stream.finish(&cx) else { panic!("nothing is fetched yet") };
    cache.0.lock().unwrap().insert(wanted.name.to_string(), Document::new(*b"secret", NOW));
    let Finish::Verified(verified) = waiting.finish(&cx) else { panic!("it is there now") };
    assert_eq!(verified.body(), b"{}");
    let unresolved = verifier.verify(&request(&headers, b"{}"), &Context::at(NOW)).into_verified();
    assert_eq!(unresolved.unwrap_err().reason, Reason::KeyUnavailable);
}

// ───────────── a registry ─────────────

const ACME: &str = r#"
schema = 1
name = "acme"
mode = "hmac"
[hmac]
algorithm = "sha256"
signed_template = "{timestamp}.{body}"
timestamp_source = { header = "x-time", format = "unix" }
signature_source = { header = "x-sig", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;

fn registry(presets: &[&str]) -> Result<Registry, ConfigErrors> {
    let mut registry = Registry::new();
    for (index, text) in presets.iter().enumerate() {
        registry.add_preset(format!("{index}.toml"), *text)?;
    }
    Ok(registry)
}

fn complaint<T>(result: Result<T, ConfigErrors>) -> String {
    result.err().expect("this is no good").to_string()
}

#[test]
fn no_name_is_taken_twice_and_none_is_reserved() {
    let named = |name: &'static str| -> Arc<dyn Mode> {
        let info = ModeInfo::new(name, "", "", &[], Status::Preview);
        Arc::new(Token { info, bound: Binds::BODY, silent: false })
    };
    let mut registry = Registry::new();
    registry.register(named("token")).unwrap();
    assert_eq!(complaint(registry.register(named("token")).map(drop)), "two modes are called `token`");
    assert_eq!(complaint(registry.register(named("hmac")).map(drop)), "two modes are called `hmac`");
    for reserved in [
        "name",
        "title",
        "mode",
        "like",
        "notes",
        "reference",
        "confidence",
        "default_outbound",
        "replaces",
        "preset",
        "freshness",
        "var",
        "event",
        "replay",
        "handshake",
        "response",
        "schema",
        "Token",
        "a b",
        "",
    ] {
        let said = complaint(registry.register(named(reserved)).map(drop));
        assert_eq!(said, format!("`{reserved}` can be no mode's name"));
    }
    assert_eq!(registry.modes().map(|info| &*info.name).collect::<Vec<_>>(), ["hmac", "token"]);
}

#[test]
fn a_preset_shadows_another_only_if_it_says_so() {
    let said = complaint(registry(&[ACME, ACME]));
    assert_eq!(
        said,
        "two presets are called `acme`: this one and that in 0.toml (help: rename one, or write `replaces = \"acme\"` to mean it)"
    );
    let mut twice = registry(&[ACME]).unwrap();
    let errors = twice.add_preset("other/acme.toml", ACME).err().unwrap();
    let seen = errors.render(twice.sources());
    assert!(seen.starts_with("other/acme.toml:3:8: ") && seen.contains("that in 0.toml"), "{seen}");
    assert_eq!(twice.presets().count(), 1, "the first one stays");
    let other =
        ACME.replace("name = \"acme\"", "name = \"acme\"\nreplaces = \"acme\"").replace("sha256", "sha1");
    let both = registry(&[ACME, &other]).unwrap();
    assert_eq!(both.presets().count(), 1);
    assert!(!both.named("acme").unwrap().needs().notes.is_empty(), "the second one counts: SHA-1 has a note");
    assert!(complaint(registry(&[&other])).contains("there is no preset `acme` that this one could replace"));
    let else_ = other.replace("replaces = \"acme\"", "replaces = \"other\"");
    assert!(complaint(registry(&[ACME, &else_])).contains("a preset replaces the one of its own name"));
    let near = ACME.replace("name = \"acme\"", "name = \"acme-two\"\ntitle = \"The Company\"");
    for (name, meant) in [("acne", "`acme` or `acme-two`"), ("Acme", "`acme`"), ("company", "`acme-two`")] {
        let says = complaint(registry(&[ACME, &near]).unwrap().named(name));
        assert!(says.contains(&format!("did you mean {meant}?")), "{says}");
    }
    let like = "name = \"c\"\nlike = \"Company\"";
    assert!(complaint(registry(&[&near, like]).unwrap().named("c")).contains("did you mean `acme-two`?"));
    let else_ = other.replace("\"acme\"", "\"acmee\"");
    assert!(complaint(registry(&[ACME, &else_])).contains("or correct the name: did you mean `acme`?"));
}

#[test]
fn likeness_has_one_level_and_changes_lie_on_top() {
    let like = |name: &str, of: &str| {
        format!("schema = 1\nname = \"{name}\"\nlike = \"{of}\"\n[hmac]\nalgorithm = \"sha512\"\n")
    };
    // In any order: what it is like is looked for when it is used.
    let registry = registry(&[&like("b", "acme"), ACME, &like("c", "b"), &like("d", "none")]).unwrap();
    let compiled = registry.named("b").unwrap();
    assert_eq!((&*compiled.preset().name, compiled.needs().binds), ("b", Binds::BODY | Binds::TIME));
    assert!(complaint(registry.named("c")).contains("likeness has one level"));
    assert!(complaint(registry.named("d")).contains("there is no preset `none` to be like"));

    let mut registry = registry;
    let text = "[hmac]\nsignature_source = { query = \"sig\", encoding = \"base64\" }\n[freshness]\ntolerance_seconds = 5\n";
    let file = registry.sources_mut().add("--override", text);
    let changes = Layer::parse(registry.sources(), file).unwrap();
    let resolved = registry.resolve("acme", Some(changes.clone())).unwrap();
    assert!(resolved.get(&["hmac", "signature_source", "header"]).is_none(), "another place drops the first");
    assert_eq!(
        resolved.get(&["hmac", "algorithm"]).unwrap().text().unwrap().as_ref(),
        "sha256",
        "tables merge"
    );
    let changed = registry.named_with("acme", changes).unwrap();
    assert_eq!(changed.freshness().unwrap().tolerance.past.as_secs(), 5);
    assert_eq!(registry.named("acme").unwrap().freshness().unwrap().tolerance.past.as_secs(), 300);
}

// ───────────── a host ─────────────

fn acme(text: &str) -> Arc<Compiled> {
    let registry = registry(&[text]).unwrap();
    registry.named("acme").unwrap_or_else(|errors| panic!("{}", errors.render(registry.sources())))
}

fn signed_at(compiled: &Arc<Compiled>, ring: &Keyring, at: Timestamp) -> Vec<(String, Vec<u8>)> {
    let signer = compiled.signer(ring, &Vars::new()).unwrap();
    signer.sign(&Draft::new("msg_1", at, URL, b"{}")).unwrap().headers_as_pairs()
}

#[test]
fn a_host_can_refuse_what_binds_too_little() {
    let compiled = acme(ACME);
    compiled.require_bound(Binds::BODY | Binds::TIME).unwrap();
    let said = complaint(compiled.require_bound(Binds::BODY | Binds::ID));
    assert_eq!(
        said,
        "signatures of `acme` do not cover `id` (help: demand less, and fetch from the provider what is not covered)"
    );
}

#[test]
fn a_key_counts_only_in_its_window_whatever_time_was_signed() {
    let compiled = acme(ACME);
    let ring = |windows: &[(&'static str, i64, i64)]| {
        let mut ring = Keyring::new();
        for (id, from, to) in windows {
            let mut key = Key::shared(*id, format!("secret of {id}")).unwrap();
            let at = Timestamp::from_unix;
            key.window = Window { not_before: Some(at(*from)), not_after: Some(at(*to)) };
            ring.add(key).unwrap();
        }
        ring
    };
    let now = NOW.unix();
    let old = ring(&[("old", now - 1000, now)]);
    let headers = signed_at(&compiled, &old, Timestamp::from_unix(now - 10));
    let code = |ring: &Keyring, at: i64| {
        let verifier = compiled.verifier("mine", ring, &Vars::new()).unwrap();
        verifier.verify(&request(&headers, b"{}"), &Context::at(Timestamp::from_unix(at))).code()
    };
    assert_eq!(code(&old, now - 1), "ok");
    assert_eq!(code(&old, now), "expired_secret", "the end is outside, and the signed time is no excuse");
    let both = ring(&[("new", now - 5, now + 1000), ("old", now - 1000, now)]);
    assert_eq!(code(&both, now - 1), "ok", "rotation is two windows that overlap");
    assert_eq!(code(&both, now), "expired_secret");
    let new = ring(&[("new", now - 5, now + 1000)]);
    assert_eq!(code(&new, now), "bad_signature");
    assert_eq!(code(&new, now - 100), "no_active_secret", "what an operator can mend");
    let signer = compiled.signer(&new, &Vars::new()).unwrap();
    let unsigned = signer.sign(&Draft::new("msg_1", Timestamp::from_unix(now - 6), URL, b"{}"));
    assert_eq!(unsigned.unwrap_err().reason, Reason::NoActiveSecret);
}

#[test]
fn the_order_of_keys_changes_no_answer() {
    let compiled = acme(ACME);
    let headers = signed_at(&compiled, &Keyring::of("the one").unwrap(), NOW);
    let over = Window { not_before: None, not_after: Some(NOW) };
    let judge = |keys: &[(&'static str, &str, Window)]| {
        let mut ring = Keyring::new();
        for (id, secret, window) in keys {
            let mut key = Key::shared(*id, secret).unwrap();
            key.window = *window;
            ring.add(key).unwrap();
        }
        let verifier = compiled.verifier("mine", &ring, &Vars::new()).unwrap();
        let verified = verifier.verify(&request(&headers, b"{}"), &Context::at(NOW)).into_verified();
        verified.map_or_else(|r| r.reason.code().to_owned(), |v| v.key().to_string())
    };
    for (mut keys, answer) in [
        (vec![("a", "the one", Window::default()), ("b", "another", Window::default())], "a"),
        // The same secret under two names: the one whose window is over says nothing of the other.
        (vec![("a", "the one", over), ("b", "the one", Window::default())], "b"),
        (vec![("a", "the one", over), ("b", "another", Window::default())], "expired_secret"),
        (vec![("a", "another", over), ("b", "a third", Window::default())], "bad_signature"),
        (vec![("a", "another", over), ("b", "a third", over)], "no_active_secret"),
        (vec![("a", "the one", over), ("b", "a third", over)], "expired_secret"),
    ] {
        assert_eq!(judge(&keys), answer, "{keys:?}");
        keys.reverse();
        assert_eq!(judge(&keys), answer, "{keys:?}");
    }
}

#[test]
fn a_time_that_is_not_signed_is_not_judged() {
    let unsigned = ACME.replace("{timestamp}.{body}", "{body}");
    let settled = |text: &str, table: &str| {
        registry(&[&format!("{text}[freshness]\n{table}\n")]).unwrap().named("acme")
    };
    for table in ["", "tolerance_seconds = 300", "required = false"] {
        let said = complaint(settled(&unsigned, table));
        assert!(said.starts_with("`[freshness]` judges a time, and the signature binds none"), "{said}");
        assert!(settled(ACME, table).unwrap().freshness().is_some());
    }
    assert_eq!(settled(&unsigned, "unsigned = \"ignored\"").unwrap().freshness(), None);
    assert_eq!(acme(&unsigned).freshness(), None, "unsaid, there is nothing to judge");
    let said = complaint(settled(ACME, "tolerance_seconds = \"never\""));
    assert!(said.contains("is a number of seconds or `none`, but is `never`"), "{said}");
    assert_eq!(settled(ACME, "tolerance_seconds = \"none\"").unwrap().freshness(), None);
}

#[test]
fn a_tolerance_is_kept_to_the_second() {
    let ring = Keyring::of("secret").unwrap();
    let code = |table: &str, ago: i64| {
        let compiled = acme(&format!("{ACME}[freshness]\n{table}\n"));
        let headers = signed_at(&compiled, &ring, Timestamp::from_unix(NOW.unix() - ago));
        let verifier = compiled.verifier("mine", &ring, &Vars::new()).unwrap();
        verifier.verify(&request(&headers, b"{}"), &Context::at(NOW)).code()
    };
    let same_second = "tolerance_seconds = 0\nfuture_seconds = 0";
    for (table, ago, answer) in [
        ("", 300, "ok"),
        ("", 301, "stale_timestamp"),
        ("", -60, "ok"),
        ("", -61, "future_timestamp"),
        (same_second, 0, "ok"),
        (same_second, 1, "stale_timestamp"),
        (same_second, -1, "future_timestamp"),
        ("tolerance_seconds = \"none\"", 600_000_000, "ok"),
    ] {
        assert_eq!(code(table, ago), answer, "{table:?} {ago}");
    }
}

#[test]
fn an_id_is_accepted_once_in_its_source_and_says_nothing_of_others() {
    let text = ACME
        .replace("{timestamp}.{body}", "{id}.{timestamp}.{body}")
        .replace("signature_source", "id_source = { header = \"x-id\" }\nsignature_source");
    let (compiled, guard) = (acme(&text), MemoryGuard::default());
    assert_eq!(compiled.replay().key, ReplayBy::Id);
    let ring = Keyring::of("secret").unwrap();
    let accept = |source: &str, id: &str, body: &[u8], at: i64| {
        let at = Timestamp::from_unix(NOW.unix() + at);
        let draft = Draft::new(id, at, URL, body);
        let headers = compiled.signer(&ring, &Vars::new()).unwrap().sign(&draft).unwrap().headers_as_pairs();
        let verifier = compiled.verifier(source, &ring, &Vars::new()).unwrap();
        let verified = verifier.verify(&request(&headers, body), &Context::at(NOW)).into_verified().unwrap();
        assert_eq!(verified.message_id(), Some(id));
        verified.accept(&guard, NOW).map(drop).map_err(|refused| refused.class())
    };
    assert_eq!(accept("one", "msg_1", b"{}", 0), Ok(()));
    assert_eq!(accept("one", "msg_1", b"{}", 0), Err(Class::Duplicate));
    assert_eq!(accept("one", "msg_1", b"{ }", 1), Err(Class::Duplicate), "sent again, in other words");
    assert_eq!(accept("one", "msg_2", b"{}", 0), Ok(()));
    assert_eq!(accept("two", "msg_1", b"{}", 0), Ok(()), "a tenant must not burn another's ids");
    assert_eq!(accept("two", "msg_1", b"{}", 0), Err(Class::Duplicate));
}

#[test]
fn a_request_is_accepted_once() {
    let compiled = acme(ACME);
    let mut ring = Keyring::of("secret").unwrap();
    ring.add(Key::shared("second", "another").unwrap()).unwrap();
    let text = ACME.replace("encoding = \"hex\" }", "list = \",\", encoding = \"hex\" }");
    let many = acme(&text);
    let verifier = many.verifier("mine", &ring, &Vars::new()).unwrap();
    let headers = signed_at(&many, &ring, NOW);
    let cx = Context::at(NOW);
    let guard = MemoryGuard::default();
    let verify = |headers: &Vec<(String, Vec<u8>)>| {
        let body = b"{}".as_slice();
        verifier
            .verify(&request(headers, body), &cx)
            .into_verified()
            .map(countersign::Verified::into_owned)
            .unwrap()
    };
    let accepted = verify(&headers).accept(&guard, NOW).unwrap();
    assert_eq!(accepted.verified().body(), b"{}");
    assert!(matches!(verify(&headers).accept(&guard, NOW), Err(Unaccepted::Seen(_))));
    // With one of its two signatures cut out it is still the same request.
    let mut cut = headers.clone();
    for (_, value) in cut.iter_mut().filter(|(name, _)| name == "x-sig") {
        let comma = value.iter().position(|b| *b == b',').unwrap();
        *value = value[comma + 1..].to_vec();
    }
    assert!(matches!(verify(&cut).accept(&guard, NOW), Err(Unaccepted::Seen(_))));
    // Nor does a rotation make it new: one key gone, or the keys in another order.
    let rings: [&[(&str, &str)]; 2] =
        [&[("second", "another")], &[("second", "another"), ("main", "secret")]];
    for keys in rings {
        let mut ring = Keyring::new();
        for (id, secret) in keys {
            ring.add(Key::shared(*id, secret).unwrap()).unwrap();
        }
        let rotated = many.verifier("mine", &ring, &Vars::new()).unwrap();
        let again = rotated.verify(&request(&headers, b"{}"), &cx).into_verified().unwrap();
        assert!(matches!(again.accept(&guard, NOW), Err(Unaccepted::Seen(_))), "{keys:?}");
    }
    // Another source has its own memory; a guard that is full says that it cannot say.
    let other = many.verifier("theirs", &ring, &Vars::new()).unwrap();
    let theirs = other.verify(&request(&headers, b"{}"), &cx).into_verified().unwrap();
    assert!(theirs.accept(&guard, NOW).is_ok());
    let full = verify(&headers).accept(&MemoryGuard::new(0), NOW).unwrap_err();
    assert_eq!(full.class().status(), 503);
    // A store of the host's own claims and records in one step.
    let proof = verify(&headers);
    let claim = MemoryGuard::default().claim(&proof.replay_keys(NOW), NOW);
    assert_eq!(claim, Claim::Fresh);
    assert!(danger::settle(proof, claim).is_ok());
    drop(compiled);
}

// ───────────── handshakes ─────────────

const BODY_ONLY: &str = r#"
schema = 1
name = "acme"
mode = "hmac"
[hmac]
algorithm = "sha256"
signed_template = "{body}"
signature_source = { header = "x-sig", encoding = "hex" }
key = { forms = [{ decode = "text" }] }
"#;
const GUARD: &str = r#"require = [{ value = "{body}", matches = "(?s)\\s*[\\{\\[].*" }]"#;
const CHALLENGE: &str = r#"
[[handshake]]
kind = "answer"
when = [{ value = "{method}", equals = "GET" }, { value = "{query:crc}", matches = "[A-Za-z0-9_-]{1,128}" }]
answer = { status = 200, content_type = "application/json", body = '{{"token":"sha256={query:crc|mac|base64}"}}' }
"#;

#[test]
fn a_challenge_is_answered_with_a_mac_only_if_it_could_never_be_content() {
    let unguarded = registry(&[&format!("{BODY_ONLY}{CHALLENGE}")]).unwrap();
    let said = complaint(unguarded.named("acme"));
    assert!(said.contains("sign"), "{said}");
    let compiled = acme(&format!("{BODY_ONLY}{GUARD}\n{CHALLENGE}"));
    let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let cx = Context::at(NOW);
    let answer =
        |method: &str, url: &str| verifier.handshake(&Request::new(Head::new(method, url, &()), b""), &cx);
    let yes = answer("GET", "https://example.com/in?crc=abc-123").unwrap();
    assert_eq!((yes.kind, yes.status, &*yes.content_type), (HandshakeKind::Answer, 200, "application/json"));
    // HMAC-SHA256 of `abc-123` under `secret`, computed elsewhere, and again here.
    assert_eq!(
        base64_simd::STANDARD.encode_to_string(tag("secret", b"abc-123")),
        "Z56ckppIY1LtHnugkc0QTkzE+imIV0ZLhC0rNqthi9w="
    );
    assert_eq!(yes.body, b"{\"token\":\"sha256=Z56ckppIY1LtHnugkc0QTkzE+imIV0ZLhC0rNqthi9w=\"}".to_vec());
    for (method, url) in [
        ("POST", "https://example.com/in?crc=abc-123"),
        ("GET", "https://example.com/in?crc=%7B%22a%22%3A1%7D"),
        ("GET", "https://example.com/in?crc=a%0Ab"),
        ("GET", "https://example.com/in?crc="),
        ("GET", "https://example.com/in?crc=a&crc=b"),
        ("GET", "https://example.com/in"),
    ] {
        assert_eq!(answer(method, url), None, "{method} {url}");
    }
    assert_eq!(answer("GET", &format!("https://example.com/in?crc={}", "a".repeat(129))), None);
    // And the guard holds of what is verified: the challenge's own answer signs nothing.
    let mut headers = signed_at(&compiled, &Keyring::of("secret").unwrap(), NOW);
    assert_eq!(verifier.verify(&request(&headers, b"{}"), &cx).code(), "ok");
    headers.clear();
    headers
        .push(("x-sig".into(), b"679e9c929a486352ed1e7ba091cd104e4cc4fa298857464b842d2b36ab618bdc".to_vec()));
    assert_eq!(verifier.verify(&request(&headers, b"abc-123"), &cx).code(), "claim_mismatch");
}

/// HMAC-SHA256, made without the crate.
fn tag(secret: &str, content: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn a_challenge_that_could_be_long_or_anything_gets_no_mac() {
    let with = |matches: &str| {
        let challenge = CHALLENGE.replace(r#"matches = "[A-Za-z0-9_-]{1,128}""#, matches);
        registry(&[&format!("{BODY_ONLY}{GUARD}\n{challenge}")]).unwrap().named("acme").map(drop)
    };
    with(r#"matches = "[a-z]{1,256}""#).unwrap();
    for long in ["[a-z]{1,257}", "[a-z]+", ".*", "(?:[a-z]{16}){17}"] {
        let said = complaint(with(&format!("matches = \"{long}\"")));
        assert!(said.starts_with(&format!("`{long}` allows more than 256 bytes")), "{said}");
    }
    let said = complaint(with("present = true"));
    assert!(
        said.starts_with(
            "`{query:crc|mac|base64}` is answered with a MAC, and nothing limits what it may be"
        ),
        "{said}"
    );
    // A filter in between would answer for another text than the one that is limited; and what is left out when absent
    // is limited no less.
    for (answer, says) in [
        ("{query:crc|unhex|mac|hex}", "`mac` takes a source as it is, without a filter before it"),
        ("[{param:crc|mac|hex}]", "`{param:crc|mac|hex}` is answered with a MAC, and nothing limits"),
    ] {
        let challenge = CHALLENGE.replace("{query:crc|mac|base64}", answer);
        let said = complaint(registry(&[&format!("{BODY_ONLY}{GUARD}\n{challenge}")]).unwrap().named("acme"));
        assert!(said.starts_with(says), "{said}");
    }
    // Whatever holds it, and by whatever name.
    for (body, answer, says) in [
        (
            "headers = { x = '{query:d|mac|hex}' }",
            "",
            "`{query:d|mac|hex}` is answered with a MAC, and nothing",
        ),
        (
            "body = '{part:d|mac|hex}'",
            "parts = { d = '{query:crc}' }",
            "`mac` takes one source, and a part may hold several",
        ),
        (
            "body = '{part:d}'",
            "parts = { d = '{query:crc|mac}' }",
            "`mac` is only for the answers of handshakes",
        ),
    ] {
        let (start, _) = CHALLENGE.split_once("\nanswer").unwrap();
        let said = complaint(
            registry(&[&format!("{BODY_ONLY}{GUARD}\n{start}\nanswer = {{ {body} }}\n{answer}")])
                .and_then(|registry| registry.named("acme").map(drop)),
        );
        assert!(said.starts_with(says), "{said}");
    }
    let said = complaint(with(r#"matches = "[ -~]{1,64}""#));
    assert!(said.starts_with("whoever asks for this answer could have a signature"), "{said}");
}

#[test]
fn a_signed_challenge_is_echoed_and_no_more_of_it_than_fits() {
    let compiled = acme(&format!(
        r#"{BODY_ONLY}
[[handshake]]
kind = "answer"
signed = true
when = [{{ value = "{{json:/type}}", equals = "url_verification" }}]
answer = {{ body = "{{json:/challenge}}" }}
"#
    ));
    let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let cx = Context::at(NOW);
    let echo = |challenge: &str| {
        let body = format!(r#"{{"type":"url_verification","challenge":"{challenge}"}}"#);
        let request = request(&(), body.as_bytes());
        assert_eq!(verifier.handshake(&request, &cx), None, "it comes signed");
        verifier.signed_handshake(&request, &cx)
    };
    let answer = echo("3eZbrw1aB").unwrap();
    assert_eq!((answer.kind, answer.status), (HandshakeKind::Answer, 200));
    assert_eq!((&*answer.content_type, &*answer.body), ("text/plain", &b"3eZbrw1aB"[..]));
    assert!(echo(&"a".repeat(MAX_CHALLENGE)).is_some());
    assert_eq!(echo(&"a".repeat(MAX_CHALLENGE + 1)), None);
}

/// The digest of the challenge and two things of the receiver's, as one provider wants it.
#[test]
fn an_answer_may_hold_a_digest_of_several_values() {
    let compiled = acme(&format!(
        r#"{BODY_ONLY}
[[var]]
name = "token"
required = false
[[handshake]]
kind = "answer"
when = [{{ value = "{{method}}", equals = "GET" }}]
answer = {{ body = "{{part:digest}}", headers = {{ x-all = "{{query:all|default:}}[{{query:opt}}]" }} }}
[handshake.parts]
all = "{{query:c}}{{var:token}}{{url|query:drop}}"
digest = "{{part:all|sha256|hex}}"
"#
    ));
    let asked = |token: Option<&str>, query: &str| {
        let mut vars = Vars::new();
        if let Some(token) = token {
            vars.set("token", token);
        }
        let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &vars).unwrap();
        let url = format!("{URL}{query}");
        let request = Request::new(Head::new("GET", &url, &()), b"");
        verifier.handshake(&request, &Context::at(NOW))
    };
    let digest = |text: &str| const_hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text)).into_bytes();
    assert_eq!(asked(Some("t0ken"), "?c=abc").unwrap().body, digest(&format!("abct0ken{URL}")));
    assert_eq!(asked(None, "?c=abc"), None, "the variable of a part is one of the answer's");
    let long = |count: usize| format!("?c={}", "a".repeat(count));
    assert!(asked(Some("t0ken"), &long(MAX_CHALLENGE)).is_some());
    // A digest is short, whatever it is of: the limit is of what goes in.
    assert_eq!(asked(Some("t0ken"), &long(MAX_CHALLENGE + 1)), None);
    for absent in ["", "?d=abc", "?c=a&c=b"] {
        assert_eq!(asked(Some("t0ken"), absent), None, "{absent}");
    }
    // What is left out when absent is not cut short when it is long.
    let optional = |count: usize| format!("?c=a&opt={}", "b".repeat(count));
    assert!(asked(Some("t0ken"), &optional(MAX_CHALLENGE)).is_some());
    assert_eq!(asked(Some("t0ken"), &optional(MAX_CHALLENGE + 1)), None);
}

/// Each placeholder has so many bytes of the caller's, and one that stands for several of them no more.
#[test]
fn parts_multiply_no_echo() {
    let said = |parts: &str, body: &str, count: usize| {
        let compiled = acme(&format!(
            "{BODY_ONLY}\n[[handshake]]\nkind = \"answer\"\nwhen = [{{ value = \"{{query:c}}\", present = true }}]\n\
             answer = {{ body = \"{body}\" }}\nparts = {{ {parts} }}\n"
        ));
        let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
        let url = format!("{URL}?c={}", "a".repeat(count));
        let answer = verifier.handshake(&Request::new(Head::new("GET", &url, &()), b""), &Context::at(NOW));
        answer.map(|answer| answer.body.len())
    };
    let twice = "two = '{query:c}{query:c}'";
    assert_eq!(said(twice, "{part:two}", MAX_CHALLENGE / 2), Some(MAX_CHALLENGE));
    assert_eq!(said(twice, "{part:two}", MAX_CHALLENGE / 2 + 1), None);
    assert_eq!(said(twice, "{part:two|sha256|hex}", MAX_CHALLENGE), Some(64));
    let again = "two = '{query:c}{query:c}', four = '{part:two}{part:two}'";
    assert_eq!(said(again, "{part:four|sha256|hex}", MAX_CHALLENGE / 2), Some(64));
    assert_eq!(said(again, "{part:four|sha256|hex}", MAX_CHALLENGE / 2 + 1), None);
    // One that the answer does not use must be there no less.
    assert_eq!(said("none = '{query:d}'", "{query:c}", 1), None);
    assert_eq!(said("none = '[{query:d}]'", "{query:c}{part:none}", 1), Some(1));
}

#[test]
fn a_secret_that_is_handed_over_is_echoed_in_a_header_and_kept_for_an_operator() {
    let compiled = acme(&format!(
        r#"{BODY_ONLY}
[[handshake]]
kind = "learn"
when = [{{ value = "{{header:x-hook-secret}}", matches = "[A-Za-z0-9]{{8,64}}" }}, {{ value = "{{body}}", equals = "" }}]
secret = "{{header:x-hook-secret}}"
answer = {{ status = 204, headers = {{ "X-Hook-Secret" = "{{header:x-hook-secret}}", "X-Is" = "{{query:is|default:new}}" }} }}
"#
    ));
    let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let (headers, cx) = ([("x-hook-secret", "b537207f20cbfa02")], Context::at(NOW));
    let ask = |url: &str, body: &[u8]| {
        let request = Request::new(Head::new("POST", url, &headers), body);
        (verifier.handshake(&request, &cx), verifier.learnt(&request))
    };
    let (answer, secret) = ask("https://example.com/in", b"");
    let answer = answer.unwrap();
    assert_eq!((answer.kind, answer.status, &*answer.body), (HandshakeKind::Learn, 204, &b""[..]));
    let said = [("x-hook-secret", "b537207f20cbfa02"), ("x-is", "new")];
    assert_eq!(answer.headers, said.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(secret.unwrap().expose(), b"b537207f20cbfa02");
    // Nothing that the caller sends ends a header and begins another, or is more than a challenge.
    for is in ["a%0D%0Ab:c", "%C3%A9", "%00"] {
        assert_eq!(ask(&format!("https://example.com/in?is={is}"), b"").0, None, "{is}");
    }
    assert_eq!(ask(&format!("https://example.com/in?is={}", "a".repeat(MAX_CHALLENGE + 1)), b"").0, None);
    let (answer, secret) = ask("https://example.com/in", b"{}");
    assert!(answer.is_none() && secret.is_none());
}

#[test]
fn a_handshake_that_cannot_be_is_told() {
    let with = |handshake: &str| {
        let when = r#"when = [{ value = "{body}", equals = "" }]"#;
        let text = format!("{BODY_ONLY}\n[[handshake]]\n{when}\n{handshake}");
        complaint(registry(&[&text]).and_then(|registry| registry.named("acme").map(drop)))
    };
    for (handshake, says) in [
        ("kind = \"learn\"", "`[handshake.1]` lacks `secret`"),
        ("kind = \"ignore\"\nsecret = \"{header:a}\"", "only a handshake of the kind `learn` has a `secret`"),
        (
            "kind = \"ignore\"\nanswer = { headers = { Content-Length = \"1\" } }",
            "`Content-Length` cannot be a header of an answer",
        ),
        (
            "kind = \"ignore\"\nanswer = { headers = { \"a b\" = \"1\" } }",
            "`a b` cannot be a header of an answer",
        ),
        ("kind = \"ignore\"\nanswer = { headers = { a = 1 } }", "`a` must be a text in quotes"),
        ("kind = \"ignore\"\nparts = { a = 1 }", "part `a` must be a text, but is an integer"),
        ("kind = \"ignore\"\nparts = { a = '{part:b}', b = '' }", "no part `b` is declared"),
        (
            "kind = \"ignore\"\nparts = { a = '' }\nsecret = '{part:a}'",
            "only a handshake of the kind `learn`",
        ),
        (
            "kind = \"ignore\"\nparts = { a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', i = '' }",
            "there are at most 8 parts",
        ),
    ] {
        assert!(with(handshake).starts_with(says), "{handshake}: {}", with(handshake));
    }
}

#[test]
fn a_handshake_whose_variable_is_not_set_is_none() {
    let compiled = acme(&format!(
        r#"{BODY_ONLY}
[[var]]
name = "token"
required = false
[[handshake]]
kind = "answer"
when = [{{ value = "{{query:token}}", equals = "{{var:token}}" }}]
answer = {{ body = "{{query:challenge}}" }}
"#
    ));
    let asked = |vars: &Vars, url: &str| {
        let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), vars).unwrap();
        verifier.handshake(&Request::new(Head::new("GET", url, &()), b""), &Context::at(NOW))
    };
    let mut vars = Vars::new();
    for url in ["https://example.com/in?challenge=a", "https://example.com/in?challenge=a&token="] {
        assert_eq!(asked(&vars, url), None);
    }
    vars.set("token", "t0ken");
    let url = "https://example.com/in?challenge=a&token=";
    assert_eq!(asked(&vars, &format!("{url}t0ken")).unwrap().body, b"a");
    assert_eq!(asked(&vars, &format!("{url}token")), None);
}

#[test]
fn only_keys_in_their_window_answer() {
    let compiled = acme(&format!("{BODY_ONLY}{GUARD}\n{CHALLENGE}"));
    let mut ring = Keyring::new();
    let mut key = Key::shared("old", "secret").unwrap();
    key.window = Window { not_before: None, not_after: Some(NOW) };
    ring.add(key).unwrap();
    let verifier = compiled.verifier("mine", &ring, &Vars::new()).unwrap();
    let challenge = Request::new(Head::new("GET", "https://example.com/in?crc=abc", &()), b"");
    assert_eq!(verifier.handshake(&challenge, &Context::at(NOW)), None);
    assert!(verifier.handshake(&challenge, &Context::at(Timestamp::from_unix(NOW.unix() - 1))).is_some());
}

#[test]
fn what_is_said_back_and_what_happened_are_of_the_preset() {
    let compiled = acme(&format!(
        r#"{BODY_ONLY}
[event]
type = "{{json:/type}}"
id = "{{header:x-id}}"
[response]
accepted = {{ status = 200, body = "[[accepted]]", content_type = "text/plain" }}
refused = {{ status = 403 }}
[[handshake]]
kind = "ignore"
signed = true
when = [{{ value = "{{json:/type}}", equals = "ping" }}]
"#
    ));
    let verifier = compiled.verifier("mine", &Keyring::of("secret").unwrap(), &Vars::new()).unwrap();
    let (headers, cx) = ([("x-id", "e1")], Context::at(NOW));
    let paid = request(&headers, br#"{"type":"paid"}"#);
    let event = verifier.event(&paid);
    assert_eq!((event.kind.as_deref(), event.id.as_deref()), (Some("paid"), Some("e1")));
    let accepted = verifier.response(true, &paid).unwrap();
    assert_eq!((accepted.status, accepted.body), (200, b"[accepted]".to_vec()));
    assert_eq!(verifier.response(false, &paid).unwrap().status, 403);
    assert_eq!(verifier.signed_handshake(&paid, &cx), None);
    let ping = request(&headers, br#"{"type":"ping"}"#);
    assert_eq!(verifier.handshake(&ping, &cx), None, "it comes signed");
    assert_eq!(verifier.signed_handshake(&ping, &cx).unwrap().kind, HandshakeKind::Ignore);
    let garbage = request(&headers, b"not json");
    assert_eq!(verifier.event(&garbage).kind, None);
    assert!(matches!(verifier.verify(&garbage, &cx), Outcome::Rejected(_)));
}

// ───────────── embedding ─────────────

/// What a host writes, all of it; the headers are whatever it has.
fn embedded(headers: &dyn Headers, body: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
    let mut registry = Registry::new();
    registry.add_preset("acme.toml", BODY_ONLY)?;
    let keys = Keyring::of("secret")?;
    let verifier = registry.named("acme")?.verifier("billing", &keys, &Vars::new())?;
    let request = Request::new(Head::new("POST", URL, headers), body);
    let verified = verifier.verify(&request, &Context::at(NOW)).into_verified()?;
    Ok(verified.key().to_string())
}

#[test]
fn any_header_map_gives_the_same_verdict() {
    let good = const_hex::encode(tag("secret", b"{}"));
    let bad = const_hex::encode(tag("another", b"{}"));
    for (pairs, verdict) in [
        ([("X-Sig", &*good), ("x-other", "1")], "main"),
        ([("x-SIG", &*bad), ("x-other", "1")], "bad_signature"),
        ([("x-sig", &*good), ("X-Sig", &*good)], "malformed_signature: "),
        ([("x-sigs", &*good), ("x-si", &*good)], "missing_signature"),
    ] {
        let vec: Vec<(String, Vec<u8>)> =
            pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
        #[cfg(feature = "http")]
        let map: http::HeaderMap =
            pairs.iter().map(|(n, v)| (n.parse::<http::HeaderName>().unwrap(), v.parse().unwrap())).collect();
        let maps: &[&dyn Headers] = &[
            &pairs,
            &vec,
            &&pairs[..],
            #[cfg(feature = "http")]
            &map,
        ];
        let answers: Vec<String> = maps
            .iter()
            .map(|headers| embedded(*headers, b"{}").unwrap_or_else(|error| error.to_string()))
            .collect();
        assert!(
            answers.iter().all(|answer| *answer == answers[0] && answer.starts_with(verdict)),
            "{answers:?}"
        );
    }
}
