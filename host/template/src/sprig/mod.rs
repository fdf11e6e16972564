//! The functions of sprig v3.2.3, the release that KEE has, in its groups. What it panics on is an
//! error here, and what it makes is bounded.

mod cases;
mod convert;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encode;
mod lists;
mod math;
mod paths;
mod random;
mod reflect;
mod regexes;
mod strings;
mod urls;
mod versions;
mod wrap;

use crate::functions::Function;

/// All groups.
pub(crate) static TABLES: &[&[Function]] = &[
    strings::FUNCTIONS,
    cases::FUNCTIONS,
    wrap::FUNCTIONS,
    convert::FUNCTIONS,
    math::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    lists::FUNCTIONS,
    dicts::FUNCTIONS,
    reflect::FUNCTIONS,
    encode::FUNCTIONS,
    random::FUNCTIONS,
    regexes::FUNCTIONS,
    paths::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
];

const ENVIRONMENT: &str =
    "a template does not read the host's environment; write ${env:NAME} in the configuration";
const NETWORK: &str = "a template makes no network requests";
const KEYS: &str = "a template makes no keys, certificates or passwords";
const CALL: &str = "there are no function values here";

/// What is left out, and why.
pub(crate) static LEFT_OUT: &[(&str, &str)] = &[
    ("env", ENVIRONMENT),
    ("expandenv", ENVIRONMENT),
    ("getHostByName", NETWORK),
    ("bcrypt", KEYS),
    ("htpasswd", KEYS),
    ("genPrivateKey", KEYS),
    ("derivePassword", KEYS),
    ("buildCustomCert", KEYS),
    ("genCA", KEYS),
    ("genCAWithKey", KEYS),
    ("genSelfSignedCert", KEYS),
    ("genSelfSignedCertWithKey", KEYS),
    ("genSignedCert", KEYS),
    ("genSignedCertWithKey", KEYS),
    ("encryptAES", KEYS),
    ("decryptAES", KEYS),
    ("call", CALL),
];
