//! What calls out on a stranger's word: keys that are fetched, and endpoints that are sent to. `[egress]` says what may be called, and by
//! which proxy; a target that sources are handed on to is the operator's own, and is called directly.

use crate::config::{Config, ProxyPlace, Warning};
use crate::secrets::read_own;
use countersign_egress::{Client, Identity, Proxy, Refused};

/// What is called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum To {
    /// Documents with keys.
    Keys,
    /// Endpoints, which may ask who we are.
    Endpoints,
}

/// The client for it. Reads files and runs commands.
pub(crate) fn client(config: &Config, to: To) -> Result<(Client, Vec<Warning>), String> {
    let strict = config.server.strict;
    let told = |what: &str, refused: Refused| format!("{what}: {refused} (help: {})", refused.why.advice());
    let (mut client, mut warnings) = (Client::builder().reach(config.egress.reach()), Vec::new());
    if let Some(ProxyPlace { url, credentials }) = &config.egress.proxy {
        const WHAT: &str = "[egress] proxy";
        let mut proxy = Proxy::new(url).map_err(|refused| told(WHAT, refused))?;
        if let Some(place) = credentials {
            let (secret, warning) = read_own(place, "[egress] proxy credentials", strict)?;
            warnings.extend(warning);
            let pair = std::str::from_utf8(secret.expose()).ok().and_then(|text| text.split_once(':'));
            let (user, password) = pair.ok_or_else(|| {
                format!(
                    "{WHAT} credentials: they are no `USER:PASSWORD` (help: write both, a colon between them)"
                )
            })?;
            proxy = proxy.credentials(user, password).map_err(|refused| told(WHAT, refused))?;
        }
        client = client.proxy(proxy);
    }
    if let (To::Endpoints, Some(place)) = (to, &config.delivery.certificate) {
        const WHAT: &str = "[delivery] certificate";
        let (secret, warning) = read_own(place, WHAT, strict)?;
        warnings.extend(warning);
        let identity = Identity::from_pem(secret.expose(), secret.expose());
        client = client.identity(identity.map_err(|refused| told(WHAT, refused))?);
    }
    Ok((client.build().map_err(|refused| told("[egress]", refused))?, warnings))
}
