//! The key that a token is judged by: held, out of a fetched set, or out of a chain. Never one that the token brings.

use crate::chain::Chains;
use crate::claims::date;
use crate::detail;
use crate::plan::{Allowed, From, Plan, Set};
use crate::token::Header;
use countersign::template::{Claims, KeyForms, Message};
use countersign::{
    Context, Document, Fingerprints, Key, KeyError, KeyId, KeyIndex, KeyKind, KeyRequest, KeySet, Keyring,
    Memo, Reason, Refusal, Rejection, Secret, SignedBy, Timestamp,
};
use countersign_keys::{Content, Family, Found, Jwks, NamedKey, PublicKey, Rules, Verifying};
use zeroize::Zeroizing;

/// The keys of a source, ready.
pub(crate) enum Keys {
    /// As the operator gave them.
    Held(Box<[Held]>),

    /// In a document, read once a copy.
    Set(Set, Memo<Published>),

    /// Under these roots.
    Chain(Chains),
}

/// A held key, ready for every allowed algorithm that it is for.
pub(crate) struct Held {
    pub(crate) index: KeyIndex,
    pub(crate) id: KeyId,
    ready: Vec<(&'static str, Verifying)>,
}

/// A document, read.
pub(crate) struct Published {
    keys: Jwks,
    /// Since when its keys are of no use, if it says so.
    expired_at: Option<Timestamp>,
}

/// What is judged: the signed pieces and the signature over them.
#[derive(Clone, Copy)]
pub(crate) struct Judged<'j> {
    pub(crate) pieces: &'j [&'j [u8]],
    pub(crate) signature: &'j [u8],
}

/// What a key proved, and what the content is known by.
pub(crate) type Proof = (SignedBy, Fingerprints);

impl Keys {
    /// Make a source's keys ready.
    pub(crate) fn bind(plan: &Plan, keys: &Keyring) -> Result<Self, KeyError> {
        match &plan.from {
            From::Held(forms) => {
                let held =
                    keys.iter().map(|(index, key)| held(plan, forms, index, key).map_err(|e| e.key(&key.id)));
                Ok(Keys::Held(held.collect::<Result<_, _>>()?))
            }
            From::Set(set) => Ok(Keys::Set(set.clone(), Memo::new())),
            From::Chain(forms, shape) => {
                let mut roots = Vec::new();
                for (index, key) in keys.iter() {
                    let root = taken(key, &[KeyKind::TrustAnchor]).and_then(|()| forms.decode(key));
                    roots.push((index, key, root.map_err(|error| error.key(&key.id))?));
                }
                Chains::new(roots.into_iter(), shape.clone(), plan.algorithms.clone()).map(Keys::Chain)
            }
        }
    }

    /// Which key made the signature. `message` knows the header's members as claims.
    pub(crate) fn prove(
        &self,
        judged: Judged<'_>,
        header: &Header<'_>,
        allowed: &Allowed,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Proof, Refusal> {
        match self {
            Keys::Held(held) => Ok(among(held, judged, allowed)?),
            Keys::Set(set, memo) => {
                for NamedKey { id, key } in set.find(memo, header, allowed, message, cx)? {
                    let content = key.content(judged.pieces);
                    if key.verify(&content, judged.signature) {
                        let prints = Fingerprints::content(content.fingerprint());
                        return Ok((SignedBy::Fetched(id, KeySet::default()), prints));
                    }
                }
                Err(Reason::BadSignature.into())
            }
            Keys::Chain(chains) => {
                let trusted = chains.find(&header.members, allowed, cx.now)?;
                let content = trusted.key.content(judged.pieces);
                match trusted.key.verify(&content, judged.signature) {
                    true => {
                        let prints = Fingerprints::content(content.fingerprint());
                        Ok((SignedBy::Fetched(trusted.id, trusted.anchors), prints))
                    }
                    false => Err(Reason::BadSignature.into()),
                }
            }
        }
    }
}

impl Held {
    /// Ready for an algorithm.
    pub(crate) fn ready(&self, allowed: &Allowed) -> Option<&Verifying> {
        self.ready.iter().find(|(name, _)| *name == allowed.name).map(|(_, key)| key)
    }
}

/// Whether a key is of a kind that is taken here.
pub(crate) fn taken(key: &Key, kinds: &[KeyKind]) -> Result<(), KeyError> {
    match kinds.contains(&key.kind) {
        true => Ok(()),
        false => {
            let words: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
            Err(KeyError::new(format!(
                "this is a {} key, and a {} key is wanted",
                key.kind.word(),
                words.join(" or ")
            )))
        }
    }
}

/// A secret ready for HMAC. One that is too short is filled up with zeros, as HMAC itself does (RFC 2104), where the preset
/// spells that it is accepted.
pub(crate) fn shared(plan: &Plan, secret: &Secret, allowed: &Allowed) -> Result<Verifying, KeyError> {
    let least = allowed.length.unwrap_or_default();
    if plan.short_secrets && secret.expose().len() < least {
        let mut filled = Zeroizing::new(vec![0; least]);
        filled[..secret.expose().len()].copy_from_slice(secret.expose());
        return Verifying::hmac(&filled, allowed.algorithm);
    }
    Verifying::hmac(secret.expose(), allowed.algorithm)
}

fn held(plan: &Plan, forms: &KeyForms, index: KeyIndex, key: &Key) -> Result<Held, KeyError> {
    taken(key, plan.kinds())?;
    let secret = forms.decode(key)?;
    let public = if plan.is_shared() { None } else { Some(PublicKey::read(secret.expose())?) };
    let (mut ready, mut refused) = (Vec::new(), None);
    for allowed in plan.algorithms.iter() {
        let made = match &public {
            Some(public) => public.prepare(allowed.algorithm, Rules::default()),
            None => shared(plan, &secret, allowed),
        };
        match made {
            Ok(verifying) => ready.push((allowed.name, verifying)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match (ready.is_empty(), refused) {
        (true, Some(error)) => Err(error),
        _ => Ok(Held { index, id: key.id.clone(), ready }),
    }
}

/// Every held key that made it: which may be used now is the core's to say.
fn among(held: &[Held], judged: Judged<'_>, allowed: &Allowed) -> Result<Proof, Rejection> {
    let (mut keys, mut tags, mut digest) = (KeySet::default(), Vec::new(), None::<Content>);
    let mut tried = false;
    for (held, key) in held.iter().filter_map(|held| Some((held, held.ready(allowed)?))) {
        tried = true;
        // A MAC is of one secret; a digest is every key's.
        let matched = if allowed.algorithm.family() == Family::Hmac {
            let content = key.content(judged.pieces);
            tags.push(content.fingerprint());
            key.verify(&content, judged.signature)
        } else {
            key.verify(digest.get_or_insert_with(|| key.content(judged.pieces)), judged.signature)
        };
        if matched {
            keys.insert(held.index);
        }
    }
    match (tried, keys.is_empty(), digest) {
        (false, ..) => Err(detail::KEY_UNFIT.into()),
        (true, true, _) => Err(Rejection::new(Reason::BadSignature)),
        (true, false, Some(content)) => {
            Ok((SignedBy::Held(keys), Fingerprints::content(content.fingerprint())))
        }
        (true, false, None) => Ok((SignedBy::Held(keys), Fingerprints::tags(tags))),
    }
}

impl Set {
    /// The keys to try. A copy that lacks the key is asked for again, unless it was fetched just now.
    fn find(
        &self,
        memo: &Memo<Published>,
        header: &Header<'_>,
        allowed: &Allowed,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Vec<NamedKey>, Refusal> {
        let document = self.remote.document(message, cx)?;
        let fault = match memo.read(&document, |bytes| self.parse(bytes)) {
            Err(why) => detail::NO_KEY_SET.because(why),
            Ok(set) if set.expired_at.is_some_and(|end| end <= cx.now) => detail::KEY_EXPIRED.refuse(),
            Ok(set) => match set.keys.find(header.kid.as_deref(), allowed.algorithm) {
                Found::Keys(keys) => return Ok(keys),
                Found::Unfit => return Err(Rejection::from(detail::KEY_UNFIT).into()),
                Found::Ambiguous => return Err(Rejection::from(detail::KID_MISSING).into()),
                Found::Unknown => detail::KID_UNKNOWN.refuse(),
            },
        };
        let Document { fetched_at, .. } = document;
        match fetched_at < cx.now {
            true => Err(Refusal::Unresolved(self.again(message)?.newer_than(fetched_at))),
            false => Err(fault.into()),
        }
    }

    fn again(&self, message: &Message<'_, '_>) -> Result<KeyRequest, Rejection> {
        self.remote.request(message)
    }

    /// The key set in a document: all of it, or what stands at the pointer, which may be a lone key.
    fn parse(&self, bytes: &[u8]) -> Result<Published, &'static str> {
        let document = || Claims::parse(bytes);
        let expired_at = match &self.expired_at {
            Some(pointer) => match document()? {
                document if document.has(pointer) => Some(
                    document.number(pointer).and_then(|at| date(&at)).ok_or("its `expired_at` is no time")?,
                ),
                _ => None,
            },
            None => None,
        };
        let keys = match &*self.pointer {
            "" => Jwks::parse(bytes),
            pointer => {
                let inner = document()?.source(pointer).ok_or("there is nothing at its `pointer`")?;
                match Claims::parse(&inner)?.has("/keys") {
                    true => Jwks::parse(&inner),
                    false => Jwks::parse(&[b"{\"keys\":[", &*inner, b"]}"].concat()),
                }
            }
        };
        Ok(Published { keys: keys.map_err(|why| why.says())?, expired_at })
    }
}
