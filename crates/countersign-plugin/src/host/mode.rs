//! A loaded mode as the core sees it: a [`Mode`] like any other, which asks one handle for each key and believes no more
//! than the contract allows.

use super::call::Gate;
use super::check::{Bound, LoadedCheck};
use super::credential::{Credential, Outcome, Part, Setup, kind_bit, vars_of};
use super::crossing::Named;
use super::descriptor::{DescribedMode, Functions, check_needs};
use super::redact::Spellings;
use super::sign::LoadedSign;
use super::watch::Shared;
use crate::abi;
use crate::border;
use crate::table;
use countersign::config::{ConfigCode, ConfigError, ConfigErrors};
use countersign::{
    BodyNeed, Check, DetailInfo, HeaderName, KeyError, Keyring, Mode, ModeConfig, ModeInfo, Needs, Reason,
    Scheme, Sign, Vars,
};
use std::borrow::Cow;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a module said under no code of its own.
pub(super) const SAID: &str = "module/said";
pub(super) const FAULT: &str = "module/fault";
pub(super) const QUARANTINED: &str = "module/quarantined";
pub(super) const DEADLINE: &str = "module/deadline";
pub(super) const BUSY: &str = "module/busy";
pub(super) const TWO_IDS: &str = "module/two-ids";
pub(super) const FETCH_REFUSED: &str = "module/fetch-refused";
pub(super) const CROWDED: &str = "too many requests wait for the module";
pub(super) const PANICKED: &str = "the module panicked";

/// The details that stand behind every loaded mode, beside its own.
pub const DETAILS: &[DetailInfo] = &[
    detail(FAULT, Reason::ModeFault, "the module broke its contract or failed"),
    detail(
        QUARANTINED,
        Reason::ModeFault,
        "the module has failed too often or hangs, and is not asked any more",
    ),
    detail(DEADLINE, Reason::ModeFault, "the module had no answer in time"),
    detail(BUSY, Reason::ModeFault, CROWDED),
    detail(FETCH_REFUSED, Reason::KeyUnavailable, "the module wants something fetched that it may not have"),
    detail(
        TWO_IDS,
        Reason::MalformedSignature,
        "two keys signed it, and each signature has an id of its own",
    ),
    detail(SAID, Reason::BadSignature, "what the module said, under no code of its own; with any refusal"),
];

const fn detail(code: &'static str, reason: Reason, says: &'static str) -> DetailInfo {
    (Cow::Borrowed(code), reason, Cow::Borrowed(says))
}

/// What all schemes of one loaded mode have in common.
pub(super) struct Shape {
    /// The module's own rows, in its order.
    pub(super) details: Vec<DetailInfo>,
    pub(super) needs: abi::Needs,
    pub(super) functions: Functions,
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) shared: Arc<Shared>,
}

/// A mode of a module.
pub(super) struct LoadedMode {
    info: ModeInfo,
    pub(super) shape: Arc<Shape>,
}

impl LoadedMode {
    pub(super) fn new(described: DescribedMode, shared: Arc<Shared>) -> Self {
        let DescribedMode { mut info, needs, serial, functions } = described;
        let details = info.details.to_vec();
        info.details.to_mut().extend_from_slice(DETAILS);
        let gate = serial.then(Arc::default);
        LoadedMode { info, shape: Arc::new(Shape { details, needs, functions, gate, shared }) }
    }
}

impl Mode for LoadedMode {
    fn info(&self) -> &ModeInfo {
        &self.info
    }

    fn compile(&self, config: &ModeConfig) -> Result<Box<dyn Scheme>, ConfigErrors> {
        let config_json: Arc<[u8]> = table::to_json(config.table()).into();
        let setup = Setup {
            shape: self.shape.clone(),
            config: config_json.clone(),
            vars: vars_of(config.vars(), &Vars::new()),
            part: None,
            purpose: abi::FOR_CHECK,
        };
        let whole = |says: String| {
            let says = format!("the module {}: {says}", self.shape.shared.name);
            ConfigErrors::from(ConfigError::at(ConfigCode::MalformedConfig, config.span(), says))
        };
        let outcome = setup.compile().map_err(whole)?;
        let spellings = Spellings::of([]);
        match outcome.status {
            abi::OK => {}
            abi::BAD_CONFIG => {
                let lines = String::from_utf8_lossy(&outcome.errors).into_owned();
                let clean = |text: &str| spellings.clean(text.as_bytes());
                let complaints = table::complaints(&lines, config.table(), &clean);
                return Err(match complaints.is_empty() {
                    true => whole("it refuses this table, and does not say why".into()),
                    false => ConfigErrors(complaints),
                });
            }
            abi::PANIC => return Err(whole("it panicked while it read this table".into())),
            status => return Err(whole(format!("it returned the status {status} for this table"))),
        }
        let needs = self.needs(&outcome).map_err(whole)?;
        Ok(Box::new(LoadedScheme {
            shape: self.shape.clone(),
            config: config_json,
            vars: config.vars().into(),
            needs,
        }))
    }
}

impl LoadedMode {
    /// What a table needs, held against what the mode says that any may.
    fn needs(&self, outcome: &Outcome) -> Result<Needs, String> {
        let Outcome { needs, notes, headers, .. } = outcome;
        check_needs(needs)?;
        let most = &self.shape.needs;
        if needs.body > most.body
            || needs.keys & !most.keys != 0
            || needs.abilities & !most.abilities != 0
            || most.binds & !needs.binds != 0
        {
            return Err("this table needs more, or binds less, than the mode says that any does".into());
        }
        let body = if needs.body == abi::BODY_NOTHING { BodyNeed::Nothing } else { BodyNeed::Whole };
        let kinds: Vec<_> =
            border::KINDS.iter().filter(|(_, bit)| needs.keys & bit != 0).map(|(kind, _)| *kind).collect();
        let may_want = needs.abilities & abi::MAY_WANT != 0;
        if kinds.is_empty() && !may_want {
            return Err("this table takes no key, and asks for none".into());
        }
        let mut ours = Needs::new(body, kinds).remote(may_want);
        ours.binds = border::binds_of(needs.binds).unwrap_or_default();
        ours.signs = needs.abilities & abi::CAN_SIGN != 0;
        ours.content = needs.abilities & abi::SAME_CONTENT == 0;
        ours.headers = named(headers)?;
        let notes = String::from_utf8_lossy(notes).into_owned();
        let spellings = Spellings::of([]);
        let note = |note: &str| Cow::Owned(spellings.clean(note.as_bytes()));
        ours.notes = notes.lines().filter(|note| !note.trim().is_empty()).map(note).collect();
        Ok(ours)
    }
}

/// The headers in lines of names. `None`: none is named, and any may be looked at.
fn named(lines: &[u8]) -> Result<Option<Vec<HeaderName>>, String> {
    let name = |line: &[u8]| {
        let text = str::from_utf8(line).ok();
        let name = text.and_then(HeaderName::new).filter(|name| name.as_str().as_bytes() == line);
        name.ok_or_else(|| format!("it looks at a header that there cannot be: `{}`", line.escape_ascii()))
    };
    let names: Vec<HeaderName> = lines
        .split_inclusive(|b| *b == b'\n')
        .map(|line| name(line.strip_suffix(b"\n").unwrap_or(line)))
        .collect::<Result<_, _>>()?;
    Ok(Some(names).filter(|names| !names.is_empty()))
}

struct LoadedScheme {
    shape: Arc<Shape>,
    config: Arc<[u8]>,
    vars: Arc<[countersign::Var]>,
    needs: Needs,
}

impl Scheme for LoadedScheme {
    fn needs(&self) -> Needs {
        self.needs.clone()
    }

    fn bind(&self, keys: &Keyring, vars: &Vars) -> Result<Arc<dyn Check>, KeyError> {
        let credentials = self.credentials(keys, vars, abi::FOR_VERIFY)?;
        Ok(Arc::new(LoadedCheck(Arc::new(Bound {
            shape: self.shape.clone(),
            credentials,
            binds: self.needs.binds,
            body: self.needs.body,
            named: self.needs.headers.clone().map(Named::new),
        }))))
    }

    fn signer(&self, keys: &Keyring, vars: &Vars) -> Result<Box<dyn Sign>, KeyError> {
        if self.shape.functions.sign.is_none() {
            return Err(KeyError::cannot_sign());
        }
        let credentials = self.credentials(keys, vars, abi::FOR_SIGN)?;
        Ok(Box::new(LoadedSign { shape: self.shape.clone(), credentials }))
    }
}

impl LoadedScheme {
    /// One handle a key, or one without.
    fn credentials(&self, keys: &Keyring, vars: &Vars, purpose: u32) -> Result<Vec<Credential>, KeyError> {
        let values = vars_of(&self.vars, vars);
        let setup = |part: Option<Part>| Setup {
            shape: self.shape.clone(),
            config: self.config.clone(),
            vars: values.clone(),
            part,
            purpose,
        };
        if keys.is_empty() {
            // Where keys are needed, the core has refused a ring without them already.
            return match self.needs.keys.is_empty() {
                true => Ok(vec![Credential::new(setup(None))?]),
                false => Err(KeyError::new("no key is given")),
            };
        }
        keys.iter()
            .map(|(index, key)| {
                Credential::new(setup(Some(Part {
                    index: Some(index),
                    id: key.id.as_str().to_owned(),
                    role: key.role.as_deref().unwrap_or_default().to_owned(),
                    kind: kind_bit(key.kind),
                    value: Zeroizing::new(key.material.expose().to_vec()),
                })))
            })
            .collect()
    }
}
