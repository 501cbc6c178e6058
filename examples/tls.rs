//! TLS on both ends: who calls is known by certificate, and certificates are renewed while all goes on.
//!
//! `cargo run --example tls`

use std::fs;
use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use trunkline::transport::tls::{ClientTls, ServerTls};
use trunkline::{Client, Ctx, Result, Server};

#[trunkline::service]
trait Greeter {
    /// Greets the caller by the name in its certificate.
    async fn greet(&self, ctx: &Ctx) -> Result<String>;
}

struct Polite;

impl Greeter for Polite {
    async fn greet(&self, ctx: &Ctx) -> Result<String> {
        let identity = ctx.peer().and_then(|peer| peer.identity());
        let name = identity.and_then(|identity| identity.spiffe()).unwrap_or("whoever you are");
        Ok(format!("hello, {name}"))
    }
}

/// A CA of our own, for an example's lifetime. In earnest this is a company's, or Let's Encrypt.
struct Authority(Issuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str, file: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        fs::write(file, params.self_signed(&key)?.pem())?;
        Ok(Self(Issuer::new(params, key)))
    }

    /// Writes `NAME.pem` and `NAME.key` into the folder.
    fn issue(&self, folder: &Path, name: &str, host: &str) -> Result<(), Box<dyn std::error::Error>> {
        let mut params = CertificateParams::new(vec![host.to_owned()])?;
        params.subject_alt_names.push(SanType::URI(format!("spiffe://example/{name}").as_str().try_into()?));
        let key = KeyPair::generate()?;
        fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, &self.0)?.pem())?;
        fs::write(folder.join(format!("{name}.key")), key.serialize_pem())?;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("trunkline-tls-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let ended = run(&folder).await;
    fs::remove_dir_all(&folder)?;
    ended
}

async fn run(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let path = |name: &str| folder.join(name);
    let authority = Authority::new("Example CA", &path("ca.pem"))?;
    authority.issue(folder, "greeter", "127.0.0.1")?;
    authority.issue(folder, "billing", "billing.example")?;

    // The server shows its certificate and wants one of the same CA from its callers.
    let tls = ServerTls::from_files(path("greeter.pem"), path("greeter.key")).client_ca_file(path("ca.pem"));
    let server = Server::builder()
        .service(Polite.into_service())
        .tls(tls.reload_every(Duration::ZERO))
        .bind("tcp@127.0.0.1:0")
        .await?
        .spawn();

    let tls = ClientTls::ca_file(path("ca.pem")).certificate_files(path("billing.pem"), path("billing.key"));
    let billing = Client::builder().tls(tls).connect(server.address()).await?;
    println!("with a certificate:     {}", GreeterClient::new(billing.clone()).greet().await?);

    let nobody = Client::builder().tls(ClientTls::ca_file(path("ca.pem"))).connect(server.address()).await?;
    println!("without a certificate:  {}", refused(nobody).await);

    let stranger = Client::builder().tls(ClientTls::system()).connect(server.address()).await;
    match stranger {
        Ok(stranger) => println!("with the system's CAs:  {}", refused(stranger).await),
        Err(error) => println!("with the system's CAs:  {error}"),
    }

    // Renewed by somebody, meanwhile: another name, the same file.
    authority.issue(folder, "greeter", "greeter.example")?;
    let tls = ClientTls::ca_file(path("ca.pem")).certificate_files(path("billing.pem"), path("billing.key"));
    let again = Client::builder().tls(tls.clone()).connect(server.address()).await?;
    println!("the certificate's name: {}", refused(again).await);
    let again = Client::builder().tls(tls.server_name("greeter.example")).connect(server.address()).await?;
    println!("with that name:         {}", GreeterClient::new(again).greet().await?);
    println!("connected before:       {}", GreeterClient::new(billing).greet().await?);

    server.stop().await;
    Ok(())
}

async fn refused(client: Client) -> String {
    match GreeterClient::new(client).greet().await {
        Ok(greeting) => format!("it should have been refused, and got: {greeting}"),
        Err(error) => error.message().to_owned(),
    }
}
