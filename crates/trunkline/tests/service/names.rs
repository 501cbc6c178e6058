//! Names on the wire, and what a service says of itself.

use trunkline::Result;
use trunkline::server::MethodFlags;

use crate::arith::{Args, ArithClient, serve};

/// Users, by number.
///
/// More of them than one would think.
#[trunkline::service(name = "users.v1")]
trait UserDirectory {
    /// Finds a user.
    ///
    /// Fails where there is none.
    #[method(idempotent)]
    async fn get_user_by_id(&self, id: u64) -> Result<String>;
    #[method(name = "drop", run_to_completion, blocking)]
    async fn remove(&self, id: u64) -> Result<()>;
    async fn r#type(&self) -> Result<String>;
}

struct Nobody;

impl UserDirectory for Nobody {
    async fn get_user_by_id(&self, id: u64) -> Result<String> {
        Ok(format!("user {id}"))
    }

    async fn remove(&self, _: u64) -> Result<()> {
        Ok(())
    }

    async fn r#type(&self) -> Result<String> {
        Ok("directory".to_owned())
    }
}

#[tokio::test]
async fn methods_are_called_as_in_go_unless_they_are_named() {
    let (_server, client) = serve([Nobody.into_service()]).await;
    let found: String = client.service("users.v1").call("GetUserByID", &7_u64).await.unwrap();
    assert_eq!(found, "user 7");
    client.service("users.v1").call::<_, ()>("drop", &7_u64).await.unwrap();
    let ty: String = client.service("users.v1").call("Type", &()).await.unwrap();
    assert_eq!(ty, "directory");

    let users = UserDirectoryClient::new(client);
    assert_eq!(users.get_user_by_id(7).await.unwrap(), "user 7");
    users.remove(7).await.unwrap();
    assert_eq!(users.r#type().await.unwrap(), "directory");
}

#[test]
fn a_service_describes_itself_on_both_ends_alike() {
    let service = Nobody.into_service();
    let about = UserDirectoryClient::describe();
    assert_eq!((service.path(), &*about.path), ("users.v1", "users.v1"));
    assert_eq!(about.doc, "Users, by number.\n\nMore of them than one would think.");
    let served: Vec<String> = service.methods().map(|method| format!("{method:?}")).collect();
    let described: Vec<String> = about.methods.iter().map(|method| format!("{method:?}")).collect();
    assert_eq!(served, described);

    let [get, remove, ty] = &about.methods[..] else { panic!("{:?}", about.methods) };
    assert_eq!((&*get.name, &*remove.name, &*ty.name), ("GetUserByID", "drop", "Type"));
    assert_eq!(get.doc, "Finds a user.\n\nFails where there is none.");
    assert_eq!((get.args, get.reply), ("u64", "alloc::string::String"));
    assert_eq!((remove.doc, remove.reply, ty.args), ("", "()", "()"));
    assert_eq!(get.flags, MethodFlags { idempotent: true, ..MethodFlags::default() });
    let flags = MethodFlags { run_to_completion: true, blocking: true, ..MethodFlags::default() };
    assert_eq!(remove.flags, flags);
    assert_eq!(ty.flags, MethodFlags::default());
}

#[test]
fn types_are_described_by_their_paths() {
    let about = ArithClient::describe();
    assert_eq!(about.methods[0].args, std::any::type_name::<Args>());
}
