//! Judging: a statement is read, a key is found, the signature tried, and only then the body is hashed.
//!
//! In this order whoever has no key cannot make us hash a body, and a refusal comes with the head.

use crate::algorithm::Ready;
use crate::details::{
    ALG_NOT_ALLOWED, ALG_NOT_OF_KEY, DATE_UNREADABLE, DIGEST_OTHER, EXPIRED, KEYID_UNKNOWN,
};
use crate::digest::Digests;
use crate::plan::Plan;
use crate::statement::Statement;
use countersign::{
    Binds, Check, Context, Evidence, Explain, Fingerprints, Head, KeyId, KeyIndex, KeySet, Progress, Reason,
    Refusal, Rejection, Request, SignedBy, Step, TimeFormat, Timestamp,
};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;

/// A plan with keys.
pub(crate) struct Bound {
    pub(crate) plan: Arc<Plan>,
    pub(crate) held: Box<[Held]>,
}

/// A key of the ring.
pub(crate) struct Held {
    pub(crate) index: KeyIndex,
    pub(crate) id: KeyId,
    pub(crate) ready: Ready,
}

/// A good signature, whose body is still to come.
struct Proven {
    evidence: Evidence<'static>,
    digests: Option<Digests>,
    expires: Option<i64>,
}

impl Check for Bound {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let mut proven = self.prove(&request.head)?;
        proven.take(request.body);
        Ok(proven.end(cx.now)?)
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        _: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        Ok(Some(Box::new(self.prove(head)?)))
    }

    fn explain(&self, request: &Request<'_>, _: &Context<'_>, out: &mut dyn Explain) {
        let Ok(statement) = self.plan.statement(&request.head) else { return };
        for (name, value) in &statement.lines {
            out.step(Step::Part { name, bytes: value.as_bytes() });
        }
        let place = format!("header {}", self.plan.form.header().as_str());
        out.step(Step::Candidate { place: &place, bytes: &statement.signature });
        let text = statement.text();
        let Ok(meant) = self.meant(&statement) else { return };
        for held in meant {
            let matched = held.made(&text, &statement.signature);
            out.step(Step::Tried { key: &held.id, matched });
        }
    }
}

impl Bound {
    /// Everything that the head alone decides.
    fn prove(&self, head: &Head<'_>) -> Result<Proven, Rejection> {
        let statement = self.plan.statement(head)?;
        let text = statement.text();
        let matching =
            self.meant(&statement)?.into_iter().filter(|held| held.made(&text, &statement.signature));
        let keys: KeySet = matching.map(|held| held.index).collect();
        if keys.is_empty() {
            return Err(Rejection::new(Reason::BadSignature));
        }
        let Statement { created, date, expires, nonce, digests, .. } = statement;
        let date = date
            .map(|date| TimeFormat::HttpDate.parse(date.as_bytes()).ok_or_else(|| DATE_UNREADABLE.refuse()));
        let times = [created.map(Timestamp::from_unix), date.transpose()?];
        let fingerprint = Fingerprints::content(Sha256::digest(text.as_bytes()).into());
        let mut evidence = Evidence::new(SignedBy::Held(keys), fingerprint, self.plan.binds);
        evidence.signed_at = times.iter().flatten().min().copied();
        evidence.signed_until = times.iter().flatten().max().copied();
        evidence.message_id = nonce.filter(|_| self.plan.binds.contains(Binds::ID)).map(Cow::Owned);
        Ok(Proven { evidence, digests, expires })
    }

    /// The keys that the statement can mean; at least one.
    fn meant(&self, statement: &Statement) -> Result<Vec<&Held>, Rejection> {
        let algorithm = match &statement.algorithm {
            None => None,
            Some(word) => self.plan.algorithms.find(word).ok_or_else(|| ALG_NOT_ALLOWED.refuse())?,
        };
        let keyid = statement.keyid.as_deref().filter(|_| self.plan.keyid_selects);
        let named = |held: &&Held| keyid.is_none_or(|keyid| held.id.as_str() == keyid);
        let named: Vec<&Held> = self.held.iter().filter(named).collect();
        if named.is_empty() {
            return Err(KEYID_UNKNOWN.refuse());
        }
        let fits = |held: &&Held| algorithm.is_none_or(|algorithm| held.ready.algorithm == algorithm);
        let fitting: Vec<&Held> = named.into_iter().filter(fits).collect();
        match fitting.is_empty() {
            true => Err(ALG_NOT_OF_KEY.refuse()),
            false => Ok(fitting),
        }
    }
}

impl Held {
    fn made(&self, text: &str, signature: &[u8]) -> bool {
        let verifying = &self.ready.verifying;
        verifying.verify(&verifying.content(&[text.as_bytes()]), signature)
    }
}

impl Proven {
    fn take(&mut self, piece: &[u8]) {
        if let Some(digests) = &mut self.digests {
            digests.update(piece);
        }
    }

    /// What only the whole body and the present decide.
    fn end(self, now: Timestamp) -> Result<Evidence<'static>, Rejection> {
        if !self.digests.is_none_or(Digests::fit) {
            return Err(DIGEST_OTHER.refuse());
        }
        match self.expires {
            Some(expires) if expires < now.unix() => Err(EXPIRED.refuse()),
            _ => Ok(self.evidence),
        }
    }
}

impl Progress for Proven {
    fn update(&mut self, piece: &[u8]) {
        self.take(piece);
    }

    fn finish(self: Box<Self>, cx: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        Ok((*self).end(cx.now)?)
    }
}
