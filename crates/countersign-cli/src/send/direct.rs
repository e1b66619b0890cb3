//! Sending to a URL: no configuration, no store, one message.

use super::bad::{self, Aimed};
use super::message;
use crate::args::{Bad, DirectArgs, Format, KeyArgs, SendArgs};
use crate::endpoint::headers;
use crate::error::{Exit, Failure};
use crate::output::{self, BAD, GOOD, HEAD, plain};
use crate::request::Stdin;
use crate::scheme::{Choice, Chosen, registry};
use crate::{secret, time};
use countersign::{Clock, Keyring, Timestamp, Vars};
use countersign_delivery::{End, Policy, Report, Target, Tried, deliver};
use countersign_egress::{Client, Reach, Url, Why};
use countersign_gateway::secrets::{new_secret, system_random};
use ipnet::IpNet;
use serde_json::json;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

/// What is of one's own: this machine, and the networks that are private by RFC 1918, 4193 and 6598. Where clouds keep
/// metadata is not among them.
const OWN: [&str; 7] =
    ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"];

/// The clock of this command.
struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        time::now()
    }
}

/// Send it.
pub(super) fn run(args: &SendArgs, url: &str) -> Result<Exit, Failure> {
    let DirectArgs { preset, scheme, attempts, allow_private, keys: KeyArgs { secret, var }, folder, .. } =
        &args.direct;
    let mut stdin = Stdin::default();
    let usual = match (preset, scheme) {
        (None, None) => registry(folder)?.default_outbound().map(str::to_owned),
        _ => None,
    };
    let choice = match (scheme, preset.as_deref().or(usual.as_deref())) {
        (Some(file), _) => Choice::File(file),
        (None, Some(name)) => Choice::Name(name),
        (None, None) => return Err(Failure::usage("no preset is named").next("--preset NAME")),
    };
    let chosen = Chosen::resolve(&choice, folder, &[], None)?;
    let vars = chosen.vars(var)?;
    chosen.require_signing()?;
    chosen.require_secret(secret, true)?;
    let client = client(url, *allow_private)?;
    let now = time::now();
    let message = message(args, now, &mut stdin)?;
    let policy = Policy::default()
        .attempts(*attempts)
        .map_err(|wrong| Failure::usage(format!("--attempts: {wrong}")).next("--attempts 3, say"))?;
    let aim = |keys: &Keyring| {
        let signer = chosen.compiled.signer(keys, &vars)?;
        let target = Target::builder(url, signer, client.clone())
            .headers(headers(&args.direct.header)?)
            .policy(policy.clone());
        target.build(now).map_err(|wrong| Failure::usage(wrong.to_string()))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::stream("start", error))?;
    if let Some(bad) = args.bad {
        let keys = match bad {
            Bad::Secret => another(&chosen, &vars)?,
            _ => secret::keyring(secret, chosen.key_kind(true), &mut stdin)?,
        };
        let aimed = Aimed { target: aim(&keys)?, compiled: chosen.compiled.clone() };
        return runtime.block_on(bad::send(&aimed, &message, bad, args.format()));
    }
    let target = aim(&secret::keyring(secret, chosen.key_kind(true), &mut stdin)?)?;
    // Waits are spread, and no more is asked of chance.
    let chance = || (RandomState::new().hash_one(0_u8) % 1000) as f64 / 1000.0;
    let report = runtime.block_on(deliver(&target, &message, &Now, &chance));
    told(&report, &message.id, args.format())
}

/// What calls: public addresses by `https`, unless more is allowed. Whoever types a URL chose its port.
fn client(url: &str, allow_private: bool) -> Result<Arc<Client>, Failure> {
    let mut reach = Reach::public().and_ports(1..=u16::MAX);
    if allow_private {
        reach = OWN.iter().filter_map(|text| text.parse::<IpNet>().ok()).fold(reach, Reach::and_network);
        if let Some(host) = Url::parse(url).ok().as_ref().and_then(Url::host_str) {
            reach = reach.and_plain_http(host);
        }
    }
    if let Err(refused) = reach.judge_url(url) {
        let next = match refused.why {
            Why::Scheme | Why::Address if !allow_private => PRIVATE.to_owned(),
            why => why.advice().to_owned(),
        };
        return Err(Failure::usage(format!("--url: {}", refused.what)).next(next));
    }
    let client = Client::builder().reach(reach).build();
    Ok(Arc::new(client.map_err(|refused| Failure::stream("call anything", refused))?))
}

const PRIVATE: &str = "--allow-private calls this machine and private networks as well, and by `http`";

/// A key that nobody has.
fn another(chosen: &Chosen, vars: &Vars) -> Result<Keyring, Failure> {
    let secret = new_secret(&chosen.compiled, &mut system_random).map_err(|none| {
        Failure::key(format!("--bad secret: no other secret can be made: {none}"))
            .next("give another key as --secret, and leave --bad out: it has to be refused")
    })?;
    let keys = Keyring::of(secret.as_bytes())?;
    chosen.compiled.signer(&keys, vars)?;
    Ok(keys)
}

fn told(report: &Report, id: &str, format: Format) -> Result<Exit, Failure> {
    let Report { attempts, end, .. } = report;
    let arrived = *end == End::Delivered;
    if format == Format::Json {
        let attempts: Vec<_> = attempts
            .iter()
            .map(|Tried { at, took, status, error, .. }| {
                json!({ "at": at.to_string(), "status": status, "error": error, "millis": millis(took) })
            })
            .collect();
        output::print_json(&json!({ "id": id, "arrived": arrived, "attempts": attempts }))?;
    } else {
        let mut out = format!("{}\n", output::styled(HEAD, &plain(id)));
        for (number, Tried { took, status, error, .. }) in (1..).zip(attempts) {
            let (style, mark) = if error.is_none() { (GOOD, "✓") } else { (BAD, "✗") };
            let answer = status.map(|status| format!("answered {status}"));
            let says = error.as_deref().map(plain).or(answer).unwrap_or_default();
            out.push_str(&format!(
                "  {} attempt {number}: {says} ({} ms)\n",
                output::styled(style, mark),
                millis(took)
            ));
        }
        output::print(&out)?;
    }
    let last = attempts.last().and_then(|tried| tried.error.as_deref()).unwrap_or_default();
    if !arrived && last.starts_with(Why::Address.word()) {
        output::help(PRIVATE);
    }
    Ok(if arrived { Exit::Done } else { Exit::No })
}

fn millis(took: &std::time::Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}
