//! draft-cavage-http-signatures: one header `Signature` says what is covered and has the signature.
//!
//! The drafts, of which there are thirteen, were never a standard, and differ. Where they do, what is silent is refused:
//! without `headers` one signs `Date` and another `(created)`, and nobody can know which was meant.

use crate::component::{Component, Seen, shortened};
use crate::details::{
    COMPONENT_UNKNOWN, EXPIRES_FIRST, PARAMETER_ABSENT, PARAMETER_UNREADABLE, SEVERAL, TOO_LONG, UNREADABLE,
};
use crate::digest::Digests;
use crate::fields;
use crate::statement::{Statement, check_cover, lines};
use countersign::{Head, HeaderName, Reason, Rejection};

/// How many parameters are read.
const MAX_PARAMETERS: usize = 16;

/// What the drafts' form looks for.
pub(crate) struct Draft {
    /// Where the signature is.
    pub(crate) header: HeaderName,
    /// Whether that is `Authorization`, and the word `Signature` stands before it.
    pub(crate) authorization: bool,
    pub(crate) required: Box<[Component]>,
    pub(crate) digest: HeaderName,
    pub(crate) date: HeaderName,
}

/// The scheme in `Authorization`.
pub(crate) const SCHEME: &str = "Signature";

impl Draft {
    /// Read the signature and everything that it covers.
    pub(crate) fn read(&self, head: &Head<'_>) -> Result<Statement, Rejection> {
        if head.headers.nth(&self.header, 1).is_some() {
            return Err(SEVERAL.because("the signature's header comes more than once"));
        }
        let text = fields::joined(head.headers, &self.header, UNREADABLE)?
            .ok_or_else(|| Rejection::new(Reason::MissingSignature))?;
        let text = match self.authorization {
            false => &*text,
            true => match text.split_once(' ') {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
                _ => return Err(Rejection::new(Reason::MissingSignature)),
            },
        };
        let said = Said::parse(text)?;
        let headers = said.text("headers")?.ok_or_else(|| {
            PARAMETER_ABSENT.because("without `headers` the drafts disagree about what is signed")
        })?;
        let covered = covered(&headers)?;
        check_cover(&covered, &self.required)?;
        let algorithm = said.text("algorithm")?;
        let (created, expires) = (said.number("created")?, said.number("expires")?);
        let timed = covered.iter().any(|component| component.is_created() || component.is_expires());
        // So says the draft, that what was signed before there were these words is not read in two ways.
        let before =
            |algorithm: &String| ["rsa", "hmac", "ecdsa"].iter().any(|old| algorithm.starts_with(old));
        if timed && algorithm.as_ref().is_some_and(before) {
            let says = "`(created)` and `(expires)` are not for algorithms that are older than they";
            return Err(COMPONENT_UNKNOWN.because(says));
        }
        if let (Some(created), Some(expires)) = (created, expires)
            && expires <= created
        {
            return Err(EXPIRES_FIRST.refuse());
        }
        let signature = said.text("signature")?.filter(|text| !text.is_empty());
        let signature = signature.ok_or_else(|| PARAMETER_ABSENT.because("`signature` is absent"))?;
        let signature = base64_simd::STANDARD.decode_to_vec(signature.as_bytes());
        let signature = signature.map_err(|_| PARAMETER_UNREADABLE.because("`signature` is no base64"))?;
        let seen = Seen { head: *head, created, expires };
        let covers = |name: &str| covered.iter().any(|component| component.is_field(name));
        let digests = match covers("digest") {
            true => fields::text(head.headers, &self.digest)?.map(|text| Digests::instance(&text)),
            false => None,
        };
        let date = if covers("date") { fields::text(head.headers, &self.date)? } else { None };
        let is_created = covered.iter().any(Component::is_created);
        Ok(Statement {
            lines: lines(&covered, &seen)?,
            signature,
            algorithm,
            keyid: said.text("keyid")?,
            // One that is not covered is anybody's.
            created: created.filter(|_| is_created),
            date,
            expires,
            nonce: None,
            digests: digests.transpose()?,
        })
    }
}

/// The components of a list of headers.
fn covered(headers: &str) -> Result<Vec<Component>, Rejection> {
    headers.split(' ').map(Component::draft).collect()
}

/// Parameters, `name="text"` or `name=1`, their names in lower case: some senders write `keyid`.
struct Said<'t>(Vec<(String, Value<'t>)>);

enum Value<'t> {
    Text(&'t str),
    Bare(&'t str),
}

impl<'t> Said<'t> {
    fn parse(text: &'t str) -> Result<Self, Rejection> {
        let space = [' ', '\t'];
        let unreadable = || UNREADABLE.because("the signature is no list of `name=\"value\"`");
        let mut found: Vec<(String, Value<'t>)> = Vec::new();
        let mut rest = text.trim_matches(space);
        loop {
            let (name, after) = rest.split_once('=').ok_or_else(unreadable)?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(unreadable());
            }
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let (text, after) = quoted.split_once('"').ok_or_else(unreadable)?;
                    // Some readers take a backslash for the beginning of a character, and others for one.
                    if text.contains('\\') {
                        return Err(unreadable());
                    }
                    (Value::Text(text), after)
                }
                None => {
                    let (bare, after) = after.split_at(after.find(',').unwrap_or(after.len()));
                    (Value::Bare(bare.trim_matches(space)), after)
                }
            };
            let name = name.to_ascii_lowercase();
            if found.iter().any(|(known, _)| *known == name) {
                let name = shortened(&name);
                return Err(UNREADABLE.because(format!("the parameter `{name}` comes twice")));
            }
            if found.len() == MAX_PARAMETERS {
                return Err(TOO_LONG.because("the signature has more than 16 parameters"));
            }
            found.push((name, value));
            let after = after.trim_matches(space);
            match after.strip_prefix(',') {
                Some(after) => rest = after.trim_matches(space),
                None if after.is_empty() => return Ok(Said(found)),
                None => return Err(unreadable()),
            }
        }
    }

    fn find(&self, wanted: &str) -> Option<&Value<'t>> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value)
    }

    fn text(&self, wanted: &str) -> Result<Option<String>, Rejection> {
        match self.find(wanted) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some((*text).to_owned())),
            Some(Value::Bare(_)) => {
                Err(PARAMETER_UNREADABLE.because(format!("`{wanted}` is no text in quotes")))
            }
        }
    }

    fn number(&self, wanted: &str) -> Result<Option<i64>, Rejection> {
        let unreadable = || PARAMETER_UNREADABLE.because(format!("`{wanted}` is no whole number"));
        match self.find(wanted) {
            None => Ok(None),
            Some(Value::Bare(digits))
                if matches!(digits.len(), 1..=15)
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits.len() == 1 || !digits.starts_with('0')) =>
            {
                digits.parse().map(Some).map_err(|_| unreadable())
            }
            Some(_) => Err(unreadable()),
        }
    }
}
