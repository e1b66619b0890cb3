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
use countersign_keys::chain::{Anchors, Demands, Leaf, Recent, Untrusted, certificates, verify_chain};
use countersign_keys::remote::{self, Remote};
use countersign_keys::{Offered, SignatureKey};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// The longest certificate in a message, with those it leads by, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// The message has no certificate.
const ABSENT: &str = "x509/absent";
/// What the message has is no certificate.
const UNREADABLE: &str = "x509/unreadable";
/// The certificate's key cannot have made the signature.
const KEY_UNFIT: &str = "x509/key-unfit";

const DETAILS: [(&str, Reason, &str); 3] = [
    (ABSENT, Reason::MissingHeader, "the message has no certificate where the preset says"),
    (UNREADABLE, Reason::MalformedSignature, "what the message has for a certificate cannot be read as one"),
    (KEY_UNFIT, Reason::UntrustedKey, "the certificate's key is of another algorithm, or too weak"),
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
    sent: Recent<Believed>,
}

/// A certificate that was believed, and for how long it may be.
struct Believed {
    leaf: Leaf,
    anchors: KeySet,
    thumbprint: KeyId,
    /// Its key made ready, by the place of the algorithm.
    ready: Box<[OnceLock<Option<Arc<SignatureKey>>>]>,
}

impl AsRef<Leaf> for Believed {
    fn as_ref(&self) -> &Leaf {
        &self.leaf
    }
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
        self.sent.of(print, now, || self.believe(&text, now)).map_err(|why| match why {
            Untrusted::Malformed => rejection(UNREADABLE),
            why => distrust(why),
        })
    }

    /// Judge a chain.
    fn believe(&self, text: &[u8], now: Timestamp) -> Result<Believed, Untrusted> {
        let chain = certificates(text)?;
        let leaf = verify_chain(&chain, &self.anchors, now, &self.demands)?;
        let anchors = leaf.anchors.iter().filter_map(|place| self.places.get(*place).copied()).collect();
        let thumbprint = const_hex::encode(leaf.print);
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
