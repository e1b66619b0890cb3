//! `countersign sign`: a request as the sender would make it, in the form its reader wants.

use crate::args::{SignArgs, SignFormat};
use crate::error::{Exit, Failure};
use crate::output;
use crate::request::{self, Stdin};
use crate::scheme::Chosen;
use crate::verify::advice;
use crate::{secret, time};
use countersign::{Draft, Rejection, Signed};
use countersign_explain::capture::{Address, Capture, split};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Where a request goes that is not told where.
const NOWHERE: &str = "https://example.com/webhook";

/// Sign it.
pub(crate) fn run(args: &SignArgs) -> Result<Exit, Failure> {
    let SignArgs { scheme, keys, parts, at, id, format } = args;
    Stdin::check(&keys.secret, &[parts.body.as_deref()])?;
    let mut stdin = Stdin::default();
    let at = at.as_deref().map_or_else(|| Ok(time::now()), |text| time::parse_option("--at", text))?;
    let chosen = Chosen::by(scheme, None)?;
    let vars = chosen.vars(&keys.var)?;
    chosen.require_signing()?;
    chosen.require_secret(&keys.secret, true)?;
    let incoming = request::from_parts(parts, &mut stdin)?;
    let url = url_of(&incoming, chosen.looks_at_url())?;
    let ring = secret::keyring(&keys.secret, chosen.key_kind(true), &mut stdin)?;
    let signer = chosen.compiled.signer(&ring, &vars)?;
    drop(ring);
    let id = id.clone().unwrap_or_else(random_id);
    let mut draft = Draft::new(&id, at, &url, &incoming.body);
    draft.method = &incoming.method;
    draft.headers = &incoming.headers;
    let signed = match signer.sign(&draft) {
        Ok(signed) => signed,
        Err(rejection) => return Ok(cannot(&rejection)),
    };
    let outgoing = Outgoing::new(&incoming, url, signed)?;
    match format {
        SignFormat::Headers => outgoing.print_headers()?,
        SignFormat::Curl => output::print(&outgoing.curl(parts.body.as_deref())?)?,
        SignFormat::Http => output::print_bytes(&outgoing.http()?)?,
        SignFormat::Json => output::print_json(&outgoing.json()?.to_json())?,
    }
    Ok(Exit::Done)
}

/// A request to send.
struct Outgoing<'a> {
    method: &'a str,
    url: String,
    given: &'a [(String, Vec<u8>)],
    added: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    /// Whether signing put something into URL or body.
    moved: bool,
    body_is_given: bool,
}

impl<'a> Outgoing<'a> {
    fn new(incoming: &'a Capture, url: String, signed: Signed) -> Result<Self, Failure> {
        let Signed { headers, url: signed_url, body, .. } = signed;
        let added: Vec<(String, Vec<u8>)> =
            headers.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        let given = &incoming.headers;
        if let Some((name, _)) =
            added.iter().find(|(name, _)| given.iter().any(|(n, _)| n.eq_ignore_ascii_case(name)))
        {
            return Err(Failure::usage(format!(
                "--header: `{name}` is what signing makes, and twice it would be refused"
            ))
            .next("leave that --header out; time and id are set with --at and --id"));
        }
        Ok(Outgoing {
            method: &incoming.method,
            moved: signed_url.is_some() || body.is_some(),
            body_is_given: body.is_none(),
            url: signed_url.unwrap_or(url),
            given,
            added,
            body: body.unwrap_or_else(|| incoming.body.clone()),
        })
    }

    /// Given ones first, then those that signing made.
    fn headers(&self) -> impl Iterator<Item = &(String, Vec<u8>)> {
        self.given.iter().chain(&self.added)
    }

    fn has(&self, name: &str) -> bool {
        self.headers().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    fn print_headers(&self) -> Result<(), Failure> {
        let mut out = Vec::new();
        for (name, value) in &self.added {
            out.extend_from_slice(&[name.as_bytes(), b": ", value, b"\n"].concat());
        }
        if self.moved {
            output::warn(
                "this scheme signs inside the URL or the body, which --format headers does not show: use http, curl or json",
            );
        }
        output::print_bytes(&out)
    }

    fn http(&self) -> Result<Vec<u8>, Failure> {
        let (host, rest) = split(&self.url);
        let target = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        let length = self.body.len().to_string();
        let contradicts = |(name, value): &&(String, Vec<u8>)| {
            name.eq_ignore_ascii_case("content-length") && **value != *length.as_bytes()
                || name.eq_ignore_ascii_case("transfer-encoding")
        };
        if let Some((name, _)) = self.headers().find(contradicts) {
            return Err(Failure::usage(format!("--header: `{name}` contradicts the body of {length} bytes"))
                .next("leave it out: the length is written by itself"));
        }
        let mut headers: Vec<(String, Vec<u8>)> = self.headers().cloned().collect();
        if !self.has("host") {
            headers.insert(0, ("Host".into(), host.into()));
        }
        if !self.has("content-length") {
            headers.push(("Content-Length".into(), length.into_bytes()));
        }
        let address = Address::Wire { host: None, target };
        let capture = Capture::new(self.method, address, headers, self.body.clone());
        capture.and_then(|capture| capture.to_http()).map_err(request::failure)
    }

    fn json(&self) -> Result<Capture, Failure> {
        let headers = self.headers().cloned().collect();
        Capture::new(self.method, Address::Given(self.url.clone()), headers, self.body.clone())
            .map_err(request::failure)
    }

    fn curl(&self, body_option: Option<&str>) -> Result<String, Failure> {
        // Curl reads brackets in URLs as ranges, and takes dots out of paths.
        let mut out = format!("curl --globoff --path-as-is -X {} {}", self.method, shell(&self.url));
        for (name, value) in self.headers() {
            let value = std::str::from_utf8(value)
                .map_err(|_| Failure::usage(format!("header `{name}` is not UTF-8")).next("--format http"))?;
            let text = if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            out.push_str(&format!(" \\\n  -H {}", shell(&text)));
        }
        if !self.body.is_empty() {
            if !self.has("content-type") {
                // Curl would call it a form, which some schemes read.
                out.push_str(" \\\n  -H 'Content-Type:'");
            }
            let file = body_option.filter(|option| option.starts_with('@') && self.body_is_given);
            let data = match (file, std::str::from_utf8(&self.body)) {
                (Some(file), _) => format!("--data-binary {}", shell(file)),
                (None, Ok(text)) if !text.contains('\0') => format!("--data-raw {}", shell(text)),
                (None, _) => {
                    return Err(Failure::usage("the body is not text, and a shell cannot hold it")
                        .next("--body @FILE, or --format http"));
                }
            };
            out.push_str(&format!(" \\\n  {data}"));
        }
        Ok(out + "\n")
    }
}

/// The URL that is signed. Where the scheme signs it, none may be made up.
fn url_of(incoming: &Capture, wanted: bool) -> Result<String, Failure> {
    match (&incoming.url, wanted) {
        (Address::Given(url), _) => Ok(url.clone()),
        (_, true) => Err(Failure::usage("this scheme signs the URL, and it is not given")
            .next("--url URL, exactly as the receiver is configured with it")),
        (_, false) => Ok(NOWHERE.into()),
    }
}

fn cannot(rejection: &Rejection) -> Exit {
    let Rejection { reason, detail, .. } = rejection;
    let detail =
        detail.as_ref().map(|detail| format!(" {} ({})", detail.text, detail.code)).unwrap_or_default();
    output::error(&format!("not signed: {}: {}{detail}", reason.code(), reason.says()));
    output::help(match reason {
        countersign::Reason::MissingHeader => "give what the scheme signs: --header, --url, --body",
        reason => advice(*reason),
    });
    Exit::No
}

/// Between single quotes a POSIX shell leaves everything but the single quote alone.
pub(crate) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Unlike any other, which is all that an id has to be: the standard library seeds its hash maps from the system's
/// randomness.
pub(crate) fn random_id() -> String {
    let word = || RandomState::new().build_hasher().finish();
    format!("msg_{:016x}{:016x}", word(), word())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_stays_a_quote() {
        assert_eq!(shell("it's $x"), r"'it'\''s $x'");
    }

    #[test]
    fn ids_differ() {
        assert_ne!(random_id(), random_id());
    }
}
