//! Verifying: what an event carries is checked, and the verdict stamped over whatever stood there.
//!
//! The verdict lists what was covered. Whatever else the event holds, anybody may have put there, and a verdict that only said
//! yes would lend it a signature: so a consumer either reads the list, or demands fields by [`Verifier::require`].

use crate::attestation::{Algorithm, Attestation};
use crate::fields::{Fields, includes};
use crate::keys::Keys;
use crate::names::Names;
use crate::project::{find, project};
use crate::reason::{Reason, Refused};
use countersign::{Timestamp, Tolerance};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Checks attestations.
#[derive(Debug)]
pub struct Verifier {
    keys: Keys,
    names: Names,
    required: Option<Fields>,
    tolerance: Tolerance,
}

/// An attestation that verified: what it covers, and nothing else of the event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    key_id: String,
    algorithm: Algorithm,
    time: Timestamp,
    fields: Vec<String>,
    absent: Vec<String>,
}

impl Verifier {
    /// With these keys; no field is required, and attestations are up to 300 s old and 60 s ahead.
    pub fn new(keys: Keys) -> Self {
        let tolerance = Tolerance::default();
        Verifier { keys, names: Names::default(), required: None, tolerance }
    }

    /// Refuse what does not cover all of these, or covers one of them as absent. A field is covered, too, by one that it is
    /// below of.
    pub fn require(self, fields: Fields) -> Self {
        Verifier { required: Some(fields), ..self }
    }

    /// How old an attestation may be, and how far ahead. Bounds are inclusive.
    pub fn fresh_within(self, tolerance: Tolerance) -> Self {
        Verifier { tolerance, ..self }
    }

    /// Take attestations of any age. Then one that was sent once can be sent again for ever.
    pub fn danger_of_any_age(self) -> Self {
        self.fresh_within(Tolerance { past: Duration::MAX, ..Tolerance::default() })
    }

    /// With other names.
    pub fn named(self, names: Names) -> Self {
        Verifier { names, ..self }
    }

    /// Verify, and write the verdict into the event. Whatever stood there is taken away first, in any case of its letters.
    pub fn stamp(&self, event: &mut Map<String, Value>, now: Timestamp) -> Result<Verified, Refused> {
        self.names.strip_verdict(event);
        let verdict = self.verify(event, now);
        Names::set(event, &self.names.verdict, verdict_json(&verdict));
        verdict
    }

    /// Verify, and leave the event as it is. Costs the hashing of what is covered, and for Ed25519 some 50 µs.
    ///
    /// The event must have been read by something that refuses a name that comes twice, as [`read`](crate::read) does.
    pub fn verify(&self, event: &Map<String, Value>, now: Timestamp) -> Result<Verified, Refused> {
        let (attestation, signature) = Attestation::read(event, &self.names)?;
        let key = self.keys.find(attestation.key_id).ok_or(Reason::UnknownKey)?;
        if key.algorithm != attestation.algorithm {
            return Err(Reason::WrongAlgorithm.into());
        }
        let projection = project(event, &attestation)?;
        if !key.verify(&projection.content, &signature) {
            return Err(Reason::BadSignature.into());
        }
        // From here on it is genuine, and the question is whether it is of use.
        if !key.window.holds(now) {
            return Err(Reason::ExpiredSecret.into());
        }
        let time = Timestamp::from_unix(attestation.time);
        self.judge_age(time, now)?;
        self.judge_cover(event, &attestation)?;
        let owned = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        Ok(Verified {
            key_id: attestation.key_id.to_owned(),
            algorithm: attestation.algorithm,
            time,
            fields: owned(&attestation.fields),
            absent: owned(&projection.absent),
        })
    }

    fn judge_age(&self, time: Timestamp, now: Timestamp) -> Result<(), Reason> {
        let Tolerance { past, future } = self.tolerance;
        let skew = time.skew_seconds(now);
        let beyond = |bound: Duration| Duration::from_secs(skew.unsigned_abs()) > bound;
        match skew < 0 {
            true if beyond(future) => Err(Reason::FutureTimestamp),
            false if beyond(past) => Err(Reason::StaleTimestamp),
            _ => Ok(()),
        }
    }

    fn judge_cover(&self, event: &Map<String, Value>, attestation: &Attestation<'_>) -> Result<(), Refused> {
        for wanted in self.required.iter().flat_map(Fields::iter) {
            if !attestation.fields.iter().any(|field| includes(field, wanted)) {
                return Err(Refused::about(Reason::UncoveredField, wanted));
            }
            let about = |reason| Refused::about(reason, wanted);
            if find(event, wanted).map_err(about)?.is_none() {
                return Err(about(Reason::MissingField));
            }
        }
        Ok(())
    }
}

impl Verified {
    /// Which key signed. For Ed25519 it is the fingerprint of the public key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// How it was signed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// When it was signed.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// What is covered, as JSON Pointers in the order of their bytes. Nothing else of the event is proven.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Those of the covered fields that are not there, and were not when it was signed.
    pub fn absent(&self) -> &[String] {
        &self.absent
    }
}

/// The verdict as it stands in an event.
pub(crate) fn verdict_json(verdict: &Result<Verified, Refused>) -> Value {
    match verdict {
        Ok(Verified { key_id, algorithm, time, fields, absent }) => json!({
            "verified": true,
            "algorithm": algorithm.word(),
            "key_id": key_id,
            "time": time.unix(),
            "fields": fields,
            "absent": absent,
        }),
        // Neither the key nor the time that it claims: nothing of it is known to be true.
        Err(Refused { reason, .. }) => json!({ "verified": false, "reason": reason.code() }),
    }
}
