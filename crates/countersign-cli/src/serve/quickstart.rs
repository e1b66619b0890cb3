//! `serve --quickstart`: a gateway that takes a first request, made in one step.

use crate::error::Failure;
use crate::output;
use countersign::{Binds, Compiled, Draft, Keyring, Registry, Signer, Vars};
use countersign_gateway::secrets::{new_secret, system_random};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What was made, to be told of once the gateway listens.
pub(super) struct Started {
    signer: Signer,
}

const PATH: &str = "/in/first";
const BODY: &str = r#"{"type":"quickstart.first","data":{"hello":"world"}}"#;

/// Write the configuration, and the secret beside it. What is there already is let be.
pub(super) fn make(file: &Path, preset: Option<&str>) -> Result<Started, Failure> {
    if file.exists() {
        let next = format!("start it without --quickstart, or name another file: --config {}", other(file));
        return Err(Failure::usage(format!("`{}` is there already", file.display())).next(next));
    }
    let registry = countersign_modes::registry().map_err(|errors| Failure::config(errors.to_string()))?;
    let name = match preset {
        Some(name) => name,
        None => usual(&registry).ok_or_else(|| Failure::usage("no preset is usual: name one by --preset"))?,
    };
    let compiled = registry.named(name).map_err(|errors| Failure::complaints(&errors, registry.sources()))?;
    let secret = new_secret(&compiled, &mut system_random)
        .map_err(|error| Failure::usage(error.to_string()).next("name another preset: --preset NAME"))?;
    let keys = Keyring::of(secret.as_bytes())?;
    let signer = compiled.signer(&keys, &Vars::new()).map_err(|error| {
        Failure::usage(format!("`{name}`: {error}")).next("name another preset: --preset NAME")
    })?;
    write(&file.with_file_name("first.secret"), &secret)?;
    write(file, &Zeroizing::new(config(&compiled)))?;
    output::note(&format!("wrote `{}` and `first.secret` beside it", file.display()));
    Ok(Started { signer })
}

impl Started {
    /// How to send the first request.
    pub(super) fn tell(&self, address: SocketAddr) -> Result<(), Failure> {
        let url = format!("http://{address}{PATH}");
        let draft = Draft::new("msg_first", crate::time::now(), &url, BODY.as_bytes());
        let signed = self.signer.sign(&draft).map_err(|refused| Failure::stream("sign", refused))?;
        let mut line = format!("curl -i {url} \\\n  -H 'content-type: application/json' \\\n");
        for (name, value) in &signed.headers {
            line.push_str(&format!("  -H '{name}: {}' \\\n", String::from_utf8_lossy(value)));
        }
        line.push_str(&format!("  -d '{BODY}'\n"));
        output::note("send a first request from another terminal; its signature holds for some minutes:");
        output::print(&line)
    }
}

/// The scheme that most others are like, and that can sign all that matters.
fn usual(registry: &Registry) -> Option<&str> {
    let likes = |name: &str| {
        let like = |(_, layer): &(&str, &countersign::Layer)| {
            layer.get(&["like"]).and_then(|node| node.text()).is_some_and(|base| **base == *name)
        };
        registry.presets().filter(like).count()
    };
    let good = |compiled: &Arc<Compiled>| {
        let needs = compiled.needs();
        needs.signs && needs.binds.contains(Binds::BODY | Binds::ID | Binds::TIME)
    };
    let bases = registry.presets().map(|(name, _)| (likes(name), name)).filter(|(likes, _)| *likes > 1);
    let mut bases: Vec<_> = bases.collect();
    bases.sort_unstable_by(|a, b| b.cmp(a));
    bases
        .into_iter()
        .map(|(_, name)| name)
        .find(|name| registry.named(name).is_ok_and(|compiled| good(&compiled)))
}

fn config(compiled: &Compiled) -> String {
    format!(
        "\
# A gateway that takes requests at one path, and keeps them. docs/reference/gateway-config.md tells every key.

[server]
listen = \"127.0.0.1:8080\"

[store]
url = \"sqlite:countersign.db\"
keep = \"30d\"

[[source]]
path = \"{PATH}\"
name = \"first\"
preset = \"{}\"                        # `countersign preset list` shows all
secrets = [{{ id = \"first\", file = \"first.secret\" }}]
# forward = {{ to = \"http://127.0.0.1:3000/webhooks\" }}
",
        compiled.preset().name
    )
}

/// A file for this user alone.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::io("write", path, &error))
}

fn other(file: &Path) -> String {
    file.with_file_name("other.toml").display().to_string()
}
