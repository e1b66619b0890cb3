//! The attestation itself: what was covered, by whom, when.

use crate::fields::{MAX_FIELDS, check};
use crate::names::Names;
use crate::project::integer;
use crate::reason::{Reason, Refused};
use serde_json::{Map, Value, json};

/// The version of the format.
pub const VERSION: i64 = 1;

/// How many bytes a key id has at most.
pub const MAX_KEY_ID: usize = 256;

/// The last second that is a time: the end of the year 9999.
pub const MAX_TIME: i64 = 253_402_300_799;

const MEMBERS: [&str; 5] = ["version", "algorithm", "key_id", "time", "fields"];

/// How an attestation is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a secret that both sides hold: whoever can verify could have signed.
    HmacSha256,
    /// Ed25519: whoever has the public key can verify, and cannot sign.
    Ed25519,
}

impl Algorithm {
    /// Both.
    pub const ALL: [Algorithm; 2] = [Algorithm::HmacSha256, Algorithm::Ed25519];

    /// The word that stands in the attestation.
    pub const fn word(self) -> &'static str {
        match self {
            Algorithm::HmacSha256 => "hmac-sha256",
            Algorithm::Ed25519 => "ed25519",
        }
    }

    /// The algorithm of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.word() == word)
    }

    /// How many bytes its signatures have.
    pub(crate) const fn signature_length(self) -> usize {
        match self {
            Algorithm::HmacSha256 => 32,
            Algorithm::Ed25519 => 64,
        }
    }
}

/// What stands in an event, read and not yet believed.
pub(crate) struct Attestation<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: &'a str,
    pub(crate) time: i64,
    pub(crate) fields: Vec<&'a str>,
}

impl<'a> Attestation<'a> {
    /// Read an attestation and its signature. Nothing is taken that this version does not define.
    pub(crate) fn read(event: &'a Map<String, Value>, names: &Names) -> Result<(Self, Vec<u8>), Refused> {
        let attestation = event.get(&names.attestation).ok_or(Reason::MissingAttestation)?;
        let signature = event.get(&names.signature).ok_or(Reason::MissingSignature)?;
        let attestation = Self::members(attestation)?;
        let signature = signature.as_str().and_then(|hex| bytes(hex, attestation.algorithm));
        let signature = signature.ok_or(Reason::MalformedSignature)?;
        let mut before = "";
        for field in &attestation.fields {
            let reason = check(field, names).or((before >= *field).then_some(Reason::UnorderedFields));
            reason.map_or(Ok(()), |reason| Err(Refused::about(reason, field)))?;
            before = field;
        }
        Ok((attestation, signature))
    }

    /// As it stands in an event.
    pub(crate) fn to_json(&self) -> Value {
        let Attestation { algorithm, key_id, time, fields } = self;
        json!({
            "version": VERSION,
            "algorithm": algorithm.word(),
            "key_id": key_id,
            "time": time,
            "fields": fields,
        })
    }

    fn members(attestation: &'a Value) -> Result<Self, Reason> {
        let malformed = Reason::MalformedAttestation;
        let members = attestation.as_object().ok_or(malformed)?;
        let number = |name: &str| members.get(name).and_then(Value::as_number).and_then(integer);
        let text = |name: &str| members.get(name).and_then(Value::as_str).ok_or(malformed);
        // First, for another version may have other members.
        if number("version").ok_or(malformed)? != VERSION {
            return Err(Reason::UnknownVersion);
        }
        if members.len() != MEMBERS.len() || !MEMBERS.iter().all(|name| members.contains_key(*name)) {
            return Err(malformed);
        }
        let algorithm = text("algorithm")?;
        let key_id = text("key_id").ok().filter(|id| is_key_id(id)).ok_or(malformed)?;
        let time = number("time").filter(|time| is_time(*time)).ok_or(malformed)?;
        let fields = members.get("fields").and_then(Value::as_array).ok_or(malformed)?;
        if !(1..=MAX_FIELDS).contains(&fields.len()) {
            return Err(malformed);
        }
        let fields: Option<Vec<&str>> = fields.iter().map(Value::as_str).collect();
        let fields = fields.ok_or(malformed)?;
        let algorithm = Algorithm::from_word(algorithm).ok_or(Reason::UnknownAlgorithm)?;
        Ok(Attestation { algorithm, key_id, time, fields })
    }
}

/// Whether a key may be called so: letters, digits and `. _ : - / # ? & = + % ~`, as the command line names keys.
pub(crate) fn is_key_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:-/#?&=+%~".contains(&b);
    (1..=MAX_KEY_ID).contains(&id.len()) && id.bytes().all(plain)
}

pub(crate) fn is_time(seconds: i64) -> bool {
    (0..=MAX_TIME).contains(&seconds)
}

/// A signature has one spelling: lower-case hex of the algorithm's length.
fn bytes(hex: &str, algorithm: Algorithm) -> Option<Vec<u8>> {
    let lower = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (lower && hex.len() == 2 * algorithm.signature_length()).then(|| const_hex::decode(hex).ok())?
}
