//! Attesting: an event in, the same event with its proof out.
//!
//! What stands in the way of a hook is worse than an event without proof, which the consumer sees and refuses. So
//! [`Attester::before_send`] never fails: it gives back untouched what it cannot attest. Who wants to know why asks
//! [`Attester::attest`].

use crate::attestation::{Attestation, is_time};
use crate::fields::Fields;
use crate::keys::SigningKey;
use crate::names::Names;
use crate::project::project;
use crate::reason::{Reason, Refused};
use countersign::Timestamp;
use serde_json::{Map, Value};

/// Attests the same fields of every event, with one key or with none.
#[derive(Debug, Default)]
pub struct Attester {
    with: Option<(SigningKey, Fields)>,
    names: Names,
}

impl Attester {
    /// With a key.
    pub fn new(key: SigningKey, fields: Fields) -> Self {
        Attester { with: Some((key, fields)), names: Names::default() }
    }

    /// Without a key: events go through as they are.
    pub fn without_key() -> Self {
        Self::default()
    }

    /// With other names. The fields must have been made with the same.
    pub fn named(self, names: Names) -> Self {
        Attester { names, ..self }
    }

    /// A hook before an event is sent: the event with its attestation, or as it was if there is no key or it cannot be
    /// attested. Never fails and never panics, whatever the event is.
    pub fn before_send(&self, mut event: Value, now: Timestamp) -> Value {
        if let Value::Object(members) = &mut event {
            // Whoever wants the reason calls `attest`: a hook has nobody to tell.
            let _ = self.attest(members, now);
        }
        event
    }

    /// Attest an event as of `now`, over whatever attestation it carried, and take away a verdict in it. Without a key nothing
    /// is done. After an error the event is as it was.
    ///
    /// A field that is not there is covered as absent. Costs the hashing of what is covered, and for Ed25519 some 20 µs.
    pub fn attest(&self, event: &mut Map<String, Value>, now: Timestamp) -> Result<(), Refused> {
        let Attester { with: Some((key, fields)), names } = self else { return Ok(()) };
        let time = now.unix();
        if !is_time(time) {
            return Err(Reason::MalformedAttestation.into());
        }
        let fields: Vec<&str> = fields.iter().collect();
        for field in &fields {
            let reserved = crate::fields::check(field, names);
            reserved.map_or(Ok(()), |reason| Err(Refused::about(reason, field)))?;
        }
        let attestation = Attestation { algorithm: key.algorithm(), key_id: key.id(), time, fields };
        let content = project(event, &attestation)?.content;
        let signature = key.sign(&content).ok_or(Reason::BadSignature)?;
        names.strip_verdict(event);
        Names::set(event, &names.attestation, attestation.to_json());
        Names::set(event, &names.signature, const_hex::encode(signature).into());
        Ok(())
    }
}
