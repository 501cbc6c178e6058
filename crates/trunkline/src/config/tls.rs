//! What a server and a client can be told about TLS by a file.

use super::keys::keys;

keys! {
    /// TLS of a server; see [`ServerTls`](crate::transport) of the feature `tls` for what each key
    /// does. Paths of PEM files.
    pub struct ServerTlsConfig {
        /// The server's certificate, with what links it to its CA behind it.
        pub certificate: Option<String>,
        /// Its key, without a password.
        pub key: Option<String>,
        /// The CAs whose clients are let in: mutual TLS.
        pub client_ca: Option<String>,
        /// Lets in clients without a certificate, too.
        pub client_certificate_optional: Option<bool>,
    }
}

keys! {
    /// TLS of a client; see [`ClientTls`](crate::transport) of the feature `tls` for what each key
    /// does. An empty table is TLS with the CAs that the system trusts.
    pub struct ClientTlsConfig {
        /// The path of a PEM file of the CAs to trust, instead of the system's.
        pub ca: Option<String>,
        /// The path of the client's certificate, for servers that ask for one.
        pub certificate: Option<String>,
        /// The path of its key, without a password.
        pub key: Option<String>,
        /// The name that servers' certificates must have, instead of the address's host.
        pub server_name: Option<String>,
        /// Trusts whoever answers, who may read and change every call.
        pub insecure_skip_verify: Option<bool>,
    }
}
