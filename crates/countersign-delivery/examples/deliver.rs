//! One message to one endpoint, signed: `URL=https://… SECRET=whsec_… cargo run --example deliver`.
use countersign::{Clock, Keyring, Timestamp, Vars};
use countersign_delivery::{End, MAX_MESSAGE, Message, MessageId, Target, deliver};
use countersign_egress::Client;
use std::{env, error::Error, sync::Arc, time::SystemTime};

struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() as i64))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (id, time) = (MessageId::new("msg_1")?, System.now());
    let (topic, kind, payload) = ("billing".into(), "invoice.paid".into(), r#"{"invoice":"in_1"}"#.into());
    let message = Message { id, time, topic, kind, payload }.canonical(MAX_MESSAGE)?;

    let scheme = countersign_presets::registry()?.named("standard-webhooks")?;
    let signer = scheme.signer(&Keyring::of(env::var("SECRET")?)?, &Vars::new())?;
    let client = Arc::new(Client::builder().build()?);
    let target = Target::builder(env::var("URL")?, signer, client).build(time)?;

    let report = deliver(&target, &message, &System, &|| 0.5).await;
    match report.end {
        End::Delivered => Ok(()),
        end => Err(format!("{end:?} after {} attempts: {:?}", report.attempts.len(), report.attempts).into()),
    }
}
