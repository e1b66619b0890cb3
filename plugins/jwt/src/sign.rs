//! The other direction: a token that the same plan verifies.
//!
//! A claim that a test of the preset equates with something of the request is given that value; the issuer, the audience and
//! the subject are the first that the preset names. What no rule tells cannot be made up: then the scheme verifies only.

use crate::claims::{Claim, is_id};
use crate::detail;
use crate::keys::{shared, taken};
use crate::plan::{Allowed, From, Plan};
use crate::token::{self, MAX_KID};
use countersign::template::{Claims, Message, Scope, Value};
use countersign::{Draft, Key, KeyError, KeyIndex, KeyKind, KeySet, Keyring, Mark, Reason, Rejection, Sign};
use countersign_keys::{Signing, Verifying};
use serde_json::{Map, Value as Json};

/// How long a token is good, in seconds.
const LIFETIME: i64 = 300;

/// The names of claims that can be made up, whatever the preset.
const MADE: [&str; 6] = ["/exp", "/iat", "/nbf", "/iss", "/aud", "/sub"];

/// Signs with the keys of a source.
pub(crate) struct Signer {
    plan: Plan,
    keys: Vec<Pen>,
}

/// A key and what it signs with.
struct Pen {
    index: KeyIndex,
    kid: Option<String>,
    allowed: Allowed,
    secret: Half,
}

enum Half {
    Shared(Verifying),
    Private(Box<Signing>),
}

impl Plan {
    /// Why tokens of this plan cannot be made, if they cannot.
    pub(crate) fn can_sign(&self) -> Result<(), KeyError> {
        let cannot = |why: &str| Err(KeyError::new(format!("this scheme verifies only: {why}")));
        let From::Held(_) = &self.from else {
            return cannot("its keys are found, and the private halves are not here");
        };
        if self.places.mark(b"x").is_none() {
            return cannot("what is cut out of its place cannot be put back");
        }
        let content_in_body = self.reads_the_body() && !self.places.are_in_head();
        if content_in_body && (self.rules.read_the_body() || self.detached.is_some()) {
            return cannot("the token stands in the body that it is about");
        }
        let made = |claim: &Claim| {
            let time = self.expected.time.as_ref().map(|time| &time.claim);
            MADE.contains(&claim.pointer())
                || claim.pointer() == "/jti"
                || time == Some(claim)
                || self.expected.id.as_ref() == Some(claim)
        };
        let demanded = |claim: &Claim| self.rules.names_claim(claim.pointer());
        match self.expected.required.iter().find(|claim| !made(claim) && !demanded(claim)) {
            Some(claim) => cannot(&format!("nothing says what its claim `{}` holds", claim.name())),
            None => Ok(()),
        }
    }
}

impl Signer {
    /// Make the keys ready; an error says why tokens of this plan cannot be made.
    pub(crate) fn new(plan: Plan, keys: &Keyring) -> Result<Self, KeyError> {
        plan.can_sign()?;
        let pens =
            keys.iter().map(|(index, key)| Pen::new(&plan, index, key).map_err(|error| error.key(&key.id)));
        let keys = pens.collect::<Result<_, _>>()?;
        Ok(Signer { plan, keys })
    }

    /// The claims of a draft.
    fn claims(&self, draft: &Draft<'_>, message: &Message<'_, '_>) -> Result<Map<String, Json>, Rejection> {
        let expected = &self.plan.expected;
        let mut claims = Json::Object(Map::new());
        let at = draft.at.unix();
        let attached = self.plan.detached.is_none();
        for (name, value) in [("/iat", at), ("/nbf", at), ("/exp", at.saturating_add(LIFETIME))] {
            let claim = Claim::named(name);
            if expected.requires(&claim) || (attached && name != "/nbf") {
                put(&mut claims, claim.pointer(), value.into())?;
            }
        }
        for (pointer, values) in
            [("/iss", &expected.issuer), ("/aud", &expected.audience), ("/sub", &expected.subject)]
        {
            if let Some(value) = values.first() {
                put(&mut claims, pointer, text(value, message)?)?;
            }
        }
        if let Some(time) = &expected.time {
            put(&mut claims, time.claim.pointer(), time.write(draft.at))?;
        }
        let jti = Claim::named("jti");
        let id = expected.id.as_ref().or(Some(&jti).filter(|_| attached));
        if let Some(id) = id.filter(|id| is_id(draft.id) || expected.requires(id)) {
            if !is_id(draft.id) {
                return Err(detail::ID.into());
            }
            put(&mut claims, id.pointer(), draft.id.into())?;
        }
        for (pointer, demanded) in self.plan.rules.demanded(message)? {
            let demanded = String::from_utf8(demanded)
                .map_err(|_| detail::UNSIGNABLE.because("a claim would be no text"))?;
            put(&mut claims, pointer, demanded.into())?;
        }
        match claims {
            Json::Object(claims) => Ok(claims),
            _ => Err(detail::UNSIGNABLE.into()),
        }
    }

    /// The header, without the claims that it may have to stand for.
    fn header(&self, pen: &Pen) -> Map<String, Json> {
        let mut header = Map::new();
        header.insert("alg".into(), pen.allowed.name.into());
        match (self.plan.expected.kinds.first(), &self.plan.detached) {
            (Some(kind), _) => drop(header.insert("typ".into(), (**kind).into())),
            (None, None) => drop(header.insert("typ".into(), "JWT".into())),
            (None, Some(_)) => {}
        }
        if let Some(kid) = &pen.kid {
            header.insert("kid".into(), kid.as_str().into());
        }
        if self.plan.detached.as_ref().is_some_and(|detached| detached.unencoded) {
            header.insert("b64".into(), false.into());
            header.insert("crit".into(), Json::Array(vec!["b64".into()]));
        }
        header
    }
}

impl Sign for Signer {
    fn sign(&self, draft: &Draft<'_>, live: KeySet, out: &mut dyn FnMut(Mark)) -> Result<(), Rejection> {
        let pen = self.keys.iter().find(|pen| live.contains(pen.index));
        let pen = pen.ok_or_else(|| Rejection::new(Reason::NoActiveSecret))?;
        let request = draft.request();
        let scope = Scope::new(&request);
        let message = Message::new(&scope);
        let (claims, mut header) = (self.claims(draft, &message)?, self.header(pen));
        let told = match self.plan.detached {
            None => Json::Object(claims).to_string(),
            Some(_) => {
                header.extend(claims);
                Json::Object(header.clone()).to_string()
            }
        };
        let head = token::encode(Json::Object(header).to_string().as_bytes());
        let payload = match self.plan.detached {
            None => token::encode(told.as_bytes()),
            Some(_) => String::new(),
        };
        // A test that the draft does not pass would be the receiver's to refuse: better here.
        let known = Claims::parse(told.as_bytes()).map_err(|why| detail::UNSIGNABLE.because(why))?;
        message.with_claims(&known).late(&self.plan.rules)?;
        let signature = match &self.plan.detached {
            None => pen.sign(&[head.as_bytes(), b".", payload.as_bytes()])?,
            Some(detached) => {
                let pieces = detached.pieces(head.as_bytes(), &message)?;
                pen.sign(&pieces.iter().map(|piece| &**piece).collect::<Vec<_>>())?
            }
        };
        let token = format!("{head}.{payload}.{}", token::encode(&signature));
        out(self.plan.places.mark(token.as_bytes()).ok_or(detail::UNSIGNABLE)?);
        Ok(())
    }
}

impl Pen {
    fn new(plan: &Plan, index: KeyIndex, key: &Key) -> Result<Self, KeyError> {
        let From::Held(forms) = &plan.from else { return Err(KeyError::cannot_sign()) };
        let kind = if plan.is_shared() { KeyKind::Shared } else { KeyKind::Private };
        taken(key, &[kind])?;
        let secret = forms.decode(key)?;
        let name = key.id.as_str();
        let printable = name.len() <= MAX_KID && name.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        let kid = Some(name.to_owned()).filter(|name| printable && !name.is_empty());
        let mut refused = None;
        for allowed in plan.algorithms.iter() {
            let made = match kind {
                KeyKind::Shared => shared(plan, &secret, allowed).map(Half::Shared),
                _ => {
                    Signing::read(secret.expose(), allowed.algorithm).map(|key| Half::Private(Box::new(key)))
                }
            };
            match made {
                Ok(secret) => return Ok(Pen { index, kid, allowed: *allowed, secret }),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(KeyError::cannot_sign))
    }

    fn sign(&self, pieces: &[&[u8]]) -> Result<Vec<u8>, Rejection> {
        let failed = || Rejection::new(Reason::ModeFault);
        match &self.secret {
            Half::Shared(key) => key.mac(&key.content(pieces)).ok_or_else(failed),
            Half::Private(key) => key.sign(&key.verifying().content(pieces)).map_err(|_| failed()),
        }
    }
}

/// What a value stands for, as a claim.
fn text(value: &Value, message: &Message<'_, '_>) -> Result<Json, Rejection> {
    let text = message
        .text(value)?
        .ok_or_else(|| detail::UNSIGNABLE.because("a claim has no value in this request"))?;
    match std::str::from_utf8(&text) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(detail::UNSIGNABLE.because("a claim would be no text")),
    }
}

/// Put a claim at its pointer, and objects on the way.
fn put(claims: &mut Json, pointer: &str, value: Json) -> Result<(), Rejection> {
    let mut here = claims;
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let Json::Object(members) = here else {
            return Err(detail::UNSIGNABLE.because("a claim stands in another"));
        };
        here = members.entry(name).or_insert_with(|| Json::Object(Map::new()));
    }
    *here = value;
    Ok(())
}
