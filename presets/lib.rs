//! The providers, embedded: each preset and its vectors, as the text of their files.
//!
//! The list below is the only Rust here. It is kept by hand, so that no build script has to run, and kept true by a
//! test that reads the folder.

use countersign::Registry;
use countersign::config::ConfigErrors;

macro_rules! embedded {
    ($($name:literal)+) => {
        /// Every preset: the name of its file, and its text.
        pub const PRESETS: &[(&str, &str)] =
            &[$((concat!("presets/", $name, ".toml"), include_str!(concat!($name, ".toml")))),+];

        /// Every preset's vectors, in the same order: the name of the file, and its text.
        pub const VECTORS: &[(&str, &str)] =
            &[$((concat!("presets/", $name, ".vectors.toml"), include_str!(concat!($name, ".vectors.toml")))),+];
    };
}
embedded! {
    "adyen-standard"
    "alexa"
    "alipay-cn"
    "apple-app-store"
    "aws-sns"
    "azure-devops"
    "box"
    "clerk-session"
    "clerk"
    "constant-contact"
    "contentful"
    "discord"
    "drone"
    "fireblocks-v2"
    "github"
    "gitlab-token"
    "google-pubsub"
    "hubspot-v3"
    "kinde"
    "linear"
    "livekit"
    "mailgun"
    "mastodon"
    "messagebird"
    "netlify"
    "paypal-sandbox"
    "paypal"
    "plaid"
    "saleor"
    "sendgrid"
    "shopify"
    "slack"
    "standard-webhooks-ed25519"
    "standard-webhooks"
    "stripe"
    "svix-ed25519"
    "svix"
    "telegram"
    "telnyx"
    "twilio"
    "vonage"
    "wix"
    "woodpecker"
}

/// A registry of every linked mode and all of these presets.
///
/// # Errors
/// A linked mode or preset will not do, or two have one name.
pub fn registry() -> Result<Registry, ConfigErrors> {
    let mut registry = Registry::linked()?;
    for (file, text) in PRESETS {
        registry.add_preset(*file, *text)?;
    }
    Ok(registry)
}
