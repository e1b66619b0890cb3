//! A captured request with time and signature made anew, as its sender would have sent it now.
//!
//! Which headers those are, no preset says in so many words; so it is signed once to see what signing makes. Where the id of
//! the message goes is seen the same way, and the id that stood there goes out again: a receiver knows the message by it.

use crate::args::MaybeScheme;
use crate::error::Failure;
use crate::output::plain;
use crate::request::Stdin;
use crate::scheme::Chosen;
use crate::sign::random_id;
use crate::{secret, time};
use countersign::{Draft, Signed, Signer};
use countersign_explain::capture::Capture;

type Headers = Vec<(String, Vec<u8>)>;

/// Signs what was signed before.
pub(super) struct Resigner {
    signer: Signer,
    /// The URL that the receiver is configured with, where it is not the one that is sent to.
    url: Option<String>,
}

/// A scheme or a secret is for nothing where nothing is signed.
pub(super) fn refuse_unused(scheme: &MaybeScheme) -> Result<(), Failure> {
    if scheme.preset.is_some() || scheme.scheme.is_some() || !scheme.keys.secret.is_empty() {
        return Err(Failure::usage("a preset and a secret are for --resign, and it is not given")
            .next("--resign makes the signature anew; without it a request is sent as it is"));
    }
    Ok(())
}

impl Resigner {
    pub(super) fn new(scheme: &MaybeScheme, url: Option<&str>, stdin: &mut Stdin) -> Result<Self, Failure> {
        let chosen = Chosen::if_any(scheme)?.ok_or_else(|| {
            Failure::usage("--resign: by which scheme?").next("--preset NAME --secret env:NAME")
        })?;
        let keys = &scheme.keys;
        let vars = chosen.vars(&keys.var)?;
        chosen.require_signing()?;
        chosen.require_secret(&keys.secret, true)?;
        let ring = secret::keyring(&keys.secret, chosen.key_kind(true), stdin)?;
        let signer = chosen.compiled.signer(&ring, &vars)?;
        Ok(Resigner { signer, url: url.map(str::to_owned) })
    }

    /// The headers of one that goes to `url`: those that signing makes, and of the others what was there.
    pub(super) fn resign(&self, name: &str, capture: &Capture, url: &str) -> Result<Headers, Failure> {
        let url = self.url.as_deref().unwrap_or(url);
        let probe = random_id();
        // Signed as it came, for nothing but the names.
        let seen = self.sign(name, capture, (&capture.headers, url, &probe))?;
        if seen.url.is_some() || seen.body.is_some() {
            // What stood there of old is in it already, and twice it would be refused.
            return Err(Failure::usage(
                "--resign: this scheme signs inside the URL or the body, and only headers are replaced",
            )
            .next("make a fresh one: countersign sign --format http"));
        }
        let made = |header: &str| seen.headers.iter().any(|(made, _)| made.eq_ignore_ascii_case(header));
        let id = self.id(capture, &seen, &probe).unwrap_or(probe.clone());
        let mut headers: Headers =
            capture.headers.iter().filter(|(header, _)| !made(header)).cloned().collect();
        let signed = self.sign(name, capture, (&headers, url, &id))?;
        headers.extend(signed.headers.into_iter().map(|(header, value)| (header.to_string(), value)));
        Ok(headers)
    }

    fn sign(
        &self,
        name: &str,
        capture: &Capture,
        (headers, url, id): (&Headers, &str, &str),
    ) -> Result<Signed, Failure> {
        let mut draft = Draft::new(id, time::now(), url, &capture.body);
        (draft.method, draft.headers) = (&capture.method, headers);
        self.signer.sign(&draft).map_err(|rejection| {
            let says = rejection
                .detail
                .as_ref()
                .map_or_else(|| rejection.reason.says().into(), |detail| detail.text.to_string());
            Failure::usage(format!(
                "{}: not signed: {}: {}",
                plain(name),
                rejection.reason.code(),
                plain(&says)
            ))
            .next("see that it is of this preset: `countersign explain` finds which one it is of")
        })
    }

    /// The id that stands in the capture where signing put the probe.
    fn id(&self, capture: &Capture, seen: &Signed, probe: &str) -> Option<String> {
        let (place, _) = seen.headers.iter().find(|(_, value)| value == probe.as_bytes())?;
        let (_, value) = capture.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(place))?;
        String::from_utf8(value.clone()).ok().filter(|id| !id.is_empty())
    }
}
