//! The two files that answers lead to: what each line means is said in them, for whoever has never seen one.

use super::answers::Answers;
use super::keys::{self, Pair};
use crate::error::Failure;
use crate::scheme::quoted;
use crate::vectors::{BODY, Delivered, case, variants};
use countersign::{Compiled, Draft, Key, KeyId, KeyKind, Keyring, Secret, Vars};
use countersign_testkit::vectors::{DEFAULT_NOW, DEFAULT_URL};
use std::fmt::Write as _;
use std::sync::Arc;

/// A delivery signed by the preset itself, with a made-up key.
pub(super) fn made_up(answers: &Answers, compiled: &Arc<Compiled>) -> Result<Delivered, String> {
    let (form, prefix) = (answers.get("secret-form"), answers.get("secret-prefix"));
    let algorithm = if answers.signs() { answers.get("algorithm") } else { String::new() };
    let Pair { signs, verifies, kind } = keys::pair(&algorithm, &form, &prefix).ok_or_else(|| {
        format!("of `{form}` for `{algorithm}` no key can be made up for a first case: choose another, and change it in the file")
    })?;
    let wrong = |error: countersign::KeyError| error.to_string();
    let id = KeyId::new("main");
    let material = Secret::new(signs.as_bytes()).map_err(|error| error.key(&id).to_string())?;
    let mut ring = Keyring::new();
    let kind = if kind == KeyKind::Shared { compiled.needs().key_kind(true) } else { kind };
    ring.add(Key::new(id, kind, material)).map_err(wrong)?;
    // What else is signed has to be there.
    let signed = answers.get("signed");
    let named = signed.split("{header:").skip(1).filter_map(|rest| rest.split(['|', '}']).next());
    let mut headers: Vec<(String, String)> = vec![("Content-Type".into(), "application/json".into())];
    for name in named {
        if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            headers.push((name.into(), "made-up".into()));
        }
    }
    let mut draft = Draft::new("msg_1", DEFAULT_NOW, DEFAULT_URL, BODY.as_bytes());
    draft.headers = &headers;
    let signer = compiled.signer(&ring, &Vars::new()).map_err(wrong)?;
    let added = signer.sign(&draft).map_err(|rejection| {
        let detail = rejection.detail.map_or_else(String::new, |detail| format!(", {}", detail.text));
        format!("a first case cannot be made up and signed ({}{detail}): begin with body, and change it in the file", rejection.reason)
    })?;
    let added =
        added.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value).into()));
    headers
        .retain(|(name, _)| name != "Content-Type" || signed.to_ascii_lowercase().contains("content-type"));
    headers.extend(added);
    Ok(Delivered {
        method: "POST".into(),
        url: DEFAULT_URL.into(),
        now: DEFAULT_NOW,
        secrets: vec![("main".into(), verifies)],
        headers,
        body: BODY.into(),
    })
}

impl Answers {
    /// `NAME.toml`.
    pub(super) fn preset(&self) -> String {
        let (name, mode) = (self.name(), self.get("mode"));
        let title = quoted(&self.get("title"));
        let reference = match &*self.get("reference") {
            "" => "# reference = \"https://…\"".into(),
            url => format!("reference = {}", quoted(url)),
        };
        let notes = match &*self.get("adjacent") {
            "" => "",
            _ => "\"Parts of what is signed touch: bytes can move from one to the next.\"",
        };
        let mut out = format!(
            "#:schema ./preset.schema.json\n\
             # How {name} signs its webhooks.\n\
             #   Is it well formed?   countersign preset lint {name}.toml\n\
             #   Is it right?         countersign preset test {name} --presets .\n\
             \n\
             # The version of this format.\n\
             schema = 1\n\
             \n\
             # What it is chosen by, and the stem of this file's name.\n\
             name = \"{name}\"\n\
             \n\
             # For people.\n\
             title = {title}\n\
             \n\
             # The provider's page that says all this.\n\
             {reference}\n\
             \n\
             # Who says that it is right: \"provider\" once cases of the provider's own pass.\n\
             confidence = \"third-party\"\n\
             \n\
             # What an operator should know: what is not signed, where page and practice differ.\n\
             notes = [{notes}]\n\
             \n\
             # The way of proving who signed. Its table is below, under its name.\n\
             mode = {}\n",
            quoted(&mode)
        );
        if self.signs_time() {
            let tolerance = self.get("tolerance");
            let tolerance =
                tolerance.parse::<i64>().map_or_else(|_| quoted(&tolerance), |seconds| seconds.to_string());
            let _ = write!(
                out,
                "\n[freshness]\n\
                 # How old a message may be, in seconds: the provider's number, not a guess.\n\
                 tolerance_seconds = {tolerance}\n"
            );
        }
        let _ = write!(out, "\n[{mode}]\n");
        self.table(&mut out);
        out
    }

    /// The mode's own table.
    fn table(&self, out: &mut String) {
        let prefix = self.get("prefix");
        let header = quoted(&self.get("signature-header"));
        let pair = |option: &str| match (self.in_one_header(), &*self.get("pair-separator")) {
            (false, _) => String::new(),
            (true, ",") => format!(", extract = \"kv_pairs\", key = {}", quoted(&self.get(option))),
            (true, between) => format!(
                ", extract = \"kv_pairs\", pair_separator = {}, key = {}",
                quoted(between),
                quoted(&self.get(option))
            ),
        };
        let cut = match (&*prefix, self.signs()) {
            ("", true) => pair("signature-key"),
            ("", _) => String::new(),
            // A scheme of HTTP's own may come in any case.
            (scheme, false) if scheme.trim().bytes().all(|b| b.is_ascii_alphabetic()) => {
                format!(", extract = \"scheme\", scheme = {}", quoted(scheme.trim()))
            }
            (prefix, _) => format!(", extract = \"prefix\", prefix = {}", quoted(prefix)),
        };
        if self.signs() {
            let _ = write!(
                out,
                "algorithm = {}\n\
                 \n\
                 # What is signed. `{{…}}` is a part of the request, `{{body}}` every byte of its body; the rest stands for itself.\n\
                 signed_template = {}\n",
                quoted(&self.get("algorithm")),
                quoted(&self.get("signed"))
            );
        }
        if self.signs() && self.is_given("adjacent") {
            let _ = writeln!(out, "adjacent = {}", quoted(&self.get("adjacent")));
        }
        if self.signs_time() {
            let _ = write!(
                out,
                "\n# Where `{{timestamp}}` is, and how it is written.\n\
                 timestamp_source = {{ header = {}{}, format = {} }}\n",
                quoted(&self.get("timestamp-header")),
                pair("timestamp-key"),
                quoted(&self.get("timestamp-format"))
            );
        }
        if self.signs_id() {
            let id = quoted(&self.get("id-header"));
            let _ = write!(out, "\n# Where `{{id}}` is.\nid_source = {{ header = {id} }}\n");
        }
        if self.signs() {
            let encoding = quoted(&self.get("encoding"));
            let _ = write!(
                out,
                "\n# Where the signature is, how it is cut out, and how its bytes are written.\n\
                 signature_source = {{ header = {header}{cut}, encoding = {encoding} }}\n"
            );
        } else {
            let _ = write!(
                out,
                "# Where the token is, and how it is cut out.\ntoken_source = {{ header = {header}{cut} }}\n"
            );
        }
        let prefix = match &*self.get("secret-prefix") {
            "" => String::new(),
            prefix => format!("prefix = {}, ", quoted(prefix)),
        };
        let _ = write!(
            out,
            "\n# How the key is written that the provider shows. \"text\": the letters are the key; \"hex\", \"base64\": they spell it.\n\
             key = {{ forms = [{{ {prefix}decode = {} }}] }}\n",
            quoted(&self.get("secret-form"))
        );
    }

    /// `NAME.vectors.toml`, with the delivery that was kept or one that is made up.
    pub(super) fn vectors(
        &self,
        compiled: &Arc<Compiled>,
        kept: Option<&Delivered>,
    ) -> Result<String, Failure> {
        let name = self.name();
        let mut out = format!(
            "#:schema ./vectors.schema.json\n\
             # Deliveries, and what must be said of each. Run them: countersign preset test {name} --presets .\n\
             \n\
             schema = 1\n\
             preset = \"{name}\"\n"
        );
        match kept {
            Some(kept) => {
                out.push_str(
                    "\n# A real delivery, byte for byte. Use a test account's: secret and headers stand here to be read.\n",
                );
                case(&mut out, "kept", "captured", kept, compiled);
                variants(&mut out, "kept", kept, compiled);
            }
            None => {
                let made_up = made_up(self, compiled).map_err(Failure::config)?;
                out.push_str(MADE_UP);
                case(&mut out, "made-up", "generated", &made_up, compiled);
                variants(&mut out, "made-up", &made_up, compiled);
            }
        }
        Ok(out)
    }
}

const MADE_UP: &str = "
# This case was made up and signed by the preset itself. It shows that the preset agrees with itself, and NOTHING about the
# provider. Put one of the provider's in its place, from its page or its test suite, or a delivery that you kept:
#   source   \"provider-docs\", \"provider-sdk\" or \"captured\"
#   origin   where exactly it stands, such as a URL
#   now      a moment after it was sent, in seconds since 1970
#   secrets  what it was signed with: a test account's, never one in use
#   headers  as they came
#   body     every byte; what is no text goes into body_base64 instead
";
