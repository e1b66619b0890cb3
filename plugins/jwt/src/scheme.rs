//! The plan as a scheme: what it needs, how it takes keys, and the mistakes that are likely in it.

use crate::check::Bound;
use crate::keys::Keys;
use crate::plan::{Allowed, From, Plan};
use crate::sign::Signer;
use crate::token::{self, Header, Token};
use countersign::template::{Message, Scope};
use countersign::{
    Binds, BodyNeed, Change, Check, Hypothesis, KeyError, Keyring, Needs, Request, Scheme, Sign, Vars,
};
use std::sync::Arc;

/// A leeway with which no time of a token is wrong, in seconds.
const CENTURY: i64 = 100 * 366 * 86_400;

impl Scheme for Plan {
    fn needs(&self) -> Needs {
        let binds = self.binds();
        let body = if self.reads_the_body() { BodyNeed::Whole } else { BodyNeed::Nothing };
        let remote = matches!(self.from, From::Set(_));
        let mut needs = Needs::new(body, self.kinds()).remote(remote).binds(binds);
        needs.signs = self.can_sign().is_ok();
        // A token that knows nothing of the request may be shown with many.
        let in_body = !self.places.are_in_head();
        needs.content = in_body || binds.contains(Binds::BODY) || binds.contains(Binds::ID);
        if !in_body && !binds.contains(Binds::BODY) {
            needs.notes.push(
                "the token says nothing of the body: whoever sees one can send any other body with it, until it expires".into(),
            );
        }
        if !self.expected.required.iter().any(|claim| claim.pointer() == "/exp")
            && !binds.contains(Binds::TIME)
        {
            needs.notes.push("a token is good for ever: neither `exp` nor a time is required".into());
        }
        if self.short_secrets {
            needs.notes.push(
                "a secret may be shorter than its hash: one token is enough to guess a weak one".into(),
            );
        }
        needs
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let plan = self.with_vars(vars)?;
        let keys = Keys::bind(&plan, keys)?;
        Ok(Arc::new(Bound { binds: plan.binds(), in_head: !plan.reads_the_body(), plan, keys }))
    }

    fn signer(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        Ok(Box::new(Signer::new(self.with_vars(vars)?, keys)?))
    }

    fn hypotheses<'s>(&'s self, request: &Request<'s>) -> Box<dyn Iterator<Item = Hypothesis> + 's> {
        Box::new(self.guesses(request).into_iter())
    }
}

impl Plan {
    /// The same with one thing not asked, or asked otherwise.
    fn guesses(&self, request: &Request<'_>) -> Vec<Hypothesis> {
        let mut guesses = Vec::new();
        let mut guess = |code: &'static str, says: &'static str, change: &dyn Fn(&mut Plan)| {
            let mut plan = self.clone();
            change(&mut plan);
            guesses.push(Hypothesis {
                code: code.into(),
                says: says.into(),
                change: Change::Scheme(Box::new(plan)),
            });
        };
        let other = self.named(request).filter(|found| self.allowed(found.name).is_none());
        if let Some(found) = other.filter(|found| found.name.starts_with("HS") == self.is_shared()) {
            let says = "the sender signs with another algorithm than `algorithms` allows: add it, if it is the sender's";
            guess("jwt/other-algorithm", says, &|plan| {
                plan.algorithms = plan.algorithms.iter().copied().chain([found]).collect();
            });
        }
        if !self.expected.audience.is_empty() {
            let says = "the token is for another `audience`: look what the sender was told to call you";
            guess("jwt/other-audience", says, &|plan| plan.expected.audience = Box::default());
        }
        if !self.expected.issuer.is_empty() {
            let says = "the token is of another `issuer`: look whose keys these are";
            guess("jwt/other-issuer", says, &|plan| plan.expected.issuer = Box::default());
        }
        if !self.expected.kinds.is_empty() {
            let says = "the token has another `type`: it may be meant for something else";
            guess("jwt/other-type", says, &|plan| plan.expected.kinds = Box::default());
        }
        let says = "a claim that `require` compares is another: the body or the URL may have been altered on its way";
        guess("jwt/other-claim", says, &|plan| plan.rules = Default::default());
        if self.expected.leeway < 60 {
            let says = "a clock is wrong by up to a minute: set it, or raise `leeway_seconds`";
            guess("jwt/clock", says, &|plan| plan.expected.leeway = 60);
        }
        let says =
            "the token is of another time: it has expired, or is not yet valid, or was made in the future";
        guess("time/token", says, &|plan| plan.expected.leeway = CENTURY);
        guesses
    }

    /// The algorithm that a request's token names, if it is one at all.
    fn named(&self, request: &Request<'_>) -> Option<Allowed> {
        let scope = Scope::new(request);
        let text = Message::new(&scope).one(&self.places).ok()?;
        let header = token::header_bytes(&Token::cut(&text).ok()?).ok()?;
        let unencoded = self.detached.as_ref().is_some_and(|detached| detached.unencoded);
        Allowed::find(&Header::read(&header, unencoded).ok()?.algorithm)
    }
}
