//! Finding the key: a certificate, judged, and remembered with the time for which that holds.
//!
//! To judge a chain costs ten times what the signature does, so what was believed of a copy of a document, or of a certificate
//! in a message, is remembered: its key, its anchors, and the interval in which every certificate of its path is valid. Whether
//! the present is in there is asked at every request; past it the chain is judged anew, and what has expired is refused. What
//! was refused is not remembered, so that it need not be forgotten.

use countersign::template::{Find, FoundKey, Message, Value};
use countersign::{
    Context, DetailInfo, Document, KeyId, KeyIndex, KeySet, Memo, Reason, Refusal, Rejection, Timestamp,
};
use countersign_keys::chain::{Anchors, Demands, Leaf, Untrusted, certificates, verify_chain};
use countersign_keys::remote::{self, Remote};
use countersign_keys::{Offered, SignatureKey};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How many certificates out of messages are remembered.
const REMEMBERED: usize = 16;

/// The longest certificate in a message, with those it leads by, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// The message has no certificate.
const ABSENT: &str = "x509/absent";
/// What the message has is no certificate.
const UNREADABLE: &str = "x509/unreadable";
/// The certificate's key cannot have made the signature.
const KEY_UNFIT: &str = "x509/key-unfit";

const DETAILS: [(&str, Reason, &str); 3] = [
    (ABSENT, Reason::MissingHeader, "The message has no certificate where the preset says."),
    (UNREADABLE, Reason::MalformedSignature, "What the message has for a certificate cannot be read as one."),
    (KEY_UNFIT, Reason::UntrustedKey, "The certificate's key is of another algorithm, or too weak."),
];

/// Every detail code that the mode can give beside those of templates.
pub(crate) fn details() -> impl Iterator<Item = DetailInfo> {
    let own = DETAILS.iter().map(|(code, reason, says)| (Cow::from(*code), *reason, Cow::from(*says)));
    let chains = Untrusted::ALL.iter().map(|why| (code(*why), Reason::UntrustedKey, Cow::from(why.says())));
    own.chain(chains).chain(remote::DETAILS.iter().cloned())
}

fn code(why: Untrusted) -> Cow<'static, str> {
    format!("x509/{}", why.word()).into()
}

/// Where a certificate is, its variables put in.
pub(crate) enum Source {
    Remote(Box<Remote>),
    Message(Value),
}

/// What finds keys: it holds anchors, and remembers what led to them.
pub(crate) struct Bound {
    source: Source,
    anchors: Anchors,
    /// By the places of the anchors: those of their keys.
    places: Box<[KeyIndex]>,
    demands: Demands,
    offered: Offered,
    fetched: Memo<Believed>,
    sent: Recent,
}

/// A certificate that was believed, and for how long it may be.
struct Believed {
    leaf: Leaf,
    anchors: KeySet,
    thumbprint: KeyId,
    /// Its key made ready, by the place of the algorithm.
    ready: Box<[OnceLock<Option<Arc<SignatureKey>>>]>,
}

impl Find<SignatureKey> for Bound {
    fn find(
        &self,
        algorithm: usize,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Vec<FoundKey<SignatureKey>>, Refusal> {
        let (believed, id) = match &self.source {
            Source::Remote(remote) => self.fetched(remote, message, cx)?,
            Source::Message(value) => {
                let believed = self.sent(value, message, cx.now)?;
                let id = believed.thumbprint.clone();
                (believed, id)
            }
        };
        let prepare = || {
            let key = self.offered.prepare(algorithm, &believed.leaf.key).ok()?;
            Some(Arc::new(SignatureKey::from(key)))
        };
        let key = believed.ready.get(algorithm).and_then(|ready| ready.get_or_init(prepare).clone());
        let key = key.ok_or_else(|| refuse(KEY_UNFIT))?;
        Ok(vec![FoundKey { id, anchors: believed.anchors, key }])
    }
}

impl Bound {
    pub(crate) fn new(
        source: Source,
        anchors: Anchors,
        places: Box<[KeyIndex]>,
        demands: Demands,
        offered: Offered,
    ) -> Self {
        let (fetched, sent) = (Memo::new(), Recent::default());
        Bound { source, anchors, places, demands, offered, fetched, sent }
    }

    /// The certificate in a fetched document. It is called by where it was fetched.
    fn fetched(
        &self,
        remote: &Remote,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<(Arc<Believed>, KeyId), Refusal> {
        let request = remote.request(message)?;
        let Some(document) = cx.remote.get(request.kind, &request.name) else {
            return Err(Refusal::Unresolved(request));
        };
        let read = |document: &Document| {
            self.fetched.read(document, |bytes| self.believe(bytes, cx.now)).map_err(distrust)
        };
        let mut believed = read(&document)?;
        if believed.leaf.judge(cx.now).is_err() {
            // There may be another path, for another time. It is judged anew each time: clocks seldom go back.
            believed = Arc::new(self.believe(&document.bytes, cx.now).map_err(distrust)?);
        }
        Ok((believed, KeyId::new(request.name)))
    }

    /// The certificate in a message. It is called by its thumbprint, for whoever sent it could have called it anything.
    fn sent(
        &self,
        value: &Value,
        message: &Message<'_, '_>,
        now: Timestamp,
    ) -> Result<Arc<Believed>, Rejection> {
        let text = message.text(value)?.ok_or_else(|| rejection(ABSENT))?;
        if text.len() > MAX_TEXT {
            return Err(rejection(UNREADABLE));
        }
        let print: [u8; 32] = Sha256::digest(&*text).into();
        if let Some(believed) = self.sent.get(&print).filter(|believed| believed.leaf.judge(now).is_ok()) {
            return Ok(believed);
        }
        let believed = self.believe(&text, now).map_err(|why| match why {
            Untrusted::Malformed => rejection(UNREADABLE),
            why => distrust(why),
        })?;
        let believed = Arc::new(believed);
        self.sent.put(print, believed.clone());
        Ok(believed)
    }

    /// Judge a chain.
    fn believe(&self, text: &[u8], now: Timestamp) -> Result<Believed, Untrusted> {
        let chain = certificates(text)?;
        let leaf = verify_chain(&chain, &self.anchors, now, &self.demands)?;
        let anchors = leaf.anchors.iter().filter_map(|place| self.places.get(*place).copied()).collect();
        let thumbprint = const_hex::encode(Sha256::digest(chain.first().map_or(&[][..], |leaf| leaf)));
        let ready = (0..self.offered.count()).map(|_| OnceLock::new()).collect();
        Ok(Believed { leaf, anchors, thumbprint: KeyId::new(thumbprint), ready })
    }
}

fn distrust(why: Untrusted) -> Rejection {
    Rejection::new(Reason::UntrustedKey).detail(code(why), why.says())
}

fn refuse(code: &'static str) -> Refusal {
    rejection(code).into()
}

fn rejection(code: &'static str) -> Rejection {
    match DETAILS.iter().find(|(known, ..)| *known == code) {
        Some((code, reason, says)) => Rejection::new(*reason).detail(*code, *says),
        None => Rejection::new(Reason::UntrustedKey),
    }
}

/// The certificates that were believed last, by the digest of their text, each in one spelling. Only the believed are in it:
/// whoever sends others, or one of them in ever new spellings, pushes none of the rest out.
#[derive(Default)]
struct Recent(Mutex<Vec<([u8; 32], Arc<Believed>)>>);

impl Recent {
    fn get(&self, print: &[u8; 32]) -> Option<Arc<Believed>> {
        // A poisoned lock holds whole entries all the same.
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(known, _)| known == print).map(|(_, believed)| believed.clone())
    }

    fn put(&self, print: [u8; 32], believed: Arc<Believed>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, known)| known.thumbprint != believed.thumbprint);
        if held.len() == REMEMBERED {
            held.remove(0);
        }
        held.push((print, believed));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    #[test]
    fn a_certificate_in_many_spellings_pushes_no_other_out() {
        let (mut root, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let anchor = root.self_signed(&key).unwrap().pem();
        let issuer = Issuer::from_params(&root, &key);
        let leaf = |name: &str| {
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().pem()
        };
        let anchors = Anchors::pinned([&anchor]).unwrap();
        let believe = |text: &str| {
            let chain = certificates(text.as_bytes()).unwrap();
            let now = Timestamp::from_unix(1_767_225_600);
            let leaf = verify_chain(&chain, &anchors, now, &Demands::default()).unwrap();
            let thumbprint = KeyId::new(const_hex::encode(Sha256::digest(&chain[0])));
            Arc::new(Believed { leaf, anchors: KeySet::default(), thumbprint, ready: Box::default() })
        };
        let print = |text: &str| -> [u8; 32] { Sha256::digest(text).into() };
        let (recent, quiet, noisy) = (Recent::default(), leaf("a.example.com"), leaf("b.example.com"));
        recent.put(print(&quiet), believe(&quiet));
        for count in 0..2 * REMEMBERED {
            let text = noisy.clone() + &"\n".repeat(count);
            recent.put(print(&text), believe(&text));
            assert!(recent.get(&print(&text)).is_some());
        }
        assert!(recent.get(&print(&quiet)).is_some());
    }
}
