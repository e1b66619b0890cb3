//! Mode x509: RSA and ECDSA under a certificate.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
