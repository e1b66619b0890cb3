//! A request's token, judged: shape, signature, parties, times, in this order. What is not proven yet is only compared.

use crate::detail;
use crate::keys::{Judged, Keys, Proof};
use crate::plan::{Allowed, Detached, Plan};
use crate::token::{self, Header, Token};
use countersign::template::{Claims, Message, Scope};
use countersign::{
    Binds, Check, Context, Evidence, Explain, Head, Progress, Refusal, Rejection, Request, SignedBy, Step,
};
use std::borrow::Cow;
use std::sync::Arc;

/// A plan with its keys.
pub(crate) struct Bound {
    pub(crate) plan: Plan,
    pub(crate) keys: Keys,
    /// What every token is bound to.
    pub(crate) binds: Binds,
    /// Whether the body is not looked at.
    pub(crate) in_head: bool,
}

/// The content of a token whose payload is elsewhere, in pieces.
struct Content<'c> {
    pieces: Vec<Cow<'c, [u8]>>,
}

impl Check for Bound {
    fn check<'r>(&self, request: &Request<'r>, cx: &Context<'_>) -> Result<Evidence<'r>, Refusal> {
        let scope = Scope::new(request);
        let message = Message::new(&scope);
        message.early(&self.plan.rules)?;
        let text = message.one(&self.plan.places)?;
        let token = Token::cut(&text)?;
        let header = token::header_bytes(&token)?;
        let header = Header::read(&header, self.unencoded())?;
        let allowed = self.allowed(&header)?;
        let signature = token::decode(token.signature)?;
        if allowed.length.is_some_and(|length| length != signature.len()) {
            return Err(Rejection::from(detail::SIGNATURE).into());
        }
        let content = self.content(&token, &message)?;
        let pieces: Vec<&[u8]> = content.pieces.iter().map(|piece| &**piece).collect();
        let judged = Judged { pieces: &pieces, signature: &signature };
        let payload = match self.plan.detached {
            None => Some(token::decode(token.payload)?),
            Some(_) => None,
        };
        let known = message.with_claims(&header.members);
        let proof = self.keys.prove(judged, &header, allowed, &known, cx)?;
        match &payload {
            Some(payload) => {
                let claims = Claims::parse(payload).map_err(|why| detail::CLAIMS.because(why))?;
                Ok(self.sentence(proof, &header, &claims, &message.with_claims(&claims), cx)?)
            }
            None => Ok(self.sentence(proof, &header, &header.members, &known, cx)?),
        }
    }

    fn begin(
        self: Arc<Self>,
        head: &Head<'_>,
        cx: &Context<'_>,
    ) -> Result<Option<Box<dyn Progress>>, Refusal> {
        if !self.in_head {
            return Ok(None);
        }
        let request = Request::new(*head, b"");
        let found = self.check(&request, cx)?;
        let mut evidence = Evidence::new(found.signed_by, found.fingerprints, found.binds);
        evidence.signed_at = found.signed_at;
        evidence.message_id = found.message_id.map(|id| Cow::Owned(id.into_owned()));
        Ok(Some(Box::new(Shown(evidence))))
    }

    fn explain(&self, request: &Request<'_>, cx: &Context<'_>, out: &mut dyn Explain) {
        let scope = Scope::new(request);
        let message = Message::new(&scope);
        let Ok(text) = message.one(&self.plan.places) else { return };
        let place = self.plan.places.labels().next().unwrap_or_default();
        let Ok(token) = Token::cut(&text) else {
            return out.step(Step::Unused { place, why: "it is not three parts with dots between" });
        };
        for (name, part) in [("header", token.header), ("payload", token.payload)] {
            match token::decode(part) {
                Ok(bytes) if name == "header" || !part.is_empty() => {
                    out.step(Step::Part { name, bytes: &bytes })
                }
                Ok(_) => {}
                Err(_) => out.step(Step::Unused { place, why: "a part of it is not base64url" }),
            }
        }
        let Ok(header) = token::header_bytes(&token) else { return };
        match Header::read(&header, self.unencoded()) {
            Err(_) => return out.step(Step::Unused { place, why: "its header is refused" }),
            Ok(header) if self.plan.allowed(&header.algorithm).is_none() => {
                return out.step(Step::Unused { place, why: "its algorithm is not allowed" });
            }
            Ok(_) => {}
        }
        if let Ok(signature) = token::decode(token.signature) {
            out.step(Step::Candidate { place, bytes: &signature });
        }
        self.explain_keys(request, cx, out);
    }
}

impl Bound {
    fn unencoded(&self) -> bool {
        self.plan.detached.as_ref().is_some_and(|detached| detached.unencoded)
    }

    fn allowed(&self, header: &Header<'_>) -> Result<&Allowed, Rejection> {
        self.plan.allowed(&header.algorithm).ok_or_else(|| detail::ALGORITHM.into())
    }

    /// What the signature covers: the token as it stands, or its header and what stands elsewhere.
    fn content<'c>(&'c self, token: &Token<'c>, message: &Message<'c, 'c>) -> Result<Content<'c>, Rejection> {
        let Some(detached) = &self.plan.detached else {
            return Ok(Content { pieces: vec![Cow::Borrowed(token.signed)] });
        };
        if !token.payload.is_empty() {
            return Err(detail::ATTACHED.into());
        }
        Ok(Content { pieces: detached.pieces(token.header, message)? })
    }

    /// What a proven token comes to.
    fn sentence<'r>(
        &self,
        (signed_by, fingerprints): Proof,
        header: &Header<'_>,
        claims: &Claims<'_>,
        message: &Message<'_, '_>,
        cx: &Context<'_>,
    ) -> Result<Evidence<'r>, Rejection> {
        let expected = &self.plan.expected;
        expected.parties(&header.members, claims, message)?;
        message.late(&self.plan.rules)?;
        expected.times(claims, cx.now)?;
        let told = expected.told(claims)?;
        let mut binds = self.binds;
        for (there, part) in [(told.signed_at.is_some(), Binds::TIME), (told.id.is_some(), Binds::ID)] {
            if there {
                binds = binds | part;
            }
        }
        let mut evidence = Evidence::new(signed_by, fingerprints, binds);
        evidence.signed_at = told.signed_at;
        evidence.message_id = told.id.map(Cow::Owned);
        Ok(evidence)
    }

    /// Every held key, and whether it made the token; or the one that was found.
    fn explain_keys(&self, request: &Request<'_>, cx: &Context<'_>, out: &mut dyn Explain) {
        let signed_by = match self.check(request, cx) {
            Ok(evidence) => Some(evidence.signed_by),
            Err(_) => None,
        };
        match (&self.keys, signed_by) {
            (Keys::Held(held), signed_by) => {
                for held in held {
                    let matched =
                        matches!(&signed_by, Some(SignedBy::Held(keys)) if keys.contains(held.index));
                    out.step(Step::Tried { key: &held.id, matched });
                }
            }
            (_, Some(SignedBy::Fetched(id, _))) => out.step(Step::Tried { key: &id, matched: true }),
            _ => {}
        }
    }
}

impl Detached {
    /// Header, dot and content, as RFC 7515 (appendix F) or RFC 7797 has it signed.
    pub(crate) fn pieces<'c>(
        &'c self,
        header: &'c [u8],
        message: &Message<'c, 'c>,
    ) -> Result<Vec<Cow<'c, [u8]>>, Rejection> {
        let payload = message.text(&self.value)?.ok_or(detail::PAYLOAD)?;
        let payload = match self.unencoded {
            true => payload,
            false => Cow::Owned(token::encode(&payload).into_bytes()),
        };
        Ok(vec![Cow::Borrowed(header), Cow::Borrowed(b"."), payload])
    }
}

/// A body that no token looks at.
struct Shown(Evidence<'static>);

impl Progress for Shown {
    fn update(&mut self, _: &[u8]) {}

    fn finish(self: Box<Self>, _: &Context<'_>) -> Result<Evidence<'static>, Refusal> {
        Ok(self.0)
    }
}
